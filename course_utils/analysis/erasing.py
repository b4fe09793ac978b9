"""What does a model's answer lose when one patch of the image is erased? Notebook 04."""

import math
import warnings
from collections.abc import Iterable

import torch
from torch import Tensor

from course_utils.models import ViT
from course_utils.modes import evaluating


def border(images: Tensor) -> Tensor:
    """(count, channels, height, width) → (channels,): the median of the outermost pixels, a colour to erase with."""
    lines = (images[..., 0, :], images[..., -1, :], images[..., :, 0], images[..., :, -1])
    return torch.cat([line.movedim(1, 0).flatten(1) for line in lines], dim=1).median(dim=1).values


def erased(images: Tensor, patches: Iterable[int], model: ViT, blank: Tensor) -> Tensor:
    """images (…, channels, height, width) with these patches of the model's grid, numbered in raster order,
    set to blank.
    """
    images, size = images.clone(), model.config.patch_size
    for patch in patches:
        top, left = (size * place for place in divmod(patch, model.config.grid[1]))
        images[..., top : top + size, left : left + size] = blank[:, None, None]
    return images


@torch.no_grad()
def erasing_map(model: ViT, images: Tensor, labels: Tensor, blank: Tensor) -> Tensor:
    """images (batch, channels, height, width), labels (batch,), blank (channels,) → (batch, patches): by how much the
    logarithm of the label's probability falls when all pixels of that patch alone become blank.

    Zeiler & Fergus 2014, section 4.2, with the ViT's own patches.
    """

    def score(seen: Tensor) -> Tensor:
        return model(seen).log_softmax(dim=-1).gather(1, labels.long()[:, None])[:, 0]

    with evaluating(model):
        before, falls = score(images), []
        for patch in range(math.prod(model.config.grid)):
            falls.append(before - score(erased(images, [patch], model, blank)))
    return torch.stack(falls, dim=1)


def rank_correlations(maps: Tensor, others: Tensor, among: Tensor) -> Tensor:
    """Two maps of each image and a boolean mask, all (batch, patches) → (batch,): Spearman's rank correlation over the
    patches of the mask; NaN where one of the maps is the same everywhere.
    """
    from scipy.stats import ConstantInputWarning, spearmanr  # only here: importing it takes a second

    each = zip(maps.cpu(), others.cpu(), among.cpu(), strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)
        return torch.tensor([spearmanr(one[mask], other[mask]).statistic for one, other, mask in each]).to(maps)
