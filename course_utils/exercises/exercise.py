"""The definition of an exercise, and ``find("04.patchify")``.

Each notebook has one package here, ``nb04_…``, with a tuple ``EXERCISES``; it is imported when first needed.
"""

import difflib
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from torch import Generator

T = TypeVar("T")

Arguments = tuple[Any, ...]

# Names in earlier editions' notebooks and progress files, and the exercises' current names.
FORMER_NAMES = {"04.parameters": "04.vit_parameters", "06.label_smoothing": "06.smooth_labels"}


class UnknownExercise(LookupError):
    """No exercise has this name; the message suggests the nearest one."""


@dataclass(frozen=True)
class Misconception:
    """A common wrong answer, with a message that says what it does and where to look.

    ``spellings`` are functions: the wrong answer and other versions of the same mistake whose results differ
    somewhere.
    """

    name: str  # stable: used by progress, grading and the mutation score
    message: str
    spellings: tuple[Callable[..., Any], ...]

    def __init__(self, name: str, message: str, *spellings: Callable[..., Any]) -> None:
        for field, value in (("name", name), ("message", message), ("spellings", spellings)):
            object.__setattr__(self, field, value)


@dataclass(frozen=True)
class Wild:
    """Unusual arguments, allowed by the docstring or the notebook, on which an otherwise right answer may fail.

    ``note`` ends the sentence "Your answer is right on ordinary inputs, but not when …"; ``advice`` says what the
    result must be, or which form of the computation works.
    """

    name: str
    arguments: Arguments
    note: str
    advice: str = ""


@dataclass(frozen=True)
class Promise:
    """A promise of the docstring: ``broken`` tests a function and returns a sentence if it does not keep it."""

    name: str
    broken: Callable[[Callable[..., Any]], str | None]


@dataclass(frozen=True)
class Exercise:
    """One function to write. Raises ValueError for an exercise that could not be checked fairly.

    ``reference`` is the library function that the student writes again. Its docstring is the question and its source
    the solution, so it may use only what the notebook imports. ``cases`` makes the ordinary arguments, which identify
    wrong answers, from a seeded generator; ``wild`` makes the unusual ones. ``returns`` names the parts of a tuple
    result. Gradients must reach the arguments ``learns`` in every case exactly as in the reference, and not those in
    ``frozen``; for all others it does not matter.
    """

    name: str  # number of the notebook, full stop, name of the function: "04.patchify"
    title: str
    reference: Callable[..., Any]
    cases: Callable[["Generator"], Sequence[Arguments]]
    misconceptions: tuple[Misconception, ...]
    hints: tuple[str, ...]
    returns: tuple[str, ...] = ()
    learns: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    wild: Callable[["Generator"], Sequence[Wild]] = lambda generator: ()
    promises: tuple[Promise, ...] = ()
    former: tuple[tuple[str, str], ...] = ()  # (name in an earlier edition's notebook, present name) of an argument
    points: int = 1
    seconds: float = 5.0  # of computing, for all cases in total

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d\d\.[a-z_][a-z0-9_]*", self.name):
            raise ValueError(f"An exercise is named like 04.patchify, not {self.name!r}.")
        if len(self.misconceptions) < 3:
            raise ValueError(f"{self.name} has {len(self.misconceptions)} misconceptions: add at least three.")
        if len(self.hints) < 3:
            raise ValueError(f"{self.name} has {len(self.hints)} hints: write at least three, each a step further.")
        if self.points < 1 or self.seconds <= 0:
            raise ValueError(f"{self.name} has {self.points} points and {self.seconds} s: make both positive.")
        names = [misconception.name for misconception in self.misconceptions]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(
                f"{self.name} has two misconceptions called {', '.join(twice)}: make their names unique."
            )
        renamed = {present for _, present in self.former}
        if unknown := {*self.learns, *self.frozen, *renamed} - set(self.arguments):
            raise ValueError(f"{self.name} has no argument {', '.join(unknown)}: choose among {self.arguments}.")

    @property
    def arguments(self) -> list[str]:
        """The names of the reference's arguments, in order."""
        return list(inspect.signature(self.reference).parameters)

    def all_cases(self) -> list[Arguments]:
        """All arguments that are tried, ordinary and wild, the same every time."""
        from torch import Generator  # only here: the list of exercises needs no PyTorch

        generator = Generator().manual_seed(0)
        return [*self.cases(generator), *(wild.arguments for wild in self.wild(generator))]

    @property
    def function(self) -> str:
        """The name of the function to write."""
        return self.reference.__name__

    @property
    def functions(self) -> tuple[str, ...]:
        """The name of the function to write, then its names in earlier editions."""
        former = (old.partition(".")[2] for old, present in FORMER_NAMES.items() if present == self.name)
        return self.function, *former


def find(name: str) -> Exercise:
    """The exercise with this current or former name. Raises UnknownExercise, with a suggestion, if there is none."""
    return known(name, {exercise.name: exercise for exercise in exercises()})


def known(name: str, named: Mapping[str, T]) -> T:
    """The value for this current or former name. Raises UnknownExercise, with a suggestion, if there is none."""
    name = FORMER_NAMES.get(name, name)
    if name not in named:
        near = difflib.get_close_matches(str(name), named, n=1, cutoff=0.4)
        remedy = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(named)}."
        raise UnknownExercise(f"There is no exercise {name!r}: {remedy}")
    return named[name]


@cache
def exercises(notebook: str | None = None) -> tuple[Exercise, ...]:
    """All exercises in course order, or those of one notebook, such as ``"04"``."""
    modules = (module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    chosen = [module for module in sorted(modules) if re.match(rf"nb{notebook or '[0-9][0-9]'}_", module)]
    return tuple(
        exercise for module in chosen for exercise in importlib.import_module(f"{__package__}.{module}").EXERCISES
    )
