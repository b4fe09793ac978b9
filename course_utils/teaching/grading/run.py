"""A class graded in one go: autograde, feedback and grades, and what became of each submission."""

import logging
import os
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters.base import NbGraderException
from nbgrader.plugins import CsvExportPlugin
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from course_utils.console import first_line
from course_utils.teaching.grading.converters import GradeEach, WriteFeedback
from course_utils.teaching.grading.course import Course, Outcome, State
from course_utils.teaching.grading.course_folder import opened
from course_utils.teaching.grading.intake import Submission

LOG, GRADES = "grading.log", "grades.csv"


def grade(
    folder: Path, student: str, assignment: str, force: bool, announce: Callable[[str, str, str], None]
) -> list[Outcome]:
    """Grade what was handed in and is not graded yet, write its feedback and grades.csv; → all outcomes, in order.

    student and assignment are patterns such as ``*``; force: grade again what is graded; announce is called with what
    is done next, to whom and to which assignment. Raises FileNotFoundError if nothing matches, if folder is not a
    course folder, or if its gradebook is missing. A submission's error becomes its outcome; after Ctrl-C, what was
    graded stays. nbgrader's own messages go to grading.log.
    """
    log = logging.Logger("grading")
    log.addHandler(logging.NullHandler())  # until the folder is known to be a course
    app = opened(folder, log)
    _need_gradebook(app.coursedir.db_url)
    # Opened by the first message, which comes when no other run writes to it.
    log.addHandler(logging.FileHandler(folder / LOG, "w", "utf-8", delay=True, errors="backslashreplace"))
    app.coursedir.student_id, app.coursedir.assignment_id = student, assignment
    course = Course(app.coursedir)
    handed_in = course.submissions()
    if not handed_in:
        raise FileNotFoundError(
            f"{folder / 'submitted'} has nothing of {student} for {assignment}: copy what was handed in to "
            "submitted/STUDENT/ASSIGNMENT/."
        )
    refused: dict[tuple[str, str], str] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nbgrader's own, of its database
        for does, converter in (("grading", GradeEach), ("writing feedback for", WriteFeedback)):
            made = converter(coursedir=app.coursedir, parent=app)
            made.force, made.announce = force, partial(announce, does)
            with suppress(NbGraderException):
                made.start()
            refused |= made.refused
        try:
            with Gradebook(app.coursedir.db_url, app.coursedir.course_id) as book:
                CsvExportPlugin(parent=app, to=str(folder / GRADES)).export(book)
                return [_outcome(one, course, book, refused.get((one.student, one.assignment))) for one in handed_in]
        except SQLAlchemyError as error:
            raise OSError(
                f"The gradebook {app.coursedir.db_url} cannot be used ({first_line(error)}): restore it, or make a new "
                "course folder."
            ) from error


def _need_gradebook(address: str) -> None:
    """Raise FileNotFoundError without its file: in a new one, nbgrader would know no assignment."""
    database = make_url(address)
    path = database.database
    if database.get_backend_name() == "sqlite" and path and not (os.path.isfile(path) and os.path.getsize(path)):
        raise FileNotFoundError(f"There is no gradebook {path}: restore it, or make a new course folder.")


def _outcome(one: Submission, course: Course, book: Gradebook, reason: str | None) -> Outcome:
    try:
        scored = book.find_submission(one.assignment, one.student)
        points, most = max(0.0, scored.score - scored.late_submission_penalty), scored.max_score
    except (MissingEntry, UnicodeEncodeError):  # of a name that the gradebook cannot take
        points = most = None
    record = course.record(one)
    notes = tuple(record.notes) if record else ()
    if reason or record is None:
        return Outcome(
            one.student, one.assignment, State.NOT, (reason or "it was not reached.", *notes), points, most
        )
    return Outcome(one.student, one.assignment, State.NOTED if notes else State.GRADED, notes, points, most)
