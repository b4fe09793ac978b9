"""Sentences about a student's function: how it should be called, in which case and on which line it failed."""

import inspect
import linecache
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from course_utils.exercises.exercise import Arguments, Exercise


def arguments_of(exercise: Exercise) -> list[str]:
    """Names of the reference's arguments, in order."""
    return list(inspect.signature(exercise.reference).parameters)


def other_signature(exercise: Exercise, fn: Callable[..., Any], cases: Sequence[Arguments]) -> str | None:
    """What is wrong with the arguments of fn, or None.

    The notebook calls it by position and by name, with and without the arguments that have a default.
    """
    names = arguments_of(exercise)
    try:
        signature = inspect.signature(fn)
    except (TypeError, ValueError):  # written in C: the cases will show
        return None
    try:
        for arguments in [*cases, tuple(names)]:
            signature.bind(*arguments)
            signature.bind(**dict(zip(names, arguments, strict=False)))
    except TypeError:
        expected = _call(exercise.reference, inspect.signature(exercise.reference))
        return (
            f"Your function is {_call(fn, signature)}, but the notebook calls {expected}: "
            "use these arguments, with these names."
        )
    return None


def _call(fn: Callable[..., Any], signature: inspect.Signature) -> str:
    bare = (str(p.replace(annotation=inspect.Parameter.empty)) for p in signature.parameters.values())
    return f"{getattr(fn, '__name__', type(fn).__name__)}({', '.join(bare)})"


def case(exercise: Exercise, number: int, cases: Sequence[Arguments]) -> str:
    """``case 2 of 5: query (2, 3, 8), …``; the number counts from zero."""
    arguments = zip(arguments_of(exercise), cases[number], strict=False)
    shown = [f"{name} {_size(value)}" for name, value in arguments if value is not None and not callable(value)]
    return f"case {number + 1} of {len(cases)}: {', '.join(shown)}"


def _size(value: Any) -> str:
    if isinstance(value, Tensor):
        return str(tuple(value.shape))
    return f"{len(value)} × {tuple(value[0].shape)}" if isinstance(value, list) else str(value)


def failure(fn: Callable[..., Any], error: BaseException) -> str:
    """An exception, with the last line of the student's own code that it passed through."""
    said = type(error).__name__
    if words := message_of(error).splitlines():
        said += f": {words[0][:300].rstrip('.')}"
    if isinstance(error, SystemExit):
        said = "It calls exit(), which would end the whole notebook: leave that out"
    code = getattr(inspect.unwrap(fn), "__code__", None)
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if code and frame.filename == code.co_filename]
    if code is None or not own or not own[-1].lineno:
        return f"{said}."
    last, lineno = own[-1], own[-1].lineno
    place = f"line {lineno - code.co_firstlineno + 1} of your function" if last.name == code.co_name else last.name
    line = linecache.getline(last.filename, lineno).strip()
    return f"{said}. It happened in {place}" + (f": `{line}`." if line else ".")


def message_of(error: BaseException | None) -> str:
    """What an exception says; nothing when even that fails."""
    try:
        return str(error).strip()
    except Exception:
        return ""
