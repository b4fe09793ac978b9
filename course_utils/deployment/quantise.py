"""Numbers in few bits: uniform quantisation from scratch. Jacob et al. 2018, section 2.1. Notebook 09.

The whole numbers are signed: with b bits, −2^(b−1) … 2^(b−1) − 1; for 8 bits, −128 … 127.
"""

from copy import deepcopy

import torch
from torch import Tensor, nn


def affine_parameters(low: Tensor, high: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """Smallest and largest value (any shape), bits → scale and zero point (same shape, all floating point).

    First extend the range to include zero, which must be exact because padding and ReLU produce many zeros. The scale
    is the step size if the signed integers span exactly this range, with the smallest integer at its low end. A range
    of width zero has scale 1. The zero point is the signed integer that represents zero, rounded as by
    torch.round. Jacob et al. 2018, eq. 1 and section 3.
    """
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    low, high = low.clamp(max=0), high.clamp(min=0)
    scale = (high - low) / (2**bits - 1)
    scale = torch.where(scale > 0, scale, 1.0)
    return scale, (least - low / scale).round().clamp(least, most)


def symmetric_parameters(low: Tensor, high: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """The same with zero point 0 and a symmetric range: the largest magnitude becomes 2^(bits−1) − 1.

    Common for weights: without a zero point, an integer product needs no correction. Jacob et al. 2018, section 3.
    """
    scale = torch.maximum(-low, high).clamp(min=0) / (2 ** (bits - 1) - 1)
    return torch.where(scale > 0, scale, 1.0), torch.zeros_like(scale)


def fake_quantise(values: Tensor, scale: Tensor, zero_point: Tensor, bits: int) -> Tensor:
    """Round values to the nearest ones that integers of some bits can represent; returns floats of the same shape.

    A signed integer q represents scale · (q − zero_point). Each value becomes the nearest of these numbers, also
    beyond either end of the range. If value / scale is half-way between two integers, round it as torch.round does,
    before adding zero_point. scale and zero_point are floating point and broadcast. Jacob et al. 2018, eq. 1 and 12.
    """
    whole = (values / scale).round() + zero_point
    whole = whole.clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return (whole - zero_point) * scale


def quantise_weight(weight: Tensor, bits: int = 8, per_channel: bool = True, symmetric: bool = True) -> Tensor:
    """A layer's weight (outputs, …), rounded to bits, with one scale for the tensor or one per output channel.

    Raises ValueError for bits outside 2 … 16.
    """
    if not 2 <= bits <= 16:
        raise ValueError(f"bits is {bits}, but must be from 2 to 16.")
    rows = weight.flatten(1) if per_channel else weight.flatten()[None]
    find = symmetric_parameters if symmetric else affine_parameters
    scale, zero_point = find(rows.amin(1, keepdim=True), rows.amax(1, keepdim=True), bits)
    return fake_quantise(rows, scale, zero_point, bits).view_as(weight)


def with_rounded_weights(
    model: nn.Module, bits: int = 8, per_channel: bool = True, symmetric: bool = True
) -> nn.Module:
    """A copy of the model in which the weights of every layer are rounded by `quantise_weight`;
    biases and norms are not.
    """
    rounded = deepcopy(model)
    with torch.no_grad():
        for parameter in rounded.parameters():
            if parameter.ndim > 1:
                parameter.copy_(quantise_weight(parameter, bits, per_channel, symmetric))
    return rounded
