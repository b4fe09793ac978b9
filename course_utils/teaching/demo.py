"""One widget on the whole screen, for a lecture: ``course demo attention``.

A demo consists of cells of a notebook, so it shows what students have; Voila runs them and shows the last one.
"""

import importlib.util
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils.lab import notebooks
from course_utils.lab.course import NotebookEntry, entries
from course_utils.paths import ROOT

LAB = ROOT / "course_utils" / "lab"
TAG = "demo:"  # in the metadata of every cell that a demo needs: ``"tags": ["demo:attention"]``
DEMOS = {  # description of each
    "attention": "where a trained and an untrained ViT attend",
    "colours": "attention by colour alone, on a photograph",
    "patches": "the input of the transformer: patches in a row",
    "local-attention": "a fixed kernel, and weights that change",
    "memory": "the bytes of all attention matrices",
    "augmentation": "MixUp and RandAugment by hand",
    "grid": "the lecture's grid of 9 × 14 models",
    "distillation": "τ and λ; trains for a minute first",
    "windows": "windows, shift, mask, merging, reach",
    "quantisation": "a weight in few bits",
    "captions": "images and captions, both softmaxes",
}


@dataclass(frozen=True)
class Demo:
    """The cells of one notebook with a demo's tag, in order; the last one ends with the widget."""

    name: str
    notebook: NotebookEntry
    cells: tuple[NotebookNode, ...]
    metadata: NotebookNode


def demos() -> Iterator[Demo]:
    """The demos defined by the tags of the notebooks, notebook by notebook."""
    for entry in entries():
        notebook = notebooks.read(notebooks.find(entry.number))
        tagged: dict[str, list[NotebookNode]] = defaultdict(list)
        for cell in notebook.cells:
            for tag in cell.metadata.get("tags", ()):
                if tag.startswith(TAG):
                    tagged[tag.removeprefix(TAG)].append(cell)
        for name, cells in tagged.items():
            yield Demo(name, entry, tuple(cells), notebook.metadata)


def notebook_of(name: str) -> NotebookNode:
    """A notebook of the demo's cells, which shows only the result of the last one.

    Raises ValueError, with the names of all demos, for an unknown name.
    """
    demo = next((each for each in demos() if each.name == name), None)
    if demo is None:
        raise ValueError(f"There is no demo {name!r}: choose one of {', '.join(DEMOS)}.")
    *needed, last = (cell.source for cell in demo.cells)
    made = [nbformat.v4.new_code_cell(f"%%capture\n{source}") for source in needed]
    return nbformat.v4.new_notebook(cells=[*made, nbformat.v4.new_code_cell(last)], metadata=demo.metadata)


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
    """Environment in which Voila finds the course's full-screen template, and kernels find the course."""
    return {
        **os.environ,
        "JUPYTER_PATH": os.pathsep.join(filter(None, [str(LAB), os.getenv("JUPYTER_PATH")])),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.getenv("PYTHONPATH")])),
    }
