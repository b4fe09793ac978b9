"""The parts of a submitted notebook that grading runs, and the results that it writes into it."""

import ast
import re
from collections.abc import Iterator

from nbformat import NotebookNode
from nbformat.v4 import new_output

from course_utils.exercises import Exercise, Kind, Verdict, find
from course_utils.exercises.report import Report
from course_utils.teaching.grading.examiner import LEFT_RUNNING, Findings
from course_utils.teaching.grading.intake import shown
from course_utils.teaching.grading.restore import statements
from course_utils.teaching.grading.student_process import Step

REFUSED_BY_THE_SYSTEM = re.compile(r"^(?:\S+: .*\[Errno -?\d+\].*|(?:sqlite3\.)?OperationalError: .*)$", re.MULTILINE)
STOPPED = re.compile(r"This (?:cell|notebook) (.+?)\.(?: Everything else.*)?$", re.MULTILINE)


class Graded(Report):
    """A verdict in the form for the feedback."""

    @property
    def lines(self) -> tuple[str, ...]:
        """Only the sentence below the heading."""
        return (self.verdict.message,)


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
        course, new = cell.metadata.get("course", {}), cell.source.strip() not in known
        if "check" in course:
            found.append(Step(number, "check", course["check"]))
        elif "exercise" in course:
            if new or "nbgrader" in cell.metadata:  # not the stub beside an answer
                found.append(Step(number, "run", cell.source))
        elif _declares(cell.source):
            found.append(Step(number, "run", cell.source))
        elif new:
            found.append(Step(number, "extra", cell.source))
    return found


def write_down(submitted: NotebookNode, given: NotebookNode, findings: Findings) -> None:
    """Write the findings below the cells, in place: nbgrader reads the points there, and the student the reasons.

    An exercise that passes any of its checks, if there are several, has its points.
    """
    known = {cell.source.strip() for cell in given.cells}
    checks = {number: found for number, found in findings.items() if isinstance(found, Verdict)}
    passed = {
        submitted.cells[number].metadata.course.check: found for number, found in checks.items() if found.passed
    }
    for number, cell in enumerate(submitted.cells):
        found = findings.get(number, "")
        if number in checks:
            exercise, graded = find(cell.metadata.course.check), "nbgrader" in cell.metadata
            verdict = passed.get(cell.metadata.course.check, checks[number]) if graded else checks[number]
            if graded or verdict.kind is not Kind.LENT:
                cell.outputs = [_card(Graded(exercise, verdict))]
            if graded and not verdict.passed:
                cell.outputs.append(_no_points(exercise))
        elif found and cell.source.strip() not in known:
            cell.outputs = [new_output("stream", name="stdout", text=found)]


def write_no_points(submitted: NotebookNode) -> None:
    """Give no points for any exercise, in place, without running anything."""
    for cell in submitted.cells:
        if name := cell.metadata.get("course", {}).get("check"):
            cell.outputs = [_no_points(find(name))]


def incidents(submitted: NotebookNode, found: list[Step], findings: Findings) -> Iterator[str]:
    """Sentences on cells that were stopped, or refused something by the system, and on answers that are not answers."""
    for step in found:
        text = findings.get(step.number)
        if step.number >= 0 and step.is_cell and isinstance(text, str):
            yield from _incident(submitted.cells[step.number].source, text)
    lent = [
        find(cell.metadata.course.check).function
        for number, cell in enumerate(submitted.cells)
        if isinstance(verdict := findings.get(number), Verdict)
        and verdict.kind is Kind.LENT
        and "nbgrader" in cell.metadata
    ]
    if lent:
        yield f"{', '.join(f'`{name}`' for name in lent)}: the answer is, or calls, the course's own version."


def _incident(source: str, text: str) -> Iterator[str]:
    begins = next(line for line in source.splitlines() if line.strip()).strip().replace("`", "")
    if text.endswith(LEFT_RUNNING):
        yield LEFT_RUNNING.strip()
    if stopped := STOPPED.match(text):
        yield f"The cell that begins `{shown(begins, 50)}` {shown(stopped[1], 200)}."
    elif refused := REFUSED_BY_THE_SYSTEM.findall(text):
        reason = shown(refused[-1].rstrip("."), 200)
        yield f"The cell that begins `{shown(begins, 50)}` met a limit of grading: {reason}."


def modules(notebook: NotebookNode) -> set[str]:
    """Names of the modules that a notebook imports."""
    nodes = [node for cell in notebook.cells if cell.cell_type == "code" for node in _statements(cell.source)]
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


def _card(graded: Graded) -> NotebookNode:
    return new_output("display_data", {"text/html": graded._repr_html_(), "text/plain": repr(graded)})


def _no_points(exercise: Exercise) -> NotebookNode:
    """nbgrader gives no points for a cell with an error."""
    words = f"0 of {exercise.points} points"
    return new_output("error", ename="NotPassed", evalue=words, traceback=[f"NotPassed: {words}"])


def _imports(source: str) -> bool:
    return any(isinstance(node, ast.Import | ast.ImportFrom) for node in _statements(source))


def _declares(source: str) -> bool:
    """Whether the cell only imports, and defines functions and classes."""
    kinds = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef
    return all(isinstance(node, kinds) for node in _statements(source))


def _statements(source: str) -> list[ast.stmt]:
    """The cell's statements; a single empty one if the cell is not plain Python."""
    found = statements(source)
    return [ast.Pass()] if found is None else found
