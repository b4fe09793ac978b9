"""Exercises that never block: ``patchify = check("04.patchify", patchify)``."""

import os
from collections.abc import Callable
from typing import Any

from course_utils.exercises import session
from course_utils.exercises.engine import examine, judge
from course_utils.exercises.exercise import Exercise, Misconception, UnknownExercise, exercises, find
from course_utils.exercises.observe import Observation
from course_utils.exercises.progress import Row, progress, record
from course_utils.exercises.report import Hint, Report, show
from course_utils.exercises.source import solution, stub
from course_utils.exercises.typed import typed
from course_utils.exercises.verdict import Kind, Outcome, Verdict

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
    "show_solution",
    "solution",
    "stub",
]

# Of this kernel only: a restarted one begins again with the first hint.
_verdicts: dict[str, Verdict] = {}
_hints_given: dict[str, int] = {}

session.prepare_kernel()


class NotPassed(Exception):
    """The exercise has not passed, said to nbgrader."""


def check(name: str, fn: Any) -> Callable[..., Any]:
    """Show how fn does in the exercise, note it in the student's progress, and return a function that is right.

    That is fn itself when it passes and the course's reference when it does not, so ``fn = check(name, fn)`` lets the
    notebook go on either way. A result of another type that is as right, such as float64 for float32, passes; what is
    returned then makes the usual type of it. No mistake in fn raises anything; Ctrl-C interrupts as always. Raises
    UnknownExercise when there is no exercise of that name; and NotPassed, but only while nbgrader runs the notebook,
    because to nbgrader a cell without an error is one that passed.
    """
    if callable(name) and isinstance(fn, str):
        name, fn = fn, name
    exercise = find(name)
    name = exercise.name
    graded = "NBGRADER_EXECUTION" in os.environ
    observed: list[Observation] = []
    verdict = session.stale(exercise, fn) or examine(exercise, fn, observed)
    _verdicts[name] = verdict
    show(Report(exercise, verdict, record(name, verdict)))
    if not verdict.passed and graded:
        raise NotPassed(f"{name} has not passed.")
    right = typed(exercise, fn, observed) if verdict.passed else exercise.reference
    session.checked(exercise, right, verdict)
    return right


def passed(name: str) -> bool:
    """Whether the last check of this kernel passed: what a graded cell asserts. Raises UnknownExercise."""
    verdict = _verdicts.get(find(name).name)
    return verdict is not None and verdict.passed


def hint(name: str) -> None:
    """Show the exercise's next hint, the solution last; each call goes one step further. Raises UnknownExercise."""
    exercise = find(name)
    name = exercise.name
    steps = len(exercise.hints) + 1
    last = _hints_given.get(name, 0)
    step = _hints_given[name] = min(last + 1, steps)
    text = exercise.hints[step - 1] if step < steps else solution(name)
    show(Hint(name, step, steps, text, again=last == steps))


def show_solution(name: str) -> None:
    """Show the reference's source. Raises UnknownExercise."""
    exercise = find(name)
    steps = len(exercise.hints) + 1
    show(Hint(exercise.name, steps, steps, solution(name)))
