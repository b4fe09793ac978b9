"""The benchmark's tables, on the terminal and as CSV with machine and versions."""

import csv
import platform
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import timm
import torch
import torchvision
from rich import box
from rich.table import Table

from course_utils.bench.checks import Score
from course_utils.bench.figure import Figure
from course_utils.bench.gpu import Measurement
from course_utils.bench.growth import Growth
from course_utils.bench.injected import Injected
from course_utils.bench.memory import Prediction
from course_utils.bench.race import Result, quartiles
from course_utils.exercises import Outcome
from course_utils.files import atomic
from course_utils.training.device import machine


def race_table(results: Sequence[Result]) -> Table:
    """The runs of one race: median and quartiles, the relative speed of ours, and the other measurements."""
    table = table_of(f"{results[0].group}: {results[0].case}", "", "Seconds (quartiles)", "Ours … × as fast")
    counted, watched = results[0].images_per_second is not None, results[0].peak_bytes is not None
    for column in ["Images/s"] * counted + ["Peak MiB"] * watched:
        table.add_column(column, justify="right")
    for r in results:
        ratio = "" if r.ratio is None else f"{r.ratio:.2f} ({r.ratio_low:.2f}–{r.ratio_high:.2f})"
        cells = [r.name, f"{r.seconds:.4f} ({r.seconds_low:.4f}–{r.seconds_high:.4f})", ratio]
        if r.images_per_second is not None:
            cells.append(f"{r.images_per_second:,.0f}")
        if r.peak_bytes is not None:
            cells.append(f"{r.peak_bytes / 2**20:.1f}")
        table.add_row(*cells)
    return table


def table_of(title: str, *columns: str) -> Table:
    """An empty table with a left-aligned title."""
    return Table(*columns, title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)


def growth_table(growth: Growth) -> Table:
    """One row per size; below them the fitted and the theoretical exponents."""
    curve = growth.curve
    table = table_of(f"growth: {curve.what}", curve.over, "Seconds (quartiles)", "Peak MiB")
    for p in growth.points:
        seconds = f"{p.seconds:.4f} ({p.seconds_low:.4f}–{p.seconds_high:.4f})"
        table.add_row(str(p.size), seconds, f"{p.peak_bytes / 2**20:.1f}")
    table.add_row("exponent", f"{growth.exponent:.2f}", f"{growth.bytes_exponent:.2f}")
    table.add_row("in theory", curve.theory, curve.theory_bytes)
    return table


def prediction_table(predictions: Sequence[Prediction]) -> Table:
    """One row per model and size: bytes of a layer's attention matrices, by formula and measured."""
    table = table_of("attention matrices of one layer", "", "Formula", "Measured", "Off", "Fused")
    for p in predictions:
        sizes = [f"{size / 2**20:.3f} MiB" for size in (p.predicted_bytes, p.measured_bytes)]
        table.add_row(p.case, *sizes, f"{p.percent:.2f} %", f"{p.fused_bytes / 2**20:.3f} MiB")
    return table


def figure_table(title: str, figures: Sequence[Figure]) -> Table:
    """One row per figure: the median and, for repeated measurements, the quartiles."""
    table = table_of(title, "", "Seconds (quartiles)", "Peak memory", "Result")
    for f in figures:
        seconds = f"{f.seconds:.3f}"
        if len(f.times) > 1:
            low, _, high = quartiles(f.times)
            seconds += f" ({low:.3f}–{high:.3f})"
        peak = "" if f.peak_bytes is None else f"{f.peak_bytes / 2**30:.2f} GiB"
        table.add_row(f.name, seconds, peak, "failed" if f.error else "")
    return table


def card_table(rows: Sequence[Measurement]) -> Table:
    """One row per measurement of a part, on the card that the last column names."""
    table = table_of(f"{rows[0].part} on {rows[0].card}", "", "Measured", "", "Limit", "", "Wrong")
    for row in rows:
        value = "" if row.value is None else f"{row.value:.3g}"
        limit = "" if row.limit is None else f"{row.limit:g}"
        table.add_row(row.case, value, row.unit, limit, row.note, "yes" if row.wrong else "")
    return table


