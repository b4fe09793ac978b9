"""The limits in budgets.toml, and the results that exceed them."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from course_utils.bench.measure import Measured
from course_utils.bench.race import Result

BUDGETS = Path(__file__).with_name("budgets.toml")
HELD_TO_RATIO = ("models", "local attention")
NOT_ATTENTION = "convolution"  # shown next to local attention, but not a rival


def budgets() -> dict[str, Any]:
    """The limits by name."""
    return tomllib.loads(BUDGETS.read_text(encoding="utf-8"))


def exceeded(measured: Measured) -> Iterator[str]:
    """One sentence for each result that exceeds its budget."""
    limit = budgets()
    for r in measured.results:
        # slower, by more than the variation between rounds
        if _rival(r) and r.ratio_high is not None and r.ratio_high < limit["smallest_ratio"]:
            least = limit["smallest_ratio"]
            yield f"{r.case}: ours is {r.ratio:.2f} × as fast as {r.name}, but the budget is {least}."
    for figure in measured.figures:
        if figure.error:
            yield f"{figure.name} failed: {figure.error.splitlines()[-1]}"
        if figure.budget and figure.seconds > limit[figure.budget]:
            yield f"{figure.name}: {figure.seconds:.3g} s, but the budget is {limit[figure.budget]} s."
        if (figure.peak_bytes or 0) > limit["notebook_gib"] * 2**30:
            yield f"{figure.name} took {figure.peak_bytes} bytes, but the budget is {limit['notebook_gib']} GiB."
    minutes = sum(figure.seconds for figure in measured.figures if figure.budget == "notebook_seconds") / 60
    if minutes > limit["course_minutes"]:
        yield f"All notebooks took {minutes:.0f} minutes together, but the budget is {limit['course_minutes']}."
    for p in measured.predictions:
        if p.percent > limit["attention_bytes_percent"]:
            yield (
                f"{p.case}: the formula is {p.percent:.1f} % off the measured bytes, but the budget is "
                f"{limit['attention_bytes_percent']} %."
            )
    yield from filter(None, (row.wrong for row in measured.on_card))
    for each in measured.injected:
        if each.wrong:
            yield f"{each.where}, {each.what}: {each.outcome}, but {each.wrong}"
    for score in measured.scores:
        for finding in score.accepted:
            yield f"{score.exercise}: the check accepts {finding.mutant.change}"
        if score.cpu_seconds > limit["check_cpu_seconds"]:
            yield (
                f"{score.exercise}: a check takes {score.cpu_seconds:.2f} CPU seconds at the 95th percentile, but "
                f"the budget is {limit['check_cpu_seconds']} s."
            )


def _rival(result: Result) -> bool:
    return result.group in HELD_TO_RATIO and NOT_ATTENTION not in result.name
