"""A class and some cheats, from the notebooks to the gradebook, by nbgrader's own commands and by one of ours."""

import csv
import html
import importlib.util
import inspect
import logging
import os
import re
import shutil
import socketserver
import subprocess
import sys
import threading
import uuid
from contextlib import suppress
from copy import deepcopy
from hashlib import sha256
from pathlib import Path

import nbformat
import psutil
import pytest
from typer.testing import CliRunner

from course_utils.cli import app
from course_utils.exercises import Kind, NotPassed, Outcome, Verdict, check, exercises, find, solution, stub
from course_utils.lab import notebooks
from course_utils.paths import NOTEBOOKS

pytest.importorskip("nbgrader", reason="the group of dependencies `teach` is not installed")

from a_class import ALL, CLUMSY, HOSTILE, NAME, POINTS, copied, fill_in, honest, merged, write

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")]  # nbgrader's own
PROGRAMS = Path(sys.executable).parent
NAMES = [path.stem for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))]
MIXED = ("04_vision_transformer", "06_augmentation_and_regularisation")  # which have every kind of disaster
ANSWERED = NAMES[::2]  # right answers to all are judged by the tests of the exercises
PATIENCE = 10  # seconds for a cell
CHEATED = "00_attention_recap"
STUDENTS = int(os.environ.get("COURSE_CLASS", "13"))  # COURSE_CLASS=30 also has every attack


