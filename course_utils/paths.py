"""Where the course stores notebooks, data, checkpoints and the files of one student."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
DATA = ROOT / "data"
CHECKPOINTS = DATA / "checkpoints"


def state_dir() -> Path:
    """Folder of this student's own files (progress, unfinished runs); git ignores it, and this does not create it.

    Set ``COURSE_STATE`` to move it, for example when the course is installed read-only for several users. Raises
    NotADirectoryError for the home folder, ``~name``, of somebody who has no account.
    """
    chosen = os.environ.get("COURSE_STATE") or str(ROOT / ".course")
    folder = os.path.expanduser(chosen)
    if folder.startswith("~"):
        raise NotADirectoryError(
            f"COURSE_STATE is {chosen}, but this machine has no such account: set it to a folder that you can write to."
        )
    return Path(folder)


def run_folder(name: str, *changes: str) -> Path:
    """Folder of the training run of that name, with its changes, such as ``"3-epochs"``; this does not create it."""
    return state_dir() / "runs" / "-".join((name, *changes))
