"""What students get wrong about the zero point."""

import torch

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb09_few_shot.affine_slips import (
    no_clamp,
    rounded_by,
    slip,
)

ZERO_POINTS = (
    Misconception(
        slip(zero=lambda least, low, high, scale: least - low / scale),
        "The zero point is not rounded. It must be a whole number, or zero itself is not exact.",
        name="zero-point-not-rounded",
    ),
    Misconception(
        rounded_by(torch.floor),
        "The zero point is rounded down. It should be the *nearest* whole number.",
        name="zero-point-rounded-down",
    ),
    Misconception(
        rounded_by(torch.ceil),
        "The zero point is rounded up. It should be the *nearest* whole number.",
        name="zero-point-rounded-up",
    ),
    Misconception(
        rounded_by(torch.trunc),
        "The zero point's fraction is cut off. It should be the *nearest* whole number.",
        name="zero-point-cut-off",
        also=(
            rounded_by(lambda zero: zero.long()),
            rounded_by(lambda zero: zero.int()),
        ),
    ),
    Misconception(
        slip(zero=lambda least, low, high, scale: (least + low / scale).round()),
        "The zero point is the least whole number every time: before the clamp it is never above it. Either `low` has "
        "the wrong sign, or `high` stands in its place.",
        name="below-the-least",
        also=(slip(zero=lambda least, low, high, scale: (least - high / scale).round()),),
    ),
    Misconception(
        no_clamp(lambda least, low, high, scale: (least + low / scale).round()),
        "`low` has the wrong sign, so that the zero point lies below the least whole number. The least number stands "
        "for the low end, which lies below zero: zero must lie above it.",
        name="low-with-wrong-sign",
    ),
    Misconception(
        no_clamp(lambda least, low, high, scale: (least - high / scale).round()),
        "`high` stands in place of `low` in the zero point, which then lies below the least whole number. The least "
        "number stands for the low end.",
        name="high-for-low",
    ),
    Misconception(
        slip(returned=lambda scale, zero: (scale, -zero)),
        "The zero point's sign is inverted. Put q = zero point into value = scale · (q − zero point): zero must "
        "come out.",
        name="zero-point-with-wrong-sign",
    ),
    Misconception(
        slip(zero=lambda least, low, high, scale: (least + high / scale).round()),
        "The zero point is counted from `high`. The least whole number stands for `low`: count the steps from there up "
        "to zero.",
        name="counted-from-high",
        also=(no_clamp(lambda least, low, high, scale: (least + high / scale).round()),),
    ),
    Misconception(
        slip(zero=lambda least, low, high, scale: (-least - 1 - low / scale).round()),
        "Here the *largest* whole number stands for the low end. The least one should.",
        name="low-for-the-largest",
        also=(no_clamp(lambda least, low, high, scale: (-least - 1 - low / scale).round()),),
    ),
    Misconception(
        slip(zero=lambda least, low, high, scale: (-least - 1 - high / scale).round()),
        "The zero point is counted down from the largest whole number, which stands for `high`. Where a range has no "
        "width that gives another zero point: start from the least, which stands for `low`.",
        name="counted-down-from-the-largest",
    ),
    Misconception(
        slip(zero=lambda least, low, high, scale: (-0.5 - (low + high) / 2 / scale).round()),
        "The zero point is counted from the middle of the whole numbers, which stands for the middle of the range. Where "
        "a range has no width that gives another zero point: start from the least, which stands for `low`.",
        name="counted-from-the-middle",
        also=(no_clamp(lambda least, low, high, scale: (-0.5 - (low + high) / 2 / scale).round()),),
    ),
)
