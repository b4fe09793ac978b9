"""A trained network without its head: images of any size in, features out. Notebooks 07, 09 and 10."""

from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.models.pretrained import Pretrained
from course_utils.models.refusals import WrongShape
from course_utils.models.resnet import ResNet
from course_utils.settings import Side, checked


def pooled(model: nn.Module, images: Tensor) -> Tensor:
    """(batch, channels, height, width) → (batch, dim): what the head reads, of a ResNet or of a network of timm's.

    Raises ValueError for another model.
    """
    network: Any = model
    if isinstance(model, ResNet):
        return model.features(images).mean(dim=(-2, -1))
    if not hasattr(model, "forward_head"):
        raise ValueError(f"The model is a {type(model).__name__}, but must be a ResNet or a network of timm's.")
    return network.forward_head(network.forward_features(images), pre_logits=True)


def head_of(model: nn.Module) -> str:
    """The name of the model's head. Raises ValueError for a model that has none, or one of several layers."""
    if isinstance(model, ResNet):
        return "head"
    name = getattr(model, "pretrained_cfg", {}).get("classifier")
    if not isinstance(name, str) or not isinstance(getattr(model, name, None), nn.Linear):
        raise ValueError(
            f"The model is a {type(model).__name__}, but must be a ResNet or a network of timm's with one linear layer "
            "as its head."
        )
    return name


class Encoder(nn.Module):
    """(batch, 1 or 3, height, width) in [0, 1], on any device → (batch, dim): features of a trained network,
    which learns nothing.

    side: of the square, in pixels, to which images are resized: the larger, the slower and, up to the size that the
    network was trained with, the better. Raises WrongShape for other images, and ValueError for a model that is neither
    a ResNet nor one of timm's.
    """

    def __init__(self, found: Pretrained, side: int) -> None:
        super().__init__()
        self.network = found.model.to(memory_format=torch.channels_last)  # a third faster on CPUs
        self.found, self.side = found, checked("side", side, Side)
        self.eval()

    def train(self, mode: bool = True) -> Self:
        """The network stays in evaluation mode."""
        return super().train(False)

    @property
    def dim(self) -> int:
        """The number of features."""
        network: Any = self.network
        return network.head.in_features if isinstance(network, ResNet) else network.num_features

    def prepared(self, images: Tensor) -> Tensor:
        """→ (batch, 3, side, side), as the network reads them: resized, in colour, standardised."""
        if images.ndim != 4 or images.shape[1] not in (1, 3):
            reads = "(batch, 1 or 3, height, width)"
            raise WrongShape(images.shape, "this Encoder", reads, "add an axis with image[None], or choose channels")
        large = F.interpolate(images, (self.side, self.side), mode="bilinear", antialias=True)
        return self.found.prepared(large.expand(-1, 3, -1, -1)).contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        return pooled(self.network, self.prepared(images).to(next(self.network.parameters()).device))
