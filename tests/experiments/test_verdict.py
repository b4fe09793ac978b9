"""The rule that makes a verdict of an interval, and what it takes to decide."""

import math
import random
from statistics import fmean

import pytest
from scipy.stats import ttest_1samp

from course_utils.experiments.verdict import Effect, decide, effect_of, largest_spread, power, runs_needed


@pytest.mark.parametrize(
    ("low", "high", "decision", "if_equal"),
    [
        (0.2, 3.0, "supported", "undecided"),
        (1.2, 3.0, "supported", "contradicted"),
        (-3.0, -0.2, "contradicted", "undecided"),
        (-3.0, -1.2, "contradicted", "contradicted"),
        (0.2, 0.8, "equivalent", "supported"),
        (-0.8, 0.8, "equivalent", "supported"),
        (-0.8, -0.2, "equivalent", "supported"),
        (-0.2, 3.0, "undecided", "undecided"),
        (-3.0, 0.2, "undecided", "undecided"),
        (-3.0, 3.0, "undecided", "undecided"),
        (0.0, 3.0, "undecided", "undecided"),
        (0.2, 1.0, "supported", "undecided"),
        (math.nan, math.nan, "undecided", "undecided"),
    ],
)
def test_the_rule(low, high, decision, if_equal):
    effect = Effect((low + high) / 2, low, high, 1, math.nan)
    assert decide(effect, 1.0) == decision
    assert decide(effect, 1.0, equal=True) == if_equal


def test_a_verdict_of_supported_is_a_t_test_at_five_per_cent():
    draw = random.Random(1)
    agreed = set()
    for _ in range(200):
        values = [draw.gauss(0.8, 1) for _ in range(6)]
        significant = ttest_1samp(values, 0).pvalue < 0.05 and fmean(values) > 0
        assert (decide(effect_of(values), 1e-9) == "supported") == significant
        agreed.add(significant)
    assert agreed == {True, False}


def test_a_single_run_decides_nothing():
    effect = effect_of([40.0])
    assert (effect.mean, effect.runs) == (40.0, 1)
    assert decide(effect, 1.0) == "undecided"


def test_runs_without_spread_decide():
    assert decide(effect_of([40.0, 40.0]), 1.0) == "supported"


@pytest.mark.parametrize(("ratio", "runs"), [(0.5, 34), (0.8, 15), (1.0, 10), (2.0, 5)])
def test_the_runs_needed_are_those_of_cohens_tables(ratio, runs):
    """A paired t test, two-sided at 5 %, power 80 %: 34, 15, 10 and 5 pairs for these effects in
    standard deviations.
    """
    assert runs_needed(1.0, ratio) == runs
    assert power(runs, 1.0, ratio) >= 0.8 > power(runs - 1, 1.0, ratio)


def test_power_at_its_ends():
    assert power(1, 1.0, 5.0) == 0, "a single run has no interval"
    assert (power(2, 0.0, 1.0), power(2, 0.0, 0.0)) == (1, 0)
    assert power(9, 1.0, -1.0) == power(9, 1.0, 1.0)
    assert runs_needed(0.0, 1.0) == runs_needed(1e-30, 1.0) == 2
    assert runs_needed(1.0, 1e-20) == pytest.approx(7.85e40, rel=1e-3)


@pytest.mark.parametrize("smallest", [0.0, -1.0, math.nan, math.inf])
def test_a_smallest_effect_that_is_none_is_refused_in_a_sentence(smallest):
    for judged in (lambda: decide(effect_of([1.0, 2.0]), smallest), lambda: runs_needed(1.0, smallest)):
        with pytest.raises(ValueError, match=f"smallest is {smallest}, but must be"):
            judged()


def test_so_many_runs_find_the_effect_in_four_of_five_simulated_sweeps():
    draw, runs = random.Random(0), runs_needed(2.0, 1.5)
    found = sum(
        decide(effect_of([draw.gauss(1.5, 2.0) for _ in range(runs)]), 0.01) == "supported" for _ in range(500)
    )
    assert 0.75 < found / 500 < 0.86


def test_a_spread_of_few_runs_may_be_much_larger():
    assert largest_spread(1.0, 3) == pytest.approx(6.285, abs=0.001)
    assert largest_spread(1.0, 30) == pytest.approx(1.344, abs=0.001)
