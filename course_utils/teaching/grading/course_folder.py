"""A course folder for nbgrader, made from the notebooks: settings, instructor's and students' versions."""

import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.apps.baseapp import NbGrader
from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException

from course_utils.exercises import find, solution, stub
from course_utils.files import atomic, clear
from course_utils.lab import notebooks

SETTINGS = "nbgrader_config.py"
NOT_IMPLEMENTED = "    raise NotImplementedError\n"

_SETTINGS_TEXT = '''\
"""nbgrader for the course Attention for Vision, made by `course grade setup`. Change it as you like."""

from nbgrader import preprocessors as nbgrader

from course_utils.teaching.grading import pages
from course_utils.teaching.grading.collect import CollectWithoutLinks
from course_utils.teaching.grading.preprocessors import ExamineExercises

c = get_config()
c.CourseDirectory.course_id = "attention-for-vision"
# c.Exchange.root = "/srv/nbgrader/exchange"  # a folder that everyone can write to, if you use nbgrader's exchange

# Limits for a student: an endless loop costs this time, but no points of other exercises.
c.ExamineExercises.cell_seconds = 20
c.ExamineExercises.notebook_seconds = 300
c.ExamineExercises.memory_gib = 4

# In place of a solution, students get the line from the course's stubs.
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}

# Examines the exercises in a separate process, instead of Execute. What was handed in is read and marked before.
c.Autograde.sanitize_preprocessors = [
    nbgrader.OverwriteKernelspec,
    nbgrader.OverwriteCells,
    nbgrader.CheckCellMetadata,
]
c.Autograde.autograde_preprocessors = [
    ExamineExercises,
    nbgrader.LimitOutput,
    nbgrader.SaveAutoGrades,
    nbgrader.AssignLatePenalties,
    nbgrader.CheckCellMetadata,
]

# A text by a student can neither act nor load anything in a page; a link in the exchange is not followed.
pages.apply(c)
c.ExchangeFactory.collect = CollectWithoutLinks
'''


def make(folder: Path) -> list[str]:
    """Make the course folder; → the names of the assignments, one per notebook.

    ``source`` gets the instructor's versions with solutions, and ``release`` the students' versions. Raises
    FileExistsError if the folder is not empty; after any error, no files remain.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} exists and is not empty: choose another folder for the course.")
    clear(folder.parent)  # of what is left when this is killed
    with atomic(folder) as made:
        made.mkdir()
        (made / SETTINGS).write_text(_SETTINGS_TEXT, encoding="utf-8")
        paths = [notebooks.find(number) for number in notebooks.numbers()]
        for path in paths:
            target = made / "source" / path.stem / path.name
            target.parent.mkdir(parents=True)
            nbformat.write(instructors_version(notebooks.read(path)), target)
        _generate(made)
    return [path.stem for path in paths]


def instructors_version(notebook: NotebookNode) -> NotebookNode:
    """Add solutions, marked for nbgrader to remove, and the points of the exercises, in place; → the notebook."""
    for cell in notebook.cells:
        course = cell.metadata.get("course", {})
        if name := course.get("exercise"):
            head = stub(name).removesuffix(NOT_IMPLEMENTED)
            body = solution(name).removeprefix(head).rstrip("\n")
            cell.source = f"{head}    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"
        elif name := course.get("check"):
            cell.metadata.nbgrader.points = find(name).points
    return notebook


def opened(folder: Path, log: logging.Logger) -> NbGrader:
    """nbgrader with the settings of a course folder; its messages go to log.

    Raises FileNotFoundError if it is none, and ValueError for a question mark in its path, which would end the address
    of the gradebook, or if its settings cannot be read.
    """
    if "?" in str(folder):
        raise ValueError("nbgrader finds no gradebook in a path with a question mark: choose or rename the folder.")
    if not (folder / SETTINGS).is_file():
        raise FileNotFoundError(
            f"{folder} is not a course folder, because it has no {SETTINGS}: name one, or make one with `course grade "
            "setup FOLDER`."
        )
    app = NbGrader(log=log)
    app.load_cwd_config, app.raise_config_file_errors = False, True
    try:
        app.initialize([], root=str(folder))
    except (Exception, SystemExit) as error:
        raise ValueError(f"{folder / SETTINGS} cannot be read ({error}): correct it.") from error
    return app


def _generate(folder: Path) -> None:
    """Let nbgrader make the students' versions and the gradebook. Raises OSError if it fails."""
    said = io.StringIO()
    log = logging.Logger("nbgrader", logging.WARNING)
    log.addHandler(logging.StreamHandler(said))
    app = opened(folder, log)
    app.coursedir.assignment_id = "*"
    try:
        with _programs_found():
            GenerateAssignment(coursedir=app.coursedir, parent=app).start()
    except NbGraderException as error:
        raise OSError(f"nbgrader could not make the students' versions:\n{said.getvalue()}") from error


@contextmanager
def _programs_found() -> Iterator[None]:
    """Let nbgrader find alembic, which is next to Python."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before
