"""Colours become words."""

from collections.abc import Callable

import torch
from einops import einsum, rearrange
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.models.palette import quantise


def _cases(g: Generator) -> list[Arguments]:
    sizes = [(2, 3, 4, 6, 5), (1, 1, 3, 2, 4), (2, 3, 5, 3, 7), (3, 1, 4, 4, 3)]
    random = [
        (torch.rand(batch, channels, h, w, generator=g), torch.rand(colours, channels, generator=g))
        for batch, channels, h, w, colours in sizes
    ]
    # Red has the smallest sum of channels, grey the smallest sum of squares: it is nearest to a black pixel, whose
    # dot products are all equal.
    palette = torch.tensor([[0.9, 0.9, 0.8], [0.6, 0.0, 0.0], [0.25, 0.25, 0.25], [0.2, 0.9, 0.7]])
    pixels = torch.rand(1, 3, 2, 7, generator=g)
    pixels[..., 0, 0] = 0
    return [*random, (pixels, palette)]


def _wild(g: Generator) -> list[Wild]:
    def some(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=g)

    greys = torch.linspace(0, 1, 300)[:, None]
    return [
        Wild(
            "transposed-memory",
            (some(2, 3, 6, 4).mT, some(5, 3)),
            "images has been transposed, so its rows are not contiguous in memory",
            "Use `.reshape` or `rearrange` instead of `.view`.",
        ),
        Wild(
            "many-colours",
            (greys[[298, 3, 256, 129]].view(1, 1, 2, 2), greys),
            "the palette has hundreds of colours",
            "Their indices do not fit into 8 bits.",
        ),
        Wild(
            "one-pixel",
            (some(1, 3, 1, 1), some(4, 3)),
            "there is a single image of a single pixel",
            "An axis of length one is still an axis: `squeeze()` would remove it.",
        ),
    ]


def _slip(
    distance: Callable[[Tensor], Tensor] = lambda gap: gap.square().sum(-1),
    choose: Callable[[Tensor], Tensor] = lambda distance: distance.argmin(-1),
    flatten: str = "b h w -> b (h w)",
    spread: Callable[[Tensor], Tensor] = lambda images: rearrange(images, "b c h w -> b h w 1 c"),
) -> Callable[[Tensor, Tensor], Tensor]:
    """The nearest colour with one step replaced."""
    return lambda images, palette: rearrange(choose(distance(spread(images) - palette)), flatten)


