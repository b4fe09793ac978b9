"""How a function is called: what in an argument could break a function that is right on other arguments.

What can break none is left out: sizes above one, usual magnitudes, a tensor's plain layout.
"""

import inspect
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn

from course_utils import exercises

# What a recorded kernel runs before the notebook's first cell; no name of it is left for the notebook.
STARTUP = """\
import sys
sys.path.append({folder!r})
import calls
calls.record({file!r})
del sys, calls
"""


def seen(folder: Path) -> set[str]:
    """Kinds of the calls that a notebook made of what its checks returned: ``"00.attend: query has 4 axes"``."""
    return set((folder / "calls.txt").read_text().splitlines())


def tried(name: str) -> set[str]:
    """Kinds of the calls that the exercise's check makes of a right answer, in the same words."""
    kinds: set[str] = set()
    reference = exercises.find(name).reference
    # A copy, as a student's own: an answer that calls the course's function is refused where the point is to write it.
    own = FunctionType(
        reference.__code__.replace(), reference.__globals__, reference.__name__, reference.__defaults__
    )
    assert exercises.judge(name, recorded(own, kinds.add)).passed
    return {f"{name}: {kind}" for kind in kinds}


def recording(folder: Path) -> dict[str, str]:
    """The environment for a notebook's kernel that shall write its calls into the folder, an empty one."""
    startup = folder / "profile_default" / "startup" / "record.py"
    startup.parent.mkdir(parents=True)
    startup.write_text(STARTUP.format(folder=str(Path(__file__).parent), file=str(folder / "calls.txt")))
    return {"IPYTHONDIR": str(folder)}


def record(file: str) -> None:
    """From here on, what ``check`` returns writes each new kind of call into the file, on a line of its own."""
    check = exercises.check
    written: set[str] = set()

    def recording_check(name: str, fn: Any) -> Callable[..., Any]:
        def note(kind: str) -> None:
            line = f"{name}: {kind}\n"
            if line not in written:
                written.add(line)
                with open(file, "a", encoding="utf-8") as lines:
                    lines.write(line)

        return recorded(check(name, fn), note)

    exercises.check = recording_check


def recorded(function: Callable[..., Any], note: Callable[[str], None]) -> Callable[..., Any]:
    """The same function, whose calls note their kinds: ``"query has 4 axes"``, ``"mask is left out"``."""
    signature = inspect.signature(function)

    def noting(*arguments: Any, **named: Any) -> Any:
        given = signature.bind(*arguments, **named).arguments
        for name in signature.parameters:
            for trait in traits(given[name]) if name in given else ("is left out",):
                note(f"{name} {trait}")
        return function(*arguments, **named)

    # All that a check looks at; functools.wraps would say more: that this is the course's own function.
    noting.__name__ = function.__name__
    noting.__signature__ = signature  # type: ignore[attr-defined]
    return noting


def traits(value: Any) -> Iterator[str]:
    """What is told of an argument; of a list, what is told of its items too."""
    match value:
        case Tensor():
            yield from _of_tensor(value)
        case bool() | int() | float():
            yield f"is of type {type(value).__name__}"
            yield _place(value)
        case list() | tuple():
            yield f"is of type {type(value).__name__}"
            yield {0: "is empty", 1: "has one item"}.get(len(value), "has several items")
            for item in value:
                yield from (f"has an item that {trait}" for trait in traits(item))
        case nn.Module():
            yield "is a module"
        case None:
            yield "is None"
        case _:
            yield "is a function" if callable(value) else f"is of type {type(value).__name__}"


def _place(number: float) -> str:
    if number < 0:
        return "is negative"
    if number in (0, 1):
        return "is one" if number else "is zero"
    return "is above one" if number > 1 else "is between zero and one"


def _of_tensor(tensor: Tensor) -> Iterator[str]:
    yield f"is a tensor of {str(tensor.dtype).removeprefix('torch.')}"
    yield f"has {tensor.ndim} axes"
    if any(stride == 0 and size > 1 for stride, size in zip(tensor.stride(), tensor.shape, strict=True)):
        yield "is expanded"  # what is written to one place shows at others
    elif not tensor.is_contiguous():
        yield "is not contiguous"  # .view() refuses it
    if tensor.requires_grad:
        yield "requires a gradient"  # .numpy() refuses it
    for axis, size in enumerate(tensor.shape):
        if size < 2:
            yield f"has size {size} at axis {axis - tensor.ndim}"  # .squeeze() drops the one, .max() refuses the zero
    if tensor.ndim > 1 and min(tensor.shape[-2:]) > 1 and tensor.shape[-1] != tensor.shape[-2]:
        yield "is oblong"
    yield from _of_numbers(tensor.detach())


def _of_numbers(tensor: Tensor) -> Iterator[str]:
    if tensor.dtype == torch.bool:
        if not tensor.any(-1).all():
            yield "has a row that is all False"
    elif tensor.numel():
        largest = max(abs(bound.item()) for bound in tensor.aminmax())  # NaN if any number is
        if not math.isfinite(largest):
            yield "is not finite"
        elif largest >= 10_000:
            yield "reaches 10,000"  # narrow integers overflow, rounding shows
        elif largest >= 100 and tensor.is_floating_point():
            yield "reaches 100"  # exp() overflows
