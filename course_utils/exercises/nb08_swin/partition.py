"""A map cut into windows."""

from collections.abc import Callable
from itertools import permutations

import torch
from einops import rearrange
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.attention.window import partition
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.exercises.promises import refuses

Partition = Callable[[Tensor, int], Tensor]


def _cases(g: Generator) -> list[Arguments]:
    """Non-square maps, a square one, and windows of one position."""
    sizes = [((2, 4, 6, 3), 2), ((1, 6, 3, 2), 3), ((3, 8, 4, 5), 2), ((2, 4, 12, 2), 4), ((2, 6, 6, 2), 3)]
    return [(torch.randn(*shape, generator=g), window) for shape, window in [*sizes, ((1, 3, 2, 4), 1)]]


def _wild(g: Generator) -> list[Wild]:
    return [
        Wild(
            "whole-numbers",
            (torch.arange(96).view(1, 8, 12, 1), 4),
            "the map has integers",
            "The cell below partitions a map of indices to see which tokens a window has, so use operations that "
            "accept any dtype.",
        ),
        Wild(
            "double-precision",
            (torch.randn(1, 4, 6, 3, generator=g).double(), 2),
            "the map is in double precision",
            "The result has the dtype of the argument.",
        ),
        Wild(
            "transposed-memory",
            (torch.randn(2, 4, 3, 6, generator=g).mT, 2),
            "the map is a transposed view, in another memory order",
            "`reshape` copies where `view` cannot.",
        ),
    ]


def _cut(pattern: str) -> Partition:
    return lambda maps, window: rearrange(maps, pattern, i=window, j=window)


