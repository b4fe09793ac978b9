"""What the runs of a table say together: means, intervals and differences by seed. Notebooks 01 to 10."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from course_utils.experiments.sweep import words
from course_utils.settings import shown


class Interval(NamedTuple):
    """A mean and half the width of its 95 % confidence interval, written as in ``f"{gain:+.1f} points"``."""

    mean: float
    reach: float

    def __format__(self, spec: str) -> str:
        """``+5.1f`` → " +2.1 ± 1.0": sign and width are the mean's."""
        return f"{self.mean:{spec}} ± {self.reach:{spec[spec.find('.') :]}}"


def interval(values: Sequence[float]) -> Interval:
    """→ mean of the runs and half the width of its 95 % confidence interval, by Student's t; NaN for a single run.

    Student 1908. It covers what varies between runs: seeds and the draw of the training images. Raises ValueError for
    a value that is not finite.
    """
    if not all(map(math.isfinite, values)):
        raise ValueError(f"The values {shown([*values])} are not all finite numbers: leave out runs that failed.")
    from scipy.stats import t as student_t  # only here: importing it takes a second

    mean, count = statistics.fmean(values), len(values)
    if count < 2:
        return Interval(mean, math.nan)
    return Interval(mean, float(student_t.ppf(0.975, count - 1)) * statistics.stdev(values) / math.sqrt(count))


def percents(rows: Iterable[Mapping[str, Any]], *columns: str, what: str = "accuracy") -> dict[Any, dict[int, float]]:
    """The rows by these columns: their values, of a single column the value itself → seed → what, in per cent.

    what is a column of shares, in [0, 1], or NaN where there is none. Raises ValueError for two rows with the same
    values and the same seed, for a row that lacks one of the columns, and for text, such as that of an empty cell.
    """
    found: dict[Any, dict[int, float]] = {}
    for row in rows:
        if missing := [column for column in (*columns, "seed", what) if column not in row]:
            known = ", ".join(map(str, row))
            raise ValueError(f"A row has no column {shown(missing[0])}; its columns are {known}.")
        values = tuple(row[column] for column in columns)
        runs = found.setdefault(values if len(values) > 1 else values[0], {})
        which = f"seed {row['seed']} and {words(dict(zip(columns, values, strict=True)))}"
        if row["seed"] in runs:
            raise ValueError(f"Two rows have {which}.")
        if isinstance(row[what], str):
            raise ValueError(f"The {what} of {which} is {row[what]!r}, but must be a number.")
        runs[row["seed"]] = 100 * row[what]
    return found


Runs = Mapping[int, float] | Sequence[float]  # seed → value, or the values of the same runs in the same order


def paired(one: Runs, other: Runs) -> Interval:
    """Seed → value, twice → the :func:`interval` of one minus other, over the seeds that both have.

    Two sequences hold the values of the same runs, in the same order. Raises ValueError if the runs have no seed in
    common, and for sequences of different lengths.
    """
    if isinstance(one, Mapping) != isinstance(other, Mapping):
        raise ValueError("Only one of the two has seeds: pass both as seed → value, or both as values.")
    if not isinstance(one, Mapping) and len(one) != len(other):
        raise ValueError(
            f"There are {len(one)} and {len(other)} values: pass those of the same runs, in the same order."
        )
    one, other = (runs if isinstance(runs, Mapping) else dict(enumerate(runs)) for runs in (one, other))
    differences = [value - other[seed] for seed, value in one.items() if seed in other]
    if not differences:
        raise ValueError(
            f"The seeds {shown([*one])} and {shown([*other])} have none in common: pair runs of the same seeds."
        )
    return interval(differences)
