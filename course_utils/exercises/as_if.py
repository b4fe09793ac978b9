"""Wrong results that would be right for other arguments: two swapped, one squared, one used as another."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, permutations
from operator import itemgetter
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.exercises.compare import capital, fitted, same, tensors_in, with_article
from course_utils.exercises.exercise import Arguments, Exercise
from course_utils.exercises.findings import Finding
from course_utils.exercises.observe import Observation, handed_over

SMALL = 1e-3  # smaller numbers are equal within the checks' tolerance

Change = Callable[[list[Any]], list[Any]]

# What replaces an argument: in words, with {} for the argument's name, and a function that computes it.
_FLOATS: dict[str, Callable[[Tensor], Tensor]] = {
    "−{}": torch.neg,
    "the softmax of {} over the last axis": lambda x: x.softmax(-1),
    "the log-softmax of {} over the last axis": lambda x: x.log_softmax(-1),
    "{} with the last two axes swapped": lambda x: x.mT,
    "{} scaled to length one along the last axis": lambda x: F.normalize(x, dim=-1),
    "the absolute values of {}": torch.abs,
    "zeros": torch.zeros_like,
    "ones": torch.ones_like,
    "{} rounded": torch.round,
    "{} clamped to [0, 1]": lambda x: x.clamp(0, 1),
    "{} moved forward by one along the first axis": lambda x: x.roll(1, 0),
    "{} moved back by one along the first axis": lambda x: x.roll(-1, 0),
    "the first item of {} for the whole batch": lambda x: x[:1].expand_as(x),
    "the mean of {} over the first axis": lambda x: x.mean(0, keepdim=True).expand_as(x),
}
_BOOLEANS: dict[str, Callable[[Tensor], Tensor]] = {
    "~{}": torch.logical_not,
    "{} with the last two axes swapped": lambda x: x.mT,
    "True everywhere": torch.ones_like,
    "False everywhere": torch.zeros_like,
}
_WHOLE: dict[str, Callable[[Tensor], Tensor]] = {
    "{} + 1": lambda x: x + 1,
    "{} − 1": lambda x: x - 1,
    "zeros": torch.zeros_like,
    "the inverse permutation of {}": torch.argsort,
    "{} in ascending order": lambda x: x.sort(-1).values,
    "{} from back to front": lambda x: x.flip(0),
    "{} moved forward by one": lambda x: x.roll(1, 0),
}
_NUMBERS: dict[str, Callable[[Any], Any]] = {
    "1": lambda x: type(x)(1),
    "0": lambda x: type(x)(0),
    "{}²": lambda x: x * x,
    "2 · {}": lambda x: x + x,
    "−{}": lambda x: -x,
    "{} + 1": lambda x: x + 1,
    "{} − 1": lambda x: x - 1,
}
_REALS: dict[str, Callable[[float], float]] = {
    "{} / 2": lambda x: x / 2,
    "√{}": lambda x: x**0.5,
    "1 / {}": lambda x: 1 / x,
    "1 − {}": lambda x: 1 - x,
}
_LISTS: dict[str, Callable[[Any], Any]] = {
    "{} from back to front": lambda x: x[::-1],
    "only the first item of {}": lambda x: x[:1],
}


def as_if(
    exercise: Exercise, cases: Sequence[Arguments], observed: Sequence[Observation], expected: Sequence[Observation]
) -> Finding | None:
    """The change of arguments that makes the reference return the student's result in every case, or None."""
    if any(0 < size < SMALL for seen in observed for size in map(_size, tensors_in(seen.result))):
        return None  # rounding hides a difference
    cases = [completed(exercise, case) for case in cases]
    for part in _wrong_parts(observed, expected):
        pick: Callable[[Any], Any] = (lambda result: result) if part is None else itemgetter(part)
        what = "The result" if part is None else with_article((exercise.returns or ("part",) * 9)[part])
        for name, sentence, change in _changes(exercise, cases[0]):
            if all(
                _explains(exercise, change, case, pick(seen.result), pick)
                for case, seen in zip(cases, observed, strict=True)
            ):
                return Finding(name, f"{capital(what)} is what you get {sentence}.", weak=True)
    return None


