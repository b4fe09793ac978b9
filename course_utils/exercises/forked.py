"""Run a function in a forked copy of this process, which may hang, crash or be killed without harm to this one.

The copy has all variables of the session without loading anything. It answers with one line of text, and is ended as
soon as it has answered. Only Linux copies a process with threads and with PyTorch reliably.
"""

import codecs
import os
import secrets
import selectors
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TextIO

import psutil

from course_utils.exercises import confined
from course_utils.exercises.time_limit import Clock, Why, watched
from course_utils.exercises.undisturbed import PRINTED, Shortened

NOISE = 0.01  # share of a processor that a copy uses while it only waits
LONGEST = 2**20  # bytes of an answer or a trace


@dataclass(frozen=True)
class End:
    """How a copy ended: its answer, or the reason why it was ended before one, or its exit status without one."""

    answer: str | None
    why: Why | None
    status: int  # negative: the number of a signal
    trace: str  # where its threads were, as faulthandler writes it; empty if it answered


def run_forked(work: Callable[[], str], seconds: float, memory: int) -> End:
    """Run work, which returns one line, in a copy of this process and show what it prints.

    The copy is ended after this many seconds of CPU time, or after as many without any. memory: bytes that it may use
    beyond those of this process. Raises OSError if this process cannot be copied now; then nothing was run.
    """
    mark = secrets.token_bytes()  # before the answer, in case that something else is written into its pipe
    with ExitStack() as reading, ExitStack() as writing:
        read, write = dict[str, int](), dict[str, int]()
        for name in ("answer", "out", "err", "trace"):
            read[name], write[name] = os.pipe()
            reading.callback(os.close, read[name])
            writing.callback(os.close, write[name])
        for stream in (sys.__stdout__, sys.__stderr__):
            with suppress(AttributeError, ValueError, OSError):
                stream.flush()  # type: ignore[union-attr]
        copy = _Copy(read, mark)
        try:
            with _interrupted_later(), warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12: this process has threads
                copy.pid = os.fork()
                if copy.pid == 0:
                    _answer(work, memory, write, mark)
            writing.close()
            why = watched(copy.over, [Clock(copy.cpu_seconds, NOISE)], seconds)
            if why is not None:
                copy.dump()
        finally:
            with _interrupted_later():
                status = copy.end()
    return End(copy.answer, why, status, "" if copy.answer else copy.trace)


@contextmanager
def _interrupted_later() -> Iterator[None]:
    """Let an interrupt wait until the block has ended: a fork would lose it, or raise it in both processes."""
    came = []
    main = threading.current_thread() is threading.main_thread()  # the only one that is interrupted
    before = signal.signal(signal.SIGINT, lambda *_: came.append(True)) if main else None
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)
    if came and callable(before):
        before(signal.SIGINT, None)


def _answer(work: Callable[[], str], memory: int, write: Mapping[str, int], mark: bytes) -> NoReturn:
    """What the copy does."""
    me = os.getpid()
    try:
        confined.confine(memory, write["out"], write["err"], {write["answer"], write["trace"]})
        confined.dump_to(write["trace"])
        answer = mark + work().encode() + b"\n"
        while answer and os.getpid() == me:  # not in a copy that the function has made of this one
            answer = answer[os.write(write["answer"], answer) :]
        while os.getpid() == me:
            time.sleep(60)  # until it is ended, with all that it has started
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


class _Copy:
    """A copy, seen from the process that it is a copy of."""

    def __init__(self, pipes: Mapping[str, int], mark: bytes) -> None:
        self.pid = 0  # until it runs
        self.mark = mark
        self.said, self.traced = bytearray(), bytearray()
        hears = {
            "answer": _collector(self.said),
            "trace": _collector(self.traced),
            "out": _shower(sys.stdout),
            "err": _shower(sys.stderr),
        }
        self.selector = selectors.DefaultSelector()
        for name, pipe in pipes.items():
            self.selector.register(pipe, selectors.EVENT_READ, hears[name])

    @property
    def answer(self) -> str | None:
        """Its line, if it is complete."""
        line, end, _ = self.said.partition(self.mark)[2].partition(b"\n")
        return line.decode() if end else None

    @property
    def trace(self) -> str:
        """Where its threads were."""
        return self.traced.decode(errors="replace")

    def over(self) -> bool:
        """Whether it has answered or ended, after waiting a moment."""
        self._listen(0.02)
        return self.answer is not None or self._ended()

    def cpu_seconds(self) -> float:
        """The CPU time that it has used; 0 if it has ended."""
        with suppress(psutil.Error):
            used = psutil.Process(self.pid).cpu_times()
            return float(used.user + used.system)
        return 0.0

    def dump(self) -> None:
        """Let it write its trace: on this signal faulthandler does, even within a call into C."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGABRT)
        latest = time.monotonic() + 1
        while not self._ended() and time.monotonic() < latest:
            self._listen(0.02)

    def end(self) -> int:
        """End it and all that it has started; returns its exit status."""
        if not self.pid:
            return 0
        for pid in [*_descendants(self.pid), self.pid]:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        status = 0
        with suppress(ChildProcessError):  # this process ignores the end of its children
            status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        for _ in range(100):  # for what the pipes still hold; no more, in case something has escaped and still writes
            if not self._listen(0):
                break
        self.selector.close()
        return status

    def _ended(self) -> bool:
        """Whether it has ended; its number stays taken."""
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def _listen(self, seconds: float) -> bool:
        """Wait for something in the pipes, and take it; returns whether there was something."""
        ready = self.selector.select(seconds)
        for key, _ in ready:
            content = os.read(key.fd, 2**16)
            if content:
                key.data(content)
            else:
                self.selector.unregister(key.fd)
        return bool(ready)


def _collector(into: bytearray) -> Callable[[bytes], None]:
    def collect(content: bytes) -> None:
        into.extend(content[: LONGEST - len(into)])

    return collect


def _shower(stream: TextIO) -> Callable[[bytes], None]:
    """Show text on a stream, up to a limit, above the one that the examination has for each of its prints."""
    decoder, shortened = codecs.getincrementaldecoder("utf-8")("replace"), Shortened(stream, 2 * PRINTED)

    def show(content: bytes) -> None:
        shortened.write(decoder.decode(content))

    return show


def _descendants(pid: int) -> Iterator[int]:
    """The processes that a process has started, and theirs."""
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, tasks.read_text().split()):
                yield child
                yield from _descendants(child)
