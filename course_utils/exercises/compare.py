"""Results held against each other, and the first difference said in a sentence."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.verdict import Outcome

# Two right ways of computing in float32 differ by about 1e-6 of what they add up; a wrong one, by far more.
RELATIVE, ABSOLUTE = 1e-4, 1e-5


@dataclass(frozen=True)
class Difference:
    """What is wrong with a result."""

    kind: Outcome
    sentence: str


def difference(yours: Any, right: Any, parts: tuple[str, ...] = (), what: str = "the result") -> Difference | None:
    """The first difference between a student's result and the right one, or None. ``parts`` names a tuple's items."""
    name = what[0].upper() + what[1:]
    if isinstance(right, Tensor):
        return _tensors(yours, right, name)
    if not isinstance(right, tuple | list):
        return _integers(yours, right, name)
    if not isinstance(yours, tuple | list):
        expected = describe(right) + (f" ({', '.join(parts)})" if parts else "")
        return Difference(Outcome.TYPE, f"{name} is {describe(yours)}, but it should be {expected}.")
    if len(yours) != len(right):
        return Difference(Outcome.TYPE, f"{name} has {len(yours)} items, but it should have {len(right)}.")
    for index, (mine, theirs) in enumerate(zip(yours, right, strict=True)):
        item = parts[index] if index < len(parts) else f"item {index} of {what}"
        if found := difference(mine, theirs, what=item):
            return found
    return None


def same(one: Any, other: Any) -> bool:
    """Whether two results agree in type, shape, dtype, device and values, NaN with NaN."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        if _form(one) != _form(other):
            return False
        if not one.is_floating_point():
            return torch.equal(one, other)
        return torch.allclose(one, other, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True)
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def describe(value: Any) -> str:
    """A value as a student would say it: ``a tensor of shape (2, 3)``."""
    match value:
        case Tensor():
            return f"a tensor of shape {tuple(value.shape)}"
        case tuple() | list():
            things = "tensors" if all(isinstance(item, Tensor) for item in value) else "items"
            return f"a {type(value).__name__} of {len(value)} {things if len(value) != 1 else things[:-1]}"
        case bool() | int() | float():
            return f"the {type(value).__name__} {value}"
        case None:
            return "None"
    return f"an object of type {type(value).__name__}"


def tensors_in(value: Any) -> list[Tensor]:
    """The tensors of a result, in order."""
    if isinstance(value, Tensor):
        return [value]
    return [tensor for item in value for tensor in tensors_in(item)] if isinstance(value, tuple | list) else []


def _form(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.layout, tensor.device, tensor.dtype, tensor.shape


def _tensors(yours: Any, right: Tensor, name: str) -> Difference | None:
    if not isinstance(yours, Tensor):
        return Difference(Outcome.TYPE, f"{name} is {describe(yours)}, but it should be {describe(right)}.")
    for label, mine, theirs in (
        ("layout", yours.layout, right.layout),
        ("device", yours.device, right.device),
        ("dtype", yours.dtype, right.dtype),
    ):
        if mine != theirs:
            kind = Outcome.DTYPE if label == "dtype" else Outcome.TYPE
            plain = [str(which).removeprefix("torch.") for which in (mine, theirs)]
            return Difference(kind, f"{name} has the {label} {plain[0]}, but it should have {plain[1]}.")
    if yours.shape != right.shape:
        return Difference(
            Outcome.SHAPE, f"{name} has the shape {tuple(yours.shape)}, but it should have {tuple(right.shape)}."
        )
    if same(yours, right):
        return None
    lost = ~yours.isfinite() & right.isfinite()
    if lost.any():
        return Difference(
            Outcome.NOT_FINITE,
            f"{name} is {'NaN' if yours[lost].isnan().any() else 'infinite'} at {int(lost.sum())} of {lost.numel()} "
            "places: look for a division by zero, or for a softmax over a row in which every score is −inf.",
        )
    return Difference(Outcome.VALUES, f"{name} has the right shape, but {_values(yours.detach(), right)}.")


def _values(yours: Tensor, right: Tensor) -> str:
    distance = (yours.double() - right.double()).abs()
    at = tuple((distance == distance.max()).nonzero()[0].tolist())
    if right.dtype == torch.bool:
        places = f"{int(distance.sum())} of {distance.numel()} places are wrong"
        return f"{places}: at index {at} it is {bool(yours[at])} and should be {bool(right[at])}"
    largest = f"its numbers are off by up to {distance.max().item():.3g}"
    return f"{largest}: at index {at} it is {yours[at].item():.4g} and should be {right[at].item():.4g}"


def _integers(yours: Any, right: int, name: str) -> Difference | None:
    if isinstance(yours, float) and yours == right:
        return Difference(Outcome.TYPE, f"{name} is a float, but it should be an int: divide with // instead of /.")
    if isinstance(yours, bool) or not isinstance(yours, Integral):
        return Difference(Outcome.TYPE, f"{name} is {describe(yours)}, but it should be an int.")
    gap = int(yours) - right
    if not gap:
        return None
    sense = "too many" if gap > 0 else "too few"
    return Difference(Outcome.VALUES, f"{name} is {int(yours):,}, but it should be {right:,}: {abs(gap):,} {sense}.")
