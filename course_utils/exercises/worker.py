"""A student's code, run with a time limit and without leaving a trace in the notebook's own state."""

import contextvars
import ctypes
import random
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

import numpy as np
import torch

PRINTED = 4000  # characters of a student's own prints that are shown: enough to debug, too few to drown in
PATIENCE = 2.0  # seconds to stop code that is past its limit


class TimedOut(Exception):
    """The time limit has passed. ``stopped`` is False when the code runs on in the background all the same."""

    def __init__(self, stopped: bool) -> None:
        super().__init__(stopped)
        self.stopped = stopped


class Stop(BaseException):
    """Raised inside code that is past its limit; `except Exception` does not catch it."""


def run_limited(steps: Iterator[None], seconds: float) -> None:
    """Advance steps to their end in a thread of its own. Raises TimedOut after seconds. The steps raise nothing.

    A thread and an exception raised in it work on every system and inside a notebook's kernel, where a signal or a
    process does not. The exception, Stop, is raised again and again, because careless code swallows it. Code that
    does not return from one call into C, or that waits in one whenever it could be hit, is left running.
    """
    late = threading.Event()
    running = True

    def advance() -> None:
        nonlocal running
        try:
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
        end = time.monotonic() + seconds
        while thread.is_alive() and time.monotonic() < end:
            thread.join(0.02)  # short: on Windows a longer one would not hear Ctrl-C
    except KeyboardInterrupt:
        stop()
        raise
    if thread.is_alive():
        raise TimedOut(stopped=stop())


@contextmanager
def undisturbed(seed: int = 0) -> Iterator[None]:
    """Inside, randomness is seeded, gradients are on and the CPU in float32 is the default; after, all is as before.

    A student's print is shown up to a length, and ``exit()`` raises SystemExit instead of ending the kernel.
    """
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    python, numpy, dtype, stdout = random.getstate(), np.random.get_state(), torch.get_default_dtype(), sys.stdout
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    with (
        torch.random.fork_rng(devices),
        torch.device("cpu"),
        torch.inference_mode(False),
        torch.enable_grad(),
    ):
        torch.default_generator.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)
        torch.set_default_dtype(torch.float32)
        sys.stdout = _Shortened(stdout)
        if shell is not None:
            shell.ask_exit = _refuse_to_exit
        try:
            yield
        finally:
            if shell is not None:
                del shell.ask_exit
            sys.stdout = stdout
            torch.set_default_dtype(dtype)
            random.setstate(python)
            np.random.set_state(numpy)


def _refuse_to_exit() -> None:
    raise SystemExit


class _Shortened:
    """A standard output that stops showing after some thousand characters; everything else is the real one's."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.left = PRINTED

    def write(self, text: str) -> int:
        if self.left > 0:
            self.stream.write(text[: self.left] + ("" if len(text) <= self.left else "\n… (the rest is not shown)\n"))
            self.left -= len(text) if len(text) <= self.left else self.left + 1
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)
