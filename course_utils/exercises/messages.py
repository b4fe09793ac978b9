"""Sentences about a student's function: its signature, the case and the error."""

import inspect
from collections.abc import Callable, Sequence
from textwrap import shorten
from typing import Any

from torch import Tensor

from course_utils.exercises.exercise import Arguments, Exercise, exercises
from course_utils.exercises.own_code import code_of, message_of, place_of, raised_in, reason_of, written_raise


def other_signature(exercise: Exercise, fn: Callable[..., Any]) -> str | None:
    """A sentence on the wrong arguments of fn, or None.

    The notebook calls it with positional and keyword arguments, with and without those that have a default.
    """
    try:
        mine, right = inspect.signature(fn), inspect.signature(exercise.reference)
    except (TypeError, ValueError):  # written in C: the cases will show whether it fits
        return None
    former = {new: old for old, new in exercise.former if old in mine.parameters}
    names = [former.get(name, name) for name in exercise.arguments]
    right = right.replace(parameters=[p.replace(name=former.get(p.name, p.name)) for p in right.parameters.values()])
    needed = [name for name in names if right.parameters[name].default is inspect.Parameter.empty]
    try:
        for some in (names, needed):
            mine.bind(*some)
            mine.bind(**dict.fromkeys(some))
    except TypeError:
        return (
            f"Your function is {_call(fn, mine)}, but the exercise asks for {_call(exercise.reference, right)}: use "
            "these arguments, with these names, in this order."
        )
    if [name for name in mine.parameters if name in names] != names and set(names) <= set(mine.parameters):
        return (
            f"The arguments are in the wrong order: your function is {_call(fn, mine)}, but the exercise asks for "
            f"{_call(exercise.reference, right)}."
        )
    for name in names:
        default, other = right.parameters[name].default, mine.parameters.get(name)
        if default is not inspect.Parameter.empty and other is not None and _differ(other.default, default):
            return f"{name} has the default {other.default!r}, but should have {default!r}: restore it."
    return None


def _differ(one: Any, other: Any) -> bool:
    """Whether two defaults differ; of a tensor or an array, `!=` has no truth value."""
    try:
        return bool(one != other)
    except Exception:
        return True


def _call(fn: Callable[..., Any], signature: inspect.Signature) -> str:
    bare = (str(p.replace(annotation=inspect.Parameter.empty)) for p in signature.parameters.values())
    return f"{getattr(fn, '__name__', type(fn).__name__)}({', '.join(bare)})"


def case(exercise: Exercise, number: int, cases: Sequence[Arguments]) -> str:
    """``case 2 of 5: query (2, 3, 8), …``; the number counts from zero."""
    arguments = zip(exercise.arguments, cases[number], strict=False)
    shown = [f"{name} {_size(value)}" for name, value in arguments if value is not None and not callable(value)]
    return f"case {number + 1} of {len(cases)}: {', '.join(shown)}"


def _size(value: Any) -> str:
    match value:
        case Tensor(ndim=0):
            return f"{value.item():.4g}"
        case Tensor():
            return str(tuple(value.shape))
        case list() if value and all(isinstance(item, Tensor) for item in value):
            return f"{len(value)} × {tuple(value[0].shape)}"
        case list() if value and all(callable(item) for item in value):
            return f"{len(value)} functions" if len(value) > 1 else "1 function"
    return str(value)


def failure(fn: Callable[..., Any], error: BaseException) -> str:
    """A sentence on an exception, with the last line of the student's own code in its traceback."""
    place = place_of(fn, error)
    return _said(fn, error) + (f". It happened in {place}." if place else ".")


def _said(fn: Callable[..., Any], error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return "It calls exit(), which would end the whole notebook: remove it"
    stub = written_raise(error)
    if stub is not None and stub is not code_of(fn):
        others = [exercise.name for exercise in exercises() if exercise.function == stub.co_name]
        if others:
            return (
                f"It calls {stub.co_name}, which is still a stub: write it first, or run its check, "
                f'`{stub.co_name} = check("{others[0]}", {stub.co_name})`, which lends the course\'s version'
            )
    if "numpy() on Tensor that requires grad" in message_of(error):
        return "NumPy has no gradients: use PyTorch's functions"
    if not (reason := reason_of(error)):
        return type(error).__name__
    if raised_in(error) is code_of(fn) and not isinstance(error, KeyboardInterrupt):
        return f"Your own `raise {type(error).__name__}` rejects valid arguments: check its condition"
    return f"{type(error).__name__}: {shorten(reason, 300, placeholder=' …').rstrip('.')}"
