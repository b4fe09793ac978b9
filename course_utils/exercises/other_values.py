"""What a function does with other arguments than those of its cases: is one of them never used, are dice rolled?"""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.compare import same
from course_utils.exercises.exercise import Arguments, Exercise
from course_utils.exercises.findings import Finding
from course_utils.exercises.observe import handed_over

Function = Callable[..., Any]


def rolls_dice(exercise: Exercise, fn: Function, cases: Sequence[Arguments]) -> Finding | None:
    """Two calls with the same arguments differ."""
    if _equal(*(result_of(fn, exercise, cases[0], seed) for seed in (0, 1))):
        return None
    return Finding(
        "random",
        "Two calls with the same arguments give different results: something in it is random, kept from call to "
        "call, or never written (torch.empty).",
    )


def unused_argument(exercise: Exercise, fn: Function, cases: Sequence[Arguments]) -> Finding | None:
    """An argument that decides what the reference gives, and nothing of what fn gives. fn's exceptions escape."""
    for number, name in enumerate(exercise.arguments):
        pairs = [(case, other) for case in cases for other in other_values(case, number)]
        telling = [pair for pair in pairs if _matters(exercise, *pair)]
        if telling and all(_equal(*(result_of(fn, exercise, each) for each in pair)) for pair in telling):
            return Finding(f"unused-{name}", f"Changing `{name}` changes nothing in your result, though it should.")
    return None


def _matters(exercise: Exercise, case: Arguments, other: Arguments) -> bool:
    """Whether the reference's results differ; not where it refuses the other value."""
    try:
        return not same(*(result_of(exercise.reference, exercise, each) for each in (case, other)))
    except Exception:
        return False


def other_values(case: Arguments, number: int) -> Iterator[Arguments]:
    """The case with other values of one argument that are as possible; none when there are none to be sure of."""
    value = case[number] if number < len(case) else None
    others: list[Any] = []
    if isinstance(value, Tensor) and value.numel() > 1:
        others.append(value.flatten().roll(1).view(value.shape))
        if value.dtype == torch.bool:
            others.append(~value)
        elif value.is_floating_point():
            others += [value * 0.9, value * 3, -value]
        else:
            others.append(value.max() + value.min() - value)  # as far from the other end: within the same range
    elif isinstance(value, float) or (isinstance(value, Tensor) and value.is_floating_point()):
        others += [value * 0.9, value * 3]
    for other in others:
        yield (*case[:number], other, *case[number + 1 :])


def result_of(fn: Function, exercise: Exercise, arguments: Arguments, seed: int = 0) -> Any:
    """What fn gives for a copy of the arguments, its dice seeded."""
    torch.default_generator.manual_seed(seed)
    random.seed(seed)
    return fn(*handed_over(exercise.arguments, arguments))


def _equal(one: Any, other: Any) -> bool:
    """To the bit."""
    if isinstance(one, tuple | list):
        return isinstance(other, tuple | list) and len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and bool(((one == other) | (one.isnan() & other.isnan())).all())
    return type(one) is type(other) and bool(one == other)
