"""The benchmark's tables, on the terminal and as CSV with machine and versions."""

import csv
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import timm
import torch
import torchvision
from rich.table import Table

from course_utils.bench.figure import Figure
from course_utils.bench.growth import Growth
from course_utils.bench.memory import Prediction
from course_utils.bench.race import Result, quartiles
from course_utils.training.device import machine


def race_table(results: Sequence[Result]) -> Table:
    """A heading for each case; below it one row a run: median and quartiles, and how many times as fast ours is."""
    table = Table("Run", "Seconds (quartiles)", "Ours … × as fast", "Pictures/s", "Peak")
    last = None
    for r in results:
        if r.case != last:
            table.add_section()
            table.add_row(f"[bold]{r.case}")
        ratio = "" if r.ratio is None else f"{r.ratio:.2f} ({r.ratio_low:.2f}–{r.ratio_high:.2f})"
        speed = "" if r.pictures_per_second is None else f"{r.pictures_per_second:,.0f}"
        peak = "" if r.peak_bytes is None else f"{r.peak_bytes / 2**20:.1f} MiB"
        seconds = f"{r.seconds:.4f} ({r.seconds_low:.4f}–{r.seconds_high:.4f})"
        table.add_row(f"  {r.name}", seconds, ratio, speed, peak)
        last = r.case
    return table


def growth_table(growths: Sequence[Growth]) -> Table:
    """One row a curve: at each size the seconds and the peak; fitted exponents beside theory's."""
    table = Table("What", "Over", "Median seconds at", "Exponent (theory)", "Peak MiB", "Exponent (theory)")
    for g in growths:
        seconds = ", ".join(f"{p.size}: {p.seconds:.4f}" for p in g.points)
        peaks = ", ".join(f"{p.peak_bytes / 2**20:.1f}" for p in g.points)
        time, space = f"{g.exponent:.2f} ({g.curve.theory})", f"{g.bytes_exponent:.2f} ({g.curve.theory_bytes})"
        table.add_row(g.curve.what, g.curve.over, seconds, time, peaks, space)
    return table


def prediction_table(predictions: Sequence[Prediction]) -> Table:
    """One row a model and size: bytes of a layer's attention matrices by formula and measured."""
    table = Table("What", "Formula", "Measured", "Off", "Fused")
    for p in predictions:
        sizes = [f"{size / 2**20:.3f} MiB" for size in (p.predicted_bytes, p.measured_bytes)]
        table.add_row(p.case, *sizes, f"{p.percent:.2f} %", f"{p.fused_bytes / 2**20:.3f} MiB")
    return table


def figure_table(figures: Sequence[Figure]) -> Table:
    """One row a thing that the program does: the median, and the quartiles where it was done several times."""
    table = Table("What", "Seconds (quartiles)", "Peak memory", "Result")
    for f in figures:
        seconds = f"{f.seconds:.3f}"
        if len(f.times) > 1:
            low, _, high = quartiles(f.times)
            seconds += f" ({low:.3f}–{high:.3f})"
        peak = "" if f.peak_bytes is None else f"{f.peak_bytes / 2**30:.2f} GiB"
        table.add_row(f.name, seconds, peak, "failed" if f.error else "")
    return table


def growth_rows(growths: Sequence[Growth]) -> Iterator[dict[str, Any]]:
    """One row a point."""
    for g in growths:
        about = {"what": g.curve.what, "over": g.curve.over, "theory": g.curve.theory}
        about |= {"theory_bytes": g.curve.theory_bytes}
        fitted = {"exponent": g.exponent, "bytes_exponent": g.bytes_exponent}
        for point in g.points:
            yield {**about, **asdict(point), **fitted}


def figure_rows(figures: Sequence[Figure]) -> Iterator[dict[str, Any]]:
    """One row a figure, with its median, its lowest and its highest."""
    for f in figures:
        seconds = {"seconds": f.seconds, "seconds_low": min(f.times), "seconds_high": max(f.times)}
        yield {"what": f.name, **seconds, "times": len(f.times), "peak_bytes": f.peak_bytes, "error": f.error}


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """The rows, each with machine, versions and day; the file appears when it is whole."""
    about = {
        "machine": machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "timm": timm.__version__,
        "date": date.today().isoformat(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*rows[0], *about])
        writer.writeheader()
        writer.writerows({**row, **about} for row in rows)
    partial.replace(path)
