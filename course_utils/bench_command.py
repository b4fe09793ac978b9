"""``course bench``: measure everything, print the tables, keep them as CSV, hold them against the budgets."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

from course_utils.paths import ROOT
from course_utils.say import console, sentences

GROUPS = ("models", "local attention", "blocks", "pictures", "growth", "program", "notebooks")


def bench(
    groups: Annotated[
        list[str] | None, typer.Argument(help=f"Some of: {', '.join(GROUPS)}. All when left out.")
    ] = None,
    rounds: Annotated[int, typer.Option(help="How often each run is timed, in turns.")] = 5,
    output: Annotated[Path, typer.Option(help="Folder of the CSV.")] = ROOT / ".course" / "bench",
    check: Annotated[
        bool, typer.Option(help="Print what exceeds the budgets; exit code 1 if anything does.")
    ] = False,
) -> None:
    """Measure speed and memory against torchvision, timm and PyTorch's own, side by side in one run."""
    with sentences():
        for group in groups or ():
            if group not in GROUPS:
                raise ValueError(f"There is no group {group!r}: choose some of {', '.join(GROUPS)}.")
        if rounds < 2:
            raise ValueError(f"rounds is {rounds}, but must be at least 2: one figure has no spread.")
    from course_utils.bench import attention, growth, models, pictures, program, report
    from course_utils.bench.race import Race, Result, run_races

    chosen = groups or list(GROUPS)
    results: list[Result] = []
    figures: list[program.Figure] = []
    races: dict[str, Callable[[], Iterable[Race]]] = {
        "models": models.every_device,
        "local attention": attention.local_races,
        "blocks": attention.block_races,
        "pictures": pictures.picture_races,
    }
    for group, make in races.items():
        if group in chosen:
            with console.status(group):
                found = list(run_races(make(), rounds))
            results += found
            console.print(group, report.race_table(found))
    if "growth" in chosen:
        with console.status("growth"):
            curves = list(growth.growths())
        console.print("growth", report.growth_table(curves))
    if "program" in chosen:
        with console.status("program"):
            figures += [*program.import_seconds(), program.first_widget()]
    if "notebooks" in chosen:
        with console.status("every notebook, two at a time: about ten minutes"):
            figures += program.every_notebook()
    if figures:
        console.print("program", report.program_table(figures))
    if results:
        report.write_csv(output / "bench.csv", results)
        console.print(f"The table is {output / 'bench.csv'}", soft_wrap=True)
    if check:
        over = report.exceeded(results, figures)
        for sentence in over:
            console.print(sentence, markup=False)
        if over:
            raise typer.Exit(1)
        console.print("Everything is within its budget.")
