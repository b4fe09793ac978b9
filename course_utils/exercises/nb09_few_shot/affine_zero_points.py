"""Misconceptions about the zero point."""

import torch

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb09_few_shot import affine_slips as slips

ZERO_POINTS = (
    Misconception(
        "zero-point-not-rounded",
        "The zero point is not rounded. It must be an integer, or zero is not exact.",
        slips.slip(zero=lambda least, low, high, scale: least - low / scale),
    ),
    Misconception(
        "zero-point-rounded-down",
        "The zero point is rounded down. Round it to the *nearest* integer.",
        slips.rounded_by(torch.floor),
    ),
    Misconception(
        "zero-point-rounded-up",
        "The zero point is rounded up. Round it to the *nearest* integer.",
        slips.rounded_by(torch.ceil),
    ),
    Misconception(
        "zero-point-cut-off",
        "The zero point is truncated. Round it to the *nearest* integer.",
        slips.rounded_by(torch.trunc),
        slips.rounded_by(lambda zero: zero.long()),
        slips.rounded_by(lambda zero: zero.int()),
    ),
    Misconception(
        "below-the-least",
        "The zero point is always the smallest integer, because it is never larger before the clamp. Either `low` "
        "has the wrong sign, or `high` is used instead of it.",
        slips.slip(zero=lambda least, low, high, scale: (least + low / scale).round()),
        slips.slip(zero=lambda least, low, high, scale: (least - high / scale).round()),
    ),
    Misconception(
        "low-with-wrong-sign",
        "`low` has the wrong sign, so the zero point is below the smallest integer. The smallest integer represents "
        "the low end, which is below zero, so the zero point must be above it.",
        slips.no_clamp(lambda least, low, high, scale: (least + low / scale).round()),
    ),
    Misconception(
        "high-for-low",
        "The zero point uses `high` instead of `low`, so it is below the smallest integer. The smallest integer "
        "represents the low end.",
        slips.no_clamp(lambda least, low, high, scale: (least - high / scale).round()),
    ),
    Misconception(
        "zero-point-with-wrong-sign",
        "The zero point's sign is inverted. Put q = zero point into value = scale · (q − zero point): the value must "
        "be zero.",
        slips.slip(returned=lambda scale, zero: (scale, -zero)),
    ),
    Misconception(
        "counted-from-high",
        "The zero point is counted from `high`. The smallest integer represents `low`: count the steps from there up "
        "to zero.",
        slips.slip(zero=lambda least, low, high, scale: (least + high / scale).round()),
        slips.no_clamp(lambda least, low, high, scale: (least + high / scale).round()),
    ),
    Misconception(
        "low-for-the-largest",
        "Here the *largest* integer represents the low end. The smallest one should.",
        slips.slip(zero=lambda least, low, high, scale: (-least - 1 - low / scale).round()),
        slips.no_clamp(lambda least, low, high, scale: (-least - 1 - low / scale).round()),
    ),
    Misconception(
        "counted-down-from-the-largest",
        "The zero point is counted down from the largest integer, which represents `high`. For a range of width "
        "zero, that gives another zero point: start from the smallest integer, which represents `low`.",
        slips.slip(zero=lambda least, low, high, scale: (-least - 1 - high / scale).round()),
    ),
    Misconception(
        "counted-from-the-middle",
        "The zero point is counted from the middle of the integers, which represents the middle of the range. For a "
        "range of width zero, that gives another zero point: start from the smallest integer, which represents "
        "`low`.",
        slips.slip(zero=lambda least, low, high, scale: (-0.5 - (low + high) / 2 / scale).round()),
        slips.no_clamp(lambda least, low, high, scale: (-0.5 - (low + high) / 2 / scale).round()),
    ),
)
