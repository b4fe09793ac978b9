"""Low-rank adapters: a frozen layer learns a small correction. Hu et al. 2021, section 4.1. Notebook 09."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.parameter import is_lazy

from course_utils.settings import Count, checked
from course_utils.training.inputs import check_model


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
    1. Both have the device and the type of the layer's weights. Code that reads ``weight`` instead of calling the
    layer, such as ``nn.MultiheadAttention``, gets the corrected weights. Raises TypeError for another layer and
    ValueError for a rank below one, a grouped convolution, and a layer whose weights are computed or not yet built. Hu
    et al. 2021, section 4.1.
    """

    def __init__(self, layer: nn.Linear | nn.Conv2d, rank: int = 4, alpha: float = 4.0) -> None:
        super().__init__()
        if not isinstance(layer, nn.Linear | nn.Conv2d):
            raise TypeError(f"LoRA wraps nn.Linear and nn.Conv2d layers, not a {type(layer).__name__}.")
        self.rank, self.alpha = checked("rank", rank, Count), checked("alpha", alpha, float)
        if isinstance(layer, nn.Conv2d) and layer.groups != 1:
            raise ValueError(
                f"The convolution has {layer.groups} groups, but LoRA needs 1: leave the layer as it is."
            )
        if not can_wrap(layer):
            raise ValueError(
                f"The weights of this {type(layer).__name__} are computed or not built yet, but LoRA needs a "
                "parameter: remove the parametrisation, or run the model once."
            )
        self.layer = layer.requires_grad_(False)
        self.scale = self.alpha / self.rank
        weight, features = layer.weight, layer.weight[0].numel()
        drawn = torch.randn(self.rank, features, dtype=torch.float32, device="cpu") / features**0.5
        self.down = nn.Parameter(drawn.to(weight.device, weight.dtype))
        self.up = nn.Parameter(torch.zeros(len(weight), self.rank, device=weight.device, dtype=weight.dtype))

    def forward(self, inputs: Tensor) -> Tensor:
        layer = self.layer
        if isinstance(layer, nn.Linear):
            return layer(inputs) + self.scale * F.linear(F.linear(inputs, self.down), self.up)
        narrower = {"weight": self.down.unflatten(1, layer.weight.shape[1:])}
        if layer.bias is not None:
            narrower["bias"] = layer.bias.new_zeros(self.rank)
        narrow = functional_call(layer, narrower, inputs)  # with the layer's stride and its own kind of padding
        return layer(inputs) + self.scale * F.conv2d(narrow, self.up[:, :, None, None])

    @property
    def weight(self) -> Tensor:
        """The layer's weights with the correction."""
        correction = self.scale * (self.up @ self.down).view_as(self.layer.weight)
        return self.layer.weight + correction

    @property
    def bias(self) -> Tensor | None:
        """The layer's bias."""
        return self.layer.bias

    def merged(self) -> nn.Linear | nn.Conv2d:
        """The layer with the correction added to its weights: as fast as before, with the same outputs.

        A second call adds nothing. The layer gets weights of its own, so another one that shared them keeps the old.
        """
        with torch.no_grad():
            self.layer.weight = nn.Parameter(self.weight, requires_grad=False)
            self.up.zero_()
        return self.layer


def add_lora(model: nn.Module, rank: int = 4, alpha: float = 4.0) -> nn.Module:
    """Freeze the model and wrap each of its linear layers and ungrouped convolutions in place; → the model.

    Everything else stays frozen without an adapter: grouped, transposed, one- and three-dimensional convolutions,
    embeddings, layers with computed weights, and the projections of query, key and value in
    ``nn.MultiheadAttention``, which are no layers. A layer that a model uses twice has one adapter. A second call
    changes nothing; a model that is itself one layer is returned wrapped.

    Raises ValueError, and changes nothing, for a rank below one, a model without such a layer or with layers that are
    not built yet, and a model whose adapters have another rank or alpha.
    """
    rank, alpha = checked("rank", rank, Count), checked("alpha", alpha, float)
    check_model(model)
    found = list(_wrapped(model))
    if isinstance(model, nn.Linear | nn.Conv2d) and can_wrap(model):
        return LoRA(model.requires_grad_(False), rank, alpha)
    inside = {id(lora.layer) for lora in found}
    places = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent._modules.items()
        if child is not None and can_wrap(child) and id(child) not in inside
    ]
    if not places and not found:
        raise ValueError(
            f"This {type(model).__name__} has no linear layer and no ungrouped convolution, so nothing would learn: "
            "pass a model that has."
        )
    for lora in found:
        if (lora.rank, lora.alpha) != (rank, alpha):
            raise ValueError(
                f"This {type(model).__name__} has adapters of rank {lora.rank} and alpha {lora.alpha:g} already, not "
                f"rank {rank} and alpha {alpha:g}: use merge_lora first, or build the model again."
            )
    model.requires_grad_(False)
    made: dict[int, LoRA] = {}
    layer: Any
    for parent, name, layer in places:
        if id(layer) not in made:
            made[id(layer)] = LoRA(layer, rank, alpha)
        parent._modules[name] = made[id(layer)]
    for lora in _wrapped(model):
        lora.down.requires_grad_()
        lora.up.requires_grad_()
    return model


def merge_lora(model: nn.Module) -> nn.Module:
    """Add each correction to the weights of its layer and unwrap the layer; → the model in its original form.

    Its weights stay frozen.
    """
    check_model(model)
    if isinstance(model, LoRA):
        return model.merged()
    for parent in list(model.modules()):
        for name, layer in parent._modules.items():
            if isinstance(layer, LoRA):
                parent._modules[name] = layer.merged()
    return model


def can_wrap(layer: Any) -> bool:
    """Whether the layer is linear, or an ungrouped convolution, with weights that are a parameter."""
    plain = isinstance(layer, nn.Linear) or (isinstance(layer, nn.Conv2d) and layer.groups == 1)
    weight = layer._parameters.get("weight") if plain else None
    return isinstance(weight, nn.Parameter) and not is_lazy(weight)


def _wrapped(model: nn.Module) -> Iterator[LoRA]:
    return (module for module in model.modules() if isinstance(module, LoRA))
