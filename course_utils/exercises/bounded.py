"""Run somebody else's code for so many seconds at the most."""

import contextlib
import ctypes
import threading
from collections.abc import Callable


class TimeUp(BaseException):
    """Raised inside the code that took too long; no ``except Exception`` stops it."""


def run_bounded(work: Callable[[], None], seconds: float) -> bool:
    """Run work in a thread of its own; → whether it ended in time. It must not raise.

    Afterwards the thread is asked to stop, again and again for two seconds, since code may swallow what stops it;
    a thread inside a long call of a C library is left to itself. Works the same on every operating system and inside
    a kernel. An interrupt from the keyboard stops the work too.
    """
    thread = threading.Thread(target=_quietly, args=(work,), daemon=True)
    thread.start()
    try:
        thread.join(seconds)
        return not thread.is_alive()
    finally:
        for _ in range(40):
            if not thread.is_alive():
                break
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(TimeUp))
            thread.join(0.05)


def _quietly(work: Callable[[], None]) -> None:
    with contextlib.suppress(TimeUp):
        work()
