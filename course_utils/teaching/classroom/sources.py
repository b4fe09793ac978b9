"""Where the class comes from: servers of students that report to a hub,
or the progress folders of students in a folder."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from course_utils import files
from course_utils.teaching.classroom.catalogue import Catalogue
from course_utils.teaching.classroom.records import CLAIMS, consents, shared
from course_utils.teaching.classroom.table import Attempt, Class, checked

SILENCE = timedelta(minutes=3)  # a server reports every minute; one that is silent for longer has ended
PLACES = (".", "progress", ".course/progress")  # of a student's records, below the student's folder


def now() -> datetime:
    """The present time, UTC."""
    return datetime.now(UTC)


class Reports:
    """The students whose servers reported lately. It is in memory only, so that nothing about them outlives the lab."""

    def __init__(self, catalogue: Catalogue, clock: Callable[[], datetime] = now) -> None:
        self.catalogue, self.clock = catalogue, clock
        self._reported: dict[str, tuple[datetime, dict[str, Attempt], Any]] = {}  # when, progress, live runs

    def report(self, student: str, said: object) -> None:
        """Replace what is known of a student; damaged records are left out. Raises NotProgress."""
        attempts = checked(said, self.catalogue, self.clock(), [])
        self._reported[student] = (self.clock(), attempts, said.get(CLAIMS) if isinstance(said, dict) else None)

    def forget(self, student: str) -> None:
        """Remove a student."""
        self._reported.pop(student, None)

    def students(self) -> Class:
        """Name of each student → what they reported."""
        oldest = self.clock() - SILENCE
        self._reported = {who: seen for who, seen in self._reported.items() if seen[0] >= oldest}
        return {who: attempts for who, (_, attempts, _) in self._reported.items()}

    def live_runs(self, claim: str) -> dict[str, object]:
        """Name of each student with a live run on a claim → what it has left, unchecked."""
        runs = {who: self._reported[who][2] for who in self.students()}
        return {who: each[claim] for who, each in runs.items() if isinstance(each, dict) and claim in each}


class Folder:
    """The students with a folder below this one, such as ``/home`` or a folder of copied progress folders.

    Those who have not switched sharing on, or whose folder is closed, are counted in ``private`` and not read; damaged
    records are left out, and their names are in ``damaged``, student by student. Raises Refused if there is no such
    folder, or none of a student in it.
    """

    def __init__(self, folder: Path, catalogue: Catalogue) -> None:
        self.folder, self.catalogue, self.private = folder, catalogue, 0
        self.damaged: dict[str, list[str]] = {}
        if not folder.is_dir():
            raise files.Refused(f"{folder} is not a folder: name one that holds a folder per student.")
        if not progress_folders(folder):
            raise files.Refused(
                f"No folder in {folder} holds a student's progress: put a copy of each student's .course/progress "
                f"there, such as {folder / 'ada' / 'progress'}."
            )

    def students(self) -> Class:
        """Name of each student's folder → what their records say now."""
        found, self.private, self.damaged = {}, 0, {}
        for name, progress in progress_folders(self.folder).items():
            said = shared(progress)
            if said is None:
                self.private += 1
                continue
            damaged: list[str] = []
            found[name] = checked(said, self.catalogue, now(), damaged)
            if damaged:
                self.damaged[name] = damaged
        return found


def progress_folders(folder: Path) -> dict[str, Path]:
    """Name of each student's folder below this one → the folder with their records, or one that is closed to us.

    In a name, bytes that are not UTF-8 become backslashes and numbers: no page and no terminal shows them.
    """
    found = {}
    for student in sorted(folder.iterdir()):
        for place in PLACES:
            if _may_hold_records(student / place):
                name = os.fsencode(student.name).decode("utf-8", "backslashreplace")
                found[name] = student / place
                break
    return found


def _may_hold_records(progress: Path) -> bool:
    try:
        progress.stat()
    except OSError as error:
        return isinstance(error, PermissionError)  # others' home folders often are closed
    return consents(progress) or next(progress.glob("[0-9][0-9].*.json"), None) is not None
