"""Exercises that never block: ``patchify = check("04.patchify", patchify)``."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from course_utils.exercises.exercise import Exercise, Misconception, UnknownExercise, exercises, find
from course_utils.exercises.progress import Row, progress
from course_utils.exercises.share import share
from course_utils.exercises.source import solution, stub
from course_utils.exercises.verdict import Kind, Outcome, Verdict

if TYPE_CHECKING:
    from course_utils.exercises.checking import NotPassed, check, hint, passed, show_solution
    from course_utils.exercises.engine import examine, judge

__all__ = [
    "Exercise",
    "Kind",
    "Misconception",
    "NotPassed",
    "Outcome",
    "Row",
    "UnknownExercise",
    "Verdict",
    "check",
    "examine",
    "exercises",
    "find",
    "hint",
    "judge",
    "passed",
    "progress",
    "share",
    "show_solution",
    "solution",
    "stub",
]

# Imported when first used, because they need PyTorch, and `course check` does not.
_LATER = dict.fromkeys(("NotPassed", "check", "hint", "passed", "show_solution"), "checking")
_LATER |= dict.fromkeys(("examine", "judge"), "engine")


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
