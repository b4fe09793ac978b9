"""A student's code, run with a limit on what it computes: seconds of a processor, not of the clock on the wall."""

import contextvars
import ctypes
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

PATIENCE = 2.0  # seconds to stop code that is past its limit
WALL = 20  # times the limit: on a machine busy with other things the same work takes that much longer


class Why(StrEnum):
    """What code that was given up was doing."""

    COMPUTING = "computing"
    WAITING = "waiting"  # for a clock, a file, another thread: no processor was used
    UNLUCKY = "unlucky"  # it computed, but others had the processor


class TimedOut(Exception):
    """The limit has passed. ``stopped`` is False when the code runs on in the background all the same."""

    def __init__(self, why: Why, stopped: bool) -> None:
        super().__init__(why)
        self.why = why
        self.stopped = stopped


class Stop(BaseException):
    """Raised inside code that is past its limit; `except Exception` does not catch it."""


@dataclass(frozen=True)
class Clock:
    """The seconds that a thread has computed, and the share of a processor that counts as nothing."""

    seconds: Callable[[], float]
    noise: float


def run_limited(steps: Iterator[None], seconds: float) -> None:
    """Advance steps to their end in a thread of its own. The steps raise nothing.

    Raises TimedOut after so many seconds of computing; after as many in which nothing is computed; and in any case
    after twenty times as many on the clock.

    A thread and an exception raised in it work on every system and inside a notebook's kernel, where a signal or a
    process does not. The exception, Stop, is raised again and again, because careless code swallows it. Code that
    does not return from one call into C, or that waits in one whenever it could be hit, is left running.
    """
    late = threading.Event()
    running = True
    clock: list[Clock] = []

    def advance() -> None:
        nonlocal running
        try:
            clock.append(_own_clock())
            while not late.is_set():
                next(steps)
        except (Stop, StopIteration):
            pass
        finally:
            running = False

    def stop() -> bool:
        late.set()
        end = time.monotonic() + PATIENCE
        # Not a moment longer than the student's code runs: the next Stop would hit the thread's own last steps.
        while running and time.monotonic() < end:
            if thread.ident is not None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Stop))
            time.sleep(0.01)
        if not running:
            thread.join()
        return not running

    # Daemon: what cannot be stopped must not keep the kernel from closing. The context keeps prints in their cell.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(advance,), daemon=True)
    try:
        thread.start()
        why = _watched(thread, clock, seconds)
    except KeyboardInterrupt:
        stop()
        raise
    if why is not None:
        raise TimedOut(why, stopped=stop())


def _watched(thread: threading.Thread, clock: Sequence[Clock], seconds: float) -> Why | None:
    """Wait for the thread's end; why it should be waited for no longer, or None when it has ended."""
    begun = since = time.monotonic()
    last = 0.0
    while True:
        thread.join(0.02)  # short: on Windows a longer one would not hear Ctrl-C
        if not thread.is_alive():
            return None
        if not clock:
            continue
        now, used = time.monotonic(), clock[0].seconds()
        if used >= seconds:
            return Why.COMPUTING
        if used - last > clock[0].noise * (now - since):
            since, last = now, used
        elif now - since >= seconds:
            return Why.WAITING
        if now - begun >= WALL * seconds:
            return Why.UNLUCKY if used > 0.01 * (now - begun) else Why.WAITING


def _own_clock() -> Clock:
    """The clock of the thread that asks, for others to read.

    Where the system keeps no such clock, the process's own stands in, with what else runs in it.
    """
    if not hasattr(time, "pthread_getcpuclockid"):
        begun = time.process_time()
        return Clock(lambda: time.process_time() - begun, noise=0.02)
    number = time.pthread_getcpuclockid(threading.get_ident())

    def seconds() -> float:
        try:
            return time.clock_gettime(number)
        except OSError:  # the thread has ended
            return 0.0

    return Clock(seconds, noise=0.0005)
