"""Pixels outside the range or the ball, and results that are not images."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb10_captions.attack_steps import Answer, Form, any_pixels, ball, no_ball, pixels, slip


def _first(after: Form) -> Answer:
    """Projected first, then stepped, then something else."""
    return lambda images, gradient, centre, radius, step_size: after(
        ball(images, images, centre, radius).clamp(0, 1) - step_size * gradient.sign()
    )


def _stretched(moved: Tensor) -> Tensor:
    return (moved - moved.min()) / (moved.max() - moved.min())


def _stretched_each(moved: Tensor) -> Tensor:
    low, high = moved.amin(dim=(1, 2, 3), keepdim=True), moved.amax(dim=(1, 2, 3), keepdim=True)
    return (moved - low) / (high - low)


def _change(after: Callable[[Tensor, float], Tensor], pixels: Form = any_pixels) -> Answer:
    """The change from the centre, then something else."""
    return lambda images, gradient, centre, radius, step_size: after(
        pixels(images - step_size * gradient.sign()) - centre, radius
    )


def _step_alone(after: Callable[[Tensor, float], Tensor]) -> Answer:
    return lambda images, gradient, centre, radius, step_size: after(step_size * gradient.sign(), radius)


RANGES = (
    Misconception(
        "no-ball",
        "The image is not projected into the ball after the step, so the change may be larger than radius. Project "
        "it.",
        slip(box=no_ball),
    ),
    Misconception(
        "projected-first",
        "The image is projected before the step, so the result may be outside the ball. Project after the step.",
        _first(lambda moved: moved),
        _first(pixels),
    ),
    Misconception(
        "no-range",
        "The pixels are not clamped to [0, 1]: some are darker than black or brighter than white.",
        slip(pixels=any_pixels),
    ),
    Misconception(
        "bare-step",
        "Nothing happens after the step, which may leave the ball and [0, 1]. Project the result into both.",
        slip(box=no_ball, pixels=any_pixels),
    ),
    Misconception(
        "below-black",
        "Pixels are clamped at 1, but some become darker than black: clamp them to [0, 1].",
        slip(pixels=lambda moved: moved.clamp(max=1)),
        slip(pixels=lambda moved: moved.clamp(-1, 1)),
    ),
    Misconception(
        "above-white",
        "Pixels are clamped at 0, but some become brighter than white: clamp them to [0, 1].",
        slip(pixels=lambda moved: moved.clamp(min=0)),
        slip(pixels=lambda moved: moved.clamp(0, 255)),
    ),
    Misconception(
        "wraps-round",
        "Pixels beyond 0 or 1 wrap around to the other end. Clamp them to [0, 1].",
        slip(pixels=lambda moved: moved % 1),
    ),
    Misconception(
        "stretched",
        "The pixels are rescaled to 0 … 1, which changes pixels that were right. Only clamp those outside.",
        slip(pixels=_stretched),
        slip(pixels=_stretched_each),
    ),
    Misconception(
        "through-a-curve",
        "All pixels go through a sigmoid or a similar function, which also changes those in [0, 1]. Only clamp those "
        "outside.",
        slip(pixels=torch.sigmoid),
        slip(pixels=torch.tanh),
        slip(pixels=lambda moved: (moved.tanh() + 1) / 2),
    ),
    Misconception(
        "change-only",
        "This is the change from `centre`, not the image. Add it to `centre`, and keep the sum in [0, 1].",
        _change(lambda change, radius: change.clamp(-radius, radius)),
        _change(lambda change, radius: change.clamp(-radius, radius).clamp(0, 1)),
        _change(lambda change, radius: change.clamp(-radius, radius), pixels),
        _change(lambda change, radius: change),
        _change(lambda change, radius: change, pixels),
    ),
    Misconception(
        "step-alone",
        "This is only the step, not the image after it. Add it to `images`, and project the sum into the ball and "
        "into [0, 1].",
        _step_alone(lambda step, radius: -step),
        _step_alone(lambda step, radius: step),
        _step_alone(lambda step, radius: (-step).clamp(-radius, radius)),
        _step_alone(lambda step, radius: step.clamp(-radius, radius)),
        _step_alone(lambda step, radius: (-step).clamp(-radius, radius).clamp(0, 1)),
    ),
)
