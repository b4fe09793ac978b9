"""Sweeps: many short training runs whose results are one table, data/results/NAME.csv. Notebooks 01 to 10.

``course train sweep-twins`` runs every point that is missing in the table and adds its row. A kill loses only the
current point; the same command continues from there.
"""

import csv
import importlib
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from course_utils import files
from course_utils.console import duration, with_folder
from course_utils.experiments.spread import Value, in_processes, on_cluster, one_by_one
from course_utils.models.refusals import look_up
from course_utils.paths import CLONE, DATA, state_dir
from course_utils.steps import counted

RESULTS = DATA / "results"
MEASURED = ("seconds", "minutes")  # columns that are added up
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?(e[+-]\d+)?|nan|-?inf", re.ASCII | re.IGNORECASE)  # as Python writes one

# Name of the command and of the table → module with its SWEEP.
SWEEPS = {
    "sweep-deeper-cnn": "course_utils.experiments.nb01_control",
    "sweep-pixel-layers": "course_utils.experiments.nb03_pixel_layers",
    "sweep-vit-layers": "course_utils.experiments.nb04_layers",
    "sweep-explanation": "course_utils.experiments.nb04_explanation",
    "sweep-augreg": "course_utils.experiments.nb06_augreg",
    "sweep-regularisers": "course_utils.experiments.nb06_regularisers",
    "sweep-regularisers-photographs": "course_utils.experiments.nb06_photographs",
    "sweep-day-night": "course_utils.experiments.nb07_day_night",
    "sweep-distillation": "course_utils.experiments.nb07_distillation",
    "sweep-distillation-curves": "course_utils.experiments.nb07_curves",
    "sweep-softness": "course_utils.experiments.nb07_softness",
    "sweep-hierarchy": "course_utils.experiments.nb08_hierarchy",
    "sweep-few-shot": "course_utils.experiments.nb09_few_shot",
    "sweep-few-shot-student": "course_utils.experiments.nb09_student",
    "sweep-imagenet": "course_utils.experiments.nb09_imagenet_to_cifar",
    "sweep-imagenet-tuning": "course_utils.experiments.nb09_imagenet_tuning",
    "sweep-imagenet-teacher": "course_utils.experiments.nb07_imagenet_teacher",
    "sweep-twins": "course_utils.experiments.nb02_twins",
    "sweep-window-shift": "course_utils.experiments.nb08_window_shift",
    "sweep-crossing": "course_utils.experiments.nb05_crossing",
    "sweep-data-size": "course_utils.experiments.nb05_data_size",
    "sweep-photographs": "course_utils.experiments.nb05_photographs",
    "sweep-pretraining": "course_utils.experiments.nb05_pretraining",
    "sweep-transfer": "course_utils.experiments.nb05_transfer",
    "sweep-roofline": "course_utils.experiments.nb05_roofline",
    "sweep-recipes": "course_utils.experiments.nb05_recipes",
    "sweep-attacks": "course_utils.experiments.nb10_attacks",
    "sweep-captions": "course_utils.experiments.nb10_captions",
    "sweep-frozen-encoder": "course_utils.experiments.nb10_frozen_encoder",
    "sweep-smoothing": "course_utils.experiments.nb10_smoothing",
}


@dataclass(frozen=True)
class Sweep:
    """Points, each a mapping of settings, and run(**settings) → name and value of each measurement.

    data: what the runs learn from, for the list of ``course train``. cores: those that each run uses in this
    process. Raises ValueError if two points have different settings or are the same.
    """

    points: Sequence[Mapping[str, Value]]
    run: Callable[..., Mapping[str, Value]]
    data: str = ""
    cores: Literal["one", "all"] = "one"

    def __post_init__(self) -> None:
        if not self.points:
            raise ValueError("The sweep has no points: pass at least one mapping of settings.")
        first = list(self.points[0])
        seen = set()
        for point in self.points:
            if list(point) != first:
                raise ValueError(f"The point {dict(point)} has other settings than the first, {', '.join(first)}.")
            if key(point) in seen:
                raise ValueError(f"The point {dict(point)} is in the sweep twice: leave one out.")
            seen.add(key(point))


