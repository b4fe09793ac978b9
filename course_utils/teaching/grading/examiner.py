"""Run the steps of a submission in a separate process, and return trustworthy verdicts."""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from course_utils.exercises import Exercise, Kind, Outcome, Verdict, find
from course_utils.exercises.compare import difference
from course_utils.exercises.engine import not_yet
from course_utils.exercises.observe import observe
from course_utils.exercises.undisturbed import undisturbed
from course_utils.teaching.grading import student_process
from course_utils.teaching.grading.student_process import Step, unpack

LARGEST_MESSAGE = 2**28  # bytes
SECONDS_TO_START = 300.0  # usually less than one; the first process waits for all imports
SECONDS_BESIDES = 10.0  # for the rest of an examination, apart from the student's function

Findings = dict[int, str | Verdict]  # by number of the step: the output of a cell, or the verdict on an exercise


@dataclass(frozen=True)
class Limits:
    """Limits for one submitted notebook."""

    cell_seconds: float = 20.0
    notebook_seconds: float = 300.0
    memory: int = 4 * 2**30  # bytes, in addition to the course's own libraries


class _Stopped(Exception):
    """A step did not finish; the message says why. ``late``: it ran out of time."""

    def __init__(self, how: str, late: bool) -> None:
        super().__init__(how)
        self.late = late


def carry_out(steps: Sequence[Step], folder: Path, limits: Limits, preload: Sequence[str] = ()) -> Findings:
    """Do the steps (cells and checks) in the folder. If one hangs or ends the process, the others still get their
    results: the remaining steps run in a new process, without it.

    ``preload``: modules to import before any process starts; only the first call counts. Raises RuntimeError if a
    process cannot start, or ends before it runs a cell.
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
        with (
            TemporaryDirectory(ignore_cleanup_errors=True) as scratch,
            _started(todo, self.folder, Path(scratch), self.limits, self.preload) as (receiver, process),
        ):
            for step in todo:
                try:
                    found = self.findings[step.number] = self.result(step, receiver, process)
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

    def result(self, step: Step, receiver: Connection, process: Any) -> str | Verdict:
        """The process's result for the step, verified. Raises _Stopped if there is none."""
        exercise = find(step.text) if step.kind == "check" else None
        seconds = self.limits.cell_seconds if exercise is None else 2 * exercise.seconds + SECONDS_BESIDES
        message = _receive(receiver, process, seconds)
        try:
            found = unpack(message)
            if step.kind in ("keep", "lend"):
                return self.findings[step.number]
            return _text(found) if exercise is None else _confirmed(exercise, found)
        except Exception as error:
            raise _Stopped("sent something that is not a result", late=False) from error

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
    if ending.late:
        return not_yet(Kind.TOO_SLOW, f"{name} {ending}: look for a loop that never ends, or for waiting.")
    return not_yet(Kind.ERROR, f"{name} {ending}: look for os._exit(), or for a tensor that is much too large.")


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
) -> Iterator[tuple[Connection, Any]]:
    """A process that does the steps, and the connection for its results; both end with the block."""
    context = _context(preload)
    receiver, sender = context.Pipe(duplex=False)
    seconds = int(2 * limits.notebook_seconds)
    process = context.Process(
        target=student_process.run, args=(steps, folder, scratch, limits.memory, seconds, sender)
    )
    process.start()
    sender.close()
    try:
        try:
            _receive(receiver, process, SECONDS_TO_START)
        except _Stopped as ending:
            raise RuntimeError(f"The process for a student's code {ending} before it ran any code.") from ending
        yield receiver, process
    finally:
        _end(process)
        receiver.close()


def _receive(receiver: Connection, process: Any, seconds: float) -> bytes:
    """The next message within that many seconds. Raises _Stopped if there is none."""
    ready = wait([receiver, process.sentinel], timeout=seconds)
    if not ready:
        raise _Stopped(f"was still running after {seconds:.0f} s", late=True)
    try:
        if receiver in ready:
            return receiver.recv_bytes(LARGEST_MESSAGE)
    except (EOFError, OSError):
        pass
    process.join(1)
    if process.exitcode is None:
        raise _Stopped("closed its connection to the examiner", late=False)
    if process.exitcode < 0:
        raise _Stopped(f"ended the whole process ({signal.strsignal(-process.exitcode)})", late=False)
    raise _Stopped(f"ended the whole process (exit code {process.exitcode})", late=False)


def _confirmed(exercise: Exercise, found: Mapping[str, Any]) -> Verdict:
    """The verdict from the student's process. A pass is not trusted but computed again here."""
    misconception = None if found["misconception"] is None else _text(found["misconception"])
    verdict = Verdict(Outcome(found["outcome"]), _text(found["message"]), Kind(found["kind"]), misconception)
    if not verdict.passed:
        return verdict
    with undisturbed():
        expected = observe(exercise.reference, exercise.all_cases())
        for mine, right in zip(found["results"], expected, strict=True):
            if gap := difference(mine, right.result, exercise.returns):
                return not_yet(gap.kind, f"{gap.sentence} Code in this notebook disturbs the examination.")
    return verdict


def _text(value: Any) -> str:
    """Text of limited length that can be written into a file."""
    return str(value)[: 2 * student_process.SHOWN].encode(errors="replace").decode()


def _end(process: Any) -> None:
    """Stop the process and its children."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()
