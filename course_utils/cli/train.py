"""``course train``: train a model, or make the table of a sweep."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from course_utils.cli.command import console
from course_utils.console import sentences, stopped

Name = Annotated[str | None, typer.Argument(help="A model or a sweep. Default: list all, with data and minutes.")]
Folder = Annotated[Path | None, typer.Option(help="Folder for the results; a rerun continues there.")]
Epochs = Annotated[int | None, typer.Option(help="Epochs instead of the recipe's; models only.")]
Seed = Annotated[int | None, typer.Option(help="Seed instead of the recipe's; models only.")]
Teacher = Annotated[
    Path | None, typer.Option(help="Folder of the teacher's run, if not the default; distilled models only.")
]
Data = Annotated[
    Path | None, typer.Option(help="Folder or archive of images to train on, CLASS/… or train/CLASS/…; models only.")
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Run so many points at once, each in a process on one thread; sweeps only.")
]
Scheduler = Annotated[
    str | None,
    typer.Option(help="Address of a dask scheduler, tcp://HOST:8786, to run the points there; sweeps only."),
]


def train(
    name: Name = None,
    folder: Folder = None,
    epochs: Epochs = None,
    seed: Seed = None,
    teacher: Teacher = None,
    data: Data = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
) -> None:
    """Train a model, or make the table of a sweep. The same command continues an interrupted run.

    The exit code is 130 after Ctrl-C and 143 after SIGTERM.
    """
    with sentences(), stopped():
        from course_utils.experiments import SWEEPS, run_named, run_names, run_sweep

        if name is None:
            if any(each is not None for each in (folder, epochs, seed, teacher, data, workers, scheduler)):
                raise ValueError("An option needs the name of a model or a sweep: `course train` alone lists them.")
            _list()
        elif name in run_names() and name not in SWEEPS and (workers is not None or scheduler is not None):
            raise ValueError(
                f"--workers and --scheduler spread the points of a sweep, but {name} is one run: leave them out."
            )
        elif name not in SWEEPS:
            run_named(name, folder=folder, epochs=epochs, seed=seed, teacher=teacher, data=data)
        elif data is not None:
            raise ValueError(f"--data cannot be used with {name}, whose points have their own data: leave it out.")
        elif epochs is not None or seed is not None or teacher is not None:
            raise ValueError(
                f"--epochs, --seed and --teacher cannot be used with {name}, whose points have their own."
            )
        else:
            path = run_sweep(name, folder, workers=workers, scheduler=scheduler)
            console.print(f"The table is {path}", soft_wrap=True)


def _list() -> None:
    from course_utils.experiments.listing import offers

    table = Table("Name", "What", "Data", "Minutes")
    for offer in offers():
        table.add_row(offer.name, offer.what, offer.data, offer.minutes or "–")
    console.print(table)
    console.print(
        "Minutes as measured on one or two CPU cores, from the tables in data/results; – where these have none. "
        "docs/measured.md has more."
    )
