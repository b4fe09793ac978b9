"""Projected gradient descent on an image: how far can an invisible change mislead a model? Madry et al. 2018.

Use it to measure how robust your own model is, before somebody else does. Notebook 10.
"""

import math
from collections.abc import Callable
from numbers import Real
from typing import Annotated

import torch
from torch import Tensor

from course_utils.settings import Seed, above, checked

StepSize = Annotated[float, above(0, ": it is the change of a pixel in one step, for example 2/255")]


def check_radius(radius: float) -> None:
    """Raise ValueError for a radius that is negative or not finite."""
    number = isinstance(radius, Real | Tensor) and math.isfinite(radius)
    shown = f"{radius:.4g}" if number else repr(radius)
    if not number or radius < 0:
        raise ValueError(
            f"The radius ε is {shown}, but must be 0 or more: it is the largest change of a pixel, for example 8/255."
        )


def project(images: Tensor, centre: Tensor, radius: float) -> Tensor:
    """The nearest images within radius of centre at every pixel and within [0, 1]; all three have the same shape.

    The L∞ ball and the range of pixels are both boxes, so clamping projects onto both. Madry et al. 2018, section
    2.1. Raises ValueError for a negative radius.
    """
    check_radius(radius)
    return images.clamp((centre - radius).clamp(min=0), (centre + radius).clamp(max=1))


def pgd_step(images: Tensor, gradient: Tensor, centre: Tensor, radius: float, step_size: float) -> Tensor:
    """One step down the loss, by step_size at every pixel with a nonzero gradient, then back into the ε-ball.

    images, gradient and centre (batch, channels, height, width) → new images of the same shape. The ball contains all
    images that differ from centre by at most radius at every pixel. Pixels stay in [0, 1], like those of the
    arguments. radius (0 or more) and step_size are numbers; white is 1. Madry et al. 2018, section 2.1.
    """
    moved = images - step_size * gradient.sign()
    moved = torch.minimum(torch.maximum(moved, centre - radius), centre + radius)
    return moved.clamp(0, 1)


def attack(
    loss: Callable[[Tensor], Tensor],
    images: Tensor,
    radius: float,
    *,
    steps: int = 20,
    step_size: float | None = None,
    restarts: int = 1,
    seed: int = 0,
) -> Tensor:
    """Search the ball around each image for the one with the smallest loss; → images of the same shape and device.

    loss: images (batch, …) → (batch,), one number per image, to be minimised. The first start is the image itself,
    every further restart a random point in the ball. The result is the best image over all starts, so more restarts
    never do worse. The default step_size is 2.5 · radius / steps, as in Madry et al. 2018, section 5. With radius 0
    the images are returned unchanged. With radius 1 the only limit is [0, 1].

    Raises ValueError for a negative radius, a step_size that is not above 0, fewer than one step or restart, images
    that are not floating point in [0, 1], and a loss that is not one number per image, is NaN or infinite throughout,
    or does not depend on the images.
    """
    check_radius(radius)
    steps, restarts = checked("steps", steps, int), checked("restarts", restarts, int)
    if steps < 1 or restarts < 1:
        raise ValueError(f"steps is {steps} and restarts {restarts}, but both must be at least 1.")
    if not isinstance(images, Tensor) or not images.is_floating_point():
        kind = str(images.dtype).removeprefix("torch.") if isinstance(images, Tensor) else type(images).__name__
        raise ValueError(f"The images are {kind}, but must be a tensor in floating point: use images.float() / 255.")
    if images.numel() and not (images.min() >= 0 and images.max() <= 1):
        raise ValueError(
            f"The images have values from {images.min():.3g} to {images.max():.3g}, but must lie in [0, 1]."
        )
    images = images.detach().clone()
    generator = torch.Generator().manual_seed(checked("seed", seed, Seed))
    size = 2.5 * radius / steps if step_size is None else checked("step_size", step_size, StepSize)
    if radius == 0:
        return images
    best, lowest = images, torch.full((len(images),), math.inf, device=images.device)
    with torch.inference_mode(False), torch.enable_grad():
        images = images.clone()
        for start in range(restarts):
            noise = 2 * torch.rand(images.shape, generator=generator, dtype=torch.float32, device="cpu") - 1
            attacked = project(images + noise.to(images) * radius, images, radius) if start else images
            for step in range(steps + 1):
                attacked = attacked.detach().requires_grad_()
                losses = loss(attacked)
                check_losses(losses, images)
                better = losses.detach() < lowest  # chosen by where: an index would make a GPU wait
                lowest = torch.where(better, losses.detach(), lowest)
                best = torch.where(better.view(-1, *[1] * (images.ndim - 1)), attacked.detach(), best)
                if step < steps:
                    (gradient,) = torch.autograd.grad(losses.sum(), attacked)
                    attacked = pgd_step(attacked.detach(), gradient, images, radius, size)
    if len(lost := (lowest == math.inf).nonzero()):
        raise ValueError(
            f"The loss of image {int(lost[0])} is NaN or infinite at every step, so no attack was tried: check the "
            "loss and the model's weights."
        )
    return best


def check_losses(losses: Tensor, images: Tensor) -> None:
    """Raise ValueError unless a loss to attack is one number per image that depends on the images."""
    found = f"shape {tuple(losses.shape)}" if isinstance(losses, Tensor) else f"type {type(losses).__name__}"
    if not isinstance(losses, Tensor) or losses.shape != images.shape[:1]:
        raise ValueError(
            f"The loss returned a value of {found} for {len(images)} images, but must return one number per image: use "
            "reduction='none'."
        )
    if not losses.requires_grad:
        raise ValueError("The loss does not depend on the images: compute it without detach, no_grad or argmax.")
