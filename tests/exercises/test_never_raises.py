"""Whatever a student's function is, does or returns: a verdict, the reference lent, and a notebook that goes on."""

import contextlib
import functools
import math
import re
import time
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from course_utils import exercises as course
from course_utils.exercises import Outcome, check, checking, examine, exercises, find
from course_utils.exercises.as_if import completed
from course_utils.exercises.observe import copied
from course_utils.exercises.time_limit import TimedOut, run_limited


class Shapeless:
    """Has nothing that a tensor has, and complains of every question."""

    def __getattr__(self, name):
        raise RuntimeError(f"no {name} here")

    def __eq__(self, other):
        raise RuntimeError("no comparing")

    __hash__ = None

    def __repr__(self):
        raise RuntimeError("no telling")


class Proud(Tensor):
    """A tensor that lets nobody compute with it."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        raise RuntimeError("hands off")


class Unspeakable(Exception):
    def __str__(self):
        raise ValueError("this error cannot even be said")


def recursive_list():
    endless = []
    endless.append(endless)
    return endless


def recursion(*args, **kwargs):
    return recursion(*args, **kwargs)


def says(result):
    return lambda *args, **kwargs: result() if callable(result) else result


def raising(error):
    def student(*args, **kwargs):
        raise error

    return student


def generator(*args, **kwargs):
    yield from args


def mutates(*args, **kwargs):
    for each in args:
        if isinstance(each, Tensor) and not each.is_floating_point():
            each.zero_()
        elif isinstance(each, Tensor):
            each.add_(1)
        elif isinstance(each, list):
            each.clear()
    return args[0]


def asks(*args, **kwargs):
    return input("How many heads? ")


def forgets_the_second_case(exercise):
    calls = []

    def student(*args, **kwargs):
        calls.append(args)
        return exercise.reference(*args, **kwargs) if len(calls) == 1 else 0

    return student


HOSTILE = {
    "returns 0": says(0),
    "returns None": says(None),
    "returns a string": says("done"),
    "returns nested lists": says([[1, [2, [3]]], [[]]]),
    "returns a list that holds itself": says(recursive_list),
    "returns an object without shape": says(Shapeless),
    "returns an enormous tensor": says(lambda: torch.zeros(1).expand(10**12)),
    "makes an enormous tensor": says(lambda: torch.empty(10**14)),
    "returns a sparse tensor": says(lambda: torch.eye(3).to_sparse()),
    "returns a complex tensor": says(lambda: torch.ones(2, dtype=torch.complex64)),
    "returns a meta tensor": says(lambda: torch.ones(2, device="meta")),
    "returns a proud tensor": says(lambda: torch.ones(2).as_subclass(Proud)),
    "returns a nested tensor": says(lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])),
    "returns NaN": says(float("nan")),
    "returns a number of 30,000 digits": says(2**100_000),
    "returns a dictionary": says({"output": 1}),
    "raises": raising(ValueError("no")),
    "raises what cannot be said": raising(Unspeakable()),
    "raises SystemExit": raising(SystemExit()),
    "recurses": recursion,
    "waits for input": asks,
    "mutates": mutates,
    "returns a generator": generator,
    "is a partial": functools.partial(says(1), 1),
    "is a class": Shapeless,
    "is no function": 3,
}


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_STATE", str(tmp_path))
    monkeypatch.setattr(checking, "_verdicts", {})


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_no_function_makes_any_check_raise_and_none_of_these_passes(name, capsys):
    for exercise in exercises():
        assert check(exercise.name, HOSTILE[name]) is exercise.reference
        verdict = checking._verdicts[exercise.name]
        assert verdict.outcome in (Outcome.NOT_YET, Outcome.NOT_ATTEMPTED), f"{exercise.name}: {verdict.message}"


def loops(*args, **kwargs):
    while True:
        pass


def sleeps(*args, **kwargs):
    time.sleep(100)


@pytest.mark.slow
@pytest.mark.parametrize(("student", "word"), [(loops, "never ends"), (sleeps, "waits")])
def test_what_does_not_end_is_given_up_in_words_of_its_own(student, word):
    for exercise in exercises()[::9]:
        verdict = examine(replace(exercise, seconds=0.1), student)
        assert verdict.outcome is Outcome.NOT_YET
        assert word in verdict.message


def test_nothing_is_begun_after_code_that_is_late_although_it_was_not_told_to_stop():
    begun = []

    def steps():
        for number in range(1000):
            begun.append(number)
            with contextlib.suppress(BaseException):
                while True:
                    pass
            yield

    with pytest.raises(TimedOut) as late:
        run_limited(steps(), 0.1)
    assert late.value.stopped
    assert begun == [0]


def test_an_answer_that_is_wrong_in_its_second_case_only_is_caught_in_every_exercise():
    for exercise in exercises():
        verdict = examine(exercise, functools.wraps(exercise.reference)(forgets_the_second_case(exercise)))
        assert verdict.outcome is Outcome.NOT_YET, exercise.name
        assert verdict.right >= 1, exercise.name


def stores_without(exercise, left_out):
    """A right answer that keeps its results by the shapes and numbers of all arguments but one."""
    stored = {}

    def student(*args):
        named = zip(exercise.arguments, completed(exercise, args), strict=True)
        values = [value.shape if isinstance(value, Tensor) else value for name, value in named if name != left_out]
        key = re.sub("0x[0-9a-f]+", "", str(values))  # functions are the same wherever they are
        return stored.setdefault(key, exercise.reference(*args))

    return functools.wraps(exercise.reference)(student)


@pytest.mark.parametrize("exercise", exercises(), ids=lambda exercise: exercise.name)
def test_an_answer_that_returns_what_it_stored_for_another_value_of_an_argument_is_caught(exercise):
    case = exercise.all_cases()[0]
    told = {name for name, value in zip(exercise.arguments, case, strict=False) if not callable(value)}
    if exercise.name == "08.unpartition":
        told -= {"height", "width"}  # each follows from the other and the number of windows
    passed = {name for name in told if examine(exercise, stores_without(exercise, name)).passed}
    assert passed == set()


@pytest.mark.parametrize("exercise", exercises(), ids=lambda exercise: exercise.name)
def test_a_result_that_is_nan_throughout_is_called_so_and_blamed_on_no_other_mistake(exercise):
    lost = False

    def student(*args):
        nonlocal lost
        result = exercise.reference(*args)
        lost = isinstance(result, Tensor) and result.is_floating_point()
        return result * math.nan if lost else result

    verdict = examine(exercise, functools.wraps(exercise.reference)(student))
    assert not lost or "NaN" in verdict.message


def test_a_fault_of_the_check_itself_is_no_mistake_of_the_students(monkeypatch, capsys):
    from course_utils.exercises import engine

    def broken(*_):
        raise ZeroDivisionError("in the course's own code")

    monkeypatch.setattr(engine, "difference", broken)
    student = functools.wraps(torch.tril)(lambda tokens: torch.ones(tokens, tokens).bool().tril())
    del student.__wrapped__
    assert check("00.causal_mask", student) is find("00.causal_mask").reference
    printed = capsys.readouterr().out
    assert "could not be judged" in printed
    assert "report" in printed
    row = next(row for row in course.progress("00") if row.name == "00.causal_mask")
    assert row.attempts == 0


def test_arguments_are_copied_as_they_lie_in_memory():
    expanded = torch.rand(1, 4).expand(3, 4)
    transposed = torch.rand(4, 3).mT
    for tensor in (expanded, transposed):
        twin = copied(tensor)
        assert torch.equal(twin, tensor)
        assert twin.stride() == tensor.stride()
        assert twin.untyped_storage().data_ptr() != tensor.untyped_storage().data_ptr()
