"""How far a student is: one small file an exercise, so that no crash and no second kernel can spoil another's."""

import json
import os
import tempfile
import warnings
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from course_utils.exercises.exercise import exercises
from course_utils.exercises.judge import Status, Verdict
from course_utils.paths import state_dir


@dataclass(frozen=True)
class Progress:
    """What was reached in one exercise; passed_at stays when a later attempt fails."""

    name: str
    title: str
    status: Status = "not attempted"
    attempts: int = 0
    passed_at: str | None = None
    message: str = ""


def progress() -> list[Progress]:
    """One row an exercise, in the order of the course. A file that cannot be read counts as not attempted."""
    return [_read(exercise.name, exercise.title) for exercise in exercises()]


def record(name: str, title: str, verdict: Verdict) -> None:
    """Keep a verdict, whole or not at all; when that is impossible, one warning says why."""
    before = _read(name, title)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    row = Progress(
        name,
        title,
        "passed" if before.passed_at else verdict.status,
        before.attempts + (verdict.status != "not attempted"),
        before.passed_at or (now if verdict.status == "passed" else None),
        verdict.message,
    )
    path = _path(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{name}-", delete=False) as file:
            try:
                json.dump(asdict(row), file)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                Path(file.name).unlink(missing_ok=True)
                raise
        os.replace(file.name, path)
    except OSError as error:
        warnings.warn(
            f"Your progress could not be kept in {path.parent} ({error.strerror}): the check counts all the same.",
            stacklevel=3,
        )


def _read(name: str, title: str) -> Progress:
    try:
        return Progress(**{**json.loads(_path(name).read_text()), "name": name, "title": title})
    except (OSError, ValueError, TypeError):
        return Progress(name, title)


def _path(name: str) -> Path:
    return state_dir() / "progress" / f"{name}.json"
