"""Run a student's code with a limit on its CPU time, not on wall-clock time."""

import contextvars
import ctypes
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

PATIENCE = 2.0  # seconds for stopping code that exceeded its limit
LULL = 1.0  # seconds without a processor that a busy machine may cause
GLANCE = LULL / 4  # seconds: at most so many count between two looks, because the machine may have stood still
WALL = 20  # times the limit: a busy machine may take this much longer for the same work


class Why(StrEnum):
    """What the code was doing when its limit passed."""

    COMPUTING = "computing"
    WAITING = "waiting"  # for a clock, a file or another thread, without using a processor
    UNLUCKY = "unlucky"  # other programs had the processor


class TimedOut(Exception):
    """The code exceeded the limit. ``stopped`` is False if it still runs in the background."""

    def __init__(self, why: Why, stopped: bool) -> None:
        super().__init__(why)
        self.why = why
        self.stopped = stopped


class Stop(BaseException):
    """Raised inside code that exceeded its limit; `except Exception` does not catch it."""


@dataclass(frozen=True)
class Clock:
    """The CPU seconds of a thread, and the share of a processor that counts as idle."""

    seconds: Callable[[], float]
    noise: float


def run_limited(steps: Iterator[None], seconds: float) -> None:
    """Run steps to the end in their own thread. The steps raise nothing.

    Raises TimedOut after this many seconds of CPU time, after this many seconds without CPU use, and in any case
    after twenty times as many seconds of wall-clock time.

    A thread and an exception raised in it work on every system and inside a notebook's kernel, unlike a signal or a
    process. The exception, Stop, is raised repeatedly, because careless code may catch it. Code that never returns
    from a call into C is left running.
    """
    late, process = threading.Event(), os.getpid()
    running = True
    clock: list[Clock] = []

    def advance() -> None:
        nonlocal running
        try:
            clock.append(_own_clock())
            while not late.is_set():
                next(steps)
                if os.getpid() != process:
                    os._exit(0)  # the code has forked: of the two, this one is no longer needed
        except (Stop, StopIteration):
            pass
        finally:
            running = False

    def stop() -> bool:
        late.set()
        end = time.monotonic() + PATIENCE
        # Only while the student's code runs: a later Stop would hit the thread's own last steps.
        while running and time.monotonic() < end:
            if thread.ident is not None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Stop))
            time.sleep(0.01)
        if not running:
            thread.join()
        return not running

    def over() -> bool:
        thread.join(0.02)  # short, because on Windows a longer one would ignore Ctrl-C
        return not thread.is_alive()

    # Daemon: code that cannot be stopped must not keep the kernel from closing. The context keeps output in its cell.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(advance,), daemon=True)
    try:
        thread.start()
        why = watched(over, clock, seconds)
    except KeyboardInterrupt:
        stop()
        raise
    if why is not None:
        raise TimedOut(why, stopped=stop())


def watched(over: Callable[[], bool], clock: Sequence[Clock], seconds: float) -> Why | None:
    """Wait until it is over; returns the reason to stop waiting, or None.

    over: waits a moment, then says whether it is over. clock: of the code that is waited for, as soon as it has begun.
    """
    looked = time.monotonic()
    now = since = last = 0.0
    while True:
        if over():
            return None
        before, looked = looked, time.monotonic()
        now += min(looked - before, GLANCE)
        if not clock:
            continue
        used = clock[0].seconds()
        if used >= seconds:
            return Why.COMPUTING
        if used - last > clock[0].noise * (now - since):
            since, last = now, used
        elif now - since >= max(seconds, LULL):
            return Why.WAITING
        if now >= WALL * seconds:
            return Why.UNLUCKY if used > 0.01 * now else Why.WAITING


def _own_clock() -> Clock:
    """The CPU clock of the calling thread, for other threads to read.

    If the system has no such clock, the clock of the whole process is used instead.
    """
    if not hasattr(time, "pthread_getcpuclockid"):
        begun = time.process_time()
        return Clock(lambda: time.process_time() - begun, noise=0.02)
    number = time.pthread_getcpuclockid(threading.get_ident())

    def seconds() -> float:
        try:
            return time.clock_gettime(number)
        except OSError:  # the thread has finished
            return 0.0

    return Clock(seconds, noise=0.0005)
