"""What students get wrong about the ends of the range."""

import torch

from course_utils.deployment.quantise import fake_quantise
from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb09_few_shot.rounding_slips import (
    OTHER_ENDS,
    clamped_first,
    least,
    most,
    outside,
    outside_whole,
    rounded,
    values_clamped,
)

ENDS = (
    Misconception(
        rounded(least=lambda bits: -(10**9), most=lambda bits: 10**9),
        "Nothing is clamped: values outside the range would need more bits than there are.",
        name="not-clamped",
    ),
    Misconception(
        rounded(most=lambda bits: 10**9),
        "Only the low end is clamped: large values would need more bits than there are.",
        name="only-low-clamped",
    ),
    Misconception(
        rounded(least=lambda bits: -(10**9)),
        "Only the high end is clamped: very negative values would need more bits than there are.",
        name="only-high-clamped",
    ),
    Misconception(
        rounded(least=lambda bits: 0, most=lambda bits: 2**bits - 1),
        "The whole numbers are clamped at 0 from below. They are signed here: half of them lie below zero.",
        name="unsigned",
        also=(rounded(least=lambda bits: 0, most=lambda bits: 2**bits), rounded(least=lambda bits: 0)),
    ),
    Misconception(
        rounded(least=lambda bits: -(2 ** (bits - 1)) + 1),
        "The least whole number is left out: with 8 bits it is −128, not −127.",
        name="least-left-out",
    ),
    Misconception(
        rounded(most=lambda bits: 2 ** (bits - 1)),
        "The largest whole number is one too large: with 8 bits it is 127, not 128.",
        name="one-too-many",
    ),
    Misconception(
        rounded(least=lambda bits: -(2 ** (bits - 1)) - 1),
        "The least whole number is one too small: with 8 bits it is −128, not −129.",
        name="one-too-many-below",
    ),
    Misconception(
        rounded(most=lambda bits: 2 ** (bits - 1) - 2),
        "The largest whole number is left out: with 8 bits it is 127, not 126.",
        name="largest-left-out",
    ),
    Misconception(
        lambda values, scale, zero_point, bits: fake_quantise(values, scale, zero_point, bits + 1),
        "More whole numbers are let through than so many bits hold. With 8 bits the ends are −128 and 127.",
        name="one-bit-too-many",
        also=OTHER_ENDS,
    ),
    Misconception(
        lambda values, scale, zero_point, bits: fake_quantise(values, scale, zero_point, bits - 1),
        "Fewer whole numbers are let through than so many bits hold: the ends are those of one bit less.",
        name="one-bit-too-few",
    ),
    Misconception(
        rounded(least=lambda bits: -bits, most=lambda bits: bits - 1),
        "The ends are counted in bits. Each bit doubles the number of values.",
        name="bits-for-ends",
        also=(rounded(least=lambda bits: -bits, most=lambda bits: bits),),
    ),
    Misconception(
        rounded(least=lambda bits: -(2 ^ (bits - 1)), most=lambda bits: (2 ^ (bits - 1)) - 1),
        "`^` is not a power in Python but an exclusive or: 2 ^ 8 is 10. Write `2**(bits - 1)`.",
        name="exclusive-or",
        also=(rounded(least=lambda bits: -(2 ^ (bits - 1)), most=lambda bits: 2 ^ (bits - 1) - 1),),
    ),
    Misconception(
        lambda values, scale, zero_point, bits: fake_quantise(values, scale, zero_point, 8),
        "The ends are fixed, as if for eight bits, whatever `bits` is.",
        name="eight-bits-always",
        also=(
            rounded(least=lambda bits: -127, most=lambda bits: 127),
            rounded(least=lambda bits: -128, most=lambda bits: 128),
            rounded(least=lambda bits: 0, most=lambda bits: 255),
        ),
    ),
    Misconception(
        rounded(least=most, most=least),
        "The two ends of the clamp are swapped, so that every value becomes the same. The least number comes first.",
        name="ends-exchanged",
    ),
    Misconception(
        outside_whole(lambda whole, zero: torch.zeros_like(whole)),
        "What lies outside the range is set to zero. It should go to the nearer end of the range.",
        name="outside-to-zero",
        also=(
            outside_whole(lambda whole, zero: zero.expand_as(whole)),
            outside(lambda values: torch.zeros_like(values)),
        ),
    ),
    Misconception(
        outside(lambda values: values),
        "What lies outside the range is left as it is. It should go to the nearer end of the range.",
        name="outside-as-it-is",
    ),
    Misconception(
        clamped_first,
        "The whole numbers are clamped without the zero point, so that the ends lie elsewhere. What is stored is "
        "round(value / scale) *plus* the zero point, and that must fit.",
        name="clamped-without-the-zero-point",
    ),
    Misconception(
        values_clamped,
        "The values are clamped, not the whole numbers. The ends are those of q: divide by the scale first.",
        name="values-clamped",
        also=(
            lambda values, scale, zero_point, bits: fake_quantise(
                values.clamp(least(bits), most(bits)), scale, zero_point, 32
            ),
        ),
    ),
)
