"""The course's code in a working copy, beside the notebooks, to be read.

Without the ``__init__.py`` of the package, Python imports the installed ``course_utils`` even from there. What has no
write permission is the course's and is kept up to date; what has one is the student's and stays.
"""

import os
import shutil
import tempfile
from pathlib import Path

from course_utils.paths import PACKAGE

SUFFIXES = {".py", ".js", ".css"}
WRITING = ".writing-"


def copy(working_copy: Path) -> None:
    """Copy the sources that are missing or out of date into the working copy. Raises OSError on failure."""
    target = working_copy / PACKAGE.name
    sources = {path for path in PACKAGE.rglob("*") if path.suffix in SUFFIXES} - {PACKAGE / "__init__.py"}
    wanted = {target / path.relative_to(PACKAGE): path for path in sources}
    for path in [path for path in target.rglob("*") if path not in wanted and path.is_file()]:
        if _is_ours(path) or path.name.startswith(WRITING):
            _remove(path)
    for path, source in wanted.items():
        if not path.exists() or (_is_ours(path) and not _same(path, source)):
            path.parent.mkdir(parents=True, exist_ok=True)
            _place(source, path)


def _is_ours(path: Path) -> bool:
    return not path.stat().st_mode & 0o222


def _same(one: Path, other: Path) -> bool:
    return (one.stat().st_size, one.stat().st_mtime_ns) == (other.stat().st_size, other.stat().st_mtime_ns)


def _place(source: Path, path: Path) -> None:
    """Copy with the time of the last change, first under another name: a kill leaves no half file under this one."""
    file, partial = tempfile.mkstemp(prefix=WRITING, dir=path.parent)
    os.close(file)
    shutil.copyfile(source, partial)
    os.utime(partial, ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns))
    os.chmod(partial, 0o444)
    if path.exists():
        _remove(path)
    os.replace(partial, path)


def _remove(path: Path) -> None:
    path.chmod(0o644)  # Windows removes no file without write permission
    path.unlink()
