"""Numbers in few bits: uniform quantisation from scratch. Jacob et al. 2018, section 2.1. Notebook 09.

The whole numbers are signed: with b bits, −2^(b−1) … 2^(b−1) − 1; for 8 bits, −128 … 127.
"""

import torch
from torch import Tensor


def affine_parameters(low: Tensor, high: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """Smallest and largest value (any shape), bits → scale and zero point (same shape, all floating point).

    The range is first widened to hold zero, which must be exact: padding and ReLU are full of it. The scale is the
    width of one step when the signed whole numbers span exactly the range, the least of them standing for its low
    end; a range that is still without width has scale 1. The zero point is the whole number, within the signed range,
    that stands for zero, rounded as torch.round does. Jacob et al. 2018, eq. 1 and section 3.
    """
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    low, high = low.clamp(max=0), high.clamp(min=0)
    scale = (high - low) / (2**bits - 1)
    scale = torch.where(scale > 0, scale, 1.0)
    return scale, (least - low / scale).round().clamp(least, most)


def symmetric_parameters(low: Tensor, high: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """The same with zero point 0 and a range that reaches as far down as up: the largest magnitude is 2^(bits−1) − 1.

    Usual for weights: without a zero point an integer product needs no correction. Jacob et al. 2018, section 3.
    """
    scale = torch.maximum(-low, high).clamp(min=0) / (2 ** (bits - 1) - 1)
    return torch.where(scale > 0, scale, 1.0), torch.zeros_like(scale)


def fake_quantise(values: Tensor, scale: Tensor, zero_point: Tensor, bits: int) -> Tensor:
    """values, rounded to what whole numbers of so many bits can stand for, as floats of the same shape.

    A signed whole number q stands for scale · (q − zero_point), and each value goes to the nearest of these, beyond
    either end too. Where value / scale lies half-way between two whole numbers, it goes where torch.round sends it,
    before zero_point comes in. scale and zero_point, floating point, broadcast. Jacob et al. 2018, eq. 1 and 12.
    """
    whole = (values / scale).round() + zero_point
    whole = whole.clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return (whole - zero_point) * scale


def quantise_weight(weight: Tensor, bits: int = 8, per_channel: bool = True, symmetric: bool = True) -> Tensor:
    """A layer's weight (outputs, …), rounded to bits: one scale for all of it, or one for each output channel.

    Raises ValueError for bits outside 2 … 16.
    """
    if not 2 <= bits <= 16:
        raise ValueError(f"bits is {bits}, but must be from 2 to 16.")
    rows = weight.flatten(1) if per_channel else weight.flatten()[None]
    find = symmetric_parameters if symmetric else affine_parameters
    scale, zero_point = find(rows.amin(1, keepdim=True), rows.amax(1, keepdim=True), bits)
    return fake_quantise(rows, scale, zero_point, bits).view_as(weight)
