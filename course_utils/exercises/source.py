"""An exercise's stub and its solution, both read from the reference."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable
from typing import Any

from course_utils.exercises.exercise import find


def stub(name: str) -> str:
    """The cell that a student starts with: signature, docstring, ``raise NotImplementedError``."""
    signature, docstring, _ = _parts(find(name).reference)
    return f"{signature}\n{docstring}\n    raise NotImplementedError\n"


def solution(name: str) -> str:
    """The source of the reference. Raises UnknownExercise, a LookupError, for an unknown name."""
    return "\n".join(_parts(find(name).reference)) + "\n"


WIDTH = 118  # maximal length of a line, here and in the notebooks

# The library's own names for modules, and the names that notebooks use.
_PLAIN = {"Layer": "Callable", "Transform": "Callable", "Layers": "list[tuple[int, int]]", "Sequence": "list"}


def _parts(reference: Callable[..., Any]) -> tuple[str, str, str]:
    """Signature, docstring and body from the library, without names and comments that do not belong in a notebook."""
    source = textwrap.dedent(inspect.getsource(reference))
    function = ast.parse(source).body[0]
    if not isinstance(function, ast.FunctionDef):
        raise TypeError(
            f"{reference!r} is not a plain function, but an exercise's reference must be one: use a function with "
            "def."
        )
    lines = source.splitlines()
    first = function.body[0]
    signature = re.sub(r"\w+", lambda word: _PLAIN.get(word[0], word[0]), "\n".join(lines[: first.lineno - 1]))
    if (
        len(signature.splitlines()[0]) > WIDTH
    ):  # the replaced names made the line longer: wrap it as the formatter does
        signature = re.sub(r"\((.*)\)", r"(\n    \1\n)", signature, count=1)
    docstring = "\n".join(lines[first.lineno - 1 : first.end_lineno])
    return (
        signature,
        re.sub(r":func:`([\w.]+)`", r"`\1`", docstring),
        "\n".join(lines[first.end_lineno : function.end_lineno]).strip("\n"),
    )
