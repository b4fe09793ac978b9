"""What a function does, case by case: its results, what it raised, and what became of its arguments."""

import copy
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.exercises.compare import comparable, fitted, same
from course_utils.exercises.exercise import Arguments
from course_utils.exercises.own_code import code_of, does_nothing, message_of, written_raise
from course_utils.exercises.time_limit import Stop


@dataclass(frozen=True)
class Observation:
    """One case: the result, or the exception; and the arguments as the function left them."""

    result: Any
    error: BaseException | None
    given: Arguments
    blank: bool = False  # whether this is what a stub does

    def like(self, other: "Observation") -> bool:
        """Whether both gave the same result, or both failed."""
        if self.error is None and other.error is None:
            return same(fitted(self.result, other.result), other.result)
        return self.error is not None and other.error is not None

    def fails_like(self, other: "Observation") -> bool:
        """Whether both failed in the same words."""
        return type(self.error) is type(other.error) and message_of(self.error) == message_of(other.error)


def watch(fn: Callable[..., Any], cases: Sequence[Arguments], observed: list[Observation]) -> Iterator[None]:
    """Add an observation of each case to the list, one a step; the arguments are given as they are, not as copies."""
    for number, given in enumerate(cases):
        observed.append(_seen(fn, given, number))
        yield


def observe(fn: Callable[..., Any], cases: Sequence[Arguments]) -> list[Observation]:
    """What a function that is trusted to end does with copies of the arguments."""
    return [observe_one(fn, case, number) for number, case in enumerate(cases)]


def observe_one(fn: Callable[..., Any], case: Arguments, number: int) -> Observation:
    """What such a function does with a copy of one case's arguments; number: which case it is."""
    return _seen(fn, copied(case), number)


def _seen(fn: Callable[..., Any], given: Arguments, number: int) -> Observation:
    torch.default_generator.manual_seed(number)
    result, error = None, None
    try:
        result = fn(*given)
    except Stop:
        raise
    except BaseException as raised:  # in a student's function, SystemExit and KeyboardInterrupt are mistakes too
        error = raised
    code = code_of(fn)
    blank = written_raise(error) is code if error else (result is None or result is ...) and does_nothing(code)
    return Observation(result, error, given, blank)


def copied(value: Any, name: str = "") -> Any:
    """The same, with memory of its own and laid out alike, through lists and tuples; a function is called by name."""
    if isinstance(value, Tensor):
        return _copied_tensor(value)
    if isinstance(value, nn.Module):
        return copy.deepcopy(value)
    if isinstance(value, types.FunctionType) and name:
        # An error of Python's names the function: by its argument's name, not by where the course has made it.
        named = types.FunctionType(value.__code__, value.__globals__, name, value.__defaults__, value.__closure__)
        named.__qualname__ = name
        return named
    if isinstance(value, tuple | list):
        return type(value)(copied(item, name and f"{name}[{index}]") for index, item in enumerate(value))
    return value


def handed_over(names: Sequence[str], arguments: Arguments) -> Arguments:
    """A copy of a case's arguments, as a student's function gets them."""
    return tuple(copied(value, name) for name, value in zip(names, arguments, strict=False))


def _copied_tensor(tensor: Tensor) -> Tensor:
    """clone() keeps neither an expanded layout nor that of a slice: copy the storage, and view it in the same way."""
    source = tensor.detach()
    if not comparable(source) or source.is_contiguous():
        twin = source.clone()
    else:
        numbers = source.untyped_storage().nbytes() // source.element_size()
        memory = source.as_strided((numbers,), (1,), 0).clone()
        twin = memory.as_strided(source.shape, source.stride(), source.storage_offset())
    return twin.requires_grad_(tensor.requires_grad)
