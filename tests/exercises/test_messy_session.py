"""A notebook as it is used in a lab: cells renamed, broken, deleted, asked twice, on a machine that is busy."""

import os
import subprocess
import sys
import time

import nbformat
import pytest

from course_utils import exercises as course
from course_utils.exercises import Kind, Outcome, check, checking, judge, stub
from course_utils.lab.notebooks import client_of
from course_utils.paths import ROOT

RIGHT = "def split_heads(tokens, heads):\n    return tokens.unflatten(-1, (heads, -1)).transpose(1, 2)"
CHECK = "split_heads = check('00.split_heads', split_heads)"


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_STATE", str(tmp_path))
    monkeypatch.setattr(checking, "_verdicts", {})
    monkeypatch.setattr(checking, "_hints_given", {})
    return tmp_path


def run(cells, tmp_path):
    """The text that each cell shows, errors included, in a real kernel."""
    cells = ["from course_utils.exercises import check, passed", *cells]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    environment = {**os.environ, "COURSE_STATE": str(tmp_path), "PYTHONPATH": str(ROOT)}
    client = client_of(notebook, timeout=3600, kernel_name="python3", allow_errors=True)
    client.execute(env=environment)
    shown = []
    for cell in notebook.cells[1:]:
        texts = [o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in cell.outputs]
        errors = ["\n".join(o.traceback) for o in cell.outputs if o.output_type == "error"]
        shown.append("\n".join([*texts, *errors]))
    return shown


@pytest.mark.notebook
def test_what_became_of_a_function_after_its_check_is_noticed_by_the_next(tmp_path):
    shown = run(
        [
            RIGHT,
            CHECK,
            CHECK,  # nothing has changed: still right
            RIGHT.replace("def split_heads", "def my_split"),
            CHECK,  # renamed
            RIGHT.replace("tokens.unflatten(", "tokens.unflatten(("),
            CHECK,  # broken
            RIGHT,
            CHECK,
            "def split_heads(tokens, heads):\n    return tokens",
            CHECK,  # wrong, so the course's version is lent
            RIGHT.replace("def split_heads", "def splitheads"),
            CHECK,
            CHECK,
        ],
        tmp_path,
    )
    assert "passed" in shown[1]
    assert "passed" in shown[2]
    assert "not yet" in shown[4]
    assert "defines my_split, but the check needs split_heads" in shown[4]
    assert "run again, but failed" in shown[6]
    assert "passed" in shown[8]
    assert "not yet" in shown[10]
    assert "defines splitheads, but the check needs split_heads" in shown[12]
    assert "split_heads is the course's version here" in shown[13]


@pytest.mark.notebook
def test_a_cell_that_was_not_run_is_named_where_its_function_is_missed(tmp_path):
    shown = run([stub("00.causal_mask").replace("-> Tensor", ""), "causal_mask(3)", "split_heads(1, 2)"], tmp_path)
    assert "causal_mask is still a stub" in shown[1]
    assert 'causal_mask = check("00.causal_mask", causal_mask)' in shown[1]
    assert "split_heads is not defined yet" in shown[2]


@pytest.mark.notebook
def test_nobody_is_asked_for_input_and_pictures_of_random_cases_are_not_shown(tmp_path):
    shown = run(
        [
            "import matplotlib.pyplot as plt\n"
            + RIGHT.replace("    return", "    plt.imshow(tokens[0]), plt.show()\n    return"),
            CHECK,
            "def split_heads(tokens, heads):\n    return input('heads? ')",
            CHECK,
            "import sys\ndef split_heads(tokens, heads):\n    return sys.stdin.readline()",
            CHECK,
            "print(input)",
        ],
        tmp_path,
    )
    assert "passed" in shown[1]
    assert "Figure" not in shown[1]
    assert "calls input()" in shown[3]
    assert "calls input()" in shown[5]
    assert "raw_input" in shown[6]  # the kernel's own is back


def test_the_library_handed_in_is_no_pass_and_a_wrong_order_of_the_two_is_understood(capsys):
    from course_utils.attention import attend, causal_mask

    assert judge("00.attend", attend).outcome is Outcome.NOT_ATTEMPTED
    assert judge("00.causal_mask", causal_mask).kind is Kind.LENT

    def mine(tokens):
        return causal_mask(tokens)

    assert check(mine, "00.causal_mask") is mine
    assert "passed" in capsys.readouterr().out


def test_pytorchs_own_not_implemented_error_is_no_stub_and_another_stub_is_named():
    import torch

    verdict = judge("00.causal_mask", lambda tokens: 1 - torch.triu(torch.ones(tokens, tokens), 1).bool())
    assert verdict.kind is Kind.ERROR
    assert "subtract" in verdict.message.lower() or "bool" in verdict.message

    names = {"Tensor": torch.Tensor}
    exec(stub("00.causal_mask"), names)
    verdict = judge("00.split_heads", lambda tokens, heads: names["causal_mask"](3))
    assert verdict.outcome is Outcome.NOT_YET
    assert 'causal_mask = check("00.causal_mask", causal_mask)' in verdict.message


def test_lines_are_those_of_the_function_that_failed():
    class Splitter:
        def __call__(self, tokens, heads):
            size = heads
            return tokens.view(size)

    from functools import partial

    def split(tokens, heads, more):
        more = more
        return tokens.view(more)

    one, other = (lambda tokens, heads: tokens), (lambda tokens, heads: tokens.view(heads))
    assert one is not other
    for student, line in ((Splitter(), "line 3"), (partial(split, more=5), "line 3"), (other, "line 1")):
        assert f"{line} of your function" in judge("00.split_heads", student).message


def test_eight_busy_processes_make_no_right_answer_late():
    import torch

    def by_loops(query, key, value, mask=None):
        scores = torch.stack([(query * k[..., None, :]).sum(-1) for k in key.unbind(-2)], -1) / query.shape[-1] ** 0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, -1e30)
        weights = scores.softmax(-1)
        if mask is not None:
            weights = weights * mask
        return weights @ value, weights

    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(8)]
    try:
        begun = time.process_time()
        verdict = judge("00.attend", by_loops)
        assert verdict.passed, verdict.message
        assert time.process_time() - begun < 5
    finally:
        for process in busy:
            process.kill()
            process.wait()


def test_the_last_hint_says_that_it_was_the_last(capsys):
    steps = len(course.find("00.causal_mask").hints) + 1
    for _ in range(steps):
        course.hint("00.causal_mask")
    assert "there are no more hints" not in capsys.readouterr().out
    course.hint("00.causal_mask")
    assert "there are no more hints" in capsys.readouterr().out
