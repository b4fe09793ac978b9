"""The program itself: its import, the data of its first widget, and every notebook from top to bottom."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat

from course_utils.bench.figure import Figure
from course_utils.bench.widgets import FIRST
from course_utils.lab import notebooks
from course_utils.teaching.demo import cells

MODULES = tuple(f"course_utils.{name}" for name in ("data", "exercises.checking", "models", "training", "widgets"))
QUICK = ("--help", "check", "solve 04.patchify", "demo")  # commands that compute nothing


def program_figures() -> Iterator[Figure]:
    """The time to get started."""
    yield from import_seconds()
    yield from command_seconds()
    yield first_widget()


def import_seconds(rounds: int = 5) -> Iterator[Figure]:
    """Importing torch, and what importing the course adds; the processes take turns."""
    bare, whole = "import torch", f"import torch, {', '.join(MODULES)}"
    times: dict[str, list[float]] = {bare: [], whole: []}
    for number in range(rounds + 1):
        for code, seconds in times.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            if number:
                seconds.append(time.perf_counter() - began)
    yield Figure("import torch", tuple(times[bare]))
    added = tuple(all_ - torch_ for all_, torch_ in zip(times[whole], times[bare], strict=True))
    yield Figure("import of the course, on top of torch", added, "import_seconds")


def command_seconds(rounds: int = 5) -> Iterator[Figure]:
    """Commands that compute nothing, from start to end, each in a process of its own."""
    for command in QUICK:
        times = []
        for _ in range(rounds):
            began = time.perf_counter()
            code = "from course_utils.cli import app; app()"
            subprocess.run([sys.executable, "-c", code, *command.split()], check=True, stdout=subprocess.DEVNULL)
            times.append(time.perf_counter() - began)
        yield Figure(f"course {command}", tuple(times), "command_seconds")


def first_widget(rounds: int = 3) -> Figure:
    """From the start of a kernel to the data of notebook 04's first widget."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "widget.ipynb"
        nbformat.write(cells.notebook_of(FIRST), path)
        runs = [notebooks.execute(path) for _ in range(rounds)]
    peak = max(run.peak_bytes for run in runs)
    error = next((run.error for run in runs if run.error), None)
    return Figure("kernel start to first widget's data", tuple(run.seconds for run in runs), None, peak, error)


def every_notebook(at_once: int = 2) -> Iterator[Figure]:
    """Each notebook once, in its own kernel with one thread, at_once of them at the same time."""
    paths = [notebooks.find(number) for number in notebooks.numbers()]
    with ThreadPoolExecutor(at_once) as pool:
        for run in pool.map(partial(notebooks.execute, environment={"OMP_NUM_THREADS": "1"}), paths):
            yield Figure(run.name, (run.seconds,), "notebook_seconds", run.peak_bytes, run.error)
