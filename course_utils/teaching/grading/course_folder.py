"""A course folder for nbgrader, made from the notebooks: settings, instructor's and students' versions."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils.exercises import find, solution, stub
from course_utils.files import atomic
from course_utils.lab import notebooks

SETTINGS = "nbgrader_config.py"
NOT_IMPLEMENTED = "    raise NotImplementedError\n"

_SETTINGS_TEXT = '''\
"""nbgrader for the course Attention for Vision, made by `course grade setup`. Change it as you like."""

from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbgrader import preprocessors as nbgrader

from course_utils.teaching.grading.preprocessors import ExamineExercises, RestoreCells, SubmissionExporter

c = get_config()
c.CourseDirectory.course_id = "attention-for-vision"
# c.Exchange.root = "/srv/nbgrader/exchange"  # a folder that everyone can write to, if you use nbgrader's exchange

# Limits for a student: an endless loop costs this time, but no points of other exercises.
c.ExamineExercises.cell_seconds = 20
c.ExamineExercises.notebook_seconds = 300
c.ExamineExercises.memory_gib = 4

# In place of a solution, students get the line from the course's stubs.
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}

# Restores the grading marks of a submission, then examines its exercises in a separate process, instead of Execute.
c.Autograde.exporter_class = SubmissionExporter
c.Autograde.sanitize_preprocessors = [
    RestoreCells,
    nbgrader.ClearOutput,
    nbgrader.DeduplicateIds,
    nbgrader.OverwriteKernelspec,
    nbgrader.OverwriteCells,
    nbgrader.CheckCellMetadata,
]
c.Autograde.autograde_preprocessors = [
    ExamineExercises,
    ClearMetadataPreprocessor,
    nbgrader.LimitOutput,
    nbgrader.SaveAutoGrades,
    nbgrader.AssignLatePenalties,
    nbgrader.CheckCellMetadata,
]
'''


def make(folder: Path) -> list[str]:
    """Make the course folder; → the names of the assignments, one per notebook.

    ``source`` gets the instructor's versions with solutions, and ``release`` the students' versions. Raises
    FileExistsError if the folder is not empty; after any error, no files remain.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f"{folder} exists and is not empty: choose another folder for the course.")
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


def _generate(folder: Path) -> None:
    """Let nbgrader make the students' versions and the gradebook. It calls alembic, which is next to Python."""
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", "*"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"nbgrader could not make the students' versions:\n{done.stderr}")
