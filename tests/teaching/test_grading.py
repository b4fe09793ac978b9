"""A class of three and some cheats, from the notebooks to the gradebook, by nbgrader's own commands."""

import csv
import html
import importlib.util
import inspect
import os
import re
import subprocess
import sys
import time
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from course_utils.cli import app
from course_utils.exercises import NotPassed, check, exercises, find, solution, stub
from course_utils.lab import notebooks
from course_utils.paths import NOTEBOOKS

pytest.importorskip("nbgrader", reason="the group of dependencies `teach` is not installed")
pytestmark = pytest.mark.slow
NAMES = [path.stem for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))]
ALL_AT_ONCE = "04_vision_transformer"  # a notebook that has every kind of disaster
CHEATED = "00_attention_recap"
UNTOUCHED = NAMES[::4]  # what stubs hands in: every stub is judged by the tests of the checks


def nbgrader(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    binaries = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [Path(binaries) / "nbgrader", *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """The course folder as `course grade setup` makes it, with an exchange of its own and little patience."""
    folder = tmp_path_factory.mktemp("teacher") / "course"
    made = CliRunner().invoke(app, ["grade", "setup", str(folder)])
    assert made.exit_code == 0, made.output
    exchange = folder.parent / "exchange"
    exchange.mkdir()
    with (folder / "nbgrader_config.py").open("a") as settings:
        settings.write(f"c.ExamineExercises.cell_seconds = 4\nc.Exchange.root = {str(exchange)!r}\n")
        settings.write(f"c.Exchange.cache = {str(folder.parent / 'cache')!r}\n")
    return folder


def released(course: Path, name: str):
    return nbformat.read(course / "release" / name / f"{name}.ipynb", as_version=4)


def exercise_of(cell) -> str | None:
    return cell.metadata.get("course", {}).get("exercise")


def fill_in(notebook, answers: dict[str, str]):
    """The notebook with these answers, and the right ones everywhere else."""
    for cell in notebook.cells:
        if name := exercise_of(cell):
            cell.source = answers.get(name, solution(name))
    return notebook


# -- what is handed out ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_what_is_handed_out_is_the_notebook_cell_by_cell_and_holds_no_solution(course, name):
    given, original = released(course, name), notebooks.read(NOTEBOOKS / f"{name}.ipynb")
    assert [(c.id, c.cell_type, c.source) for c in given.cells] == [
        (c.id, c.cell_type, c.source) for c in original.cells
    ]
    text = (course / "release" / name / f"{name}.ipynb").read_text()
    for exercise in exercises(name[:2]):
        body = solution(exercise.name).removeprefix(
            stub(exercise.name).removesuffix("    raise NotImplementedError\n")
        )
        lines = [line for line in body.splitlines() if line.strip()]
        assert lines
        own = next(cell for cell in given.cells if exercise_of(cell) == exercise.name)
        assert not [line for line in lines if line in own.source.splitlines()]
        assert not [cell.id for cell in given.cells if body.strip() in cell.source]
        assert "BEGIN SOLUTION" not in text
        source = (course / "source" / name / f"{name}.ipynb").read_text()
        assert "BEGIN SOLUTION" in source


def is_check(cell) -> bool:
    return "check" in cell.metadata.get("course", {})


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    refused = CliRunner().invoke(app, ["grade", "setup", str(tmp_path)])
    assert refused.exit_code == 2
    assert "is not empty" in refused.output
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_without_nbgrader_the_command_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    refused = CliRunner().invoke(app, ["grade", "setup", str(tmp_path / "course")])
    assert refused.exit_code == 2
    assert "run `make teach` first" in refused.output
    assert not (tmp_path / "course").exists()


def test_nothing_is_left_when_the_folder_cannot_be_finished(tmp_path, monkeypatch):
    from course_utils.teaching.grading import course_folder

    def fails(folder):
        raise OSError("no space left")

    monkeypatch.setattr(course_folder, "_generate", fails)
    with pytest.raises(OSError, match="no space left"):
        course_folder.make(tmp_path / "course")
    assert not list(tmp_path.iterdir())


def test_without_the_courses_settings_nbgrader_gives_a_stub_no_points(monkeypatch, tmp_path):
    """nbgrader takes a cell without an error for one that passed."""
    monkeypatch.setenv("COURSE_STATE", str(tmp_path))
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    reference = find("04.patchify").reference

    def right(images, patch_size):
        return reference(images, patch_size)

    assert check("04.patchify", right) is right
    with pytest.raises(NotPassed, match=r"04\.patchify"):
        check("04.patchify", lambda images, patch_size: None)


# -- a class -----------------------------------------------------------------------------------------------------

ENDLESS = "def {name}({arguments}):\n    while True:\n        pass\n"
SLEEPS = "import time\n\ndef {name}({arguments}):\n    time.sleep(1000)\n"
FAILS = "def {name}({arguments}):\n    return 1 / 0\n"
EXITS = "import os\n\ndef {name}({arguments}):\n    os._exit(7)\n"
LEAVES = "import sys\n\ndef {name}({arguments}):\n    sys.exit(7)\n"
DEVOURS = "import torch\n\ndef {name}({arguments}):\n    return torch.ones(2**36)\n"
LOOPS_AT_ONCE = "while True:\n    pass\n"
EXITS_AT_ONCE = "import os\n\nos._exit(3)\n"
HALF_A_CELL = "def {name}({arguments}:\n"


def broken(exercise: str, form: str) -> str:
    reference = find(exercise).reference
    bare = [p.replace(annotation=p.empty) for p in inspect.signature(reference).parameters.values()]
    return form.format(name=reference.__name__, arguments=", ".join(map(str, bare)))


def misunderstood(exercise: str) -> str:
    """The first known wrong answer, as a cell."""
    name = find(exercise).reference.__name__
    return f'from course_utils.exercises import find\n\n{name} = find("{exercise}").misconceptions[0].spellings[0]\n'


def mixed_answers(name: str) -> dict[str, str]:
    """Broken answers to some of the notebook's exercises, one disaster or all of them."""
    names = [exercise.name for exercise in exercises(name[:2])]
    if name == ALL_AT_ONCE:
        forms = (SLEEPS, FAILS, EXITS, LOOPS_AT_ONCE, EXITS_AT_ONCE)
        return {exercise: broken(exercise, form) for exercise, form in zip(names, forms, strict=False)}
    forms = (ENDLESS, FAILS, EXITS, LEAVES, DEVOURS, LOOPS_AT_ONCE, EXITS_AT_ONCE, HALF_A_CELL)
    form = forms[NAMES.index(name) % len(forms)]
    return {names[0]: broken(names[0], form), names[1]: misunderstood(names[1])}


PATCHES = """
import torch
from course_utils.exercises import Kind, Outcome, Verdict, engine
from course_utils.teaching.grading import student_process

message = {"outcome": "passed", "kind": "right", "misconception": None, "message": "patched", "results": [torch.ones(1)] * 4}
student_process._check = lambda names, exercise_name: message
engine.examine = student_process.examine = lambda *_: Verdict(Outcome.PASSED, "patched", Kind.RIGHT)
torch.allclose = torch.equal = lambda *args, **kwargs: True
"""

SENDS = """
import gc
from multiprocessing.connection import Connection

for thing in gc.get_objects():
    if isinstance(thing, Connection) and thing.writable:
        for _ in range(20):
            thing.send_bytes(student_process.pack(message))
"""


def cheats(course: Path):
    """(student, notebook, points earned honestly)."""
    first, *rest = (exercise.name for exercise in exercises(CHEATED[:2]))
    wrong = {name: broken(name, "def {name}({arguments}):\n    return 0\n") for name in (first, *rest)}
    points = {exercise.name: exercise.points for exercise in exercises(CHEATED[:2])}

    rewritten = fill_in(released(course, CHEATED), wrong)
    for cell in rewritten.cells:
        if is_check(cell):
            cell.source = "pass"
            cell.metadata.nbgrader.points = 100
            cell.metadata.course.check = "04.patchify"
    yield "rewrites-checks", rewritten, 0

    deleted = fill_in(released(course, CHEATED), {**wrong, first: solution(first)})
    deleted.cells = [c for c in deleted.cells if not is_check(c) and exercise_of(c) != rest[0]]
    yield "deletes-cells", deleted, points[first]

    stripped = fill_in(released(course, CHEATED), {rest[0]: wrong[rest[0]]})
    for cell in stripped.cells:
        cell.metadata = nbformat.NotebookNode()
    stripped.cells[0].metadata.nbgrader = "nothing that nbgrader writes"
    stripped.cells[1].metadata.nbgrader = nbformat.NotebookNode(grade_id=["a list"], grade=True, points="many")
    yield "loses-its-metadata", stripped, sum(points.values()) - points[rest[0]]

    patched = fill_in(released(course, CHEATED), wrong)
    patched.cells.insert(2, nbformat.v4.new_code_cell("check = lambda name, fn: fn\npassed = lambda name: True\n"))
    patched.cells.insert(3, nbformat.v4.new_code_cell(PATCHES))
    yield "patches-the-check", deepcopy(patched), 0

    patched.cells.insert(4, nbformat.v4.new_code_cell(SENDS))
    yield "sends-verdicts", patched, 0

    borrowed = fill_in(released(course, CHEATED), {first: "from course_utils.attention import attend\n"})
    yield "imports-the-answer", borrowed, sum(points.values()) - points[first]

    helped = fill_in(released(course, CHEATED), {first: solution(first).replace("softmax", "my_softmax")})
    # added between the course's cells, after one that takes too long and beside one that fails
    own = ["import time\n\ntime.sleep(60)", "undefined", "torch.Tensor.my_softmax = torch.Tensor.softmax"]
    helped.cells[2:2] = [nbformat.v4.new_code_cell(source) for source in own]
    yield "writes-a-helper", helped, sum(points.values())


def hand_in(course: Path, student: str, name: str, notebook) -> None:
    folder = course / "submitted" / student / name
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{name}.ipynb")


def exchanged(course: Path, student: str, name: str, notebook) -> None:
    """The way through nbgrader's exchange."""
    desk = course.parent / student
    desk.mkdir()
    (desk / "nbgrader_config.py").write_text((course / "nbgrader_config.py").read_text())
    fetched = nbgrader(desk, "fetch_assignment", name)
    assert fetched.returncode == 0, fetched.stderr
    nbformat.write(notebook, desk / name / f"{name}.ipynb")
    submitted = nbgrader(desk, "submit", name, "--student", student)
    assert submitted.returncode == 0, submitted.stderr


@pytest.fixture(scope="module")
def graded(course):
    """The course folder after the three commands, with what autograde said and the points hoped for."""
    expected: dict[tuple[str, str], float] = {}
    assert nbgrader(course, "release_assignment", ALL_AT_ONCE).returncode == 0
    for name in NAMES:
        points = {exercise.name: exercise.points for exercise in exercises(name[:2])}
        mixed = mixed_answers(name)
        for student, notebook, lost in (
            ("right", fill_in(released(course, name), {}), []),
            ("stubs", released(course, name), list(points)),
            ("mixed", fill_in(released(course, name), mixed), list(mixed)),
        ):
            if student == "stubs" and name not in UNTOUCHED:
                continue
            (exchanged if name == ALL_AT_ONCE else hand_in)(course, student, name, notebook)
            for exercise, worth in points.items():
                expected[student, exercise] = 0 if exercise in lost else worth
    collected = nbgrader(course, "collect", ALL_AT_ONCE)
    assert collected.returncode == 0, collected.stderr
    for student, notebook, total in cheats(course):
        hand_in(course, student, CHEATED, notebook)
        expected[student, "total"] = total
    damaged = course / "submitted" / "damaged" / CHEATED
    damaged.mkdir(parents=True)
    (damaged / f"{CHEATED}.ipynb").write_text("{ this is no notebook")
    expected["damaged", "total"] = 0

    times = {}
    for command in ("autograde", "generate_feedback", "export"):
        started = time.perf_counter()
        done = nbgrader(course, command, *(["*"] if command != "export" else []))
        times[command] = time.perf_counter() - started
        assert done.returncode == 0, done.stderr
        if command == "autograde":
            log = done.stderr
    print({command: round(seconds, 1) for command, seconds in times.items()})
    return course, log, expected


def test_every_exercise_of_every_student_has_the_points_it_earned(graded):
    from nbgrader.api import Gradebook

    course, _, expected = graded
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        found = {}
        for name in NAMES:
            ids = {
                c.metadata.nbgrader.grade_id: c.metadata.course.check
                for c in released(course, name).cells
                if is_check(c)
            }
            for student in ("right", "mixed", *(["stubs"] if name in UNTOUCHED else [])):
                for grade in book.find_submission_notebook(name, name, student).grades:
                    assert not grade.needs_manual_grade
                    found[student, ids[grade.name]] = grade.auto_score
    wanted = {key: points for key, points in expected.items() if key[1] != "total"}
    assert found == wanted
    assert {points for (student, _), points in wanted.items() if student == "mixed"} > {0}


def test_a_submission_that_tampers_is_graded_by_the_original(graded):
    course, _, expected = graded
    with (course / "grades.csv").open() as file:
        rows = {
            row["student_id"]: float(row["score"]) for row in csv.DictReader(file) if row["assignment"] == CHEATED
        }
    wanted = {student: points for (student, key), points in expected.items() if key == "total"}
    assert {student: rows[student] for student in wanted} == wanted


def test_a_file_that_is_no_notebook_is_one_sentence_and_stops_nobody(graded):
    course, log, _ = graded
    assert len(re.findall(r"00_attention_recap.ipynb of damaged is not a notebook", log)) == 1
    assert "Traceback" not in log
    assert "cannot be read as a notebook" in feedback(course, "damaged", CHEATED)


def feedback(course: Path, student: str, name: str) -> str:
    return html.unescape((course / "feedback" / student / name / f"{name}.html").read_text())


def test_the_feedback_says_what_was_wrong(graded):
    course, _, _ = graded
    for name in NAMES:
        page = feedback(course, "mixed", name)
        second = exercises(name[:2])[1]
        if name != ALL_AT_ONCE:
            words = re.sub(r"`([^`]*)`", r"<code>\1</code>", second.misconceptions[0].message)
            assert words in page, name
        if name in UNTOUCHED:
            assert "Replace the line <code>raise NotImplementedError</code>" in feedback(course, "stubs", name)
        assert "NotPassed" not in feedback(course, "right", name)
    page = feedback(course, "mixed", ALL_AT_ONCE)
    for words in (
        "patchify waits without computing",
        "ZeroDivisionError: division by zero",
        "sequence ended the whole process (exit code 7)",
        "This cell was still running after 4 s",
        "This cell ended the whole process (exit code 3)",
        "No function vit_parameters is defined here",
    ):
        assert words in page, words


def test_nothing_of_the_course_itself_is_run_but_what_exercises_need(graded):
    """The notebooks' own experiments take minutes; a graded notebook has no output of them."""
    course, _, _ = graded
    for name in NAMES:
        notebook = nbformat.read(course / "autograded" / "right" / name / f"{name}.ipynb", as_version=4)
        assert all(is_check(cell) or not cell.get("outputs") for cell in notebook.cells)
