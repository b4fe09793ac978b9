"""The verdict on a function whose examination ended without one: it was endless, or took its process with it."""

import signal
from types import FunctionType
from typing import Any

from course_utils.exercises.engine import given_up, not_yet
from course_utils.exercises.exercise import Exercise
from course_utils.exercises.forked import End
from course_utils.exercises.own_code import place_in
from course_utils.exercises.verdict import Kind, Verdict

CRASHES = {"SIGSEGV": "segmentation fault", "SIGBUS": "bus error", "SIGFPE": "arithmetic error",
           "SIGILL": "illegal instruction", "SIGABRT": "abort"}  # fmt: skip


def ended(exercise: Exercise, fn: Any, end: End, seconds: float) -> Verdict:
    """The verdict; seconds: the limit that the examination had."""
    place = place_in(fn, end.trace) if type(fn) is FunctionType else None  # another object could be endless here too
    where = f" It was in {place}." if place else ""
    if end.why is not None:
        return given_up(exercise, end.why, seconds, where)
    name, signals = exercise.function, {number.value: number.name for number in signal.Signals}
    killer = signals.get(-end.status, "")
    if killer in CRASHES:
        said = (
            f"{name} crashes Python itself ({killer}, {CRASHES[killer]}): remove what calls into C, such as ctypes, or "
            "check the arguments of the library that it calls"
        )
    elif killer == "SIGKILL":
        said = (
            f"{name} was ended by the system ({killer}), as a rule because it needs too much memory: look for a tensor "
            "or a list that grows too large"
        )
    elif killer:
        said = f"{name} ends its process with a signal ({killer}): remove os.kill() or signal.raise_signal()"
    else:
        said = (
            f"{name} ends Python itself (exit status {end.status}): look for os._exit(), or for what closes files that "
            "it did not open"
        )
    return not_yet(Kind.ERROR, f"{said}. It ran in a copy of this kernel, which is unharmed.{where}")
