"""Examine a student's function where it can be ended: in a copy of the kernel, or under the eyes of a watchdog."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import torch

from course_utils.console import in_notebook
from course_utils.costs import free_memory
from course_utils.exercises import time_limit
from course_utils.exercises.endings import ended
from course_utils.exercises.engine import NOT_STOPPED, examine
from course_utils.exercises.exercise import Exercise
from course_utils.exercises.forked import run_forked
from course_utils.exercises.guard import guarded
from course_utils.exercises.observe import Observation
from course_utils.exercises.typed import other_type
from course_utils.exercises.verdict import Kind, Outcome, Verdict

MORE_SECONDS = 2.0  # beyond the exercise's own limit for its cases: for its gradients and everything else
MEMORY = 2**31  # bytes; the cases of an exercise need a thousandth

_inside = False  # an examination in this process


def examine_sheltered(exercise: Exercise, fn: Any) -> tuple[Verdict, int | None]:
    """The verdict on fn, and, if it passes, the number of a case whose result has another type than the reference's.

    Only a notebook has a session to lose. There, a function that hangs or crashes in C ends a copy of the kernel; where
    the kernel cannot be copied, a watchdog outside ends the kernel itself, and the next one says why. Raises
    RuntimeError if fn calls this again.
    """
    if _inside:
        raise RuntimeError("check is called inside the function that it checks: call it in a cell of its own")
    if not in_notebook() or _followed():
        return _examined(exercise, fn)
    seconds = exercise.seconds + MORE_SECONDS
    if can_copy():
        try:
            return _in_copy(exercise, fn, seconds)
        except OSError:  # no further process or file: without a copy then
            pass
    with guarded(exercise, seconds), _marked():
        return _examined(exercise, fn)


def can_copy() -> bool:
    """Whether a copy of this process works: not with a GPU, and not on macOS, whose libraries forbid it."""
    return sys.platform == "linux" and hasattr(os, "fork") and not torch.cuda.is_initialized()


def _followed() -> bool:
    """Whether a debugger, a profiler or a measurement of coverage follows this process: it would not see a copy."""
    tools: Any = getattr(sys, "monitoring", None)  # from Python 3.12 on
    debugpy: Any = sys.modules.get("debugpy")
    return (
        sys.gettrace() is not None
        or sys.getprofile() is not None
        or (tools is not None and any(tools.get_tool(number) for number in range(6)))
        or (debugpy is not None and bool(debugpy.is_client_connected()))
    )


def _examined(exercise: Exercise, fn: Any) -> tuple[Verdict, int | None]:
    observed: list[Observation] = []
    verdict = examine(exercise, fn, observed)
    return verdict, other_type(exercise, observed) if verdict.passed else None


@contextmanager
def _marked() -> Iterator[None]:
    """Mark that an examination is under way."""
    global _inside
    _inside = True
    try:
        yield
    finally:
        _inside = False


def _in_copy(exercise: Exercise, fn: Any, seconds: float) -> tuple[Verdict, int | None]:
    def work() -> str:
        time_limit.PATIENCE = 0.2  # what cannot be stopped ends with the copy
        with _marked():
            verdict, number = _examined(exercise, fn)
        return json.dumps([asdict(verdict), number])

    end = run_forked(work, seconds, min(MEMORY, free_memory()))
    if end.answer is None:
        return ended(exercise, fn, end, seconds), None
    fields, number = json.loads(end.answer)
    fields["message"] = fields["message"].replace(NOT_STOPPED, "")  # it was, with its process
    return Verdict(**{**fields, "outcome": Outcome(fields["outcome"]), "kind": Kind(fields["kind"])}), number
