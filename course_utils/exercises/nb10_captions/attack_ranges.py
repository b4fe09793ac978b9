"""Pixels that leave the range or the ball, and results that are no picture."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb10_captions.attack_steps import Answer, Form, any_pixels, ball, no_ball, pixels, slip


def _first(after: Form) -> Answer:
    """Projected, stepped, and something after that."""
    return lambda pictures, gradient, centre, radius, step_size: after(
        ball(pictures, pictures, centre, radius).clamp(0, 1) - step_size * gradient.sign()
    )


def _stretched(moved: Tensor) -> Tensor:
    return (moved - moved.min()) / (moved.max() - moved.min())


def _stretched_each(moved: Tensor) -> Tensor:
    low, high = moved.amin(dim=(1, 2, 3), keepdim=True), moved.amax(dim=(1, 2, 3), keepdim=True)
    return (moved - low) / (high - low)


def _change(after: Callable[[Tensor, float], Tensor], pixels: Form = any_pixels) -> Answer:
    """The change from the centre, and something after that."""
    return lambda pictures, gradient, centre, radius, step_size: after(
        pixels(pictures - step_size * gradient.sign()) - centre, radius
    )


def _step_alone(after: Callable[[Tensor, float], Tensor]) -> Answer:
    return lambda pictures, gradient, centre, radius, step_size: after(step_size * gradient.sign(), radius)


RANGES = (
    Misconception(
        "no-ball",
        "Nothing brings the picture back into the ball after the step: the change may become larger than radius.",
        slip(box=no_ball),
    ),
    Misconception(
        "projected-first",
        "The picture is projected first, and the step comes after it: nothing brings the result back into the ball.",
        _first(lambda moved: moved),
        _first(pixels),
    ),
    Misconception(
        "no-range",
        "Nothing keeps the pixels in [0, 1]: some are darker than black or brighter than white.",
        slip(pixels=any_pixels),
    ),
    Misconception(
        "bare-step",
        "Nothing happens after the step: it may lead out of the ball, and out of [0, 1].",
        slip(box=no_ball, pixels=any_pixels),
    ),
    Misconception(
        "below-black",
        "Pixels are clipped at 1, but some become darker than black: they should stay in [0, 1].",
        slip(pixels=lambda moved: moved.clamp(max=1)),
        slip(pixels=lambda moved: moved.clamp(-1, 1)),
    ),
    Misconception(
        "above-white",
        "Pixels are clipped at 0, but some become brighter than white: they should stay in [0, 1].",
        slip(pixels=lambda moved: moved.clamp(min=0)),
        slip(pixels=lambda moved: moved.clamp(0, 255)),
    ),
    Misconception(
        "wraps-round",
        "Pixels beyond 0 or 1 come in again at the other end. They should stop at 0 or 1.",
        slip(pixels=lambda moved: moved % 1),
    ),
    Misconception(
        "stretched",
        "The pixels are stretched or squeezed until they fill 0 … 1, which changes pixels that were right. Only those "
        "outside should be clipped.",
        slip(pixels=_stretched),
        slip(pixels=_stretched_each),
    ),
    Misconception(
        "through-a-curve",
        "All pixels go through a smooth curve, a sigmoid or the like, which also changes those that lie in [0, 1]. Only "
        "those outside should be clipped.",
        slip(pixels=torch.sigmoid),
        slip(pixels=torch.tanh),
        slip(pixels=lambda moved: (moved.tanh() + 1) / 2),
    ),
    Misconception(
        "change-only",
        "This is the change from `centre`, not the picture. Add it to `centre`, and keep the sum in [0, 1].",
        _change(lambda change, radius: change.clamp(-radius, radius)),
        _change(lambda change, radius: change.clamp(-radius, radius).clamp(0, 1)),
        _change(lambda change, radius: change.clamp(-radius, radius), pixels),
        _change(lambda change, radius: change),
        _change(lambda change, radius: change, pixels),
    ),
    Misconception(
        "step-alone",
        "This is the step alone, not the picture after it. Start from `pictures`, and bring the sum back into the ball "
        "and into [0, 1].",
        _step_alone(lambda step, radius: -step),
        _step_alone(lambda step, radius: step),
        _step_alone(lambda step, radius: (-step).clamp(-radius, radius)),
        _step_alone(lambda step, radius: step.clamp(-radius, radius)),
        _step_alone(lambda step, radius: (-step).clamp(-radius, radius).clamp(0, 1)),
    ),
)
