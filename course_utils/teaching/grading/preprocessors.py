"""Steps of ``nbgrader autograde`` for the course's notebooks; ``nbgrader_config.py`` lists them."""

from functools import cache
from typing import Any

from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Float, Integer

from course_utils.lab import notebooks
from course_utils.teaching.grading import converters, submission
from course_utils.teaching.grading.course import Course, note
from course_utils.teaching.grading.examiner import Limits, carry_out

Resources = dict[str, Any]
converters.install()  # settings import this module, so nbgrader's commands, and formgrader, use the course's converters


class ExamineExercises(NbGraderPreprocessor):
    """Replaces nbgrader's Execute: runs the student's cells and functions in an isolated process, skips the course's
    own experiments, and writes the verdicts as outputs of the check cells.
    """

    cell_seconds = Float(20.0, help="Seconds for each cell by the student.").tag(config=True)
    notebook_seconds = Float(300.0, help="Seconds for the whole notebook.").tag(config=True)
    memory_gib = Integer(4, help="GiB of memory for the student's code, on Linux.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Examine the submission, unless it could not be read; change it in place."""
        if nb.metadata.course.refused:
            submission.write_no_points(nb)
        else:
            self.examine(nb, Course(CourseDirectory(parent=self)), resources["nbgrader"])
        nb.metadata.course.finished = True
        return nb, resources

    def examine(self, nb: NotebookNode, course: Course, names: dict[str, str]) -> None:
        """Run and judge the student's code, beside a copy of the other files that were handed in."""
        given = course.given(names["assignment"])
        found = submission.steps(nb, given)
        limits = Limits(self.cell_seconds, self.notebook_seconds, self.memory_gib * 2**30)
        folder = course.submitted(names["student"], names["assignment"])
        findings = carry_out(found, folder, limits, _preload())
        submission.write_down(nb, given, findings)
        note(nb, submission.incidents(nb, found, findings))


class RestoreCells(NbGraderPreprocessor):
    """Does nothing; settings made by earlier versions name it, and ``converters`` now restores the cells."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """The notebook as it is."""
        return nb, resources


class SubmissionExporter(NotebookExporter):
    """nbconvert's; settings made by earlier versions name it, and ``converters`` now reads the files."""


@cache
def _preload() -> tuple[str, ...]:
    """All imports of the notebooks, so that only the first process waits for them, and the start programs."""
    ours = (submission.modules(notebooks.read(notebooks.find(number))) for number in notebooks.numbers())
    return "nbgrader.apps.nbgraderapp", "course_utils.cli", *sorted(set().union(*ours))
