"""The student's side of an exercise: check an answer, ask for a hint or the solution. All that needs PyTorch."""

import os
from collections.abc import Callable
from typing import Any

from course_utils.exercises import session
from course_utils.exercises.exercise import find
from course_utils.exercises.progress import passed_so_far, record
from course_utils.exercises.report import Hint, Report, show
from course_utils.exercises.sheltered import examine_sheltered
from course_utils.exercises.source import solution
from course_utils.exercises.typed import converted
from course_utils.exercises.verdict import Outcome, Verdict

# For this kernel only: after a restart, hints begin with the first one again.
_verdicts: dict[str, Verdict] = {}
_hints_given: dict[str, int] = {}

session.prepare_kernel()


class NotPassed(Exception):
    """The exercise has not passed. Raised for nbgrader."""


def check(name: str, fn: Any) -> Callable[..., Any]:
    """Show whether fn passes the exercise, record it in the student's progress, and return a correct function.

    Returns fn itself if it passes and the course's reference if not, so the notebook can continue after ``fn =
    check(name, fn)`` either way. An equivalent type, such as float64 instead of float32, passes; the returned
    function then converts its results to the usual type. Mistakes in fn raise nothing; Ctrl-C still interrupts.
    In a notebook on Linux, fn runs in a copy of the kernel, so that nothing it does can hang or end the kernel: what it
    prints is shown, what it stores in the notebook's variables is not kept.
    Raises UnknownExercise if no exercise has that name. Raises NotPassed only while nbgrader runs the notebook,
    because nbgrader counts a cell without an error as passed.
    """
    if callable(name) and issubclass(type(fn), str):  # isinstance would ask fn
        name, fn = fn, name
    exercise = find(name)
    name = exercise.name
    graded = "NBGRADER_EXECUTION" in os.environ
    other_type = None
    verdict = session.stale(exercise, fn)
    if verdict is None:
        verdict, other_type = examine_sheltered(exercise, fn)
    _verdicts[name] = verdict
    note = record(name, verdict)
    counts = not graded and verdict.outcome in (Outcome.PASSED, Outcome.NOT_YET)
    show(Report(exercise, verdict, note, passed_so_far() if counts else None))
    if not verdict.passed and graded:
        raise NotPassed(f"{name} has not passed.")
    right = converted(exercise, fn, other_type) if verdict.passed else exercise.reference
    session.checked(exercise, right, verdict)
    return right


def passed(name: str) -> bool:
    """Whether the last check in this kernel passed; graded cells assert it. Raises UnknownExercise."""
    verdict = _verdicts.get(find(name).name)
    return verdict is not None and verdict.passed


def hint(name: str) -> None:
    """Show the exercise's next hint; after the last one, show the solution. Raises UnknownExercise."""
    exercise = find(name)
    name = exercise.name
    steps = len(exercise.hints) + 1
    last = _hints_given.get(name, 0)
    step = _hints_given[name] = min(last + 1, steps)
    text = exercise.hints[step - 1] if step < steps else solution(name)
    show(Hint(name, step, steps, text, again=last == steps))


def show_solution(name: str) -> None:
    """Show the source code of the reference. Raises UnknownExercise."""
    exercise = find(name)
    steps = len(exercise.hints) + 1
    show(Hint(exercise.name, steps, steps, solution(name)))
