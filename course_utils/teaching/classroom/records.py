"""What a student shares with the class view, read from their progress folder without PyTorch;
never a message or code."""

import json
from pathlib import Path
from typing import Any

from course_utils import files
from course_utils.consent import CONSENT

FIELDS = ("attempts", "passed_at", "tried_at", "kind", "misconception", "since")
CLAIMS = "claims"  # in the progress folder: a file per claim, of ``experiments/claims_class.py``
LARGEST = 2**20  # bytes of a record: a message has a few sentences
LARGEST_RUN = 2**12  # bytes of a live run: all of a student's fit into a report

Shared = dict[str, dict[str, Any]]


def shared(progress: Path) -> Shared | None:
    """Name of each exercise that was tried → FIELDS of its record; and live runs, if any. None without consent.

    Of a record that cannot be read there is only the name; links are left out: an instructor may read the folders of
    others.
    """
    if not consents(progress):
        return None
    paths = [path for path in sorted(progress.glob("[0-9][0-9].*.json")) if not path.is_symlink()]
    found = {path.stem: _read(path) for path in paths}
    said = {name: {field: record[field] for field in FIELDS if field in record} for name, record in found.items()}
    runs = live_runs(progress)
    return {**said, CLAIMS: runs} if runs else said


def consents(progress: Path) -> bool:
    """Whether the student has switched sharing on."""
    return _read(progress / CONSENT).get("share") is True


def live_runs(progress: Path) -> dict[str, Any]:
    """Name of each claim → what the student's live run on it has left, unchecked; nothing without their consent.

    The seed is the one of the consent, whatever the run says.
    """
    folder = progress / CLAIMS
    if not consents(progress) or folder.is_symlink():
        return {}
    seed = {"seed": _read(progress / CONSENT).get("seed")}
    return {path.stem: _read(path, LARGEST_RUN) | seed for path in sorted(folder.glob("[0-9][0-9].*.json"))}


def _read(path: Path, largest: int = LARGEST) -> dict[str, Any]:
    """The object in a JSON file; an empty one if there is none."""
    try:
        if path.is_symlink():
            return {}
        with files.opened(path) as file:
            said = json.loads(file.read(largest))
    except (OSError, ValueError, RecursionError, MemoryError):
        return {}
    return said if isinstance(said, dict) else {}
