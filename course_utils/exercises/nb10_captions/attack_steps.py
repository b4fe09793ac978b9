"""Wrong steps."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.exercise import Misconception

Answer = Callable[..., Any]
Form = Callable[[Tensor], Tensor]
Box = Callable[[Tensor, Tensor, Tensor, float], Tensor]  # moved, images, centre, radius

PICTURE, ALL = (1, 2, 3), (0, 1, 2, 3)  # axes


def ball(moved: Tensor, images: Tensor, centre: Tensor, radius: float) -> Tensor:
    """The ball around the centre."""
    return moved.clamp(centre - radius, centre + radius)


def no_ball(moved: Tensor, images: Tensor, centre: Tensor, radius: float) -> Tensor:
    """No projection."""
    return moved


def pixels(moved: Tensor) -> Tensor:
    """Back into [0, 1]."""
    return moved.clamp(0, 1)


def any_pixels(moved: Tensor) -> Tensor:
    """Unchanged."""
    return moved


def slip(
    direction: Form = lambda gradient: -gradient.sign(), box: Box = ball, pixels: Form = pixels, start: str = "images"
) -> Answer:
    """The step with one of its parts replaced."""

    def wrong(images: Tensor, gradient: Tensor, centre: Tensor, radius: float, step_size: float) -> Tensor:
        begin = centre if start == "centre" else images
        return pixels(box(begin + step_size * direction(gradient), images, centre, radius))

    return wrong


def of_each(x: Tensor, order: float, dims: tuple[int, ...] = PICTURE) -> Tensor:
    """The norm of every image, or over other axes."""
    return torch.linalg.vector_norm(x, ord=order, dim=dims, keepdim=True)


def _radius(radius: float, step_size: float) -> float:
    return radius


def _step_size(radius: float, step_size: float) -> float:
    return step_size


def _with(ball: Callable[[float, float], float], step: Callable[[float, float], float]) -> Answer:
    """The step with another radius and another step size, both computed from radius and step_size."""
    return lambda images, gradient, centre, radius, step_size: slip()(
        images, gradient, centre, ball(radius, step_size), step(radius, step_size)
    )


def _over(length: Form) -> Answer:
    """A step along the gradient, divided by a function of it."""
    return slip(direction=lambda gradient: -gradient / length(gradient))


def _averaged(*dims: int) -> Answer:
    return slip(direction=lambda gradient: -gradient.mean(dim=dims, keepdim=True).sign())


def _clipped_gradient(images: Tensor, gradient: Tensor, centre: Tensor, radius: float, step_size: float) -> Tensor:
    return pixels(ball(images - gradient.clamp(-step_size, step_size), images, centre, radius))


STEPS = (
    Misconception(
        "uphill",
        "The step increases the loss. Here the attacker decreases it: go against the gradient.",
        slip(direction=torch.sign),
    ),
    Misconception(
        "gradient-itself",
        "The step is proportional to the gradient, pixel by pixel. In an L∞ ball, every pixel may use its whole "
        "limit: only the gradient's sign counts.",
        slip(direction=torch.neg),
        slip(direction=lambda gradient: gradient),
    ),
    Misconception(
        "gradient-of-length-one",
        "The gradient is divided by an L2 norm. In an L∞ ball, every pixel takes a whole step: only the gradient's "
        "sign counts.",
        _over(lambda gradient: of_each(gradient, 2)),
        _over(torch.norm),
        _over(lambda gradient: gradient.norm(dim=1, keepdim=True)),
        _over(lambda gradient: gradient.norm(dim=-1, keepdim=True)),
    ),
    Misconception(
        "gradient-scaled",
        "The gradient is scaled by one number for many pixels, so the step is small where the gradient is small. "
        "Every pixel takes a whole step: only the gradient's sign counts.",
        _over(lambda gradient: gradient.abs().max()),
        _over(torch.std),
        _over(lambda gradient: gradient.abs().sum()),
        _over(lambda gradient: gradient.abs().mean()),
        _over(lambda gradient: of_each(gradient, 1)),
        _over(lambda gradient: of_each(gradient, torch.inf)),
    ),
    Misconception(
        "soft-sign",
        "Large gradients are clamped or squashed, but the step is small where the gradient is small. Only −1, 0 and "
        "1 are signs.",
        slip(direction=lambda gradient: -gradient.tanh()),
        slip(direction=lambda gradient: -gradient.clamp(-1, 1)),
        _clipped_gradient,
        slip(direction=lambda gradient: -gradient / (1 + gradient.abs())),
        slip(direction=lambda gradient: 1 - 2 * gradient.sigmoid()),
    ),
    Misconception(
        "sign-lost",
        "The sign of the gradient is lost: every pixel moves in the same direction. Each has its own direction.",
        slip(direction=lambda gradient: -gradient.abs().sign()),
        slip(direction=lambda gradient: gradient.abs().sign()),
        slip(direction=lambda gradient: -gradient.abs()),
    ),
    Misconception(
        "averaged-first",
        "The gradient is averaged over colours, pixels or images before its sign is taken. Each has its own sign.",
        _averaged(1),
        _averaged(0),
        _averaged(2, 3),
        _averaged(1, 2, 3),
        _averaged(0, 1, 2, 3),
    ),
    Misconception(
        "one-way-only",
        "Only pixels whose gradient has one of the two signs move. The others should move too, in the opposite "
        "direction.",
        slip(direction=lambda gradient: -gradient.sign().relu()),
        slip(direction=lambda gradient: (-gradient).sign().relu()),
    ),
    Misconception(
        "from-the-centre",
        "The step always starts at the original image, so all steps but the last are lost. Start from `images`.",
        slip(start="centre"),
        slip(start="centre", box=no_ball),
    ),
    Misconception(
        "pictures-for-centre",
        "`images` and `centre` are swapped. The step starts at `images`, and the ball is around `centre`.",
        lambda images, gradient, centre, radius, step_size: slip()(centre, gradient, images, radius, step_size),
    ),
    Misconception("radius-for-step", "`radius` and `step_size` are swapped.", _with(ball=_step_size, step=_radius)),
    Misconception(
        "step-of-the-radius",
        "The step is as large as the radius. Use `step_size`.",
        _with(ball=_radius, step=_radius),
    ),
    Misconception(
        "ball-of-the-step", "The ball is as large as the step. Use `radius`.", _with(ball=_step_size, step=_step_size)
    ),
    Misconception(
        "radius-in-255ths",
        "`radius` is divided by 255. It is already in units in which white is 1.",
        _with(ball=lambda radius, step_size: radius / 255, step=_step_size),
    ),
    Misconception(
        "step-in-255ths",
        "`step_size` is divided by 255. It is already in units in which white is 1.",
        _with(ball=_radius, step=lambda radius, step_size: step_size / 255),
    ),
    Misconception(
        "both-in-255ths",
        "`radius` and `step_size` are divided by 255. They are already in units in which white is 1.",
        _with(ball=lambda radius, step_size: radius / 255, step=lambda radius, step_size: step_size / 255),
    ),
    Misconception(
        "all-the-way",
        "Every pixel goes all the way to a side of the ball or of [0, 1]. A step from `images` has size `step_size`, "
        "in units in which white is 1.",
        _with(ball=_radius, step=lambda radius, step_size: 255 * step_size),
        lambda images, gradient, centre, radius, step_size: centre - radius * gradient.sign(),
        lambda images, gradient, centre, radius, step_size: (centre - radius * gradient.sign()).clamp(0, 1),
        slip(box=lambda moved, images, centre, radius: centre + radius * (moved - centre).sign()),
    ),
    Misconception(
        "step-times-radius",
        "The step is `radius` times `step_size`. It should be only `step_size`.",
        _with(ball=_radius, step=lambda radius, step_size: radius * step_size),
    ),
    Misconception(
        "step-limited",
        "The step is limited to `radius`. It may be longer: the two sides of the ball are two radii apart.",
        _with(ball=_radius, step=lambda radius, step_size: min(radius, step_size)),
    ),
    Misconception(
        "two-steps",
        "Two steps are taken. Take one.",
        lambda images, gradient, centre, radius, step_size: slip()(
            slip()(images, gradient, centre, radius, step_size), gradient, centre, radius, step_size
        ),
    ),
    Misconception(
        "step-of-the-value",
        "The step is proportional to the pixel's value, so dark pixels hardly move. Every pixel takes a whole step.",
        lambda images, gradient, centre, radius, step_size: slip(direction=lambda _: -images * gradient.sign())(
            images, gradient, centre, radius, step_size
        ),
    ),
    Misconception(
        "signs-of-length-one",
        "The signs are divided by their norm, so every pixel moves less than `step_size`. Each takes a whole step.",
        slip(direction=lambda gradient: -gradient.sign() / gradient.sign().norm()),
        slip(direction=lambda gradient: -gradient.sign() / of_each(gradient.sign(), 2)),
    ),
    Misconception(
        "softmax-of-gradient",
        "A softmax is applied to the gradient, so every pixel moves in the same direction by a part of the step. "
        "Each has its own direction and takes a whole step.",
        slip(direction=lambda gradient: -gradient.flatten(1).softmax(dim=1).view_as(gradient)),
        slip(direction=lambda gradient: -gradient.softmax(dim=1)),
    ),
)
