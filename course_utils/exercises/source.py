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


WIDTH = 118  # of a line, here and in the notebooks

# What the library calls by names of its own, a notebook calls by Python's.
_PLAIN = {"Layer": "Callable", "Transform": "Callable", "Layers": "list[tuple[int, int]]", "Sequence": "list"}


def _parts(reference: Callable[..., Any]) -> tuple[str, str, str]:
    """Signature, docstring and body as they stand in the library, but for names and marks that a notebook lacks."""
    source = textwrap.dedent(inspect.getsource(reference))
    function = ast.parse(source).body[0]
    if not isinstance(function, ast.FunctionDef):
        raise TypeError(f"{reference!r} is no plain function, and an exercise's reference must be one.")
    lines = source.splitlines()
    first = function.body[0]
    signature = re.sub(r"\w+", lambda word: _PLAIN.get(word[0], word[0]), "\n".join(lines[: first.lineno - 1]))
    if len(signature.splitlines()[0]) > WIDTH:  # longer by the replaced names: wrapped as the formatter does it
        signature = re.sub(r"\((.*)\)", r"(\n    \1\n)", signature, count=1)
    docstring = "\n".join(lines[first.lineno - 1 : first.end_lineno])
    return (
        signature,
        re.sub(r":func:`([\w.]+)`", r"`\1`", docstring),
        "\n".join(lines[first.end_lineno : function.end_lineno]).strip("\n"),
    )
