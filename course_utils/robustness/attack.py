"""Projected gradient descent on a picture: how far can a change that nobody sees lead a model? Madry et al. 2018.

Written to measure how robust one's own model is, before somebody else does. Notebook 10.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor


def check_radius(radius: float) -> None:
    """Raises ValueError for a ball that does not exist."""
    if not (math.isfinite(radius) and radius >= 0):
        raise ValueError(
            f"The radius ε is {radius:.4g}, but must be 0 or more: it is the largest change of a pixel, for example "
            "8/255."
        )


def project(pictures: Tensor, centre: Tensor, radius: float) -> Tensor:
    """The nearest pictures within radius of centre at every pixel and within [0, 1]; all shapes are equal.

    The L∞ ball and the range of pixels are both boxes, so one clamp does it. Madry et al. 2018, section 2.1.
    Raises ValueError for a negative radius.
    """
    check_radius(radius)
    return pictures.clamp((centre - radius).clamp(min=0), (centre + radius).clamp(max=1))


def pgd_step(pictures: Tensor, gradient: Tensor, centre: Tensor, radius: float, step_size: float) -> Tensor:
    """One step down the loss, of step_size at every pixel whose gradient is not 0, then back into the ball.

    pictures, gradient and centre (batch, channels, height, width) → new pictures of that shape. The ball holds all
    pictures that differ from centre by at most radius at every pixel; pixels stay in [0, 1], where those given lie
    too. radius (0 or more) and step_size are numbers, in units in which white is 1. Madry et al. 2018, section 2.1.
    """
    moved = pictures - step_size * gradient.sign()
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
    """Search the ball around each picture for the one with the smallest loss; → pictures of the same shape.

    loss: pictures (batch, …) → (batch,), one number a picture, to be made small. The first start is the picture
    itself, each further one of restarts a random place in the ball; the best picture of all is kept, so further
    restarts never do worse. step_size is 2.5 · radius / steps when left out, as in Madry et al. 2018,
    section 5. With radius 0 the pictures come back as they are. A radius of 1 is no limit but [0, 1].

    Raises ValueError for a negative radius, for fewer than one step or restart, and for pictures outside [0, 1].
    """
    check_radius(radius)
    if steps < 1 or restarts < 1:
        raise ValueError(f"steps is {steps} and restarts {restarts}, but both must be at least 1.")
    if images.min() < 0 or images.max() > 1:
        raise ValueError(
            f"The pictures have values from {images.min():.3g} to {images.max():.3g}, but must lie in [0, 1]."
        )
    if radius == 0:
        return images.clone()
    generator = torch.Generator().manual_seed(seed)
    size = 2.5 * radius / steps if step_size is None else step_size
    best, lowest = images.clone(), torch.full((len(images),), math.inf, device=images.device)
    for start in range(restarts):
        noise = (2 * torch.rand(images.shape, generator=generator) - 1).to(images.device) * radius
        pictures = project(images + noise, images, radius) if start else images
        for step in range(steps + 1):
            pictures = pictures.detach().requires_grad_()
            losses = loss(pictures)
            better = losses.detach() < lowest
            best[better], lowest[better] = pictures.detach()[better], losses.detach()[better]
            if step < steps:
                (gradient,) = torch.autograd.grad(losses.sum(), pictures)
                pictures = pgd_step(pictures.detach(), gradient, images, radius, size)
    return best
