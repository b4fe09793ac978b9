"""What a copy of a kernel may do while it runs a student's function: print, compute, and use some memory."""

import ctypes
import faulthandler
import gc
import io
import os
import signal
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from course_utils.console import ipython

LARGEST_FILE = 2**30  # bytes
# Numbers of Linux, the same for all processors: of prctl, and of the system calls of Landlock.
PDEATHSIG, CHILD_SUBREAPER, NO_NEW_PRIVS = 1, 36, 38
CREATE_RULESET, RESTRICT_SELF = 444, 446
ONLY_VERSION, WITH_SCOPES, SCOPE_SIGNAL = 1, 6, 2


def confine(memory: int, out: int, err: int, keep: set[int]) -> None:
    """Confine this process, a fresh copy with one thread, for the rest of its life.

    It prints to the files out and err, reads nothing, uses at most so many bytes of memory more than now, and none of
    the connections of the process that it is a copy of, except the files to keep.
    """
    os.setsid()
    signal.set_wakeup_fd(-1)
    libc = ctypes.CDLL(None)
    libc.prctl(PDEATHSIG, signal.SIGKILL)  # it ends with its parent
    libc.prctl(CHILD_SUBREAPER, 1)  # what its descendants leave behind becomes its own
    _send_no_signals(libc)
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
    return sys.platform == "linux" and _landlock(CREATE_RULESET, None, 0, ONLY_VERSION) >= WITH_SCOPES


def _send_no_signals(libc: Any) -> None:
    """Refuse signals to other processes where that is possible; elsewhere a function can kill its kernel."""
    if refuses_signals():
        handles = (ctypes.c_uint64 * 3)(0, 0, SCOPE_SIGNAL)  # access to files, to the network, and the scope
        ruleset = _landlock(CREATE_RULESET, handles, ctypes.sizeof(handles), 0)
        libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0)
        _landlock(RESTRICT_SELF, ruleset, 0, 0)
        os.close(ruleset)


def _landlock(call: int, *arguments: Any) -> int:
    syscall = ctypes.CDLL(None).syscall
    syscall.restype = ctypes.c_long
    return int(syscall(*(ctypes.c_long(n) if isinstance(n, int) else n for n in (call, *arguments))))


def _redirect(out: int, err: int, keep: set[int]) -> None:
    """Print to out and err, also from C; cut all other files and connections, except those that can only be read."""
    import fcntl  # not on Windows

    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream, target in enumerate((nowhere, out, err)):
        os.dup2(target, stream)
    for file in map(int, os.listdir("/proc/self/fd")):
        with suppress(OSError):
            plain = (
                stat.S_ISREG(os.fstat(file).st_mode)
                and fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
            )
            if file > 2 and file not in keep and not plain:
                os.dup2(nowhere, file, inheritable=False)  # not closed: its number must not become another file's
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
    for which, most in limits.items():
        soft, hard = resource.getrlimit(which)
        if soft == resource.RLIM_INFINITY or most < soft:
            resource.setrlimit(which, (most, hard))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # if memory runs out, this process is ended, no other
