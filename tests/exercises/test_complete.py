"""What an exercise needs besides its check. A failure says what is missing, and where."""

import ast
import inspect
import re
import textwrap
from dataclasses import replace
from importlib import import_module
from itertools import pairwise

import pytest

from course_utils.exercises import exercises, find
from course_utils.exercises.promises import refuses
from course_utils.lab import notebooks
from course_utils.paths import NOTEBOOKS

EVERY = pytest.mark.parametrize("exercise", exercises(), ids=lambda exercise: exercise.name)
NUMBERS = notebooks.numbers()


@EVERY
def test_an_exercise_is_called_like_its_function_which_the_library_has(exercise):
    reference = exercise.reference
    assert exercise.name[3:] == reference.__name__, (
        f"{exercise.name} asks for {reference.__name__}: call it {exercise.name[:3]}{reference.__name__}, and note the "
        "old name in FORMER_NAMES of course_utils/exercises/exercise.py if students have seen it."
    )
    module = reference.__module__
    assert re.match(r"course_utils\.(?!exercises)", module), (
        f"{reference.__name__} is defined in {module}: move it to where the library uses it, outside exercises."
    )
    assert getattr(import_module(module), reference.__name__) is reference


def test_three_hints_are_needed():
    exercise = find("04.patchify")
    with pytest.raises(ValueError, match=r"04\.patchify has 2 hints: write at least three"):
        replace(exercise, hints=exercise.hints[:2])


def unkept(exercise) -> str | None:
    """An error that the docstring promises or the reference raises, and that no promise tries."""
    lines, first = inspect.getsourcelines(exercise.reference)
    tree = ast.parse(textwrap.dedent("".join(lines)))
    raises = {first + node.lineno - 1 for node in ast.walk(tree) if isinstance(node, ast.Raise)}
    kinds, reached = set(), set()

    def watched(*arguments):
        try:
            return exercise.reference(*arguments)
        except Exception as error:
            kinds.add(type(error).__name__)
            reached.add(error.__traceback__.tb_next.tb_lineno)  # in the reference, behind this function
            raise

    for promise in exercise.promises:
        promise.broken(watched)
    promised = set(re.findall(r"Raises\s+(\w+)", inspect.getdoc(exercise.reference)))
    if promised - kinds or raises - reached:
        what = ", ".join(promised - kinds) or f"the error of line {min(raises - reached)}"
        return f"Nothing holds a student of {exercise.name} to {what}: add refuses(…) to its promises."
    if kinds - promised:
        return f"{exercise.name} is held to {', '.join(kinds - promised)}: say in its docstring when it is raised."
    return None


@EVERY
def test_every_error_that_a_docstring_promises_is_asked_for(exercise):
    assert unkept(exercise) is None


def test_an_error_that_nothing_asks_for_is_noticed():
    exercise = find("04.attention_bytes")
    assert "to ValueError: add refuses(…)" in unkept(replace(exercise, promises=()))
    patchify = find("04.patchify")
    assert unkept(patchify) is None
    says_nothing = replace(patchify, promises=(refuses("there is no image", None, 4, kind=Exception),))
    assert "say in its docstring" in unkept(says_nothing)


@EVERY
def test_instructors_are_told_what_students_get_wrong(exercise):
    page = (NOTEBOOKS / "INSTRUCTOR.md").read_text(encoding="utf-8")
    chapter = page.split(f"\n## {exercise.name[:2]} ")[1].split("\n## ")[0]
    lines = chapter.split("**They get wrong**")[1].split("\n**")[0]
    assert re.search(rf"^- .+`{re.escape(exercise.name)}`", lines, re.MULTILINE), (
        f"“They get wrong” in chapter {exercise.name[:2]} of notebooks/INSTRUCTOR.md says nothing of {exercise.name}: "
        "add a line with its most frequent mistake."
    )


@pytest.mark.parametrize("number", NUMBERS)
def test_exercises_stand_in_the_order_of_their_notebook_each_below_its_question(number):
    cells = notebooks.read(notebooks.find(number)).cells
    order = [find(name).name for name in notebooks.exercises_of(notebooks.read(notebooks.find(number)))]
    listed = [exercise.name for exercise in exercises(number)]
    package = import_module(exercises(number)[0].cases.__module__).__package__
    assert listed == order, f"EXERCISES of {package} has another order than notebook {number}: {', '.join(order)}."
    for before, cell in pairwise(cells):
        if name := cell.metadata.get("course", {}).get("exercise"):
            assert "**Exercise" in before.source, (
                f"Nothing asks for {name}: put a text with “**Exercise.** …” right before its stub in notebook "
                f"{number}."
            )


@EVERY
def test_a_later_cell_uses_what_a_student_has_written(exercise):
    cells = notebooks.read(notebooks.find(exercise.name[:2])).cells
    names = [cell.metadata.get("course", {}).get("check") for cell in cells]
    later = cells[names.index(exercise.name) + 1 :] if exercise.name in names else []
    used = {
        node.id
        for cell in later
        if cell.cell_type == "code" and not {"exercise", "check"} & set(cell.metadata.get("course", {}))
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Name)
    }
    assert exercise.function in used, (
        f"No cell after the check of {exercise.name} uses {exercise.function}: add one to notebook {exercise.name[:2]} "
        "that computes something with it."
    )
