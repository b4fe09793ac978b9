"""Stochastic depth: in training, a residual branch is left out at random, picture by picture. Huang et al. 2016."""

import torch
from torch import Tensor, nn

RULES = ("linear", "constant")


def stochastic_depth(branch: Tensor, survival: float, draws: Tensor) -> Tensor:
    """(batch, …) → the same shape: each picture's branch whole or zero, and what is kept divided by survival.

    draws (batch,) are uniform in [0, 1): a picture keeps its branch where its draw is below survival, a probability.
    One draw, of shape (1,), decides for the whole batch. Divided by survival, the mean over the draws is the branch
    itself, so that nothing need be done in evaluation. Huang et al. 2016, section 3 (who multiply by survival there).
    """
    kept = (draws < survival).to(branch.dtype)
    one_each = kept.reshape(-1, *[1] * (branch.ndim - 1))
    return branch * one_each / survival


def linear_rule(layers: int, last: float) -> Tensor:
    """→ (layers,): the survival probability of every layer, first to last, falling in equal steps to that of the last.

    The step before the first layer would be 1: the input itself always survives. Huang et al. 2016, equation 4.
    """
    steps = torch.arange(1, layers + 1) / layers
    return 1 - steps * (1 - last)


def survival_probabilities(layers: int, drop: float, rule: str) -> list[float]:
    """For a model's layers, when the last one's branches are left out with probability drop.

    rule: "linear", see :func:`linear_rule`, or "constant", the same for all.
    """
    if rule == "constant":
        return [1 - drop] * layers
    with torch.device("cpu"):  # also while a model is built on another device, or without memory on none
        return linear_rule(layers, 1 - drop).tolist()


class StochasticDepth(nn.Module):
    """(batch, …) → the same shape: :func:`stochastic_depth` with fresh draws in training, nothing in evaluation.

    It has no parameters. Raises ValueError for a survival probability outside (0, 1].
    """

    def __init__(self, survival: float) -> None:
        super().__init__()
        if not 0 < survival <= 1:
            raise ValueError(
                f"The survival probability is {survival}, but must be in (0, 1]: with 1 nothing is left out, and with "
                "0 the branch would never learn."
            )
        self.survival = survival

    def forward(self, branch: Tensor) -> Tensor:
        if not self.training or self.survival == 1:
            return branch
        return stochastic_depth(branch, self.survival, torch.rand(len(branch), device=branch.device))

    def extra_repr(self) -> str:
        return f"survival={self.survival:g}"
