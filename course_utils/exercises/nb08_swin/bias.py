"""The relative position index."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.attention.window import relative_position_index
from course_utils.exercises.exercise import Exercise, Misconception, Wild

Index = Callable[[int], Tensor]


def _places(window: int) -> tuple[Tensor, Tensor]:
    place = torch.arange(window**2)
    return place // window, place % window


def _index(combine: Callable[[Tensor, Tensor, int], Tensor]) -> Index:
    """An index from the differences of rows and columns (query minus key), combined in another way."""

    def wrong(window: int) -> Tensor:
        row, column = _places(window)
        return combine(row[:, None] - row, column[:, None] - column, window)

    return wrong


def _pair(both: Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]]) -> Callable[[int], tuple[Tensor, Tensor]]:
    """Both differences, not combined into one number."""

    def wrong(window: int) -> tuple[Tensor, Tensor]:
        row, column = _places(window)
        return both(row[:, None] - row, column[:, None] - column, window)

    return wrong


def _numbered(down: Tensor, right: Tensor, columns: int) -> Tensor:
    return down * columns + right


def _shifted(by: Callable[[int], tuple[int, int]]) -> Index:
    """Differences with other offsets."""
    return _index(lambda down, right, window: _numbered(down + by(window)[0], right + by(window)[1], 2 * window - 1))


def _changed(change: Callable[[Tensor, int], Tensor]) -> Index:
    """Both differences changed before they are combined."""
    return _index(lambda down, right, window: _numbered(change(down, window), change(right, window), 2 * window - 1))


def _moved_with(factors: Callable[[int], tuple[int, int]]) -> Index:
    """Both differences counted from 0, with other factors for rows and columns."""
    return _index(
        lambda down, right, window: (
            (down + window - 1) * factors(window)[0] + (right + window - 1) * factors(window)[1]
        )
    )


def _fixed_width(columns: int) -> Index:
    return _moved_with(lambda window: (columns, 1))


def _index_of_sums(window: int, moved: int = 1) -> Tensor:
    row, column = _places(window)
    start = moved * (window - 1)
    return _numbered(row[:, None] + row + start, column[:, None] + column + start, 2 * window - 1)


def _not_paired(window: int) -> Tensor:
    """The axes of rows and columns merged in another order: query's and key's row are one axis."""
    one_way = torch.arange(window)[:, None] - torch.arange(window) + window - 1
    return _numbered(one_way[:, :, None, None], one_way[None, None], 2 * window - 1).reshape(window**2, window**2)


def _slanted(window: int) -> Tensor:
    """Rows divided with / instead of //."""
    place = torch.arange(window**2)
    down, right = (part[:, None] - part for part in (place / window, place % window))
    return _numbered(down + window - 1, right + window - 1, 2 * window - 1).long()


def _of_one_place(window: int) -> Tensor:
    row, column = _places(window)
    return _numbered(row + window - 1, column + window - 1, 2 * window - 1)


def _first_of(window: int) -> Tensor:
    return relative_position_index(window)[0]


