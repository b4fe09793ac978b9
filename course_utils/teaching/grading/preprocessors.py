"""Steps of ``nbgrader autograde`` for the course's notebooks; ``nbgrader_config.py`` puts them in their places."""

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

from course_utils.lab import notebooks
from course_utils.teaching.grading import submission
from course_utils.teaching.grading.examiner import Limits, carry_out

Resources = dict[str, Any]


class RestoreCells(NbGraderPreprocessor):
    """Grading marks and check cells as they were handed out, whatever the submission made of them."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Change the submission in place."""
        submission.restore(nb, _given(self, resources))
        return nb, resources


class ExamineExercises(NbGraderPreprocessor):
    """In the place of nbgrader's Execute: the student's cells and functions are run in a fenced process, the course's
    own experiments are not run at all, and the verdicts become the outputs of the check cells.
    """

    cell_seconds = Float(20.0, help="Seconds for each cell that the student wrote.").tag(config=True)
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
    """Reads a submission. A file that is not a notebook counts as empty stubs, and a sentence on top says so."""

    def from_file(
        self, file_stream: Any, resources: Resources | None = None, **kw: Any
    ) -> tuple[NotebookNode, Resources]:
        """The notebook, converted."""
        assert resources is not None  # nbgrader names student and assignment in them
        try:
            nb = nbformat.read(file_stream, as_version=4)
            for cell in nb.cells:
                assert isinstance(cell.source, str), "a cell without text"
                assert isinstance(cell.metadata, dict), "a cell without metadata"
        except Exception as error:
            who, what = resources["nbgrader"]["student"], resources["nbgrader"]["notebook"]
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            self.log.error("The file %s.ipynb of %s is no notebook (%s): graded as not attempted.", what, who, reason)
            nb = _given(self, resources)
            sentence = (
                f"**The file {what}.ipynb that was handed in cannot be read as a notebook, so nothing was graded.**"
            )
            nb.cells.insert(0, new_markdown_cell(f"{sentence} Hand in the file again, as JupyterLab saved it."))
        return self.from_notebook_node(nb, resources=resources, **kw)  # type: ignore[no-untyped-call]


def _given(parent: Any, resources: Resources) -> NotebookNode:
    """The notebook that was handed out. Raises FileNotFoundError, with what to do, when it is gone."""
    course, names = CourseDirectory(parent=parent), resources["nbgrader"]
    folder = Path(course.format_path(course.release_directory, ".", names["assignment"]))
    path = folder / f"{names['notebook']}.ipynb"
    if not path.exists():
        raise FileNotFoundError(f"{path} is gone: run `nbgrader generate_assignment {names['assignment']}` first.")
    return nbformat.read(path, as_version=4)


@cache
def _preload() -> tuple[str, ...]:
    """What any notebook imports, so that only the first process waits for it; and the program that starts them."""
    ours = (submission.modules(notebooks.read(notebooks.find(number))) for number in notebooks.numbers())
    return "nbgrader.apps.nbgraderapp", *sorted(set().union(*ours))
