"""Ways to get rounding to few bits wrong."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.deployment.quantise import fake_quantise

Quantise = Callable[[Tensor, Tensor, Tensor, int], Tensor]


def steps(values: Tensor, scale: Tensor, zero: Tensor) -> Tensor:
    """How many steps of the scale each value makes, moved by the zero point."""
    return (values / scale).round() + zero


def back(whole: Tensor, scale: Tensor, zero: Tensor) -> Tensor:
    """From whole numbers to values."""
    return (whole - zero) * scale


def least(bits: int) -> float:
    """The least signed whole number."""
    return -(2 ** (bits - 1))


def most(bits: int) -> float:
    """The largest signed whole number."""
    return 2 ** (bits - 1) - 1


def rounded(
    whole: Callable[[Tensor, Tensor, Tensor], Tensor] = steps,
    least: Callable[[int], float] = least,
    most: Callable[[int], float] = most,
    back: Callable[[Tensor, Tensor, Tensor], Tensor] = back,
) -> Quantise:
    """Rounding with one of its parts replaced."""
    return lambda values, scale, zero_point, bits: back(
        whole(values, scale, zero_point).clamp(least(bits), most(bits)), scale, zero_point
    )


def to_whole_by(to_whole: Callable[[Tensor], Tensor]) -> Quantise:
    """Another way to make whole numbers."""
    return rounded(whole=lambda values, scale, zero: to_whole(values / scale) + zero)


def before(change: Callable[..., tuple[Tensor, Tensor, Tensor]]) -> Quantise:
    """Right, but of other values, scales or zero points."""
    return lambda values, scale, zero_point, bits: fake_quantise(*change(values, scale, zero_point), bits)


def clamped_first(values: Tensor, scale: Tensor, zero_point: Tensor, bits: int) -> Tensor:
    """The clamp comes before the zero point."""
    whole = (values / scale).round().clamp(least(bits), most(bits)) + zero_point
    return (whole - zero_point) * scale


def values_clamped(values: Tensor, scale: Tensor, zero_point: Tensor, bits: int) -> Tensor:
    """The values are clamped to the range of the whole numbers."""
    return (values.clamp(least(bits), most(bits)) / scale).round() * scale


def wrapped(values: Tensor, scale: Tensor, zero_point: Tensor, bits: int) -> Tensor:
    """int8 comes before the clamp."""
    whole = steps(values, scale, zero_point).to(torch.int32).to(torch.int8)
    return (whole.clamp(int(least(bits)), int(most(bits))) - zero_point) * scale


def as_int8(clamped: bool, first: torch.dtype = torch.int8) -> Quantise:
    """int8, directly or by way of another dtype; a clamp follows, or none."""

    def wrong(values: Tensor, scale: Tensor, zero_point: Tensor, bits: int) -> Tensor:
        whole = steps(values, scale, zero_point).to(first).to(torch.int8)
        return ((whole.clamp(int(least(bits)), int(most(bits))) if clamped else whole) - zero_point) * scale

    return wrong


def outside(instead: Callable[[Tensor], Tensor]) -> Quantise:
    """Values outside the range are not clamped, but become something else."""

    def wrong(values: Tensor, scale: Tensor, zero_point: Tensor, bits: int) -> Tensor:
        whole = steps(values, scale, zero_point)
        within = (whole >= least(bits)) & (whole <= most(bits))
        return torch.where(within, back(whole, scale, zero_point), instead(values))

    return wrong


def outside_whole(instead: Callable[[Tensor, Tensor], Tensor]) -> Quantise:
    """Whole numbers outside the range are not clamped, but become something else."""

    def wrong(values: Tensor, scale: Tensor, zero_point: Tensor, bits: int) -> Tensor:
        whole = steps(values, scale, zero_point)
        within = (whole >= least(bits)) & (whole <= most(bits))
        return back(torch.where(within, whole, instead(whole, zero_point)), scale, zero_point)

    return wrong


def wrapped_round(values: Tensor, scale: Tensor, zero_point: Tensor, bits: int) -> Tensor:
    """What does not fit comes in at the other end."""
    whole = (steps(values, scale, zero_point) - least(bits)) % 2**bits + least(bits)
    return (whole - zero_point) * scale


_LOWER: tuple[Callable[[int], float], ...] = (
    least,
    lambda bits: least(bits) - 1,
    lambda bits: -(2**bits) + 1,
    lambda bits: -(2**bits),
)
_UPPER: tuple[Callable[[int], float], ...] = (
    most,
    lambda bits: most(bits) + 1,
    lambda bits: 2**bits - 1,
    lambda bits: 2**bits,
)
# Ends that let too much through; one that is one too far at one end has a name of its own.
OTHER_ENDS = tuple(
    rounded(least=lower, most=upper)
    for place, lower in enumerate(_LOWER)
    for other, upper in enumerate(_UPPER)
    if (place, other) not in ((0, 0), (0, 1), (1, 0))
)
