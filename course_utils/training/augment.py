"""Augmentation on the device, a whole batch at once, each picture its own way."""

import torch
from torch import Tensor
from torch.nn import functional as F


def flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """(batch, channels, height, width) → the same, each mirrored left to right with probability one half."""
    chosen = torch.rand(len(images), 1, 1, 1, generator=generator, device=images.device) < 0.5
    return torch.where(chosen, images.flip(-1), images)


def shift(images: Tensor, generator: torch.Generator, pixels: int = 2) -> Tensor:
    """(batch, channels, height, width) → the same, each moved up to so many pixels both ways; zeros come in."""
    batch, _, height, width = images.shape
    device = images.device
    down, right = torch.randint(2 * pixels + 1, (2, batch, 1), generator=generator, device=device)
    rows = (down + torch.arange(height, device=device))[:, :, None]
    columns = (right + torch.arange(width, device=device))[:, None, :]
    which = torch.arange(batch, device=device)[:, None, None]
    padded = F.pad(images, (pixels,) * 4).movedim(1, -1)
    return padded[which, rows, columns].movedim(-1, 1)


def shift_and_flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """What is commonly done to small pictures: moved by up to two pixels, mirrored half of the time."""
    return flip(shift(images, generator), generator)
