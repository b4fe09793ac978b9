"""Rounding to a few bits with one of its steps replaced, as students write it."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.deployment.quantise import fake_quantise

Quantise = Callable[[Tensor, Tensor, Tensor, int], Tensor]


def steps(values: Tensor, scale: Tensor, zero: Tensor) -> Tensor:
    """Each value in steps of the scale, shifted by the zero point."""
    return (values / scale).round() + zero


def back(whole: Tensor, scale: Tensor, zero: Tensor) -> Tensor:
    """From integers to values."""
    return (whole - zero) * scale


def least(bits: int) -> float:
    """The smallest signed integer."""
    return -(2 ** (bits - 1))


def most(bits: int) -> float:
    """The largest signed integer."""
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
    """Another way to round."""
    return rounded(whole=lambda values, scale, zero: to_whole(values / scale) + zero)


def before(change: Callable[..., tuple[Tensor, Tensor, Tensor]]) -> Quantise:
    """The right result for other values, scales or zero points."""
    return lambda values, scale, zero_point, bits: fake_quantise(*change(values, scale, zero_point), bits)


def clamped_first(values: Tensor, scale: Tensor, zero_point: Tensor, bits: int) -> Tensor:
    """The clamp comes before the zero point."""
    whole = (values / scale).round().clamp(least(bits), most(bits)) + zero_point
    return (whole - zero_point) * scale


def values_clamped(values: Tensor, scale: Tensor, zero_point: Tensor, bits: int) -> Tensor:
    """The values are clamped to the range of the integers."""
    return (values.clamp(least(bits), most(bits)) / scale).round() * scale


def wrapped(values: Tensor, scale: Tensor, zero_point: Tensor, bits: int) -> Tensor:
    """int8 comes before the clamp."""
    whole = steps(values, scale, zero_point).to(torch.int32).to(torch.int8)
    return (whole.clamp(int(least(bits)), int(most(bits))) - zero_point) * scale


def as_int8(clamped: bool, first: torch.dtype = torch.int8) -> Quantise:
    """int8, directly or through another dtype, with or without a clamp afterwards."""

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
    """Integers outside the range are not clamped, but become something else."""

    def wrong(values: Tensor, scale: Tensor, zero_point: Tensor, bits: int) -> Tensor:
        whole = steps(values, scale, zero_point)
        within = (whole >= least(bits)) & (whole <= most(bits))
        return back(torch.where(within, whole, instead(whole, zero_point)), scale, zero_point)

    return wrong


def wrapped_round(values: Tensor, scale: Tensor, zero_point: Tensor, bits: int) -> Tensor:
    """Numbers that do not fit wrap around."""
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
# Ends that allow too many integers; a range that is one too large at one end has its own name.
OTHER_ENDS = tuple(
    rounded(least=lower, most=upper)
    for place, lower in enumerate(_LOWER)
    for other, upper in enumerate(_UPPER)
    if (place, other) not in ((0, 0), (0, 1), (1, 0))
)
