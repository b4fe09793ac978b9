"""What the lecture claims, and what was found: the ledger, ``data/claims.toml``. Notebooks 01 to 10.

``course claims`` prints it. Every effect, interval, verdict and number of minutes is computed from ``data/results`` or
``data/papers``, or by a function of ``claims_computed``; none is typed in.
"""

import csv
import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any

from course_utils.console import first_line
from course_utils.experiments.claims_computed import COMPUTED
from course_utils.experiments.sweep import RESULTS, damaged, find_sweep, key, read_results
from course_utils.experiments.verdict import BY_CHANCE, BY_TWO_LOOKS, Decision, Effect, decide, effect_of, runs_needed
from course_utils.paths import DATA
from course_utils.settings import Must, Settings, WrongSetting, above, one_of, shown
from course_utils.training.score import Score

LEDGER = DATA / "claims.toml"
PAPERS = DATA / "papers"

Row = Mapping[str, Any]
NAME = Must("NN.words, such as 07.teacher", lambda name: bool(re.fullmatch(r"\d\d\.\w+", name)))


@dataclass(frozen=True)
class Claim(Settings):
    """One claim of the lecture, and how it is decided. A claim predicts an effect above zero, or none if ``equal``.

    table: of ``data/results``, or of ``data/papers``; its rows that match ``where`` and a term of ``of`` are added up,
    those of ``minus`` subtracted, per value of the columns in ``pair``. ``by`` replaces a table by a function.
    """

    name: Annotated[str, NAME]
    says: str  # one sentence that can be wrong
    slide: str  # its heading
    section: str  # of the notebook, and the id of the cell that shows what was found
    cell: str
    dataset: str
    smallest: Annotated[float, above(0)]  # the smallest effect of interest, in the unit
    because: str  # why that
    unit: Annotated[str, one_of(("points", "times", "said"))] = "points"
    table: str = ""
    column: str = "accuracy"
    where: Mapping[str, Any] = field(default_factory=dict)
    of: tuple[Mapping[str, Any], ...] = ()
    minus: tuple[Mapping[str, Any], ...] = ()
    pair: tuple[str, ...] = ("seed",)
    against: float = 0.0  # a constant to subtract, in the table's own unit
    count: str = ""  # column with the number of images of which the value is a share
    each: str = "episode"  # what the values of a cell with several are of, if nothing else is paired
    by: Annotated[str, one_of(("", *COMPUTED))] = ""
    said: str = ""  # what the slide prints
    equal: bool = False
    live: bool = False  # a cell of the notebook makes a point of it, which counts in the class
    cause: str = ""  # if contradicted: is it the size, the recipe or the claim?

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.by and not math.isfinite(_number(self.said)):
            raise WrongSetting(f"said is {shown(self.said)}, but must be a number, because the claim is computed.")
        if self.unit == "times" and self.smallest <= 1:
            raise WrongSetting(f"smallest is {self.smallest}, but must be above 1 time.")

    @property
    def notebook(self) -> str:
        """Its number."""
        return self.name[:2]

    @property
    def kind(self) -> str:
        """How it is decided: by runs, by images, computed, or published."""
        if self.by:
            return "computed"
        if not self.table.startswith("sweep-"):
            return "published"
        return "images" if self.count else "runs"

    @property
    def command(self) -> str:
        """What makes its figures anew."""
        return f"course train {self.table}" if self.table.startswith("sweep-") else f"course claims {self.name}"


@dataclass(frozen=True)
class Finding:
    """What was found on a claim. seconds: of the runs that decide it, or NaN if they were not measured; found: in
    words, of a computed claim."""

    claim: Claim
    effect: Effect
    decision: Decision
    seconds: float
    found: str = ""

    @property
    def runs_needed(self) -> int | None:
        """Runs in all that would find an effect of the smallest size, for an undecided claim; None without a spread.

        If so many have run, four times as many: they halve the interval.
        """
        return 4 * self.effect.runs if self.had_enough else self._enough()

    @property
    def had_enough(self) -> bool:
        """Whether so many runs are undecided as would have found an effect of the smallest size in most cases."""
        return (self._enough() or math.inf) <= self.effect.runs

    def _enough(self) -> int | None:
        if self.decision is not Decision.UNDECIDED or not self.effect.spread > 0:
            return None
        return runs_needed(self.effect.spread, inner(self.claim, self.claim.smallest))

    @property
    def hours_needed(self) -> float:
        """Hours on one core for all of these runs, at the measured seconds of a run."""
        return (self.runs_needed or math.nan) * self.seconds / self.effect.runs / 3600


