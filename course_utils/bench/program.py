"""The program itself: importing it, its first widget, and every notebook from top to bottom."""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat

from course_utils import demo, notebooks

MODULES = tuple(f"course_utils.{name}" for name in ("data", "exercises", "models", "training", "widgets"))
IMPORT = "import torch and the course"


@dataclass(frozen=True)
class Figure:
    """One thing that the program does: seconds, and bytes at the peak where they were watched."""

    name: str
    seconds: float
    peak_bytes: int | None = None
    error: str | None = None


def import_seconds(rounds: int = 5) -> Iterator[Figure]:
    """Importing torch, and torch with what the notebooks take from the course; processes in turns."""
    codes = {"import torch": "import torch", IMPORT: f"import torch, {', '.join(MODULES)}"}
    times: dict[str, list[float]] = {name: [] for name in codes}
    for number in range(rounds + 1):
        for name, code in codes.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            if number:
                times[name].append(time.perf_counter() - began)
    for name, seconds in times.items():
        yield Figure(name, statistics.median(seconds))


def first_widget() -> Figure:
    """From starting a kernel to the data of notebook 04's first widget."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "widget.ipynb"
        nbformat.write(demo.notebook_of("patches"), path)
        execution = notebooks.execute(path)
    return Figure("kernel start to first widget", execution.seconds, execution.peak_bytes, execution.error)


def every_notebook(at_once: int = 2) -> Iterator[Figure]:
    """Each notebook in a kernel of its own, with one thread, so many at the same time."""
    paths = [notebooks.find(number) for number in notebooks.numbers()]
    with ThreadPoolExecutor(at_once) as pool:
        for run in pool.map(partial(notebooks.execute, environment={"OMP_NUM_THREADS": "1"}), paths):
            yield Figure(run.name, run.seconds, run.peak_bytes, run.error)
