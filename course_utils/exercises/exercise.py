"""What an exercise is, and where the exercises of a notebook are found."""

import ast
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MODULES = {"00": "nb00_attention", "04": "nb04_vit"}


@dataclass(frozen=True)
class Misconception:
    """A known wrong answer, as code, and what to say to whoever gives it."""

    wrong: Callable[..., Any]
    message: str


@dataclass(frozen=True)
class Exercise:
    """A function to write.

    cases makes the inputs, one tuple of arguments each, the same every time under the same seed. hints go from a
    nudge to nearly everything. seconds is the limit for all cases together.
    """

    name: str
    title: str
    reference: Callable[..., Any]
    cases: Callable[[], list[tuple]]
    misconceptions: tuple[Misconception, ...]
    hints: tuple[str, ...]
    seconds: float = 5.0

    @property
    def source(self) -> str:
        """The reference's source: the solution."""
        return inspect.getsource(self.reference)

    @property
    def stub(self) -> str:
        """What a student gets: the reference's first lines up to the docstring, and nothing below."""
        docstring = ast.parse(self.source).body[0].body[0]  # type: ignore[attr-defined]
        head = self.source.splitlines()[: docstring.end_lineno]
        return "\n".join([*head, "    raise NotImplementedError", ""])


def exercises(notebook: str | None = None) -> tuple[Exercise, ...]:
    """All exercises, or those of one notebook, ``"04"``. Raises KeyError for a notebook without exercises."""
    if notebook is None:
        return tuple(exercise for number in MODULES for exercise in exercises(number))
    if notebook not in MODULES:
        raise KeyError(f"There are no exercises for notebook {notebook!r}: choose one of {', '.join(MODULES)}.")
    return importlib.import_module(f"course_utils.exercises.{MODULES[notebook]}").EXERCISES


def find(name: str) -> Exercise:
    """The exercise ``"04.patchify"``. Raises KeyError, naming those there are, for any other name."""
    number = str(name).partition(".")[0]
    known = exercises(number if number in MODULES else None)
    for exercise in known:
        if exercise.name == name:
            return exercise
    raise KeyError(
        f"There is no exercise {name!r}: choose one of {', '.join(known_one.name for known_one in known)}."
    )