def _reshaped(maps: Tensor, window: int) -> Tensor:
    batch, height, width, dim = maps.shape
    return maps.reshape(batch, height * width // window**2, window**2, dim)


def _recut(pattern: str) -> Partition:
    """The numbers in another order, then split into pieces of window² positions."""
    return lambda maps, window: _reshaped(rearrange(maps, pattern, i=window, j=window)[:, None], window)


# Every order of the four axes after the split, except the right one and those with a message of their own.
_NAMED = ["yxij", "xyij", "xyji", "yxji", "yixj", "ijyx"]
_in_another_order = [
    _recut(f"b (y i) (x j) d -> b ({' '.join(order)}) d")
    for order in permutations("yixj")
    if "".join(order) not in _NAMED
]


def _split(sides: Callable[[int, int], tuple[int, int]]) -> Partition:
    """The split, the permutation and the merge, with other sides than the map's."""

    def wrong(maps: Tensor, window: int) -> Tensor:
        batch, _, _, dim = maps.shape
        height, width = sides(*maps.shape[1:3])
        cut = maps.reshape(batch, height // window, window, width // window, window, dim)
        return cut.transpose(2, 3).reshape(batch, -1, window**2, dim)

    return wrong


def _chunked(maps: Tensor, window: int) -> Tensor:
    rows = maps.chunk(window, dim=1)
    return torch.stack([piece.flatten(1, 2) for row in rows for piece in row.chunk(window, dim=2)], dim=1)


def _starting_at(step: Callable[[int], tuple[int, int]]) -> Partition:
    """A loop over the windows' rows and columns; each window begins at a multiple of them."""

    def wrong(maps: Tensor, window: int) -> Tensor:
        (down, right), windows = step(window), []
        for y in range(maps.shape[1] // window):
            for x in range(maps.shape[2] // window):
                windows.append(maps[:, y * down :, x * right :][:, :window, :window].flatten(1, 2))
        return torch.stack(windows, dim=1)

    return wrong


def _missing(kept: Callable[[int, int], tuple[int, int]]) -> Partition:
    """Some windows at the end are left out."""

    def wrong(maps: Tensor, window: int) -> Tensor:
        down, right = maps.shape[1] // window, maps.shape[2] // window
        grid = partition(maps, window).unflatten(1, (down, right))
        return grid[:, : kept(down, right)[0], : kept(down, right)[1]].flatten(1, 2)

    return wrong


def _square(maps: Tensor, window: int) -> Tensor:
    side = maps.shape[1] // window
    return rearrange(maps, "b (y i) (x j) d -> b (y x) (i j) d", y=side, x=side, i=window, j=window)


def _batch_mixed(maps: Tensor, window: int) -> Tensor:
    windows = rearrange(maps, "b (y i) (x j) d -> (y x b) (i j) d", i=window, j=window)
    return windows.reshape(len(maps), -1, window**2, maps.shape[-1])


def _sliding(step: Callable[[int], int]) -> Partition:
    def wrong(maps: Tensor, window: int) -> Tensor:
        cut = maps.unfold(1, window, step(window)).unfold(2, window, step(window))
        return rearrange(cut, "b y x d i j -> b (y x) (i j) d")

    return wrong


def _unfolded(maps: Tensor, window: int) -> Tensor:
    columns = F.unfold(maps.permute(0, 3, 1, 2), window, stride=window)
    return rearrange(columns, "b (n d) windows -> b windows n d", n=window**2)


PARTITION = Exercise(
    name="08.partition",
    title="A map cut into windows",
    points=2,
    reference=partition,
    learns=("maps",),
    cases=_cases,
    wild=_wild,
    promises=(
        refuses("a map of 6 × 8 is cut into windows of 4", torch.zeros(2, 6, 8, 3), 4),
        refuses("a map of 8 × 6 is cut into windows of 4", torch.zeros(2, 8, 6, 3), 4),
        refuses("a map of 6 × 10 is cut into windows of 4", torch.zeros(2, 6, 10, 3), 4),
        refuses("a map of 4 × 4 is cut into windows of 8", torch.zeros(2, 4, 4, 3), 8),
    ),
    hints=(
        "It is patchify of notebook 04, but for tokens: find the window and the position in it.",
        "Each side is a number of windows times `window` positions. Split `height` and `width` of `maps` like this: "
        "that makes six axes. Which two index the windows, and which two the positions in a window?",
        "In raster order the row varies slowly and the column fast, for windows and for positions. Bring the two "
        "window axes together, then the two position axes, and merge each pair.",
    ),
    misconceptions=(
        Misconception(
            "bare-reshape",
            "A bare reshape does not cut squares: it takes window² positions in raster order. Split height and width "
            "first, then bring the two window axes together.",
            _reshaped,
            _cut("b (y i) (x j) d -> b y i x j d"),
        ),
        Misconception(
            "grids-with-gaps",
            "The windows have gaps: neighbouring tokens are in different windows. If you split a side into two axes, "
            "the window comes first and the position in it second.",
            _cut("b (i y) (j x) d -> b (y x) (i j) d"),
            _cut("b (i y) (x j) d -> b (y x) (i j) d"),
            _cut("b (y i) (j x) d -> b (y x) (i j) d"),
            _cut("b (i y) (j x) d -> b (x y) (i j) d"),
        ),
        Misconception(
            "windows-down-the-columns",
            "The windows go column by column. They should be in raster order, row by row.",
            _cut("b (y i) (x j) d -> b (x y) (i j) d"),
        ),
        Misconception(
            "places-down-the-columns",
            "Inside each window, the positions go column by column. They should be in raster order, row by row.",
            _cut("b (y i) (x j) d -> b (y x) (j i) d"),
        ),
        Misconception(
            "all-down-the-columns",
            "Height and width are swapped: the windows, and the positions in each, go column by column. Axis 1 of "
            "the map is its height, axis 2 its width.",
            _cut("b (y i) (x j) d -> b (x y) (j i) d"),
        ),
        Misconception(
            "sides-exchanged-in-the-shape",
            "The map is split as if it were width × height. In `maps.shape` the height comes before the width.",
            _split(lambda height, width: (width, height)),
        ),
        Misconception(
            "windows-in-the-batch",
            "Images and windows are one axis. That is common, but here the batch is separate: (batch, windows, "
            "window², dim).",
            _cut("b (y i) (x j) d -> (b y x) (i j) d"),
            _cut("b (y i) (x j) d -> (y x b) (i j) d"),
        ),
        Misconception(
            "windows-before-pictures",
            "The windows come before the images: the batch should be axis 0, and the windows axis 1. If you use "
            "`torch.stack`, that is `dim=1`.",
            _cut("b (y i) (x j) d -> (y x) b (i j) d"),
            _cut("b (y i) (x j) d -> (x y) b (i j) d"),
        ),
        Misconception(
            "pictures-mixed",
            "Windows of different images are mixed: the first window of every image comes first, then the second of "
            "every image, and so on. Put the windows on a separate axis after the batch.",
            _batch_mixed,
        ),
        Misconception(
            "windows-and-places-exchanged",
            "Positions come before windows: the first position of every window, then the second of every window, and "
            "so on. Axis 1 should be the windows, axis 2 the positions in a window.",
            _cut("b (y i) (x j) d -> b (i j) (y x) d"),
            _recut("b (y i) (x j) d -> b (i j y x) d"),
        ),
        Misconception(
            "number-for-size",
            "The map is cut into window × window pieces of any size. Cut it into pieces *of* window × window "
            "positions.",
            _recut("b (i y) (j x) d -> b (i j y x) d"),
            _chunked,
        ),
        Misconception(
            "last-windows-missing",
            "The last row and the last column of windows are missing. If you use loops, check where they end.",
            _missing(lambda down, right: (down - 1, right - 1)),
        ),
        Misconception(
            "not-times-window",
            "The windows are only one position apart, in rows, in columns or in both, so they overlap. Multiply a "
            "window's row and column by `window` to find where it begins.",
            _starting_at(lambda window: (1, 1)),
            _starting_at(lambda window: (window, 1)),
            _starting_at(lambda window: (1, window)),
        ),
        Misconception(
            "one-window-only",
            "Only a single window is returned. If you use loops, collect all windows, and put the `return` after the "
            "loops, not inside.",
            lambda maps, window: partition(maps, window)[:, 0],
            lambda maps, window: partition(maps, window)[:, -1],
            lambda maps, window: partition(maps, window)[:, :1],
        ),
        Misconception(
            "not-stacked",
            "The windows are right, but they are a list. Stack them along a new axis with `torch.stack`.",
            lambda maps, window: list(partition(maps, window).unbind(1)),
        ),
        Misconception(
            "square-maps-only",
            "The same number of windows is used for rows and columns, which is right only for square maps. Height "
            "and width each need their own number.",
            _split(lambda height, width: (height, height)),
            _square,
            _split(lambda height, width: (width, width)),
        ),
        Misconception(
            "first-picture-only",
            "Only the first image of the batch is partitioned. Keep the whole batch axis.",
            lambda maps, window: partition(maps[:1], window),
            lambda maps, window: partition(maps[:1], window)[0],
        ),
        Misconception(
            "overlapping",
            "The windows overlap: each begins before the last one ends. The step from one window to the next is the "
            "window size.",
            _sliding(lambda window: max(window // 2, 1)),
            _sliding(lambda window: 1),
        ),
        Misconception(
            "features-and-places-mixed",
            "Positions and features are mixed in each window, as happens if you split the result of `F.unfold` in "
            "the wrong order: it lists all positions of the first feature, then all positions of the second.",
            _unfolded,
        ),
        Misconception(
            "axes-in-another-order",
            "The axes are merged in the wrong order. The window's row and column come first, then the row and column "
            "of the position in it.",
            _in_another_order[0],
            *tuple(_in_another_order[1:]),
        ),
    ),
)
