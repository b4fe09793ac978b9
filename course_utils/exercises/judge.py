"""Is an answer right, and if not, what does it do instead?"""

import copy
import inspect
import linecache
import numbers
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from course_utils.exercises.bounded import TimeUp, run_bounded
from course_utils.exercises.exercise import Exercise

Status = Literal["passed", "wrong", "not attempted"]


@dataclass(frozen=True)
class Verdict:
    """What was found: a status and a sentence or two for the student."""

    status: Status
    message: str


@dataclass
class Outcome:
    """What a function did with one case."""

    value: Any = None
    error: BaseException | None = None
    changed_input: bool = False


def judge(exercise: Exercise, answer: object) -> Verdict:
    """Run an answer on all cases beside the reference. Never raises for what the answer does.

    PyTorch's random state and default dtype are the same afterwards.
    """
    if not callable(answer):
        return Verdict(
            "wrong", f"check needs your function, but got {_kind(answer)}: pass it by its name, without ()."
        )
    dtype = torch.get_default_dtype()
    with torch.random.fork_rng(devices=[]):
        try:
            return _judge(exercise, answer)
        finally:
            torch.set_default_dtype(dtype)


def _judge(exercise: Exercise, answer: Callable[..., Any]) -> Verdict:
    cases = _cases(exercise)
    problem = _signature_problem(exercise, answer, cases[0])
    if problem:
        return Verdict("wrong", problem)
    outcomes: list[Outcome] = []
    in_time = run_bounded(lambda: _run(answer, cases, outcomes), exercise.seconds)
    if not in_time:
        return Verdict(
            "wrong",
            f"Your function was still running after {exercise.seconds:g} seconds and was stopped: is there a loop without an end?",
        )
    first = outcomes[0]
    if isinstance(first.error, NotImplementedError) or (first.error is None and first.value in (None, ...)):
        nothing = "" if first.error else " (your function returns nothing: is there a `return`?)"
        return Verdict(
            "not attempted", f"Nothing to check yet{nothing}. Until then the notebook uses the course's own version."
        )
    expected = [exercise.reference(*_fresh(case)) for case in cases]
    problems = [
        _problem(outcome, right, case, answer) for outcome, right, case in zip(outcomes, expected, cases, strict=True)
    ]
    if not any(problems):
        return Verdict("passed", f"Right on all {len(cases)} cases.")
    for misconception in exercise.misconceptions:
        wrong: list[Outcome] = []
        _run(misconception.wrong, _cases(exercise), wrong)
        if all(_alike(mine, theirs) for mine, theirs in zip(outcomes, wrong, strict=True)):
            return Verdict("wrong", misconception.message)
    number = next(index for index, problem in enumerate(problems) if problem)
    return Verdict("wrong", f"Case {number + 1} of {len(cases)}: {problems[number]}")


def _cases(exercise: Exercise) -> list[tuple]:
    torch.manual_seed(0)
    return exercise.cases()


def _run(function: Callable[..., Any], cases: list[tuple], outcomes: list[Outcome]) -> None:
    for case in cases:
        given = _fresh(case)
        outcome = Outcome()
        torch.manual_seed(1)
        try:
            outcome.value = function(*given)
        except TimeUp:
            raise
        except BaseException as error:  # exit() in an answer must not end the kernel
            outcome.error = error
        outcome.changed_input = not all(_equal(a, b) for a, b in zip(given, case, strict=True) if not callable(a))
        outcomes.append(outcome)


def _fresh(value: Any) -> Any:
    """A copy that shares no memory; callables are passed as they are."""
    if isinstance(value, Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, list | tuple):
        return type(value)(_fresh(item) for item in value)
    return value if callable(value) else copy.deepcopy(value)


def _signature_problem(exercise: Exercise, answer: Callable[..., Any], case: tuple) -> str | None:
    try:
        inspect.signature(answer).bind(*case)
    except TypeError:
        wanted = ", ".join(inspect.signature(exercise.reference).parameters)
        return f"Your function cannot be called with ({wanted}): keep the arguments of the first line as they were."
    except ValueError:  # a builtin does not tell its arguments
        pass
    return None


