"""How far a student is: one small file an exercise, which neither a crash nor a second kernel can spoil."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from course_utils import files, paths
from course_utils.exercises.exercise import FORMER_NAMES, exercises
from course_utils.exercises.verdict import Kind, Outcome, Verdict


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
        record = _so_far(exercise.name)
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
            old = _so_far(name)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            passed_at = old.passed_at or (now if verdict.passed else None)
            new = _Record(old.attempts + 1, passed_at, now, verdict.message)
            with files.atomic(folder / f"{name}.json") as partial:
                partial.write_text(json.dumps(asdict(new), ensure_ascii=False), encoding="utf-8")
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home folder
        reason = getattr(error, "strerror", None) or error
        return f"Your progress could not be saved ({reason}): free some space or set COURSE_STATE to another folder."
    return None


def _folder() -> Path:
    return paths.state_dir() / "progress"


def _so_far(name: str) -> _Record:
    """The exercise's record; as long as there is none, that of its former name."""
    names = (name, *(former for former, present in FORMER_NAMES.items() if present == name))
    records = (_read(_folder() / f"{each}.json") for each in names)
    return next((record for record in records if record.attempts), _Record())


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


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One kernel at a time, so that two at once count both attempts. The system frees the lock of a killed process.

    Where the lock cannot be had, on some network folders or within two seconds, it goes on without: an attempt may
    then go uncounted.
    """
    from filelock import FileLock  # only here: importing it takes as long as a check

    with ExitStack() as held:
        with suppress(OSError):  # Timeout is one
            lock = FileLock(folder / ".lock", timeout=2, poll_interval=0.01, fallback_to_soft=False)
            held.enter_context(lock)
        yield
