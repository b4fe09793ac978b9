"""Windows back into a map."""

import math
from collections.abc import Callable
from itertools import permutations

import torch
from einops import rearrange
from torch import Generator, Tensor

from course_utils.attention.window import partition, unpartition
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild

Unpartition = Callable[[Tensor, int, int, int], Tensor]


def _cases(g: Generator) -> list[Arguments]:
    """Non-square maps, two of which have equal windows, a square one, and windows of one position."""
    sizes = [((2, 4, 6, 3), 2), ((1, 6, 3, 2), 3), ((3, 8, 4, 5), 2), ((2, 4, 12, 2), 4), ((2, 6, 6, 2), 3)]
    sizes += [((1, 3, 2, 4), 1), ((2, 6, 4, 3), 2)]
    return [(partition(torch.randn(*shape, generator=g), window), window, *shape[1:3]) for shape, window in sizes]


def _wild(g: Generator) -> list[Wild]:
    return [
        Wild(
            "whole-numbers",
            (partition(torch.arange(48).view(1, 4, 12, 1), 2), 2, 4, 12),
            "the windows have integers",
            "`partition` accepts any dtype, and so must its inverse: return the same dtype.",
        ),
        Wild(
            "double-precision",
            (partition(torch.randn(1, 4, 6, 3, generator=g).double(), 2), 2, 4, 6),
            "the windows are in double precision",
            "The result has the dtype of the argument.",
        ),
        Wild(
            "transposed-memory",
            (torch.randn(2, 6, 3, 4, generator=g).mT, 2, 4, 6),
            "the windows are a transposed view, in another memory order",
            "`reshape` copies where `view` cannot.",
        ),
    ]


def _joined(pattern: str, exchanged: bool = False) -> Unpartition:
    """Put together with another pattern, or with the numbers of windows swapped."""

    def wrong(windows: Tensor, window: int, height: int, width: int) -> Tensor:
        down, across = height // window, width // window
        down, across = (across, down) if exchanged else (down, across)
        return rearrange(windows, pattern, y=down, x=across, i=window, j=window)

    return wrong


def _into_the_map(join: Unpartition) -> Unpartition:
    """The result reshaped to the map, whatever its sides are."""
    return lambda windows, window, height, width: join(windows, window, height, width).reshape(
        len(windows), height, width, -1
    )


def _reshaped(windows: Tensor, window: int, height: int, width: int) -> Tensor:
    return windows.reshape(windows.shape[0], height, width, windows.shape[-1])


def _across_is(across: Callable[[Tensor, int, int, int], int]) -> Unpartition:
    """Another number of windows per row."""
    return lambda windows, window, height, width: rearrange(
        windows, "b (y x) (i j) d -> b (y i) (x j) d", x=across(windows, window, height, width), i=window, j=window
    )


def _picked(across: Callable[[int, int, int], int]) -> Unpartition:
    """Each position of the map looks up its window and its position in it; with another number of windows per row."""

    def wrong(windows: Tensor, window: int, height: int, width: int) -> Tensor:
        row, column = torch.arange(height)[:, None], torch.arange(width)
        number = row // window * across(window, height, width) + column // window
        return windows[:, number, row % window * window + column % window]

    return wrong


def _pasted(
    numbers: Callable[[range], range],
    across: Callable[[int, int, int], int],
    steps: Callable[[int], tuple[int, int]] = lambda window: (window, window),
    always: int | None = None,
) -> Unpartition:
    """A loop that copies the windows into a map of zeros; some are forgotten, fall outside, or are all the same."""

    def wrong(windows: Tensor, window: int, height: int, width: int) -> Tensor:
        maps = windows.new_zeros(windows.shape[0], height, width, windows.shape[-1])
        for number in numbers(range(windows.shape[1])):
            down, right = divmod(number, across(window, height, width))
            if (down + 1) * window <= height and (right + 1) * window <= width:
                square = windows[:, number if always is None else always].unflatten(1, (window, window))
                top, left = down * steps(window)[0], right * steps(window)[1]
                maps[:, top : top + window, left : left + window] = square
        return maps

    return wrong


# Every order of the four axes after the split, except the right one and those with a message of their own.
_NAMED = ["yixj", "xjyi", "yxij", "iyjx", "iyxj", "yijx", "yjxi"]
_in_another_order = [
    _into_the_map(_joined(f"b (y x) (i j) d -> b {' '.join(order)} d"))
    for order in permutations("yxij")
    if "".join(order) not in _NAMED
]


