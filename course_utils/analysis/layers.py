"""What the features of each layer know, without any training. Notebook 04."""

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.models import ViT
from course_utils.modes import evaluating

TOKENS = ("class token", "mean of the patches")


@torch.no_grad()
def features_by_layer(model: ViT, images: Tensor) -> Tensor:
    """(batch, channels, height, width) → (batch, 2, layers, dim): class token, and mean of the patches,
    after each layer.

    Each is standardised over its features, as before the next layer, so that the layers can be compared.
    """
    after: list[Tensor] = []
    hooks = [block.register_forward_hook(lambda block, taken, given: after.append(given)) for block in model.blocks]
    try:
        with evaluating(model):
            model.features(images)
    finally:
        for hook in hooks:
            hook.remove()
    tokens = F.layer_norm(torch.stack(after, dim=1), (model.config.dim,))  # (batch, layers, tokens, dim)
    special = model.special_tokens.shape[1]
    return torch.stack([tokens[:, :, 0], tokens[:, :, special:].mean(dim=2)], dim=1)


def nearest_neighbour_accuracy(features: Tensor, labels: Tensor) -> float:
    """features (count, dim), labels (count,) → the share of images whose nearest other image has the same label."""
    distances = torch.cdist(features, features)
    distances.fill_diagonal_(torch.inf)
    return (labels[distances.argmin(dim=1)] == labels).float().mean().item()
