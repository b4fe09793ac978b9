"""Promises of a docstring that results do not show: arguments that raise, tensors that are never created."""

from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from course_utils.exercises.compare import describe, tensors_in
from course_utils.exercises.exercise import Promise
from course_utils.exercises.observe import copied
from course_utils.exercises.own_code import message_of


def named(error: Exception) -> str:
    """The kind of an error, with the first line of its message in brackets: "ValueError (size is 0)"."""
    said = message_of(error).splitlines()
    return f"{type(error).__name__} ({said[0][:120]})" if said else type(error).__name__


def refuses(why: str, *arguments: Any, kind: type[Exception] = ValueError) -> Promise:
    """These arguments raise this kind of error. why: "a map of 5 × 6 is cut into windows of 4 × 4"."""

    def broken(fn: Callable[..., Any]) -> str | None:
        try:
            result = fn(*copied(arguments))
        except kind:
            return None
        except Exception as error:
            return (
                f"The numbers are right, but when {why}, it raises {named(error)}. The docstring "
                f"promises a {kind.__name__}: test for this case too, and `raise {kind.__name__}(…)`."
            )
        if isinstance(result, BaseException):
            return f"The numbers are right, but when {why}, the error is returned. Write `raise` instead of `return`."
        return (
            f"The numbers are right, but when {why}, it returns {describe(result)}. The docstring promises a "
            f"{kind.__name__}: test for this case too, and `raise {kind.__name__}(…)`."
        )

    return Promise(f"refuses-{why.replace(' ', '-')}", broken)


def makes_nothing_larger(numbers: int, than: str, *arguments: Any) -> Promise:
    """With these arguments, no intermediate tensor has more numbers than this. than: "weight itself"."""

    def broken(fn: Callable[..., Any]) -> str | None:
        with _Largest() as largest:
            fn(*copied(arguments))
        if largest.shape.numel() <= numbers:
            return None
        return (
            f"The numbers are right, but an intermediate tensor of shape {tuple(largest.shape)} is as large as "
            f"{than}, and the point is to avoid it: change the order of the products."
        )

    return Promise("makes-too-much", broken)


class _Largest(TorchFunctionMode):
    """Records the shape of the largest tensor with its own memory that a PyTorch call returns; views do not count.

    A TorchDispatchMode would also see the tensors inside calls, but its first use in a kernel imports for seconds.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shape = torch.Size([0])

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        with torch._C.DisableTorchFunction():
            for made in tensors_in(result):
                if not made._is_view() and made.numel() > self.shape.numel():
                    self.shape = made.shape
        return result
