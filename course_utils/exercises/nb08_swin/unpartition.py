"""Windows put together again."""

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
    """Oblong maps, one that is square, and windows of one place."""
    sizes = [((2, 4, 6, 3), 2), ((1, 6, 3, 2), 3), ((3, 8, 4, 5), 2), ((2, 4, 12, 2), 4), ((2, 6, 6, 2), 3)]
    sizes.append(((1, 3, 2, 4), 1))
    return [(partition(torch.randn(*shape, generator=g), window), window, *shape[1:3]) for shape, window in sizes]


def _wild(g: Generator) -> list[Wild]:
    return [
        Wild(
            "whole-numbers",
            (partition(torch.arange(48).view(1, 4, 12, 1), 2), 2, 4, 12),
            "the windows hold whole numbers",
            "`partition` cuts maps of any dtype, and what comes out should have the dtype of what goes in.",
        ),
        Wild(
            "double-precision",
            (partition(torch.randn(1, 4, 6, 3, generator=g).double(), 2), 2, 4, 6),
            "the windows are in double precision",
            "What comes out has the dtype of what goes in.",
        ),
        Wild(
            "transposed-memory",
            (torch.randn(2, 6, 3, 4, generator=g).mT, 2, 4, 6),
            "the windows are a transposed view, whose numbers lie in another order in memory",
            "`reshape` copies where `view` cannot.",
        ),
    ]


def _joined(pattern: str, exchanged: bool = False) -> Unpartition:
    """Put together by another pattern, or with the numbers of windows exchanged."""

    def wrong(windows: Tensor, window: int, height: int, width: int) -> Tensor:
        down, across = height // window, width // window
        down, across = (across, down) if exchanged else (down, across)
        return rearrange(windows, pattern, y=down, x=across, i=window, j=window)

    return wrong


def _into_the_map(join: Unpartition) -> Unpartition:
    """Whatever sides come out, the numbers are laid into the map as they come."""
    return lambda windows, window, height, width: join(windows, window, height, width).reshape(
        len(windows), height, width, -1
    )


def _reshaped(windows: Tensor, window: int, height: int, width: int) -> Tensor:
    return windows.reshape(windows.shape[0], height, width, windows.shape[-1])


def _across_is(across: Callable[[Tensor, int, int, int], int]) -> Unpartition:
    """With another number of windows side by side."""
    return lambda windows, window, height, width: rearrange(
        windows, "b (y x) (i j) d -> b (y i) (x j) d", x=across(windows, window, height, width), i=window, j=window
    )


def _picked(across: Callable[[int, int, int], int]) -> Unpartition:
    """Each place of the map looks up its window and its place there; with another number of windows side by side."""

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
    """A loop over the windows, each pasted into a map of zeros; some are forgotten, fall outside, or are all the same."""

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


