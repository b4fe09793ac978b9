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
    shapes = [((2, 3, 8, 12), 4), ((1, 1, 6, 6), 3), ((2, 3, 4, 4), 2), ((1, 4, 10, 5), 5), ((1, 1, 16, 32), 16)]
    return [(torch.rand(*shape, generator=g), patch_size) for shape, patch_size in shapes]


def _wild(g: Generator) -> list[Wild]:
    return [
        Wild(
            "transposed-memory",
            (torch.rand(2, 3, 8, 4, generator=g).mT, 2),
            "the images are stored column by column, as after a transpose",
            "`view` and `as_strided` depend on the memory order; `reshape` and `rearrange` do not.",
        ),
        Wild(
            "expanded-memory",
            (torch.rand(1, 3, 4, 6, generator=g).expand(3, -1, -1, -1), 2),
            "one image is repeated with `expand`, which does not copy",
            "`reshape` copies if necessary; `view` and `as_strided` do not.",
        ),
        Wild("patch-of-one-pixel", (torch.rand(2, 2, 3, 2, generator=g), 1), "a patch is a single pixel"),
    ]


def _as(pattern: str) -> Answer:
    """An einops pattern with one part in another order."""
    return lambda images, patch_size: rearrange(images, pattern, p=patch_size, q=patch_size)


_UPRIGHT = _as("b c (h p) (w q) -> b (h w) (c p q)")


def _one_after_another(images: Tensor, patch_size: int) -> Tensor:
    """Cut and reordered correctly, but flattened with the channels outside."""
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
    """Loops with one index for both row and column."""

    def wrong(images: Tensor, patch_size: int) -> Tensor:
        tops, lefts = (range(0, side, patch_size) for side in images.shape[-2:])
        places = [y if rows else x for y in tops for x in lefts]
        return torch.stack([images[:, :, i : i + patch_size, i : i + patch_size].flatten(1) for i in places], 1)

    return wrong


def _flattened_in(order: tuple[str, ...]) -> Answer:
    """Cut correctly, but reshaped with the axes in another order."""

    def wrong(images: Tensor, patch_size: int) -> Tensor:
        cut = rearrange(images, f"b c (h p) (w q) -> b {' '.join(order)}", p=patch_size, q=patch_size)
        return cut.reshape(len(images), -1, images.shape[1] * patch_size**2)

    return wrong


