"""Every exercise: right answers pass, each known wrong one is named, references agree with the world."""

import ast
import math
import re
from dataclasses import replace
from importlib import import_module

import pytest
import torch
from above import values_above
from torchvision import models

from course_utils.attention import (
    LocalAttention2d,
    MultiHeadCrossAttention,
    SelfAttention2d,
    attend,
    attend_2d,
    attention_recorded,
    cross_attention,
)
from course_utils.costs import attention_bytes, count_parameters, local_parameters, vit_parameters
from course_utils.exercises import Kind, Outcome, examine, exercises, find, solution, stub
from course_utils.exercises.compare import ABSOLUTE, same, tensors_in
from course_utils.exercises.observe import observe
from course_utils.teaching.classroom.catalogue import known_pattern

# Misconceptions and answers use the present names of arguments; what RENAMED lists is taken as well.
PRESENT = [replace(exercise, former=()) for exercise in exercises()]
EVERY = pytest.mark.parametrize("exercise", PRESENT, ids=lambda exercise: exercise.name)


def cell(exercise, source: str):
    """The function that the source defines in the exercise's place in its notebook."""
    names = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    namespace = values_above(exercise, names)
    exec(compile(source, "<cell>", "exec"), namespace)
    return namespace[exercise.function]


@pytest.mark.slow
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
def test_the_stub_is_not_attempted_and_the_solution_passes_with_only_what_the_notebook_has_above(exercise):
    assert examine(exercise, cell(exercise, stub(exercise.name))).outcome is Outcome.NOT_ATTEMPTED
    verdict = examine(exercise, cell(exercise, solution(exercise.name)))
    assert verdict.passed
    assert verdict.right == verdict.cases >= 3


RENAMED = [(exercise, old, new) for exercise in exercises() for old, new in exercise.former]
EVERY_FORMER = pytest.mark.parametrize(
    ("exercise", "old", "new"), RENAMED, ids=[f"{each[0].name}-{each[1]}" for each in RENAMED]
)


@EVERY_FORMER
def test_an_answer_begun_with_an_earlier_editions_argument_passes(exercise, old, new):
    begun = re.sub(rf"\b{new}\b", old, solution(exercise.name))
    assert old in begun
    assert examine(exercise, cell(exercise, begun)).passed
    for earlier, present in exercise.former:  # and with all of them at once
        begun = re.sub(rf"\b{present}\b", earlier, begun)
    verdict = examine(exercise, cell(exercise, begun))
    assert verdict.passed, verdict.message


@EVERY_FORMER
def test_no_text_calls_an_argument_as_an_earlier_edition_did(exercise, old, new):
    wild = exercise.wild(torch.Generator().manual_seed(0))
    texts = [*exercise.hints, *(each.message for each in exercise.misconceptions)]
    texts += [text for each in wild for text in (each.note, each.advice)]
    stale = [text for text in texts if any(re.search(rf"\b{old}\b", code) for code in re.findall("`[^`]+`", text))]
    assert not stale, f"{exercise.name} calls {new} by its former name, {old}: write {new} in {stale}."


def answers(exercise, kind, least):
    """The exercise's answers of a kind in the folder `answers`, RIGHT, WRONG or FRAGILE, of which some are needed."""
    found = getattr(import_module(f"answers.nb{exercise.name[:2]}"), kind, {}).get(exercise.name, [])
    file = f"tests/exercises/answers/nb{exercise.name[:2]}.py"
    assert len(found) >= least, (
        f"{exercise.name} has {len(found)} answers in {kind} of {file}: write at least {least}."
    )
    return found


def test_every_answer_in_the_folder_is_to_an_exercise_that_there_is():
    for number in sorted({exercise.name[:2] for exercise in exercises()}):
        module = import_module(f"answers.nb{number}")
        names = {*module.RIGHT, *module.WRONG, *getattr(module, "FRAGILE", {})}
        unknown = names - {exercise.name for exercise in exercises(number)}
        assert not unknown, (
            f"answers/nb{number}.py answers {unknown}, which no EXERCISES has: add it there, or rename it."
        )


