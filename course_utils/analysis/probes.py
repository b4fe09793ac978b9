"""Probes of inductive bias: attention distance, and the effect of shifts and of shuffled patches. Notebook 05."""

from collections.abc import Sequence

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.models.refusals import may_read
from course_utils.modes import evaluating


def grid_distances(rows: int, columns: int, patch_size: int) -> Tensor:
    """→ (rows · columns, rows · columns): pixels between the centres of any two patches of a grid, row by row."""
    row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    centres = torch.stack([row.flatten(), column.flatten()], dim=1).double() * patch_size
    return torch.cdist(centres, centres).float()


def attention_distance(weights: Tensor, distances: Tensor) -> Tensor:
    """Attention weights (batch, heads, tokens, tokens), with the class token first, and the distances between patches
    in pixels, (patches, patches) → (heads,): each head's mean attention distance in pixels.

    For each patch, average its distances to all patches, weighted by its attention. The class token has no position,
    so leave out its row and column and rescale the rest of each row to sum to one. The result is the mean over all
    patches of all images, with equal weight. Dosovitskiy et al. 2021, figure 7 (right) and appendix D.7.
    """
    between = weights[:, :, 1:, 1:]
    between = between / between.sum(dim=-1, keepdim=True)
    return (between * distances.to(between)).sum(dim=-1).mean(dim=(0, 2))


def shift_images(images: Tensor, down: int, right: int) -> Tensor:
    """(batch, channels, height, width) → the same shape: the content moved by some pixels, with zeros moving in.

    Positive numbers move it down or right, negative ones up or left, and 0 not at all. What leaves the image is lost:
    everything, if it moves by its height or width or further. Gradients reach the pixels that stay in the image.
    """
    height, width = images.shape[-2:]
    padded = F.pad(images, (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0)))
    top, left = max(-down, 0), max(-right, 0)
    return padded[..., top : top + height, left : left + width]


def shuffle_patches(images: Tensor, patch_size: int, order: Tensor) -> Tensor:
    """(batch, channels, height, width) → the same shape: patch i of the result is patch order[i] of the input.

    order (patches,) is a permutation, int64, the same for every image. Patches are numbered in raster order.
    patch_size, the side of a patch in pixels, divides height and width, which may differ. Pixels keep their places
    inside a patch, and gradients pass through.
    """
    check_shuffle(images, patch_size, order)
    rows = images.shape[-2] // patch_size
    patches = rearrange(images, "b c (h p) (w q) -> b (h w) c p q", p=patch_size, q=patch_size)
    return rearrange(patches[:, order], "b (h w) c p q -> b c (h p) (w q)", h=rows)


def check_shuffle(images: Tensor, patch_size: int, order: Tensor) -> None:
    """Raise ValueError unless patch_size divides the images and order is a permutation of their patches."""
    height, width = images.shape[-2:]
    if patch_size < 1 or height % patch_size or width % patch_size:
        raise ValueError(
            f"Images of {height} × {width} pixels cannot be cut into patches of {patch_size} × {patch_size}: choose a "
            "patch_size that divides both."
        )
    patches = height // patch_size * (width // patch_size)
    if not isinstance(order, Tensor) or order.dtype not in (torch.int32, torch.int64) or order.shape != (patches,):
        found = f"{order.dtype} of shape {tuple(order.shape)}" if isinstance(order, Tensor) else type(order).__name__
        wrong = f"is a {found}"
    elif may_read(order) and order.sort().values.tolist() != list(range(patches)):
        wrong = "does not contain every number once"
    else:
        return
    raise ValueError(
        f"order {wrong}, but must be a permutation of the {patches} patches, 0 to {patches - 1}: draw one with "
        f"torch.randperm({patches})."
    )


@torch.no_grad()
def accuracy_under_shifts(model: nn.Module, images: Tensor, labels: Tensor, pixels: Sequence[int]) -> list[float]:
    """Accuracy in [0, 1] on shifted images: for each number of pixels, the mean over right, left, down and up.

    The model runs in evaluation mode, and its own mode is restored. Raises ValueError for a shift that is negative or
    moves the whole image out of view, and unless there is one label for each of one or more images.
    """
    if not len(images) or labels.shape != images.shape[:1]:
        raise ValueError(
            f"There are {len(images)} images and labels of shape {tuple(labels.shape)}: pass one label per image, and "
            "at least one image."
        )
    side = min(images.shape[-2:])
    if unusable := [distance for distance in pixels if not 0 <= distance < side]:
        raise ValueError(f"A shift of {unusable[0]} pixels is not possible here: choose from 0 to {side - 1}.")
    accuracies = []
    with evaluating(model):
        for distance in pixels:
            ways = {(0, distance), (0, -distance), (distance, 0), (-distance, 0)}
            right = [
                (model(shift_images(part, down, across)).argmax(1) == truth).float()
                for down, across in ways
                for part, truth in zip(images.split(500), labels.split(500), strict=True)
            ]
            accuracies.append(torch.cat(right).mean().item())
    return accuracies
