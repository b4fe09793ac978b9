"""What a copy of a kernel may do while it runs a student's function: print, compute, and use some memory."""

import faulthandler
import gc
import io
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import torch

from course_utils import linux
from course_utils.console import ipython

LARGEST_FILE = 2**30  # bytes


def confine(memory: int, out: int, err: int, keep: set[int]) -> None:
    """Confine this process, a fresh copy with one thread, for the rest of its life.

    It prints to the files out and err, reads nothing, uses at most so many bytes of memory more than now, and none of
    the connections of the process that it is a copy of, except the files to keep.
    """
    os.setsid()
    signal.set_wakeup_fd(-1)
    for option, value in ((linux.END_WITH_PARENT, signal.SIGKILL), (linux.ADOPT_ORPHANS, 1)):
        with suppress(OSError):
            linux.control(option, value)
    if refuses_signals():  # elsewhere a function can kill its kernel
        linux.control(linux.NO_NEW_PRIVILEGES, 1)
        with linux.landlock(files=0, scopes=2):  # 2: no signals to other processes
            pass
    _redirect(out, err, {out, err, *keep})
    _mute_kernel()
    _limit(memory)
    gc.freeze()  # a collection would write to all of the parent's memory, and so copy it
    torch.set_num_threads(1)  # the other threads have not been copied


def dump_to(file: int) -> None:
    """Write to this file where each thread is if the process crashes or gets SIGABRT."""
    faulthandler.enable(file)


def refuses_signals() -> bool:
    """Whether this system keeps a copy from sending signals to the kernel: Landlock does, from Linux 6.12 on."""
    with suppress(OSError):
        return sys.platform == "linux" and linux.landlock_version() >= linux.SIGNALS_INSIDE
    return False


def _redirect(out: int, err: int, keep: set[int]) -> None:
    """Print to out and err, also from C; cut all other files and connections, except those that can only be read."""
    os.dup2(out, 1)
    os.dup2(err, 2)
    linux.cut_files({1, 2, *keep}, readable=True)
    sys.stdout, sys.stderr = _text_to(1), _text_to(2)


def _text_to(file: int) -> io.TextIOWrapper:
    raw = io.FileIO(file, "w", closefd=False)
    return io.TextIOWrapper(raw, encoding="utf-8", errors="replace", write_through=True)


def _mute_kernel() -> None:
    """Send no messages in the kernel's name; display() prints its text."""
    shell = ipython()
    if hasattr(shell, "kernel"):
        shell.kernel.session.send = lambda *_, **__: None
        shell.display_pub.publish = lambda data, *_, **__: print(data.get("text/plain", ""))


def _limit(memory: int) -> None:
    import resource  # not on Windows

    now = resource.getpagesize() * int(Path("/proc/self/statm").read_text().split()[5])
    limits = {resource.RLIMIT_DATA: now + memory, resource.RLIMIT_FSIZE: LARGEST_FILE, resource.RLIMIT_CORE: 0}
    linux.lower_limits(limits)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # if memory runs out, this process is ended, no other
