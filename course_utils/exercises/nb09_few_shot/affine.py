"""Scale and zero point."""

import torch
from torch import Generator

from course_utils.deployment.quantise import affine_parameters
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.exercises.nb09_few_shot import affine_slips as slips
from course_utils.exercises.nb09_few_shot.affine_zero_points import ZERO_POINTS


def _cases(g: Generator) -> list[Arguments]:
    """Ranges around zero, above it (for example after ReLU6), below it, of width zero, and with any fraction."""
    return [
        (torch.tensor([-1.0, -0.2, -3.0, -0.33]), torch.tensor([2.0, 5.0, 0.5, 0.98]), 8),
        (torch.tensor([0.5, 1.0]), torch.tensor([6.0, 4.0]), 4),
        (torch.tensor(-21.0), torch.tensor(-2.0), 3),
        (torch.tensor([-1.3, 0.0, 2.0, -3.0]), torch.tensor([1.0, 0.0, 2.0, -3.0]), 5),
        (-3 * torch.rand(12, generator=g), 3 * torch.rand(12, generator=g), 6),
    ]


def _wild(g: Generator) -> list[Wild]:
    low, high = -torch.rand(3, 1, generator=g), torch.rand(3, 1, generator=g)
    return [
        Wild(
            "columns",
            (low, high, 8),
            "the ranges are a column (rows, 1), one per channel",
            "Scale and zero point have the shape of low.",
        ),
        Wild(
            "one-range-in-two-axes",
            (torch.tensor([[-0.7]]), torch.tensor([[1.9]]), 8),
            "the range of a whole layer has the shape (1, 1)",
            "Scale and zero point have the shape of low: look for a `squeeze`.",
        ),
        Wild(
            "half-way",
            (torch.tensor([-3.5, -2.5, -4.5, -0.5]), torch.tensor([3.5, 4.5, 2.5, 6.5]), 3),
            "zero is exactly half-way between two integers",
            "Round it like `torch.round`: to the even one.",
        ),
        Wild(
            "narrow-ranges",
            (torch.tensor([-2e-7, -3e-9]), torch.tensor([6e-7, 5e-9]), 8),
            "a range is very narrow without being empty (8e-7 or 8e-9 wide)",
            "Only a range of width zero has scale 1: compare with exactly zero.",
        ),
    ]