# After the split every order of the four axes but the right one and those that have a message of their own.
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
    title="Windows put together again",
    points=2,
    reference=unpartition,
    learns=("windows",),
    cases=_cases,
    wild=_wild,
    hints=(
        "Reverse the arrow of `partition`: everything that was taken apart comes together.",
        "How many windows lie side by side, and how many one above the other? Only `height`, `width` and `window` "
        "together tell. Split the axis of the windows so, and the axis of their places too.",
        "A row of the map is made of the windows' row and the row within the window; a column likewise. Bring these "
        "pairs of axes together, then merge each pair.",
    ),
    misconceptions=(
        Misconception(
            "bare-reshape",
            "A reshape alone lays the windows out one after the other along the rows of the map. The axes must be put in "
            "another order first.",
            _reshaped,
        ),
        Misconception(
            "windows-down-the-columns",
            "The windows are placed down the columns first. Their order is that of reading: row by row.",
            _joined("b (x y) (i j) d -> b (y i) (x j) d"),
        ),
        Misconception(
            "places-down-the-columns",
            "Every window comes back mirrored across its diagonal: the rows and columns inside it are swapped.",
            _joined("b (y x) (j i) d -> b (y i) (x j) d"),
        ),
        Misconception(
            "scattered",
            "The places of a window are scattered over the whole map. Along each side of the map the number of the "
            "window comes first, the place within it second.",
            _joined("b (y x) (i j) d -> b (i y) (j x) d"),
        ),
        Misconception(
            "rows-scattered",
            "The rows of a window are scattered over the height of the map. Along the height the number of the window "
            "comes first, the row within it second.",
            _joined("b (y x) (i j) d -> b (i y) (x j) d"),
        ),
        Misconception(
            "columns-scattered",
            "The columns of a window are scattered over the width of the map. Along the width the number of the window "
            "comes first, the column within it second.",
            _joined("b (y x) (i j) d -> b (y i) (j x) d"),
        ),
        Misconception(
            "map-transposed",
            "The map comes back transposed: its columns stand where its rows should. Height is axis 1, width axis 2.",
            _joined("b (y x) (i j) d -> b (x j) (y i) d"),
        ),
        Misconception(
            "transposed-and-reshaped",
            "The map is put together transposed, and its numbers are then laid row by row into one of height × width. "
            "Bring the axes of the rows before those of the columns.",
            _into_the_map(_joined("b (y x) (i j) d -> b (x j) (y i) d")),
        ),
        Misconception(
            "height-and-width-exchanged",
            "Height and width are swapped: width // window windows lie one above the other, and height // window side "
            "by side. It should be the other way round.",
            _joined("b (y x) (i j) d -> b (y i) (x j) d", exchanged=True),
            _into_the_map(_joined("b (y x) (i j) d -> b (y i) (x j) d", exchanged=True)),
            _joined("b (x y) (i j) d -> b (y i) (x j) d", exchanged=True),
        ),
        Misconception(
            "square-maps-only",
            "The number of windows side by side is guessed from how many there are. That is right for square maps only: "
            "use the width.",
            _across_is(lambda windows, window, height, width: windows.shape[1] // math.isqrt(windows.shape[1])),
            _across_is(lambda windows, window, height, width: math.isqrt(windows.shape[1])),
        ),
        Misconception(
            "height-for-width",
            "A window's row and column are worked out as if height // window windows lay side by side. How many do "
            "depends on the width.",
            _picked(lambda window, height, width: height // window),
            _pasted(lambda all_: all_, lambda window, height, width: height // window),
        ),
        Misconception(
            "one-long-row",
            "All windows stand in one row, or in one column. A new row should begin after as many as fit into the width.",
            _joined("b (y x) (i j) d -> b i (y x j) d"),
            _joined("b (y x) (i j) d -> b (y x i) j d"),
        ),
        Misconception(
            "two-side-by-side",
            "Two windows lie side by side here, whatever the width is. It is the width that decides how many.",
            _across_is(lambda windows, window, height, width: 2),
        ),
        Misconception(
            "last-window-missing",
            "The last window is not put back: zeros stand in its place. If you use a loop, look at where it ends.",
            _pasted(lambda all_: all_[:-1], _side_by_side),
        ),
        Misconception(
            "first-window-missing",
            "The first window is not put back: zeros stand in its place. Windows are counted from 0.",
            _pasted(lambda all_: all_[1:], _side_by_side),
        ),
        Misconception(
            "first-window-only",
            "Only the first window is put back. If you use a loop, look at where your `return` stands: it belongs after "
            "the loop, not inside.",
            _pasted(lambda all_: all_[:1], _side_by_side),
        ),
        Misconception(
            "same-window-everywhere",
            "The same window is put back everywhere. Each place in the map has a window of its own: look at how you choose "
            "it.",
            _pasted(lambda all_: all_, _side_by_side, always=0),
            _pasted(lambda all_: all_, _side_by_side, always=-1),
        ),
        Misconception(
            "not-times-window",
            "Windows are put back only one place apart, in rows, in columns or in both, so that they overwrite each other. "
            "Multiply a window's row and column by `window` to find where it belongs.",
            _pasted(lambda all_: all_, _side_by_side, lambda window: (1, 1)),
            _pasted(lambda all_: all_, _side_by_side, lambda window: (window, 1)),
            _pasted(lambda all_: all_, _side_by_side, lambda window: (1, window)),
        ),
        Misconception(
            "partitioned-again",
            "This cuts into windows once more instead of putting them together. To bring every number back to where it "
            "came from takes the inverse order.",
            _cut_again,
        ),
        Misconception(
            "places-taken-for-windows",
            "The numbers are read as if places came before windows. They lie as `partition` left them: first which window, "
            "then which place in it.",
            _places_first,
        ),
        Misconception(
            "first-picture-only",
            "Only the first picture of the batch is put together. Keep the batch axis whole.",
            lambda windows, window, height, width: unpartition(windows[:1], window, height, width),
            lambda windows, window, height, width: unpartition(windows, window, height, width)[0],
        ),
        Misconception(
            "axes-in-another-order",
            "The axes are brought together in the wrong order. A row of the map is a row of windows and, in it, a row of "
            "places; a column likewise.",
            _in_another_order[0],
            *tuple(_in_another_order[1:]),
        ),
    ),
)