def _scored(score: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """The colour of the lowest score, which is computed from pixels (batch, positions, channels) and palette."""
    return lambda images, palette: score(images.flatten(2).mT, palette).argmin(-1)


def _spaced(round_: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda images, palette: (
        round_(images.mean(1) * (len(palette) - 1)).long().clamp(0, len(palette) - 1).flatten(1)
    )


def _in_order(descending: bool) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda images, palette: quantise(images, palette[palette.sum(1).argsort(descending=descending)])


def _next_brighter(images: Tensor, palette: Tensor) -> Tensor:
    levels = palette.mean(-1).sort().values
    return torch.bucketize(images.mean(1), levels).clamp(max=len(palette) - 1).flatten(1)


def _rows_of_height(images: Tensor, palette: Tensor) -> Tensor:
    height, width = images.shape[-2:]
    right = quantise(images, palette)
    number = torch.zeros_like(right)
    for y in range(height):
        for x in range(width):
            number[:, y * height + x] = right[:, y * width + x]
    return number


def _then(change: Callable[[Tensor], object]) -> Callable[[Tensor, Tensor], object]:
    return lambda images, palette: change(quantise(images, palette))


QUANTISE = Exercise(
    name="03.quantise",
    title="Colours become words",
    points=2,
    reference=quantise,
    cases=_cases,
    wild=_wild,
    hints=(
        "Each pixel is a vector of one or three numbers, and so is each colour of the palette. Which colour is at "
        "the smallest distance?",
        "Move the channels to the end and make room for the palette: `rearrange(images, 'b c h w -> b h w 1 c')` "
        "minus the palette (colours, channels) gives all the gaps at once.",
        "Square the gaps, sum them over the channels, take `.argmin` over the colours, and lay the rows one "
        'after the other: `"b h w -> b (h w)"`.',
    ),
    misconceptions=(
        Misconception(
            "furthest",
            "Each pixel gets the colour that is furthest from it. Use the smallest distance.",
            _slip(choose=lambda distance: distance.argmax(-1)),
        ),
        Misconception(
            "signed-gaps",
            "The differences are added with their signs, so the same colour is chosen for every pixel, however far "
            "away it is. Square them before you sum over the channels.",
            _slip(distance=lambda gap: gap.sum(-1)),
            _slip(distance=lambda gap: -gap.sum(-1)),
        ),
        Misconception(
            "brightness-only",
            "Only the brightness is compared, because differences of opposite sign cancel. Square each channel's "
            "difference first, then sum.",
            _slip(distance=lambda gap: gap.sum(-1).abs()),
        ),
        Misconception(
            "one-channel",
            "Only one channel is compared. Sum the squared differences over all channels.",
            _slip(distance=lambda gap: gap[..., 0].abs()),
            _slip(distance=lambda gap: gap[..., -1].abs()),
        ),
        Misconception(
            "each-channel-alone",
            "The nearest colour is chosen separately for each channel. A colour is all of its channels together: "
            "each pixel gets one index.",
            lambda images, palette: (images.flatten(2)[..., None] - palette.T[:, None]).abs().argmin(-1),
            lambda images, palette: (
                (images.flatten(2)[..., None] - palette.T[:, None]).abs().argmin(-1).transpose(1, 2)
            ),
            lambda images, palette: (images[..., None] - palette.T[:, None, None]).abs().argmin(-1),
        ),
        Misconception(
            "absolute-gaps",
            "The absolute differences are added, which is the L1 distance. Use the Euclidean distance: what does "
            "Pythagoras do with each difference?",
            _slip(distance=lambda gap: gap.abs().sum(-1)),
        ),
        Misconception(
            "largest-gap",
            "Only the channel with the largest difference counts. The Euclidean distance uses all channels.",
            _slip(distance=lambda gap: gap.abs().amax(-1)),
        ),
        Misconception(
            "dot-product",
            "You use the largest dot product, which favours bright colours for every pixel. Use the smallest "
            "distance.",
            _scored(lambda pixels, palette: -pixels @ palette.T),
        ),
        Misconception(
            "other-scale",
            "Pixels and palette are on different scales: the pixels are multiplied by 255, or the palette is divided "
            "by it. Compare both unscaled, from 0 to 1.",
            lambda images, palette: quantise(255 * images, palette),
            lambda images, palette: quantise((255 * images).round(), palette),
        ),
        Misconception(
            "cosine",
            "The angle between colours is compared, so a dark and a bright colour of the same hue look the same. A "
            "distance is small only if hue and brightness are both similar.",
            _scored(lambda pixels, palette: -F.normalize(pixels, dim=-1) @ F.normalize(palette, dim=-1).T),
        ),
        Misconception(
            "multiplied-out-wrongly",
            "The square of the difference is expanded wrongly: check the middle term of (a − b)².",
            _scored(lambda pixels, palette: palette.square().sum(-1) - pixels @ palette.T),
            _scored(lambda pixels, palette: palette.square().sum(-1) + 2 * pixels @ palette.T),
            _scored(lambda pixels, palette: palette.square().sum(-1) + pixels @ palette.T),
            _scored(lambda pixels, palette: palette.square().sum(-1).expand(*pixels.shape[:2], -1)),
        ),
        Misconception(
            "down-the-columns",
            "The pixels go column by column. Raster order goes row by row.",
            _slip(flatten="b h w -> b (w h)"),
        ),
        Misconception(
            "bare-reshape",
            "A bare reshape treats adjacent numbers in memory as the channels of one pixel, but in memory the next "
            "number is the same channel of the next pixel. Move the channel axis to the end first.",
            _slip(spread=lambda images: images.reshape(len(images), *images.shape[2:], 1, -1)),
        ),
        Misconception(
            "still-a-picture",
            "The numbers are right, but still arranged in rows and columns. A transformer reads a sequence: flatten "
            "all positions into one axis.",
            _slip(flatten="b h w -> b h w"),
        ),
        Misconception(
            "colours-not-numbers",
            "These are the colours themselves. Return the colour's index in the palette.",
            lambda images, palette: palette[quantise(images, palette)],
            lambda images, palette: rearrange(
                palette[quantise(images, palette)], "b (h w) c -> b c h w", h=images.shape[2]
            ),
        ),
        Misconception(
            "distance-not-number",
            "This is the distance to the nearest colour. Return that colour's index in the palette: not the smallest "
            "value, but its index.",
            _slip(choose=lambda distance: distance.amin(-1)),
            _slip(choose=lambda distance: distance.amin(-1).sqrt()),
        ),
        Misconception(
            "both-of-min",
            "`min` along an axis returns two tensors, the smallest distances and their indices. Return only the "
            "second.",
            lambda images, palette: torch.cdist(images.flatten(2).mT, palette).min(-1),
            lambda images, palette: torch.cdist(images.flatten(2).mT, palette).square().min(-1),
        ),
        Misconception(
            "nearest-pixel",
            "This finds the nearest pixel for each palette colour. Find the nearest colour for each pixel.",
            lambda images, palette: torch.cdist(images.flatten(2).mT, palette).argmin(1),
        ),
        Misconception(
            "evenly-spaced",
            "The palette is assumed to have evenly spaced greys, and its entries are not used. A palette may have "
            "any colours, in any order.",
            _spaced(torch.round),
            _spaced(torch.floor),
            _spaced(torch.ceil),
        ),
        Misconception(
            "next-brighter",
            "A pixel gets the next brighter entry of a sorted palette. The nearest one may be darker, and the "
            "palette need not be sorted.",
            _next_brighter,
        ),
        Misconception(
            "palette-sorted",
            "The palette is sorted first, so the indices refer to another order. A colour's index is its position in "
            "the original palette.",
            _in_order(descending=True),
            _in_order(descending=False),
        ),
        Misconception(
            "counted-from-one",
            "The colours are counted from one. The first colour of the palette has index 0.",
            _then(lambda number: number + 1),
        ),
        Misconception(
            "floats",
            "The numbers are right, but they are floats. They will be used as indices, so they must be integers.",
            _then(lambda number: number.float()),
            _then(lambda number: number.double()),
        ),
        Misconception(
            "height-for-width",
            "A row is assumed to be as long as the image is high, which is right only for squares. How many pixels "
            "come before the first one of row y?",
            _rows_of_height,
        ),
        Misconception(
            "first-picture-only",
            "Only the first image of the batch is returned. Return all of them.",
            _then(lambda number: number[:1]),
        ),
        Misconception(
            "batch-flattened",
            "The images of the batch are joined into one long row. Each image is a separate row: keep the first "
            "axis.",
            _then(lambda number: number.flatten()),
        ),
        Misconception(
            "pictures-averaged",
            "The distances are summed or averaged over the images of the batch. Each image has its own indices.",
            lambda images, palette: einsum(
                (rearrange(images, "b c h w -> b (h w) 1 c") - palette).square(), "b n k c -> n k"
            ).argmin(-1)[None],
        ),
    ),
)
