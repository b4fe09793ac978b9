"""The class as a laboratory: the students' live runs on one claim in one interval. ``course class --claim 05.data``."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from course_utils import files
from course_utils.experiments.claims import Claim, Finding, inner
from course_utils.experiments.claims_class import NotAPoint, Point, checked
from course_utils.experiments.claims_shown import with_interval, written
from course_utils.experiments.verdict import Decision, Effect, decide, effect_of
from course_utils.teaching.classroom.records import live_runs
from course_utils.teaching.classroom.sources import progress_folders

WIDTH = 41  # characters of the drawn intervals
PEEKING = (
    "Fix the number of students beforehand: if you look after each one and stop as soon as it looks decided, chance "
    "decides more often than in 5 % of cases."
)


@dataclass(frozen=True)
class Laboratory:
    """The points of a class on one claim, in the order in which they were made, and who cannot count and why."""

    claim: Claim
    points: Mapping[str, Point]
    refused: Mapping[str, str]

    def growing(self) -> Iterator[tuple[int, Effect, Decision]]:
        """For the first two students, the first three, and so on: their number, the effect, and what it decides."""
        values = [inner(self.claim, point.value) for point in self.points.values()]
        for count in range(2, len(values) + 1):
            effect = effect_of(values[:count])
            yield count, effect, decide(effect, inner(self.claim, self.claim.smallest), self.claim.equal)


def laboratory(claim: Claim, students: Mapping[str, object]) -> Laboratory:
    """From what each student's live run has left; None for students without a run, who are left out."""
    points, refused = {}, {}
    for student, said in students.items():
        try:
            if said is not None:
                points[student] = checked(claim, said)
        except NotAPoint as error:
            refused[student] = str(error)
    seeds: dict[int, str] = {}
    for student, point in sorted(points.items(), key=lambda each: (each[1].made_at, each[0])):
        if seeds.setdefault(point.seed, student) != student:
            refused[student] = "another student has the same seed: share with a student number instead of a name."
    counted = {student: points[student] for student in seeds.values()}
    return Laboratory(claim, counted, refused)


def in_folder(claim: Claim, folder: Path) -> Laboratory:
    """The students with a folder below this one who share their progress. Raises Refused if there is no such folder."""
    if not folder.is_dir():
        raise files.Refused(f"{folder} is not a folder: name one that holds a folder per student.")
    runs = {student: live_runs(progress) for student, progress in progress_folders(folder).items()}
    return laboratory(claim, {student: each.get(claim.name) for student, each in runs.items()})


def report(found: Laboratory, names: bool = False) -> Iterator[str]:
    """Lines for a terminal: the interval as it shrinks with each student, when it was decided, and who cannot count."""
    claim, steps = found.claim, list(found.growing())
    yield f"{claim.name}: {claim.says}"
    yield f"Students who count: {len(found.points)}; who do not: {len(found.refused)}."
    for student, why in found.refused.items():
        yield f"  {student if names else 'one student'}: {why}"
    if not steps:
        yield "An interval needs at least two students."
        return
    widest = max(max(abs(effect.low), abs(effect.high)) for _, effect, _ in steps[1:] or steps)
    yield f"students  {'effect':24s}{'below zero':>{WIDTH // 2}s} 0 {'as claimed':{WIDTH // 2}s}"
    for count, effect, decision in steps:
        yield f"{count:8d}  {with_interval(claim, effect):24s}{_drawn(effect, widest)}  {decision}"
    yield _when(claim, steps)
    yield PEEKING


def _drawn(effect: Effect, widest: float) -> str:
    """The interval on a line of WIDTH characters, with zero in the middle."""

    def place(value: float) -> int:
        share = max(-1.0, min(1.0, value / widest)) if widest else 0.0
        return round((share + 1) / 2 * (WIDTH - 1))

    low, mean, high = map(place, (effect.low, effect.mean, effect.high))
    line = ["─" if low <= column <= high else " " for column in range(WIDTH)]
    line[WIDTH // 2] = "┼" if low <= WIDTH // 2 <= high else "│"
    line[mean] = "●"
    return "".join(line)


def _when(claim: Claim, steps: list[tuple[int, Effect, Decision]]) -> str:
    count, effect, last = steps[-1]
    if last is Decision.UNDECIDED:
        finding = Finding(claim, effect, last, math.nan)
        smallest = written(claim, claim.smallest).lstrip("+")
        if finding.had_enough:
            return (
                f"Undecided with {count} students, although so many would detect an effect of {smallest} in four "
                f"classes out of five. With {finding.runs_needed} in all, the interval would be about half as wide."
            )
        return (
            f"Undecided with {count} students. With about {finding.runs_needed or count} in all, four classes out of "
            f"five would detect an effect of {smallest}."
        )
    since = count
    for earlier, _, decision in reversed(steps):
        if decision is not last:
            break
        since = earlier
    return f"Decided: {last}. It has been so since the first {since} students."