AFFINE_PARAMETERS = Exercise(
    name="09.affine_parameters",
    title="Scale and zero point",
    points=2,
    reference=affine_parameters,
    returns=("the scale", "the zero point"),
    cases=_cases,
    wild=_wild,
    hints=(
        "First extend the range to include zero: `low` must not be above zero, nor `high` below. `.clamp` accepts "
        "`min=…` or `max=…`.",
        "The scale is the width of one step. `bits` determines the number of values: how many steps are between "
        "them? For a range of width zero, use 1 (`torch.where`).",
        "The smallest integer represents the low end. Solve value = scale · (q − zero point) for the zero point, "
        "with that q and that value; then round, and clamp to the signed range.",
    ),
    misconceptions=(
        Misconception(
            "values-for-steps",
            "The range is divided by the number of values. There is one step fewer than there are values.",
            slips.slip(steps=lambda bits: 2**bits),
        ),
        Misconception(
            "half-the-steps",
            "The range is divided by about half the number of steps, so each is about twice as wide as it should be. "
            "The range covers both negative and positive integers.",
            slips.slip(steps=lambda bits: 2 ** (bits - 1) - 1),
            slips.slip(steps=lambda bits: 2 ** (bits - 1)),
        ),
        Misconception(
            "bits-for-steps",
            "The number of steps is computed from `bits` without a power. Each bit doubles the number of values: use "
            "`2**bits`.",
            slips.slip(steps=lambda bits: bits),
            slips.slip(steps=lambda bits: bits - 1),
            slips.slip(steps=lambda bits: 2 * bits - 1),
        ),
        Misconception(
            "exclusive-or",
            "In Python, `^` is not a power but an exclusive or: 2 ^ 8 is 10. Write `2**bits`.",
            slips.slip(steps=lambda bits: (2 ^ bits) - 1),
            slips.slip(steps=lambda bits: 2 ^ bits - 1),
            slips.slip(lambda bits: (2 ^ bits) - 1, lambda bits: -(2 ^ (bits - 1)), clamped=False),
            slips.slip(lambda bits: 2 ^ bits - 1, lambda bits: -(2 ^ (bits - 1)), clamped=False),
            slips.slip(lambda bits: 2 ^ bits - 1, lambda bits: -(2 ^ bits - 1), clamped=False),
            slips.slip(lambda bits: (2 ^ bits) - 1, lambda bits: -(2 ^ (bits - 1))),
            slips.slip(
                lambda bits: (2 ^ bits) - 1, lambda bits: -(2 ^ (bits - 1)), lambda bits: (2 ^ (bits - 1)) - 1
            ),
            slips.slip(lambda bits: (2 ^ bits) - 1, lambda bits: -(2 ^ bits - 1), lambda bits: (2 ^ bits - 1) - 1),
        ),
        Misconception(
            "eight-bits-always",
            "Eight bits are hard-coded (255 steps, or −128 … 127). Use `bits`.",
            slips.slip(lambda bits: 255, lambda bits: -128, lambda bits: 127),
            slips.slip(steps=lambda bits: 255),
            slips.slip(least=lambda bits: -128, most=lambda bits: 127),
        ),
        Misconception(
            "not-widened",
            "The range is not extended to include zero. In a range from 0.5 to 6, no integer represents zero "
            "exactly, but padding and ReLU produce many zeros.",
            slips.slip(widen=lambda low, high: (low, high)),
        ),
        Misconception(
            "only-low-widened",
            "Only the low end is extended to include zero. A range may also be below zero.",
            slips.slip(widen=lambda low, high: (low.clamp(max=0), high)),
        ),
        Misconception(
            "only-high-widened",
            "Only the high end is extended to include zero. A range may also be above zero.",
            slips.slip(widen=lambda low, high: (low, high.clamp(min=0))),
        ),
        Misconception(
            "clamps-turned-round",
            "The clamps are the wrong way round: the low end is kept *above* zero, the high end below. Zero should "
            "be inside the range.",
            slips.slip(widen=lambda low, high: (low.clamp(min=0), high.clamp(max=0))),
            slips.clamps_turned_round(lambda low, high: low - high),
        ),
        Misconception(
            "symmetric-range",
            "The range is made symmetric about zero, so half of the integers are unused if all values have the same "
            "sign. Extend it only to zero.",
            slips.slip(widen=slips.reach),
            slips.symmetric,
            slips.slip(widen=slips.reach, zero=lambda least, low, high, scale: torch.zeros_like(scale)),
        ),
        Misconception(
            "wrong-width",
            "The width of the range is not computed as high − low: low is negative or zero, so subtracting it makes "
            "the width larger. Check the sign.",
            slips.with_width(lambda low, high: high + low),
            slips.slip(widen=lambda low, high: slips.hold_zero(low, high + low.clamp(max=0))),
            slips.with_width(lambda low, high: high),
            slips.with_width(lambda low, high: low - high),
        ),
        Misconception(
            "unsigned",
            "The integers start at 0. They must be signed, so the smallest one is negative, and the zero point "
            "shifts with it.",
            slips.slip(least=lambda bits: 0),
            slips.slip(least=lambda bits: 0, most=lambda bits: 2 ** (bits - 1) - 1),
            slips.slip(zero=lambda least, low, high, scale: (-low / scale).round()),
        ),
        Misconception(
            "least-left-out",
            "The smallest integer is left out: the range of b bits begins at −2^(b−1) and is not symmetric.",
            slips.slip(least=lambda bits: -(2 ** (bits - 1)) + 1),
            slips.slip(least=lambda bits: -(2 ** (bits - 1)) + 1, steps=lambda bits: 2**bits - 2),
            slips.slip(least=lambda bits: -(2 ** (bits - 1)) + 1, most=lambda bits: 2 ** (bits - 1) - 1),
        ),
        *ZERO_POINTS,
        Misconception(
            "another-start",
            "Counting does not start at the smallest signed integer. With 3 bits that is −4.",
            slips.slip(least=lambda bits: -(2**bits), most=lambda bits: 2 ** (bits - 1) - 1),
            slips.slip(least=lambda bits: -(2**bits - 1), most=lambda bits: 2 ** (bits - 1) - 1),
            slips.slip(zero=lambda least, low, high, scale: (2 * least - low / scale).round()),
            slips.slip(zero=lambda least, low, high, scale: (2 * least + 1 - low / scale).round()),
            *(slips.slip(least=start, clamped=False) for start in slips.STARTS),
        ),
        Misconception(
            "one-step-too-few",
            "The range is divided by one step too few. There are 2^b − 1 steps between 2^b integers: count with 3 "
            "bits.",
            slips.slip(steps=lambda bits: 2**bits - 2),
        ),
        Misconception(
            "signs-of-the-ends-lost",
            "The ends lose their signs: a range above zero is assumed to extend equally far below it. Extend it only "
            "to zero.",
            slips.slip(widen=lambda low, high: (-low.abs(), high.abs())),
        ),
        Misconception(
            "from-the-middle",
            "The zero point is computed from the middle of the range. There is one more integer below zero than "
            "above, so it can be off by one: count from the low end.",
            slips.slip(zero=lambda least, low, high, scale: (-(low + high) / 2 / scale).round()),
            slips.no_clamp(lambda least, low, high, scale: (-(low + high) / 2 / scale).round()),
        ),
        Misconception(
            "zero-point-in-values",
            "The zero point is in units of the values. It must be an integer: count in steps of the scale.",
            slips.slip(zero=lambda least, low, high, scale: least * scale - low),
            slips.no_clamp(lambda least, low, high, scale: least * scale - low),
            slips.slip(zero=lambda least, low, high, scale: (least * scale - low).round()),
        ),
        Misconception(
            "low-not-in-steps",
            "`low` itself is subtracted instead of its number of steps: divide it by the scale.",
            slips.slip(zero=lambda least, low, high, scale: (least - low).round()),
            slips.no_clamp(lambda least, low, high, scale: (least - low).round()),
            slips.slip(zero=lambda least, low, high, scale: (least - low * scale).round()),
        ),
        Misconception(
            "scale-zero",
            "A range of width zero has scale 0, and then you divide by the scale. Use scale 1 there.",
            slips.slip(repair=lambda scale: scale),
            slips.slip(repair=lambda scale: torch.where(scale > 0, scale, 0.0)),
            slips.slip(zero=lambda *parts: slips.low_end(*parts).nan_to_num(0), repair=lambda scale: scale),
        ),
        Misconception(
            "scale-set-too-late",
            "The zero point is computed before the scale is set to 1, so zero is divided by zero if a range has "
            "width zero. Set the scale first.",
            slips.repaired_late,
        ),
        Misconception(
            "tiny-scale",
            "A range of width zero gets a tiny scale. Use scale 1 there.",
            slips.with_tiny_scale(1e-8),
            *tuple(map(slips.with_tiny_scale, (torch.finfo(torch.float32).eps, *(10.0**-n for n in range(3, 13))))),
        ),
        Misconception(
            "judged-before-widening",
            "You test for width zero before you extend the range. A range from 2 to 2 becomes one from 0 to 2.",
            slips.before_widening,
        ),
        Misconception(
            "other-scales-become-one",
            "Scales that are not zero become 1 as well. Only a range of width zero has scale 1.",
            slips.ones_up_to(1.0),
            *map(slips.ones_up_to, (0.5, 0.1, 0.05, 0.02)),
            slips.slip(returned=lambda scale, zero: (scale.clamp(min=1), zero)),
        ),
        Misconception(
            "one-range-for-all",
            "One range is used for all. Each entry of `low` and `high` is a separate range.",
            slips.slip(widen=slips.one_for_all),
            slips.slip(widen=slips.one_for_all_spread),
        ),
        Misconception(
            "exchanged",
            "Both are right, but swapped: the scale comes first.",
            slips.slip(returned=lambda scale, zero: (zero, scale)),
        ),
        Misconception(
            "scale-upside-down",
            "The scale is inverted: it is the width of a step, not the number of steps per unit.",
            slips.slip(returned=lambda scale, zero: (1 / scale, zero)),
        ),
        Misconception(
            "whole-number-dtype",
            "The zero point has the right value, but an integer dtype. It should be floating point, like the scale.",
            slips.slip(returned=lambda scale, zero: (scale, zero.long())),
        ),
        Misconception(
            "scale-only",
            "Only the scale is returned. Return the zero point as well: `return scale, zero_point`.",
            slips.slip(returned=lambda scale, zero: scale),
        ),
    ),
)