def claims(notebook: str | None = None, path: Path = LEDGER) -> list[Claim]:
    """All claims in the order of the lecture, or one notebook's.

    Raises ValueError for a damaged file, and for an entry that is incomplete or has a value that it cannot have.
    """
    found = []
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("claim")
        if not (entries and isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)):
            raise ValueError("it has no entries [[claim]]")
    except ValueError as error:
        raise damaged(path, error) from error
    for row in entries:
        try:
            claim = Claim.from_fields(row)
            if not claim.by and not (claim.table and (claim.of or claim.minus)):
                raise ValueError("nothing decides it: name a table with terms in of or minus, or a function in by.")
            found.append(claim)
        except ValueError as error:
            raise ValueError(f"The claim {row.get('name', '?')} in {path.name}: {error}") from error
    if len({claim.name for claim in found}) < len(found):
        raise ValueError(f"Two claims in {path.name} have the same name: rename one.")
    return [claim for claim in found if notebook in (None, claim.notebook)]


def find_claim(name: str) -> Claim:
    """The claim of that name, or the only one whose name begins like this. Raises LookupError for any other."""
    begun = {claim.name: claim for claim in claims() if claim.name.startswith(name)}
    if name not in begun and len(begun) != 1:
        names = ", ".join(begun or (claim.name for claim in claims()))
        raise LookupError(f"There is no claim {name!r}: choose one of {names}.")
    return begun.get(name) or next(iter(begun.values()))


def examine(claim: Claim, results: Path = RESULTS) -> Finding:
    """Compute the effect of a claim, and decide it by the rule in ``verdict``.

    Raises FileNotFoundError if its table is missing, and ValueError if the table has no rows for it or is damaged.
    """
    if claim.by:
        try:
            value, found = COMPUTED[claim.by]()
        except (ArithmeticError, LookupError, TypeError, ValueError, csv.Error) as error:
            raise damaged(PAPERS, f"{claim.name} cannot be computed: {first_line(error)}") from error
        difference = value - float(claim.said)
        effect = Effect(difference, difference, difference, 1, math.nan)
        return Finding(claim, effect, decide(effect, claim.smallest, claim.equal), math.nan, found)
    folder = PAPERS if claim.kind == "published" else results
    path = folder / f"{claim.table}.csv"
    rows = _rows(claim.table, folder, path.stat().st_mtime_ns if path.exists() else 0)
    _check(claim, rows, path)
    rows = [row for row in rows if matches(row, claim.where)]
    seconds = sum(row["seconds"] for row in rows if used(claim, row)) if claim.kind != "published" else math.nan
    if claim.kind == "images":
        effect = of_share(claim, rows)
    else:
        effect = effect_of([inner(claim, value) for value in differences(claim, rows)])
        if claim.kind == "published":
            effect = Effect(effect.mean, effect.mean, effect.mean, 1, math.nan)
    return Finding(claim, effect, decide(effect, inner(claim, claim.smallest), claim.equal), seconds)


def inner(claim: Claim, value: float) -> float:
    """A value as it is averaged: points as they are, "times" by its logarithm."""
    return math.log(value) if claim.unit == "times" else value


def outer(claim: Claim, value: float) -> float:
    """The reverse of :func:`inner`."""
    return math.exp(value) if claim.unit == "times" else value


def differences(claim: Claim, rows: Sequence[Row]) -> list[float]:
    """The claim's contrast for every pair: in points, or as a ratio. Raises ValueError if there is none."""
    plus, minus = ([values(claim, rows, term) for term in terms] for terms in (claim.of, claim.minus))
    pairs = sorted(set.intersection(*(set(each) for each in (*plus, *minus))))
    if not pairs:
        raise ValueError(f"{claim.table} has no rows for the claim {claim.name}: run `{claim.command}`.")
    if claim.unit == "times":
        return [math.prod(each[pair] for each in plus) / math.prod(each[pair] for each in minus) for pair in pairs]
    scale = 100 if claim.kind == "runs" else 1  # papers print per cent, our tables shares
    return [
        scale * (sum(each[pair] for each in plus) - sum(each[pair] for each in minus) - claim.against)
        for pair in pairs
    ]


def values(claim: Claim, rows: Sequence[Row], term: Row) -> dict[tuple[Any, ...], float]:
    """Value of the pairing columns → mean of the rows that match a term.
    A cell with several values has several pairs."""
    column = column_of(claim, term)
    found: dict[tuple[Any, ...], list[float]] = {}
    for row in rows:
        if matches(row, term):
            for place, value in enumerate(str(row[column]).split()):
                found.setdefault((*(row[name] for name in claim.pair), place), []).append(float(value))
    whole = max(map(len, found.values()), default=0)  # of a table under way, a pair may lack rows
    return {pair: fmean(each) for pair, each in found.items() if len(each) == whole}


