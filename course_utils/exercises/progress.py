"""How far a student is: one small file an exercise, which neither a crash nor a second kernel can spoil."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from course_utils import paths
from course_utils.exercises.exercise import exercises
from course_utils.exercises.verdict import Kind, Outcome, Verdict

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


@dataclass(frozen=True)
class Row:
    """One exercise of one student. ``status`` is passed, tried or not attempted; once passed, it stays passed."""

    name: str
    title: str
    status: str
    attempts: int
    passed_at: str | None  # ISO 8601, UTC, of the first pass
    tried_at: str | None  # of the last attempt
    message: str  # of the last attempt


@dataclass(frozen=True)
class _Record:
    attempts: int = 0
    passed_at: str | None = None
    tried_at: str | None = None
    message: str = ""

    @property
    def sound(self) -> bool:
        """Whether each value is one that an attempt could have left."""
        dates = (self.passed_at, self.tried_at)
        return (
            type(self.attempts) is int
            and 0 <= self.attempts < 10**9
            and isinstance(self.message, str)
            and all(date is None or _is_date(date) for date in dates)
        )


def progress(notebook: str | None = None) -> list[Row]:
    """A row for every exercise of the course, or of one notebook. A record that cannot be read counts as none."""
    rows = []
    for exercise in exercises(notebook):
        record = _read(_folder() / f"{exercise.name}.json")
        status = "passed" if record.passed_at else "tried" if record.attempts else "not attempted"
        rows.append(
            Row(
                exercise.name,
                exercise.title,
                status,
                record.attempts,
                record.passed_at,
                record.tried_at,
                record.message,
            )
        )
    return rows


def record(name: str, verdict: Verdict) -> str | None:
    """Add an attempt to the exercise's record. Returns a sentence when it cannot be written, and never raises.

    A stub, the course's own version, or an earlier function is no attempt, nor is what could not be judged.
    """
    if verdict.outcome in (Outcome.NOT_ATTEMPTED, Outcome.NOT_JUDGED) or verdict.kind is Kind.STALE:
        return None
    try:
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            target = folder / f"{name}.json"
            old = _read(target)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            passed_at = old.passed_at or (now if verdict.passed else None)
            _write(target, _Record(old.attempts + 1, passed_at, now, verdict.message))
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home folder
        reason = getattr(error, "strerror", None) or error
        return f"Your progress could not be saved ({reason}): free some space or set COURSE_STATE to another folder."
    return None


def _folder() -> Path:
    return paths.state_dir() / "progress"


def _read(path: Path) -> _Record:
    try:
        record = _Record(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError, MemoryError):
        return _Record()
    return record if record.sound else _Record()


def _is_date(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _write(target: Path, record: _Record) -> None:
    """Under another name first, to the disk, then renamed: at every moment there is one whole record."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(asdict(record), file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise


@contextmanager
def _alone(folder: Path, seconds: float = 2.0) -> Iterator[None]:
    """One kernel at a time, so that two at once count both attempts. The system frees the lock of a killed process.

    Where locks do not work, on some network folders, it goes on without: an attempt may then go uncounted.
    """
    with open(folder / ".lock", "ab") as file:
        end = time.monotonic() + seconds
        while not _lock(file) and time.monotonic() < end:
            time.sleep(0.01)
        yield


def _lock(file: BinaryIO) -> bool:
    try:
        if sys.platform == "win32":
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
