"""Files and folders: opened without surprises, written completely or not at all, locked while they are used."""

import errno
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

WINDOWS = sys.platform == "win32"
BUSY_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)  # between two tries, on Windows
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP)  # what such file systems answer


class Refused(OSError, ValueError):
    """Nothing can be written to this folder, or another process is using it; the message says what to do."""


def reason(error: BaseException) -> str:
    """An error of the file system in words: "Permission denied", without its number and path."""
    return getattr(error, "strerror", None) or str(error).rstrip(".") or type(error).__name__


def real(path: Path) -> Path:
    """The path without links. For a loop of links, Path.resolve raises RuntimeError before Python 3.13,
    but this does not.
    """
    return Path(os.path.realpath(path))


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """A plain file, open for reading bytes.

    Raises OSError for everything that cannot be read: also for a folder, a pipe, which could wait without end, a
    device, a loop of links, and a name with a NUL byte.
    """
    try:
        plain = stat.S_ISREG(os.stat(path).st_mode)
    except ValueError as error:
        raise OSError(errno.EINVAL, str(error)) from error
    if not plain:
        raise OSError(errno.EINVAL, "it is not a plain file", str(path))
    with path.open("rb") as file:
        yield file


def prepare(folder: Path, mebibytes: int, remedy: str) -> None:
    """Make a folder and try whether that much can be written there: before the work, not after it.

    Raises Refused if it cannot; remedy: the end of its sentence.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"probe")
            probe.flush()
            os.fsync(probe.fileno())
        usage = shutil.disk_usage(folder)
    except (OSError, ValueError) as error:
        why = "it is a file" if os.path.isfile(folder) else reason(error)
        raise Refused(f"Nothing can be written to {folder} ({why}): {remedy}.") from error
    if usage.total and usage.free < mebibytes * 2**20:  # some network folders do not know their size
        raise Refused(
            f"{folder} has {usage.free / 2**20:.0f} MiB of free space, but {mebibytes} MiB are needed: free some "
            f"space, or {remedy}."
        )


@contextmanager
def locked(path: Path, use: str) -> Iterator[None]:
    """Within the block, this process alone has locked path, a file that exists only during the block.

    The system frees the lock of a process that is killed. On network folders without locks, the block runs unlocked.
    Raises Refused, with use, such as "data/runs/one is in use", and the number of the process that has locked it.
    """
    from filelock import FileLock, Timeout  # imported here, because the import takes as long as a small write

    lock = FileLock(path, blocking=False, fallback_to_soft=False)
    try:
        lock.acquire()
    except (Timeout, RuntimeError) as error:  # RuntimeError: this thread has locked it
        holder = "another process"
        with suppress(OSError, ValueError):
            holder = f"process {int(path.read_text(encoding='utf-8'))}"
        raise Refused(f"{use} by {holder}: wait until it ends, or stop it.") from error
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise Refused(f"{path} cannot be locked ({reason(error)}): choose another folder.") from error
        yield
        return
    try:
        with suppress(OSError):  # Windows refuses to write to a locked file
            path.write_text(str(os.getpid()), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):  # Windows removes it on release
            path.unlink()
        lock.release()


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to ``path``, where the block writes a file or makes a folder.

    After the block it is flushed to the disk and renamed to ``path``. So ``path`` always holds the complete old or
    the complete new content, even after a power cut; only a folder that is replaced is missing for a moment, between
    two renames. A missing parent folder is created. When the block raises, or the disk fails (OSError), ``path`` stays
    as it was and the temporary file is removed. A killed process leaves its temporary file behind: see :func:`clear`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _temporary(path)
    try:
        yield partial
        for written in (*partial.rglob("*"), partial):
            if written.is_file() or written.is_dir():
                _flush(written)
        _rename(partial, path)
        _flush(path.parent)
    except OSError as error:
        # A write to a full disk names no file, and the temporary one is nobody's.
        if error.errno is not None and str(error.filename or partial).startswith(str(partial)):
            error.filename = str(path)
        raise
    finally:
        _delete(partial)


def remove(path: Path) -> None:
    """Remove a file or folder completely or not at all: it is renamed first, so a kill cannot leave half of it."""
    unwanted = _temporary(path)
    replace(path, unwanted)
    _delete(unwanted)


def replace(new: Path, path: Path) -> None:
    """Rename new to path. On Windows that fails while another process, such as a virus scanner,
    has one of them open.
    """
    for seconds in BUSY_SECONDS if WINDOWS else ():
        try:
            return os.replace(new, path)
        except PermissionError:
            time.sleep(seconds)
    return os.replace(new, path)


def clear(folder: Path, prefix: str = ".writing-") -> None:
    """Remove the temporary files, ``.writing-PROCESS-…``, that killed processes left in a folder.

    The files that another process is writing at this moment stay. Process numbers are reused (the first one in a
    container is always 1), so a leftover with this process's own number is removed too: call this before writing in
    the folder.
    """
    import psutil  # only here: importing it takes longer than most writes

    for leftover in folder.glob(f"{prefix}*"):
        process = re.match(rf"{re.escape(prefix)}(\d+)-", leftover.name)
        if process is None or int(process[1]) == os.getpid() or not psutil.pid_exists(int(process[1])):
            _delete(leftover)


def _temporary(path: Path) -> Path:
    return path.with_name(f".writing-{os.getpid()}-{secrets.token_hex(4)}-{path.name}")


def _flush(path: Path) -> None:
    """Have the system write a file, or the names in a folder, to the disk.

    Windows does it only for files that are open for writing, and some file systems do not do it for folders.
    """
    folder = path.is_dir()
    if WINDOWS and (folder or not os.access(path, os.W_OK)):
        return
    try:
        descriptor = os.open(path, os.O_RDWR if WINDOWS else os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        if not folder:
            raise


def _rename(new: Path, path: Path) -> None:
    """Put new in the place of path. No system replaces a folder that is not empty, so that one is renamed first."""
    old = _temporary(path)
    if new.is_dir() and path.is_dir():
        replace(path, old)
    try:
        replace(new, path)
    except BaseException:
        if old.exists():
            replace(old, path)
        raise
    _delete(old)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
