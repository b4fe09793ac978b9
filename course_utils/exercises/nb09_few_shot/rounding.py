"""Rounding to a few bits and back."""

import torch
from torch import Generator

from course_utils.deployment.quantise import fake_quantise
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.exercises.nb09_few_shot import rounding_slips as slips
from course_utils.exercises.nb09_few_shot.rounding_ends import ENDS


def _cases(g: Generator) -> list[Arguments]:
    """One scale and one zero point per row; some values are beyond either end."""
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
            "tiny-scale",
            (torch.randn(2, 9, generator=g) / 20, torch.tensor([[1e-6], [2e-6]]), torch.tensor([[0.0], [3.0]]), 16),
            "the scale is tiny, as with 16 bits",
            "It is above zero: divide by it as it is. Add nothing to it, and do not clamp it.",
        ),
        Wild(
            "learned-values",
            (torch.randn(2, 5, generator=g).requires_grad_(), torch.tensor([[0.3], [0.2]]), torch.zeros(2, 1), 4),
            "the values are a layer's weights, with gradients",
            "Use PyTorch's functions: NumPy cannot use a tensor that requires gradients.",
        ),
        Wild(
            "one-scale",
            (torch.randn(1, 9, generator=g), torch.tensor([[0.3]]), torch.tensor([[2.0]]), 4),
            "one scale of shape (1, 1) is for a whole layer",
            "Plain arithmetic broadcasts automatically.",
        ),
        Wild(
            "one-scale-for-many-rows",
            (torch.randn(3, 4, generator=g), torch.tensor([[0.2]]), torch.tensor([[-1.0]]), 4),
            "one scale of shape (1, 1) is for several rows",
            "Plain arithmetic broadcasts automatically.",
        ),
        Wild(
            "numbers",
            (torch.randn(2, 5, generator=g), torch.tensor(0.25), torch.tensor(1.0), 4),
            "scale and zero_point are single numbers of shape ()",
            "Plain arithmetic broadcasts automatically.",
        ),
        Wild(
            "kernels",
            (kernels, torch.tensor([0.1, 0.2, 0.3])[:, None, None, None], torch.zeros(3, 1, 1, 1), 4),
            "values are kernels with four axes, with one scale per output channel",
            "Plain arithmetic broadcasts automatically.",
        ),
        Wild(
            "columns",
            (torch.randn(4, 3, generator=g), torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.0, 1.0, -1.0]), 4),
            "each column has a scale, so scale has the shape (columns,)",
            "Plain arithmetic broadcasts automatically.",
        ),
        Wild(
            "half-way",
            (torch.stack([halves, halves / 2]), torch.tensor([[1.0], [0.5]]), torch.tensor([[1.0], [-1.0]]), 4),
            "a value is exactly half-way between two steps",
            "As in the docstring and in PyTorch's quantisation, apply `torch.round` to value / scale, before you add "
            "the zero point.",
        ),
    ]


