"""When a claim is decided: one rule for every verdict of the ledger. Notebooks 01 to 10.

An effect is arranged in such a way that the claim predicts a positive one. Its 95 % interval is compared with zero and
with the smallest effect of interest, which ``data/claims.toml`` states with a reason:

==============  =====================================================================================
equivalent      the interval lies within ± the smallest effect: too small to matter, whatever its sign
supported       the interval lies above zero, and is not equivalent
contradicted    the interval lies below zero, and is not equivalent
undecided       everything else, and a single run
==============  =====================================================================================

A claim that two things are *equal* is supported within ± the smallest effect, contradicted if the interval lies wholly
outside, and otherwise undecided.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from course_utils.experiments.intervals import interval
from course_utils.settings import above, at_least, checked

BY_CHANCE = 0.025  # the share of claims without any effect whose 95 % interval lies above zero
# The same after 3 runs or after up to 27 of which these are the first (simulated; after 10 or 48: 0.046).
BY_TWO_LOOKS = 0.048
POWER = 0.8
Size = Annotated[float, above(0)]  # of the smallest effect of interest
Spread = Annotated[float, at_least(0)]


class Decision(StrEnum):
    """What is said of a claim."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    EQUIVALENT = "equivalent"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Effect:
    """An effect with the ends of its 95 % interval; spread: the standard deviation between runs, or NaN."""

    mean: float
    low: float
    high: float
    runs: int
    spread: float


def effect_of(values: Sequence[float]) -> Effect:
    """The mean of independent runs with Student's interval; of a single run, one without ends."""
    mean, reach = interval(values)
    spread = statistics.stdev(values) if len(values) > 1 else math.nan
    return Effect(mean, mean - reach, mean + reach, len(values), spread)


def decide(effect: Effect, smallest: float, equal: bool = False) -> Decision:
    """The rule of this module's docstring; smallest is in the unit of the effect.
    Raises ValueError unless it is above zero."""
    smallest = checked("smallest", smallest, Size)
    negligible = -smallest < effect.low and effect.high < smallest
    if equal:
        outside = effect.low >= smallest or effect.high <= -smallest
        return Decision.SUPPORTED if negligible else Decision.CONTRADICTED if outside else Decision.UNDECIDED
    if negligible:
        return Decision.EQUIVALENT
    if effect.low > 0:
        return Decision.SUPPORTED
    return Decision.CONTRADICTED if effect.high < 0 else Decision.UNDECIDED


def power(runs: int, spread: float, true_effect: float) -> float:
    """The probability that the 95 % interval of so many runs excludes zero on the side of the true effect;
    0 of one run.

    By the noncentral t distribution; Cohen 1988, chapter 2, for paired differences.
    """
    from scipy.stats import nct, t

    if runs < 2 or not spread:
        return float(runs > 1 and true_effect != 0)
    others = float(runs - 1)
    return float(nct.sf(t.ppf(0.975, others), others, abs(true_effect) * math.sqrt(runs) / spread))


def runs_needed(spread: float, smallest: float) -> int:
    """How many runs find a true effect of the smallest size with a probability of POWER.

    Raises ValueError for a spread that is negative or not finite, and for a smallest size that is not above zero.
    """
    from scipy.stats import norm

    spread, smallest = checked("spread", spread, Spread), checked("smallest", smallest, Size)
    least = ((norm.ppf(0.975) + norm.ppf(POWER)) * spread / smallest) ** 2  # for a spread that is known exactly
    runs = max(2, math.floor(least))
    while power(runs, spread, smallest) < POWER:
        runs += 1
    return runs


def largest_spread(spread: float, runs: int) -> float:
    """The upper end of the 95 % interval of a standard deviation that was measured in so many runs."""
    from scipy.stats import chi2

    return spread * math.sqrt((runs - 1) / float(chi2.ppf(0.025, runs - 1)))