def find_sweep(name: str) -> Sweep:
    """The sweep of that name. Raises UnknownName for a name that is not in the table above."""
    return importlib.import_module(look_up(SWEEPS, name, "sweep")).SWEEP


def run_sweep(
    name: str,
    folder: Path | None = None,
    sweep: Sweep | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
) -> Path:
    """Run the points that are missing in the table; → its path, folder/NAME.csv.

    workers: run them in so many processes; scheduler: on the dask cluster at this address; neither: one by one, here.
    The table is the same in each case, except for seconds and machine: one row per point, in the order of the points. A
    row holds the settings, the measurements, the seconds, the machine and the date. An interruption (ctrl-C) drops the
    points under way. Raises ValueError if the existing table has other columns or is damaged, and
    :class:`~course_utils.files.Refused` if the folder cannot be written to, another process makes this table, or
    processes with runs were killed: their points are missing then, and the same command runs them.
    """
    if workers is not None and scheduler is not None:
        raise ValueError("--workers and --scheduler were both given: choose this machine or the cluster.")
    if workers is not None and workers < 1:
        raise ValueError(f"workers is {workers}, but must be at least 1.")
    sweep = sweep or find_sweep(name)
    path = Path(folder or _own_folder(name)) / f"{name}.csv"
    again = with_folder(f"course train {name}", folder)
    rows, missing = _so_far(name, path, sweep)
    if not missing:
        print(
            f"The table is complete: {len(sweep.points)} points, measured in {duration(60 * minutes(rows))}. To make "
            f"it anew, name another folder: `course train {name} --folder FOLDER`.",
            flush=True,
        )
        return path
    files.prepare(path.parent, 1, "choose another --folder")
    with files.locked(path.with_name(f".{name}.lock"), f"{path} is being made"):
        files.clear(path.parent)
        try:
            lost = _run_missing(path, sweep, *_so_far(name, path, sweep), workers, scheduler)
        except (KeyboardInterrupt, OSError):
            print(f"Run `{again}` again to continue with this point.", flush=True)
            raise
    if lost:
        raise files.Refused(
            f"{lost} of the runs were lost, because their processes were killed (was the memory full?): run "
            f"`{again}` again, perhaps with fewer workers; the others are in {path}."
        )
    return path


def _own_folder(name: str) -> Path:
    """In one's own clone, the folder of what ships; else the student's,
    where the table begins as the one that ships."""
    if CLONE:
        return RESULTS
    folder = state_dir() / "results"
    ships, own = (each / f"{name}.csv" for each in (RESULTS, folder))
    if ships.exists() and not own.exists():
        with files.atomic(own) as partial:
            partial.write_bytes(ships.read_bytes())
    return folder


def _so_far(name: str, path: Path, sweep: Sweep) -> tuple[list[dict[str, Any]], list[Mapping[str, Value]]]:
    """→ the rows of the table, and the points that it lacks."""
    rows = read_results(name, path.parent) if path.exists() else []
    settings = list(sweep.points[0])
    if rows and list(rows[0])[: len(settings)] != settings:
        raise ValueError(
            f"{path} begins with the columns {', '.join(list(rows[0])[: len(settings)])}, but the sweep now has "
            f"{', '.join(settings)}: move the file away to start a new one."
        )
    done: set[tuple[str, ...]] = set()
    for number, row in enumerate(rows, start=1):
        if (point := key(row, settings)) in done:
            raise damaged(path, f"its row {number} is of the same point as an earlier one")
        done.add(point)
    return rows, [point for point in sweep.points if key(point) not in done]


