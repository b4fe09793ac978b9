"""From pixels to a sequence of patches."""

from collections.abc import Callable
from itertools import permutations

import torch
from einops import rearrange
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.models.vit import patchify

Answer = Callable[[Tensor, int], Tensor]


def _cases(g: Generator) -> list[Arguments]:
    shapes = [((2, 3, 8, 12), 4), ((1, 1, 6, 6), 3), ((2, 3, 4, 4), 2), ((1, 2, 10, 5), 5), ((1, 1, 16, 32), 16)]
    return [(torch.rand(*shape, generator=g), patch_size) for shape, patch_size in shapes]


def _wild(g: Generator) -> list[Wild]:
    return [
        Wild(
            "transposed-memory",
            (torch.rand(2, 3, 8, 4, generator=g).mT, 2),
            "the pictures lie in memory column by column, as after a transpose",
            "`view` and `as_strided` trust the memory; `reshape` and `rearrange` go by the axes.",
        ),
        Wild(
            "expanded-memory",
            (torch.rand(1, 3, 4, 6, generator=g).expand(3, -1, -1, -1), 2),
            "one picture is repeated by `expand`, which copies nothing",
            "`reshape` copies where it must; `view` and `as_strided` do not.",
        ),
        Wild("patch-of-one-pixel", (torch.rand(2, 2, 3, 2, generator=g), 1), "a patch is a single pixel"),
    ]


def _as(pattern: str) -> Answer:
    """An einops pattern with one part in another order."""
    return lambda images, patch_size: rearrange(images, pattern, p=patch_size, q=patch_size)


_UPRIGHT = _as("b c (h p) (w q) -> b (h w) (c p q)")


def _one_after_another(images: Tensor, patch_size: int) -> Tensor:
    """Correctly cut and reordered, but flattened with the channels outside."""
    cut = rearrange(images, "b c (h p) (w q) -> b c h w p q", p=patch_size, q=patch_size)
    return cut.reshape(len(images), -1, images.shape[1] * patch_size**2)


def _within_channels(images: Tensor, patch_size: int) -> Tensor:
    runs = images.reshape(*images.shape[:2], -1, patch_size**2).transpose(1, 2)
    return runs.reshape(len(images), -1, images.shape[1] * patch_size**2)


def _slices(images: Tensor, patch_size: int, tops: range, lefts: range) -> Tensor:
    squares = [images[:, :, y : y + patch_size, x : x + patch_size].flatten(1) for y in tops for x in lefts]
    return torch.stack(squares, 1)


def _last_lost(images: Tensor, patch_size: int) -> Tensor:
    tops, lefts = (range(0, side - patch_size, patch_size) for side in images.shape[-2:])
    return _slices(images, patch_size, tops, lefts)


