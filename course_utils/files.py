"""Files and folders that are written completely or not at all, even if the program is killed."""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to ``path``, where the block writes a file or makes a folder.

    After the block it is flushed to the disk and renamed to ``path``. So ``path`` always holds the complete old or
    the complete new content; only a folder that is replaced is missing for a moment, between two renames. A missing
    parent folder is created. When the block raises, or the disk fails (OSError), ``path`` stays as it was and the
    temporary file is removed. A killed process leaves its temporary file behind: see :func:`clear`.
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
    """Remove a file or folder completely or not at all: it is renamed first, so a kill cannot leave half of it."""
    unwanted = _temporary(path)
    os.replace(path, unwanted)
    _delete(unwanted)


def clear(folder: Path) -> None:
    """Remove the temporary files that killed processes left in a folder.

    The files that another process is writing at this moment stay. Process numbers are reused (the first one in a
    container is always 1), so a leftover with this process's own number is removed too: call this before writing in
    the folder.
    """
    import psutil  # only here: importing it takes longer than most writes

    for leftover in folder.glob(".writing-*"):
        process = re.match(r"\.writing-(\d+)-", leftover.name)
        if process is None or int(process[1]) == os.getpid() or not psutil.pid_exists(int(process[1])):
            _delete(leftover)


def _temporary(path: Path) -> Path:
    return path.with_name(f".writing-{os.getpid()}-{secrets.token_hex(4)}-{path.name}")


def _flush(file: Path) -> None:
    with file.open("r+b" if os.name == "nt" else "rb") as opened:  # Windows flushes only files opened for writing
        os.fsync(opened.fileno())


def _rename(new: Path, path: Path) -> None:
    """Put new in the place of path. No system replaces a folder that is not empty, so that one is renamed first."""
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
