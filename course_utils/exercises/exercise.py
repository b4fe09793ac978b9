"""What an exercise is, and where to find one: ``find("04.patchify")``.

Each notebook has one package here, ``nb04_…``, with a tuple ``EXERCISES``; it is imported when first asked for.
"""

import difflib
import importlib
import pkgutil
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Generator

Arguments = tuple[Any, ...]


class UnknownExercise(LookupError):
    """There is no exercise of that name; the message names the nearest one."""


@dataclass(frozen=True)
class Misconception:
    """A wrong answer that students give, as a function, and what to tell them: what it does, and where to look."""

    wrong: Callable[..., Any]
    message: str


@dataclass(frozen=True)
class Exercise:
    """One function to write. Raises ValueError, in words, for an exercise that could not be checked fairly.

    ``reference`` is the function of the library that the student rebuilds; its docstring is the question and its
    source the solution, so it may use only what the notebook imports. ``cases`` makes the arguments to try from a
    seeded generator. ``returns`` names the parts of a result that is a tuple. With ``gradients``, the result must
    let gradients through to every tensor that the reference lets them through to.
    """

    name: str  # number of the notebook, full stop, what is built: "04.patchify"
    title: str
    reference: Callable[..., Any]
    cases: Callable[[Generator], Sequence[Arguments]]
    misconceptions: tuple[Misconception, ...]
    hints: tuple[str, ...]
    returns: tuple[str, ...] = ()
    gradients: bool = False
    points: int = 1
    seconds: float = 5.0  # for all cases together

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d\d\.[a-z_][a-z0-9_]*", self.name):
            raise ValueError(f"An exercise is named like 04.patchify, not {self.name!r}.")
        if len(self.misconceptions) < 3:
            raise ValueError(f"{self.name} knows {len(self.misconceptions)} wrong answers: collect at least three.")
        if not self.hints:
            raise ValueError(f"{self.name} has no hint: write at least one.")
        if self.points < 1 or self.seconds <= 0:
            raise ValueError(f"{self.name} has {self.points} points and {self.seconds} s: make both positive.")


def find(name: str) -> Exercise:
    """The exercise called name. Raises UnknownExercise, naming the nearest, when there is none."""
    known = {exercise.name: exercise for exercise in exercises()}
    if name not in known:
        near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.4)
        remedy = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(known)}."
        raise UnknownExercise(f"There is no exercise {name!r}: {remedy}")
    return known[name]


def exercises(notebook: str | None = None) -> tuple[Exercise, ...]:
    """All exercises in the order of the course, or those of one notebook, such as ``"04"``."""
    modules = (module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    chosen = [module for module in sorted(modules) if re.match(rf"nb{notebook or '[0-9][0-9]'}_", module)]
    return tuple(
        exercise for module in chosen for exercise in importlib.import_module(f"{__package__}.{module}").EXERCISES
    )
