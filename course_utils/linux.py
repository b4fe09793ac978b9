"""Linux's system calls that keep a process within bounds: for a copy of a kernel, and for a process that is graded.

Functions raise OSError if this system refuses. Sources: the manual pages prctl(2), landlock(7), getrlimit(2).
"""

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

END_WITH_PARENT, BE_INSPECTED, ADOPT_ORPHANS, NO_NEW_PRIVILEGES = 1, 4, 36, 38  # the numbers of prctl's options
CREATE_RULESET, RESTRICT_SELF = 444, 446  # system calls, of the same number on all processors
SIGNALS_INSIDE = 6  # the version of Landlock, from Linux 6.12 on, that can keep signals inside


def libc(name: str, *arguments: Any) -> int:
    """The result of a function of the C library; raises OSError where it sets errno."""
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    function.restype = ctypes.c_long
    result: int = function(*(ctypes.c_long(value) if isinstance(value, int) else value for value in arguments))
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def control(option: int, *arguments: int) -> None:
    """Set one of this process's properties: END_WITH_PARENT to a signal (a change of user ends it),
    the others to 0 or 1.
    """
    libc("prctl", option, *arguments, *[0] * (4 - len(arguments)))


def landlock_version() -> int:
    """Raises OSError without Landlock."""
    return libc("syscall", CREATE_RULESET, None, 0, 1)


@contextmanager
def landlock(files: int, scopes: int) -> Iterator[int]:
    """Refuse these kinds of access when the block ends, except what its rules, added to the set that it gets, allow."""
    handled = struct.pack("=3Q", files, 0, scopes)[: 24 if landlock_version() >= SIGNALS_INSIDE else 8]
    ruleset = libc("syscall", CREATE_RULESET, handled, len(handled), 0)
    yield ruleset
    libc("syscall", RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def cut_files(keep: Container[int], readable: bool = False) -> None:
    """Let open files lead nowhere, except these and, if readable, files on a disk that can only be read.

    Their numbers stay in use, because libraries remember them.
    """
    nowhere = os.open(os.devnull, os.O_RDWR)
    opened = map(int, os.listdir("/proc/self/fd")) if sys.platform == "linux" else ()
    for number in {0, 1, 2, *opened} - {nowhere}:
        with suppress(OSError):  # the list itself was one
            plain = stat.S_ISREG(os.fstat(number).st_mode)
            if number not in keep and not (readable and number > 2 and plain and _only_read(number)):
                os.dup2(nowhere, number, inheritable=number < 3)


def _only_read(file: int) -> bool:
    import fcntl  # not on Windows

    return fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY


def lower_limits(limits: Mapping[int, int]) -> None:
    """Set these of the system's limits for good, where this process does not have a lower one already."""
    import resource  # not on Windows

    for which, most in limits.items():
        allowed = [each for each in resource.getrlimit(which) if each != resource.RLIM_INFINITY]
        resource.setrlimit(which, (min([most, *allowed]),) * 2)