def _run_missing(
    path: Path,
    sweep: Sweep,
    rows: list[dict[str, Any]],
    missing: Sequence[Mapping[str, Value]],
    workers: int | None,
    scheduler: str | None,
) -> int:
    """→ how many runs were lost."""
    settings = list(sweep.points[0])
    place = {key(point): number for number, point in enumerate(sweep.points)}
    together = f"{workers} at a time" if workers else scheduler or ""
    lost = 0
    with counted("point", len(missing)) as steps:
        if together:
            steps.next(together)

        def announced() -> Iterator[Mapping[str, Value]]:
            for point in missing:
                steps.next(words(point))
                yield point

        if workers:
            runs = in_processes(sweep.run, missing, workers)
        elif scheduler:
            runs = on_cluster(sweep.run, missing, scheduler)
        else:
            runs = one_by_one(sweep.run, announced(), 1 if sweep.cores == "one" else None)
        with closing(runs) as results:
            for number, (point, row) in enumerate(results, start=1):
                said = "lost: its process was killed"
                if row is not None:
                    rows = sorted([*rows, {**point, **row}], key=lambda row: place.get(key(row, settings), -1))
                    said = words({column: row[column] for column in list(row)[:-3]})
                lost += row is None
                with steps.aside():
                    print(f"point {number} of {len(missing)} ({words(point)}): {said}", flush=True)
                if row is not None:
                    write_results(rows, path)
                if together and number < len(missing):
                    steps.next(together)
    return lost


def minutes(rows: Sequence[Mapping[str, Any]]) -> float:
    """The minutes of all points of a table: its column "minutes", of runs that may have been continued,
    or "seconds"."""
    return sum(row["minutes"] if "minutes" in row else row["seconds"] / 60 for row in rows)


def read_results(name: str, folder: Path | None = None) -> list[dict[str, Any]]:
    """The rows of a sweep's table in order, with numbers parsed.

    Raises FileNotFoundError if there is no such table, and ValueError if it is damaged.
    """
    path = Path(folder or RESULTS) / f"{name}.csv"
    if not path.exists():
        raise FileNotFoundError(f"There is no table {path}: run `course train {name}` to make it.")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # Excel writes a mark before the text
            table = [row for row in csv.reader(file, strict=True) if row]
        if not table:
            raise ValueError("it is empty")
        columns, *rows = table
        if twice := [column for column in columns if columns.count(column) > 1]:
            raise ValueError(f"it has two columns called {twice[0]}")
        if name.startswith("sweep-") and "seconds" not in columns:
            raise ValueError("it has no column seconds")
        for number, row in enumerate(rows, start=1):
            if len(row) != len(columns):
                raise ValueError(f"its row {number} has {len(row)} values, and its heading {len(columns)}")
            for column, text in zip(columns, row, strict=True):
                if column in MEASURED and not (
                    isinstance(value := parsed(text), (int, float)) and 0 <= value < math.inf
                ):
                    raise ValueError(f"its row {number} has {text!r} {column}")
    except (ValueError, csv.Error) as error:
        raise damaged(path, error) from error
    return [{column: parsed(text) for column, text in zip(columns, row, strict=True)} for row in rows]


def damaged(path: Path, why: object) -> ValueError:
    """The error for a file of ours that says something impossible."""
    anew = f", or move it away and run `course train {path.stem}`" if path.stem.startswith("sweep-") else ""
    return ValueError(f"{path} is damaged ({why}): restore it with git{anew}.")


def write_results(rows: Sequence[Mapping[str, Value]], path: Path) -> None:
    """Replace the table in one step, so that there is never half a row.
    A row may lack some of the widest one's columns.

    Raises ValueError for a row with a column that the widest one lacks, and OSError on a full disk.
    """
    columns = max(rows, key=len)
    if other := next((column for row in rows for column in row if column not in columns), None):
        raise ValueError(
            f"{path} cannot hold all these rows: some have a column {other}, but the others have "
            f"{', '.join(columns)}. Move it away to start a new one."
        )
    with files.atomic(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def key(row: Mapping[str, Value], settings: Sequence[str] | None = None) -> tuple[str, ...]:
    """A point as it appears in the table. settings: the columns that tell points apart; without them, all."""
    return tuple(str(parsed(str(row[name]))) for name in (row if settings is None else settings))


def words(values: Mapping[str, Value]) -> str:
    """Settings or results on one line."""
    return ", ".join(f"{name} {value}" for name, value in values.items())


def parsed(text: str) -> Value:
    """The number, if the text is written as one is in a table, else the text: "007" and "1e3" are settings in words."""
    if not NUMBER.fullmatch(text):
        return text
    return int(text) if text.lstrip("-").isdecimal() else float(text)
