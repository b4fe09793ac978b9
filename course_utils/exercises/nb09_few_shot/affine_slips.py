"""Scale and zero point with one of their steps replaced, as students write them."""

from collections.abc import Callable

import torch
from torch import Tensor

Pair = tuple[Tensor, Tensor]
Widen = Callable[[Tensor, Tensor], Pair]
Zero = Callable[[float, Tensor, Tensor, Tensor], Tensor]  # smallest integer, low, high, scale → the zero point


# Numbers used instead of the smallest signed integer.
STARTS: tuple[Callable[[int], float], ...] = (
    lambda bits: -(2**bits),
    lambda bits: -(2**bits - 1),
    lambda bits: -(2**bits) - 1,
    lambda bits: 2 ** (bits - 1),
    lambda bits: -bits,
)


def hold_zero(low: Tensor, high: Tensor) -> Pair:
    """The range extended to include zero."""
    return low.clamp(max=0), high.clamp(min=0)


def low_end(least: float, low: Tensor, high: Tensor, scale: Tensor) -> Tensor:
    """The zero point, counted from the low end."""
    return (least - low / scale).round()


def one_where_empty(scale: Tensor) -> Tensor:
    """Scale 1 for a range of width zero."""
    return torch.where(scale > 0, scale, 1.0)


def slip(
    steps: Callable[[int], float] = lambda bits: 2**bits - 1,
    least: Callable[[int], float] = lambda bits: -(2 ** (bits - 1)),
    most: Callable[[int], float] | None = None,
    widen: Widen = hold_zero,
    zero: Zero = low_end,
    repair: Callable[[Tensor], Tensor] = one_where_empty,
    clamped: bool = True,
    returned: Callable[[Tensor, Tensor], object] = lambda scale, zero: (scale, zero),
) -> Callable[..., object]:
    """Both parameters with one of their parts replaced."""

    def wrong(low: Tensor, high: Tensor, bits: int) -> object:
        low, high = widen(low, high)
        scale = repair((high - low) / steps(bits))
        start = least(bits)
        end = most(bits) if most else start + 2**bits - 1
        whole = zero(start, low, high, scale)
        return returned(scale, whole.clamp(start, end) if clamped else whole)

    return wrong


def rounded_by(to_whole: Callable[[Tensor], Tensor]) -> Callable[..., object]:
    """Another way to round the zero point."""
    return slip(zero=lambda least, low, high, scale: to_whole(least - low / scale))


def with_tiny_scale(tiny: float) -> Callable[..., object]:
    """A tiny scale for a range of width zero."""
    return slip(repair=lambda scale: torch.where(scale > 0, scale, tiny))


def ones_up_to(least: float) -> Callable[..., object]:
    """Scale 1 for narrow ranges, too."""
    return slip(repair=lambda scale: torch.where(scale > least, scale, 1.0))


def no_clamp(zero: Zero) -> Callable[..., object]:
    """Another zero point, not clamped to the signed range."""
    return slip(zero=zero, clamped=False)


def reach(low: Tensor, high: Tensor) -> Pair:
    """The range made symmetric about zero."""
    reach = torch.maximum(low.abs(), high.abs())
    return -reach, reach


def symmetric(low: Tensor, high: Tensor, bits: int) -> Pair:
    """The parameters of symmetric quantisation."""
    scale = one_where_empty(torch.maximum(low.abs(), high.abs()) / (2 ** (bits - 1) - 1))
    return scale, torch.zeros_like(scale)


def before_widening(low: Tensor, high: Tensor, bits: int) -> Pair:
    """The test for width zero comes too early."""
    flat = high == low
    low, high = hold_zero(low, high)
    scale = torch.where(flat, 1.0, (high - low) / (2**bits - 1))
    return scale, (-(2 ** (bits - 1)) - low / scale).round().clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def repaired_late(low: Tensor, high: Tensor, bits: int) -> Pair:
    """The zero point is computed with scale 0."""
    low, high = hold_zero(low, high)
    scale = (high - low) / (2**bits - 1)
    zero = (-(2 ** (bits - 1)) - low / scale).round().clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return one_where_empty(scale), zero


def with_width(width: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Pair]:
    """Another width of the widened range."""

    def wrong(low: Tensor, high: Tensor, bits: int) -> Pair:
        low, high = hold_zero(low, high)
        scale = one_where_empty(width(low, high) / (2**bits - 1))
        return scale, (-(2 ** (bits - 1)) - low / scale).round().clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)

    return wrong


def clamps_turned_round(width: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Pair]:
    """The low end is clamped above zero, the high end below, and the width is computed in another way."""

    def wrong(low: Tensor, high: Tensor, bits: int) -> Pair:
        low, high = low.clamp(min=0), high.clamp(max=0)
        scale = one_where_empty(width(low, high) / (2**bits - 1))
        return scale, (-(2 ** (bits - 1)) - low / scale).round().clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)

    return wrong


def one_for_all(low: Tensor, high: Tensor) -> Pair:
    """One range for all, as two numbers."""
    return hold_zero(low.min(), high.max())


def one_for_all_spread(low: Tensor, high: Tensor) -> Pair:
    """One range for all, in the shape of low."""
    least, most = one_for_all(low, high)
    return least.expand_as(low), most.expand_as(high)
