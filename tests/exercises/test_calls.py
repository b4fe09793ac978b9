"""What is told of a call, and that a notebook's kernel tells it."""

import nbformat
import pytest
import torch
from calls import recorded, recording, seen, traits, tried
from torch import nn

from course_utils.lab import notebooks


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (torch.ones(2, 3, 3), "is a tensor of float32, has 3 axes"),
        (torch.ones(2, 1), "is a tensor of float32, has 2 axes, has size 1 at axis -1"),
        (torch.ones(3, 2).T, "is a tensor of float32, has 2 axes, is not contiguous, is oblong"),
        (torch.ones(1, 2).expand(2, 2), "is a tensor of float32, has 2 axes, is expanded"),
        (torch.ones(1, 2, 2), "is a tensor of float32, has 3 axes, has size 1 at axis -3"),
        (torch.ones(0, 2), "is a tensor of float32, has 2 axes, has size 0 at axis -2"),
        (torch.ones(2, requires_grad=True), "is a tensor of float32, has 1 axes, requires a gradient"),
        (torch.tensor(-300.0), "is a tensor of float32, has 0 axes, reaches 100"),
        (torch.tensor(300), "is a tensor of int64, has 0 axes"),
        (torch.tensor([20_000, 0]), "is a tensor of int64, has 1 axes, reaches 10,000"),
        (torch.tensor([float("nan"), 1.0]), "is a tensor of float32, has 1 axes, is not finite"),
        (torch.eye(2) > 0, "is a tensor of bool, has 2 axes"),
        (torch.eye(3, 2) > 0, "is a tensor of bool, has 2 axes, is oblong, has a row that is all False"),
        (-2, "is of type int, is negative"),
        (True, "is of type bool, is one"),
        (0.5, "is of type float, is between zero and one"),
        (None, "is None"),
        (torch.relu, "is a function"),
        (nn.Identity(), "is a module"),
        ([], "is of type list, is empty"),
        ((0.0,), "is of type tuple, has one item, has an item that is of type float, has an item that is zero"),
        (iter(()), "is of type tuple_iterator"),
    ],
)
def test_what_could_break_a_function_is_told(value, told):
    assert ", ".join(traits(value)) == told


def test_a_call_tells_its_arguments_by_name_and_those_left_out():
    kinds = []
    multiplied = recorded(lambda number, times=2: number * times, kinds.append)
    assert multiplied(4) == 8
    assert kinds == ["number is of type int", "number is above one", "times is left out"]
    assert multiplied(times=3, number=4) == 12
    assert kinds[3:] == [*kinds[:2], "times is of type int", "times is above one"]


def test_what_a_check_tries_is_told_in_the_same_words():
    kinds = ("is of type int", "is one", "is above one")
    assert tried("00.causal_mask") >= {f"00.causal_mask: tokens {kind}" for kind in kinds}


@pytest.mark.notebook
def test_a_kernel_tells_the_calls_of_what_a_check_returned_and_leaves_no_name_behind(tmp_path):
    cells = [
        "print({'sys', 'calls'} & set(globals()))",
        "from course_utils.exercises import check\ncausal_mask = check('00.causal_mask', None)\ncausal_mask(0)",
    ]
    path = tmp_path / "notebook.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), path)
    execution = notebooks.execute(path, environment=recording(tmp_path / "kernel"))
    assert execution.error is None
    assert execution.notebook.cells[0].outputs[0].text == "set()\n"
    assert seen(tmp_path / "kernel") == {"00.causal_mask: tokens is of type int", "00.causal_mask: tokens is zero"}
