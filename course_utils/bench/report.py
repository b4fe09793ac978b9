"""The benchmark's tables, on the terminal and as CSV with machine and versions; and what exceeds the budgets."""

import csv
import platform
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import date
from pathlib import Path
from typing import Any

import timm
import torch
import torchvision
from rich.table import Table

from course_utils.bench.growth import Growth
from course_utils.bench.program import IMPORT, Figure
from course_utils.bench.race import Result
from course_utils.training.device import machine

BUDGETS = Path(__file__).with_name("budgets.toml")
HELD_TO_RATIO = ("models", "local attention")
NOT_ATTENTION = "convolution"  # shown beside local attention, not a rival


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
    """One row a curve: seconds at each size, fitted and theoretical exponent."""
    table = Table("What", "Over", "Seconds at", "Fitted exponent", "Theory")
    for g in growths:
        seconds = ", ".join(f"{size}: {value:.4f}" for size, value in zip(g.sizes, g.seconds, strict=True))
        table.add_row(g.what, g.over, seconds, f"{g.exponent:.2f}", g.theory)
    return table


def program_table(figures: Sequence[Figure]) -> Table:
    """One row a thing that the program does."""
    table = Table("What", "Seconds", "Peak memory", "Result")
    for f in figures:
        peak = "" if f.peak_bytes is None else f"{f.peak_bytes / 2**30:.2f} GiB"
        table.add_row(f.name, f"{f.seconds:.2f}", peak, "failed" if f.error else "")
    return table


def write_csv(path: Path, results: Sequence[Result]) -> None:
    """All races with machine, versions and day; the file appears when it is whole."""
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
        writer = csv.DictWriter(file, [*(field.name for field in fields(Result)), *about])
        writer.writeheader()
        writer.writerows({**asdict(result), **about} for result in results)
    partial.replace(path)


def budgets() -> dict[str, Any]:
    """The limits of budgets.toml by name."""
    return tomllib.loads(BUDGETS.read_text(encoding="utf-8"))


def exceeded(results: Sequence[Result], figures: Sequence[Figure]) -> list[str]:
    """One sentence for everything that is beyond its budget."""
    limit = budgets()
    found = [
        f"{r.case}: ours is {r.ratio:.2f} × as fast as {r.name}, the budget asks for {limit['smallest_ratio']}."
        for r in results
        if r.group in HELD_TO_RATIO and NOT_ATTENTION not in r.name
        if r.ratio is not None and (r.ratio_high or 0) < limit["smallest_ratio"]  # slower beyond the spread
    ]
    took = {figure.name: figure.seconds for figure in figures}
    if (importing := took.get(IMPORT, 0) - took.get("import torch", 0)) > limit["import_seconds"]:
        found.append(f"Importing the course took {importing:.1f} s, the budget is {limit['import_seconds']} s.")
    notebooks = [figure for figure in figures if figure.name[:2].isdigit()]
    for figure in figures:
        first = figure.name == "kernel start to first widget"
        seconds = limit["first_widget_seconds" if first else "notebook_seconds"]
        if figure.error:
            found.append(f"{figure.name} failed: {figure.error.splitlines()[-1]}")
        if figure.seconds > seconds:
            found.append(f"{figure.name} took {figure.seconds:.1f} s, the budget is {seconds} s.")
        if (figure.peak_bytes or 0) > limit["notebook_gib"] * 2**30:
            found.append(f"{figure.name} took {figure.peak_bytes} bytes, the budget is {limit['notebook_gib']} GiB.")
    minutes = sum(figure.seconds for figure in notebooks) / 60
    if minutes > limit["course_minutes"]:
        found.append(f"All notebooks took {minutes:.0f} minutes together, the budget is {limit['course_minutes']}.")
    return found
