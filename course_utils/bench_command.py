"""``course bench``: measure everything, print the tables, keep them as CSV, hold them against the budgets."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from course_utils.paths import ROOT
from course_utils.say import console, sentences

T = TypeVar("T")
GROUPS = (
    "models",
    "local attention",
    "blocks",
    "pictures",
    "growth",
    "memory",
    "program",
    "widgets",
    "notebooks",
)


def bench(
    groups: Annotated[
        list[str] | None, typer.Argument(help=f"Some of: {', '.join(GROUPS)}. All when left out.")
    ] = None,
    rounds: Annotated[int, typer.Option(help="How often each run is timed, in turns.")] = 5,
    output: Annotated[Path, typer.Option(help="Folder of the CSV files.")] = ROOT / ".course" / "bench",
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
    from dataclasses import asdict

    from course_utils.bench import attention, budget, growth, memory, models, pictures, program, report, widgets
    from course_utils.bench.figure import Figure
    from course_utils.bench.race import Race, Result, run_races

    chosen = groups or list(GROUPS)

    def measured(group: str, work: Callable[[], Iterable[T]], about: str = "") -> list[T]:
        if group not in chosen:
            return []
        found = []
        with console.status(about or group) as status:
            for one in work():
                found.append(one)
                status.update(f"{about or group}: {len(found)} measured")
        return found

    results: list[Result] = []
    races: dict[str, Callable[[], Iterable[Race]]] = {
        "models": models.every_device,
        "local attention": attention.local_races,
        "blocks": attention.block_races,
        "pictures": pictures.picture_races,
    }
    for group, make in races.items():
        if found := measured(group, lambda make=make: run_races(make(), rounds)):  # type: ignore[misc]
            console.print(group, report.race_table(found))
            results += found
    if curves := measured("growth", lambda: growth.growths(rounds)):
        console.print("growth", report.growth_table(curves))
    if predictions := measured("memory", memory.predictions):
        console.print("attention matrices of one layer", report.prediction_table(predictions))

    def program_figures() -> Iterable[Figure]:
        yield from program.import_seconds(rounds)
        yield program.first_widget()

    figures = measured("program", program_figures)
    try:
        figures += measured("widgets", widgets.widget_figures, "widgets, in a browser")
    except (FileNotFoundError, ModuleNotFoundError) as missing:
        console.print(f"Widgets were not measured. {missing}", markup=False, soft_wrap=True)
    figures += measured("notebooks", program.every_notebook, "every notebook, two at a time: about ten minutes")
    if figures:
        console.print("program", report.figure_table(figures))

    tables = {
        "races": [asdict(result) for result in results],
        "growth": list(report.growth_rows(curves)),
        "memory": [asdict(prediction) for prediction in predictions],
        "program": list(report.figure_rows(figures)),
    }
    for name, rows in tables.items():
        if rows:
            report.write_csv(output / f"{name}.csv", rows)
    console.print(f"The tables are in {output}", soft_wrap=True)
    if check:
        over = list(budget.exceeded(results, figures, predictions))
        for sentence in over:
            console.print(sentence, markup=False)
        if over:
            raise typer.Exit(1)
        console.print("Everything is within its budget.")
