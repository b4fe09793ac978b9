"""What a student shares with the class view, read from their progress folder without PyTorch; never a message or code."""

import json
from pathlib import Path
from typing import Any

from course_utils import files

CONSENT = "share.json"  # written by ``course_utils.exercises.share``
FIELDS = ("attempts", "passed_at", "tried_at", "kind", "misconception", "since")
LARGEST = 2**20  # bytes of a record: a message has a few sentences

Shared = dict[str, dict[str, Any]]


def shared(progress: Path) -> Shared | None:
    """Name of each exercise that was tried → FIELDS of its record; None without the student's consent.

    Records that cannot be read are left out, and those that are links: an instructor may read the folders of others.
    """
    if not consents(progress):
        return None
    found = {path.stem: _read(path) for path in sorted(progress.glob("[0-9][0-9].*.json"))}
    return {
        name: {field: record[field] for field in FIELDS if field in record}
        for name, record in found.items()
        if record
    }


def consents(progress: Path) -> bool:
    """Whether the student has switched sharing on."""
    return _read(progress / CONSENT).get("share") is True


def _read(path: Path) -> dict[str, Any]:
    """The object in a JSON file; an empty one if there is none."""
    try:
        if path.is_symlink():
            return {}
        with files.opened(path) as file:
            said = json.loads(file.read(LARGEST))
    except (OSError, ValueError, RecursionError, MemoryError):
        return {}
    return said if isinstance(said, dict) else {}
