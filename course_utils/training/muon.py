"""Muon for the matrices of hidden layers, AdamW for everything else, as one optimiser."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


def hidden_matrices(model: nn.Module) -> list[Tensor]:
    """The trainable weights of linear layers inside the model's blocks: neither what reads pixels nor what gives logits.

    Those two are the model's own linear layers, not inside anything; Jordan et al. 2024 leave them to AdamW too.
    """
    return [
        layer.weight
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear) and "." in name and layer.weight.requires_grad
    ]


class MuonAndAdamW(torch.optim.Optimizer):
    """A step of Muon on hidden matrices and of AdamW on all other parameters, at the same learning rate and decay.

    Muon turns the running mean of a matrix's gradients into the nearest matrix with equal singular values, so that a
    step changes what the layer does in every direction alike and not mostly in the few with large gradients (Jordan et
    al. 2024). Its step is scaled to the size of AdamW's (Liu et al. 2025, eq. 4), hence one learning rate for both.

    groups: as :func:`course_utils.training.optimiser.parameter_groups` gives them. Raises ValueError when none of
    the parameters is one of the hidden matrices.
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
                "No parameter is a matrix of a hidden linear layer, so Muon has nothing to do: use AdamW."
            )
        super().__init__([p for group in groups for p in group["params"]], {"lr": learning_rate})
        self.parts: list[torch.optim.Optimizer] = [
            torch.optim.Muon(muon, learning_rate, adjust_lr_fn="match_rms_adamw")
        ]
        if adamw:
            self.parts.append(torch.optim.AdamW(adamw, learning_rate, fused=fused))
        self._share_groups()

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
