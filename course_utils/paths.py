"""Where the course keeps its things: notebooks, data, checkpoints, and what belongs to one student."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
DATA = ROOT / "data"
CHECKPOINTS = DATA / "checkpoints"


def state_dir() -> Path:
    """Folder of this student's own files (progress, unfinished runs); not created here, ignored by git.

    ``COURSE_STATE`` moves it, for a shared read-only installation of the course.
    """
    return Path(os.environ.get("COURSE_STATE") or ROOT / ".course").expanduser()


def run_folder(name: str, *changes: str) -> Path:
    """Folder of the training run of that name, with the changes named, such as ``"3-epochs"``; not created here."""
    return state_dir() / "runs" / "-".join((name, *changes))
