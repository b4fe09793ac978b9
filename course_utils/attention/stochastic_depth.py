"""Stochastic depth: in training, residual branches are dropped at random. Huang et al. 2016. Notebook 06."""

import torch
from torch import Tensor, nn

RULES = ("linear", "constant")


def stochastic_depth(branch: Tensor, survival: float, draws: Tensor) -> Tensor:
    """Drop branches at random and rescale the rest, so that the average over the draws is the branch.

    branch (batch, …) with any number of further axes; survival in (0, 1]: the probability of keeping a branch; draws,
    uniform in [0, 1): (batch,), one per image, or (1,), one for the whole batch → the shape of branch. An image keeps
    its whole branch if its draw is less than survival (not if they are equal); otherwise its branch is zero. Huang et
    al. 2016, section 3.
    """
    kept = (draws < survival).to(branch.dtype)
    one_each = kept.reshape(-1, *[1] * (branch.ndim - 1))
    return branch * one_each / survival


def linear_rule(layers: int, last: float) -> Tensor:
    """→ (layers,), floats: the survival probability of each layer, first to last, decreasing in equal steps.

    layers is at least 1; last, in (0, 1], is the survival probability of the last layer. One step before the first
    layer, the probability is 1: the input always survives. `linear_rule(2, 0.5)` → tensor([0.75, 0.5]). Huang et al.
    2016, equation 4.
    """
    steps = torch.arange(1, layers + 1) / layers
    return 1 - steps * (1 - last)


def survival_probabilities(layers: int, drop: float, rule: str) -> list[float]:
    """For the layers of a model that drops the branches of its last layer with probability drop.

    rule: "linear", see :func:`linear_rule`, or "constant", the same for all layers.
    """
    if rule == "constant":
        return [1 - drop] * layers
    with torch.device("cpu"):  # even while a model is built on another device or on the meta device
        return linear_rule(layers, 1 - drop).tolist()


class StochasticDepth(nn.Module):
    """(batch, …) → the same shape: :func:`stochastic_depth` with new draws in training, the identity in evaluation.

    It has no parameters. Raises ValueError for a survival probability outside (0, 1].
    """

    def __init__(self, survival: float) -> None:
        super().__init__()
        if not 0 < survival <= 1:
            raise ValueError(
                f"The survival probability is {survival}, but must be in (0, 1]: with 1 nothing is dropped, and "
                "with 0 the branch would never learn."
            )
        self.survival = survival

    def forward(self, branch: Tensor) -> Tensor:
        if not self.training or self.survival == 1:
            return branch
        return stochastic_depth(branch, self.survival, torch.rand(len(branch), device=branch.device))

    def extra_repr(self) -> str:
        return f"survival={self.survival:g}"