def of_share(claim: Claim, rows: Sequence[Row]) -> Effect:
    """The share of one row minus ``against``, or the reverse, with Wilson's interval for its images.

    Raises ValueError if there is not one row.
    """
    found = [row for row in rows if used(claim, row)]
    if len(found) != 1:
        raise ValueError(
            f"{claim.table} has {len(found)} rows for the claim {claim.name}, but must have one: run `{claim.command}`."
        )
    (row,) = found
    score = Score(row[claim.column], math.nan, row[claim.count])
    ends = [100 * (end - claim.against) for end in (score.accuracy, *score.interval)]
    mean, low, high = ends if claim.of else (-ends[0], -ends[2], -ends[1])
    return Effect(mean, low, high, row[claim.count], math.nan)


def column_of(claim: Claim, term: Row) -> str:
    """The column that a term of the contrast adds up: its own, or the claim's."""
    return str(term.get("column", claim.column))


def matches(row: Row, wanted: Row) -> bool:
    """Whether the row has all these values; a list means any of its values,
    and a term's "column" is not one of them."""
    return all(
        row.get(name) in (value if isinstance(value, list) else [value])
        for name, value in wanted.items()
        if name != "column"
    )


def used(claim: Claim, row: Row) -> bool:
    """Whether the row decides the claim."""
    return matches(row, claim.where) and any(matches(row, term) for term in (*claim.of, *claim.minus))


def possible(claim: Claim, value: float) -> bool:
    """Whether a table can have this value for the claim: a ratio's is above zero, a share or a correlation within 1."""
    if claim.unit == "times":
        return 0 < value < math.inf
    most = 100 if claim.kind == "published" else 1
    return (0 if claim.kind == "images" else -most) <= value <= most


def _check(claim: Claim, rows: Sequence[Row], path: Path) -> None:
    """Raises ValueError for a table without the claim's columns, with a point twice, or with a value that cannot be."""
    terms = (*claim.of, *claim.minus)
    columns = [column_of(claim, term) for term in terms]
    pair = [claim.count] if claim.kind == "images" else [*claim.pair]
    needed = [*claim.where, *pair, *columns, *(name for term in terms for name in term if name != "column")]
    if claim.kind == "published":
        settings = [name for row in rows[:1] for name in row if name not in columns]
    else:
        needed += (settings := list(find_sweep(claim.table).points[0]))
    if lacking := [name for name in needed if rows and name not in rows[0]]:
        raise damaged(path, f"the claim {claim.name} needs a column {lacking[0]}")
    points = set()
    for number, row in enumerate(rows, start=1):
        if (point := key(row, settings)) in points:
            raise damaged(path, f"its row {number} is of the same point as an earlier one")
        points.add(point)
        if not used(claim, row):
            continue
        if endless := [row[name] for name in pair if str(row[name]) in ("nan", "inf", "-inf")]:
            raise damaged(path, f"its row {number} has the {pair[0]} {endless[0]}")
        for column in (column_of(claim, term) for term in terms if matches(row, term)):
            numbers = [str(row[column])] if claim.kind == "images" else str(row[column]).split() or [""]
            if wrong := [each for each in numbers if not possible(claim, _number(each))]:
                raise damaged(path, f"its row {number} has the {column} {wrong[0]!r}")
        if claim.kind == "images" and not (isinstance(row[claim.count], int) and row[claim.count] > 0):
            raise damaged(path, f"its row {number} has {row[claim.count]!r} {claim.count}")


def _number(text: str) -> float:
    """NaN for a text that is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


@cache
def _rows(table: str, folder: Path, changed: int) -> list[dict[str, Any]]:
    return read_results(table, folder)


def findings(notebook: str | None = None) -> Iterator[Finding]:
    """What was found on every claim, or on one notebook's."""
    return map(examine, claims(notebook))


def by_chance(found: Sequence[Finding]) -> str:
    """How many of the claims would come out supported if none of them were true."""
    tested = [each for each in found if each.claim.kind in ("runs", "images")]
    supported = sum(each.decision is Decision.SUPPORTED for each in tested)
    least, most = (share * len(tested) for share in (BY_CHANCE, BY_TWO_LOOKS))
    return (
        f"{len(tested)} of these {len(found)} claims are tested by intervals, and {supported} of them are supported. "
        f"If none of them were true, {least:.1f} would be supported by chance (2.5 % each), and at most {most:.1f} "
        "(4.8 %) because some were looked at after three or ten runs and again after more."
    )
