"""Compare two results and describe their first difference in a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.verdict import Kind

# Two correct computations in float32 differ by about 1e-6 of the numbers they sum; a wrong one differs by far more.
RELATIVE, ABSOLUTE = 1e-4, 1e-5
WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


@dataclass(frozen=True)
class Difference:
    """What is wrong with a result."""

    kind: Kind
    sentence: str
    hint: str = ""  # where to look if nothing more specific is known


def difference(yours: Any, right: Any, parts: Sequence[str] = (), what: str = "the result") -> Difference | None:
    """The first difference between a student's result and the right one, or None. parts: names of a tuple's items."""
    yours = fitted(yours, right)
    if isinstance(right, Tensor):
        return _tensors(yours, right, what)
    if not isinstance(right, tuple | list):
        return _numbers(yours, right, what)
    if not isinstance(yours, tuple | list):
        expected = describe(right) + (f" ({', '.join(parts)})" if parts else "")
        return Difference(Kind.TYPE, f"{capital(what)} is {describe(yours)}, but should be {expected}.")
    if len(yours) != len(right):
        return Difference(Kind.TYPE, f"{capital(what)} has {_count(len(yours))}, but should have {len(right)}.")
    for index, (mine, theirs) in enumerate(zip(yours, right, strict=True)):
        item = with_article(parts[index]) if index < len(parts) else f"item {index} of {what}"
        if found := difference(mine, theirs, what=item):
            return found
    return None


def fitted(yours: Any, right: Any, dtype: torch.dtype | None = None) -> Any:
    """A result of an equivalent type, converted to the right result's type; any other result unchanged.

    Equivalent are float64 and float32, int64 and the integer types that can be an index as well, a number and a tensor
    of shape (), a stacked tensor and a list, a tensor of inference mode, which autograd refuses later, and its copy.
    dtype: for floating-point results, used instead of the right result's.
    """
    if isinstance(yours, Tensor) and yours.is_inference():
        yours = yours.clone()
    if isinstance(right, Tensor):
        number = isinstance(yours, Real if right.is_floating_point() else Integral) and not isinstance(yours, bool)
        if number and right.ndim == 0 and abs(yours) < 2**63:
            return torch.tensor(yours, dtype=right.dtype)
        if isinstance(yours, Tensor) and comparable(yours):
            if yours.dtype is torch.float64 and right.is_floating_point():
                return yours.to(dtype or right.dtype)
            short = yours.dtype is torch.int16 and right.dtype is torch.int64  # PyTorch takes it for no index
            if yours.dtype in WHOLE and right.dtype in WHOLE and not short:
                return yours.to(right.dtype)
        return yours
    if isinstance(right, tuple | list):
        items = isinstance(right, list) and all(isinstance(item, Tensor) for item in right)
        if items and isinstance(yours, Tensor) and comparable(yours) and yours.ndim and len(yours) == len(right):
            yours = list(yours.unbind(0))
        if isinstance(yours, tuple | list) and len(yours) == len(right):
            return type(right)(fitted(mine, theirs, dtype) for mine, theirs in zip(yours, right, strict=True))
        return yours
    if isinstance(right, int) and isinstance(yours, Tensor) and yours.ndim == 0 and yours.dtype in WHOLE:
        return int(yours.item())
    if isinstance(right, int) and isinstance(yours, Integral) and not isinstance(yours, bool):
        return int(yours)
    return yours


def alike(one: Any, other: Any) -> bool:
    """Whether two results have the same type and dtype, item by item; tuples and lists count as the same type."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return (one.dtype, one.is_inference()) == (other.dtype, other.is_inference())
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(alike, one, other))
    return type(one) is type(other)


def same(one: Any, other: Any, exactly: bool = False) -> bool:
    """Whether two results agree in type, shape, dtype, device and values, up to rounding or exactly; NaN equals NaN."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return _form(one) == _form(other) and close(one, other, exactly)
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(same(*pair, exactly) for pair in zip(one, other, strict=True))
    return type(one) is type(other) and bool(one == other)


def close(one: Tensor, other: Tensor, exactly: bool = False) -> bool:
    """Whether two tensors of the same shape have the same values up to rounding, or exactly."""
    if not one.is_floating_point():
        return torch.equal(one, other)
    relative, absolute = (0.0, 0.0) if exactly else (RELATIVE, ABSOLUTE)
    return torch.allclose(one, other, rtol=relative, atol=absolute, equal_nan=True)


def describe(value: Any) -> str:
    """A value described in words: ``a tensor of shape (2, 3)``."""
    if type(value).__module__ == "torch.return_types":
        return f"the pair of values and indices that `{type(value).__name__}` returns (take `.values` or `.indices`)"
    match value:
        case Tensor(is_nested=True):
            return "a nested tensor"
        case Tensor():
            return f"a tensor of shape {tuple(value.shape)}"
        case tuple() | list():
            things = "tensor" if all(isinstance(item, Tensor) for item in value) else "item"
            return f"a {type(value).__name__} of {_count(len(value), things)}"
        case bool() | int() | float():
            return f"the {type(value).__name__} {written(value)}"
        case None:
            return "None"
    if type(value).__name__ == "generator":
        return "a generator, because the function contains `yield`"
    return f"an object of type {type(value).__name__}"


def written(number: Any) -> str:
    """A number in digits; one with hundreds of digits by its number of digits."""
    if isinstance(number, int) and number.bit_length() > 100:
        return f"{'−' if number < 0 else ''}a number of about {number.bit_length() * 0.30103:.0f} digits"
    return f"{number:,}" if not isinstance(number, bool) else str(number)


def comparable(tensor: Tensor) -> bool:
    """Whether a tensor is strided, not nested or quantised, and small enough to compare all its values."""
    return (
        not tensor.is_nested and not tensor.is_quantized and tensor.layout is torch.strided and tensor.numel() < 10**6
    )


def tensors_in(value: Any, depth: int = 3) -> list[Tensor]:
    """The tensors of a result, in order.

    The depth is limited because a list may contain itself, and so is the length, which no right result exceeds.
    """
    if isinstance(value, Tensor):
        return [value]
    if not isinstance(value, tuple | list) or not depth:
        return []
    return [tensor for item in value[:1000] for tensor in tensors_in(item, depth - 1)]


def with_article(part: str) -> str:
    """The name of a result's part within a sentence: ``the output``."""
    return part if part.startswith(("the ", "item ")) else f"the {part}"


