"""The roofline: what a machine allows a layer, by the layer's arithmetic intensity. Notebook 05.

Williams et al. 2009. Below the ridge, memory sets the limit; above it, arithmetic does.
"""

from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from course_utils.costs import count_flops


@dataclass(frozen=True)
class Work:
    """One forward pass: FLOPs (a multiply-add counts as two), and the bytes of input,
    parameters and output together.
    """

    flops: int
    bytes: int

    @property
    def intensity(self) -> float:
        """FLOPs per byte, if each number moves once."""
        return self.flops / self.bytes


@dataclass(frozen=True)
class Machine:
    """peak: the most FLOP/s that were measured; bandwidth: bytes per second, read and written, of a large copy."""

    peak: float
    bandwidth: float

    @property
    def ridge(self) -> float:
        """FLOPs per byte from which arithmetic is the limit, not memory."""
        return self.peak / self.bandwidth

    def roof(self, intensity: float) -> float:
        """FLOP/s that the machine allows at so many FLOPs per byte. Williams et al. 2009."""
        return min(self.peak, intensity * self.bandwidth)


def work_of(layer: nn.Module, inputs: Tensor) -> Work:
    """The work of a layer on such inputs, from shapes alone: nothing is computed."""
    shapes, given = deepcopy(layer).to("meta"), inputs.to("meta")
    with torch.no_grad():
        moved = (given, *shapes.parameters(), shapes(given))
    return Work(count_flops(shapes, given), sum(each.numel() * each.element_size() for each in moved))