def _problem(outcome: Outcome, expected: Any, case: tuple, answer: Callable[..., Any]) -> str | None:
    """In words, what is wrong with an outcome; None when nothing is."""
    if outcome.error is not None:
        return _error_in_words(outcome.error, answer)
    if difference := _difference(outcome.value, expected):
        return f"with {_inputs(case)}, {difference}"
    if outcome.changed_input:
        return "the result is right, but your function changes its input in place: work on a copy, or avoid `+=` and methods that end in `_`."
    return None


def _difference(got: Any, expected: Any) -> str | None:
    if isinstance(expected, list | tuple):
        if not isinstance(got, list | tuple):
            return f"your function returns {_kind(got)}, but a {type(expected).__name__} of {len(expected)} was expected."
        if len(got) != len(expected):
            return f"your function returns {len(got)} things, but {len(expected)} were expected."
        for index, (one, right) in enumerate(zip(got, expected, strict=True)):
            if difference := _difference(one, right):
                return f"in part {index + 1} of the result, {difference}"
        return None
    if isinstance(expected, Tensor):
        return _tensor_difference(got, expected)
    if not isinstance(got, numbers.Number) or isinstance(got, bool):
        return f"your function returns {_kind(got)}, but a number was expected."
    return None if got == expected else f"your function returns {got:,}, but {expected:,} was expected."


def _tensor_difference(got: Any, expected: Tensor) -> str | None:
    if not isinstance(got, Tensor):
        return f"your function returns {_kind(got)}, but a tensor of shape {tuple(expected.shape)} was expected."
    if got.shape != expected.shape:
        return f"your function returns shape {tuple(got.shape)}, but {tuple(expected.shape)} was expected."
    if got.dtype != expected.dtype:
        return f"your function returns numbers of type {got.dtype}, but {expected.dtype} was expected."
    if not got.isfinite().all():
        return "the result holds values that are infinite or not a number (NaN)."
    if not _equal(got, expected):
        largest = (got.double() - expected.double()).abs().max()
        return f"the shape is right, but values differ by up to {largest:.2g}."
    if expected.requires_grad and not got.requires_grad:
        return "the values are right, but no gradient can flow back: avoid `.detach()`, `.data`, `.numpy()` and `no_grad`."
    return None


def _alike(one: Outcome, other: Outcome) -> bool:
    if one.error is not None or other.error is not None:
        return type(one.error) is type(other.error)
    return _equal(one.value, other.value)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        if one.shape != other.shape or one.dtype != other.dtype:
            return False
        if not one.dtype.is_floating_point:
            return torch.equal(one, other)
        return torch.allclose(one, other, rtol=1e-4, atol=1e-5, equal_nan=True)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_equal, one, other))
    return (isinstance(one, numbers.Number) and isinstance(other, numbers.Number) and one == other) or one is other


def _inputs(case: tuple) -> str:
    """The inputs of a case, as shapes."""
    words = []
    for value in case:
        if isinstance(value, Tensor):
            words.append(f"shape {tuple(value.shape)}")
        elif isinstance(value, list):
            words.append(f"a list of {len(value)}")
        elif not callable(value) and value is not None:
            words.append(repr(value))
    return "inputs " + ", ".join(words)


def _kind(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def _error_in_words(error: BaseException, answer: Callable[..., Any]) -> str:
    code = getattr(answer, "__code__", None)
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if code is not None and frame.filename == code.co_filename:
            line = (linecache.getline(frame.filename, frame.lineno or 0) or frame.line or "").strip()
            place = f" in the line `{line}`" if line else f" in line {frame.lineno}"
    said = str(error).splitlines()[0] if str(error) else "no message"
    return f"your function stopped with {type(error).__name__}{place}: {said}"
