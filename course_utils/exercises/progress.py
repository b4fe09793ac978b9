"""A student's progress: one small file per exercise, safe against crashes and a second kernel."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from course_utils import files, paths
from course_utils.exercises.exercise import FORMER_NAMES
from course_utils.exercises.listed import listed
from course_utils.exercises.verdict import Kind, Outcome, Verdict


@dataclass(frozen=True)
class Row:
    """One student's record of one exercise; a pass is never lost.

    ``status`` is passed, tried, not attempted, or unreadable: there is a record, and message says why it cannot be
    read.
    """

    name: str
    title: str
    status: str
    attempts: int
    passed_at: str | None  # ISO 8601, UTC, of the first pass
    tried_at: str | None  # of the last attempt
    message: str  # of the last attempt
    misconception: str | None = None  # of the last attempt, such as "00.attend/unscaled", if it was recognised


@dataclass(frozen=True)
class _Record:
    attempts: int = 0
    passed_at: str | None = None
    tried_at: str | None = None
    message: str = ""
    kind: str | None = None  # of the last attempt's verdict
    misconception: str | None = None
    since: str | None = None  # the first of the last attempts that all had this kind and misconception
    unreadable: bool = False  # never in a file

    @property
    def sound(self) -> bool:
        """Whether each value could come from an attempt."""
        dates, names = (self.passed_at, self.tried_at, self.since), (self.kind, self.misconception)
        return (
            type(self.attempts) is int
            and 0 <= self.attempts < 10**9
            and isinstance(self.message, str)
            and all(date is None or _is_date(date) for date in dates)
            and all(name is None or isinstance(name, str) for name in names)
        )


def progress(notebook: str | None = None) -> list[Row]:
    """One row per exercise of the course or of one notebook. Raises OSError if COURSE_STATE cannot be a folder."""
    rows = []
    for exercise in listed(notebook):
        record = _so_far(exercise.name)
        status = "passed" if record.passed_at else "tried" if record.attempts else "not attempted"
        status = "unreadable" if record.unreadable else status
        rows.append(
            Row(
                exercise.name,
                exercise.title,
                status,
                record.attempts,
                record.passed_at,
                record.tried_at,
                record.message,
                record.misconception,
            )
        )
    return rows


def passed_so_far() -> str | None:
    """How far the student is, "12 of 53 exercises passed.", or None if the records cannot be looked for;
    never raises.
    """
    try:
        rows = progress()
    except (OSError, RuntimeError):  # RuntimeError: there is no home folder
        return None
    return f"{sum(row.status == 'passed' for row in rows)} of {len(rows)} exercises passed."


def record(name: str, verdict: Verdict) -> str | None:
    """Add an attempt to the exercise's record. Returns a sentence if it cannot be saved; never raises.

    A stub, the course's version and an earlier function do not count as attempts, nor does an answer that could not
    be judged.
    """
    if verdict.outcome in (Outcome.NOT_ATTEMPTED, Outcome.NOT_JUDGED) or verdict.kind is Kind.STALE:
        return None
    try:
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            old = _so_far(name)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            passed_at = old.passed_at or (now if verdict.passed else None)
            same = (old.kind, old.misconception) == (verdict.kind, verdict.misconception)
            since = (same and old.since) or now
            new = _Record(
                old.attempts + 1, passed_at, now, verdict.message, verdict.kind, verdict.misconception, since
            )
            with files.atomic(folder / f"{name}.json") as partial:
                values = {name: value for name, value in asdict(new).items() if name != "unreadable"}
                partial.write_text(json.dumps(values), encoding="utf-8")
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home folder
        reason = getattr(error, "strerror", None) or error
        return f"Your progress could not be saved ({reason}): free some space or set COURSE_STATE to another folder."
    return None


def _folder() -> Path:
    return paths.state_dir() / "progress"


def _so_far(name: str) -> _Record:
    """The exercise's record, or the one under its former name if there is none."""
    names = (name, *(former for former, present in FORMER_NAMES.items() if present == name))
    records = [_read(_folder() / f"{each}.json") for each in names]
    found = (record for record in records if record.attempts)
    return next(found, next((record for record in records if record.unreadable), _Record()))


def _read(path: Path) -> _Record:
    """The record in a file; fields of later versions are left out."""
    try:
        with files.opened(path) as file:
            said = json.loads(file.read())
        known = [field.name for field in fields(_Record) if field.name != "unreadable"]
        record = _Record(**{name: said[name] for name in known if name in said})
        if record.sound and "attempts" in said:
            return record
        reason, remedy = "its values are not valid", "check the exercise again"
    except (FileNotFoundError, NotADirectoryError):
        return _Record()
    except OSError as error:
        reason, remedy = files.reason(error), "make it readable, or set COURSE_STATE to a folder of your own"
    except (ValueError, TypeError, RecursionError, MemoryError):
        reason, remedy = "it is damaged", "check the exercise again"
    return _Record(message=f"The record {path} cannot be read ({reason}): {remedy}.", unreadable=True)


def _is_date(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value).astimezone())
    except (ValueError, OverflowError):  # OverflowError: in year 0 or 10,000 of this time zone
        return False


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Lock the record, so that two kernels at once count both attempts. The system frees a killed process's lock.

    If the lock is not available within two seconds, or on some network folders, it continues without; an attempt may
    then not be counted.
    """
    from filelock import FileLock  # imported here, because the import takes as long as a check

    with ExitStack() as held:
        with suppress(OSError):  # Timeout is one
            lock = FileLock(folder / ".lock", timeout=2, poll_interval=0.01, fallback_to_soft=False)
            held.enter_context(lock)
        yield