def _square_by_slices(axis: int) -> Answer:
    def wrong(images: Tensor, patch_size: int) -> Tensor:
        starts = range(0, images.shape[axis] // patch_size * patch_size, patch_size)
        return _slices(images, patch_size, starts, starts)

    return wrong


def _square_by_reshape(axis: int) -> Answer:
    def wrong(images: Tensor, patch_size: int) -> Tensor:
        side = images.shape[axis] // patch_size
        cut = images.reshape(*images.shape[:2], side, patch_size, side, patch_size)
        return cut.permute(0, 2, 4, 1, 3, 5).reshape(len(images), side * side, -1)

    return wrong


def _one_index(rows: bool) -> Answer:
    """Loops over both, but one index stands for row and column."""

    def wrong(images: Tensor, patch_size: int) -> Tensor:
        tops, lefts = (range(0, side, patch_size) for side in images.shape[-2:])
        places = [y if rows else x for y in tops for x in lefts]
        return torch.stack([images[:, :, i : i + patch_size, i : i + patch_size].flatten(1) for i in places], 1)

    return wrong


def _flattened_in(order: tuple[str, ...]) -> Answer:
    """Cut as it should be, and reshaped with the axes in another order."""

    def wrong(images: Tensor, patch_size: int) -> Tensor:
        cut = rearrange(images, f"b c (h p) (w q) -> b {' '.join(order)}", p=patch_size, q=patch_size)
        return cut.reshape(len(images), -1, images.shape[1] * patch_size**2)

    return wrong


# In these two orders, and with the channels outside, it has another name.
_BARE = (tuple("chpwq"), tuple("hpwqc"), tuple("chwpq"))
_ORDERS = [order for order in permutations("cpqhw") if {*order[:2]} != {"h", "w"} and order not in _BARE]


PATCHIFY = Exercise(
    name="04.patchify",
    title="An image as a sequence of patches",
    points=2,
    reference=patchify,
    learns=("images",),
    cases=_cases,
    wild=_wild,
    hints=(
        "Take one row of pixels apart first: a height is (number of patches, rows inside a patch), and so is a "
        "width.",
        "That makes six axes: batch, channel, patch row, row inside, patch column, column inside. The two that "
        "count patches go together, and so do the three that lie inside one.",
        'As an einops pattern, the left side is `"b c (h p) (w q)"` with p and q the patch size. On the right, '
        "patches run row by row, (h w), and inside a patch the channel is slowest.",
    ),
    misconceptions=(
        Misconception(
            "down-the-columns",
            "The patches run down the columns of the image. Our order is that of reading, row by row from the top "
            "left.",
            _as("b c (h p) (w q) -> b (w h) (c p q)"),
            *tuple(_as(f"b c (h p) (w q) -> b (w h) ({inside})") for inside in ("p q c", "c q p", "q p c", "p c q")),
        ),
        Misconception(
            "channel-last",
            "The patches are right, but inside each the channel comes last. Put it first, as in a convolution's "
            "kernel, so that the projection can be a convolution with the same numbers.",
            _as("b c (h p) (w q) -> b (h w) (p q c)"),
            _as("b c (h p) (w q) -> b (h w) (q p c)"),
        ),
        Misconception(
            "channel-between",
            "The patches are right, but inside each the channel comes between row and column. The order is channel, "
            "row, column.",
            _as("b c (h p) (w q) -> b (h w) (p c q)"),
            _as("b c (h p) (w q) -> b (h w) (q c p)"),
        ),
        Misconception(
            "patch-on-its-side",
            "Each patch lies on its side: its pixels run down the columns. Inside a patch, too, they should run row by row.",
            _as("b c (h p) (w q) -> b (h w) (c q p)"),
        ),
        Misconception(
            "bare-reshape",
            "The numbers are cut into runs in the order in which they lie, so a token holds pixels along the same few "
            "rows, not a square. Split height and width into patches first, then bring the axes of one patch together.",
            lambda images, patch_size: images.reshape(images.shape[0], -1, images.shape[1] * patch_size**2),
            _within_channels,
            lambda images, patch_size: images.movedim(1, -1).reshape(
                len(images), -1, images.shape[1] * patch_size**2
            ),
        ),
        Misconception(
            "channels-outside",
            "The patches are cut correctly, but flattened with the channels outside, so a token holds parts of several "
            "patches. Bring the channels inside the patch before you flatten.",
            _one_after_another,
        ),
        Misconception(
            "reshaped-in-another-order",
            "The axes are in the wrong order when you reshape, so a token holds parts of several patches. The two axes that "
            "count patches have to come first, then the three that lie inside one; F.unfold counts the patches along its "
            "last axis.",
            _flattened_in(_ORDERS[0]),
            *tuple(_flattened_in(order) for order in _ORDERS[1:]),
        ),
        Misconception(
            "one-index-for-both",
            "One index is used for both the row and the column, so you cut only patches on the diagonal. Each needs an index "
            "of its own.",
            _one_index(rows=True),
            _one_index(rows=False),
        ),
        Misconception(
            "three-channels-written-in",
            "Three channels are written into the function. How many there are follows from the shape of the images.",
            lambda images, patch_size: rearrange(
                images, "b c (h p) (w q) -> b (h w) (c p q)", c=3, p=patch_size, q=patch_size
            ),
            lambda images, patch_size: (
                images.reshape(
                    len(images),
                    3,
                    images.shape[2] // patch_size,
                    patch_size,
                    images.shape[3] // patch_size,
                    patch_size,
                )
                .permute(0, 2, 4, 1, 3, 5)
                .reshape(len(images), -1, 3 * patch_size**2)
            ),
            lambda images, patch_size: _as("b c (h p) (w q) -> b (h w) c (p q)")(images, patch_size).reshape(
                len(images), -1, 3 * patch_size**2
            ),
            lambda images, patch_size: _as("b c (h p) (w q) -> b (h w) c (p q)")(images, patch_size).reshape(
                len(images), images.shape[2] * images.shape[3] // patch_size**2, 3 * patch_size**2
            ),
        ),
        Misconception(
            "a-token-a-channel",
            "Every channel of a patch has become a token of its own, so there are too many tokens. A patch holds all its "
            "channels.",
            _as("b c (h p) (w q) -> b (c h w) (p q)"),
            _as("b c (h p) (w q) -> b (h w c) (p q)"),
        ),
        Misconception(
            "every-nth-pixel",
            "A token holds pixels a fixed step apart, not neighbours. Along a side the number of the patch is slow and "
            "the place inside it fast: (h p), not (p h).",
            _as("b c (p h) (q w) -> b (h w) (c p q)"),
            _as("b c (p h) (w q) -> b (h w) (c p q)"),
            _as("b c (h p) (q w) -> b (h w) (c p q)"),
        ),
        Misconception(
            "size-taken-for-count",
            "patch_size is taken for the number of patches along a side. It is the side of one patch, in pixels.",
            lambda images, patch_size: rearrange(
                images, "b c (h p) (w q) -> b (h w) (c p q)", h=patch_size, w=patch_size
            ),
        ),
        Misconception(
            "overlapping",
            "The patches overlap: there is one at every pixel. The next patch begins where the last one ended, so the "
            "stride is patch_size.",
            lambda images, patch_size: F.unfold(images, patch_size).mT,
            lambda images, patch_size: F.unfold(images, patch_size),
        ),
        Misconception(
            "not-flattened",
            "The patches are right, but not yet vectors. Flatten channel, row and column of each into one axis.",
            _as("b c (h p) (w q) -> b (h w) c p q"),
            _as("b c (h p) (w q) -> b (h w) c (p q)"),
            _as("b c (h p) (w q) -> b h w c p q"),
        ),
        Misconception(
            "patches-averaged",
            "Each patch has shrunk to one number per channel. A token keeps every pixel of its patch; the projection "
            "comes later.",
            lambda images, patch_size: F.avg_pool2d(images, patch_size).flatten(2).mT,
            lambda images, patch_size: F.max_pool2d(images, patch_size).flatten(2).mT,
            lambda images, patch_size: F.avg_pool2d(images, patch_size, divisor_override=1).flatten(2).mT,
        ),
        Misconception(
            "channels-merged",
            "Only one channel is left of the image. A patch holds all its channels, one after another.",
            lambda images, patch_size: _UPRIGHT(images.mean(1, keepdim=True), patch_size),
            lambda images, patch_size: _UPRIGHT(images[:, :1], patch_size),
            lambda images, patch_size: _UPRIGHT(images.sum(1, keepdim=True), patch_size),
        ),
        Misconception(
            "squares-only",
            "This cuts square images only: one side is used for both. Height and width each have their own number of "
            "patches.",
            _square_by_slices(-1),
            _square_by_slices(-2),
            _square_by_reshape(-1),
            _square_by_reshape(-2),
        ),
        Misconception(
            "last-patches-lost",
            "The last row and the last column of patches are missing. The last patch begins at side - patch_size, and "
            "range leaves its end out.",
            _last_lost,
        ),
        Misconception(
            "first-image-only",
            "Only the first image is cut. The batch stays the first axis of the result.",
            lambda images, patch_size: _UPRIGHT(images[:1], patch_size),
            lambda images, patch_size: _UPRIGHT(images[:1], patch_size)[0],
        ),
        Misconception(
            "sixteen-written-in",
            "The patch size 16 is written into the function. Use patch_size instead.",
            lambda images, patch_size: _UPRIGHT(images, 16),
        ),
        Misconception(
            "rescaled",
            "The pixels have been rescaled on the way. patchify only moves numbers: each must come out as it went in.",
            lambda images, patch_size: F.layer_norm(_UPRIGHT(images, patch_size), (images.shape[1] * patch_size**2,)),
            lambda images, patch_size: _UPRIGHT(images - images.mean(), patch_size),
            lambda images, patch_size: _UPRIGHT(2 * images - 1, patch_size),
            lambda images, patch_size: (
                _UPRIGHT(images, patch_size) - _UPRIGHT(images, patch_size).mean(-1, keepdim=True)
            ),
        ),
    ),
)
