"""Steps of ``nbgrader autograde`` for the course's notebooks; ``nbgrader_config.py`` lists them."""

from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Float, Integer

from course_utils.console import first_line
from course_utils.lab import notebooks
from course_utils.teaching.grading import submission
from course_utils.teaching.grading.examiner import Limits, carry_out

Resources = dict[str, Any]


class RestoreCells(NbGraderPreprocessor):
    """Restores grading marks and check cells, even if the student changed them."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Change the submission in place."""
        submission.restore(nb, _given(self, resources))
        return nb, resources


class ExamineExercises(NbGraderPreprocessor):
    """Replaces nbgrader's Execute: runs the student's cells and functions in an isolated process, skips the course's
    own experiments, and writes the verdicts as outputs of the check cells.
    """

    cell_seconds = Float(20.0, help="Seconds for each cell by the student.").tag(config=True)
    notebook_seconds = Float(300.0, help="Seconds for the whole notebook.").tag(config=True)
    memory_gib = Integer(4, help="GiB of memory for the student's code, on Linux.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Examine the submission; change it in place."""
        given = _given(self, resources)
        limits = Limits(self.cell_seconds, self.notebook_seconds, self.memory_gib * 2**30)
        folder = Path(resources["metadata"]["path"])
        findings = carry_out(submission.steps(nb, given), folder, limits, _preload())
        submission.write_down(nb, given, findings)
        return nb, resources


class SubmissionExporter(NotebookExporter):
    """Reads a submission. A file that is not a notebook counts as empty stubs, with a note at the top."""

    def from_file(
        self, file_stream: Any, resources: Resources | None = None, **kw: Any
    ) -> tuple[NotebookNode, Resources]:
        """The notebook, converted."""
        assert resources is not None  # nbgrader puts student and assignment in them
        try:
            nb = nbformat.read(file_stream, as_version=4)
            for cell in nb.cells:
                assert isinstance(cell.source, str), "a cell without text"
                assert isinstance(cell.metadata, dict), "a cell without metadata"
        except Exception as error:
            who, what = resources["nbgrader"]["student"], resources["nbgrader"]["notebook"]
            reason = first_line(error)[:200]
            self.log.error(
                "The file %s.ipynb of %s is not a notebook (%s): graded as not attempted.", what, who, reason
            )
            nb = _given(self, resources)
            sentence = (
                f"**The file {what}.ipynb that was handed in cannot be read as a notebook, so nothing was graded.**"
            )
            nb.cells.insert(0, new_markdown_cell(f"{sentence} Hand in the file again, as saved by JupyterLab."))
        return self.from_notebook_node(nb, resources=resources, **kw)  # type: ignore[no-untyped-call]


def _given(parent: Any, resources: Resources) -> NotebookNode:
    """The notebook that was handed out. Raises FileNotFoundError, with what to do, if it is missing."""
    course, names = CourseDirectory(parent=parent), resources["nbgrader"]
    folder = Path(course.format_path(course.release_directory, ".", names["assignment"]))
    path = folder / f"{names['notebook']}.ipynb"
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: run `nbgrader generate_assignment {names['assignment']}` first.")
    return nbformat.read(path, as_version=4)


@cache
def _preload() -> tuple[str, ...]:
    """All imports of the notebooks, so that only the first process waits for them, and the start program."""
    ours = (submission.modules(notebooks.read(notebooks.find(number))) for number in notebooks.numbers())
    return "nbgrader.apps.nbgraderapp", *sorted(set().union(*ours))
