"""Call a function with other arguments than those of its cases: is one never used, is the result random?"""

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
        "Two calls with the same arguments return different results: look for something random, stored between "
        "calls, or never written (torch.empty).",
    )


def unused_argument(exercise: Exercise, fn: Function, cases: Sequence[Arguments]) -> Finding | None:
    """An argument that changes the reference's result but not fn's, or None. Raises any exception of fn."""
    for number, name in enumerate(exercise.arguments):
        pairs = [(case, other) for case in cases for other in other_values(case, number)]
        telling = [pair for pair in pairs if _matters(exercise, *pair)]
        if telling and all(_equal(*(result_of(fn, exercise, each) for each in pair)) for pair in telling):
            return Finding(f"unused-{name}", f"Changing `{name}` does not change your result, but it should: use it.")
    return None


def _matters(exercise: Exercise, case: Arguments, other: Arguments) -> bool:
    """Whether the reference's results differ; False if it rejects the other value."""
    try:
        return not same(*(result_of(exercise.reference, exercise, each) for each in (case, other)))
    except Exception:
        return False


def other_values(case: Arguments, number: int) -> Iterator[Arguments]:
    """The case with other valid values of one argument; none if no other value is certainly valid."""
    value = case[number] if number < len(case) else None
    others: list[Any] = []
    if isinstance(value, Tensor) and value.numel() > 1:
        others.append(value.flatten().roll(1).view(value.shape))
        if value.dtype == torch.bool:
            others.append(~value)
        elif value.is_floating_point():
            others += [value * 0.9, value * 3, -value]
        else:
            others.append(value.max() + value.min() - value)  # mirrored within the same range
    elif isinstance(value, float) or (isinstance(value, Tensor) and value.is_floating_point()):
        others += [value * 0.9, value * 3]
    for other in others:
        yield (*case[:number], other, *case[number + 1 :])


def result_of(fn: Function, exercise: Exercise, arguments: Arguments, seed: int = 0) -> Any:
    """The result of fn for a copy of the arguments, with a fixed seed."""
    torch.default_generator.manual_seed(seed)
    random.seed(seed)
    return fn(*handed_over(exercise.arguments, arguments))


def _equal(one: Any, other: Any) -> bool:
    """Whether two results are identical to the bit."""
    if isinstance(one, tuple | list):
        return isinstance(other, tuple | list) and len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and bool(((one == other) | (one.isnan() & other.isnan())).all())
    return type(one) is type(other) and bool(one == other)