FAKE_QUANTISE = Exercise(
    name="09.fake_quantise",
    title="Round to integers and back",
    points=2,
    reference=fake_quantise,
    cases=_cases,
    wild=_wild,
    hints=(
        "Solve the docstring's equation for q. Where must you round, so that q is an integer?",
        "Numbers that do not fit into `bits` bits become the nearer end. With 3 bits the ends are −4 and 3: write "
        "both for any number of bits, and `.clamp`.",
        "For the way back, use the same equation with your q.",
    ),
    misconceptions=(
        *ENDS,
        Misconception(
            "zero-point-not-taken-off",
            "On the way back, the zero point is not subtracted, so everything is shifted.",
            slips.rounded(back=lambda whole, scale, zero: whole * scale),
        ),
        Misconception(
            "zero-point-not-added",
            "The zero point is not added when rounding, but it is subtracted on the way back, so everything is "
            "shifted.",
            slips.rounded(whole=lambda values, scale, zero: (values / scale).round()),
        ),
        Misconception(
            "zero-point-with-wrong-sign",
            "The zero point's sign is inverted: it is subtracted first and added afterwards. Solve value = scale · "
            "(q − zero_point) for q.",
            slips.before(lambda values, scale, zero: (values, scale, -zero)),
        ),
        Misconception(
            "zero-point-added-twice",
            "The zero point is added both times. On the way back, subtract it.",
            slips.rounded(back=lambda whole, scale, zero: (whole + zero) * scale),
        ),
        Misconception(
            "zero-point-taken-off-twice",
            "The zero point is subtracted both times. When rounding, add it.",
            slips.rounded(whole=lambda values, scale, zero: (values / scale).round() - zero),
        ),
        Misconception(
            "zero-point-added-to-values",
            "The zero point is added to the values. It is an integer: add it after the division by the scale.",
            lambda values, scale, zero_point, bits: (
                ((values + zero_point) / scale).round().clamp(slips.least(bits), slips.most(bits)) * scale
                - zero_point
            ),
        ),
        Misconception(
            "zero-point-subtracted-from-values",
            "The zero point is subtracted from the values. It is an integer like q: add it after the division by the "
            "scale.",
            lambda values, scale, zero_point, bits: (
                ((values - zero_point) / scale).round().clamp(slips.least(bits), slips.most(bits)) * scale
                + zero_point
            ),
            slips.rounded(
                whole=lambda values, scale, zero: ((values - zero) / scale).round(),
                back=lambda whole, scale, zero: whole * scale,
            ),
            slips.rounded(whole=lambda values, scale, zero: ((values - zero) / scale).round()),
        ),
        Misconception(
            "zero-point-added-at-the-end",
            "On the way back, the zero point is added to the values. Subtract it from q, then multiply by the scale.",
            slips.rounded(back=lambda whole, scale, zero: whole * scale + zero),
            slips.rounded(
                whole=lambda values, scale, zero: (values / scale).round(),
                back=lambda whole, scale, zero: whole * scale + zero,
            ),
        ),
        Misconception(
            "brackets-missing",
            "Brackets are missing on the way back: only one of q and the zero point is multiplied by the scale.",
            slips.rounded(back=lambda whole, scale, zero: whole - zero * scale),
            slips.rounded(back=lambda whole, scale, zero: whole * scale - zero),
        ),
        Misconception(
            "whole-numbers",
            "The integers themselves are returned. Convert them back to floats in the units of the values.",
            slips.rounded(back=lambda whole, scale, zero: whole),
            slips.rounded(back=lambda whole, scale, zero: whole.to(torch.int8)),
        ),
        Misconception(
            "not-scaled-back",
            "The zero point is subtracted, but the result is still in steps. Multiply by the scale.",
            slips.rounded(back=lambda whole, scale, zero: whole - zero),
        ),
        Misconception(
            "divided-on-the-way-back",
            "On the way back, the integers are divided by the scale. A step is `scale` wide: multiply.",
            slips.rounded(back=lambda whole, scale, zero: (whole - zero) / scale),
        ),
        Misconception(
            "multiplied-on-the-way-there",
            "The values are multiplied by the scale before rounding. The scale is the width of a step: divide.",
            slips.rounded(whole=lambda values, scale, zero: (values * scale).round() + zero),
            slips.rounded(
                whole=lambda values, scale, zero: (values * scale).round() + zero,
                back=lambda whole, scale, zero: (whole - zero) / scale,
            ),
        ),
        Misconception(
            "rounded-down",
            "This rounds down. Round to the nearest, which halves the largest error and has no bias.",
            slips.to_whole_by(torch.floor),
        ),
        Misconception(
            "rounded-up",
            "This rounds up. Round to the nearest, which halves the largest error and has no bias.",
            slips.to_whole_by(torch.ceil),
        ),
        Misconception(
            "cut-off",
            "The fraction is truncated, as by `int` and `trunc`. Round to the nearest, which halves the largest "
            "error.",
            slips.to_whole_by(torch.trunc),
            slips.rounded(whole=lambda values, scale, zero: (values / scale + zero).trunc()),
        ),
        Misconception(
            "not-rounded",
            "Nothing is rounded: all values within the range are unchanged. Use `torch.round`.",
            slips.to_whole_by(torch.clone),
        ),
        Misconception(
            "result-rounded",
            "The result is rounded to integers. Round q; the result is then a multiple of the scale.",
            lambda values, scale, zero_point, bits: slips.to_whole_by(torch.clone)(
                values, scale, zero_point, bits
            ).round(),
            lambda values, scale, zero_point, bits: fake_quantise(values, scale, zero_point, bits).round(),
        ),
        Misconception(
            "rounded-before-dividing",
            "The values are rounded before they are divided by the scale. Divide first: then a step is 1.",
            slips.rounded(whole=lambda values, scale, zero: values.round() / scale + zero),
            slips.before(lambda values, scale, zero: (values.round(), scale, zero)),
        ),
        Misconception(
            "wraps-round",
            "Numbers that do not fit into eight bits wrap around to the other end: int8 turns 128 into −128. Clamp "
            "while the numbers are still floats.",
            slips.wrapped,
            slips.as_int8(clamped=True),
        ),
        Misconception(
            "int8-for-a-clamp",
            "Nothing is clamped. In int8, numbers that do not fit into eight bits wrap around to the other end, and "
            "with fewer bits too many numbers are allowed: clamp while they are still floats.",
            slips.as_int8(clamped=False),
            slips.as_int8(clamped=False, first=torch.int32),
        ),
        Misconception(
            "comes-in-at-the-other-end",
            "Numbers that do not fit into `bits` bits wrap around to the other end of the range, as with `%`. Clamp "
            "them to the nearer end.",
            slips.wrapped_round,
        ),
        Misconception(
            "first-scale-for-all",
            "All rows use the first scale and zero point. Each row has its own: let them broadcast.",
            slips.before(lambda values, scale, zero: (values, scale.flatten()[0], zero.flatten()[0])),
        ),
        Misconception(
            "average-scale-for-all",
            "All rows use an average scale and zero point. Each row has its own: let them broadcast.",
            slips.before(lambda values, scale, zero: (values, scale.mean(), zero.mean().round())),
            slips.before(lambda values, scale, zero: (values, scale.mean(), zero.mean())),
        ),
        Misconception(
            "error-instead",
            "This is the rounding error. Return the rounded values themselves.",
            lambda values, scale, zero_point, bits: values - fake_quantise(values, scale, zero_point, bits),
            lambda values, scale, zero_point, bits: fake_quantise(values, scale, zero_point, bits) - values,
        ),
    ),
)