def _count(number: int, thing: str = "item") -> str:
    return f"{number} {thing}" + ("" if number == 1 else "s")


def capital(what: str) -> str:
    """The name of a result's part at the start of a sentence: ``The output``."""
    return what[0].upper() + what[1:]


def _form(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.layout, tensor.device, tensor.dtype, "nested" if tensor.is_nested else tensor.shape


def _tensors(yours: Any, right: Tensor, what: str) -> Difference | None:
    name = capital(what)
    if not isinstance(yours, Tensor) or yours.is_nested:
        expected = f"a tensor of shape {tuple(right.shape)}"
        return Difference(Kind.TYPE, f"{name} is {describe(yours)}, but should be {expected}.")
    for label in ("layout", "device", "dtype"):
        mine, theirs = getattr(yours, label), getattr(right, label)
        if mine != theirs:
            kind = Kind.DTYPE if label == "dtype" else Kind.TYPE
            plain = [str(which).removeprefix("torch.") for which in (mine, theirs)]
            return Difference(kind, f"The {label} of {what} is {plain[0]}, but should be {plain[1]}.")
    if yours.shape != right.shape:
        return Difference(
            Kind.SHAPE, f"The shape of {what} is {tuple(yours.shape)}, but should be {tuple(right.shape)}."
        )
    if same(yours, right):
        return None
    lost = ~yours.isfinite() & right.isfinite()
    if lost.any():
        first = tuple(lost.nonzero()[0].tolist())
        where = f" at {int(lost.sum())} of {lost.numel()} positions, first at index {first}" if right.ndim else ""
        return Difference(
            Kind.NOT_FINITE,
            f"{name} is NaN or infinite{where}.",
            "Look for a division by zero, a logarithm of zero or of a negative number, the mean of an empty tensor, "
            "exp of a large number, or a softmax over a row in which every score is −inf.",
        )
    if right.ndim == 0:
        shown = _distinct(yours.item(), right.item())
        return Difference(Kind.VALUES, f"{name} is {shown[0]}, but should be {shown[1]}.")
    return Difference(Kind.VALUES, f"The shape of {what} is right, but {_values(yours.detach(), right)}.")


def _values(yours: Tensor, right: Tensor) -> str:
    if not right.is_floating_point():
        wrong = yours != right
        at = tuple(wrong.nonzero()[0].tolist())
        mine, theirs = yours[at].item(), right[at].item()
        count = int(wrong.sum())
        where = f"{count} of {wrong.numel()} values {'is' if count == 1 else 'are'} wrong: at index {at}"
        return f"{where} it is {mine} and should be {theirs}"
    distance = (yours.double() - right.double()).abs()
    at = tuple((distance == distance.max()).nonzero()[0].tolist())
    shown = _distinct(yours[at].item(), right[at].item())
    gap = f"{distance.max().item():.3g}"
    return f"its values are off by up to {gap}: at index {at} it is {shown[0]} and should be {shown[1]}"


def _distinct(mine: float, theirs: float) -> tuple[str, str]:
    """Both numbers with enough digits to show that they differ."""
    texts = [(f"{mine:.{digits}g}", f"{theirs:.{digits}g}") for digits in range(4, 18)]
    return next((both for both in texts if both[0] != both[1]), texts[0])


def _numbers(yours: Any, right: Any, what: str) -> Difference | None:
    name, wanted = capital(what), "an int" if isinstance(right, int) else f"a {type(right).__name__}"
    if isinstance(right, int) and isinstance(yours, float) and yours == right:
        return Difference(
            Kind.TYPE,
            f"{name} is a float, but should be an int: divide with // instead of /, or convert it with int(…).",
        )
    if isinstance(yours, bool) or not isinstance(yours, Integral if isinstance(right, int) else Real):
        return Difference(Kind.TYPE, f"{name} is {describe(yours)}, but should be {wanted}.")
    gap = yours - right
    if abs(gap) <= (0 if isinstance(right, int) else RELATIVE * abs(right) + ABSOLUTE):
        return None
    sense = "too many" if gap > 0 else "too few"
    return Difference(
        Kind.VALUES, f"{name} is {written(yours)}, but should be {written(right)}: {written(abs(gap))} {sense}."
    )
