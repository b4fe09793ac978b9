"""What a function does in each case: its result, its exception, and its arguments afterwards."""

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
    """One case: the result or the exception, and the arguments after the call."""

    result: Any
    error: BaseException | None
    given: Arguments
    blank: bool = False  # whether the function did what a stub does

    def like(self, other: "Observation") -> bool:
        """Whether both have the same result, or both failed."""
        if self.error is None and other.error is None:
            return same(fitted(self.result, other.result), other.result)
        return self.error is not None and other.error is not None

    def fails_like(self, other: "Observation") -> bool:
        """Whether both failed with the same message."""
        return type(self.error) is type(other.error) and message_of(self.error) == message_of(other.error)


def watch(fn: Callable[..., Any], cases: Sequence[Arguments], observed: list[Observation]) -> Iterator[None]:
    """Add an observation per case to the list, one per step; the arguments are passed without copying."""
    for number, given in enumerate(cases):
        observed.append(_seen(fn, given, number))
        yield


def observe(fn: Callable[..., Any], cases: Sequence[Arguments]) -> list[Observation]:
    """The observations of a function that is certain to finish, on copies of the arguments."""
    return [observe_one(fn, case, number) for number, case in enumerate(cases)]


def observe_one(fn: Callable[..., Any], case: Arguments, number: int) -> Observation:
    """The observation of such a function on a copy of one case's arguments; number: the index of the case."""
    return _seen(fn, copied(case), number)


def _seen(fn: Callable[..., Any], given: Arguments, number: int) -> Observation:
    torch.default_generator.manual_seed(number)
    result, error = None, None
    try:
        result = fn(*given)
    except Stop:
        raise
    except BaseException as raised:  # in a student's function, SystemExit and KeyboardInterrupt are errors too
        error = raised
    code = code_of(fn)
    blank = written_raise(error) is code if error else (result is None or result is ...) and does_nothing(code)
    return Observation(result, error, given, blank)


def copied(value: Any, name: str = "") -> Any:
    """A copy with its own memory in the same layout, also of lists; a function gets the argument's name."""
    if isinstance(value, Tensor):
        return _copied_tensor(value)
    if isinstance(value, nn.Module):
        return copy.deepcopy(value)
    if isinstance(value, types.FunctionType) and name:
        # Python's errors name the function: use the argument's name, not the place where the course made it.
        named = types.FunctionType(value.__code__, value.__globals__, name, value.__defaults__, value.__closure__)
        named.__qualname__ = name
        return named
    if isinstance(value, tuple | list):
        return type(value)(copied(item, name and f"{name}[{index}]") for index, item in enumerate(value))
    return value


def handed_over(names: Sequence[str], arguments: Arguments) -> Arguments:
    """A copy of a case's arguments, as a student's function receives them."""
    return tuple(copied(value, name) for name, value in zip(names, arguments, strict=False))


def _copied_tensor(tensor: Tensor) -> Tensor:
    """clone() does not preserve the layout of an expanded tensor or a slice: copy the storage and its view."""
    source = tensor.detach()
    if not comparable(source) or source.is_contiguous():
        twin = source.clone()
    else:
        numbers = source.untyped_storage().nbytes() // source.element_size()
        memory = source.as_strided((numbers,), (1,), 0).clone()
        twin = memory.as_strided(source.shape, source.stride(), source.storage_offset())
    return twin.requires_grad_(tensor.requires_grad)
