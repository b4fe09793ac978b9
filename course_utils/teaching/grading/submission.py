"""The parts of a submitted notebook that grading runs, and the results that it writes into it."""

import ast
from collections.abc import Iterator
from copy import deepcopy

from nbformat import NotebookNode
from nbformat.v4 import new_output

from course_utils.exercises import Verdict, find
from course_utils.exercises.report import Report
from course_utils.teaching.grading.examiner import Findings
from course_utils.teaching.grading.student_process import Step


class Graded(Report):
    """A verdict in the form for the feedback."""

    @property
    def lines(self) -> tuple[str, ...]:
        """Only the sentence below the heading."""
        return (self.verdict.message,)


def restore(submitted: NotebookNode, given: NotebookNode) -> None:
    """Restore the grading metadata of the submission's cells from the notebook that was handed out, in place.

    It recognises a cell by its grade_id or by its Jupyter id. A check cell also gets its original source; a missing
    one is added at the end.
    """
    marked = {cell.metadata.nbgrader.grade_id: cell for cell in given.cells if "nbgrader" in cell.metadata}
    by_id = {cell.id: grade_id for grade_id, cell in marked.items()}
    seen = set()
    for cell in submitted.cells:
        mark = cell.metadata.pop("nbgrader", None)
        grade_id = str(mark.get("grade_id")) if isinstance(mark, dict) else None
        if grade_id not in marked:
            grade_id = by_id.get(str(cell.get("id")))
        if grade_id is not None and cell.cell_type == "code":
            cell.metadata.update(deepcopy(marked[grade_id].metadata))
            if cell.metadata.nbgrader.grade:
                cell.source = marked[grade_id].source
            seen.add(grade_id)
    for grade_id, cell in marked.items():
        if cell.metadata.nbgrader.grade and grade_id not in seen:
            submitted.cells.append(deepcopy(cell))
            if (submitted.nbformat, submitted.nbformat_minor) < (4, 5):  # cells had no id before that version
                del submitted.cells[-1]["id"]


def steps(submitted: NotebookNode, given: NotebookNode) -> list[Step]:
    """The steps to grade a restored submission; a step has the number of its cell, or -1 - n for one of ours.

    The course's own imports come first, even if the student changed them. Cells of the course are skipped, especially
    long training, except cells that only define functions. The student's cells run: exercises and extra cells.
    """
    ours = [cell for cell in given.cells if cell.cell_type == "code"]
    known = {cell.source.strip() for cell in ours}
    imports = [cell.source for cell in ours if _imports(cell.source)]
    found = [Step(-1 - n, "run", source) for n, source in enumerate(imports)]
    for number, cell in enumerate(submitted.cells):
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        if cell.metadata.get("nbgrader", {}).get("grade"):
            found.append(Step(number, "check", cell.metadata.course.check))
        elif cell.metadata.get("nbgrader") or _declares(cell.source):
            found.append(Step(number, "run", cell.source))
        elif cell.source.strip() not in known:
            found.append(Step(number, "extra", cell.source))
    return found


def write_down(submitted: NotebookNode, given: NotebookNode, findings: Findings) -> None:
    """Write the findings below the cells, in place: nbgrader reads the points there, and the student the reasons."""
    known = {cell.source.strip() for cell in given.cells}
    for number, cell in enumerate(submitted.cells):
        if cell.cell_type != "code":
            continue
        found = findings.get(number, "")
        if isinstance(found, Verdict):
            cell.outputs = list(_outputs_of(Graded(find(cell.metadata.course.check), found)))
        elif found and cell.source.strip() not in known:
            cell.outputs = [new_output("stream", name="stdout", text=found)]


def modules(notebook: NotebookNode) -> set[str]:
    """Names of the modules that a notebook imports."""
    nodes = [node for cell in notebook.cells if cell.cell_type == "code" for node in _statements(cell.source)]
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


def _outputs_of(graded: Graded) -> Iterator[NotebookNode]:
    yield new_output("display_data", {"text/html": graded._repr_html_(), "text/plain": repr(graded)})
    if not graded.verdict.passed:
        # nbgrader gives no points for a cell with an error.
        words = f"0 of {graded.exercise.points} points"
        yield new_output("error", ename="NotPassed", evalue=words, traceback=[f"NotPassed: {words}"])


def _imports(source: str) -> bool:
    return any(isinstance(node, ast.Import | ast.ImportFrom) for node in _statements(source))


def _declares(source: str) -> bool:
    """Whether the cell only imports, and defines functions and classes."""
    kinds = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef
    return all(isinstance(node, kinds) for node in _statements(source))


def _statements(source: str) -> list[ast.stmt]:
    """The cell's statements; a single empty one if the cell is not plain Python."""
    try:
        return ast.parse(source).body
    except SyntaxError:
        return [ast.Pass()]
