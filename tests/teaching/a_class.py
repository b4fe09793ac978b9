"""A class that hands in one notebook: honest students, students whose editor did something, and hostile ones."""

import os
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_utils.exercises import exercises, find, solution

NAME = "04_vision_transformer"
NAMES = [exercise.name for exercise in exercises("04")]
POINTS = {exercise.name: exercise.points for exercise in exercises("04")}
ALL = sum(POINTS.values())


@dataclass(frozen=True)
class Student:
    """What a student hands in, what it earns, and what the instructor is told about it."""

    name: str
    hand_in: Callable[[Path, NotebookNode], None]  # given the folder and a notebook with every answer
    points: float = ALL
    told: str = ""
    safe: bool = True  # without a fence around it
    always: bool = True  # also in a small class; test_fence.py tries the others too


def cell_of(notebook: NotebookNode, name: str, kind: str = "exercise") -> int:
    return next(n for n, cell in enumerate(notebook.cells) if cell.metadata.get("course", {}).get(kind) == name)


def write(folder: Path, notebook: NotebookNode, name: str = f"{NAME}.ipynb") -> None:
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / name)


def fill_in(notebook: NotebookNode, answers: dict[str, str]) -> NotebookNode:
    """The notebook with these answers, and the right ones everywhere else."""
    for cell in notebook.cells:
        if name := cell.metadata.get("course", {}).get("exercise"):
            cell.source = answers.get(name, solution(name))
    return notebook


def edited(edit: Callable[[NotebookNode], None]) -> Callable[[Path, NotebookNode], None]:
    def hand_in(folder: Path, notebook: NotebookNode) -> None:
        edit(notebook)
        write(folder, notebook)

    return hand_in


def with_cell(source: str) -> Callable[[Path, NotebookNode], None]:
    """One more cell, after the imports; {course} is the folder of the course, {port} a server of ours."""

    def hand_in(folder: Path, notebook: NotebookNode) -> None:
        names = {"{course}": str(folder.parents[2]), "{port}": os.environ.get("COURSE_CLASS_PORT", "9")}
        text = source
        for name, value in names.items():
            text = text.replace(name, value)
        notebook.cells.insert(2, new_code_cell(text))
        write(folder, notebook)

    return hand_in


# -- what an editor does -------------------------------------------------------------------------------------------


def copied(notebook: NotebookNode) -> None:
    place = cell_of(notebook, NAMES[0])
    copy = deepcopy(notebook.cells[place])
    copy.id = "copy"
    notebook.cells.insert(place, copy)


def split(notebook: NotebookNode) -> None:
    place = cell_of(notebook, NAMES[0])
    half = deepcopy(notebook.cells[place])
    half.id, notebook.cells[place].source = "half", "first_half = True"
    notebook.cells.insert(place + 1, half)


def deleted(notebook: NotebookNode) -> None:
    del notebook.cells[cell_of(notebook, NAMES[0])]


def merged(notebook: NotebookNode) -> None:
    place = cell_of(notebook, NAMES[0])
    notebook.cells[place].source += "\n\n" + notebook.cells.pop(cell_of(notebook, NAMES[0], "check")).source


def renamed(folder: Path, notebook: NotebookNode) -> None:
    write(folder, notebook, f"{NAME} (1).ipynb")


CLUMSY = [
    Student("c-copied", edited(copied), told="Several cells define `patchify`"),
    Student("c-deleted", edited(deleted), ALL - POINTS[NAMES[0]], "No cell defines `patchify`"),
    Student("c-merged", edited(merged), told="The check of `patchify` was in one cell with other code"),
    Student("c-renamed", renamed, told=f"The notebook was handed in as {NAME} (1).ipynb"),
    Student("c-split", edited(split), told="The cell of `patchify` is there several times"),
]

# -- what somebody may try -----------------------------------------------------------------------------------------

HALF_A_MESSAGE = """
import gc, os, struct, time
from multiprocessing.connection import Connection

for thing in gc.get_objects():
    if isinstance(thing, Connection) and thing.writable:
        os.write(thing.fileno(), struct.pack("!i", 1_000_000) + b"half")
time.sleep(1000)
"""
KILLS_ITS_PARENTS = """
import os, signal, psutil

above = [process.pid for process in psutil.Process().parents() if process.pid > 1]
for pid in above or [os.getppid()]:
    os.kill(pid, signal.SIGKILL)
os.kill(os.getpid(), signal.SIGKILL)
"""
WRITES_OTHERS = (
    'open("{course}/submitted/z-victim/04_vision_transformer/04_vision_transformer.ipynb", "w").write("{")'
)
GRADEBOOK = """
import sqlite3

with sqlite3.connect("{course}/gradebook.db") as book:
    book.execute("UPDATE grade SET manual_score = 100")
"""
EDITS_THE_PACKAGE = """
from course_utils.teaching.grading import examiner

with open(examiner.__file__, "r+") as source:
    print("opened the package")
"""
DAEMON = """
import os, time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for second in range(600):
            time.sleep(1)
            try:
                open("{course}/submitted/daemon.txt", "a").write("alive")
            except OSError:
                pass
    os._exit(0)
time.sleep(0.5)
"""
FORKS = """
import os, time

for number in range(400):
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)
"""
NETWORK = """
import socket

socket.create_connection(("127.0.0.1", {port}), timeout=3).sendall(b"the solutions")
"""


def linked(folder: Path, notebook: NotebookNode) -> None:
    folder.mkdir(parents=True)
    (folder / f"{NAME}.ipynb").symlink_to(folder.parents[2] / "source" / NAME / f"{NAME}.ipynb")


def scripted(notebook: NotebookNode) -> None:
    notebook.cells.insert(1, new_markdown_cell("<script>alert('here')</script>\n\n<img src=x onerror=alert(1)>"))


def wrapped(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        if name := cell.metadata.get("course", {}).get("exercise"):
            function = find(name).function
            cell.source = (
                "from course_utils.exercises import find\n\n"
                f'borrowed = find("{name}").reference\n\n\n'
                f"def {function}(*arguments, borrowed=borrowed, **others):\n    return borrowed(*arguments, **others)\n"
            )


HOSTILE = [
    Student("h-edits-package", with_cell(EDITS_THE_PACKAGE), told="met a limit of grading", safe=False, always=False),
    Student("h-forks", with_cell(FORKS), told="The cell that begins", safe=False, always=False),
    Student("h-gradebook", with_cell(GRADEBOOK), told="met a limit of grading", safe=False),
    Student("h-half-a-message", with_cell(HALF_A_MESSAGE), told="The cell that begins"),
    Student("h-kills", with_cell(KILLS_ITS_PARENTS), told="The cell that begins", safe=False, always=False),
    Student("h-linked", linked, 0, "is a link: hand in the file itself."),
    Student("h-network", with_cell(NETWORK), told="met a limit of grading", safe=False, always=False),
    Student("h-script", edited(scripted), told="A text cell contains a script"),
    Student("h-stays", with_cell(DAEMON), told="left another process running", safe=False, always=False),
    Student("h-wraps", edited(wrapped), 0, "the course's own version"),
    Student("h-writes-others", with_cell(WRITES_OTHERS), told="met a limit of grading", safe=False),
]


def honest(number: int) -> list[Student]:
    """The first and the last of the class are honest, so that whatever happens between must leave them alone."""
    names = [f"a-honest-{n:02d}" for n in range(number - 1)] + ["z-victim"]
    return [Student(name, write) for name in names]
