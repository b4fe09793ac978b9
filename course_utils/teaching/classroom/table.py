"""The class as a table: how many have passed, are trying, have not begun; and the two mistakes to talk about.

Two mistakes to talk about: of the recognised misconceptions in which at least two students are stuck at present, those
with the most students; if as many are in two, the one in which they have been for longer in total.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from course_utils.teaching.classroom.catalogue import Catalogue, Words

LATELY = timedelta(minutes=45)  # an exercise that was last tried earlier is not being worked on
COMPANY = 2  # without names, a mistake is shown only if at least so many students are in it


class NotProgress(ValueError):
    """Something else than a student's shared progress; the message says what is wrong."""


@dataclass(frozen=True)
class Attempt:
    """What is known of one student's work on one exercise."""

    passed: bool
    attempts: int
    tried_at: datetime
    mistake: str | None  # of the last attempt: a key of the exercise's mistakes
    since: datetime  # when the last attempts began to have this mistake


Class = Mapping[str, Mapping[str, Attempt]]  # name of the student → name of the exercise → attempt


def checked(
    said: object, catalogue: Catalogue, now: datetime, damaged: list[str] | None = None
) -> dict[str, Attempt]:
    """What a student's server or folder says, checked: only words of the catalogue can reach the page.

    Exercises of other editions of the course are left out; a date in the future counts as now. Raises NotProgress; with
    a list for the names of damaged records, only if there are no records.
    """
    if not isinstance(said, dict):
        raise NotProgress(
            f"The progress is a {type(said).__name__}, but must be an object with a record per exercise."
        )
    found = {}
    for name, record in said.items():
        exercise = catalogue.exercise(name)
        if exercise is None or (exercise.name != name and exercise.name in said):
            continue
        try:
            found[exercise.name] = _attempt(name, record, exercise, now)
        except NotProgress:
            if damaged is None:
                raise
            damaged.append(name)
    return found


def _attempt(name: str, record: object, exercise: Words, now: datetime) -> Attempt:
    if not isinstance(record, dict) or type(record.get("attempts")) is not int or record["attempts"] < 1:
        raise NotProgress(f"The record of {name} has no number of attempts: send the one that check has saved.")
    tried_at = min(_moment(name, record.get("tried_at")), now)
    since = record.get("since")
    return Attempt(
        record.get("passed_at") is not None,
        record["attempts"],
        tried_at,
        exercise.mistake(record.get("misconception"), record.get("kind")),
        min(_moment(name, since), tried_at) if since is not None else tried_at,
    )


def _moment(name: str, said: object) -> datetime:
    try:
        moment = datetime.fromisoformat(said)  # type: ignore[arg-type]
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError):
        raise NotProgress(
            f"The record of {name} has a time that is none: send the one that check has saved."
        ) from None


@dataclass(frozen=True)
class Stuck:
    """A mistake, and the students who are in it with their minutes in it."""

    exercise: str
    mistake: str
    minutes: Mapping[str, float]


def stuck(students: Class, now: datetime, lately: timedelta | None = None) -> list[Stuck]:
    """The mistakes in which students are at present, most students first, then most minutes in total.

    lately: leave out the exercises whose last attempt is longer ago.
    """
    groups: dict[tuple[str, str], dict[str, float]] = {}
    for student, attempts in students.items():
        for name, attempt in attempts.items():
            if attempt.passed or attempt.mistake is None or (lately is not None and now - attempt.tried_at > lately):
                continue
            minutes = (now - attempt.since).total_seconds() / 60
            groups.setdefault((name, attempt.mistake), {})[student] = minutes
    found = [Stuck(*key, minutes) for key, minutes in sorted(groups.items())]
    return sorted(found, key=lambda each: (-len(each.minutes), -sum(each.minutes.values())))


def to_talk_about(students: Class, catalogue: Catalogue, now: datetime) -> list[Stuck]:
    """The two mistakes for the last five minutes, by the rule in this module's docstring."""
    groups = stuck(students, now, LATELY)
    named = [each for each in groups if catalogue.exercises[each.exercise].mistakes[each.mistake].recognised]
    return [each for each in named if len(each.minutes) >= COMPANY][:2]


def table(students: Class, catalogue: Catalogue, now: datetime, names: bool = False) -> dict[str, Any]:
    """The whole page as JSON. Without names it holds nothing about fewer than two students,
    except in the three counts."""
    groups = stuck(students, now)
    return {
        "students": len(students),
        "busy": _busy(students, now),
        "talk": [_said(each, catalogue, names, talk=True) for each in to_talk_about(students, catalogue, now)],
        "notebooks": [
            {
                "number": number,
                "title": title,
                "exercises": [
                    _row(name, students, [each for each in groups if each.exercise == name], catalogue, names)
                    for name in catalogue.exercises
                    if name[:2] == number
                ],
            }
            for number, title in catalogue.notebooks.items()
        ],
    }


def _row(name: str, students: Class, groups: Sequence[Stuck], catalogue: Catalogue, names: bool) -> dict[str, Any]:
    attempts = [seen[name] for seen in students.values() if name in seen]
    passed = sum(attempt.passed for attempt in attempts)
    shown = [each for each in groups if names or len(each.minutes) >= COMPANY]
    row = {
        "name": name,
        "title": catalogue.exercises[name].title,
        "passed": passed,
        "trying": len(attempts) - passed,
        "waiting": len(students) - len(attempts),
        "mistake": _said(shown[0], catalogue, names) if shown else None,
    }
    if names:
        row["tries"] = sorted(who for who, seen in students.items() if name in seen and not seen[name].passed)
    return row


def _said(group: Stuck, catalogue: Catalogue, names: bool, talk: bool = False) -> dict[str, Any]:
    exercise = catalogue.exercises[group.exercise]
    said: dict[str, Any] = {"count": len(group.minutes), "sentence": exercise.mistakes[group.mistake].sentence}
    if talk:
        minutes = round(sum(group.minutes.values()) / len(group.minutes))
        said |= {"exercise": group.exercise, "title": exercise.title, "minutes": minutes, "note": exercise.note}
    if names:
        said["who"] = sorted(group.minutes)
    return said


def _busy(students: Class, now: datetime) -> str | None:
    """The number of the notebook in which most students tried something lately."""
    at_work = [
        {name[:2] for name, attempt in attempts.items() if now - attempt.tried_at <= LATELY}
        for attempts in students.values()
    ]
    counts = Counter(number for numbers in at_work for number in numbers)
    return max(counts, key=lambda number: (counts[number], number), default=None)