def _places_first(windows: Tensor, window: int, height: int, width: int) -> Tensor:
    grid = windows.reshape(len(windows), window, window, height // window, width // window, -1)
    return rearrange(grid, "b i j y x d -> b (y i) (x j) d")


def _cut_again(windows: Tensor, window: int, height: int, width: int) -> Tensor:
    maps = _reshaped(windows, window, height, width)
    return partition(maps, window).reshape(maps.shape)


def _side_by_side(window: int, height: int, width: int) -> int:
    return width // window


UNPARTITION = Exercise(
    name="08.unpartition",
    title="Windows back into a map",
    points=2,
    reference=unpartition,
    learns=("windows",),
    cases=_cases,
    wild=_wild,
    hints=(
        "Reverse the steps of `partition`: merge the axes that it splits.",
        "How many windows are there per row, and how many per column? Compute this from `height`, `width` and "
        "`window`. Split the window axis like this, and the position axis too.",
        "A row of the map consists of the windows' row and the row in the window; a column likewise. Bring these "
        "pairs of axes together, then merge each pair.",
    ),
    misconceptions=(
        Misconception(
            "bare-reshape",
            "A bare reshape puts the windows one after the other along the rows of the map. Reorder the axes first.",
            _reshaped,
        ),
        Misconception(
            "windows-down-the-columns",
            "The windows are placed column by column. They are in raster order: row by row.",
            _joined("b (x y) (i j) d -> b (y i) (x j) d"),
        ),
        Misconception(
            "places-down-the-columns",
            "Every window is transposed: the rows and columns inside it are swapped.",
            _joined("b (y x) (j i) d -> b (y i) (x j) d"),
        ),
        Misconception(
            "scattered",
            "The positions of a window are scattered over the whole map. Along each side of the map, the window "
            "comes first and the position in it second.",
            _joined("b (y x) (i j) d -> b (i y) (j x) d"),
        ),
        Misconception(
            "rows-scattered",
            "The rows of a window are scattered over the height of the map. Along the height, the window comes first "
            "and the row in it second.",
            _joined("b (y x) (i j) d -> b (i y) (x j) d"),
        ),
        Misconception(
            "columns-scattered",
            "The columns of a window are scattered over the width of the map. Along the width, the window comes "
            "first and the column in it second.",
            _joined("b (y x) (i j) d -> b (y i) (j x) d"),
        ),
        Misconception(
            "map-transposed",
            "The map is transposed: its rows and columns are swapped. Height is axis 1, width axis 2.",
            _joined("b (y x) (i j) d -> b (x j) (y i) d"),
        ),
        Misconception(
            "transposed-and-reshaped",
            "The map is put together transposed and then reshaped to height × width. The row axes must come before "
            "the column axes.",
            _into_the_map(_joined("b (y x) (i j) d -> b (x j) (y i) d")),
        ),
        Misconception(
            "height-and-width-exchanged",
            "Height and width are swapped: you use width // window windows per column and height // window per row. "
            "It should be the other way round.",
            _joined("b (y x) (i j) d -> b (y i) (x j) d", exchanged=True),
            _into_the_map(_joined("b (y x) (i j) d -> b (y i) (x j) d", exchanged=True)),
            _joined("b (x y) (i j) d -> b (y i) (x j) d", exchanged=True),
        ),
        Misconception(
            "square-maps-only",
            "The number of windows per row is computed from their total number, which is right only for square maps: "
            "use the width.",
            _across_is(lambda windows, window, height, width: windows.shape[1] // math.isqrt(windows.shape[1])),
            _across_is(lambda windows, window, height, width: math.isqrt(windows.shape[1])),
        ),
        Misconception(
            "height-for-width",
            "A window's row and column are computed with height // window windows per row. The number per row "
            "depends on the width.",
            _picked(lambda window, height, width: height // window),
            _pasted(lambda all_: all_, lambda window, height, width: height // window),
        ),
        Misconception(
            "one-long-row",
            "All windows are in one row or in one column. Begin a new row after width // window windows.",
            _joined("b (y x) (i j) d -> b i (y x j) d"),
            _joined("b (y x) (i j) d -> b (y x i) j d"),
        ),
        Misconception(
            "two-side-by-side",
            "You use two windows per row for any width. Compute their number from the width.",
            _across_is(lambda windows, window, height, width: 2),
        ),
        Misconception(
            "last-window-missing",
            "The last window is not put back: its position has zeros. If you use a loop, check where it ends.",
            _pasted(lambda all_: all_[:-1], _side_by_side),
        ),
        Misconception(
            "first-window-missing",
            "The first window is not put back: its position has zeros. Windows are counted from 0.",
            _pasted(lambda all_: all_[1:], _side_by_side),
        ),
        Misconception(
            "first-window-only",
            "Only the first window is put back. If you use a loop, put the `return` after it, not inside.",
            _pasted(lambda all_: all_[:1], _side_by_side),
        ),
        Misconception(
            "same-window-everywhere",
            "The same window is put back everywhere. Each position in the map has its own window: check how you "
            "choose it.",
            _pasted(lambda all_: all_, _side_by_side, always=0),
            _pasted(lambda all_: all_, _side_by_side, always=-1),
        ),
        Misconception(
            "not-times-window",
            "Windows are put back only one position apart, in rows, in columns or in both, so they overwrite each "
            "other. Multiply a window's row and column by `window` to find where it belongs.",
            _pasted(lambda all_: all_, _side_by_side, lambda window: (1, 1)),
            _pasted(lambda all_: all_, _side_by_side, lambda window: (window, 1)),
            _pasted(lambda all_: all_, _side_by_side, lambda window: (1, window)),
        ),
        Misconception(
            "partitioned-again",
            "This partitions again instead of putting the windows together. Use the inverse order of the axes.",
            _cut_again,
        ),
        Misconception(
            "places-taken-for-windows",
            "The axes are split as if positions came before windows. `partition` returns windows first, then "
            "positions in them.",
            _places_first,
        ),
        Misconception(
            "first-picture-only",
            "Only the first image of the batch is put together. Keep the whole batch axis.",
            lambda windows, window, height, width: unpartition(windows[:1], window, height, width),
            lambda windows, window, height, width: unpartition(windows, window, height, width)[0],
        ),
        Misconception(
            "axes-in-another-order",
            "The axes are merged in the wrong order. A row of the map is a row of windows and, in it, a row of "
            "positions; a column likewise.",
            _in_another_order[0],
            *tuple(_in_another_order[1:]),
        ),
    ),
)
