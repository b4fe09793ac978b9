"""Where a wrong answer is still right: at a simple value of one argument, or in its growth with another."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.compare import fitted, same, tensors_in, written
from course_utils.exercises.exercise import Arguments, Exercise
from course_utils.exercises.findings import Finding
from course_utils.exercises.other_values import other_values, result_of

Function = Callable[..., Any]


def right_when(exercise: Exercise, fn: Function, cases: Sequence[Arguments]) -> Finding | None:
    """A simple value of one argument at which fn is right in every case, while all other arguments still matter."""
    for name, sentence, change in _simplifications(exercise, cases[0]):
        simple = [other for case in cases if (other := change(case)) is not None]
        if len(simple) < 2 or not _tells(exercise, simple):
            continue
        if all(_agree(exercise, fn, case) for case in simple):
            return Finding(
                f"right-when-{name}", (f"Your answer would be right in every case {sentence}, but not otherwise.")
            )
    return None


def growth(exercise: Exercise, fn: Function, cases: Sequence[Arguments]) -> Finding | None:
    """The argument with which a count grows wrongly, if it grows correctly with another."""
    right, wrong, both = [], [], (exercise.reference, fn)
    for number, name in enumerate(exercise.arguments):
        doubled = [_doubled(case, number) for case in cases]
        pairs = [(case, other) for case, other in zip(cases, doubled, strict=True) if other is not None]
        if not pairs:
            continue
        gains = [
            tuple(result_of(each, exercise, other) - result_of(each, exercise, case) for each in both)
            for case, other in pairs
        ]
        if all(wanted == mine for wanted, mine in gains):
            right.append(name)
        else:
            at = next(index for index, (wanted, mine) in enumerate(gains) if wanted != mine)
            wrong.append((name, pairs[at][0][number], *gains[at]))
    if not right or not wrong:
        return None
    name, value, wanted, mine = wrong[0]
    return Finding(
        f"growth-{name}",
        f"The result grows as it should with {_listed(right)}, but not with {_listed([each[0] for each in wrong])}: "
        f"when `{name}` doubles from {value:,}, it should grow by {written(wanted)}, and yours grows by "
        f"{written(mine)}.",
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _doubled(case: Arguments, number: int) -> Arguments | None:
    if number >= len(case) or type(case[number]) is not int:
        return None
    return (*case[:number], 2 * case[number], *case[number + 1 :])


def _simplifications(
    exercise: Exercise, case: Arguments
) -> Iterator[tuple[str, str, Callable[[Arguments], Arguments | None]]]:
    """Name, the words after "in every case", and the change to a case."""
    named = list(zip(exercise.arguments, case, strict=False))
    for number, (name, value) in enumerate(named):
        if isinstance(value, float):
            yield f"{name}-1", f"if `{name}` were 1", _with(number, lambda _: 1.0)
        elif isinstance(value, Tensor) and value.dtype == torch.bool:
            yield f"{name}-true", f"if `{name}` were True everywhere", _with(number, torch.ones_like)
    yield "one-item", "for a batch of one", _first_only
    for one, other in combinations(range(len(case)), 2):
        (first, mine), (second, theirs) = named[one], named[other]
        if isinstance(mine, Tensor) and isinstance(theirs, Tensor) and mine.dtype == theirs.dtype:
            yield f"{first}-is-{second}", f"if `{first}` and `{second}` were the same", _equal(one, other)


def _with(number: int, to: Callable[[Any], Any]) -> Callable[[Arguments], Arguments | None]:
    def change(case: Arguments) -> Arguments | None:
        return None if number >= len(case) else (*case[:number], to(case[number]), *case[number + 1 :])

    return change


def _equal(one: int, other: int) -> Callable[[Arguments], Arguments | None]:
    def change(case: Arguments) -> Arguments | None:
        if other >= len(case) or case[one].shape != case[other].shape:
            return None
        return (*case[:other], case[one], *case[other + 1 :])

    return change


def _first_only(case: Arguments) -> Arguments | None:
    lengths = {len(value) for value in case if isinstance(value, Tensor) and value.ndim}
    if len(lengths) != 1 or lengths == {1}:
        return None
    return tuple(value[:1] if isinstance(value, Tensor) and value.ndim else value for value in case)


def _tells(exercise: Exercise, simple: Sequence[Arguments]) -> bool:
    """Whether being right there is informative: results are finite and differ, and every tensor and float matters."""
    try:
        results = [result_of(exercise.reference, exercise, case) for case in simple]
        for number in range(len(simple[0])):
            others = [(case, other) for case in simple for other in other_values(case, number)]
            if others and all(
                same(*(result_of(exercise.reference, exercise, each) for each in pair)) for pair in others
            ):
                return False
    except Exception:
        return False
    if any(not tensor.isfinite().all() for result in results for tensor in tensors_in(result)):
        return False
    return not all(same(result, results[0]) for result in results[1:])


def _agree(exercise: Exercise, fn: Function, case: Arguments) -> bool:
    try:
        mine = result_of(fn, exercise, case)
    except Exception:
        return False
    right = result_of(exercise.reference, exercise, case)
    return same(fitted(mine, right), right)
