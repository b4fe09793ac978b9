"""Exercises that never block: ``patchify = check("04.patchify", patchify)``."""

from collections.abc import Callable
from typing import Any

from course_utils.exercises.exercise import Exercise, Misconception, exercises, find
from course_utils.exercises.judge import Verdict, judge
from course_utils.exercises.records import Progress, progress, record
from course_utils.exercises.report import Report, show

__all__ = [
    "Exercise",
    "Misconception",
    "Progress",
    "Verdict",
    "check",
    "exercises",
    "hint",
    "progress",
    "solution",
    "stub",
]

_hints_given: dict[str, int] = {}


def check(name: str, answer: Callable[..., Any]) -> Callable[..., Any]:
    """Judge an answer and show what was found; → the answer when it is right, the reference when it is not.

    So what follows always works, and works on the student's own code as soon as that code is right. Progress is kept.
    Raises KeyError for a name that is no exercise, and nothing for what the answer does.
    """
    exercise = find(name)
    verdict = judge(exercise, answer)
    record(exercise.name, exercise.title, verdict)
    show(Report(exercise.name, exercise.title, verdict))
    return answer if verdict.status == "passed" else exercise.reference


def hint(name: str) -> None:
    """Print the next hint; after the last one, the solution. Raises KeyError for a name that is no exercise."""
    exercise = find(name)
    given = _hints_given.get(name, 0)
    _hints_given[name] = given + 1
    if given < len(exercise.hints):
        print(f"Hint {given + 1} of {len(exercise.hints)}: {exercise.hints[given]}")
    else:
        print(f"The solution:\n\n{exercise.source}")


def solution(name: str) -> str:
    """The reference's source. Raises KeyError for a name that is no exercise."""
    return find(name).source


def stub(name: str) -> str:
    """What the notebook's exercise cell holds at first. Raises KeyError for a name that is no exercise."""
    return find(name).stub
