"""What a notebook has imported and defined above an exercise's stub, for code that a student writes there."""

import ast
import builtins
import re
from collections.abc import Collection
from functools import cache
from importlib import import_module
from typing import Any

from course_utils.exercises import Exercise, find
from course_utils.lab import elsewhere, notebooks


def names_above(exercise: Exercise) -> set[str]:
    """All of them, Python's own included."""
    return set(_sources(exercise)) | set(dir(builtins))


def values_above(exercise: Exercise, wanted: Collection[str]) -> dict[str, Any]:
    """Those of the wanted names that are known there, with what they stand for."""
    sources = _sources(exercise)
    return {name: _value(*sources[name]) for name in wanted if name in sources}


@cache
def _sources(exercise: Exercise) -> dict[str, tuple[str, str | None]]:
    """By name: the module that it is imported from, and what it is called there; an exercise counts as checked.

    Of the course only what is in attention: nothing else is of use in an answer, and `teacher` or `pictures`, which
    experiments have, may be an argument's former name.
    """
    # Every notebook's kernel knows these two, for the stubs' type hints: session.name_types.
    found: dict[str, tuple[str, str | None]] = {"Tensor": ("torch", "Tensor"), "Callable": ("typing", "Callable")}
    for cell in notebooks.read(notebooks.find(exercise.name[:2])).cells:
        course = cell.metadata.get("course", {})
        if course.get("exercise") == exercise.name:
            break
        if name := course.get("exercise"):
            found[find(name).function] = (find(name).reference.__module__, find(name).function)
        elif cell.cell_type == "code" and cell.id != elsewhere.INSTALL:
            for node in ast.parse(cell.source).body:
                if isinstance(node, ast.ImportFrom) and not re.match(r"course_utils(?!\.attention)", node.module):
                    found |= {alias.asname or alias.name: (node.module, alias.name) for alias in node.names}
                elif isinstance(node, ast.Import):
                    found |= {alias.asname or alias.name: (alias.name, None) for alias in node.names}
    return found


def _value(module: str, name: str | None) -> Any:
    return getattr(import_module(module), name) if name else import_module(module)
