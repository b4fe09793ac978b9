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
    """Oblong maps, one that is square, and windows of one place."""
    sizes = [((2, 4, 6, 3), 2), ((1, 6, 3, 2), 3), ((3, 8, 4, 5), 2), ((2, 4, 12, 2), 4), ((2, 6, 6, 2), 3)]
    return [(torch.randn(*shape, generator=g), window) for shape, window in [*sizes, ((1, 3, 2, 4), 1)]]


def _wild(g: Generator) -> list[Wild]:
    return [
        Wild(
            "whole-numbers",
            (torch.arange(96).view(1, 8, 12, 1), 4),
            "the map holds whole numbers",
            "The cell below cuts a map of numbers to see which tokens a window holds, so use steps that take any dtype.",
        ),
        Wild(
            "double-precision",
            (torch.randn(1, 4, 6, 3, generator=g).double(), 2),
            "the map is in double precision",
            "What comes out has the dtype of what goes in.",
        ),
        Wild(
            "transposed-memory",
            (torch.randn(2, 4, 3, 6, generator=g).mT, 2),
            "the map is a transposed view, whose numbers lie in another order in memory",
            "`reshape` copies where `view` cannot.",
        ),
    ]


def _cut(pattern: str) -> Partition:
    return lambda maps, window: rearrange(maps, pattern, i=window, j=window)


def _reshaped(maps: Tensor, window: int) -> Tensor:
    batch, height, width, dim = maps.shape
    return maps.reshape(batch, height * width // window**2, window**2, dim)


def _recut(pattern: str) -> Partition:
    """The numbers in another order, then cut into pieces of window² places."""
    return lambda maps, window: _reshaped(rearrange(maps, pattern, i=window, j=window)[:, None], window)


# After the split every order of the four axes but the right one and those that have a message of their own.
_NAMED = ["yxij", "xyij", "xyji", "yxji", "yixj", "ijyx"]
_in_another_order = [
    _recut(f"b (y i) (x j) d -> b ({' '.join(order)}) d")
    for order in permutations("yixj")
    if "".join(order) not in _NAMED
]


def _split(sides: Callable[[int, int], tuple[int, int]]) -> Partition:
    """The split, the exchange and the merge, with other sides than the map's."""

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
    """A loop over the windows' rows and columns, each window beginning so many times them."""

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
        "It is patchify of notebook 04, but for tokens: which window, and which place in it?",
        "Each side is a number of windows times `window` places. Split `height` and `width` of `maps` so: that makes six "
        "axes. Which two number the windows, and which two the places within one?",
        "In reading order the row changes slowly and the column fast, for windows and for places alike. Bring the two "
        "window axes together, then the two place axes, and merge each pair.",
    ),
    misconceptions=(
        Misconception(
            "bare-reshape",
            "A reshape alone does not cut squares: it takes window² places in the map's own reading order. Split height "
            "and width first, then bring the two axes of the windows together.",
            _reshaped,
            _cut("b (y i) (x j) d -> b y i x j d"),
        ),
        Misconception(
            "grids-with-gaps",
            "The windows have gaps: tokens that are neighbours land in different windows. When a side is split into two "
            "axes, the number of the window comes first and the place within it second.",
            _cut("b (i y) (j x) d -> b (y x) (i j) d"),
            _cut("b (i y) (x j) d -> b (y x) (i j) d"),
            _cut("b (y i) (j x) d -> b (y x) (i j) d"),
            _cut("b (i y) (j x) d -> b (x y) (i j) d"),
        ),
        Misconception(
            "windows-down-the-columns",
            "The windows are numbered down the columns. They should come in reading order, row by row.",
            _cut("b (y i) (x j) d -> b (x y) (i j) d"),
        ),
        Misconception(
            "places-down-the-columns",
            "Inside each window the places run down the columns. They should come in reading order, row by row.",
            _cut("b (y i) (x j) d -> b (y x) (j i) d"),
        ),
        Misconception(
            "all-down-the-columns",
            "Height and width are swapped: the windows, and the places in each, run down the columns. Axis 1 of the map is "
            "its height, axis 2 its width.",
            _cut("b (y i) (x j) d -> b (x y) (j i) d"),
        ),
        Misconception(
            "sides-exchanged-in-the-shape",
            "The map is split as if it were width × height. In `maps.shape` the height comes before the width.",
            _split(lambda height, width: (width, height)),
        ),
        Misconception(
            "windows-in-the-batch",
            "Pictures and windows have become one axis. That is often done, but here the batch stays apart: (batch, "
            "windows, window², dim).",
            _cut("b (y i) (x j) d -> (b y x) (i j) d"),
            _cut("b (y i) (x j) d -> (y x b) (i j) d"),
        ),
        Misconception(
            "windows-before-pictures",
            "The windows come before the pictures: the batch should be axis 0, and the windows axis 1. If you use "
            "`torch.stack`, that is `dim=1`.",
            _cut("b (y i) (x j) d -> (y x) b (i j) d"),
            _cut("b (y i) (x j) d -> (x y) b (i j) d"),
        ),
        Misconception(
            "pictures-mixed",
            "Windows of different pictures are mixed: the first window of every picture comes first, then the second of "
            "every picture, and so on. Put the windows on an axis of their own, after the batch.",
            _batch_mixed,
        ),
        Misconception(
            "windows-and-places-exchanged",
            "Places come before windows: the first place of every window, then the second of every window, and so on. "
            "Axis 1 should number the windows, axis 2 the places in one.",
            _cut("b (y i) (x j) d -> b (i j) (y x) d"),
            _recut("b (y i) (x j) d -> b (i j y x) d"),
        ),
        Misconception(
            "number-for-size",
            "The map is cut into window × window pieces, however large they become. It should be cut into pieces *of* "
            "window × window places, however many there are.",
            _recut("b (i y) (j x) d -> b (i j y x) d"),
            _chunked,
        ),
        Misconception(
            "last-windows-missing",
            "The last row and the last column of windows are missing. If you use loops, look at where they end.",
            _missing(lambda down, right: (down - 1, right - 1)),
        ),
        Misconception(
            "not-times-window",
            "The windows begin only one place apart, in rows, in columns or in both, so that they overlap. Multiply a "
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
            "The windows are right, but they come as a list. `torch.stack` puts them along an axis of their own.",
            lambda maps, window: list(partition(maps, window).unbind(1)),
        ),
        Misconception(
            "square-maps-only",
            "As many windows are taken to lie side by side as one above the other, which is right for square maps only. "
            "Height and width each need a number of their own.",
            _split(lambda height, width: (height, height)),
            _square,
            _split(lambda height, width: (width, width)),
        ),
        Misconception(
            "first-picture-only",
            "Only the first picture of the batch is cut. Keep the batch axis whole.",
            lambda maps, window: partition(maps[:1], window),
            lambda maps, window: partition(maps[:1], window)[0],
        ),
        Misconception(
            "overlapping",
            "The windows overlap: the next one begins before the last one ends. The step from one window to the next is "
            "the whole window.",
            _sliding(lambda window: max(window // 2, 1)),
            _sliding(lambda window: 1),
        ),
        Misconception(
            "features-and-places-mixed",
            "Numbers of different places and features are mixed in each window, as when the result of `F.unfold` is split "
            "in the wrong order: it lists all places of the first feature, then all places of the second.",
            _unfolded,
        ),
        Misconception(
            "axes-in-another-order",
            "The axes are brought together in the wrong order. First come the window's row and column, then the row and "
            "column of the place within it.",
            _in_another_order[0],
            *tuple(_in_another_order[1:]),
        ),
    ),
)
