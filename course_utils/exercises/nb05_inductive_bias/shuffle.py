"""The same patches in another order."""

from collections.abc import Callable

import torch
from einops import rearrange
from torch import Generator, Tensor

from course_utils.analysis.probes import shuffle_patches
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild

Answer = Callable[[Tensor, int, Tensor], Tensor]


def _order(g: Generator, images: Tensor, patch_size: int) -> Tensor:
    return torch.randperm(images.shape[-2] * images.shape[-1] // patch_size**2, generator=g)


def _cases(g: Generator) -> list[Arguments]:
    shapes = [((2, 1, 8, 12), 4), ((1, 3, 6, 6), 2), ((2, 2, 9, 6), 3), ((3, 1, 8, 8), 2), ((1, 2, 6, 2), 1)]
    pictures = [(torch.rand(*shape, generator=g), patch_size) for shape, patch_size in shapes]
    return [(images, patch_size, _order(g, images, patch_size)) for images, patch_size in pictures]


def _wild(g: Generator) -> list[Wild]:
    on_its_side = torch.rand(2, 2, 6, 4, generator=g).mT
    repeated = torch.rand(1, 1, 4, 6, generator=g).expand(3, 2, -1, -1)
    return [
        Wild(
            "transposed-memory",
            (on_its_side, 2, _order(g, on_its_side, 2)),
            "the images are stored column by column, as after a transpose",
            "`view` and `as_strided` depend on the memory order; `reshape` and `rearrange` do not.",
        ),
        Wild(
            "expanded-memory",
            (repeated, 2, _order(g, repeated, 2)),
            "one image is repeated with `expand`, which does not copy",
            "`view` and `as_strided` depend on the memory order; `reshape` and `rearrange` do not.",
        ),
        Wild(
            "one-patch",
            (torch.rand(2, 1, 3, 3, generator=g), 3, torch.zeros(1, dtype=torch.int64)),
            "the image is a single patch",
            "Then it does not change.",
        ),
    ]


def _cut(images: Tensor, patch_size: int) -> Tensor:
    return rearrange(images, "b c (h p) (w q) -> b (h w) c p q", p=patch_size, q=patch_size)


def _joined(patches: Tensor, images: Tensor, patch_size: int) -> Tensor:
    return rearrange(patches, "b (h w) c p q -> b c (h p) (w q)", h=images.shape[-2] // patch_size)


def _slip(gather: Callable[[Tensor, Tensor], Tensor]) -> Answer:
    """The patches gathered in another way."""
    return lambda images, patch_size, order: _joined(gather(_cut(images, patch_size), order), images, patch_size)


def _by(change: Callable[[Tensor], Tensor]) -> Answer:
    """The right shuffle by another order."""
    return _slip(lambda patches, order: patches[:, change(order)])


def _as(cut: str, join: str) -> Answer:
    """Cut and laid out by other patterns."""

    def wrong(images: Tensor, patch_size: int, order: Tensor) -> Tensor:
        height, width = (side // patch_size for side in images.shape[-2:])
        patches = rearrange(images, cut, p=patch_size, q=patch_size)
        return rearrange(patches[:, order], join, h=height, w=width, p=patch_size, q=patch_size)

    return wrong


_CUT, _JOIN = "b c (h p) (w q) -> b (h w) c p q", "b (h w) c p q -> b c (h p) (w q)"


def _grid_on_its_side(images: Tensor, patch_size: int, order: Tensor) -> Tensor:
    columns = images.shape[-1] // patch_size
    return rearrange(_cut(images, patch_size)[:, order], _JOIN, h=columns).reshape(images.shape)


def _square_grid(images: Tensor, patch_size: int, order: Tensor) -> Tensor:
    side = int(len(order) ** 0.5)
    return rearrange(_cut(images, patch_size)[:, order], _JOIN, h=side, w=side)


def _cut_by_reshape(images: Tensor, patch_size: int, order: Tensor) -> Tensor:
    patches = images.reshape(*images.shape[:2], -1, patch_size, patch_size)
    return patches[:, :, order].reshape(images.shape)


def _across_the_batch(images: Tensor, patch_size: int, order: Tensor) -> Tensor:
    patches = rearrange(images, "b c (h p) (w q) -> (b h w) c p q", p=patch_size, q=patch_size)
    return patches[order].repeat(len(images), 1, 1, 1).reshape(images.shape)


def _first_of_all(images: Tensor, patch_size: int, order: Tensor) -> Tensor:
    patches = rearrange(images, "b c (h p) (w q) -> (b h w) c p q", p=patch_size, q=patch_size)[order]
    return _joined(patches[None].expand(len(images), -1, -1, -1, -1), images, patch_size)


def _overwritten(patches: Tensor, order: Tensor) -> Tensor:
    patches = patches.clone()
    for place, source in enumerate(order):
        patches[:, place] = patches[:, source]
    return patches


def _swapped(patches: Tensor, order: Tensor) -> Tensor:
    places = list(range(len(order)))
    for place, source in enumerate(order.tolist()):
        places[place], places[source] = places[source], places[place]
    return patches[:, places]


def _first_image_only(patches: Tensor, order: Tensor) -> Tensor:
    return torch.cat([patches[:1, order], patches[1:]])


SHUFFLE_PATCHES = Exercise(
    name="05.shuffle_patches",
    title="The same patches in another order",
    points=2,
    reference=shuffle_patches,
    learns=("images",),
    cases=_cases,
    wild=_wild,
    hints=(
        "Three steps: cut the image into patches, reorder the patches, and put them back together.",
        'With einops, patches as an axis of their own: `"b c (h p) (w q) -> b (h w) c p q"`. Then the order '
        "is an index on that axis.",
        "`patches[:, order]` puts patch `order[0]` at position 0, patch `order[1]` at position 1, and so on. For the "
        "way back, reverse the pattern and pass the number of rows, h.",
    ),
    misconceptions=(
        Misconception(
            "inverse",
            "This is the inverse permutation: patch i is at position order[i]. Patch order[i] belongs at position i.",
            _by(torch.argsort),
        ),
        Misconception(
            "order-backwards",
            "The order is reversed. Patch order[0] belongs at position 0.",
            _by(lambda order: order.flip(0)),
        ),
        Misconception(
            "shuffled-twice",
            "The patches are shuffled more than once by the same order. Once is enough.",
            _by(lambda order: order[order]),
            _by(lambda order: order[order[order]]),
        ),
        Misconception(
            "off-by-one",
            "You are off by one, in the index into order or in the index of the patch. Patch order[i] belongs at "
            "position i.",
            _by(lambda order: order.roll(1)),
            _by(lambda order: order.roll(-1)),
            _by(lambda order: (order + 1) % len(order)),
            _by(lambda order: (order - 1) % len(order)),
        ),
        Misconception(
            "unshuffled",
            "The images are unchanged. Use order as an index on the axis of patches.",
            lambda images, patch_size, order: images,
        ),
        Misconception(
            "own-order",
            "The patches are in an order other than `order`. Use the argument.",
            _by(lambda order: torch.randperm(len(order))),
            _by(lambda order: torch.randperm(len(order), generator=torch.Generator().manual_seed(0))),
            _by(lambda order: torch.arange(len(order)).flip(0)),
        ),
        Misconception(
            "columns-when-cut",
            "The patches are numbered column by column when you cut them, and row by row when you put them back. "
            "Raster order is row by row, both times.",
            _as("b c (h p) (w q) -> b (w h) c p q", _JOIN),
        ),
        Misconception(
            "columns-when-laid-out",
            "The patches are numbered row by row when you cut them, and column by column when you put them back. "
            "Raster order is row by row, both times.",
            _as(_CUT, "b (w h) c p q -> b c (h p) (w q)"),
        ),
        Misconception(
            "down-the-columns",
            "The patches are numbered column by column. Raster order is row by row.",
            _as("b c (h p) (w q) -> b (w h) c p q", "b (w h) c p q -> b c (h p) (w q)"),
        ),
        Misconception(
            "every-nth-pixel",
            "Your patches are pixels a fixed step apart, not squares. Along a side, the patch index varies slowly "
            "and the position inside it fast: (h p), not (p h).",
            _as("b c (p h) (q w) -> b (h w) c p q", "b (h w) c p q -> b c (p h) (q w)"),
            _as("b c (p h) (q w) -> b (h w) c p q", _JOIN),
            _as(_CUT, "b (h w) c p q -> b c (p h) (q w)"),
        ),
        Misconception(
            "laid-out-by-reshape",
            "The patches are put back with a bare reshape, which places their pixels along the rows. Reverse your "
            "steps: reorder the axes first.",
            lambda images, patch_size, order: _cut(images, patch_size)[:, order].reshape(images.shape),
            lambda images, patch_size, order: (
                _cut(images, patch_size)[:, order].transpose(1, 2).reshape(images.shape)
            ),
        ),
        Misconception(
            "cut-by-reshape",
            "The image is cut with a bare reshape: your patches are pixels from a few rows, not squares. Split "
            "height and width first.",
            _cut_by_reshape,
            lambda images, patch_size, order: _joined(
                images.reshape(len(images), -1, images.shape[1], patch_size, patch_size)[:, order], images, patch_size
            ),
        ),
        Misconception(
            "pixels-moved-too",
            "The patches are in the right positions, but the pixels inside them are reordered too. Keep their order.",
            _slip(lambda patches, order: patches[:, order].mT),
            _slip(lambda patches, order: patches[:, order].flip(-1)),
            _slip(lambda patches, order: patches[:, order].flip(-2)),
            _slip(lambda patches, order: patches[:, order].flip(-1, -2)),
            _slip(lambda patches, order: patches[:, order].flip(2)),
            _slip(lambda patches, order: patches[:, order].flip(2, 3, 4)),
            _slip(lambda patches, order: patches[:, order].rot90(1, (-2, -1))),
            _slip(lambda patches, order: patches[:, order].rot90(-1, (-2, -1))),
            _as("b c (h p) (w q) -> b (h w) (p q c)", "b (h w) (c p q) -> b c (h p) (w q)"),
        ),
        Misconception(
            "not-laid-out",
            "The patches are in the right order, but they are still a sequence. Put them back together as an image.",
            lambda images, patch_size, order: _cut(images, patch_size)[:, order],
            lambda images, patch_size, order: _cut(images, patch_size)[:, order].flatten(2),
        ),
        Misconception(
            "an-order-each",
            "Every image of the batch has a different order. Use the same permutation for all images: only then can "
            "a model learn it.",
            lambda images, patch_size, order: torch.cat(
                [shuffle_patches(one[None], patch_size, order.roll(index)) for index, one in enumerate(images)]
            ),
            _slip(lambda patches, order: torch.stack([one[torch.randperm(len(order))] for one in patches])),
            _slip(lambda patches, order: torch.stack([one[order[torch.randperm(len(order))]] for one in patches])),
        ),
        Misconception(
            "first-picture-only",
            "Only the first image of the batch is shuffled. Use the same order for all of them.",
            _slip(_first_image_only),
            lambda images, patch_size, order: shuffle_patches(images[:1], patch_size, order),
        ),
        Misconception(
            "first-channel-only",
            "Only the first channel is shuffled. All channels of a patch move together.",
            _slip(lambda patches, order: torch.cat([patches[:, order, :1], patches[:, :, 1:]], 2)),
        ),
        Misconception(
            "patches-averaged",
            "Each patch is replaced by its mean. Keep its pixels.",
            _slip(lambda patches, order: patches[:, order].mean((-2, -1), keepdim=True).expand_as(patches)),
        ),
        Misconception(
            "across-the-batch",
            "The order is applied to the patches of the whole batch in one sequence. Keep the batch as a separate "
            "axis.",
            _across_the_batch,
            _first_of_all,
        ),
        Misconception(
            "overwritten",
            "Patches are overwritten before they are read, so some appear twice and others are lost. Write into a "
            "new tensor.",
            _slip(_overwritten),
        ),
        Misconception(
            "swapped-in-turn",
            "Patches are swapped in pairs, so later swaps move patches that were already in position. Read every "
            "patch from the original image.",
            _slip(_swapped),
        ),
        Misconception(
            "grid-on-its-side",
            "The grid of patches has its rows and columns swapped. It has height // patch_size rows.",
            _grid_on_its_side,
            lambda images, patch_size, order: rearrange(
                _cut(images, patch_size)[:, order], _JOIN, h=images.shape[-1] // patch_size
            ),
        ),
        Misconception(
            "squares-only",
            "The patches are put into a square grid. Images need not be square: the grid has height // patch_size "
            "rows.",
            _square_grid,
        ),
    ),
)
