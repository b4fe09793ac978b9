"""Convert the results of a right function of another type, such as float64, for the cells that follow."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from course_utils.exercises.compare import alike, fitted
from course_utils.exercises.exercise import Exercise
from course_utils.exercises.observe import Observation, observe, observe_one
from course_utils.exercises.undisturbed import undisturbed


def typed(exercise: Exercise, fn: Callable[..., Any], observed: Sequence[Observation]) -> Callable[..., Any]:
    """fn itself if its results have the reference's types; otherwise fn with its results converted to them."""
    return converted(exercise, fn, other_type(exercise, observed))


def other_type(exercise: Exercise, observed: Sequence[Observation]) -> int | None:
    """The number of the first case whose result has another type than the reference's; None if there is none."""
    with undisturbed():
        right = observe(exercise.reference, [seen.given for seen in observed])
    pairs = enumerate(zip(observed, right, strict=True))
    return next((number for number, (seen, r) in pairs if not alike(seen.result, r.result)), None)


def converted(exercise: Exercise, fn: Callable[..., Any], number: int | None) -> Callable[..., Any]:
    """fn with its results converted to the type of the reference's result in this case; fn itself for None.

    A floating-point result gets the dtype of the first floating-point argument.
    """
    if number is None:
        return fn
    with undisturbed():
        like = observe_one(exercise.reference, exercise.all_cases()[number], number).result

    @functools.wraps(fn)
    def converting(*arguments: Any, **named: Any) -> Any:
        given = (value for value in (*arguments, *named.values()) if isinstance(value, Tensor))
        dtype = next((tensor.dtype for tensor in given if tensor.is_floating_point()), None)
        result = fn(*arguments, **named)
        if isinstance(like, list) and isinstance(result, Tensor):
            return list(result.unbind(0))  # stacked from any number of items
        return fitted(result, like, dtype)

    return converting
