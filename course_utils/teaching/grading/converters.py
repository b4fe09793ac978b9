"""nbgrader's converters for the course: each submission ends as graded or as could not be graded, and the next follows.

A submission is first copied to a place of its own, as plain data, with its exercises marked again; nbgrader sees only
this copy.
"""

import glob
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, BaseConverter, GenerateFeedback
from nbgrader.converters.base import NbGraderException
from nbgrader.utils import rmtree
from traitlets.config import Config

from course_utils import files
from course_utils.console import first_line
from course_utils.teaching.grading import fence, pages
from course_utils.teaching.grading.course import Course, accepted
from course_utils.teaching.grading.intake import NotGradable, Submission, shown

STAGED = ".staged-"


class _EachAlone(BaseConverter):
    """Converts each submission by itself. ``refused`` has the reasons of those that could not be converted."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.refused: dict[tuple[str, str], str] = {}
        self.announce: Callable[[str, str], None] = lambda student, assignment: None  # called before each

    def convert_each(self, submissions: Iterable[tuple[str, str, Callable[[], None]]]) -> None:
        """Convert them; a submission is a student, an assignment and what to do.
        Raises NbGraderException at the end."""
        for student, assignment, convert in submissions:
            self.announce(student, assignment)
            try:
                convert()
            except NotGradable as refusal:
                self.refused[student, assignment] = str(refusal)
            except Exception as error:
                self.log.debug("An error in one submission:", exc_info=True)
                self.refused[student, assignment] = shown(f"{type(error).__name__}: {first_line(error)}", 300)
        if self.refused:
            for (student, assignment), reason in self.refused.items():
                self.log.error("%s, %s could not be graded: %s", shown(student), shown(assignment), reason)
            raise NbGraderException(f"{len(self.refused)} submissions could not be graded.")

    def convert_one(self, student: str, assignment: str) -> None:
        """nbgrader's steps for one submission; after an error or Ctrl-C nothing is left of it."""
        try:
            self.run_pre_convert_hook()
            self.init_assignment(assignment, student)
            for path in self.notebooks:
                self.convert_single_notebook(path)
            self.set_permissions(assignment, student)
            self.run_post_convert_hook()
        except BaseException:
            shutil.rmtree(self._format_dest(assignment, student), ignore_errors=True)
            raise


class GradeEach(_EachAlone, Autograde):
    """``nbgrader autograde``: skips what is graded and unchanged, grades everything else."""

    def start(self) -> None:
        """Grade the submissions that the course directory selects."""
        root = Path(self.coursedir.root)
        with files.locked(root / "grading.lock", f"{root} is being graded"):
            said = fence.missing()
            self.log.warning(said) if said else self.log.info(fence.described())
            files.clear(root, STAGED)
            with TemporaryDirectory(dir=root, prefix=f"{STAGED}{os.getpid()}-") as staged:
                self.staged, self.course = Path(staged), Course(self.coursedir)
                super().start()

    @property
    def _input_directory(self) -> str:
        return self.staged.name if self._sanitizing else self.coursedir.autograded_directory

    def init_notebooks(self) -> None:
        """List the submissions. Raises NbGraderException if there are none."""
        self.handed_in, self.scored = self.course.submissions(), self.course.scored()
        if not self.handed_in:
            self.log.error("%s has no such submission.", self.course.submitted("*", "*").parent.parent)
            raise NbGraderException("no submissions")

    def convert_notebooks(self) -> None:
        """Grade them all, each by itself."""
        self.convert_each((one.student, one.assignment, partial(self.grade, one)) for one in self.handed_in)

    def grade(self, one: Submission) -> None:
        """Grade one submission, unless that is done. Raises NotGradable, also for one that was refused before."""
        handed_in = self.course.look(one)
        record = self.course.record(one)
        known = (one.student, one.assignment) in self.scored
        if self.force or record is None or not known or record.submitted != handed_in.fingerprint():
            record = self.grade_anew(one, handed_in)
        if record.refused:
            raise NotGradable(record.refused)

    def grade_anew(self, one: Submission, handed_in: Any) -> Any:
        """Grade one submission; → its record."""
        # The page too: if grading fails now, nothing would make it again, and it would show an earlier submission.
        for step in (self.coursedir.autograded_directory, self.coursedir.feedback_directory):
            made = self.course.place(step, one.student, one.assignment)
            if os.path.lexists(made):
                rmtree(str(made))
        notebook = accepted(handed_in, self.course.given(one.assignment))
        folder = Path(self._format_source(one.assignment, one.student))
        folder.mkdir(parents=True)
        self.notebooks = [str(folder / f"{one.assignment}.ipynb")]
        nbformat.write(notebook, self.notebooks[0])
        if handed_in.timestamp:
            (folder / "timestamp.txt").write_text(handed_in.timestamp, encoding="utf-8")
        try:
            self.convert_one(one.student, one.assignment)
        finally:
            shutil.rmtree(folder)
        return notebook.metadata.course


