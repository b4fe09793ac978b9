"""From pixels to words, and from words to what is read and what is asked."""

from collections.abc import Callable

import torch
from einops import rearrange
from torch import Generator, Tensor

from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.models.palette import quantise
from course_utils.models.pixel_transformer import next_pixel_pairs


def _quantise_cases(g: Generator) -> list[Arguments]:
    sizes = [(2, 3, 4, 6, 5), (1, 1, 3, 2, 4), (2, 3, 5, 3, 7), (3, 1, 4, 4, 3)]
    return [
        (torch.rand(batch, channels, h, w, generator=g), torch.rand(colours, channels, generator=g))
        for batch, channels, h, w, colours in sizes
    ]


def _quantise_slip(
    distance: Callable[[Tensor], Tensor] = lambda gap: gap.square().sum(-1),
    choose: Callable[[Tensor], Tensor] = lambda distance: distance.argmin(-1),
    flatten: str = "b h w -> b (h w)",
) -> Callable[[Tensor, Tensor], Tensor]:
    """The nearest colour with one step replaced."""

    def wrong(images: Tensor, palette: Tensor) -> Tensor:
        gap = rearrange(images, "b c h w -> b h w 1 c") - palette
        return rearrange(choose(distance(gap)), flatten)

    return wrong


def _quantise_to_colours(images: Tensor, palette: Tensor) -> Tensor:
    return palette[quantise(images, palette)]


QUANTISE = Exercise(
    name="03.quantise",
    title="Colours become words",
    points=2,
    reference=quantise,
    cases=_quantise_cases,
    hints=(
        "Each pixel is a vector of one or three numbers, each colour of the palette too. Which colour has the "
        "smallest distance?",
        "Bring the channels to the end and make room for the palette: `rearrange(images, 'b c h w -> b h w 1 c')` "
        "minus the palette (colours, channels) gives every gap at once.",
        "Square the gaps, sum them over the channels, take `argmin` over the colours, and lay rows one after the "
        "other: 'b h w -> b (h w)'.",
    ),
    misconceptions=(
        Misconception(
            _quantise_slip(choose=lambda distance: distance.argmax(-1)),
            "Each pixel gets the colour that is furthest from it. The nearest one has the smallest distance: argmin.",
        ),
        Misconception(
            _quantise_slip(distance=lambda gap: gap.sum(-1)),
            "The gaps are added with their signs, so the darkest pixel-minus-colour wins, however far it is. Square "
            "them before you sum over the channels.",
        ),
        Misconception(
            _quantise_slip(distance=lambda gap: gap.sum(-1).abs()),
            "Only the brightness is compared: gaps of opposite sign cancel before they are measured. Square each "
            "channel's gap first, then sum.",
        ),
        Misconception(
            _quantise_slip(distance=lambda gap: gap[..., 0].abs()),
            "Only the first channel is compared, so red decides alone. Sum the squared gaps over all channels.",
        ),
        Misconception(
            _quantise_slip(flatten="b h w -> b (w h)"),
            "The pixels are laid out column by column. Raster order is the order of reading: row by row, (h w).",
        ),
        Misconception(
            _quantise_slip(flatten="b h w -> b h w"),
            "The colours are right, but still lie in rows and columns. A transformer reads a sequence: flatten the "
            "places into one axis, (h w).",
        ),
        Misconception(
            _quantise_to_colours,
            "These are the colours themselves. A word is the colour's number in the palette: return the argmin.",
        ),
    ),
)


def _pairs_cases(g: Generator) -> list[Arguments]:
    return [
        (torch.randint(colours, (batch, pixels), generator=g), colours)
        for batch, pixels, colours in [(2, 6, 9), (3, 9, 4), (1, 4, 12), (2, 16, 17)]
    ]


def _pairs_slip(
    inputs: Callable[[Tensor, Tensor], Tensor], targets: Callable[[Tensor], Tensor] = lambda tokens: tokens
) -> Callable[[Tensor, int], tuple[Tensor, Tensor]]:
    """Inputs from (tokens, a column of start tokens), targets from the tokens."""
    return lambda tokens, start: (inputs(tokens, torch.full_like(tokens[:, :1], start)), targets(tokens))


NEXT_PIXEL_PAIRS = Exercise(
    name="03.next_pixel_pairs",
    title="What is read and what is asked",
    points=2,
    reference=next_pixel_pairs,
    cases=_pairs_cases,
    returns=("inputs", "targets"),
    hints=(
        "The targets are simply the picture: every pixel is asked for once, the first one too.",
        "What may the model have read when it must name pixel 0? Nothing, so something must stand for nothing: the "
        "start token. And when it must name pixel 1?",
        "`torch.full_like(tokens[:, :1], start)` is a column of start tokens; `torch.cat` it with all pixels but the "
        "last along axis 1.",
    ),
    misconceptions=(
        Misconception(
            _pairs_slip(lambda tokens, first: tokens),
            "Inputs and targets are the same, so at each place the model reads the very pixel it must name. It would "
            "learn to copy; move the inputs one place to the right, behind the start token.",
        ),
        Misconception(
            _pairs_slip(lambda tokens, first: torch.cat([tokens[:, 1:], first], 1)),
            "The inputs are moved to the left: at place i the model reads pixel i + 1, the future. Put the start "
            "token in front and drop the last pixel.",
        ),
        Misconception(
            _pairs_slip(lambda tokens, first: torch.cat([first, tokens], 1)),
            "The inputs are one longer than the targets. The last pixel is never read, since nothing comes after it: "
            "leave it out of the inputs.",
        ),
        Misconception(
            _pairs_slip(lambda tokens, first: tokens.roll(1, 1)),
            "The last pixel stands where the start token should: the model would see the picture's end before its "
            "beginning. Put the start token there.",
        ),
        Misconception(
            _pairs_slip(lambda tokens, first: torch.cat([first, tokens[:, 1:]], 1)),
            "The start token has taken the place of the first pixel, and all others stay where they are, so the "
            "answer is still in the input. It goes before the first pixel; the last one is dropped.",
        ),
        Misconception(
            _pairs_slip(lambda tokens, first: tokens[:, :-1], lambda tokens: tokens[:, 1:]),
            "This is a shift without a start token, so the first pixel is never asked for. Put the start token in "
            "front of the inputs and keep every pixel as a target.",
        ),
        Misconception(
            lambda tokens, start: next_pixel_pairs(tokens, start)[::-1],
            "Inputs and targets are both right, but in the wrong order: return inputs first.",
        ),
    ),
)
