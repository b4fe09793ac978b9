"""Misconceptions about the ends of the range."""

import torch

from course_utils.deployment.quantise import fake_quantise
from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb09_few_shot import rounding_slips as slips

ENDS = (
    Misconception(
        "not-clamped",
        "Nothing is clamped: values outside the range would need more bits. Clamp both ends.",
        slips.rounded(least=lambda bits: -(10**9), most=lambda bits: 10**9),
    ),
    Misconception(
        "only-low-clamped",
        "Only the low end is clamped: large values would need more bits. Clamp the high end too.",
        slips.rounded(most=lambda bits: 10**9),
    ),
    Misconception(
        "only-high-clamped",
        "Only the high end is clamped: very negative values would need more bits. Clamp the low end too.",
        slips.rounded(least=lambda bits: -(10**9)),
    ),
    Misconception(
        "unsigned",
        "The integers are clamped at 0 from below. They are signed here: half of them are negative.",
        slips.rounded(least=lambda bits: 0, most=lambda bits: 2**bits - 1),
        slips.rounded(least=lambda bits: 0, most=lambda bits: 2**bits),
        slips.rounded(least=lambda bits: 0),
    ),
    Misconception(
        "least-left-out",
        "The smallest integer is left out: with 8 bits it is −128, not −127.",
        slips.rounded(least=lambda bits: -(2 ** (bits - 1)) + 1),
    ),
    Misconception(
        "one-too-many",
        "The largest integer is one too large: with 8 bits it is 127, not 128.",
        slips.rounded(most=lambda bits: 2 ** (bits - 1)),
    ),
    Misconception(
        "one-too-many-below",
        "The smallest integer is one too small: with 8 bits it is −128, not −129.",
        slips.rounded(least=lambda bits: -(2 ** (bits - 1)) - 1),
    ),
    Misconception(
        "largest-left-out",
        "The largest integer is left out: with 8 bits it is 127, not 126.",
        slips.rounded(most=lambda bits: 2 ** (bits - 1) - 2),
    ),
    Misconception(
        "one-bit-too-many",
        "The range has more integers than these bits can represent. With 8 bits the ends are −128 and 127.",
        lambda values, scale, zero_point, bits: fake_quantise(values, scale, zero_point, bits + 1),
        *slips.OTHER_ENDS,
    ),
    Misconception(
        "one-bit-too-few",
        "The range has fewer integers than these bits can represent: the ends are those of one bit less.",
        lambda values, scale, zero_point, bits: fake_quantise(values, scale, zero_point, bits - 1),
    ),
    Misconception(
        "bits-for-ends",
        "The ends are computed from `bits` without a power. Each bit doubles the number of values.",
        slips.rounded(least=lambda bits: -bits, most=lambda bits: bits - 1),
        slips.rounded(least=lambda bits: -bits, most=lambda bits: bits),
    ),
    Misconception(
        "exclusive-or",
        "In Python, `^` is not a power but an exclusive or: 2 ^ 8 is 10. Write `2**(bits - 1)`.",
        slips.rounded(least=lambda bits: -(2 ^ (bits - 1)), most=lambda bits: (2 ^ (bits - 1)) - 1),
        slips.rounded(least=lambda bits: -(2 ^ (bits - 1)), most=lambda bits: 2 ^ (bits - 1) - 1),
    ),
    Misconception(
        "eight-bits-always",
        "The ends are hard-coded, for example for eight bits. Use `bits`.",
        lambda values, scale, zero_point, bits: fake_quantise(values, scale, zero_point, 8),
        slips.rounded(least=lambda bits: -127, most=lambda bits: 127),
        slips.rounded(least=lambda bits: -128, most=lambda bits: 128),
        slips.rounded(least=lambda bits: 0, most=lambda bits: 255),
    ),
    Misconception(
        "ends-exchanged",
        "The two ends of the clamp are swapped, so every value becomes the same. The smaller number comes first.",
        slips.rounded(least=slips.most, most=slips.least),
    ),
    Misconception(
        "outside-to-zero",
        "Outside the range, the value or the integer is set to zero or to the zero point. Clamp to the "
        "nearer end of the range.",
        slips.outside_whole(lambda whole, zero: torch.zeros_like(whole)),
        slips.outside_whole(lambda whole, zero: zero.expand_as(whole)),
        slips.outside(lambda values: torch.zeros_like(values)),
    ),
    Misconception(
        "outside-as-it-is",
        "Values outside the range are unchanged. Clamp them to the nearer end of the range.",
        slips.outside(lambda values: values),
    ),
    Misconception(
        "clamped-without-the-zero-point",
        "The integers are clamped without the zero point, so the ends are wrong. The stored number is "
        "`(value / scale).round() + zero_point`, and that must fit.",
        slips.clamped_first,
    ),
    Misconception(
        "values-clamped",
        "The values are clamped, not the integers. The ends are for q: divide by the scale first.",
        slips.values_clamped,
        lambda values, scale, zero_point, bits: fake_quantise(
            values.clamp(slips.least(bits), slips.most(bits)), scale, zero_point, 32
        ),
    ),
)
