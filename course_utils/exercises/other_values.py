"""Call a function again, with the same and with other arguments: is it random, does it remember, is one never used?"""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.as_if import completed
from course_utils.exercises.compare import WHOLE, comparable, fitted, same
from course_utils.exercises.exercise import Arguments, Exercise
from course_utils.exercises.findings import Finding
from course_utils.exercises.observe import handed_over

Function = Callable[..., Any]


def remembers(
    exercise: Exercise, fn: Function, cases: Sequence[Arguments], right_everywhere: bool = False
) -> Finding | None:
    """A call changes what another one returns or has returned, or the result is random. Raises any exception of fn.

    right_everywhere: whether fn is right in all cases. Otherwise, a number that has no effect may simply be unused.
    """
    case = cases[0]
    result = result_of(fn, exercise, case)
    kept, right = _snapshot(result), result_of(exercise.reference, exercise, case)
    good, again = same(fitted(kept, right), right), None
    for names, numbers, other, wanted in _others(exercise, cases, right):
        later = fitted(_attempt(fn, exercise, other), wanted)
        stale = same(later, fitted(kept, wanted)) and not same(later, wanted)
        if good and stale and (right_everywhere or not numbers):
            again = again or names
    _attempt(fn, exercise, cases[1])
    if not _agree(result, kept):
        return Finding(
            "stored",
            "A later call changes the result of an earlier one, because both return the same object: look for a list "
            "or a tensor that outlives the call, such as a default argument `[]` or a global name, and make a new one "
            "in each call.",
        )
    if not _agree(kept, result_of(fn, exercise, case, seed=1)):
        return Finding(
            "random",
            "Two calls with the same arguments return different results: look for something random, stored between "
            "calls, or never written (torch.empty).",
        )
    if again:
        return Finding(
            "from-an-earlier-call",
            f"With another value of {again}, your function returns the result of an earlier call again: either it does "
            f"not use {again}, or something is stored between calls and chosen without it.",
        )
    return None


def _others(exercise: Exercise, cases: Sequence[Arguments], right: Any) -> Iterator[tuple[str, bool, Arguments, Any]]:
    """The first case with other values of some arguments: their names, whether they are numbers, the case, its result.

    All tensors of floating-point numbers, then all of integers, are turned back to front on every axis. An argument
    without tensors gets its value in another case, 1, or the value of its neighbour, if the reference accepts it. The
    result of the reference is another one than right each time.
    """
    case, *rest = (completed(exercise, each) for each in cases)
    changes: list[list[Arguments]] = [
        [tuple(_turned(value, kind) for value in case)]
        for kind in (Tensor.is_floating_point, lambda tensor: tensor.dtype in WHOLE)
    ]
    for number, value in enumerate(case):
        if isinstance(value, int | float | tuple | torch.dtype):
            found = [each[number] for each in rest if type(each[number]) is type(value)]
            found += [] if isinstance(value, tuple | torch.dtype) else [type(value)(1)]
            changes.append([(*case[:number], other, *case[number + 1 :]) for other in found])
            if number and type(case[number - 1]) is type(value):
                changes.append([(*case[: number - 1], value, case[number - 1], *case[number + 1 :])])
    for others in changes:
        for other in others:
            wanted = _attempt(exercise.reference, exercise, other)
            if wanted is not None and not same(wanted, right):
                parts = zip(exercise.arguments, case, other, strict=True)
                changed = [(f"`{name}`", old) for name, old, new in parts if old is not new]
                numbers = not isinstance(changed[0][1], Tensor | list)
                yield " or ".join(name for name, _ in changed), numbers, other, wanted
                break


def _attempt(fn: Function, exercise: Exercise, arguments: Arguments) -> Any:
    """A copy of the result; None if fn does not accept the arguments."""
    try:
        return _snapshot(result_of(fn, exercise, arguments))
    except Exception:
        return None


def _turned(value: Any, kind: Callable[[Tensor], bool]) -> Any:
    if isinstance(value, list) and all(isinstance(item, Tensor) for item in value):
        return [_turned(item, kind) for item in value]
    return value.flip(tuple(range(value.ndim))) if isinstance(value, Tensor) and kind(value) else value


def unused_argument(exercise: Exercise, fn: Function, cases: Sequence[Arguments]) -> Finding | None:
    """An argument that changes the reference's result but not fn's, or None. Raises any exception of fn."""
    for number, name in enumerate(exercise.arguments):
        pairs = [(case, other) for case in cases for other in other_values(case, number)]
        telling = [pair for pair in pairs if _matters(exercise, *pair)]
        results = ((result_of(fn, exercise, each) for each in pair) for pair in telling)
        if telling and all(same(mine, other, exactly=True) for mine, other in results):
            return Finding(f"unused-{name}", f"Changing `{name}` does not change your result, but it should: use it.")
    return None


def _matters(exercise: Exercise, case: Arguments, other: Arguments) -> bool:
    """Whether the reference's results differ; False if it rejects the other value."""
    results = [_attempt(exercise.reference, exercise, each) for each in (case, other)]
    return all(result is not None for result in results) and not same(*results)


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


def _snapshot(value: Any, depth: int = 3) -> Any:
    """A copy of the tensors in a result, and of its lists, which may contain themselves."""
    if isinstance(value, tuple | list):
        return [_snapshot(item, depth - 1) for item in value[:1000]] if depth else []
    return value.detach().clone() if isinstance(value, Tensor) and comparable(value) else value


def _agree(one: Any, other: Any, depth: int = 3) -> bool:
    """Whether two results agree up to rounding, as far as can be told."""
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        pairs = zip(one[:1000], other[:1000], strict=False)
        return not depth or (len(one) == len(other) and all(_agree(*pair, depth - 1) for pair in pairs))
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return not comparable(one) or same(one, other)
    return not isinstance(one, int | float) or not isinstance(other, int | float) or one == other or one != one
