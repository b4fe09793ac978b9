"""Run the steps of a submission in a separate process, and return trustworthy verdicts."""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

from course_utils.exercises import Kind, Verdict, find
from course_utils.exercises.engine import not_yet
from course_utils.teaching.grading import fence, student_process
from course_utils.teaching.grading.confirm import confirmed, text
from course_utils.teaching.grading.student_process import Step, unpack
from course_utils.teaching.grading.usage import Watch, living

LARGEST_MESSAGE = 2**26  # bytes; right answers need less than 2**18
SECONDS_TO_START = 300.0  # usually less than one; the first process waits for all imports
SECONDS_BESIDES = 10.0  # for the rest of an examination, apart from the student's function
SECONDS_TO_END = 10.0
GLANCE = 0.2  # seconds between two looks at what a process uses

# A student's code can print what it finds in the environment, and the feedback shows that: only these are passed on.
_PASSED_ON: tuple[str, ...] = ("COURSE_", "CONDA_", "LC_", "MKL_", "MPL", "OMP_", "PYTHON", "TORCH_", "XDG_CACHE")
_PASSED_ON += ("HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "SYSTEMROOT", "TEMP", "TMP", "TZ", "USERPROFILE")

Findings = dict[int, str | Verdict]  # by number of the step: the output of a cell, or the verdict on an exercise


@dataclass(frozen=True)
class Limits:
    """Limits for one submitted notebook; those of the fence apply besides."""

    cell_seconds: float = 20.0
    notebook_seconds: float = 300.0
    memory: int = 4 * 2**30  # bytes, in addition to the course's own libraries; of each process and of all together


class _Stopped(Exception):
    """A step did not finish; the message says why, and remedy where to look if it is an exercise."""

    def __init__(self, how: str, remedy: str) -> None:
        super().__init__(how)
        self.remedy = remedy


class _Late(_Stopped):
    """It ran out of time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"was still running after {seconds:.0f} s", _WAITS)


LEFT_RUNNING = "\nA cell of this notebook left another process running, which was ended.\n"
_WAITS = "look for a loop that never ends, or for waiting"
_ENDS = "look for os._exit(), or for a tensor that is much too large"
_TAKES = "make smaller tensors, and start no processes"


def carry_out(steps: Sequence[Step], folder: Path, limits: Limits, preload: Sequence[str] = ()) -> Findings:
    """Do the steps (cells and checks) in the folder. If one hangs or ends the process, the others still get their
    results: the remaining steps run in a new process, without it.

    preload: modules to import before any process; only the first call counts. Raises RuntimeError without a process.
    """
    return _Examination(steps, folder, limits, preload).finish()


class _Examination:
    """One submission: its steps, the findings so far, and the cells to skip in later processes."""

    def __init__(self, steps: Sequence[Step], folder: Path, limits: Limits, preload: Sequence[str]) -> None:
        self.steps, self.folder, self.limits, self.preload = steps, folder, limits, tuple(preload)
        self.findings: Findings = {}
        self.left_out: set[int] = set()
        self.deadline: float | None = time.monotonic() + limits.notebook_seconds

    def finish(self) -> Findings:
        """Start processes until there is a finding for each step."""
        while len(self.findings) < len(self.steps):
            if self.is_late():
                self.leave_out_extras()
            self.run_once()
        return self.findings

    def is_late(self) -> bool:
        """Whether the notebook is out of time while extra cells remain."""
        return self.deadline is not None and time.monotonic() > self.deadline

    def leave_out_extras(self) -> None:
        """Skip the extra cells, and drop the deadline: the rest is short, because each exercise has its own limit."""
        extras = {step.number for step in self.steps if step.kind == "extra"} - self.left_out
        how = f"took longer than {self.limits.notebook_seconds:.0f} s, so its extra cells were skipped"
        self.findings |= dict.fromkeys(extras, f"This notebook {how}.\n")
        self.left_out |= extras
        self.deadline = None

    def run_once(self) -> None:
        """Do the remaining steps in a new process, until they are done or the process fails."""
        todo = [self.again(step) for step in self.steps if step.number not in self.left_out]
        with fence.scratch() as scratch, _started(todo, self.folder, scratch, self.limits, self.preload) as student:
            for step in todo:
                try:
                    found = self.findings[step.number] = self.result(step, student)
                    if student.left_running():
                        self.note_what_is_left()
                except _Stopped as ending:
                    self.blame(_culprit(step, todo, ending), ending)
                    return
                if self.is_late() or (step.kind == "check" and _may_still_run(found)):
                    return

    def again(self, step: Step) -> Step:
        """The step for a later process: an exercise that has a verdict is not examined again."""
        verdict = self.findings.get(step.number)
        if not isinstance(verdict, Verdict):
            return step
        return Step(step.number, "keep" if verdict.passed else "lend", step.text)

    def result(self, step: Step, student: "_Student") -> str | Verdict:
        """The process's result for the step, verified. Raises _Stopped if there is none."""
        exercise = find(step.text) if step.kind == "check" else None
        seconds = self.limits.cell_seconds if exercise is None else 3 * exercise.seconds + SECONDS_BESIDES
        student.begin()
        message = student.message(seconds)
        try:
            found = unpack(message)
            if step.kind in ("keep", "lend"):
                return self.findings[step.number]
            return text(found) if exercise is None else confirmed(exercise, found)
        except Exception as error:
            raise _Stopped("sent something that is not a result", _ENDS) from error

    def note_what_is_left(self) -> None:
        """Note once, at the notebook's first cell, that a process is left."""
        cells = [n for n, found in self.findings.items() if n >= 0 and isinstance(found, str)]
        if cells and not any(str(self.findings[n]).endswith(LEFT_RUNNING) for n in cells):
            self.findings[cells[0]] = f"{self.findings[cells[0]]}{LEFT_RUNNING}"

    def blame(self, step: Step, ending: _Stopped) -> None:
        """Record the result of the step. A cell that ended a process is skipped in all later ones."""
        self.findings[step.number] = _what_became_of(step, ending)
        if step.is_cell:
            self.left_out.add(step.number)


def _culprit(step: Step, todo: Sequence[Step], ending: _Stopped) -> Step:
    """The step that ended the process; keep and lend do nothing, so then an earlier cell is the cause.

    Raises RuntimeError if there is no such cell.
    """
    if step.kind not in ("keep", "lend"):
        return step
    cells = [before for before in todo[: todo.index(step)] if before.is_cell]
    if not cells:
        raise RuntimeError(f"The process for a student's code {ending} although it ran no cell.") from ending
    return cells[-1]


def _may_still_run(found: str | Verdict) -> bool:
    """Whether the examined function may still be running, which would slow down later steps."""
    return isinstance(found, Verdict) and found.kind in (Kind.TOO_SLOW, Kind.WAITING)


def _what_became_of(step: Step, ending: _Stopped) -> str | Verdict:
    if step.is_cell:
        return f"This cell {ending}. Everything else was graded without it.\n"
    name = find(step.text).reference.__name__
    kind = Kind.TOO_SLOW if isinstance(ending, _Late) else Kind.ERROR
    return not_yet(kind, f"{name} {ending}: {ending.remedy}.")


@cache
def _context(preload: tuple[str, ...]) -> Any:
    """On Linux, a server that imports everything once and forks; elsewhere each process imports by itself."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([student_process.__name__, *preload])
    return context


@contextmanager
def _started(
    steps: Sequence[Step], folder: Path, scratch: Path, limits: Limits, preload: tuple[str, ...]
) -> Iterator["_Student"]:
    """A process behind the fence that does the steps; all of it ends with the block."""
    context = _context(preload)
    receiver, sender = context.Pipe(duplex=False)
    listener, starter = context.Pipe(duplex=False)
    seconds = int(2 * limits.notebook_seconds)
    arguments = (steps, folder, scratch, fence.level(), limits.memory, seconds, listener, sender)
    process = context.Process(target=student_process.run, args=arguments)
    passed_on = {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}
    with patch.dict(os.environ, passed_on, clear=True):
        process.start()
    listener.close()
    sender.close()
    try:
        student = _Student(receiver, starter, process)
        try:
            student.message(SECONDS_TO_START)
        except _Stopped as ending:
            raise RuntimeError(f"The process for a student's code {ending} before it ran any code.") from ending
        student.watch = Watch(process.pid, limits.memory, scratch)
        yield student
    finally:
        _end(process)
        receiver.close()
        starter.close()


class _Student:
    """A student's process, seen from outside: its messages, and what it uses. Nothing that it sends can block this."""

    def __init__(self, receiver: Connection, starter: Connection, process: Any) -> None:
        self.receiver, self.starter, self.process = receiver, starter, process
        self.received = bytearray()
        self.watch: Watch | None = None  # as soon as it is ready
        self.looked, self.others = time.monotonic(), set[int]()

    def begin(self) -> None:
        """Let it begin its next step."""
        with suppress(OSError):  # it has ended, which its message will tell
            self.starter.send_bytes(b"begin")

    def left_running(self) -> bool:
        """Whether a process has outlived the step that started it: it was there at the last call as well."""
        before, self.others = self.others, {one.pid for one in living(self.process.pid)[fence.own() :]}
        return bool(before & self.others)

    def message(self, seconds: float) -> bytes:
        """The next whole message within that many seconds. Raises _Stopped if there is none."""
        begun = time.monotonic()
        size = int.from_bytes(self.take(4, begun, seconds), "big")
        if size > LARGEST_MESSAGE:
            raise _Stopped("sent something that is not a result", _ENDS)
        message = self.take(size, begun, seconds)
        if time.monotonic() - begun > GLANCE:
            self.look()  # what it left behind is still its own
        return message

    def take(self, count: int, begun: float, seconds: float) -> bytes:
        """The next bytes. Raises _Stopped if they are not there so many seconds after begun."""
        while len(self.received) < count:
            left = begun + seconds - time.monotonic()
            if left <= 0:
                raise _Late(seconds)
            ready = wait([self.receiver, self.process.sentinel], timeout=min(left, GLANCE))
            if self.receiver in ready:
                chunk = self.read()
                if not chunk:
                    self.ended()
                self.received += chunk
            elif ready:
                self.ended()
            if time.monotonic() - self.looked > GLANCE:
                self.look()
        found = bytes(self.received[:count])
        del self.received[:count]
        return found

    def read(self) -> bytes:
        """The bytes that are there now, at least one; none if no more will come."""
        try:
            if sys.platform != "win32":
                return os.read(self.receiver.fileno(), 2**20)
            message = self.receiver.recv_bytes(LARGEST_MESSAGE)  # there, a pipe holds whole messages
            return len(message).to_bytes(4, "big") + message
        except (EOFError, OSError):
            return b""

    def look(self) -> None:
        """Raise _Stopped if its processes use too much."""
        self.looked = time.monotonic()
        if self.watch is not None and (how := self.watch.excess()):
            raise _Stopped(how, _TAKES)

    def ended(self) -> NoReturn:
        """Raise _Stopped with the reason why there are no more messages."""
        self.process.join(SECONDS_TO_END)
        code = self.process.exitcode
        if code is None:
            raise _Stopped("closed its connection to the examiner", _ENDS)
        how = f"exit code {code}"
        with suppress(ValueError):
            how = signal.strsignal(signal.Signals(-code if code < 0 else code - 128)) or how
        raise _Stopped(f"ended the whole process ({how})", _ENDS)


def _end(process: Any) -> None:
    """Stop the process and all that it started."""
    if sys.platform == "linux":
        process.terminate()  # the fence's keeper then ends all the others
        process.join(SECONDS_TO_END)
    elif hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()
