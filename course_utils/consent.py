"""Whether a student counts in the class view, and the seed of their own that their live runs have there.
All notebooks.
"""

import hashlib
import json
import os
import unicodedata
from typing import Any

from course_utils import files, paths

CONSENT = "share.json"  # in the progress folder
FIRST = 10_000  # the seeds of students lie above those of the shipped tables


def consent() -> dict[str, Any]:
    """What the student has said: ``share``, and their ``seed`` if they have one;
    empty if nothing, or nothing readable.
    """
    try:
        with files.opened(paths.state_dir() / "progress" / CONSENT) as file:
            said = json.loads(file.read(2**16))
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def own_seed() -> int | None:
    """The seed of this student's live runs in the class; None for a student who does not count there, or has none."""
    said = consent()
    seed = said.get("seed") if said.get("share") is True else None
    return seed if is_own(seed) else None


def is_own(seed: object) -> bool:
    """Whether :func:`seed_of` could have returned this."""
    return type(seed) is int and FIRST <= seed < 2**31


def seed_of(student: str) -> int:
    """The seed drawn from a name or a number: the same on every machine, and one of 2 · 10⁹,
    so two are hardly ever alike.

    Case, and spaces around and between words, do not count. Raises ValueError for a name without any character.
    """
    words = " ".join(unicodedata.normalize("NFKC", str(student)).casefold().split())
    if not words:
        raise ValueError("The name is empty: pass your name or your student number.")
    digest = hashlib.sha256(words.encode(errors="surrogateescape")).digest()
    return FIRST + int.from_bytes(digest[:8], "big") % (2**31 - FIRST)


def say(share: bool, student: str | None = None) -> None:
    """Save the choice. The seed is that of the student's name, else that of their account on a hub, else as it was.

    Raises OSError if the choice cannot be saved.
    """
    said: dict[str, Any] = {"share": share}
    student = student or os.environ.get("JUPYTERHUB_USER")
    if share and (student or is_own(consent().get("seed"))):
        said["seed"] = seed_of(student) if student else consent()["seed"]
    with files.atomic(paths.state_dir() / "progress" / CONSENT) as partial:
        partial.write_text(json.dumps(said), encoding="utf-8")
