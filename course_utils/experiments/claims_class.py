"""The class as a laboratory: each student's live run has a seed of its own and counts in the class.
Notebooks 02, 05, 07 and 08.

A student who shares their progress, ``share("on", "NAME OR NUMBER")``, gets a seed that is drawn from it. A notebook's
live cell then uses that seed and keeps the rows of its runs in the progress folder, from where the instructor's view
reads them: ``course class --claim 05.data``. Everybody else gets the default seed, and nothing is kept.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from course_utils import files, paths
from course_utils.consent import is_own, own_seed
from course_utils.data import DATASETS
from course_utils.experiments.claims import Claim, Row, column_of, differences, find_claim, matches, possible
from course_utils.experiments.claims_shown import written
from course_utils.settings import shown

FOLDER = "claims"  # in the progress folder: a file per claim

# A run depends on the code of these packages; the numbers of another version do not belong in the same interval.
DECIDES = ("attention", "data", "experiments", "few_shot", "models", "robustness", "training")


class NotAPoint(ValueError):
    """A file or rows that cannot count in the class; the message says why."""


@dataclass(frozen=True)
class Point:
    """One student's contrast on a claim, in the claim's unit, and when it was made (ISO 8601, UTC)."""

    seed: int
    value: float
    made_at: str


def class_seed(default: int) -> int:
    """Your own seed if you count in a class, else the default, for which the notebook's text is true."""
    own = own_seed()
    if own is not None:
        print(
            f"Seed {own}, yours in the class: your numbers differ from those in the text, which are of seed {default}."
        )
    return default if own is None else own


def class_point(name: str, images: str, rows: Sequence[Row]) -> None:
    """Keep the rows of a live run, as they would stand in the claim's table, if their seed is your own in the class.

    images: the dataset that was used. Prints why, if they cannot count.
    """
    own = own_seed()
    if own is None or any(row.get("seed") != own for row in rows):
        return
    claim = find_claim(name)
    said = {"fingerprint": fingerprint(claim), "images": images, "seed": own, "rows": [dict(row) for row in rows]}
    said["made_at"] = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        point = checked(claim, said)
        with files.atomic(paths.state_dir() / "progress" / FOLDER / f"{name}.json") as partial:
            partial.write_text(json.dumps(said), encoding="utf-8")
    except (NotAPoint, OSError) as error:
        print(f"This run does not count in the class: {error}")
        return
    print(f"Your point in the class, {name}: {written(claim, point.value)}.")


@cache
def _code() -> str:
    """A digest of the code on which a run depends, the same on every system."""
    digest = hashlib.sha256()
    for package in DECIDES:
        for module in sorted((Path(__file__).parent.parent / package).rglob("*.py")):
            digest.update(f"{package}/{module.name}\n{module.read_text(encoding='utf-8')}".encode())
    return digest.hexdigest()


def fingerprint(claim: Claim) -> str:
    """What must be the same for two students' numbers to belong together: the code, and the claim's configuration."""
    parts = [_code(), claim.table, claim.column, claim.where, claim.of, claim.minus, claim.pair, claim.against]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def checked(claim: Claim, said: object) -> Point:
    """A student's file, with the ``seed`` of their consent, as a point. Raises NotAPoint with why it cannot count."""
    if not isinstance(said, dict) or not isinstance(said.get("rows"), list) or not said["rows"]:
        raise NotAPoint("it holds no rows: run the notebook's live cell again.")
    if said.get("fingerprint") != fingerprint(claim):
        raise NotAPoint(
            "it is from another version of the course or of the claim: run the live cell again in this one."
        )
    images = said.get("images")
    if images not in tuple(DATASETS) or _letters(images) not in _letters(claim.dataset):
        raise NotAPoint(f"its images are {shown(images)}, but must be {claim.dataset}.")
    rows = said["rows"]
    if not all(isinstance(row, dict) and is_own(row.get("seed")) for row in rows):
        raise NotAPoint("a row has no seed of a student: run the live cell again.")
    if len({row["seed"] for row in rows}) > 1:
        raise NotAPoint("its rows have different seeds: run the live cell again.")
    if rows[0]["seed"] != said.get("seed"):
        raise NotAPoint("its seed is not the one that the student shares: run the live cell again.")
    for row in rows:
        for column, wanted in claim.where.items():
            if not matches(row, {column: wanted}):
                raise NotAPoint(
                    f"its {column} is {row.get(column)!r}, but must be {wanted!r}: run the cell unchanged."
                )
        for term in (*claim.of, *claim.minus):
            if matches(row, term):
                _check_value(claim, column_of(claim, term), row)
    try:
        (value,) = differences(claim, rows)
        made_at = datetime.fromisoformat(said["made_at"]).isoformat()
    except (ValueError, KeyError, TypeError) as error:
        raise NotAPoint("one of the runs that are compared is missing: run the live cell again.") from error
    return Point(rows[0]["seed"], value, made_at)


def _letters(name: str) -> str:
    """Fashion-MNIST and fashion_mnist are the same."""
    return re.sub(r"[\W_]", "", name).casefold()


def _check_value(claim: Claim, column: str, row: Mapping[str, Any]) -> None:
    value, most = row.get(column), math.inf if claim.unit == "times" else 1
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (number and value >= 0 and possible(claim, value)):  # type: ignore[operator,arg-type]
        raise NotAPoint(f"its {column} is {value!r}, but must be a number from 0 to {most}.")
