"""What a function does, case by case: its results, what it raised, and what became of its arguments."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.compare import same
from course_utils.exercises.exercise import Arguments
from course_utils.exercises.words import message_of
from course_utils.exercises.worker import Stop


@dataclass(frozen=True)
class Observation:
    """One case: the result, or the exception; and the arguments as the function left them."""

    result: Any
    error: BaseException | None
    given: Arguments

    @property
    def blank(self) -> bool:
        """Whether this is what a stub does."""
        return isinstance(self.error, NotImplementedError) or (
            self.error is None and (self.result is None or self.result is ...)
        )

    def like(self, other: "Observation") -> bool:
        """Whether both gave the same result, or failed in the same words."""
        if self.error is None and other.error is None:
            return same(self.result, other.result)
        return type(self.error) is type(other.error) and message_of(self.error) == message_of(other.error)


def watch(fn: Callable[..., Any], cases: Sequence[Arguments], observed: list[Observation]) -> Iterator[None]:
    """Add an observation of each case to the list, one a step; the arguments are given as they are, not as copies."""
    for number, given in enumerate(cases):
        torch.default_generator.manual_seed(number)
        result, error = None, None
        try:
            result = fn(*given)
        except Stop:
            raise
        except BaseException as raised:  # in a student's function, SystemExit and KeyboardInterrupt are mistakes too
            error = raised
        observed.append(Observation(result, error, given))
        yield


def observe(fn: Callable[..., Any], cases: Sequence[Arguments]) -> list[Observation]:
    """What a function that is trusted to end does with copies of the arguments."""
    observed: list[Observation] = []
    for _ in watch(fn, copied(cases), observed):
        pass
    return observed


def copied(value: Any) -> Any:
    """The same with every tensor cloned, through lists and tuples."""
    if isinstance(value, Tensor):
        return value.clone()
    return type(value)(map(copied, value)) if isinstance(value, tuple | list) else value