def completed(exercise: Exercise, case: Arguments) -> Arguments:
    """The case completed with the default values of the arguments that it leaves out."""
    bound = inspect.signature(exercise.reference).bind(*case)
    bound.apply_defaults()
    return bound.args


def _size(tensor: Tensor) -> float:
    return float(tensor.abs().max()) if tensor.is_floating_point() and tensor.numel() else 0.0


def _wrong_parts(observed: Sequence[Observation], expected: Sequence[Observation]) -> list[int | None]:
    """Indices of the wrong parts of the results; [None] if results have one part, [] if their structures differ."""
    right = expected[0].result
    if not isinstance(right, tuple):
        return [None]
    if not all(isinstance(seen.result, tuple | list) and len(seen.result) == len(right) for seen in observed):
        return []
    pairs = list(zip(observed, expected, strict=True))
    return [i for i in range(len(right)) if not all(same(seen.result[i], each.result[i]) for seen, each in pairs)]


def _explains(exercise: Exercise, change: Change, case: Arguments, yours: Any, pick: Callable[[Any], Any]) -> bool:
    """Whether the reference returns the student's result for changed arguments."""
    try:
        other = pick(exercise.reference(*change(list(handed_over(exercise.arguments, case)))))
    except Exception:
        return False
    return same(fitted(yours, other), other)


def _changes(exercise: Exercise, case: Arguments) -> Iterator[tuple[str, str, Change]]:
    """Name, sentence and change of the arguments, simplest first."""
    kinds = {number: (exercise.arguments[number], value) for number, value in enumerate(case)}
    for one, other in combinations(kinds, 2):
        (first, mine), (second, theirs) = kinds[one], kinds[other]
        if _kind(mine) == _kind(theirs):
            yield f"swapped-{first}-{second}", f"with `{first}` and `{second}` swapped", _swapped(one, other)
    for one, other in permutations(kinds, 2):
        (first, mine), (second, theirs) = kinds[one], kinds[other]
        if _kind(mine) == _kind(theirs):
            yield f"replaced-{second}-for-{first}", f"with `{second}` instead of `{first}`", _replaced(one, other)
    for number, (name, value) in kinds.items():
        for stand_in, change in _of(value).items():
            yield f"changed-{name}", f"with {stand_in.format(name)} instead of `{name}`", _applied(number, change)
        if callable(value):
            yield f"uncalled-{name}", f"when `{name}` is left out", _applied(number, lambda _: lambda x: x)


def _of(value: Any) -> dict[str, Callable[[Any], Any]]:
    match value:
        case Tensor() if value.is_floating_point():
            return _FLOATS
        case Tensor(dtype=torch.bool):
            return _BOOLEANS
        case Tensor():
            return _WHOLE
        case bool():
            return {"not {}": lambda x: not x}
        case int():
            return _NUMBERS
        case float():
            return {**_NUMBERS, **_REALS}
        case list() | tuple():
            return _LISTS
    return {}


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{value.dtype} of {value.ndim} axes"
    return "function" if callable(value) else type(value).__name__


def _swapped(one: int, other: int) -> Change:
    def change(arguments: list[Any]) -> list[Any]:
        arguments[one], arguments[other] = arguments[other], arguments[one]
        return arguments

    return change


def _replaced(one: int, other: int) -> Change:
    def change(arguments: list[Any]) -> list[Any]:
        arguments[one] = arguments[other]
        return arguments

    return change


def _applied(number: int, to: Callable[[Any], Any]) -> Change:
    def change(arguments: list[Any]) -> list[Any]:
        if number < len(arguments):
            arguments[number] = to(arguments[number])
        return arguments

    return change
