"""The whole benchmark, group by group; it prints each table as soon as it is measured."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Any

from rich import get_console

from course_utils.bench import (
    attention,
    checks,
    faults,
    gpu,
    growth,
    images,
    memory,
    models,
    program,
    report,
    widgets,
)
from course_utils.bench.figure import Figure
from course_utils.bench.injected import Injected
from course_utils.bench.race import Race, Result, run_races
from course_utils.steps import counted

console = get_console()

RACES: Mapping[str, Callable[[], Iterable[Race]]] = {
    "models": models.every_device,
    "local attention": attention.local_races,
    "blocks": attention.block_races,
    "images": images.image_races,
}
FIGURES: Mapping[str, Callable[[], Iterable[Figure]]] = {
    "program": program.program_figures,
    "widgets": widgets.widget_figures,
    "notebooks": program.every_notebook,
}


@dataclass
class Measured:
    """All measurements, by kind."""

    results: list[Result] = field(default_factory=list)
    growths: list[growth.Growth] = field(default_factory=list)
    predictions: list[memory.Prediction] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    scores: list[checks.Score] = field(default_factory=list)
    injected: list[Injected] = field(default_factory=list)
    on_card: list[gpu.Measurement] = field(default_factory=list)

    def tables(self) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
        """(name, rows) of each CSV file with rows."""
        yield from (
            (name, rows)
            for name, rows in {
                "races": [asdict(result) for result in self.results],
                "growth": list(report.growth_rows(self.growths)),
                "memory": [asdict(prediction) for prediction in self.predictions],
                "program": list(report.figure_rows(self.figures)),
                "checks": list(report.score_rows(self.scores)),
                "mutants": list(report.mutant_rows(self.scores)),
                "faults": [asdict(each) for each in self.injected],
                "gpu": [asdict(each) for each in self.on_card],
            }.items()
            if rows
        )


def measure(groups: Mapping[str, str], rounds: int, device: str = "") -> Measured:
    """groups: name → duration in words; rounds: how often each run is timed, taking turns; device: of the group gpu.

    Without a browser, it skips the widgets and says so.
    """
    measured = Measured()
    with counted("group", len(groups), even=False) as steps:

        def show(*shown: Any, **how: Any) -> None:
            with steps.aside():
                console.print(*shown, **how)

        for group, minutes in groups.items():
            steps.next(f"{group}, {minutes}")
            try:
                measure_group(group, rounds, measured, device, show)
            except (FileNotFoundError, ModuleNotFoundError) as missing:
                show(f"{group}: not measured. {missing}", markup=False, soft_wrap=True)
    return measured


def measure_group(group: str, rounds: int, measured: Measured, device: str, show: Callable[..., None]) -> None:
    """Measure one group, add it to measured and show it. Raises KeyError for a name that is none."""
    if group in RACES:
        for _, runs in groupby(run_races(RACES[group](), rounds), key=lambda result: result.case):
            case = list(runs)
            measured.results += case
            show(report.race_table(case))
    elif group in FIGURES:
        figures = list(FIGURES[group]())
        measured.figures += figures
        show(report.figure_table(group, figures))
    elif group == "growth":
        for curve in growth.growths(rounds):
            measured.growths.append(curve)
            show(report.growth_table(curve))
    elif group == "checks":
        for score in checks.scores():
            measured.scores.append(score)
            show(report.score_lines(score), markup=False, highlight=False, soft_wrap=True)
        show(report.score_table(measured.scores))
    elif group == "gpu":
        for _, rows in groupby(gpu.measurements(device), key=lambda row: row.part):
            part = list(rows)
            measured.on_card += part
            show(report.card_table(part))
    elif group == "faults":
        measured.injected += faults.faults()
        show(report.fault_table(measured.injected))
    elif group == "memory":
        measured.predictions += memory.predictions()
        show(report.prediction_table(measured.predictions))
    else:
        raise KeyError(group)
