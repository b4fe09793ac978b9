"""Augmentation of a batch on the device, different for each image. Notebooks 04, 05, 06 and 09."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """(batch, channels, height, width) → the same, each mirrored left to right with probability one half."""
    chosen = uniform(generator, images.device, len(images), 1, 1, 1) < 0.5
    return torch.where(chosen, images.flip(-1), images)


def shift(images: Tensor, generator: torch.Generator, pixels: int = 2) -> Tensor:
    """(batch, channels, height, width) → the same, each shifted by up to that many pixels; zeros fill in."""
    batch, _, height, width = images.shape
    device = images.device
    down, right = torch.randint(2 * pixels + 1, (2, batch, 1), generator=generator, device=device)
    rows = (down + torch.arange(height, device=device))[:, :, None]
    columns = (right + torch.arange(width, device=device))[:, None, :]
    which = torch.arange(batch, device=device)[:, None, None]
    padded = F.pad(images, (pixels,) * 4).movedim(1, -1)
    return padded[which, rows, columns].movedim(-1, 1)


def shift_and_flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """The usual augmentation of small images: shifted by up to two pixels, mirrored half of the time."""
    return flip(shift(images, generator), generator)


def erase(
    images: Tensor, generator: torch.Generator, probability: float = 0.5, area: tuple[float, float] = (0.02, 0.33)
) -> Tensor:
    """(batch, channels, height, width) → the same; with that probability a rectangle becomes noise.

    The rectangle takes a share of the image drawn from `area`, is between 0.3 and 3.3 times as high as wide, and its
    pixels are drawn from [0, 1]. Zhong et al. 2020, algorithm 1; a rectangle that crosses the border is cut off; the
    paper draws a new one instead.
    """
    batch, _, height, width = images.shape
    device = images.device

    def draw(low: float, high: float) -> Tensor:
        return low + (high - low) * uniform(generator, device, batch, 1, 1, 1)

    share, ratio = draw(*area), draw(math.log(0.3), math.log(3.3)).exp()
    tall, wide = (share * ratio).sqrt(), (share / ratio).sqrt()
    top, left = draw(0, 1) * (1 - tall), draw(0, 1) * (1 - wide)
    row = ((torch.arange(height, device=device) + 0.5) / height)[:, None]
    column = (torch.arange(width, device=device) + 0.5) / width
    inside = (row >= top) & (row < top + tall) & (column >= left) & (column < left + wide)
    noise = uniform(generator, device, *images.shape).to(images.dtype)
    return torch.where(inside & (draw(0, 1) < probability), noise, images)


def shift_flip_erase(images: Tensor, generator: torch.Generator, pixels: int = 2, probability: float = 0.5) -> Tensor:
    """Shifted, mirrored, and with that probability a rectangle erased; for long training on small images."""
    return erase(flip(shift(images, generator, pixels), generator), generator, probability)


def vary_light(images: Tensor, generator: torch.Generator) -> Tensor:
    """Shifted and mirrored; then each image gets its own contrast, brightness and noise; some turn grey or negative.

    For a teacher whose features should also work for images of another kind, such as grey, dark or noisy ones.
    """
    images = shift_and_flip(images, generator)

    def draw(*shape: int) -> Tensor:
        return uniform(generator, images.device, len(images), *shape).to(images.dtype)

    images = torch.where(draw(1, 1, 1) < 0.3, images.mean(1, keepdim=True), images)
    images = torch.where(draw(1, 1, 1) < 0.15, 1 - images, images)
    images = images * (0.4 + 0.8 * draw(1, 1, 1)) + 0.3 * draw(1, 1, 1) - 0.15
    noise = torch.randn(images.shape, generator=generator, device=images.device, dtype=torch.float32)
    return images + 0.05 * draw(1, 1, 1) * noise.to(images.dtype)


def uniform(generator: torch.Generator, device: torch.device, *shape: int) -> Tensor:
    """Random numbers in [0, 1), float32 whatever PyTorch's default type is."""
    return torch.rand(shape, generator=generator, device=device, dtype=torch.float32)
