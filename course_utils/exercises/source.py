"""An exercise's stub and its solution, both read from the reference: there is one truth."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable
from typing import Any

from course_utils.exercises.exercise import find


def stub(name: str) -> str:
    """The cell that a student starts from: signature, docstring, ``raise NotImplementedError``."""
    signature, docstring, _ = _parts(find(name).reference)
    return f"{signature}\n{docstring}\n    raise NotImplementedError\n"


def solution(name: str) -> str:
    """The reference's source. Raises UnknownExercise, a LookupError, for a name that there is not."""
    return "\n".join(_parts(find(name).reference)) + "\n"


def _parts(reference: Callable[..., Any]) -> tuple[str, str, str]:
    """Signature, docstring and body as they stand in the library, but for what needs its imports or its manual.

    Type annotations go, so that the cell runs without importing their names, and so do cross-references' marks.
    """
    source = textwrap.dedent(inspect.getsource(reference))
    function = ast.parse(source).body[0]
    if not isinstance(function, ast.FunctionDef):
        raise TypeError(f"{reference!r} is no plain function, and an exercise's reference must be one.")
    arguments = function.args
    for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
        argument.annotation = None
    lines = source.splitlines()
    first, second = function.body[0], function.body[1]
    docstring = "\n".join(lines[first.lineno - 1 : first.end_lineno])
    return (
        f"def {function.name}({ast.unparse(arguments)}):",
        re.sub(r":func:`([\w.]+)`", r"`\1`", docstring),
        "\n".join(lines[second.lineno - 1 : function.end_lineno]),
    )
