"""The fence around a student's process: what it can reach and use, and what of this holds on this machine.

On Linux, the process that multiprocessing starts becomes the keeper. It stays outside, and the student's code runs in a
process below it. When that one ends, or the examiner sends SIGTERM, the keeper ends everything below it, and then
itself with the same exit code. With namespaces there is a third process between the two, the first one of a namespace
of processes: when it ends, the kernel ends all the others there.
"""

import contextlib
import errno
import os
import shutil
import signal
import site
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import psutil

from course_utils import linux
from course_utils.files import reason
from course_utils.paths import DATA, DOWNLOADS, NOTEBOOKS
from course_utils.teaching.grading import isolation
from course_utils.teaching.grading.usage import FILES, WRITABLE, living

THREADS = 256  # of one student at a time, in all processes

_PACKAGE = Path(__file__).resolve().parents[2]
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix")
_SETTINGS = ("alternatives", "fonts", "group", "ld.so.cache", "localtime", "nsswitch.conf", "os-release", "passwd")


class Level(StrEnum):
    """How much of the fence a machine allows."""

    NAMESPACES = "namespaces"
    LANDLOCK = "Landlock"
    NONE = "none"


def level() -> Level:
    """The best fence of this machine; the first call tries them, in a fraction of a second."""
    return _found()[0]


def own() -> int:
    """The number of processes that the fence itself has for each student, the student's first one included."""
    return 1 if sys.platform != "linux" else 3 if level() is Level.NAMESPACES else 2


def described() -> str:
    """What a student's code can reach on this machine, in a sentence or two."""
    return missing() or (
        "Each submission is fenced in: its code can read Python, the course and a copy of its own folder, and reaches "
        "no other file, no network and no other process."
    )


def missing() -> str | None:
    """What is missing of the fence on this machine, what is then possible, and what to do; None if it is complete."""
    found, why = _found()
    if found is Level.NAMESPACES:
        return None
    if found is Level.LANDLOCK:
        return (
            f"The fence around submissions is incomplete, because this machine has no namespaces for them ({why}): "
            "Landlock keeps their code from other files, the network and other processes, but it can read the names of "
            "the processes, and use more memory or processes than allowed for a fraction of a second."
        )
    return (
        f"WARNING: nothing fences a submission in on this machine ({why}): its code can read and change whatever your "
        "account can, such as other submissions, the solutions, gradebook.db and this package, and use the network. "
        "Grade on Linux with user namespaces, or in a virtual machine that has nothing else, and read the code first."
    )


@cache
def _found() -> tuple[Level, str]:
    if sys.platform != "linux":
        return Level.NONE, "it needs Linux"
    reasons = {}
    for tried in (Level.NAMESPACES, Level.LANDLOCK):
        reasons[tried] = _refusal(tried)
        if not reasons[tried]:
            return tried, reasons[Level.NAMESPACES]
    return Level.NONE, "; ".join(f"{tried}: {why}" for tried, why in reasons.items())


def _refusal(tried: Level) -> str:
    """Why this machine does not allow the level; empty if it does. Tried in a process that leaves nothing behind."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as place:
        command = [sys.executable, "-P", "-m", __name__, tried.value, place]
        try:
            done = subprocess.run(command, capture_output=True, timeout=120)
        except (OSError, subprocess.SubprocessError) as error:
            return reason(error)
    return "" if done.returncode == 0 else os.strerror(done.returncode)


def _tried(level: Level, place: Path) -> int:
    """Enter the fence and start a thread; → the system's number of the error, 0 if there is none."""
    for name in ("folder", "scratch"):
        (place / name).mkdir()
    try:
        enter(level, place / "folder", place / "scratch", 2**30, 60, {os.open(os.devnull, os.O_RDWR)})
        thread = threading.Thread(target=os.getpid)
        thread.start()
        thread.join()
    except OSError as error:
        return error.errno or errno.EPERM
    return 0


def enter(level: Level, folder: Path, scratch: Path, memory: int, seconds: int, keep: set[int]) -> Path:
    """Go behind the fence for good; → the only folder to write to, with a copy of the student's folder, ``desk``.

    Returns in a new process; the calling one becomes the keeper. memory: bytes, in addition to those used now;
    seconds: of processor time; scratch: an empty folder for everything written; keep: the only file descriptors that
    stay open. Raises OSError if this machine does not allow the level.
    """
    linux.cut_files(keep)
    if sys.platform != "linux":
        if hasattr(os, "setsid"):
            os.setsid()
        return _furnished(folder, scratch)
    os.setsid()
    needed = _needed(folder)
    if level is Level.NAMESPACES:
        isolation.leave()
        _go_below(keep, _keep_watch)
        linux.control(linux.END_WITH_PARENT, signal.SIGKILL)
        _furnished(folder, isolation.new_root(scratch, needed, WRITABLE))
        isolation.enter_root(scratch)
        base = isolation.WRITABLE
        _go_below(keep, _be_first)
    else:
        linux.control(linux.ADOPT_ORPHANS, 1)
        _go_below(keep, _keep_watch)
        base = _furnished(folder, scratch)
    _wall_in(level, base, needed, memory, seconds)
    return base


