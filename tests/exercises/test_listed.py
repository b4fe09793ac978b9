"""The list of exercises that needs no PyTorch says what the exercises themselves say."""

import ast
import inspect
import textwrap

import pytest

from course_utils.exercises import UnknownExercise, exercises, find
from course_utils.exercises.exercise import FORMER_NAMES
from course_utils.exercises.listed import find_listed, listed


def test_the_list_has_every_exercise_in_order():
    assert [(one.name, one.title) for one in listed()] == [(one.name, one.title) for one in exercises()]
    assert [one.name for one in listed("04")] == [one.name for one in exercises("04")]


@pytest.mark.parametrize("exercise", exercises(), ids=lambda exercise: exercise.name)
def test_the_source_in_the_list_is_that_of_the_reference(exercise):
    source = find_listed(exercise.name).source()
    assert source == textwrap.dedent(inspect.getsource(exercise.reference)).rstrip("\n")
    assert isinstance(ast.parse(source).body[0], ast.FunctionDef)


def test_former_names_and_unknown_ones_are_as_in_find():
    for former, present in FORMER_NAMES.items():
        assert find_listed(former).name == present
    for name in ("04.patchfy", "nothing"):
        with pytest.raises(UnknownExercise) as listed_says:
            find_listed(name)
        with pytest.raises(UnknownExercise) as find_says:
            find(name)
        assert str(listed_says.value) == str(find_says.value)
