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


class _Stop(SystemExit):
    """Raised inside code that is past its limit. A thread that ends by a SystemExit prints no traceback."""


def run_limited(steps: Iterator[None], seconds: float) -> None:
    """Advance steps to their end in a thread of its own. Raises TimedOut after seconds. The steps raise nothing.

    A thread and an exception raised in it work on every system and inside a notebook's kernel, where a signal or a
    process does not. The exception is raised again and again, because careless code swallows it; code that never
    returns from a single call into C cannot be stopped from inside a process.
    """
    late = threading.Event()

    def advance() -> None:
        for _ in steps:
            if late.is_set():
                return

    # Daemon: what cannot be stopped must not keep the kernel from closing. The context keeps prints in their cell.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(advance,), daemon=True)
    thread.start()
    try:
        end = time.monotonic() + seconds
        while thread.is_alive() and time.monotonic() < end:
            thread.join(0.02)  # short: on Windows a longer one would not hear Ctrl-C
        if not thread.is_alive():
            return
    except KeyboardInterrupt:
        late.set()
        _stop(thread)
        raise
    late.set()
    raise TimedOut(stopped=_stop(thread))


def _stop(thread: threading.Thread) -> bool:
    interval = sys.getswitchinterval()
    end = time.monotonic() + PATIENCE
    # Threads that change places at nearly every instruction: the next exception then arrives while an `except` is
    # still dealing with the last one, and so gets out of `while True: try: … except: pass`.
    sys.setswitchinterval(1e-6)
    try:
        while thread.is_alive() and time.monotonic() < end:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_Stop))
            time.sleep(0)
    finally:
        sys.setswitchinterval(interval)
    return not thread.is_alive()


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