@EVERY
def test_right_answers_pass_in_whatever_style_they_are_written(exercise):
    right = answers(exercise, "RIGHT", 3)
    verdicts = {getattr(answer, "__name__", repr(answer)): examine(exercise, answer) for answer in right}
    assert {name: verdict.message for name, verdict in verdicts.items() if not verdict.passed} == {}


@EVERY
def test_no_answer_passes_that_is_wrong_somewhere_and_each_can_be_judged(exercise):
    """FRAGILE are right on ordinary arguments, and wrong on others that the docstring or the notebook allows."""
    wrong = [*answers(exercise, "WRONG", 3), *answers(exercise, "FRAGILE", 0)]
    verdicts = [(what, examine(exercise, answer)) for what, answer in wrong]
    slipped = [what for what, verdict in verdicts if verdict.outcome in (Outcome.PASSED, Outcome.NOT_JUDGED)]
    assert slipped == []
    patterns = {verdict.misconception for _, verdict in verdicts if verdict.kind is Kind.PATTERN}
    assert not [name for name in patterns if not known_pattern(name)], "the class view has no words for these"


@pytest.mark.parametrize("dim", [8, 16])
def test_attention_is_tried_on_scores_that_leave_the_softmax_soft(dim):
    """Where every softmax is one-hot, an answer without √dim would pass."""
    cases = [case for case in find("00.attend").cases(torch.Generator().manual_seed(0)) if case[0].shape[-1] == dim]
    assert cases
    for case in cases:
        assert attend(*case)[1].amax(-1).median() < 0.7


def test_bytes_are_to_be_counted_by_oneself_and_not_by_the_course():
    assert examine(find("04.attention_bytes"), attention_bytes).kind is Kind.LENT

    def wrapped(tokens, heads, layers, dtype=torch.float32, batch=1):
        return attention_bytes(tokens, heads, layers, dtype, batch)

    verdict = examine(find("04.attention_bytes"), wrapped)
    assert verdict.misconception == "04.attention_bytes/own-formula"
    assert "the course's costs.attention_bytes" in verdict.message


def test_one_head_of_the_layers_is_what_the_exercises_ask_for():
    torch.manual_seed(0)
    tokens, memory, maps = torch.randn(2, 3, 8), torch.randn(2, 5, 8), torch.randn(2, 8, 3, 4)
    layer, block = MultiHeadCrossAttention(8, heads=1), SelfAttention2d(8, reduction=2)
    with torch.no_grad(), attention_recorded(block) as recorded:
        mixed = cross_attention(
            tokens,
            memory,
            layer.to_query,
            lambda memory: layer.to_key_value(memory)[..., :8],
            lambda memory: layer.to_key_value(memory)[..., 8:],
        )
        torch.testing.assert_close(layer(tokens, memory), layer.to_out(mixed))
        block.gate.fill_(0.7)
        output, weights = attend_2d(block.to_query(maps), block.to_key(maps), block.to_value(maps))
        torch.testing.assert_close(block(maps), maps + 0.7 * block.to_out(output))
        torch.testing.assert_close(recorded[0][:, 0], weights)


@pytest.mark.parametrize(
    ("channels", "out_channels", "size", "heads"), [(64, 128, 7, 8), (12, 6, 3, 3), (3, 4, 1, 2)]
)
def test_parameters_of_local_attention_are_the_layers(channels, out_channels, size, heads):
    layer = LocalAttention2d(channels, out_channels, size, heads)
    assert local_parameters(channels, out_channels, size) == count_parameters(layer)


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
    slide = find("04.vit_parameters").misconceptions[0]
    assert slide.spellings[0](224, 16, 1024, 24, 4096, 1000) == 278_836_224
    assert "slide" in slide.message