# These two orders, and the channels outside, have other names.
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
        "Split the axes first: height is (number of patches, rows inside a patch), and width likewise.",
        "That makes six axes: batch, channel, patch row, row inside, patch column, column inside. Join the two that "
        "count patches, and join the three inside a patch.",
        'As an einops pattern, the left side is `"b c (h p) (w q)"` with p and q the patch size. On the right, '
        "patches run row by row, (h w), and inside a patch the channel is slowest.",
    ),
    misconceptions=(
        Misconception(
            "down-the-columns",
            "The patches go column by column. Raster order goes row by row from the top left.",
            _as("b c (h p) (w q) -> b (w h) (c p q)"),
            *tuple(_as(f"b c (h p) (w q) -> b (w h) ({inside})") for inside in ("p q c", "c q p", "q p c", "p c q")),
        ),
        Misconception(
            "channel-last",
            "The patches are right, but the channel comes last inside each. Put it first, as in a convolution "
            "kernel, so that the projection can be a convolution with the same numbers.",
            _as("b c (h p) (w q) -> b (h w) (p q c)"),
            _as("b c (h p) (w q) -> b (h w) (q p c)"),
        ),
        Misconception(
            "channel-between",
            "The patches are right, but the channel comes between row and column inside each. The order is channel, "
            "row, column.",
            _as("b c (h p) (w q) -> b (h w) (p c q)"),
            _as("b c (h p) (w q) -> b (h w) (q c p)"),
        ),
        Misconception(
            "patch-on-its-side",
            "Each patch is transposed: its pixels go column by column. Inside a patch, they should also go row by "
            "row.",
            _as("b c (h p) (w q) -> b (h w) (c q p)"),
        ),
        Misconception(
            "bare-reshape",
            "The numbers are split in memory order, so a token has pixels from a few rows, not from a square. Split "
            "height and width into patches first, then bring the axes of one patch together.",
            lambda images, patch_size: images.reshape(images.shape[0], -1, images.shape[1] * patch_size**2),
            _within_channels,
            lambda images, patch_size: images.movedim(1, -1).reshape(
                len(images), -1, images.shape[1] * patch_size**2
            ),
        ),
        Misconception(
            "channels-outside",
            "The patches are cut correctly, but flattened with the channels outside, so a token has parts of several "
            "patches. Move the channels inside the patch before you flatten.",
            _one_after_another,
        ),
        Misconception(
            "reshaped-in-another-order",
            "The axes are in the wrong order before the reshape, so a token has parts of several patches. The two "
            "axes that count patches must come first, then the three inside a patch; F.unfold counts the patches "
            "along its last axis.",
            _flattened_in(_ORDERS[0]),
            *tuple(_flattened_in(order) for order in _ORDERS[1:]),
        ),
        Misconception(
            "one-index-for-both",
            "One index is used for both the row and the column, so you cut only patches on the diagonal. Use two "
            "indices.",
            _one_index(rows=True),
            _one_index(rows=False),
        ),
        Misconception(
            "three-channels-written-in",
            "Three channels are hard-coded. Read their number from the shape of the images.",
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
            "Every channel of a patch is a separate token, so there are too many tokens. A patch has all its "
            "channels.",
            _as("b c (h p) (w q) -> b (c h w) (p q)"),
            _as("b c (h p) (w q) -> b (h w c) (p q)"),
        ),
        Misconception(
            "every-nth-pixel",
            "A token has pixels a fixed step apart, not neighbours. Along a side, the patch index varies slowly and "
            "the position inside it fast: (h p), not (p h).",
            _as("b c (p h) (q w) -> b (h w) (c p q)"),
            _as("b c (p h) (w q) -> b (h w) (c p q)"),
            _as("b c (h p) (q w) -> b (h w) (c p q)"),
        ),
        Misconception(
            "size-taken-for-count",
            "patch_size is used as the number of patches per side. It is the side of one patch, in pixels.",
            lambda images, patch_size: rearrange(
                images, "b c (h p) (w q) -> b (h w) (c p q)", h=patch_size, w=patch_size
            ),
        ),
        Misconception(
            "overlapping",
            "The patches overlap: there is one at every pixel. A patch begins where the previous one ends, so the "
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
            "Each patch is reduced to one number per channel. A token has every pixel of its patch; the projection "
            "comes later.",
            lambda images, patch_size: F.avg_pool2d(images, patch_size).flatten(2).mT,
            lambda images, patch_size: F.max_pool2d(images, patch_size).flatten(2).mT,
            lambda images, patch_size: F.avg_pool2d(images, patch_size, divisor_override=1).flatten(2).mT,
        ),
        Misconception(
            "channels-merged",
            "Only one channel of the image is left. A patch has all its channels, one after another.",
            lambda images, patch_size: _UPRIGHT(images.mean(1, keepdim=True), patch_size),
            lambda images, patch_size: _UPRIGHT(images[:, :1], patch_size),
            lambda images, patch_size: _UPRIGHT(images.sum(1, keepdim=True), patch_size),
        ),
        Misconception(
            "squares-only",
            "This works only for square images: one side is used for both. Height and width each have their own "
            "number of patches.",
            _square_by_slices(-1),
            _square_by_slices(-2),
            _square_by_reshape(-1),
            _square_by_reshape(-2),
        ),
        Misconception(
            "last-patches-lost",
            "The last row and the last column of patches are missing. The last patch begins at side - patch_size, "
            "and range excludes its end.",
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
            "The patch size 16 is hard-coded. Use patch_size instead.",
            lambda images, patch_size: _UPRIGHT(images, 16),
        ),
        Misconception(
            "rescaled",
            "The pixels have been rescaled. patchify only moves numbers: do not change them.",
            lambda images, patch_size: F.layer_norm(_UPRIGHT(images, patch_size), (images.shape[1] * patch_size**2,)),
            lambda images, patch_size: _UPRIGHT(images - images.mean(), patch_size),
            lambda images, patch_size: _UPRIGHT(2 * images - 1, patch_size),
            lambda images, patch_size: (
                _UPRIGHT(images, patch_size) - _UPRIGHT(images, patch_size).mean(-1, keepdim=True)
            ),
        ),
    ),
)
