"""Scale, zero point, and rounding to few bits."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.quantise import affine_parameters, fake_quantise

Pair = tuple[Tensor, Tensor]


def _ranges(g: Generator) -> list[Arguments]:
    """Ranges around zero, above it (after a ReLU6, say) and below it."""
    return [
        (torch.tensor([-1.0, -0.2, -3.0]), torch.tensor([2.0, 5.0, 0.5]), 8),
        (torch.tensor([0.5, 1.0]), torch.tensor([6.0, 4.0]), 4),
        (torch.tensor(-7.0), torch.tensor(-2.0), 3),
        (torch.tensor([-1.0, 0.0]), torch.tensor([1.0, 0.0]), 5),
    ]


def _slip(
    levels: Callable[[int], int] = lambda bits: 2**bits - 1,
    least: Callable[[int], int] = lambda bits: -(2 ** (bits - 1)),
    widen: Callable[[Tensor, Tensor], Pair] = lambda low, high: (low.clamp(max=0), high.clamp(min=0)),
    zero: Callable[[int, Tensor, Tensor], Tensor] = lambda least, low, scale: (least - low / scale).round(),
    guard: bool = True,
) -> Callable[..., Pair]:
    """Both parameters with one of their parts replaced."""

    def wrong(low: Tensor, high: Tensor, bits: int) -> Pair:
        low, high = widen(low, high)
        scale = (high - low) / levels(bits)
        if guard:
            scale = torch.where(scale > 0, scale, 1.0)
        start = least(bits)
        return scale, zero(start, low, scale).clamp(start, start + 2**bits - 1)

    return wrong


def _symmetric(low: Tensor, high: Tensor) -> Pair:
    reach = torch.maximum(low.abs(), high.abs())
    return -reach, reach


AFFINE_PARAMETERS = Exercise(
    name="09.affine_parameters",
    title="Scale and zero point",
    points=2,
    reference=affine_parameters,
    returns=("the scale", "the zero point"),
    cases=_ranges,
    hints=(
        "Widen the range first: `low.clamp(max=0)`, `high.clamp(min=0)`.",
        "b bits count 2^b values, and between them lie 2^b − 1 steps. The scale is the width of one step; where it is "
        "zero, put 1 (`torch.where`).",
        "`low` becomes the least whole number, −2^(b−1). Zero lies `−low / scale` steps above it. Round, and clamp to "
        "the signed range.",
    ),
    misconceptions=(
        Misconception(
            _slip(levels=lambda bits: 2**bits),
            "The range is divided by 2^bits. That many values have one step fewer between them: 2^bits − 1.",
        ),
        Misconception(
            _slip(widen=lambda low, high: (low, high)),
            "The range is not widened to hold zero. In a range of 0.5 to 6 zero could not be said exactly, and padding "
            "and ReLU are full of it.",
        ),
        Misconception(
            _slip(least=lambda bits: 0),
            "The whole numbers start at 0 here. They are signed: they start at −2^(bits−1), so the zero point shifts "
            "with them.",
        ),
        Misconception(
            _slip(widen=_symmetric),
            "The range is made symmetric about zero: half of the values stay unused when the numbers have one sign.",
        ),
        Misconception(
            _slip(zero=lambda least, low, scale: least - low / scale),
            "The zero point is not rounded. It must be a whole number, or zero itself is not exact.",
        ),
        Misconception(
            _slip(zero=lambda least, low, scale: (least + low / scale).round()),
            "The sign is wrong: low lies below zero, so zero is −low / scale steps *above* the least number.",
        ),
        Misconception(
            _slip(zero=lambda least, low, scale: (-low / scale).round()),
            "The least number is left out: zero is so many steps above −2^(bits−1), not above zero.",
        ),
        Misconception(
            _slip(guard=False),
            "A range without width has scale 0, and everything is divided by the scale: put 1 there.",
        ),
    ),
)


def _values(g: Generator) -> list[Arguments]:
    cases: list[Arguments] = []
    for size, bits in (((3, 8), 4), ((5, 6), 8), ((2, 9), 3)):
        values = 3 * torch.randn(*size, generator=g)
        scale = (0.2 + torch.rand(size[0], 1, generator=g)) * 4 / 2**bits
        zero = torch.randint(-2, 3, (size[0], 1), generator=g).float()
        cases.append((values, scale, zero, bits))
    return cases


def _rounded(
    whole: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda values, scale, zero: (values / scale).round() + zero,
    least: Callable[[int], int] = lambda bits: -(2 ** (bits - 1)),
    most: Callable[[int], int] = lambda bits: 2 ** (bits - 1) - 1,
    back: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda whole, scale, zero: (whole - zero) * scale,
) -> Callable[..., Tensor]:
    """Rounding with one of its parts replaced."""

    def wrong(values: Tensor, scale: Tensor, zero_point: Tensor, bits: int) -> Tensor:
        return back(whole(values, scale, zero_point).clamp(least(bits), most(bits)), scale, zero_point)

    return wrong


FAKE_QUANTISE = Exercise(
    name="09.fake_quantise",
    title="Round to whole numbers and back",
    points=2,
    reference=fake_quantise,
    cases=_values,
    hints=(
        "Divide by the scale, round, add the zero point: now it should be a whole number.",
        "What does not fit into the bits is clamped: to −2^(bits−1) from below, to 2^(bits−1) − 1 from above.",
        "Back: take the zero point off again, multiply by the scale.",
    ),
    misconceptions=(
        Misconception(
            _rounded(least=lambda bits: -(10**9), most=lambda bits: 10**9),
            "Nothing is clamped: values outside the range would need more bits than there are.",
        ),
        Misconception(
            _rounded(least=lambda bits: 0, most=lambda bits: 2**bits - 1),
            "The whole numbers are clamped to 0 … 2^bits − 1. They are signed here.",
        ),
        Misconception(
            _rounded(least=lambda bits: -(2 ** (bits - 1)) + 1),
            "The least whole number is left out: the range is not symmetric, −2^(bits−1) … 2^(bits−1) − 1.",
        ),
        Misconception(
            _rounded(most=lambda bits: 2 ** (bits - 1)),
            "The largest whole number is one too large: with 8 bits it is 127, not 128.",
        ),
        Misconception(
            _rounded(back=lambda whole, scale, zero: whole * scale),
            "On the way back the zero point is not taken off: everything is shifted.",
        ),
        Misconception(
            _rounded(back=lambda whole, scale, zero: whole),
            "The whole numbers themselves are returned. They must go back to floats: (q − zero_point) · scale.",
        ),
        Misconception(
            _rounded(whole=lambda values, scale, zero: (values / scale).floor() + zero),
            "This rounds down. Rounding to the nearest halves the largest error and leaves no shift.",
        ),
        Misconception(
            _rounded(whole=lambda values, scale, zero: (values * scale).round() + zero),
            "The values are multiplied by the scale on the way in. The scale is the width of a step: divide.",
        ),
    ),
)
