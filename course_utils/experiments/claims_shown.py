"""The ledger in words, for a terminal, a notebook and the book. Notebooks 01 to 10."""

import math
from collections.abc import Iterator, Sequence

from course_utils.console import duration
from course_utils.experiments.claims import Claim, Finding, claims, findings, outer
from course_utils.experiments.sweep import minutes, read_results
from course_utils.experiments.verdict import POWER, Decision, Effect, largest_spread

POWER_LINE = (
    f"Undecided. So many runs in all would detect the smallest effect of interest in {100 * POWER:.0f} % of cases at "
    "the measured spread or, where so many have run, halve the interval:"
)


def written(claim: Claim, value: float) -> str:
    """One value of a claim's contrast, with its unit."""
    return f"{value:.1f} times" if claim.unit == "times" else f"{value:+z.1f} points"


def found(finding: Finding) -> str:
    """The effect with its 95 % interval, or the computed number beside the slide's."""
    claim, effect = finding.claim, finding.effect
    if claim.kind == "computed":
        return f"{finding.found}; the slide: {claim.said}" if claim.equal else finding.found
    if claim.kind == "published" or effect.runs == 1:
        return written(claim, outer(claim, effect.mean))
    return with_interval(claim, effect)


def with_interval(claim: Claim, effect: Effect) -> str:
    """An effect with its 95 % interval: the reach, or both ends where it is not symmetric."""
    mean, low, high = (outer(claim, value) for value in (effect.mean, effect.low, effect.high))
    if claim.unit == "times":
        return f"{mean:.1f} times ({low:.1f} to {high:.1f})"
    if claim.kind == "images":
        return f"{mean:+z.1f} points ({low:+z.1f} to {high:+z.1f})"
    return f"{mean:+z.1f} ± {high - mean:.1f} points"


def decided_by(finding: Finding) -> str:
    """How many runs, images or episodes decide it, or that it is computed or published."""
    kind = finding.claim.kind
    return kind if kind in ("computed", "published") else f"{finding.effect.runs} {_units(finding)}"


def _units(finding: Finding) -> str:
    if finding.claim.kind == "images":
        return "images"
    return f"{(finding.claim.pair or (finding.claim.each,))[0]}s"


def took(finding: Finding) -> str:
    """How long the deciding runs took on one core, such as "13 min 20 s"; empty if that was not measured."""
    return "" if math.isnan(finding.seconds) else duration(finding.seconds)


def needed(finding: Finding) -> str:
    """Runs and hours that would decide an undecided claim; empty for others,
    and without a spread to compute it from."""
    runs = finding.runs_needed
    halved = ", to halve the interval" if finding.had_enough else ""
    return f"{runs:,} {_units(finding)}, {finding.hours_needed:.1f} hours on one core{halved}" if runs else ""


def wanted(finding: Finding) -> str:
    """The same in a sentence, with what it assumes."""
    if not needed(finding):
        return ""
    smallest = written(finding.claim, finding.claim.smallest).lstrip("+")
    if finding.had_enough:
        return (
            f"{needed(finding)}. (The {decided_by(finding)} would have detected {smallest} in at least "
            f"{100 * POWER:.0f} % of cases.)"
        )
    wider = largest_spread(finding.effect.spread, finding.effect.runs) / finding.effect.spread
    return (
        f"{needed(finding)}, in all, would detect {smallest} in {100 * POWER:.0f} % of "
        f"cases. (The spread was measured in {finding.effect.runs} runs: it may be up to {wider:.1f} times as large.)"
    )


def core_hours() -> float:
    """Hours on one core of all runs in the tables of the ledger."""
    tables = sorted({claim.table for claim in claims() if claim.table.startswith("sweep-")})
    return sum(minutes(read_results(table)) for table in tables) / 60


def details(finding: Finding) -> Iterator[str]:
    """Lines about one claim: sentence, source, rule, what was found, and how to find it again."""
    claim = finding.claim
    yield f"{claim.name}: {claim.says}"
    yield f"    slide: {claim.slide}; notebook {claim.notebook}, “{claim.section}” (cell {claim.cell})"
    yield f"    data: {claim.dataset}; {decided_by(finding)}"
    if claim.unit != "said" or not claim.equal:
        unit = "times" if claim.unit == "times" else "point" if claim.smallest == 1 else "points"
        size = f"{claim.smallest:g} {unit}"
        yield f"    smallest effect of interest: {size}, because {claim.because}"
    yield f"    found: {found(finding)}: {finding.decision}"
    if finding.decision is Decision.CONTRADICTED and claim.cause:
        kind, _, reason = claim.cause.partition(": ")
        yield f"    a possible reason, in the {kind}: {reason}"
    if more := wanted(finding):
        yield f"    to decide it: {more}"
    yield f"    again: {claim.command}{f', {took(finding)} on one core' if took(finding) else ''}"


def show_claims(notebook: str) -> None:
    """Show what the lecture claims in a notebook's slides, and what was found: the ledger's rows for it."""
    from course_utils import tables  # only here: `course claims` does without pandas, which takes long to import

    rows = [
        {"claim": each.claim.name, "found": found(each), "from": decided_by(each), "so it is": str(each.decision)}
        for each in findings(notebook)
    ]
    tables.show(rows, "Claims of the slides")


def all_in_all(found_now: Sequence[Finding]) -> str:
    """How many claims have which verdict, and how long all runs took."""
    counts = {decision: sum(each.decision is decision for each in found_now) for decision in Decision}
    told = ", ".join(f"{count} {decision}" for decision, count in counts.items() if count)
    return f"{len(found_now)} claims: {told}. All runs together took {duration(3600 * core_hours())} on one core."
