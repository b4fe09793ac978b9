"""The kernel's side of the watchdog, and what a new kernel says about the end of the one before."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from course_utils import files, paths
from course_utils.exercises import watchdog
from course_utils.exercises.exercise import Exercise
from course_utils.sampler import sampled

PULSE = 0.5  # seconds

_process: subprocess.Popen[bytes] | None = None


@contextmanager
def guarded(exercise: Exercise, seconds: float) -> Iterator[None]:
    """Within the block, the watchdog ends this kernel after so many CPU seconds in which the interpreter is stuck."""
    _say(json.dumps({"exercise": exercise.name, "seconds": seconds}))
    try:
        with sampled(lambda: _say("."), PULSE):
            yield
    finally:
        _say("")


def last_words() -> str | None:
    """A sentence if the last kernel ended in a check, once; None otherwise, or if its note cannot be read."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        note = paths.state_dir() / watchdog.NOTE
        with files.opened(note) as file:
            said = json.loads(file.read())
        note.unlink()
        name = said["exercise"]
        if said["ended"] == "by itself":
            return (
                f"The last kernel ended while it checked {name}: if you did not restart it, look in that function for "
                "os._exit(), for what calls into C, such as ctypes, or for a tensor or a list that grows too large."
            )
        return (
            f"The check of {name} ended the last kernel, because the function was in one operation for "
            f"{said['seconds']:g} s of computing, which nothing else can end: look for a power, a text, a list or a "
            "regular expression that grows too large."
        )
    return None


def _say(line: str) -> None:
    """A line for the watchdog, which starts with the first one; without one, the check goes on unguarded."""
    global _process
    with suppress(OSError, ValueError):
        if _process is None:
            folder = paths.state_dir()
            folder.mkdir(parents=True, exist_ok=True)
            _process = subprocess.Popen(
                [sys.executable, "-I", watchdog.__file__, str(os.getpid()), str(folder.absolute())],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # an interrupt is for the kernel alone
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        assert _process.stdin is not None
        _process.stdin.write(f"{line}\n".encode())
        _process.stdin.flush()