RELATIVE_POSITION_INDEX = Exercise(
    name="08.relative_position_index",
    title="One bias per offset",
    points=2,
    reference=relative_position_index,
    cases=lambda g: [(2,), (3,), (5,), (4,), (1,)],
    wild=lambda g: [
        Wild(
            "more-than-a-byte",
            (9,),
            "the window is 9 positions wide, so the indices go beyond 255",
            "An 8-bit dtype cannot represent them: use int64, PyTorch's default for integers.",
        )
    ],
    hints=(
        "Begin with the differences: for every query and key in the window, how many rows and columns they are "
        "apart, with sign. Both are between -(window - 1) and window - 1.",
        "How many different row offsets are there, and how many column offsets? Draw them as a grid, one cell per "
        "offset. Shift both differences so that they count from 0.",
        "The index of a cell in raster order is its row times the *width of the grid* plus its column. The grid of "
        "offsets is wider than `window`.",
    ),
    misconceptions=(
        Misconception(
            "key-minus-query",
            "The sign is inverted: this says how far the *key* is below the query, and how far to its right. It "
            "should be query minus key, as in torchvision.",
            _index(lambda down, right, window: (-down + window - 1) * (2 * window - 1) - right + window - 1),
        ),
        Misconception(
            "columns-turned-round",
            "One of the two differences has the wrong sign: the columns count how far the key is to the right of the "
            "query. Both are query minus key.",
            _index(lambda down, right, window: (down + window - 1) * (2 * window - 1) - right + window - 1),
        ),
        Misconception(
            "rows-turned-round",
            "One of the two differences has the wrong sign: the rows count how far the key is below the query. Both "
            "are query minus key.",
            _index(lambda down, right, window: (-down + window - 1) * (2 * window - 1) + right + window - 1),
        ),
        Misconception(
            "window-for-width",
            "Different offsets share an index. Count the column differences, with sign: there are more than "
            "`window`.",
            _index(lambda down, right, window: (down + window - 1) * window + right + window - 1),
            _index(lambda down, right, window: down * window + right),
            _index(lambda down, right, window: (down + window - 1) * (window - 1) + right + window - 1),
            _index(lambda down, right, window: (down + window - 1) * (window + 1) + right + window - 1),
        ),
        Misconception(
            "one-offset-too-many",
            "The grid of offsets is assumed to be too wide, so some indices are unused. How many integers are there "
            "from -(window - 1) to window - 1?",
            _index(lambda down, right, window: (down + window - 1) * 2 * window + right + window - 1),
            _index(lambda down, right, window: (down + window - 1) * (2 * window + 1) + right + window - 1),
            _index(lambda down, right, window: (down + window) * 2 * window + right + window),
            _index(lambda down, right, window: (down + window) * (2 * window + 1) + right + window),
        ),
        Misconception(
            "width-hard-coded",
            "The grid of offsets has a fixed number of columns for any `window`. Compute it from `window`.",
            _moved_with(lambda window: (3, 1)),
            *tuple(map(_fixed_width, (5, 7, 13, 15))),
        ),
        Misconception(
            "both-multiplied",
            "Both differences are multiplied by the number of columns, so one down equals one to the right. Multiply "
            "only the rows.",
            _moved_with(lambda window: (2 * window - 1, 2 * window - 1)),
            _index(lambda down, right, window: (down + right) * (2 * window - 1) + (window - 1) * 2 * window),
            _index(lambda down, right, window: (down + right) * (2 * window - 1)),
        ),
        Misconception(
            "differences-multiplied",
            "The two differences are multiplied by each other, so the index is 0 whenever one of them is 0. In "
            "raster order the column is added.",
            _index(lambda down, right, window: (2 * window - 1) * (down + window - 1) * (right + window - 1)),
            _index(lambda down, right, window: (down + window - 1) * (right + window - 1)),
            _index(lambda down, right, window: down * right),
        ),
        Misconception(
            "places-added",
            "The positions of query and key are added instead of subtracted. An offset is a difference.",
            _index_of_sums,
            lambda window: _index_of_sums(window, 0),
        ),
        Misconception(
            "bracket-missing",
            "A pair of brackets is missing: the 1 of 2 · window - 1 is subtracted from the whole index, not from the "
            "factor.",
            _index(lambda down, right, window: (down + window - 1) * 2 * window - 1 + right + window - 1),
        ),
        Misconception(
            "only-added",
            "The two differences are simply added, so one down equals one to the right. Multiply the rows by a "
            "factor.",
            _index(lambda down, right, window: down + right + 2 * (window - 1)),
            _index(lambda down, right, window: down + right),
        ),
        Misconception(
            "distances",
            "The direction is lost: left and right get the same bias. Shift the differences so that they count from "
            "0 instead of taking their absolute value.",
            _index(lambda down, right, window: _numbered(down.abs(), right.abs(), 2 * window - 1)),
            _index(lambda down, right, window: _numbered(down.abs(), right.abs(), window)),
            _changed(lambda difference, window: difference.abs() + window - 1),
            _index(lambda down, right, window: down.abs() + right.abs()),
        ),
        Misconception(
            "cut-off-at-zero",
            "Negative differences are clamped to 0: a key one row below the query and a key two rows below get the "
            "same bias. Shift the differences instead.",
            _changed(lambda difference, window: difference.clamp(min=0)),
        ),
        Misconception(
            "wrapped-round",
            "Negative differences wrap around, as with `%`, so the indices begin with the offset (0, 0). They should "
            "begin with the most negative offset.",
            _changed(lambda difference, window: difference % (2 * window - 1)),
            _index(lambda down, right, window: (down * (2 * window - 1) + right) % (2 * window - 1) ** 2),
            _index(lambda down, right, window: (down * (2 * window - 1) + right) % window**4),
        ),
        Misconception(
            "rows-and-columns-exchanged",
            "Rows and columns are swapped: the offsets are numbered column by column. In raster order, multiply the "
            "row difference by the factor.",
            _index(lambda down, right, window: (right + window - 1) * (2 * window - 1) + down + window - 1),
        ),
        Misconception(
            "negative",
            "The indices begin below zero, and a table has no such rows (worse: PyTorch counts them from the end). "
            "Shift both differences so that they count from 0.",
            _shifted(lambda window: (0, 0)),
        ),
        Misconception(
            "only-columns-moved",
            "Only the columns are shifted to count from 0. The rows may be negative too.",
            _shifted(lambda window: (0, window - 1)),
        ),
        Misconception(
            "only-rows-moved",
            "Only the rows are shifted to count from 0. The columns may be negative too, and then their indices "
            "belong to the row before.",
            _shifted(lambda window: (window - 1, 0)),
        ),
        Misconception(
            "moved-too-far",
            "The indices do not begin with 0: the differences are shifted too far. The most negative one is -(window "
            "- 1).",
            _shifted(lambda window: (window, window)),
            _shifted(lambda window: (window, window - 1)),
        ),
        Misconception(
            "a-number-for-each-pair",
            "Every pair of positions has its own index. Pairs with the same offset should share one.",
            lambda window: torch.arange(window**4).view(window**2, window**2),
        ),
        Misconception(
            "axes-not-paired",
            "The axes are merged in another order: a row of your matrix is a pair of *rows*, the query's and the "
            "key's. A row should be a query, with its own row and column.",
            _not_paired,
        ),
        Misconception(
            "slanted-rows",
            "A position's row is computed with /, so it is not an integer and increases along the row. Divide with "
            "//.",
            _slanted,
        ),
        Misconception(
            "two-numbers",
            "Rows and columns are still separate: there are two numbers per pair. Combine them into one index, as in "
            "raster order.",
            _index(lambda down, right, window: torch.stack([down + window - 1, right + window - 1], -1)),
            _pair(lambda down, right, window: (down + window - 1, right + window - 1)),
            _pair(lambda down, right, window: (down, right)),
            _index(lambda down, right, window: torch.stack([down + window - 1, right + window - 1])),
            _index(lambda down, right, window: torch.stack([down, right], -1)),
            _index(lambda down, right, window: torch.stack([down, right])),
        ),
        Misconception(
            "floats",
            "The numbers are right, but they are floats. Only integers can be used as an index.",
            lambda window: relative_position_index(window).float(),
            lambda window: relative_position_index(window).double(),
        ),
        Misconception(
            "one-key-only",
            "This is one row, for a single query or key. Return all pairs of queries and keys: (window², window²).",
            _of_one_place,
            _first_of,
            lambda window: relative_position_index(window)[-1],
        ),
        Misconception(
            "window-hard-coded",
            "The window has a fixed size. Use the argument.",
            lambda window: relative_position_index(7),
            lambda window: relative_position_index(3),
            lambda window: relative_position_index(4),
        ),
    ),
)
