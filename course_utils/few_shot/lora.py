"""Low-rank adapters: a frozen layer learns a small correction. Hu et al. 2021, section 4.1. Notebook 09."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def lora_linear(inputs: Tensor, weight: Tensor, bias: Tensor, down: Tensor, up: Tensor, alpha: float) -> Tensor:
    """A frozen linear layer with a low-rank update: W x + b + alpha / rank · up (down x), for each row x of inputs.

    inputs (batch, features), weight (outputs, features), bias (outputs,), down (rank, features), up (outputs, rank) →
    (batch, outputs). weight and bias get no gradient and are not changed; inputs get gradients through both paths. up
    @ down, which is as large as weight, is never computed. Hu et al. 2021, eq. 3 and section 4.1.
    """
    rank = len(down)
    correction = inputs @ down.T @ up.T
    return inputs @ weight.detach().T + bias.detach() + alpha / rank * correction


class LoRA(nn.Module):
    """A frozen linear or convolutional layer with a correction that starts at zero, so at first nothing changes.

    For a convolution, down is a convolution to rank channels with the same kernel, stride and padding, and up is 1 ×
    1. Raises TypeError for another layer and ValueError for a rank below one or a grouped convolution.
    """

    def __init__(self, layer: nn.Linear | nn.Conv2d, rank: int = 4, alpha: float = 4.0) -> None:
        super().__init__()
        if not isinstance(layer, nn.Linear | nn.Conv2d):
            raise TypeError(f"LoRA wraps nn.Linear and nn.Conv2d layers, not a {type(layer).__name__}.")
        if rank < 1:
            raise ValueError(f"rank is {rank}, but must be at least 1.")
        if isinstance(layer, nn.Conv2d) and layer.groups != 1:
            raise ValueError(
                f"The convolution has {layer.groups} groups, but LoRA needs 1: leave the layer as it is."
            )
        self.layer = layer.requires_grad_(False)
        self.scale = alpha / rank
        features = layer.weight[0].numel()
        self.down = nn.Parameter(torch.randn(rank, features) / features**0.5)
        self.up = nn.Parameter(torch.zeros(len(layer.weight), rank))

    def forward(self, inputs: Tensor) -> Tensor:
        layer = self.layer
        if isinstance(layer, nn.Linear):
            return layer(inputs) + self.scale * F.linear(F.linear(inputs, self.down), self.up)
        down = self.down.unflatten(1, layer.weight.shape[1:])
        narrow = F.conv2d(inputs, down, None, layer.stride, layer.padding, layer.dilation)
        return layer(inputs) + self.scale * F.conv2d(narrow, self.up[:, :, None, None])

    def merged(self) -> nn.Linear | nn.Conv2d:
        """The layer with the correction added to its weights, in place: as fast as before, with the same outputs."""
        with torch.no_grad():
            self.layer.weight += self.scale * (self.up @ self.down).view_as(self.layer.weight)
        return self.layer


def add_lora(model: nn.Module, rank: int = 4, alpha: float = 4.0) -> nn.Module:
    """Freeze the model and wrap each of its linear layers and ungrouped convolutions in place; → the model."""
    model.requires_grad_(False)
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            plain = isinstance(layer, nn.Linear) or (isinstance(layer, nn.Conv2d) and layer.groups == 1)
            if plain and not isinstance(parent, LoRA):
                setattr(parent, name, LoRA(layer, rank, alpha))  # type: ignore[arg-type]
    return model


def merge_lora(model: nn.Module) -> nn.Module:
    """Add each correction to the weights of its layer and unwrap the layer; → the model in its original form."""
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, LoRA):
                setattr(parent, name, layer.merged())
    return model
