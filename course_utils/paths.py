"""The four places of the course: what ships, what a student edits, what is kept of a student, and what is made again.

What ships is only read. In a git clone it is `notebooks/` and `data/`; a wheel carries both inside the package. A
student edits a working copy (``lab/working_copy.py``). Progress and runs are kept in :func:`state_dir`. Downloads,
caches and sites can be made again.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir

import platformdirs

NAME = "attention-for-vision"
PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent  # the clone's folder; of an installed wheel, the folder of all packages

CONTENT = PACKAGE / "content" if (PACKAGE / "content").is_dir() else ROOT
NOTEBOOKS = CONTENT / "notebooks"
DATA = CONTENT / "data"  # checkpoints, results, and the papers' tables, as they ship
CHECKPOINTS = DATA / "checkpoints"

# The git clone that the course runs from, if this account may write to it: then everything is in it, as git ignores it.
CLONE: Path | None = ROOT if CONTENT == ROOT and os.access(ROOT, os.W_OK) else None


def _of_the_account(kind: Callable[..., Path]) -> Path | None:
    """A folder of the account; None for one without a home folder, such as that of ``docker run --user``."""
    with suppress(RuntimeError):
        return kind(NAME, appauthor=False)
    return None


_CACHE = _of_the_account(platformdirs.user_cache_path) or Path(gettempdir(), NAME)
DOWNLOADS = DATA if CLONE else _CACHE / "data"
MADE = CLONE or Path()  # sites and slides; without a clone, they go to the current folder
HOSTED = (Path("/content/drive/MyDrive"), Path("/kaggle/working"))  # what Colab, with a Drive, and Kaggle keep


def state_dir() -> Path:
    """Folder of this student's own files (progress, unfinished runs); this does not create it.

    ``COURSE_STATE`` moves it. By default it is `.course` in one's own clone, which git ignores, on Colab and Kaggle a
    folder that outlives the session, and else the account's folder for data of programs. Raises NotADirectoryError for
    a file, for the home folder, ``~name``, of somebody who has no account, and where this account has no home folder.
    """
    outlives = next((folder / NAME for folder in HOSTED if folder.is_dir()), None)
    default = CLONE / ".course" if CLONE else outlives or _of_the_account(platformdirs.user_data_path)
    chosen = os.environ.get("COURSE_STATE") or str(default or "")
    if not chosen:
        raise NotADirectoryError(
            "This account has no home folder: set COURSE_STATE to a folder that you can write to."
        )
    folder = os.path.expanduser(chosen)
    if folder.startswith("~"):
        raise NotADirectoryError(
            f"COURSE_STATE is {chosen}, but this machine has no such account: set it to a folder that you can write to."
        )
    if os.path.isfile(folder):
        raise NotADirectoryError(
            f"COURSE_STATE is {chosen}, which is a file: set it to a folder that you can write to."
        )
    return Path(folder)


def cache_dir() -> Path:
    """Folder of what is faster to read than to make again; this does not create it."""
    return state_dir() / "cache" if CLONE or os.environ.get("COURSE_STATE") else _CACHE


def run_folder(name: str, *changes: str) -> Path:
    """Folder of the training run of that name, with its changes, such as ``"3-epochs"``; this does not create it."""
    return state_dir() / "runs" / "-".join((name, *changes))


def own_clone(change: str) -> Path:
    """The clone, for a command that changes what ships. Raises PermissionError if the course does not run from one.

    change: what the command changes, such as "What a demo shows".
    """
    if CLONE is None:
        raise PermissionError(
            f"{change} is part of the course, which is installed in {CONTENT} and only read: clone its repository "
            "first."
        )
    return CLONE
