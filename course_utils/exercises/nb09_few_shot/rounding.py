"""Rounding to few bits, and back."""

import torch
from torch import Generator

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.exercises.nb09_few_shot.rounding_slips import (
    before,
    clamped_first,
    least,
    most,
    rounded,
    to_whole_by,
    values_clamped,
    wrapped,
    wrapped_round,
)
from course_utils.quantise import fake_quantise


def _cases(g: Generator) -> list[Arguments]:
    """A scale and a zero point for each row; some values lie beyond either end."""
    cases: list[Arguments] = []
    for size, bits in (((3, 8), 4), ((5, 12), 8), ((2, 9), 3)):
        values = 3 * torch.randn(*size, generator=g)
        scale = (0.2 + torch.rand(size[0], 1, generator=g)) * 4 / 2**bits
        zero = torch.tensor([-2.0, 1.0, 3.0, -1.0, 2.0])[: size[0], None]
        cases.append((values, scale, zero, bits))
    return cases


def _wild(g: Generator) -> list[Wild]:
    kernels = torch.randn(3, 2, 2, 2, generator=g)
    halves = torch.arange(-8, 9) / 2
    return [
        Wild(
            "one-scale",
            (torch.randn(1, 9, generator=g), torch.tensor([[0.3]]), torch.tensor([[2.0]]), 4),
            "one scale of shape (1, 1) serves a whole layer",
            "Plain arithmetic broadcasts by itself.",
        ),
        Wild(
            "one-scale-for-many-rows",
            (torch.randn(3, 4, generator=g), torch.tensor([[0.2]]), torch.tensor([[-1.0]]), 4),
            "one scale of shape (1, 1) serves several rows",
            "Plain arithmetic broadcasts by itself.",
        ),
        Wild(
            "numbers",
            (torch.randn(2, 5, generator=g), torch.tensor(0.25), torch.tensor(1.0), 4),
            "scale and zero_point are single numbers of shape ()",
            "Plain arithmetic broadcasts by itself.",
        ),
        Wild(
            "kernels",
            (kernels, torch.tensor([0.1, 0.2, 0.3])[:, None, None, None], torch.zeros(3, 1, 1, 1), 4),
            "values are kernels of four axes, with a scale for each output channel",
            "Plain arithmetic broadcasts by itself.",
        ),
        Wild(
            "columns",
            (torch.randn(4, 3, generator=g), torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.0, 1.0, -1.0]), 4),
            "each column has a scale, so that scale has the shape (columns,)",
            "Plain arithmetic broadcasts by itself.",
        ),
        Wild(
            "half-way",
            (torch.stack([halves, halves / 2]), torch.tensor([[1.0], [0.5]]), torch.tensor([[1.0], [-1.0]]), 4),
            "a value lies just half-way between two steps",
            "The docstring says where it goes, and PyTorch's own quantisation agrees: `torch.round` of value / scale, before "
            "the zero point is added.",
        ),
    ]


