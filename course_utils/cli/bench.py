"""``course bench``: measure everything, print the tables, save them as CSV and compare them with the budgets."""

from pathlib import Path
from typing import Annotated

import typer

from course_utils import extras, files
from course_utils.cli.command import console
from course_utils.console import sentences, stopped
from course_utils.paths import state_dir

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
    "faults": "about eight minutes",
    "notebooks": "about eight minutes, two at a time",
}
ON_A_CARD = {"gpu": "at most eight minutes"}  # only if it is named


def bench(
    groups: Annotated[
        list[str] | None, typer.Argument(help=f"Some of: {', '.join(GROUPS)}. Default: all. Or: gpu.")
    ] = None,
    rounds: Annotated[int, typer.Option(help="How often each run is timed, taking turns.")] = 5,
    output: Annotated[Path | None, typer.Option(help="Folder for the CSV files. Default: .course/bench.")] = None,
    device: Annotated[
        str | None, typer.Option(help="For gpu: cuda, mps, or cpu, in small. Default: the GPU.")
    ] = None,
    check: Annotated[
        bool, typer.Option(help="Print what exceeds its budget; exit with code 1 if anything does.")
    ] = False,
) -> None:
    """Compare speed and memory with torchvision, timm and PyTorch, and measure the checks.

    gpu: compare a GPU with the CPU, and time training on it.
    """
    known = GROUPS | ON_A_CARD
    with sentences():
        for group in groups or ():
            if group not in known:
                raise ValueError(f"There is no group {group!r}: choose some of {', '.join(known)}.")
        if "gpu" in (groups or ()):
            from course_utils.bench.gpu import card

            device = card(device)
        elif device is not None:
            raise ValueError(
                f"--device {device} is for the group gpu alone: write course bench gpu --device {device}."
            )
        from course_utils.bench.race import check_rounds

        check_rounds(rounds)
        extras.needs("nbclient")
        folder = output or state_dir() / "bench"
        files.prepare(folder, 10, "use another --output, or set COURSE_STATE")
    from course_utils.bench.budget import exceeded
    from course_utils.bench.measure import measure
    from course_utils.bench.report import write_csv

    with stopped():
        measured = measure({group: known[group] for group in groups or GROUPS}, rounds, device or "")
    with sentences():
        for name, rows in measured.tables():
            write_csv(folder / f"{name}.csv", rows)
    console.print(f"The tables are in {folder}", soft_wrap=True)
    if check:
        over = list(exceeded(measured))
        for sentence in over:
            console.print(sentence, soft_wrap=True)
        if over:
            raise typer.Exit(1)
        console.print("Everything is within its budget.")
