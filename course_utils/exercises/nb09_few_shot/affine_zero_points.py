"""What students get wrong about the zero point."""

import torch

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb09_few_shot import affine_slips as slips

ZERO_POINTS = (
    Misconception(
        "zero-point-not-rounded",
        "The zero point is not rounded. It must be a whole number, or zero itself is not exact.",
        slips.slip(zero=lambda least, low, high, scale: least - low / scale),
    ),
    Misconception(
        "zero-point-rounded-down",
        "The zero point is rounded down. It should be the *nearest* whole number.",
        slips.rounded_by(torch.floor),
    ),
    Misconception(
        "zero-point-rounded-up",
        "The zero point is rounded up. It should be the *nearest* whole number.",
        slips.rounded_by(torch.ceil),
    ),
    Misconception(
        "zero-point-cut-off",
        "The zero point's fraction is cut off. It should be the *nearest* whole number.",
        slips.rounded_by(torch.trunc),
        slips.rounded_by(lambda zero: zero.long()),
        slips.rounded_by(lambda zero: zero.int()),
    ),
    Misconception(
        "below-the-least",
        "The zero point is the least whole number every time: before the clamp it is never above it. Either `low` has "
        "the wrong sign, or `high` stands in its place.",
        slips.slip(zero=lambda least, low, high, scale: (least + low / scale).round()),
        slips.slip(zero=lambda least, low, high, scale: (least - high / scale).round()),
    ),
    Misconception(
        "low-with-wrong-sign",
        "`low` has the wrong sign, so that the zero point lies below the least whole number. The least number stands "
        "for the low end, which lies below zero: zero must lie above it.",
        slips.no_clamp(lambda least, low, high, scale: (least + low / scale).round()),
    ),
    Misconception(
        "high-for-low",
        "`high` stands in place of `low` in the zero point, which then lies below the least whole number. The least "
        "number stands for the low end.",
        slips.no_clamp(lambda least, low, high, scale: (least - high / scale).round()),
    ),
    Misconception(
        "zero-point-with-wrong-sign",
        "The zero point's sign is inverted. Put q = zero point into value = scale · (q − zero point): zero must "
        "come out.",
        slips.slip(returned=lambda scale, zero: (scale, -zero)),
    ),
    Misconception(
        "counted-from-high",
        "The zero point is counted from `high`. The least whole number stands for `low`: count the steps from there up "
        "to zero.",
        slips.slip(zero=lambda least, low, high, scale: (least + high / scale).round()),
        slips.no_clamp(lambda least, low, high, scale: (least + high / scale).round()),
    ),
    Misconception(
        "low-for-the-largest",
        "Here the *largest* whole number stands for the low end. The least one should.",
        slips.slip(zero=lambda least, low, high, scale: (-least - 1 - low / scale).round()),
        slips.no_clamp(lambda least, low, high, scale: (-least - 1 - low / scale).round()),
    ),
    Misconception(
        "counted-down-from-the-largest",
        "The zero point is counted down from the largest whole number, which stands for `high`. Where a range has no "
        "width that gives another zero point: start from the least, which stands for `low`.",
        slips.slip(zero=lambda least, low, high, scale: (-least - 1 - high / scale).round()),
    ),
    Misconception(
        "counted-from-the-middle",
        "The zero point is counted from the middle of the whole numbers, which stands for the middle of the range. Where "
        "a range has no width that gives another zero point: start from the least, which stands for `low`.",
        slips.slip(zero=lambda least, low, high, scale: (-0.5 - (low + high) / 2 / scale).round()),
        slips.no_clamp(lambda least, low, high, scale: (-0.5 - (low + high) / 2 / scale).round()),
    ),
)
