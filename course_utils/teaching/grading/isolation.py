"""Linux's walls around a process that is graded: namespaces, Landlock, and a filter of system calls.

None of them needs privileges. Every function raises OSError if this system refuses. Sources: the manual pages
namespaces(7), user_namespaces(7), mount_setattr(2), pivot_root(2), landlock(7), seccomp(2), capset(2).
"""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from course_utils import linux

NOBODY = 65534  # the user and the group without any rights
WRITABLE = Path("/submission")  # the only folder to write to behind new_root

_NUMBERS = {  # of system calls, on x86_64 and on aarch64
    "add_key": (248, 217),
    "bpf": (321, 280),
    "chmod": (90, None),
    "chown": (92, None),
    "clone": (56, 220),
    "clone3": (435, 435),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "fcntl": (72, 25),
    "fremovexattr": (199, 16),
    "fsetxattr": (190, 7),
    "futimesat": (261, None),
    "io_uring_setup": (425, 425),
    "ioctl": (16, 29),
    "keyctl": (250, 219),
    "kill": (62, 129),
    "landlock_add_rule": (445, 445),
    "lchown": (94, None),
    "lremovexattr": (198, 15),
    "lsetxattr": (189, 6),
    "mount_setattr": (442, 442),
    "perf_event_open": (298, 241),
    "pidfd_send_signal": (424, 424),
    "pivot_root": (155, 41),
    "prlimit64": (302, 261),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "removexattr": (197, 14),
    "removexattrat": (466, 466),
    "request_key": (249, 218),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "setns": (308, 268),
    "setxattr": (188, 5),
    "setxattrat": (463, 463),
    "socket": (41, 198),
    "tgkill": (234, 131),
    "tkill": (200, 130),
    "unshare": (272, 97),
    "utime": (132, None),
    "utimensat": (280, 88),
    "utimes": (235, None),
}
_OF_FILES = ["chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "fchownat", "lchown", "utime", "utimes"]
_OF_FILES += ["futimesat", "utimensat", "setxattr", "fsetxattr", "lsetxattr", "setxattrat"]
_OF_FILES += ["removexattr", "fremovexattr", "lremovexattr", "removexattrat"]
_SIGNALS = ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal")
_MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # the kernel's numbers for them

_NEW_MOUNTS, _NEW_USERS, _NEW_PROCESSES = 0x00020000, 0x10000000, 0x20000000
_NEW_NAMES, _NEW_MESSAGES, _NEW_NETWORK = 0x04000000, 0x08000000, 0x40000000
_ANY_NEW = 0x7E020000
_READ_ONLY, _NO_SETUID, _NO_DEVICES, _REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 1, 2, 4, 32, 4096, 16384, 1 << 18


def _number(name: str) -> int | None:
    machine = platform.machine()
    if machine not in _MACHINES:
        raise OSError(errno.ENOSYS, f"no walls are known for {machine}")
    return _NUMBERS[name][list(_MACHINES).index(machine)]


def _system(name: str, *arguments: Any) -> int:
    return linux.libc("syscall", _number(name), *arguments)


def limit(memory: int, seconds: int, file: int, threads: int | None) -> None:
    """Set the system's limits for this process: bytes in addition to those used now, processor time, bytes per file.

    threads: of all processes of this user here; None for no limit.
    """
    import resource

    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limits = {
        resource.RLIMIT_AS: size + memory,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: file,
        resource.RLIMIT_CORE: 0,
    }
    if threads is not None:
        limits[resource.RLIMIT_NPROC] = threads
    linux.lower_limits(limits)


def leave() -> None:
    """Give the next child its own numbers of processes, network, shared memory and name of the machine.

    Without root's rights, this process also gets its own namespace of users, in which it has all capabilities.
    """
    spaces = _NEW_PROCESSES | _NEW_NAMES | _NEW_MESSAGES | _NEW_NETWORK
    try:
        linux.libc("unshare", spaces)
    except PermissionError:
        _own_users(spaces)


def _own_users(spaces: int = 0) -> None:
    """A namespace of users in which this process keeps its number and gets all capabilities."""
    user, group = os.geteuid(), os.getegid()
    linux.libc("unshare", _NEW_USERS | spaces)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def _mount(source: str | Path, target: Path | str, kind: str = "", flags: int = 0, options: str = "") -> None:
    linux.libc("mount", os.fsencode(source), os.fsencode(target), kind.encode(), flags, options.encode())


def new_root(place: Path, readable: Iterable[Path], size: int) -> Path:
    """Build a file system of these paths only, all read-only, at the folder place; → its WRITABLE folder.

    That one is in memory, of at most that many bytes. Only this process and its children have this file system.
    """
    linux.libc("unshare", _NEW_MOUNTS)
    _mount("none", "/", flags=_PRIVATE | _RECURSIVE)
    _mount("tmpfs", place, "tmpfs", _NO_SETUID | _NO_DEVICES, "mode=755,size=1m")
    devices = [Path("/dev", name) for name in ("null", "zero", "random", "urandom")]
    for path in (*readable, *devices):
        inside = place / path.relative_to("/")
        if path.is_dir():
            inside.mkdir(parents=True, exist_ok=True)
        else:
            inside.parent.mkdir(parents=True, exist_ok=True)
            inside.touch()
        _mount(path, inside, flags=_BIND | _RECURSIVE)
    writable = place / WRITABLE.relative_to("/")
    for made in (writable, place / "proc", place / "dev/shm"):
        made.mkdir(parents=True)
    if not (place / "tmp").exists():  # nothing readable is in there
        (place / "tmp").symlink_to(WRITABLE)
    attributes = struct.pack("=4Q", _READ_ONLY | _NO_SETUID, 0, 0, 0)
    _system("mount_setattr", -100, os.fsencode(place), 0x8000, attributes, len(attributes))  # with all below it
    _mount("proc", place / "proc", "proc", _NO_SETUID | _NO_DEVICES)
    _mount("tmpfs", writable, "tmpfs", _NO_SETUID | _NO_DEVICES, f"mode=700,size={size},nr_inodes=20000")
    (writable / "shm").mkdir()
    _mount(writable / "shm", place / "dev/shm", flags=_BIND)
    return writable


def enter_root(place: Path) -> None:
    """Make the folder place, from new_root, the root of this process; the former root is gone."""
    os.chdir(place)
    _system("pivot_root", b".", b".")
    linux.libc("umount2", b".", 2)  # detached at once
    os.chdir("/")


def harmless_user(needed: Iterable[Path]) -> int | None:
    """The user to become instead of root: nobody, if nobody can read the paths; None if this is not root anyway."""
    if os.geteuid() != 0:
        return None
    groups = os.getgroups()
    try:
        os.setgroups([])
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
        reads = all(os.access(path, os.R_OK, effective_ids=True) for path in needed)
    except OSError:
        reads = False
    os.seteuid(0)
    os.setegid(0)
    os.setgroups(groups)
    return NOBODY if reads else None


def give_up_rights(user: int | None) -> bool:
    """Become that user, without capabilities, for good; → whether this process has its own namespace of users.

    Then limits on the number of processes count this process and its children only.
    """
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        linux.control(linux.BE_INSPECTED, 1)  # which a change of user ends
        with suppress(PermissionError, BlockingIOError):  # as some systems forbid; then others count too
            _own_users()
    linux.libc("capset", struct.pack("=Ii", 0x20080522, 0), struct.pack("=6I", *[0] * 6))
    linux.control(linux.NO_NEW_PRIVILEGES, 1)
    lines = Path("/proc/self/uid_map").read_text().split()
    return lines[2] == "1"


def protect_proc() -> None:
    """Make /proc read-only, for a process that remains root and could change the kernel's settings there."""
    _mount("proc", "/proc", "", _REMOUNT | _READ_ONLY | _NO_SETUID | _NO_DEVICES)


def allow_only(readable: Iterable[Path], writable: Path) -> bool:
    """Allow only to read these paths and to change what is below writable; → whether signals are kept inside too.

    Raises OSError before version 3 (Linux 6.2), in which files could still be truncated.
    """
    version = linux.landlock_version()
    if version < 3:
        raise OSError(errno.ENOSYS, f"Landlock has version {version}, but 3 is needed")
    execute, write, read, list_, every = 1, 2, 4, 8, (1 << (16 if version >= 5 else 15)) - 1
    allowed = [(path, execute | read | list_) for path in (*readable, Path("/proc"))]
    allowed += [(Path("/dev/null"), read | write), (Path("/dev/zero"), read), (Path("/dev/urandom"), read)]
    with linux.landlock(every, scopes=3) as ruleset:  # 3: no foreign abstract sockets, no signals outside
        for path, rights in (*allowed, (writable, every)):
            found = os.open(path, os.O_PATH | os.O_CLOEXEC)
            rights = rights if path.is_dir() else rights & (execute | write | read)
            _system("landlock_add_rule", ruleset, 1, struct.pack("=Qi", rights, found), 0)
            os.close(found)
    return version >= linux.SIGNALS_INSIDE


def refuse_calls(alone: bool, signals_inside: bool) -> None:
    """Refuse, from now on, the system calls that would lead out of the walls: the network, new namespaces, keys.

    alone: this process is in its own namespaces. Otherwise also refused are sockets between processes, changes of other
    processes, and signals unless they stay inside anyway; changes of files' rights, owners and times, which Landlock
    does not cover, then have no effect.
    """
    refused = ["unshare", "setns", "io_uring_setup", "keyctl", "add_key", "request_key", "bpf", "perf_event_open"]
    if not alone:
        refused += ["socket", "ptrace", "process_vm_writev"]
    sends = not alone and not signals_inside
    if sends:
        refused += _SIGNALS
    program = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, _MACHINES[platform.machine()]), (_RETURN, 0, 0, _KILL)]
    program += [(_LOAD, 0, 0, 0), (_AT_LEAST, 0, 1, 0x40000000), (_RETURN, 0, 0, _ERROR | errno.EPERM)]  # x32
    for name in refused:
        program += _if_called(name, [(_RETURN, 0, 0, _ERROR | errno.EPERM)])
    # The C library then uses clone, whose flags a filter can read.
    program += _if_called("clone3", [(_RETURN, 0, 0, _ERROR | errno.ENOSYS)])
    program += _if_called("clone", [_FIRST, (_ANY_OF, 0, 1, _ANY_NEW), *_REFUSE_OR_ALLOW])
    for name in () if alone else _OF_FILES:
        program += _if_called(name, [(_RETURN, 0, 0, _ERROR)])  # error 0: as if it had been done
    if alone:
        program += _if_called("socket", [_FIRST, (_EQUAL, 1, 0, 1), *_REFUSE_OR_ALLOW])  # 1: between processes
    else:
        program += _if_called("prlimit64", [_FIRST, (_EQUAL, 1, 0, 0), *_REFUSE_OR_ALLOW])  # 0: this process
    if sends:  # a file can send signals too, to its owner: F_SETOWN, F_SETOWN_EX, FIOSETOWN, SIOCSPGRP
        program += _if_called("fcntl", [_SECOND, (_EQUAL, 1, 0, 8), (_EQUAL, 0, 1, 15), *_REFUSE_OR_ALLOW])
        program += _if_called("ioctl", [_SECOND, (_EQUAL, 1, 0, 0x8901), (_EQUAL, 0, 1, 0x8902), *_REFUSE_OR_ALLOW])
    program += [(_RETURN, 0, 0, _ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in program))
    header = struct.pack("@HP", len(program), ctypes.addressof(code))
    linux.libc("prctl", 22, 2, header, 0, 0)


# The filter's machine language: (operation, lines to skip if true, lines to skip if false, number).
_LOAD, _EQUAL, _AT_LEAST, _ANY_OF, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_KILL, _ERROR, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_Line = tuple[int, int, int, int]
_FIRST: _Line = (_LOAD, 0, 0, 16)  # the lower half of the first argument
_SECOND: _Line = (_LOAD, 0, 0, 24)
_REFUSE_OR_ALLOW: list[_Line] = [(_RETURN, 0, 0, _ERROR | errno.EPERM), (_RETURN, 0, 0, _ALLOW)]


def _if_called(name: str, then: list[_Line]) -> list[_Line]:
    """The lines, to be run only for this system call; nothing if this machine does not have it."""
    number = _number(name)
    return [] if number is None else [(_EQUAL, 0, len(then), number), *then]