def fault_table(injected: Sequence[Injected]) -> Table:
    """One row per kind of fault and outcome; wrong: how often that outcome was not what the course promises."""
    table = table_of("faults injected on purpose", "", "Outcome", "Times", "Wrong")
    counts = Counter((each.where, each.outcome) for each in injected)
    wrong = Counter((each.where, each.outcome) for each in injected if each.wrong)
    for (where, outcome), times in counts.items():
        table.add_row(where, outcome, f"{times:,}", str(wrong[where, outcome]))
    return table


def score_lines(score: Score) -> str:
    """How many mutants of an exercise are caught; below, those that are not, and stale entries."""
    lines = [f"{score.exercise}: {score.caught} of {len(score.findings)} mutants caught"]
    for f in score.accepted:
        lines.append(f"  {'accepted' if f.outcome is Outcome.PASSED else f.outcome}: {f.mutant.change}")
    lines += [f"  equivalent: {f.mutant.change} ({score.equivalent[f.mutant.change]})" for f in score.excused]
    return "\n".join([*lines, *(f"  stale, because no accepted mutant has it: {change}" for change in score.stale)])


def score_table(scores: Sequence[Score]) -> Table:
    """One row per exercise, and one for all; CPU ms: of one check, at the 95th percentile."""
    counted = {"mutants": "Made", "caught": "Caught", "named": "Named", "only_numbers": "Numbers"}
    counted |= {"accepted": "Accepted", "equivalent": "Equal"}
    table = table_of("mutants that the checks catch", "", *counted.values(), "s", "CPU ms")
    table.padding = 0
    for column in table.columns[1:]:
        column.justify = "right"
    rows = list(score_rows(scores))
    for row in rows:
        counts = [str(row[name]) for name in counted]
        table.add_row(row["exercise"], *counts, f"{row['seconds']:.0f}", f"{1000 * row['cpu_seconds']:.0f}")
    table.add_row("all", *(str(sum(row[name] for row in rows)) for name in counted))
    return table


def score_rows(scores: Sequence[Score]) -> Iterator[dict[str, Any]]:
    """One row per exercise."""
    for s in scores:
        yield {
            "exercise": s.exercise,
            "mutants": len(s.findings),
            "caught": s.caught,
            "named": s.named,
            "only_numbers": s.only_numbers,
            "accepted": len(s.accepted),
            "equivalent": len(s.excused),
            "seconds": s.seconds,
            "cpu_seconds": s.cpu_seconds,
        }


def mutant_rows(scores: Sequence[Score]) -> Iterator[dict[str, Any]]:
    """One row per mutant, with the full verdict of the check."""
    for s in scores:
        for f in s.findings:
            yield {
                "exercise": s.exercise,
                "family": f.mutant.family,
                "change": f.mutant.change,
                "outcome": f.outcome,
                "kind": f.kind,
                "misconception": f.misconception,
                "message": f.message,
                "cpu_seconds": f.cpu_seconds,
            }


def growth_rows(growths: Sequence[Growth]) -> Iterator[dict[str, Any]]:
    """One row per point."""
    for g in growths:
        about = {"what": g.curve.what, "over": g.curve.over, "theory": g.curve.theory}
        about |= {"theory_bytes": g.curve.theory_bytes}
        fitted = {"exponent": g.exponent, "bytes_exponent": g.bytes_exponent}
        for point in g.points:
            yield {**about, **asdict(point), **fitted}


def figure_rows(figures: Sequence[Figure]) -> Iterator[dict[str, Any]]:
    """One row per figure, with its median, minimum and maximum."""
    for f in figures:
        seconds = {"seconds": f.seconds, "seconds_low": min(f.times), "seconds_high": max(f.times)}
        yield {"what": f.name, **seconds, "times": len(f.times), "peak_bytes": f.peak_bytes, "error": f.error}


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the rows, each with machine, versions and date; the file appears only when it is complete."""
    about = {
        "machine": machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "timm": timm.__version__,
        "date": date.today().isoformat(),
    }
    with atomic(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*rows[0], *about])
        writer.writeheader()
        writer.writerows({**row, **about} for row in rows)
