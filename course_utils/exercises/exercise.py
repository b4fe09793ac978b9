"""What an exercise is, and where to find one: ``find("04.patchify")``.

Each notebook has one package here, ``nb04_…``, with a tuple ``EXERCISES``; it is imported when first asked for.
"""

import difflib
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from torch import Generator

Arguments = tuple[Any, ...]

# By its name in earlier editions' notebooks and progress files: what an exercise is called now.
FORMER_NAMES = {"04.parameters": "04.vit_parameters", "06.label_smoothing": "06.smooth_labels"}


class UnknownExercise(LookupError):
    """There is no exercise of that name; the message names the nearest one."""


@dataclass(frozen=True)
class Misconception:
    """A wrong answer that students give, and what to tell them: what it does, and where to look.

    ``spellings`` are functions: the wrong answer, and others of the same mistake, whose results differ somewhere.
    """

    name: str  # stable: progress, grading and the mutation score know it by this
    message: str
    spellings: tuple[Callable[..., Any], ...]

    def __init__(self, name: str, message: str, *spellings: Callable[..., Any]) -> None:
        for field, value in (("name", name), ("message", message), ("spellings", spellings)):
            object.__setattr__(self, field, value)


@dataclass(frozen=True)
class Wild:
    """Arguments that an answer right on ordinary ones may fail on, though the docstring or the notebook allows them.

    ``note`` ends the sentence "Your answer is right on ordinary inputs, but not when …"; ``advice`` says what must
    come out there, or which form of the computation bears it.
    """

    name: str
    arguments: Arguments
    note: str
    advice: str = ""


@dataclass(frozen=True)
class Promise:
    """What the docstring promises and no result shows: ``broken`` tries a function out, and says in a sentence what
    it saw when the promise is not kept.
    """

    name: str
    broken: Callable[[Callable[..., Any]], str | None]


@dataclass(frozen=True)
class Exercise:
    """One function to write. Raises ValueError, in words, for an exercise that could not be checked fairly.

    ``reference`` is the function of the library that the student rebuilds; its docstring is the question and its
    source the solution, so it may use only what the notebook imports. ``cases`` makes the ordinary arguments to try
    from a seeded generator, by which wrong answers are recognised, and ``wild`` the others. ``returns`` names the
    parts of a result that is a tuple. Gradients must reach the arguments ``learns`` just as they do in the reference,
    must not reach those that are ``frozen``, and may or may not reach the others.
    """

    name: str  # number of the notebook, full stop, name of the function: "04.patchify"
    title: str
    reference: Callable[..., Any]
    cases: Callable[[Generator], Sequence[Arguments]]
    misconceptions: tuple[Misconception, ...]
    hints: tuple[str, ...]
    returns: tuple[str, ...] = ()
    learns: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    wild: Callable[[Generator], Sequence[Wild]] = lambda generator: ()
    promises: tuple[Promise, ...] = ()
    former: tuple[tuple[str, str], ...] = ()  # (name in an earlier edition's notebook, present name) of an argument
    points: int = 1
    seconds: float = 5.0  # of computing, for all cases together

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d\d\.[a-z_][a-z0-9_]*", self.name):
            raise ValueError(f"An exercise is named like 04.patchify, not {self.name!r}.")
        if len(self.misconceptions) < 3:
            raise ValueError(f"{self.name} knows {len(self.misconceptions)} wrong answers: collect at least three.")
        if len(self.hints) < 3:
            raise ValueError(f"{self.name} has {len(self.hints)} hints: write at least three, each a step further.")
        if self.points < 1 or self.seconds <= 0:
            raise ValueError(f"{self.name} has {self.points} points and {self.seconds} s: make both positive.")
        names = [misconception.name for misconception in self.misconceptions]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"{self.name} has two misconceptions called {', '.join(twice)}: give each its own name.")
        if unknown := {*self.learns, *self.frozen} - set(self.arguments):
            raise ValueError(f"{self.name} has no argument {', '.join(unknown)}: choose among {self.arguments}.")

    @property
    def arguments(self) -> list[str]:
        """Names of the reference's arguments, in order."""
        return list(inspect.signature(self.reference).parameters)

    def all_cases(self) -> list[Arguments]:
        """The arguments that are tried, ordinary and wild ones, always the same."""
        generator = Generator().manual_seed(0)
        return [*self.cases(generator), *(wild.arguments for wild in self.wild(generator))]

    @property
    def function(self) -> str:
        """Name of the function to write."""
        return self.reference.__name__


def find(name: str) -> Exercise:
    """The exercise called name, now or formerly. Raises UnknownExercise, naming the nearest, when there is none."""
    known = {exercise.name: exercise for exercise in exercises()}
    name = FORMER_NAMES.get(name, name)
    if name not in known:
        near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.4)
        remedy = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(known)}."
        raise UnknownExercise(f"There is no exercise {name!r}: {remedy}")
    return known[name]


@cache
def exercises(notebook: str | None = None) -> tuple[Exercise, ...]:
    """All exercises in the order of the course, or those of one notebook, such as ``"04"``."""
    modules = (module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    chosen = [module for module in sorted(modules) if re.match(rf"nb{notebook or '[0-9][0-9]'}_", module)]
    return tuple(
        exercise for module in chosen for exercise in importlib.import_module(f"{__package__}.{module}").EXERCISES
    )
