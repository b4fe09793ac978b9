"""A task that a tiny ViT learns in a second: which quarter of the picture is bright."""

import torch

from course_utils.models import ViT, ViTConfig, build
from course_utils.training import Examples, Recipe


def quarters(count: int, seed: int = 0) -> Examples:
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(count, 1, 8, 8, generator=generator) * 0.3
    labels = torch.randint(0, 4, (count,), generator=generator)
    for image, label in zip(images, labels.tolist(), strict=True):
        row, column = divmod(label, 2)
        image[:, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 0.5
    return Examples(images, labels)


def tiny_vit(dropout: float = 0.0) -> ViT:
    return build(ViTConfig(8, 4, 1, dim=16, layers=1, heads=2, mlp_dim=32, classes=4, dropout=dropout), seed=0)


RECIPE = Recipe(epochs=2, batch_size=32, learning_rate=5e-3)


def same_weights(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)
