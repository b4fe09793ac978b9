"""One widget on the whole screen, for a lecture hall: ``course demo attention``.

A demo is a few cells of a notebook, so what is shown is what students have; Voila runs them and shows the last one.
"""

import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils.lab import notebooks
from course_utils.paths import ROOT

LAB = ROOT / "course_utils" / "lab"


@dataclass(frozen=True)
class Demo:
    """A widget of a notebook: its number, the ids of the cells that it needs, the widget's last, and what it shows."""

    notebook: str
    cells: tuple[str, ...]
    shows: str


DEMOS = {
    "attention": Demo("05", ("1", "7"), "where a ViT looks, trained and untrained"),
    "colours": Demo("00", ("imports", "look"), "attention by colour alone, on a photograph"),
    "patches": Demo("04", ("imports", "cat"), "what the transformer gets: patches in a row"),
    "local-attention": Demo("02", ("imports", "question-figure", "look"), "a kernel that stays, weights that change"),
    "memory": Demo("04", ("imports", "memory-explorer"), "the bytes of all attention matrices"),
    "augmentation": Demo("06", ("imports", "look"), "MixUp and RandAugment by hand"),
    "grid": Demo("06", ("imports", "grid"), "the lecture's grid of 9 × 14 models"),
    "distillation": Demo(
        "07",
        ("imports", "teacher", "teacher-logits", "student-alone", "explorer"),
        "τ and λ; trains for a minute first",
    ),
    "windows": Demo("08", ("imports", "explorer"), "windows, shift, mask, merging, reach"),
    "quantisation": Demo("09", ("imports", "episode", "explorer"), "what few bits leave of a weight"),
    "captions": Demo("10", ("1", "3", "5"), "pictures and captions, both softmaxes"),
}


def find(name: str) -> Demo:
    """The demo called name. Raises ValueError, naming all, for any other."""
    if name not in DEMOS:
        raise ValueError(f"There is no demo {name!r}: choose one of {', '.join(DEMOS)}.")
    return DEMOS[name]


def notebook_of(name: str) -> NotebookNode:
    """A notebook of the demo's cells, of which only the last one's result is shown. Raises ValueError for a name."""
    demo = find(name)
    source = notebooks.read(notebooks.find(demo.notebook))
    cells = {cell.id: cell for cell in source.cells}
    *needed, last = (cells[cell].source for cell in demo.cells)
    made = [nbformat.v4.new_code_cell(f"%%capture\n{cell}") for cell in needed]
    return nbformat.v4.new_notebook(cells=[*made, nbformat.v4.new_code_cell(last)], metadata=source.metadata)


def voila_command(path: Path, port: int, browser: bool) -> list[str]:
    """Voila of this environment for the notebook at path, on loopback. Raises ModuleNotFoundError without Voila."""
    if importlib.util.find_spec("voila") is None:
        raise ModuleNotFoundError("A demo needs Voila, which is not installed: run `make teach` first.")
    return [
        *(sys.executable, "-m", "voila", str(path)),
        *("--template=demo", f"--port={port}", "--Voila.ip=127.0.0.1", "--show_tracebacks=True"),
        *([] if browser else ["--no-browser"]),
    ]


def voila_environment() -> dict[str, str]:
    """Environment in which Voila finds the course's template for the whole screen, and kernels find the course."""
    return {
        **os.environ,
        "JUPYTER_PATH": os.pathsep.join(filter(None, [str(LAB), os.getenv("JUPYTER_PATH")])),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.getenv("PYTHONPATH")])),
    }