FAKE_QUANTISE = Exercise(
    name="09.fake_quantise",
    title="Round to whole numbers and back",
    points=2,
    reference=fake_quantise,
    cases=_cases,
    wild=_wild,
    hints=(
        "Solve value = scale · (q − zero_point) for q. Where must you round, so that q is a whole number?",
        "What does not fit into `bits` bits goes to the nearer end. With 3 bits these are −4 and 3: write both ends for any "
        "number of bits, and `clamp`.",
        "Back: the same equation again, with the q that you have.",
    ),
    misconceptions=(
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
            also=(
                rounded(least=lambda bits: -(2**bits - 1)),
                rounded(least=lambda bits: -(2**bits - 1), most=lambda bits: 2**bits - 1),
                rounded(least=lambda bits: -(2**bits)),
                rounded(most=lambda bits: 2**bits - 1),
            ),
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
            "`^` is no power in Python but an exclusive or: 2 ^ 8 is 10. Write `2**(bits - 1)`.",
            name="exclusive-or",
            also=(rounded(least=lambda bits: -(2 ^ (bits - 1)), most=lambda bits: 2 ^ (bits - 1) - 1),),
        ),
        Misconception(
            lambda values, scale, zero_point, bits: fake_quantise(values, scale, zero_point, 8),
            "The ends are those of eight bits, whatever `bits` is.",
            name="eight-bits-always",
            also=(
                rounded(least=lambda bits: -127, most=lambda bits: 127),
                rounded(least=lambda bits: -128, most=lambda bits: 128),
                rounded(least=lambda bits: 0, most=lambda bits: 255),
            ),
        ),
        Misconception(
            rounded(least=most, most=least),
            "The two ends of the clamp are exchanged, so that every value becomes the same. The least number comes first.",
            name="ends-exchanged",
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
        Misconception(
            rounded(back=lambda whole, scale, zero: whole * scale),
            "On the way back the zero point is not taken off: everything is shifted.",
            name="zero-point-not-taken-off",
        ),
        Misconception(
            rounded(whole=lambda values, scale, zero: (values / scale).round()),
            "On the way there the zero point is not added, and yet it is taken off on the way back: everything is shifted.",
            name="zero-point-not-added",
        ),
        Misconception(
            before(lambda values, scale, zero: (values, scale, -zero)),
            "The zero point's sign is turned round: it is taken off first and added afterwards. Solve value = scale · (q − "
            "zero_point) for q.",
            name="zero-point-with-wrong-sign",
        ),
        Misconception(
            rounded(back=lambda whole, scale, zero: (whole + zero) * scale),
            "The zero point is added on both ways. On the way back it is taken off.",
            name="zero-point-added-twice",
        ),
        Misconception(
            rounded(whole=lambda values, scale, zero: (values / scale).round() - zero),
            "The zero point is taken off on both ways. On the way there it is added.",
            name="zero-point-taken-off-twice",
        ),
        Misconception(
            lambda values, scale, zero_point, bits: (
                ((values + zero_point) / scale).round().clamp(least(bits), most(bits)) * scale - zero_point
            ),
            "The zero point is added to the values. It is a whole number: add it after the division by the scale.",
            name="zero-point-added-to-values",
        ),
        Misconception(
            rounded(back=lambda whole, scale, zero: whole - zero * scale),
            "Brackets are missing on the way back: only the zero point is multiplied by the scale.",
            name="brackets-missing",
            also=(rounded(back=lambda whole, scale, zero: whole * scale - zero),),
        ),
        Misconception(
            rounded(back=lambda whole, scale, zero: whole),
            "The whole numbers themselves are returned. They must go back to floats, in the units of the values.",
            name="whole-numbers",
            also=(rounded(back=lambda whole, scale, zero: whole.to(torch.int8)),),
        ),
        Misconception(
            rounded(back=lambda whole, scale, zero: whole - zero),
            "The zero point is taken off, but the result still counts in steps. Multiply by the scale.",
            name="not-scaled-back",
        ),
        Misconception(
            rounded(back=lambda whole, scale, zero: (whole - zero) / scale),
            "On the way back the whole numbers are divided by the scale. A step is `scale` wide: multiply.",
            name="divided-on-the-way-back",
        ),
        Misconception(
            rounded(whole=lambda values, scale, zero: (values * scale).round() + zero),
            "The values are multiplied by the scale on the way in. The scale is the width of a step: divide.",
            name="multiplied-on-the-way-there",
            also=(
                rounded(
                    whole=lambda values, scale, zero: (values * scale).round() + zero,
                    back=lambda whole, scale, zero: (whole - zero) / scale,
                ),
            ),
        ),
        Misconception(
            to_whole_by(torch.floor),
            "This rounds down. Rounding to the nearest halves the largest error and leaves no shift.",
            name="rounded-down",
        ),
        Misconception(
            to_whole_by(torch.ceil),
            "This rounds up. Rounding to the nearest halves the largest error and leaves no shift.",
            name="rounded-up",
        ),
        Misconception(
            to_whole_by(torch.trunc),
            "The fraction is cut off, as `int` and `trunc` do it. Rounding to the nearest halves the largest error.",
            name="cut-off",
            also=(rounded(whole=lambda values, scale, zero: (values / scale + zero).trunc()),),
        ),
        Misconception(
            to_whole_by(torch.clone),
            "Nothing is rounded: clamped values come back as they were.",
            name="not-rounded",
        ),
        Misconception(
            lambda values, scale, zero_point, bits: to_whole_by(torch.clone)(values, scale, zero_point, bits).round(),
            "The result is rounded to whole numbers. It is q that must be whole, and the result a multiple of the scale.",
            name="result-rounded",
            also=(lambda values, scale, zero_point, bits: fake_quantise(values, scale, zero_point, bits).round(),),
        ),
        Misconception(
            rounded(whole=lambda values, scale, zero: values.round() / scale + zero),
            "The values are rounded before they are divided by the scale. Divide first: then a step is 1.",
            name="rounded-before-dividing",
            also=(before(lambda values, scale, zero: (values.round(), scale, zero)),),
        ),
        Misconception(
            wrapped,
            "What does not fit into eight bits wraps round to the other end: int8 turns 128 into −128. Clamp while the "
            "numbers are still floats.",
            name="wraps-round",
            also=(wrapped_round,),
        ),
        Misconception(
            before(lambda values, scale, zero: (values, scale.flatten()[0], zero.flatten()[0])),
            "The first scale serves for all rows. Each row has its own: let them broadcast.",
            name="first-scale-for-all",
        ),
        Misconception(
            before(lambda values, scale, zero: (values, scale.mean(), zero.mean().round())),
            "One average scale serves for all rows. Each row has its own: let them broadcast.",
            name="average-scale-for-all",
            also=(before(lambda values, scale, zero: (values, scale.mean(), zero.mean())),),
        ),
        Misconception(
            lambda values, scale, zero_point, bits: values - fake_quantise(values, scale, zero_point, bits),
            "This is the error of the rounding. Asked for are the rounded values.",
            name="error-instead",
            also=(lambda values, scale, zero_point, bits: fake_quantise(values, scale, zero_point, bits) - values,),
        ),
    ),
)