def _wall_in(level: Level, base: Path, needed: list[Path], memory: int, seconds: int) -> None:
    """Give up all rights that the student's code does not need."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # the first to go when memory runs out
    user = isolation.harmless_user([*needed, base.parent, Path(sys.executable)])
    if user is not None:
        for path in (base, *base.rglob("*")):
            os.chown(path, user, user, follow_symlinks=False)
    elif level is Level.NAMESPACES and os.geteuid() == 0:
        isolation.protect_proc()
    counted = isolation.give_up_rights(user)
    linux.control(linux.END_WITH_PARENT, signal.SIGKILL)
    isolation.limit(memory, seconds, WRITABLE, THREADS if counted else None)
    signals_inside = level is Level.LANDLOCK and isolation.allow_only(needed, base)
    if level is not Level.NONE:
        isolation.refuse_calls(level is Level.NAMESPACES, signals_inside)
    os.environ.update(TORCH_HOME=_models(), HOME=str(base), TMPDIR=str(base))
    tempfile.tempdir = None  # found again when needed


def _go_below(keep: set[int], duty: Callable[[int], NoReturn]) -> None:
    """Continue in a child process; this one closes keep and does its duty: a function of the child's number."""
    child = os.fork()
    if child:
        for each in keep:
            os.close(each)
        try:
            duty(child)
        finally:
            os._exit(1)


def _be_first(child: int) -> NoReturn:
    """The first process of a namespace: bury the dead, and end with the child, and everything with it."""
    linux.control(linux.BE_INSPECTED, 0)
    os._exit(_outlasted(child))


def _keep_watch(child: int) -> NoReturn:
    """The keeper: wait until the child ends or SIGTERM arrives, then end everything below."""

    def stop(*_: Any) -> NoReturn:
        raise InterruptedError

    signal.signal(signal.SIGTERM, stop)
    linux.control(linux.END_WITH_PARENT, signal.SIGTERM)
    linux.control(linux.BE_INSPECTED, 0)
    try:
        code = _outlasted(child)
    except InterruptedError:
        code = 128 + signal.SIGTERM
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while below := living(os.getpid())[1:]:
        for process in below:
            with contextlib.suppress(psutil.Error):
                process.kill()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.005)
    os._exit(code)


def _outlasted(child: int) -> int:
    """The exit code of the child, once it has ended; 128 + the signal that ended it."""
    while True:
        ended, status = os.wait()
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _needed(folder: Path) -> list[Path]:
    """What a student's code may read: the system's programs, Python, the course and its data, each once.

    The folders around the student's own, up to the course folder with the other submissions, are not among them even
    if they lie inside.
    """
    data = (NOTEBOOKS, DATA, DOWNLOADS, os.environ.get("COURSE_DATA") or DATA, _models())
    python = (sys.prefix, sys.base_prefix, *site.getsitepackages(), site.getusersitepackages())
    own = {Path(os.path.abspath(os.path.expanduser(path))) for path in (_PACKAGE, *data, *python)}
    real = {path: path.resolve() for path in own}
    around = (*reversed(folder.resolve().parents[:3]), folder.resolve())
    hidden = next((one for one in around if not any(path.is_relative_to(one) for path in real.values())), around[-1])
    wanted = {Path(path) for path in (*_SYSTEM, *(f"/etc/{name}" for name in _SETTINGS))}
    for path in own:
        for part in _without(real[path], hidden):
            wanted |= {part, path / part.relative_to(real[path])}  # by both names, if there is a link in the path
    kept: list[Path] = []
    for path in sorted(wanted):
        if os.access(path, os.R_OK) and not any(path.is_relative_to(above) for above in kept):
            kept.append(path)
    return kept


def _models() -> str:
    """The folder of PyTorch's pretrained weights."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return os.path.expanduser(os.environ.get("TORCH_HOME") or f"{cache}/torch")


def _without(tree: Path, hidden: Path) -> Iterator[Path]:
    """The tree; if the hidden folder lies inside, its parts without that folder."""
    if not hidden.is_relative_to(tree):
        yield tree
    elif hidden != tree:
        for part in tree.iterdir():
            if not part.is_symlink():
                yield from _without(part, hidden)


def _furnished(folder: Path, base: Path) -> Path:
    """Copy the plain files of the student's folder, as far as they fit, to base/desk; → base."""
    left, entries = WRITABLE // 2, FILES // 2
    (base / "desk").mkdir()
    for where, _, names in os.walk(folder):
        if entries <= len(names):
            break
        target = base / "desk" / Path(where).relative_to(folder)
        target.mkdir(exist_ok=True)
        entries -= 1 + len(names)
        for name in names:
            size = os.lstat(path := Path(where, name)).st_size
            if size <= left and path.is_file() and not path.is_symlink():
                with contextlib.suppress(OSError):  # unreadable
                    shutil.copyfile(path, target / name)
                    left -= size
    return base


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A new folder for enter; it is removed afterwards, whatever a student's code left there."""
    folder = Path(tempfile.mkdtemp())
    try:
        yield folder
    finally:
        if os.name == "posix":  # rmtree can fail with RecursionError
            subprocess.run(["rm", "-rf", folder], stderr=subprocess.DEVNULL)
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(_tried(Level(sys.argv[1]), Path(sys.argv[2])))
