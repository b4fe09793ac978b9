"""An exercise's cells are made by ``course exercise``, from the exercise alone."""

import copy

import nbformat
import pytest
from typer.testing import CliRunner

from course_utils.cli import app
from course_utils.exercises import exercises, find, stub
from course_utils.lab import notebooks
from course_utils.lab.exercise_cells import KINDS, place

ADVICE = "run `course exercise {0}`, or with --after and the id of the cell before if it has none yet"


def cells_of(notebook, name):
    """The stub, the check, and the place of both."""
    places = [n for n, cell in enumerate(notebook.cells) if name in cell.metadata.get("course", {}).values()]
    return [notebook.cells[n] for n in places], places


@pytest.mark.parametrize("exercise", exercises(), ids=lambda exercise: exercise.name)
def test_the_cells_in_the_notebook_are_those_that_the_command_makes(exercise):
    notebook = notebooks.read(notebooks.find(exercise.name[:2]))
    cells, places = cells_of(notebook, exercise.name)
    assert [n - places[0] for n in places] == [0, 1], ADVICE.format(exercise.name)
    made = copy.deepcopy(notebook)
    place(made, exercise)
    assert cells == cells_of(made, exercise.name)[0], ADVICE.format(exercise.name)
    assert made.cells == notebook.cells


@pytest.mark.parametrize("number", notebooks.numbers())
def test_no_cell_is_of_an_exercise_that_there_is_not(number):
    courses = [cell.metadata.get("course", {}) for cell in notebooks.read(notebooks.find(number)).cells]
    named = {course[kind] for course in courses for kind in KINDS if kind in course}
    unknown = named - {exercise.name for exercise in exercises(number)}
    assert not unknown, f"Notebook {number} has cells of {unknown}: add it to EXERCISES, or take the cells out."


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Notebooks of one's own: the command writes into them."""
    path = tmp_path / notebooks.find("04").name
    path.write_bytes(notebooks.find("04").read_bytes())
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    return path


def run(*arguments):
    return CliRunner().invoke(app, ["exercise", *arguments])


def test_refreshing_what_is_right_changes_not_one_byte(folder):
    before = folder.read_bytes()
    assert run("04.patchify").exit_code == 0
    assert folder.read_bytes() == before


def test_a_spoilt_pair_is_made_anew_where_it_was_and_keeps_its_ids_and_tags(folder):
    before = folder.read_bytes()
    notebook = notebooks.read(folder)
    (stub_cell, check_cell), (first, _) = cells_of(notebook, "04.vit_parameters")
    stub_cell.source = "def vit_parameters(): pass"
    stub_cell.metadata.course.exercise = "04.parameters"  # an earlier edition's name
    stub_cell.metadata.tags = ["demo:parameters"]
    check_cell.metadata.nbgrader.update(points=100, locked=False, grade_id=stub_cell.metadata.nbgrader.grade_id)
    notebook.cells.append(notebook.cells.pop(first + 1))
    nbformat.write(notebook, folder)
    assert "3 points" in run("04.parameters").output
    mended = notebooks.read(folder)
    assert cells_of(mended, "04.vit_parameters")[0][0].metadata.pop("tags") == ["demo:parameters"]
    nbformat.write(mended, folder)
    assert folder.read_bytes() == before


def test_a_new_pair_goes_behind_the_named_cell_with_ids_that_no_other_cell_has(folder):
    notebook = notebooks.read(folder)
    pair, (first, _) = cells_of(notebook, "04.patchify")
    notebook.cells = [cell for cell in notebook.cells if cell not in pair]
    notebook.cells[0].id = "patchify-check"
    nbformat.write(notebook, folder)
    before = notebook.cells[first - 1].id
    assert run("04.patchify", "--after", before).exit_code == 0
    made, places = cells_of(notebooks.read(folder), "04.patchify")
    assert places == [first, first + 1]
    assert [cell.id for cell in made] == ["patchify", "patchify-check-2"]
    assert [cell.metadata.nbgrader.grade_id for cell in made] == ["patchify", "patchify-check-2"]
    assert made[0].source == stub("04.patchify").rstrip()
    assert made[1].metadata.nbgrader.points == find("04.patchify").points


def test_what_the_command_cannot_do_is_one_sentence_and_leaves_the_notebook_alone(folder):
    notebook = notebooks.read(folder)
    pair, _ = cells_of(notebook, "04.patchify")
    notebook.cells = [cell for cell in notebook.cells if cell not in pair]
    nbformat.write(notebook, folder)
    before = folder.read_bytes()
    last = notebook.cells[-1].id
    for arguments, words in (
        (["04.patchify"], f"has no cells in its notebook yet: name the cell that precedes them, --after {last}"),
        (
            ["04.patchify", "--after", "build-patchfy"],
            "No cell has the id 'build-patchfy': did you mean 'build-patchify'?",
        ),
        (["04.patchfy"], "did you mean '04.patchify'?"),
    ):
        refused = run(*arguments)
        assert refused.exit_code == 2
        assert words in " ".join(refused.output.split())
    assert folder.read_bytes() == before
