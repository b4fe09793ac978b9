"""Muon for the matrices and kernels of hidden layers, AdamW for everything else, as one optimiser. Jordan et al. 2024.

``torch.optim.Muon`` is the same, but takes no kernels and always multiplies in bf16. On a CPU without bf16 instructions
that takes about twenty times as long as float32, and several times as long as the rest of a step. Notebook 05.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.training.device import bf16_cpu

MOMENTUM = 0.95
# Steep at 0, so that small singular values grow in five rounds; Jordan et al. 2024.
QUINTIC = (3.4445, -4.7750, 2.0315)


def orthogonalised(matrix: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """(rows, columns) → the same shape, in dtype: the same singular vectors, with all singular values near 1.

    Five Newton–Schulz rounds, X → a X + (b S + c S²) X with S = X Xᵀ. Each maps every singular value s to a s + b s³
    + c s⁵. They end between about 0.7 and 1.2, except those that start below two thousandths of the norm.
    Jordan et al. 2024.
    """
    a, b, c = QUINTIC
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if tall else matrix).to(dtype)
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(5):
        square = x @ x.T
        x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """weight ← (1 − lr · decay) · weight − lr · 0.2 √max(rows, columns) · orthogonalised(running mean of gradients).

    A step changes a layer equally in every direction, instead of mostly in the few with large gradients. The factor
    makes it as long as AdamW's step, so both can share learning rates and decays (Liu et al. 2025, eq. 4). A kernel
    (out, in, height, width) is the matrix (out, in · height · width). Computes in dtype, by default in bf16 if the
    device supports it.
    """

    def __init__(
        self, groups: Iterable[dict[str, Any]], learning_rate: float, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__(groups, {"lr": learning_rate, "weight_decay": 0.0})
        device = self.param_groups[0]["params"][0].device.type
        self.dtype = dtype or (torch.float32 if device == "cpu" and not bf16_cpu() else torch.bfloat16)

    def __getstate__(self) -> dict[str, Any]:  # what a copy gets
        return {**super().__getstate__(), "dtype": self.dtype}

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["mean"] = torch.zeros_like(weight)
                mean = state["mean"]
                mean.lerp_(weight.grad, 1 - MOMENTUM)
                ahead = weight.grad.lerp(mean, MOMENTUM)  # Nesterov's
                direction = orthogonalised(ahead.flatten(1), self.dtype)
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                length = 0.2 * max(direction.shape) ** 0.5
                weight.add_(direction.view(weight.shape), alpha=-group["lr"] * length)


def hidden_matrices(model: nn.Module) -> list[Tensor]:
    """The trainable weights of linear layers inside the model's blocks, and of convolutions over all channels.

    The layers that read pixels or return logits use AdamW, as in Jordan et al. 2024: linear layers that belong to the
    model itself, not to a block, and convolutions of an image's channels, of which there are at most four.
    """

    def hidden(name: str, layer: nn.Module) -> bool:
        if isinstance(layer, nn.Conv2d):
            return layer.groups == 1 and layer.in_channels > 4
        return isinstance(layer, nn.Linear) and "." in name

    layers = [layer for name, layer in model.named_modules() if hidden(name, layer)]
    return [weight for layer in layers if (weight := layer.weight).requires_grad]


class MuonAndAdamW(torch.optim.Optimizer):
    """A step of Muon on the hidden matrices and of AdamW on all other parameters, at one learning rate.

    groups: from :func:`course_utils.training.optimiser.parameter_groups`; hidden: those of their parameters that Muon
    updates. Raises ValueError if there are none.
    """

    def __init__(self, groups: list[dict[str, Any]], hidden: list[Tensor], learning_rate: float, fused: bool) -> None:
        chosen = {id(parameter) for parameter in hidden}
        parts = [
            [{**group, "params": [p for p in group["params"] if (id(p) in chosen) == taken]} for group in groups]
            for taken in (True, False)
        ]
        muon, adamw = ([group for group in part if group["params"]] for part in parts)
        if not muon:
            raise ValueError(
                "No parameter is a matrix or kernel of a hidden layer, so Muon has nothing to update: use AdamW."
            )
        super().__init__([p for group in groups for p in group["params"]], {"lr": learning_rate})
        self.parts: list[torch.optim.Optimizer] = [Muon(muon, learning_rate)]
        if adamw:
            self.parts.append(torch.optim.AdamW(adamw, learning_rate, fused=fused))
        self._share_groups()

    def __getstate__(self) -> dict[str, Any]:  # what a copy gets; its groups are those of its parts, too
        return {**super().__getstate__(), "parts": self.parts}

    def _share_groups(self) -> None:
        self.param_groups = [group for part in self.parts for group in part.param_groups]

    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self._share_groups()
