"""A student's own copy of the notebooks, which the course never overwrites: ``course lab`` and the hub hand it out.

``.handed_out`` in it keeps each notebook as it was handed out, which shows what the student has written since.
"""

import itertools
import os
import shutil
import subprocess
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from course_utils.files import Refused, atomic, clear, locked, prepare, real
from course_utils.lab import library
from course_utils.paths import CLONE, CONTENT, DATA, NAME, NOTEBOOKS, PACKAGE, state_dir

HANDED_OUT = ".handed_out"


def find(folder: Path | None = None) -> Path:
    """The working copy in folder; without one, the one around the current folder, else the last one, else the default.

    It may not exist yet. Raises Refused for a folder of what ships, and for an account without a home folder.
    """
    if folder is not None:
        folder = Path(os.path.abspath(_expanded(folder)))
        place = real(folder)
        if place == CONTENT or any(place.is_relative_to(each) for each in (NOTEBOOKS, DATA, PACKAGE)):
            raise Refused(f"{folder} belongs to the course, which updates replace: choose another folder.")
        return folder
    with suppress(OSError):  # a current folder that was removed
        around = (Path.cwd(), *Path.cwd().parents)
        if found := next(filter(is_one, around), None):
            return found
    with suppress(OSError, ValueError):
        last = Path(os.fsdecode(_last().read_bytes()))
        if is_one(last):
            return last
    return CLONE / "my_notebooks" if CLONE else _expanded(Path("~", NAME))


def _expanded(folder: Path) -> Path:
    path = os.path.expanduser(folder)
    if path.startswith("~"):
        raise Refused(f"The home folder of {folder.parts[0]} is unknown: name the folder for your notebooks in full.")
    return Path(path)


def is_one(folder: Path) -> bool:
    """Whether the folder is a working copy."""
    return (folder / HANDED_OUT).is_dir()


def alone(folder: Path) -> AbstractContextManager[None]:
    """Within the block, no other process updates or resets the working copy. Raises Refused while one does."""
    return locked(folder / HANDED_OUT / ".lock", f"{folder} is being updated")


def remember(folder: Path) -> None:
    """Make this working copy the one that commands use outside any; where nothing can be written, none is."""
    with suppress(OSError):
        if content_of(_last()) != os.fsencode(folder):
            with atomic(_last()) as partial:
                partial.write_bytes(os.fsencode(folder))


def _last() -> Path:
    return state_dir() / "working-copy"


def hand_out(folder: Path) -> list[Path]:
    """Copy each notebook that is missing in the folder, and the code to read; → the copies of notebooks.

    A copy gets its name only when it is complete. Raises OSError if the folder cannot be written to.
    """
    contents = shipped()
    missing = [name for name in contents if not os.path.lexists(folder / name)]
    if missing or not is_one(folder):
        prepare(folder, 10, "choose another folder, or free some space")
        (folder / HANDED_OUT).mkdir(exist_ok=True)
    for each in (folder, folder / HANDED_OUT):
        clear(each)  # what is left of copies and updates that were killed
    for name in missing:
        # This one first: without it, every cell of the notebook would count as the student's.
        write(folder / HANDED_OUT / name, contents[name])
        write(folder / name, (NOTEBOOKS / name).read_bytes())
    with suppress(OSError):  # it is only there to be read
        library.copy(folder)
    return [folder / name for name in missing]


def outdated(folder: Path) -> list[str]:
    """File names of the notebooks in a working copy that were not handed out in the version that ships."""

    def known(name: str) -> bytes | None:
        with suppress(OSError):
            return content_of(folder / HANDED_OUT / name)
        return None

    return [name for name, content in shipped().items() if known(name) != content]


def shipped() -> dict[str, bytes]:
    """File name → content of each notebook as it ships; in a clone as committed, whatever was edited in place."""
    contents = {path.name: path.read_bytes() for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))}
    for name in _git("diff", "--name-only", "--relative", "HEAD", "--", "*.ipynb").decode().splitlines():
        if name in contents and (committed := _git("show", f"HEAD:./{name}")):
            contents[name] = committed
    return contents


def _git(*arguments: str) -> bytes:
    """What git prints about the clone's notebooks; nothing without a clone or without git."""
    if CLONE is None:
        return b""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(["git", *arguments], cwd=NOTEBOOKS, env=environment, capture_output=True, check=True)
    except (OSError, subprocess.SubprocessError):
        return b""
    return done.stdout


def restore(path: Path) -> Path | None:
    """Put the notebook as it ships in the place of one in a working copy; → where the one before it is now, if any."""
    content = shipped()[path.name]
    kept = keep_beside(path) if content_of(path) not in (None, content) else None
    write(path, content)
    write(path.parent / HANDED_OUT / path.name, content)
    return kept


def keep_beside(path: Path) -> Path:
    """Copy a notebook to ``NAME.old-1.ipynb``, or the next number that is free; → the copy."""
    names = (path.with_name(f"{path.stem}.old-{number}.ipynb") for number in itertools.count(1))
    kept = next(name for name in names if not os.path.lexists(name))
    write(kept, path.read_bytes())
    return kept


def content_of(path: Path) -> bytes | None:
    """The content of a file; None if there is none."""
    return path.read_bytes() if path.is_file() else None


def write(path: Path, content: bytes) -> None:
    """Write a file, completely or not at all. A link stays one, to a file with the new content, and the mode stays."""
    before = path.is_file()
    path = path.resolve() if before else path
    with atomic(path) as partial:
        partial.write_bytes(content)
        if before:
            shutil.copymode(path, partial)