def run(folder: Path, program: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
    environment = {
        **os.environ,
        "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
        **variables,
    }
    return subprocess.run(
        [PROGRAMS / program, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """The course folder as `course grade setup` makes it, with an exchange of its own and little patience."""
    folder = tmp_path_factory.mktemp("teacher") / "course"
    made = CliRunner().invoke(app, ["grade", "setup", str(folder)])
    assert made.exit_code == 0, made.output
    assert "course grade run" in made.output
    shutil.copy(folder / "gradebook.db", folder.parent / "empty.db")
    exchange = folder.parent / "exchange"
    exchange.mkdir()
    with (folder / "nbgrader_config.py").open("a") as settings:
        settings.write(f"c.ExamineExercises.cell_seconds = {PATIENCE}\nc.Exchange.root = {str(exchange)!r}\n")
        settings.write(f"c.Exchange.cache = {str(folder.parent / 'cache')!r}\n")
    return folder


def released(course: Path, name: str):
    return nbformat.read(course / "release" / name / f"{name}.ipynb", as_version=4)


def exercise_of(cell) -> str | None:
    return cell.metadata.get("course", {}).get("exercise")


def is_check(cell) -> bool:
    return "check" in cell.metadata.get("course", {})


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


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    refused = CliRunner().invoke(app, ["grade", "setup", str(tmp_path)])
    assert refused.exit_code == 2
    assert "is not empty" in refused.output
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("command", ["setup", "run"])
def test_without_nbgrader_the_command_says_what_to_do(tmp_path, monkeypatch, command):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    refused = CliRunner().invoke(app, ["grade", command, str(tmp_path / "course")])
    assert refused.exit_code == 2
    assert "run `make teach` first" in refused.output
    assert not (tmp_path / "course").exists()


def test_a_folder_that_is_no_course_is_refused_in_a_sentence_and_nothing_is_written(tmp_path):
    refused = CliRunner().invoke(app, ["grade", "run", str(tmp_path)])
    assert refused.exit_code == 2
    assert "is not a course folder" in refused.output
    refused = CliRunner().invoke(app, ["grade", "run", str(tmp_path / "really?")])
    assert (refused.exit_code, "a path with a question mark: choose or rename" in refused.output) == (2, True)
    (tmp_path / "nbgrader_config.py").write_text("import nowhere_at_all")
    refused = CliRunner().invoke(app, ["grade", "run", str(tmp_path)])
    assert refused.exit_code == 2
    assert "cannot be read (No module named 'nowhere_at_all'): correct it." in refused.output
    assert [path.name for path in tmp_path.iterdir()] == ["nbgrader_config.py"]


def test_nothing_is_left_when_the_folder_cannot_be_finished(tmp_path, monkeypatch):
    from course_utils.teaching.grading import course_folder

    def fails(folder):
        raise OSError("no space left")

    (tmp_path / ".writing-4194305-0-course/source").mkdir(parents=True)  # of one that was killed; no such process
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


# -- nbgrader's own commands -------------------------------------------------------------------------------------

ENDLESS = "def {name}({arguments}):\n    while True:\n        pass\n"
SLEEPS = "import time\n\ndef {name}({arguments}):\n    time.sleep(1000)\n"
FAILS = "def {name}({arguments}):\n    return 1 / 0\n"
EXITS = "import os\n\ndef {name}({arguments}):\n    os._exit(7)\n"
LEAVES = "import sys\n\ndef {name}({arguments}):\n    sys.exit(7)\n"
DEVOURS = "import torch\n\ndef {name}({arguments}):\n    return torch.ones(2**36)\n"
WAITS_AT_ONCE = "import time\n\ntime.sleep(1000)\n"
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
    """A disaster in each exercise, as far as there are some."""
    forms = (SLEEPS, FAILS, EXITS, WAITS_AT_ONCE, EXITS_AT_ONCE)
    if name != MIXED[0]:
        forms = (ENDLESS, LEAVES, DEVOURS, HALF_A_CELL)
    return {
        exercise.name: broken(exercise.name, form) for exercise, form in zip(exercises(name[:2]), forms, strict=False)
    }


def hand_in(course: Path, student: str, name: str, notebook) -> None:
    write(course / "submitted" / student / name, notebook, f"{name}.ipynb")


def exchanged(course: Path, student: str, name: str, notebook) -> None:
    """The way through nbgrader's exchange."""
    from jupyter_core.application import NoStart
    from nbgrader.apps.nbgraderapp import NbGraderApp

    def nbgrader(folder: Path, *arguments: str) -> None:
        with pytest.MonkeyPatch.context() as here:
            here.chdir(folder)
            NbGraderApp.clear_instance()
            command = NbGraderApp.instance()
            command.initialize(list(arguments))
            with suppress(NoStart):  # raised when a subcommand has ended
                command.start()
            NbGraderApp.clear_instance()

    desk = course.parent / student
    desk.mkdir()
    (desk / "nbgrader_config.py").write_text((course / "nbgrader_config.py").read_text())
    nbgrader(course, "release_assignment", name)
    nbgrader(desk, "fetch_assignment", name)
    nbformat.write(notebook, desk / name / f"{name}.ipynb")
    nbgrader(desk, "submit", name, "--student", student)
    nbgrader(course, "collect", name)
    assert (course / "submitted" / student / name / "timestamp.txt").exists()


PATCHES = """
import torch
from course_utils.exercises import Kind, Outcome, Verdict, engine
from course_utils.teaching.grading import student_process

message = {"outcome": "passed", "kind": "right", "misconception": None, "message": "patched", \
"results": [torch.ones(1)] * 4}
message |= {"gradients": [], "borrowed": False}
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
    worth = {exercise.name: exercise.points for exercise in exercises(CHEATED[:2])}
    (first, *rest), total = worth, sum(worth.values())
    wrong = {name: broken(name, "def {name}({arguments}):\n    return 0\n") for name in (first, *rest)}

    rewritten = fill_in(released(course, CHEATED), wrong)
    for cell in rewritten.cells:
        if is_check(cell):
            cell.source = "pass"
            cell.metadata.nbgrader.points = 100
            cell.metadata.course.check = "04.patchify"
    yield "rewrites-checks", rewritten, 0

    deleted = fill_in(released(course, CHEATED), {**wrong, first: solution(first)})
    deleted.cells = [c for c in deleted.cells if not is_check(c) and exercise_of(c) != rest[0]]
    yield "deletes-cells", deleted, worth[first]

    stripped = fill_in(released(course, CHEATED), {rest[0]: wrong[rest[0]]})
    for cell in stripped.cells:
        cell.metadata = nbformat.NotebookNode()
    stripped.cells[0].metadata.nbgrader = "nothing that nbgrader writes"
    stripped.cells[1].metadata.nbgrader = nbformat.NotebookNode(grade_id=["a list"], grade=True, points="many")
    yield "loses-its-metadata", stripped, total - worth[rest[0]]

    patched = fill_in(released(course, CHEATED), wrong)
    patched.cells.insert(2, nbformat.v4.new_code_cell("check = lambda name, fn: fn\npassed = lambda name: True\n"))
    patched.cells.insert(3, nbformat.v4.new_code_cell(PATCHES))
    yield "patches-the-check", deepcopy(patched), 0

    patched.cells.insert(4, nbformat.v4.new_code_cell(SENDS))
    yield "sends-verdicts", patched, 0

    borrowed = fill_in(released(course, CHEATED), {first: "from course_utils.attention import attend\n"})
    yield "imports-the-answer", borrowed, total - worth[first]

    helped = fill_in(released(course, CHEATED), {first: solution(first).replace("softmax", "my_softmax")})
    # added between the course's cells, after one that takes too long and beside one that fails
    own = ["import time\n\ntime.sleep(60)", "undefined", "torch.Tensor.my_softmax = torch.Tensor.softmax"]
    helped.cells[2:2] = [nbformat.v4.new_code_cell(source) for source in own]
    yield "writes-a-helper", helped, total


@pytest.fixture(scope="module")
def autograded(course):
    """The course folder after ``nbgrader autograde '*'``, and what that said.

    Right answers to every other notebook, one through the exchange; every disaster; cheats; and among them an editor's
    copied and merged cells.
    """
    for name in ANSWERED:
        (exchanged if name == MIXED[0] else hand_in)(course, "right", name, fill_in(released(course, name), {}))
    for name in MIXED:
        hand_in(course, "mixed", name, fill_in(released(course, name), mixed_answers(name)))
    notebook = fill_in(released(course, NAME), {})
    for edit in (copied, merged):
        edit(notebook)
    hand_in(course, "editor", NAME, notebook)
    earned = {}
    for student, notebook, earned[student] in cheats(course):
        hand_in(course, student, CHEATED, notebook)
    done = run(course, "nbgrader", "autograde", "*")
    return course, done, earned


def test_every_exercise_of_every_student_has_the_points_it_earned(autograded):
    from nbgrader.api import Gradebook

    course, done, earned = autograded
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    expected, found = {}, {}
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        for name in ANSWERED:
            mixed = mixed_answers(name) if name in MIXED else {}
            ids = {
                c.metadata.nbgrader.grade_id: c.metadata.course.check
                for c in released(course, name).cells
                if is_check(c)
            }
            for student in ("right", *(["mixed"] if mixed else []), *(["editor"] if name == NAME else [])):
                for exercise in exercises(name[:2]):
                    lost = student == "mixed" and exercise.name in mixed
                    expected[student, exercise.name] = 0 if lost else exercise.points
                for grade in book.find_submission_notebook(name, name, student).grades:
                    assert not grade.needs_manual_grade
                    found[student, ids[grade.name]] = grade.auto_score
        for student, points in earned.items():
            assert book.find_submission(CHEATED, student).score == points, student
    assert found == expected
    assert 0 in expected.values()


def texts(course: Path, student: str, name: str) -> str:
    """The outputs of an autograded notebook."""
    notebook = nbformat.read(course / "autograded" / student / name / f"{name}.ipynb", as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs)


def test_the_verdicts_say_what_was_wrong(autograded):
    course, *_ = autograded
    found = texts(course, "mixed", MIXED[0])
    for words in (
        "patchify waits without computing",
        "ZeroDivisionError: division by zero",
        "sequence ended the whole process (exit code 7)",
        f"This cell was still running after {PATIENCE} s",
        "This cell ended the whole process (exit code 3)",
        "No function vit_parameters is defined here",
    ):
        assert words in found, words
    found = texts(course, "mixed", MIXED[1])
    for words in ("look for a loop that never ends", "It calls exit()", "can't allocate memory", "SyntaxError"):
        assert words in found, words


def test_nothing_of_the_course_itself_is_run_but_what_exercises_need(autograded):
    """The notebooks' own experiments take minutes; a graded notebook has no output of them."""
    course, *_ = autograded
    for name in ANSWERED:
        notebook = nbformat.read(course / "autograded" / "right" / name / f"{name}.ipynb", as_version=4)
        assert all(is_check(cell) or not cell.get("outputs") for cell in notebook.cells)


# -- a class in one command --------------------------------------------------------------------------------------


class Secret(socketserver.BaseRequestHandler):
    reached = 0

    def handle(self):
        type(self).reached += 1


def fenced() -> bool:
    from course_utils.teaching.grading import fence

    return fence.level() is fence.Level.NAMESPACES


@pytest.fixture(scope="module")
def graded(autograded):
    """The course folder after ``course grade run``, and what it printed, wrote outside and left running."""
    course, *_ = autograded
    attacks = [one for one in HOSTILE if (one.safe or fenced()) and (one.always or STUDENTS >= 30)]
    students = [*CLUMSY, *attacks, *honest(STUDENTS - len(CLUMSY) - len(attacks))]
    with socketserver.TCPServer(("127.0.0.1", 0), Secret) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_CLASS_PORT", str(server.server_address[1]))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for student in students:
            student.hand_in(course / "submitted" / student.name / NAME, fill_in(released(course, NAME), {}))
        expected = {student.name: student.points for student in students}
        first = next(iter(POINTS))
        hand_in(course, "stubs", NAME, released(course, NAME))
        hand_in(course, "misunderstands", NAME, fill_in(released(course, NAME), {first: misunderstood(first)}))
        damaged = course / "submitted" / "damaged" / NAME
        damaged.mkdir(parents=True)
        (damaged / f"{NAME}.ipynb").write_text("{ this is no notebook")
        token, before = uuid.uuid4().hex, checksums(course)
        done = run(course, "course", "grade", "run", "--assignment", "04*", COURSE_CLASS_TOKEN=token)
        server.shutdown()
    print(done.stdout)
    return (
        course,
        done,
        students,
        expected | {"damaged": 0, "stubs": 0, "misunderstands": ALL - POINTS[first]},
        before,
        token,
    )


def checksums(course: Path) -> dict[str, str]:
    """Of every file that grading has no business with: what was handed in and out."""
    made = ("autograded", "feedback", "gradebook.db", "grades.csv", "grading.log")
    files = [path for path in course.rglob("*") if path.relative_to(course).parts[0] not in made]
    return {str(path): sha256(path.read_bytes()).hexdigest() for path in files if path.is_file()}


def states(done) -> dict[str, tuple[str, str]]:
    """By student: the points and the state in the printed table."""
    rows = re.findall(rf"^(\S+) +{NAME} +(\S+) +(.*)$", done.stdout, re.MULTILINE)
    return {student: (points, state) for student, points, state in rows}


def test_a_class_is_graded_to_the_end_and_each_is_named_with_points_and_reason(graded):
    course, done, students, expected, _, _ = graded
    assert done.returncode == 1, done.stderr + done.stdout
    assert "Traceback" not in done.stderr + done.stdout
    found = states(done)
    assert set(found) == {*expected, "right", "mixed", "editor"}
    for student in students:
        points, state = found[student.name]
        assert points == f"{student.points:g}/{ALL}", (student.name, state)
        assert student.told in state, (student.name, state)
        assert (state == "graded") == (not student.told), (student.name, state)
    for name in ("right", "stubs"):
        assert found[name][1] == "graded"
    assert found["damaged"][1].startswith("could not be graded: It cannot be read as a notebook")
    refused = [name for name, (_, state) in found.items() if state.startswith("could not be graded")]
    assert sorted(refused) == ["damaged", "h-linked"]
    assert f"2 of {len(found)} submissions could not be graded." in done.stdout
    with (course / "grades.csv").open() as file:
        rows = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file) if row["assignment"] == NAME}
    assert {name: rows[name] for name in expected} == expected


def test_nothing_is_written_outside_nothing_is_reached_and_nothing_runs_on(graded):
    course, _, students, _, before, token = graded
    assert checksums(course) == before
    assert Secret.reached == 0
    printed = {one.name: texts(course, one.name, NAME).splitlines() for one in students}
    assert not [name for name, lines in printed.items() if "opened the package" in lines]
    running = []
    for process in psutil.process_iter():
        try:
            running += [process] if process.environ().get("COURSE_CLASS_TOKEN") == token else []
        except psutil.Error:
            continue
    assert running == []
    assert not list(course.glob(".staged-*"))


def feedback(course: Path, student: str) -> str:
    return html.unescape((course / "feedback" / student / NAME / f"{NAME}.html").read_text())


def test_the_feedback_says_what_was_wrong_and_carries_no_script(graded):
    course, _, students, _, _, _ = graded
    words = re.sub(r"`([^`]*)`", r"<code>\1</code>", find("04.patchify").misconceptions[0].message)
    assert words in feedback(course, "misunderstands")
    assert "Replace the line <code>raise NotImplementedError</code>" in feedback(course, "stubs")
    assert "NotPassed" not in feedback(course, "right")
    assert "cannot be read as a notebook" in feedback(course, "damaged")
    assert "is a link: hand in the file itself." in feedback(course, "h-linked")
    for student in students:
        if student.told:
            told = re.sub(r"`([^`]*)`", r"<code>\1</code>", student.told)
            assert told in feedback(course, student.name), student.name
    page = (course / "feedback" / "h-script" / NAME / f"{NAME}.html").read_text()
    plain = (course / "feedback" / "right" / NAME / f"{NAME}.html").read_text()
    assert "border-left:4px solid" in page  # the course's own card
    assert page.count("<script") == plain.count("<script")
    assert "onerror" not in page
    linked = (course / "autograded" / "h-linked" / NAME / f"{NAME}.ipynb").read_text()
    assert "BEGIN SOLUTION" not in linked


def test_formgrader_shows_the_same_harmless_text(graded, monkeypatch):
    """With the settings that it loads itself, without its server."""
    from nbconvert.exporters import HTMLExporter
    from nbgrader.server_extensions.formgrader.formgrader import FormgradeExtension

    course, *_ = graded
    monkeypatch.chdir(course)
    extension = FormgradeExtension()
    extension.initialize([])
    path = course / "autograded" / "h-script" / NAME / f"{NAME}.ipynb"
    names = {"base_url": "", "index": 0, "total": 1, "notebook_id": NAME, "assignment_id": NAME}
    page, _ = HTMLExporter(config=extension.config).from_filename(str(path), resources=names)
    assert "Submission 1 / 1" in page
    assert "here" in page
    assert "alert('here')</script>" not in page
    assert "onerror" not in page


# -- the loop, without students' processes -----------------------------------------------------------------------


class Folder:
    """A course folder whose examiner passes everything, but fails or is interrupted where a cell says so."""

    def __init__(self, path: Path, monkeypatch) -> None:
        self.path, self.examined, self.ctrl_c = path, [], False
        monkeypatch.setattr("course_utils.teaching.grading.preprocessors.carry_out", self.carry_out)

    def carry_out(self, steps, folder, limits, preload):
        text = "\n".join(step.text for step in steps)
        self.examined += re.findall(r"I am (\S+)", text)
        if "examiner fails" in text:
            raise RuntimeError("The process for a student's code did not start.\nA second line.")
        if "Ctrl-C" in text and self.ctrl_c:
            raise KeyboardInterrupt
        right = Verdict(Outcome.PASSED, "Right.", Kind.RIGHT)
        return {step.number: right for step in steps if step.kind == "check"}

    def hand_in(self, student: str, text: str = "", name: str = NAME) -> Path:
        notebook = fill_in(released(self.path, NAME), {})
        notebook.cells.insert(2, nbformat.v4.new_code_cell(f"# I am {student} {text}"))
        shutil.rmtree(self.path / "submitted" / student, ignore_errors=True)
        hand_in(self.path, student, name, notebook)
        return self.path / "submitted" / student / name / f"{name}.ipynb"

    def grade(self, *arguments: str):
        """→ the exit code, and the points and states by student; self.examined has who was examined."""
        self.examined.clear()
        done = CliRunner().invoke(app, ["grade", "run", str(self.path), *arguments])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        self.output = done.output
        rows = re.findall(r"^(\S.*?) {2,}(\S+) {2,}(\S+) {2,}(.*)$", done.output, re.MULTILINE)
        return done.exit_code, {student: (points, state) for student, _, points, state in rows[1:]}


@pytest.fixture
def folder(course, tmp_path, monkeypatch) -> Folder:
    for part in ("nbgrader_config.py", "release", "source"):
        copy = shutil.copytree if (course / part).is_dir() else shutil.copy
        copy(course / part, tmp_path / part)
    shutil.copy(course.parent / "empty.db", tmp_path / "gradebook.db")
    return Folder(tmp_path, monkeypatch)


def test_one_submissions_error_is_its_own_outcome_and_the_others_are_graded_once(folder):
    for student in ("anna", "boris", "zoe"):
        folder.hand_in(student, "examiner fails" if student == "boris" else "")
    full = (f"{ALL}/{ALL}", "graded")
    code, found = folder.grade()
    assert (code, found["anna"], found["zoe"]) == (1, full, full)
    reason = "could not be graded: RuntimeError: The process for a student's code did not start"
    assert found["boris"][1] == reason
    assert folder.examined == ["anna", "boris", "zoe"]
    assert "RuntimeError" in (folder.path / "grading.log").read_text()
    page = folder.path / "feedback" / "zoe" / NAME / f"{NAME}.html"
    written = page.stat().st_mtime_ns

    code, again = folder.grade()
    assert (code, again, folder.examined) == (1, found, ["boris"])
    assert page.stat().st_mtime_ns == written
    folder.hand_in("boris")
    folder.hand_in("zoe", "again")
    assert folder.grade() == (0, dict.fromkeys(("anna", "boris", "zoe"), full))
    assert folder.examined == ["boris", "zoe"]
    assert page.stat().st_mtime_ns > written
    folder.grade("--force", "--student", "a*")
    assert folder.examined == ["anna"]


def test_after_ctrl_c_what_was_graded_stays_and_the_same_command_continues(folder):
    for student in ("anna", "boris", "zoe"):
        folder.hand_in(student, "Ctrl-C" if student == "boris" else "")
    folder.ctrl_c = True
    code, found = folder.grade()
    assert (code, found, folder.examined) == (130, {}, ["anna", "boris"])
    assert "the same command continues" in folder.output
    assert sorted(os.listdir(folder.path / "autograded")) == ["anna", "boris"]
    assert not list((folder.path / "autograded" / "boris").iterdir())
    assert not list(folder.path.glob(".staged-*"))
    folder.ctrl_c = False
    assert folder.grade()[0] == 0
    assert folder.examined == ["boris", "zoe"]


def test_a_killed_run_leaves_nothing_that_counts_as_graded(folder, monkeypatch):
    """nbgrader writes the copy before it is graded, and skips what is there."""
    folder.hand_in("anna")
    folder.grade()
    path = folder.path / "autograded" / "anna" / NAME / f"{NAME}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.course.finished = False
    path.chmod(0o644)
    nbformat.write(notebook, path)
    (folder.path / ".staged-999999999-left").mkdir()
    assert folder.grade()[0] == 0
    assert folder.examined == ["anna"]
    assert not list(folder.path.glob(".staged-*"))


def test_what_is_in_no_right_place_is_named_with_what_to_do(folder):
    folder.hand_in("anna")
    folder.hand_in("boris", name="vision_transformer")
    folder.hand_in("excluded")
    with (folder.path / "nbgrader_config.py").open("a") as settings:
        settings.write('c.CourseDirectory.student_id_exclude = "excluded,somebody"\n')
    (folder.path / "submitted" / f"{NAME}.ipynb").write_text("{}")
    (folder.path / "submitted" / "carla").mkdir()
    (folder.path / "submitted" / "carla" / f"{NAME}.ipynb").write_text("{}")
    (folder.path / "submitted" / "<img src=x onerror=alert(1)>").mkdir()
    (folder.path / "submitted" / "linked").symlink_to(folder.path / "submitted" / "anna")
    wrong = folder.path / "submitted" / "[red]\x1b[2J" / NAME
    wrong.mkdir(parents=True)
    (wrong / "<script>alert(1)<script>.zip").write_bytes(b"PK")
    code, found = folder.grade()
    assert code == 1
    assert "excluded" not in found
    assert found["anna"] == (f"{ALL}/{ALL}", "graded")
    assert "There is no assignment vision_transformer: rename the folder to one of 00_" in found["boris"][1]
    assert f"move it to submitted/carla/{NAME}/." in found["carla"][1]
    assert "move it to submitted/STUDENT/ASSIGNMENT/." in found[f"{NAME}.ipynb"][1]
    assert "submitted/linked is a link" in found["linked"][1]
    assert "unpack the archive" in found["[red]�[2J"][1]
    assert "\x1b" not in folder.output
    page = folder.path / "feedback" / wrong.parent.name / NAME / f"{NAME}.html"
    assert "<script>alert(1)" not in page.read_text()
    assert "&lt;script&gt;alert(1)" in page.read_text()


def test_an_earlier_grade_stays_two_runs_do_not_meet_and_a_damaged_gradebook_is_a_sentence(folder):
    from course_utils.files import locked

    folder.hand_in("anna")
    folder.grade()
    folder.hand_in("anna", "examiner fails")
    code, found = folder.grade()
    assert code == 1
    assert found["anna"][0] == f"{ALL}/{ALL}"
    assert not (folder.path / "feedback" / "anna" / NAME / f"{NAME}.html").exists(), "it shows what came before"
    log = (folder.path / "grading.log").read_text()
    with locked(folder.path / "grading.lock", "here"):
        code, _ = folder.grade()
    assert code == 2
    assert "is being graded by process" in folder.output
    assert log == (folder.path / "grading.log").read_text() != ""
    (folder.path / "gradebook.db").write_bytes(b"no database" * 100)
    code, _ = folder.grade()
    assert code == 2
    assert "cannot be used" in folder.output
    assert "restore it, or make a new course folder" in folder.output


def test_a_page_made_before_the_clock_was_set_back_is_made_again(folder):
    folder.hand_in("anna", "at first")
    folder.grade()
    page = folder.path / "feedback" / "anna" / NAME / f"{NAME}.html"
    os.utime(page, (page.stat().st_atime, page.stat().st_mtime + 86_400))
    folder.hand_in("anna", "afterwards")
    assert folder.grade()[0] == 0
    assert "I am anna afterwards" in page.read_text(encoding="utf-8")


def test_a_page_shows_what_was_corrected_by_hand_and_no_other_page_is_made_again(folder):
    from nbgrader.api import Gradebook

    for student in ("anna", "boris"):
        folder.hand_in(student)
    graded = folder.grade()[1]
    page, other = (folder.path / "feedback" / name / NAME / f"{NAME}.html" for name in ("anna", "boris"))
    before = other.stat().st_mtime_ns
    with Gradebook(f"sqlite:///{folder.path / 'gradebook.db'}") as book:
        submission = book.find_submission_notebook(NAME, NAME, "anna")
        submission.grades[0].manual_score = 0.25
        submission.comments[0].manual_comment = "A quarter, for the idea."
        book.db.commit()
    corrected = folder.grade()[1]
    assert folder.examined == []
    assert corrected["boris"] == graded["boris"]
    assert corrected["anna"] != graded["anna"]
    assert "A quarter, for the idea." in page.read_text(encoding="utf-8")
    assert other.stat().st_mtime_ns == before


def test_what_the_gradebook_does_not_know_is_graded_again_and_without_one_nothing_is(folder, course):
    folder.hand_in("anna")
    graded = folder.grade()
    gradebook = folder.path / "gradebook.db"
    shutil.copy(course.parent / "empty.db", gradebook)  # as from a backup
    assert (folder.grade(), folder.examined) == (graded, ["anna"])
    assert f",anna,,,,{ALL}.0," in (folder.path / "grades.csv").read_text()
    gradebook.unlink()
    assert folder.grade()[0] == 2
    assert "There is no gradebook" in folder.output
    assert not gradebook.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_no_text_is_an_outcome_like_any_other(folder):
    folder.hand_in("anna")
    for name in (f"M\udcfcller/{NAME}", f"two\nlines/{NAME}", "anna/L\udcf6sung"):
        shutil.copytree(folder.path / "submitted" / "anna" / NAME, folder.path / "submitted" / name)
    code, found = folder.grade()
    assert (code, folder.examined) == (1, ["anna"])
    assert f"{ALL}/{ALL}   graded" in folder.output
    assert "There is no assignment L�sung: rename the folder" in folder.output
    for name in ("M�ller", "two�lines"):
        assert found[name][1].endswith(f"submitted/{name} has a name that the gradebook cannot take: rename it.")


def test_formgraders_button_grades_one_student_in_the_same_way(folder):
    from nbgrader.apps.api import NbGraderAPI

    from course_utils.teaching.grading.course_folder import opened

    folder.hand_in("anna")
    (folder.hand_in("boris")).write_text("{")
    app = opened(folder.path, logging.getLogger("formgrader"))
    api = NbGraderAPI(coursedir=app.coursedir, parent=app)
    assert api.autograde(NAME, "anna")["success"]
    refused = api.autograde(NAME, "boris")
    assert not refused["success"]
    assert "boris, 04_vision_transformer could not be graded: It cannot be read as a notebook" in refused["log"]
    assert api.generate_feedback(NAME, "boris")["success"]
    assert "This could not be graded." in feedback(folder.path, "boris")


def test_settings_of_an_earlier_version_still_grade(folder):
    settings = (folder.path / "nbgrader_config.py").read_text()
    settings += (
        "from course_utils.grading.preprocessors import ExamineExercises, RestoreCells, SubmissionExporter\n"
        "c.Autograde.exporter_class = SubmissionExporter\n"
        "c.Autograde.sanitize_preprocessors = [RestoreCells, nbgrader.ClearOutput, nbgrader.DeduplicateIds, "
        "nbgrader.OverwriteKernelspec, nbgrader.OverwriteCells, nbgrader.CheckCellMetadata]\n"
    )
    (folder.path / "nbgrader_config.py").write_text(settings)
    folder.hand_in("anna")
    assert folder.grade() == (0, {"anna": (f"{ALL}/{ALL}", "graded")})


def test_a_link_in_the_exchange_is_not_collected(folder, tmp_path_factory, caplog):
    from nbgrader.coursedir import CourseDirectory

    from course_utils.teaching.grading.collect import CollectWithoutLinks

    inbound = tmp_path_factory.mktemp("inbound")
    collect = CollectWithoutLinks(coursedir=CourseDirectory(root=str(folder.path)), log=logging.getLogger("collect"))
    for name in ("plain", "linked", "piped"):
        (inbound / name).mkdir()
        (inbound / name / f"{NAME}.ipynb").write_text("{}")
    (inbound / "linked" / "link.txt").symlink_to(folder.path / "source")
    os.mkfifo(inbound / "piped" / "pipe")
    (inbound / "all").symlink_to(inbound / "plain")
    for name in ("plain", "linked", "piped", "all"):
        collect.do_copy(str(inbound / name), str(folder.path / "submitted" / name))
    assert os.listdir(folder.path / "submitted") == ["plain"]
    assert "linked was not collected: link.txt is a link or not a plain file." in caplog.text
