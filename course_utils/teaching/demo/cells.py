"""The cells of a notebook that make a demo's widget: it shows what students have."""

import ast
import hashlib
from collections import defaultdict
from collections.abc import Iterator

import nbformat
from nbformat import NotebookNode

from course_utils.lab import notebooks
from course_utils.teaching.demo import script

TAG = "demo:"  # in the metadata of every cell that a demo needs: ``"tags": ["demo:attention"]``


def tagged() -> Iterator[tuple[str, str, list[NotebookNode]]]:
    """Name of a demo, number of a notebook, and the notebook's cells with the demo's tag; the last shows the widget."""
    for number in notebooks.numbers():
        found: dict[str, list[NotebookNode]] = defaultdict(list)
        for cell in notebooks.read(notebooks.find(number)).cells:
            for name in demos_of(cell):
                found[name].append(cell)
        for name, cells in found.items():
            yield name, number, cells


def demos_of(cell: NotebookNode) -> list[str]:
    """The names of the demos that need the cell."""
    return [tag.removeprefix(TAG) for tag in cell.metadata.get("tags", ()) if tag.startswith(TAG)]


def cells_of(name: str) -> list[NotebookNode]:
    """The cells of a demo, in order. Raises ValueError, with the names of all demos, for an unknown name."""
    demo = script.find(name)
    return next(cells for found, _, cells in tagged() if found == demo.cells)


def notebook_of(name: str) -> NotebookNode:
    """A notebook of the demo's cells, which shows only the result of the last one.
    Raises ValueError like `cells_of`."""
    *needed, last = (cell.source for cell in cells_of(name))
    made = [nbformat.v4.new_code_cell(f"%%capture\n{source}") for source in needed]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return nbformat.v4.new_notebook(cells=[*made, nbformat.v4.new_code_cell(last)], metadata=kernel)


def fingerprint(cells: list[NotebookNode]) -> str:
    """Changes when the cells do something else; imports and comments between statements do not count."""
    digest = hashlib.sha256()
    for cell in cells:
        for statement in ast.parse(cell.source).body:
            if not isinstance(statement, ast.Import | ast.ImportFrom):
                digest.update((ast.get_source_segment(cell.source, statement) or "").encode())
    return digest.hexdigest()[:16]
