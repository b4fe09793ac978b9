"""Files and folders that are written whole or not at all, whatever ends the program in between."""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, at which the block writes a file or makes a folder.

    After the block it is flushed to the disk and renamed to ``path``. So ``path`` is always the old one or the new
    one, whole; only a folder that is replaced is absent for the moment between two renames. The parent folder is made
    if it is missing. When the block raises, or the disk fails (OSError), ``path`` stays as it was and the temporary
    file is removed. A killed process leaves it behind: see :func:`clear`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _temporary(path)
    try:
        yield partial
        for file in partial.rglob("*") if partial.is_dir() else (partial,):
            if file.is_file():
                _flush(file)
        _rename(partial, path)
    finally:
        _delete(partial)


def remove(path: Path) -> None:
    """Remove a file or folder whole or not at all: it is renamed first, so that a kill leaves no half of it."""
    unwanted = _temporary(path)
    os.replace(path, unwanted)
    _delete(unwanted)


def clear(folder: Path) -> None:
    """Remove what killed processes left behind in a folder while they wrote there.

    What another process is writing at this moment stays. Process numbers are reused (the first one in a container is
    always 1), so a leftover with this process's own number is removed too: call this before writing in the folder.
    """
    import psutil  # only here: importing it takes longer than most writing

    for leftover in folder.glob(".writing-*"):
        process = re.match(r"\.writing-(\d+)-", leftover.name)
        if process is None or int(process[1]) == os.getpid() or not psutil.pid_exists(int(process[1])):
            _delete(leftover)


def _temporary(path: Path) -> Path:
    return path.with_name(f".writing-{os.getpid()}-{secrets.token_hex(4)}-{path.name}")


def _flush(file: Path) -> None:
    with file.open("r+b" if os.name == "nt" else "rb") as opened:  # Windows flushes only what may be written
        os.fsync(opened.fileno())


def _rename(new: Path, path: Path) -> None:
    """Put new in the place of path. No system replaces a folder that holds something, so that is renamed first."""
    old = _temporary(path)
    if new.is_dir() and path.is_dir():
        os.replace(path, old)
    try:
        os.replace(new, path)
    except BaseException:
        if old.exists():
            os.replace(old, path)
        raise
    _delete(old)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
