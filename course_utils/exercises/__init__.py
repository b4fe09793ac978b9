"""Exercises that never block: ``patchify = check("04.patchify", patchify)``."""

import os
from collections.abc import Callable
from typing import Any

from course_utils.exercises.engine import examine
from course_utils.exercises.exercise import Exercise, Misconception, UnknownExercise, exercises, find
from course_utils.exercises.progress import Row, progress, record
from course_utils.exercises.report import Hint, Report, show
from course_utils.exercises.source import solution, stub
from course_utils.exercises.verdict import Outcome, Verdict

__all__ = [
    "Exercise",
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
    "passed",
    "progress",
    "show_solution",
    "solution",
    "stub",
]

# Of this kernel only: a restarted one begins again with the first hint.
_verdicts: dict[str, Verdict] = {}
_hints_given: dict[str, int] = {}


class NotPassed(Exception):
    """The exercise has not passed, said to nbgrader."""


def check(name: str, fn: Any) -> Callable[..., Any]:
    """Show how fn does in the exercise, note it in the student's progress, and return a function that is right.

    That is fn itself when it passes and the course's reference when it does not, so ``fn = check(name, fn)`` lets
    the notebook go on either way. No mistake in fn raises anything; Ctrl-C interrupts as always. Raises
    UnknownExercise when there is no exercise of that name; and NotPassed, but only while nbgrader runs the notebook,
    because to nbgrader a cell without an error is one that passed.
    """
    exercise = find(name)
    last = _verdicts.get(name)
    if fn is exercise.reference and last is not None and not last.passed:
        # The check's cell was run again, but not the cell that defines the function: nothing new to judge.
        verdict = Verdict(
            Outcome.LENT,
            "The function is the course's version, which took the place of yours at the last check: "
            "run the cell that defines your function, then this one.",
        )
    else:
        verdict = examine(exercise, fn)
    _verdicts[name] = verdict
    show(Report(exercise, verdict, record(name, verdict)))
    if not verdict.passed and os.environ.get("NBGRADER_EXECUTION"):
        raise NotPassed(f"{name} has not passed.")
    return fn if verdict.passed else exercise.reference


def passed(name: str) -> bool:
    """Whether the last check of this kernel passed: what a graded cell asserts. Raises UnknownExercise."""
    find(name)
    return name in _verdicts and _verdicts[name].passed


def hint(name: str) -> None:
    """Show the exercise's next hint, the solution last; each call goes one step further. Raises UnknownExercise."""
    exercise = find(name)
    steps = len(exercise.hints) + 1
    step = _hints_given[name] = min(_hints_given.get(name, 0) + 1, steps)
    show(Hint(name, step, steps, exercise.hints[step - 1] if step < steps else solution(name)))


def show_solution(name: str) -> None:
    """Show the reference's source. Raises UnknownExercise."""
    steps = len(find(name).hints) + 1
    show(Hint(name, steps, steps, solution(name)))
