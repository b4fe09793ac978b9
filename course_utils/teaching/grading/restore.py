"""Find the exercises in a submission, whatever an editor did to its cells, and mark their cells for nbgrader.

Copies and both halves of a split cell have the same marks, merged cells one mark for two, and other editors save none.
So an exercise's cell is the last one with its mark that defines its function; without one, the last that defines it.
A check is recognised by its call. All cells of the student stay where they are; only the marks decide where the points
are written.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from course_utils.exercises import find

CALL = re.compile(
    r"""^(?:(\w+)\s*=\s*)?check\(\s*["'](\d\d\.\w+)["']\s*,\s*(\w+)\s*,?\s*\)[ \t;]*(?:#.*)?$""", re.MULTILINE
)

NOTES_ID = "grading-notes"  # of the cell that shows the notes
NOTES = {  # in this order, each with the names of the functions
    "merged": "The check of {} was in one cell with other code: the cell was taken apart.",
    "text": "The cell of {} was a text cell: it was graded as code.",
    "copied": "Several cells define {}: the last one counts.",
    "twice": "The cell of {} is there several times, copied or split: the one that defines the function counts.",
    "deleted": "No cell defines {}: the cell was deleted, or its code is in a text cell.",
    "moved": "The check of {} stood above the cell that defines it: it was repeated below.",
    "unchecked": "The check of {} was deleted or changed: it was put back.",
}
UNMARKED = (
    "The cells have lost their marks, as when another editor saves the notebook: they were recognised by the "
    "functions that they define."
)


@dataclass(frozen=True)
class Place:
    """An exercise in the notebook that was handed out: its name, those of its function (`functions`), its two cells."""

    name: str
    functions: tuple[str, ...]
    stub: NotebookNode
    check: NotebookNode

    @property
    def function(self) -> str:
        """The present name of the function."""
        return self.functions[0]

    def has_mark(self, cell: NotebookNode) -> bool:
        """Whether the cell has this exercise's grade_id, or no grade_id but its id."""
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        return (
            cell.get("id") == self.stub.id if grade_id is None else grade_id == self.stub.metadata.nbgrader.grade_id
        )

    def is_defined_in(self, cell: NotebookNode) -> bool:
        """Whether the cell binds the function's name; broken code and magics do not hide it."""
        name = f"(?:{'|'.join(map(re.escape, self.functions))})"
        return (
            re.search(rf"^(async\s+def|def|class)\s+{name}\b|^{name}\s*(:[^=\n]+)?=(?!=)", cell.source, re.M)
            is not None
        )

    def is_checked_in(self, cell: NotebookNode) -> bool:
        """Whether the cell is this exercise's check, and nothing else."""
        found = CALL.fullmatch(cell.source.strip())
        return cell.cell_type == "code" and found is not None and self.is_called_by(found)

    def is_called_by(self, call: re.Match[str]) -> bool:
        """Whether a call of check is about this exercise's function."""
        notebook, _, name = call[2].partition(".")
        ours = self.name.startswith(f"{notebook}.") and {name, call[3]} <= {*self.functions}
        return ours and call[1] in (None, call[3])


def places(given: NotebookNode) -> list[Place]:
    """The exercises of the notebook that was handed out, in order."""
    cells: dict[str, dict[str, NotebookNode]] = defaultdict(dict)
    for cell in given.cells:
        for kind in ("exercise", "check"):
            if name := cell.metadata.get("course", {}).get(kind):
                cells[name][kind] = cell
    return [Place(name, find(name).functions, two["exercise"], two["check"]) for name, two in cells.items()]


def recognised(submitted: NotebookNode, given: NotebookNode) -> bool:
    """Whether the submission has anything of the exercises that were handed out."""
    return any(
        place.has_mark(cell)
        or (cell.cell_type == "code" and (place.is_defined_in(cell) or place.name in cell.source))
        for place in places(given)
        for cell in submitted.cells
    )


def restore(submitted: NotebookNode, given: NotebookNode) -> list[str]:
    """Mark the cells in place, and put check cells where they are missing; → notes on what was found.

    Each exercise's cell and its check get the metadata that was handed out, once; the check gets its source too. In a
    cell of a course, ``course`` without ``nbgrader`` means that it belongs to the exercise, but is not graded.
    """
    return _Restoration(submitted, given).finish()


class _Restoration:
    """One submission: its cells, the exercises, and what there is to say, by kind."""

    def __init__(self, submitted: NotebookNode, given: NotebookNode) -> None:
        self.submitted, self.places = submitted, places(given)
        self.known = {cell.source.strip() for cell in given.cells}
        self.found: dict[str, list[str]] = defaultdict(list)
        self.metadata: dict[int, NotebookNode] = {}  # by identity of the cell
        self.cells = [part for cell in submitted.cells for part in self.taken_apart(cell)]

    def finish(self) -> list[str]:
        unmarked = not any(place.has_mark(cell) for place in self.places for cell in self.cells)
        for place in self.places:
            self.mark(place)
        unmarked = unmarked and len(self.found["deleted"]) < len(self.places)
        taken = {NOTES_ID}
        for cell in self.cells:
            cell.metadata = self.metadata.get(id(cell), NotebookNode())
            if cell.id in taken:
                cell.id = new_code_cell().id
            taken.add(cell.id)
        self.submitted.cells = self.cells
        return [UNMARKED] * unmarked + [
            text.format(", ".join(f"`{name}`" for name in dict.fromkeys(self.found[kind])))
            for kind, text in NOTES.items()
            if self.found[kind]
        ]

    def taken_apart(self, cell: NotebookNode) -> Sequence[NotebookNode]:
        """The cell, or, if it contains calls of checks and other code, a cell for each of these pieces."""
        if cell.cell_type != "code":
            return [cell]
        calls = [
            (call, place) for call in CALL.finditer(cell.source) for place in self.places if place.is_called_by(call)
        ]
        pieces = list(_cut(cell.source, [call for call, _ in calls]))
        if len(pieces) < 2 or (statements(cell.source) is not None and None in map(statements, pieces)):
            return [cell]
        self.found["merged"] += [place.function for _, place in calls]
        parts = [new_code_cell(piece) for piece in pieces]
        first = next((part for part in parts if not CALL.fullmatch(part.source)), parts[0])
        first.metadata, first.id = cell.metadata, cell.id
        return parts

    def mark(self, place: Place) -> None:
        """Choose the cells of one exercise and its check."""
        answer, related = self.answer(place)
        if answer is None:
            self.found["deleted"].append(place.function)
        for cell in related:
            self.metadata.setdefault(id(cell), NotebookNode(course=NotebookNode(exercise=place.name)))
        if answer is not None and "nbgrader" not in self.metadata[id(answer)]:
            self.metadata[id(answer)] = deepcopy(place.stub.metadata)
        self.mark_check(place, answer)

    def answer(self, place: Place) -> tuple[NotebookNode | None, list[NotebookNode]]:
        """The cell that counts, and all cells of this exercise."""
        marked = [cell for cell in self.cells if place.has_mark(cell)]
        for cell in marked:
            if cell.cell_type != "code" and place.is_defined_in(cell) and statements(cell.source) is not None:
                self.found["text"].append(place.function)
                _become_code(cell)
        marked = [cell for cell in marked if cell.cell_type == "code" and not self.is_a_check(cell)]
        defining = [cell for cell in self.cells if self.wrote(cell, place)]
        own = [cell for cell in marked if self.wrote(cell, place)]
        if len(own) > 1:
            self.found["copied"].append(place.function)
        elif len(marked) > 1:
            self.found["twice"].append(place.function)
        for candidates in (own, defining, marked):
            if candidates:
                return candidates[-1], [*marked, candidates[-1]]
        return None, []

    def wrote(self, cell: NotebookNode, place: Place) -> bool:
        """Whether the student's code in this cell defines the function; an untouched stub does not."""
        return (
            cell.cell_type == "code"
            and cell.source.strip() not in self.known
            and place.is_defined_in(cell)
            and not self.is_a_check(cell)
        )

    def is_a_check(self, cell: NotebookNode) -> bool:
        return any(place.is_checked_in(cell) for place in self.places)

    def mark_check(self, place: Place, answer: NotebookNode | None) -> None:
        """The first check below the answer has the mark; all of them run, as in the notebook."""
        start = 1 + self.index(answer) if answer is not None else 0
        checks = [cell for cell in self.cells if place.is_checked_in(cell)]
        below = [cell for cell in checks if self.index(cell) >= start]
        for cell in checks:
            cell.source = place.check.source
            self.metadata[id(cell)] = NotebookNode(course=NotebookNode(check=place.name))
        if not below:
            self.found["moved" if checks else "unchecked"].append(place.function)
            below = [new_code_cell(place.check.source)]
            self.cells.insert(start if answer is not None else len(self.cells), below[0])
        self.metadata[id(below[0])] = deepcopy(place.check.metadata)

    def index(self, wanted: NotebookNode) -> int:
        return next(number for number, cell in enumerate(self.cells) if cell is wanted)


def statements(source: str) -> list[ast.stmt] | None:
    """The statements of a cell; None if it is not plain Python."""
    try:
        return ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _cut(source: str, calls: Sequence[re.Match[str]]) -> Iterator[str]:
    """The calls, and what stands between them."""
    end = 0
    for call in calls:
        yield from filter(None, [source[end : call.start()].strip("\n")])
        yield call[0]
        end = call.end()
    yield from filter(None, [source[end:].strip("\n")])


def _become_code(cell: NotebookNode) -> None:
    cell.cell_type = "code"
    cell.pop("attachments", None)
    cell.outputs, cell.execution_count = [], None
