"""``course bench``: measure everything, print the tables, save them as CSV and compare them with the budgets."""

from pathlib import Path
from typing import Annotated

import typer
from rich import get_console

from course_utils.console import sentences
from course_utils.paths import ROOT

console = get_console()

GROUPS = {  # how long each takes on two cores
    "models": "about a minute",
    "local attention": "about two minutes",
    "blocks": "seconds",
    "images": "seconds",
    "growth": "about a minute",
    "memory": "seconds",
    "program": "half a minute",
    "widgets": "half a minute, in a browser",
    "checks": "about two minutes",
    "notebooks": "about eight minutes, two at a time",
}


def bench(
    groups: Annotated[list[str] | None, typer.Argument(help=f"Some of: {', '.join(GROUPS)}. Default: all.")] = None,
    rounds: Annotated[int, typer.Option(help="How often each run is timed, taking turns.")] = 5,
    output: Annotated[Path, typer.Option(help="Folder for the CSV files.")] = ROOT / ".course" / "bench",
    check: Annotated[
        bool, typer.Option(help="Print what exceeds its budget; exit with code 1 if anything does.")
    ] = False,
) -> None:
    """Compare speed and memory with torchvision, timm and PyTorch, and measure the checks."""
    with sentences():
        for group in groups or ():
            if group not in GROUPS:
                raise ValueError(f"There is no group {group!r}: choose some of {', '.join(GROUPS)}.")
        if rounds < 2:
            raise ValueError(f"rounds is {rounds}, but must be at least 2: a single measurement has no spread.")
    from course_utils.bench.budget import exceeded
    from course_utils.bench.measure import measure
    from course_utils.bench.report import write_csv

    measured = measure({group: GROUPS[group] for group in groups or GROUPS}, rounds)
    for name, rows in measured.tables():
        write_csv(output / f"{name}.csv", rows)
    console.print(f"The tables are in {output}", soft_wrap=True)
    if check:
        over = list(exceeded(measured.results, measured.figures, measured.predictions, measured.scores))
        for sentence in over:
            console.print(sentence, markup=False, soft_wrap=True)
        if over:
            raise typer.Exit(1)
        console.print("Everything is within its budget.")