class WriteFeedback(_EachAlone, GenerateFeedback):
    """``nbgrader generate_feedback``: a page is made again when what it shows has changed, by grading or by hand."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        harmless = Config()
        pages.apply(harmless)
        self.update_config(harmless)

    def init_notebooks(self) -> None:
        """List the autograded notebooks. Raises NbGraderException if there are none."""
        folders = glob.glob(self._format_source(self.coursedir.assignment_id, self.coursedir.student_id))
        found = {folder: glob.glob(f"{glob.escape(folder)}/*.ipynb") for folder in folders}
        self.assignments = {folder: paths for folder, paths in found.items() if paths}
        if not self.assignments:
            self.log.error("No autograded notebook matches.")
            raise NbGraderException("no notebooks")

    def convert_notebooks(self) -> None:
        """Make all pages, each by itself."""
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as self.gradebook:
            self.convert_each(
                (*self.names(folder), partial(self.write, folder)) for folder in sorted(self.assignments)
            )

    def names(self, folder: str) -> tuple[str, str]:
        """The student and the assignment of a folder."""
        pattern = self._format_source("(?P<assignment>.*)", "(?P<student>.*)", escape=True)
        found = re.match(pattern, folder)
        assert found is not None, f"{folder} is none of {pattern}"
        return found["student"], found["assignment"]

    def write(self, folder: str) -> None:
        """Make one page, unless there is one that ends with the mark of what it would show."""
        student, assignment = self.names(folder)
        self.notebooks = sorted(self.assignments[folder])
        page = Path(self._format_dest(assignment, student)) / f"{assignment}.html"
        mark = f"\n<!-- {self.shows(student, assignment)} -->\n".encode()
        if not self.force and page.is_file() and page.read_bytes().endswith(mark):
            return
        if page.parent.exists():
            rmtree(page.parent)
        self.convert_one(student, assignment)
        mode = page.stat().st_mode
        page.chmod(mode | stat.S_IWUSR)
        with page.open("ab") as file:
            file.write(mark)
        page.chmod(mode)

    def shows(self, student: str, assignment: str) -> str:
        """The SHA-256 of what a page shows: notebooks, points and comments, also those that were given by hand."""
        digest = hashlib.sha256()
        for path in self.notebooks:
            digest.update(Path(path).read_bytes())
        submission = self.gradebook.find_submission(assignment, student)
        said: list[Any] = [submission.late_submission_penalty]
        for notebook in submission.notebooks:
            said += sorted(
                (each.name, each.score, each.max_score, each.extra_credit or 0) for each in notebook.grades
            )
            said += sorted((each.name, each.comment or "") for each in notebook.comments)
        digest.update(repr(said).encode())
        return digest.hexdigest()


def install() -> None:
    """Let nbgrader's commands and formgrader use these converters."""
    for module, name, ours in (
        ("autogradeapp", "Autograde", GradeEach),
        ("generatefeedbackapp", "GenerateFeedback", WriteFeedback),
        ("api", "Autograde", GradeEach),
        ("api", "GenerateFeedback", WriteFeedback),
    ):
        setattr(import_module(f"nbgrader.apps.{module}"), name, ours)
