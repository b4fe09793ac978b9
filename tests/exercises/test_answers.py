"""Every exercise: right answers pass, each known wrong one is named, references agree with the world."""

import math
from collections.abc import Callable
from importlib import import_module

import pytest
import torch
from einops import einsum, rearrange, repeat
from torch import Tensor
from torch.nn import functional as F
from torchvision import models

from course_utils.attention import attend
from course_utils.attention.window import partition
from course_utils.costs import attention_bytes
from course_utils.exercises import Kind, Outcome, examine, exercises, find, solution, stub
from course_utils.exercises.compare import ABSOLUTE, same, tensors_in
from course_utils.exercises.nb04_vit import matrix_bytes, vit_parameters
from course_utils.exercises.observe import observe

EVERY = pytest.mark.parametrize("exercise", exercises(), ids=lambda exercise: exercise.name)

# What a notebook imports for its students.
NAMES = {
    "Tensor": Tensor,
    "Callable": Callable,
    "torch": torch,
    "math": math,
    "F": F,
    "rearrange": rearrange,
    "repeat": repeat,
    "einsum": einsum,
}


def cell(source: str, name: str):
    namespace = {**NAMES, "attend": attend, "partition": partition}
    exec(compile(source, "<cell>", "exec"), namespace)
    return namespace[name]


@EVERY
def test_each_known_wrong_answer_is_told_its_own_message_however_it_is_spelt(exercise):
    messages = [misconception.message for misconception in exercise.misconceptions]
    assert len(set(messages)) == len(messages)
    for misconception in exercise.misconceptions:
        for spelling in misconception.spellings:
            verdict = examine(exercise, spelling)
            assert (verdict.kind, verdict.message) == (Kind.MISCONCEPTION, misconception.message)
            assert verdict.misconception == f"{exercise.name}/{misconception.name}"


def distance(one, other):
    """Largest difference between the numbers of two observations; infinite when they differ in form, or by NaN."""
    mine, theirs = tensors_in(one.result), tensors_in(other.result)
    if [(t.shape, t.dtype) for t in mine] != [(t.shape, t.dtype) for t in theirs] or not mine:
        return 0.0 if same(one.result, other.result) else math.inf
    gaps = [(a.double() - b.double()).abs().max().item() for a, b in zip(mine, theirs, strict=True) if a.numel()]
    gap = max(gaps, default=0.0)
    return gap if gap > 0 or same(one.result, other.result) else math.inf


@EVERY
def test_no_wrong_answer_hides_near_the_right_one(exercise):
    """A wrong result differs in form, by a whole number, or by a hundred times what rounding could explain."""
    cases = exercise.all_cases()
    right = observe(exercise.reference, cases)
    for misconception in exercise.misconceptions:
        for spelling in misconception.spellings:
            pairs = zip(observe(spelling, cases), right, strict=True)
            assert max(distance(answer, wanted) for answer, wanted in pairs) > 100 * ABSOLUTE, misconception.message


@EVERY
def test_the_stub_is_not_attempted_and_the_solution_passes_with_only_what_a_notebook_imports(exercise):
    name = exercise.reference.__name__
    assert examine(exercise, cell(stub(exercise.name), name)).outcome is Outcome.NOT_ATTEMPTED
    verdict = examine(exercise, cell(solution(exercise.name), name))
    assert verdict.passed
    assert verdict.right == verdict.cases >= 3


def answers(exercise, kind):
    """The exercise's answers of a kind in the folder `answers`: RIGHT, WRONG or FRAGILE."""
    return getattr(import_module(f"answers.nb{exercise.name[:2]}"), kind).get(exercise.name, [])


@EVERY
def test_right_answers_pass_in_whatever_style_they_are_written(exercise):
    right = answers(exercise, "RIGHT")
    assert len(right) >= 3
    verdicts = {getattr(answer, "__name__", repr(answer)): examine(exercise, answer) for answer in right}
    assert {name: verdict.message for name, verdict in verdicts.items() if not verdict.passed} == {}


@EVERY
def test_no_answer_passes_that_is_wrong_somewhere_and_each_can_be_judged(exercise):
    """FRAGILE are right on ordinary arguments, and wrong on others that the docstring or the notebook allows."""
    wrong = [*answers(exercise, "WRONG"), *answers(exercise, "FRAGILE")]
    verdicts = [(what, examine(exercise, answer)) for what, answer in wrong]
    slipped = [what for what, verdict in verdicts if verdict.outcome in (Outcome.PASSED, Outcome.NOT_JUDGED)]
    assert slipped == []


@pytest.mark.parametrize("dim", [8, 16])
def test_attention_is_tried_on_scores_that_leave_the_softmax_soft(dim):
    """Where every softmax is one-hot, an answer without √dim would pass."""
    cases = [case for case in find("00.attend").cases(torch.Generator().manual_seed(0)) if case[0].shape[-1] == dim]
    assert cases
    for case in cases:
        assert attend(*case)[1].amax(-1).median() < 0.7


def test_bytes_agree_with_the_librarys_and_with_the_slides():
    assert matrix_bytes(224, 16, 12, 12) == attention_bytes(197, heads=12, layers=12)
    assert matrix_bytes(224, 16, 1, 1, class_token=False) == 14**4 * 4
    assert matrix_bytes(256, 16, 48, 16, class_token=False) == 192 * 2**20


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("vit_b_16", (224, 16, 768, 12, 3072, 1000)),
        ("vit_b_32", (224, 32, 768, 12, 3072, 1000)),
        ("vit_l_16", (224, 16, 1024, 24, 4096, 1000)),
        ("vit_l_32", (224, 32, 1024, 24, 4096, 1000)),
        ("vit_h_14", (224, 14, 1280, 32, 5120, 1000)),
    ],
)
def test_parameters_agree_with_torchvisions_models_to_the_last_one(name, sizes):
    with torch.device("meta"):
        model = getattr(models, name)()
    assert vit_parameters(*sizes) == sum(parameter.numel() for parameter in model.parameters())


def test_the_slides_sum_is_the_one_that_the_slides_misconception_names():
    slide = find("04.parameters").misconceptions[0]
    assert slide.wrong(224, 16, 1024, 24, 4096, 1000) == 278_836_224
    assert "slide" in slide.message
