"""The two cells of an exercise in its notebook, the stub and the check, generated from the exercise."""

import difflib

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from course_utils.exercises import Exercise, find, stub

KINDS = ("exercise", "check")


def place(notebook: NotebookNode, exercise: Exercise, after: str | None = None) -> None:
    """Refresh the exercise's cells in place, or insert them after the cell with the id after.

    An existing cell keeps its id, because gradebooks refer to it. Raises LookupError if there is no cell with that
    id, or if after is missing for an exercise without cells.
    """
    present = {kind: cell for kind in KINDS for cell in notebook.cells if _named(cell, kind) == exercise.name}
    others = [cell for cell in notebook.cells if cell.id not in {old.id for old in present.values()}]
    if after is not None:
        position = 1 + _index(others, after)
    elif present:
        first = min(notebook.cells.index(cell) for cell in present.values())
        position = sum(cell in others for cell in notebook.cells[:first])
    else:
        raise LookupError(
            f"{exercise.name} has no cells in its notebook yet: name the cell that precedes them, "
            f"--after {others[-1].id}."
        )
    taken = {cell.id for cell in others}
    pair = [_made(exercise, kind, present.get(kind) or _new(exercise, kind, taken)) for kind in KINDS]
    notebook.cells = [*others[:position], *pair, *others[position:]]


def _named(cell: NotebookNode, kind: str) -> str | None:
    """The current name of the exercise whose cell of that kind it is."""
    name = cell.metadata.get("course", {}).get(kind)
    return find(name).name if name else None


def _index(cells: list[NotebookNode], cell_id: str) -> int:
    ids = [cell.id for cell in cells]
    if cell_id not in ids:
        near = difflib.get_close_matches(cell_id, ids, n=1, cutoff=0)
        raise LookupError(f"No cell has the id {cell_id!r}: did you mean {near[0]!r}?")
    return ids.index(cell_id)


def _new(exercise: Exercise, kind: str, taken: set[str]) -> NotebookNode:
    """An empty cell with a unique id made from the name of the function."""
    cell_id = exercise.function.replace("_", "-") + ("-check" if kind == "check" else "")
    while cell_id in taken:
        cell_id += "-2"
    return new_code_cell(id=cell_id)


def _made(exercise: Exercise, kind: str, cell: NotebookNode) -> NotebookNode:
    """The cell with the exercise's source and its metadata for the course and for nbgrader."""
    graded = kind == "check"
    function = exercise.function
    cell.source = f'{function} = check("{exercise.name}", {function})' if graded else stub(exercise.name).rstrip("\n")
    cell.metadata["course"] = {**cell.metadata.get("course", {}), kind: exercise.name}
    cell.metadata["nbgrader"] = {
        "grade": graded,
        "grade_id": cell.id,
        "locked": graded,
        "schema_version": 3,
        "solution": not graded,
        "task": False,
        **({"points": exercise.points} if graded else {}),
    }
    return cell
