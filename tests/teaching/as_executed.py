"""Notebooks as if they had been executed: every cell that a deck shows has an output of its kind, and no kernel ran."""

import base64
import io
from collections.abc import Mapping

import matplotlib.image
import nbformat
import numpy as np

from course_utils.lab import notebooks
from course_utils.tables import Table
from course_utils.teaching.demo.states import STATES, VIEWS
from course_utils.teaching.site.deck import deck_of

PRINTED = "\n".join(f"row {number}".ljust(80, ".") for number in range(1, 13))  # as wide and as long as it gets
ROWS = [{"a row of it": f"row {row}", **{f"million of column {n}": n * 1e3 for n in range(8)}} for row in range(12)]


def figure(width: int, height: int) -> str:
    file = io.BytesIO()
    matplotlib.image.imsave(file, np.linspace(0, 1, width * height).reshape(height, width), format="png")
    return base64.b64encode(file.getvalue()).decode()


WIDE, TALL = figure(700, 340), figure(460, 460)


def executed(number: str, widgets: Mapping[str, str] = {}, states: Mapping[str, dict] = {}) -> nbformat.NotebookNode:
    """The notebook with an output for each cell of its deck;
    widgets: the model of a cell's widget, by the cell's id.
    """
    notebook = notebooks.read(notebooks.find(number))
    cells = {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}
    for position, slide in enumerate(deck_of(number)):
        if cell := cells.get(slide.cell):
            draws = "alt" in cell.metadata.get("course", {}) and slide.part != "printed"
            figure = (TALL if position % 4 == 3 else WIDE) if draws else None
            cell.outputs = [output(widgets.get(cell.id), figure, "tables.show(" in cell.source)]
    notebook.metadata["course_run"] = {"seconds": 1.0, "peak_bytes": 1, "machine": "a machine", "date": "2026-11-29"}
    notebook.metadata["widgets"] = {STATES: {"version_major": 2, "version_minor": 0, "state": dict(states)}}
    return notebook


def output(model: str | None, figure: str | None, table: bool = False) -> nbformat.NotebookNode:
    if model:
        view = {"version_major": 2, "version_minor": 0, "model_id": model}
        return nbformat.v4.new_output("display_data", data={VIEWS: view})
    if figure:
        return nbformat.v4.new_output("display_data", data={"image/png": figure})
    if table:
        return nbformat.v4.new_output("display_data", data={"text/html": Table(ROWS, "Results")._repr_html_()})
    return nbformat.v4.new_output("stream", name="stdout", text=PRINTED)
