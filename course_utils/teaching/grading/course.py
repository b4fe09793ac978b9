"""A course folder while its submissions are graded: what was handed out and in, and what became of each submission."""

import html
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.api import Assignment, Gradebook, SubmittedAssignment
from sqlalchemy.exc import SQLAlchemyError

from course_utils.teaching.grading import intake, pages
from course_utils.teaching.grading.intake import HandedIn, NotGradable, Submission
from course_utils.teaching.grading.restore import NOTES_ID, recognised, restore

ACTIVE = "A text cell contains a script, a form or something similar: pages show it without."


class State(StrEnum):
    """How grading a submission ended."""

    GRADED = "graded"
    NOTED = "graded with a note"
    NOT = "could not be graded"


@dataclass(frozen=True)
class Outcome:
    """What became of a submission; points are None if the gradebook has none."""

    student: str
    assignment: str
    state: State
    notes: tuple[str, ...]
    points: float | None = None
    most: float | None = None

    def __str__(self) -> str:
        return ": ".join(filter(None, [self.state.value, " ".join(self.notes)]))


class Course:
    """An nbgrader course directory with the course's notebooks; an assignment has one notebook of the same name."""

    def __init__(self, directory: Any) -> None:
        self.directory = directory
        self._given: dict[str, NotebookNode] = {}

    @cached_property
    def names(self) -> list[str]:
        """The assignments that were handed out, in order."""
        released = self.place(self.directory.release_directory, ".", "*").parent
        return sorted(path.stem for path in released.glob("*/*.ipynb") if path.stem == path.parent.name)

    def place(self, step: str, student: str, assignment: str) -> Path:
        """The folder of a submission in one of nbgrader's steps."""
        return Path(self.directory.format_path(step, student, assignment))

    def submitted(self, student: str, assignment: str) -> Path:
        """The folder that was handed in."""
        return self.place(self.directory.submitted_directory, student, assignment)

    def submissions(self) -> list[Submission]:
        """What was handed in by the students and for the assignments that the directory selects, in order."""
        root = self.submitted("*", "*").parent.parent
        left_out = self.directory.student_id_exclude.split(",")
        found = intake.submissions(root, self.directory.student_id, self.directory.assignment_id)
        return sorted(one for one in found if one.student not in left_out)

    def given(self, assignment: str) -> NotebookNode:
        """The notebook that was handed out. Raises NotGradable, with what to do, if there is none of that name."""
        if assignment not in self._given:
            path = self.place(self.directory.release_directory, ".", assignment) / f"{assignment}.ipynb"
            if not path.is_file():
                remedy = (
                    f"rename the folder to one of {', '.join(self.names)}"
                    if self.names
                    else "run `nbgrader generate_assignment`"
                )
                raise NotGradable(f"There is no assignment {intake.shown(assignment)}: {remedy}.")
            self._given[assignment] = nbformat.reads(path.read_text(encoding="utf-8-sig"), as_version=4)
        return self._given[assignment]

    def look(self, one: Submission) -> HandedIn:
        """What was handed in; ``refused`` says why if it cannot be graded. Raises NotGradable if it has no place."""
        if one.misplaced:
            raise NotGradable(one.misplaced)
        given = self.given(one.assignment)
        try:
            return intake.look(one.folder, one.assignment, lambda found: recognised(found, given))
        except NotGradable as refusal:
            return HandedIn(b"", "", (), (), refused=str(refusal))

    def scored(self) -> set[tuple[str, str]]:
        """Student and assignment of each submission in the gradebook; none if it cannot be read."""
        try:
            with Gradebook(self.directory.db_url, self.directory.course_id) as book:
                rows = book.db.query(SubmittedAssignment.student_id, Assignment.name).join(Assignment)
                return {(student, assignment) for student, assignment in rows}
        except (SQLAlchemyError, OSError):
            return set()

    def record(self, one: Submission) -> NotebookNode | None:
        """What the autograded copy says about a submission; None if there is no finished one."""
        path = (
            self.place(self.directory.autograded_directory, one.student, one.assignment) / f"{one.assignment}.ipynb"
        )
        try:
            record = nbformat.read(path, as_version=4).metadata.course
            return record if record.finished else None
        except Exception:
            return None


def accepted(handed_in: HandedIn, given: NotebookNode) -> NotebookNode:
    """The notebook to grade: the student's cells, restored, or empty stubs if they cannot be graded.

    Its first cell shows the notes. Its metadata say what they belong to: ``submitted``, the fingerprint; ``notes``;
    ``refused``, why it cannot be graded; ``finished``, which grading sets.
    """
    refused, notes = handed_in.refused, list(handed_in.notes)
    made = deepcopy(given)
    if not refused:
        try:
            found = intake.notebook(handed_in.content)
            if not recognised(found, given):
                raise NotGradable("The notebook has none of the exercises: hand in the notebook of this assignment.")
            notes += restore(found, given)
            made.cells = found.cells
        except NotGradable as refusal:
            refused = str(refusal)
    known = {cell.source for cell in given.cells}
    if any(
        cell.cell_type != "code" and cell.source not in known and pages.is_active(cell.source) for cell in made.cells
    ):
        notes.append(ACTIVE)
    made.metadata.course = NotebookNode(submitted=handed_in.fingerprint(), notes=[], refused=refused, finished=False)
    if refused:
        made.cells.insert(0, new_markdown_cell(f"**This could not be graded.** {html.escape(refused, quote=False)}"))
    note(made, notes)
    return made


def note(notebook: NotebookNode, sentences: Iterable[str]) -> None:
    """Add notes on grading, in place: for the instructor in the metadata, for the student in the first cell."""
    notes = notebook.metadata.course.notes
    new = [sentence for sentence in sentences if sentence not in notes]
    if not new:
        return
    notes += new
    lines = "\n".join(f"- {html.escape(sentence, quote=False)}" for sentence in notes)
    if not notebook.cells or notebook.cells[0].id != NOTES_ID:
        notebook.cells.insert(0, new_markdown_cell(id=NOTES_ID))
    notebook.cells[0].source = f"**Notes on grading**\n\n{lines}"
