"""Relative position vectors."""

from collections.abc import Callable

import torch
from einops import repeat
from torch import Generator, Tensor

from course_utils.attention.local import relative_positions
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild


def _cases(g: Generator) -> list[Arguments]:
    return [
        (torch.randn(size, dim, generator=g), torch.randn(size, dim, generator=g))
        for size, dim in [(3, 4), (5, 2), (7, 3), (1, 4)]
    ]


def _wild(g: Generator) -> list[Wild]:
    table = torch.randn(5, 6, generator=g)
    return [
        Wild(
            "halves-of-a-table",
            (table[:, :3], table[:, 3:]),
            "rows and columns are the two halves of one table, so their vectors are not contiguous in memory",
            "Use `.reshape` or `repeat` instead of `.view`.",
        ),
        Wild(
            "one-feature",
            (torch.randn(5, 1, generator=g), torch.randn(5, 1, generator=g)),
            "each row and column has a single feature",
            "An axis of length one is still an axis.",
        ),
    ]


def _slip(
    of_rows: str = "i d -> (i j) d",
    of_columns: str = "j d -> (i j) d",
    join: Callable[[Tensor, Tensor], Tensor] = lambda by_row, by_column: torch.cat([by_row, by_column], -1),
    times: Callable[[Tensor], int] = len,
) -> Callable[[Tensor, Tensor], Tensor]:
    """Rows and columns repeated or joined in another way."""

    def over(part: Tensor, pattern: str) -> Tensor:
        return repeat(part, pattern, **{"j" if pattern.startswith("i") else "i": times(part)})

    return lambda rows, columns: join(over(rows, of_rows), over(columns, of_columns))


RELATIVE_POSITIONS = Exercise(
    name="02.relative_positions",
    title="One vector per offset",
    reference=relative_positions,
    learns=("rows", "columns"),
    cases=_cases,
    wild=_wild,
    hints=(
        "There are size² offsets, in raster order: in which rows are the first size of them, and in which columns?",
        "Each row's vector is needed size times in a run, and the whole list of columns once for every row: "
        '`repeat(rows, "i d -> (i j) d", j=len(rows))` does the first.',
        'The second is `repeat(columns, "j d -> (i j) d", i=len(rows))`; `torch.cat([…, …], dim=-1)` puts them side '
        "by side, the row's first.",
    ),
    misconceptions=(
        Misconception(
            "down-the-columns",
            "The offsets go column by column through the square. In raster order the first size offsets are in one "
            "row, so they share rows[0].",
            _slip("j d -> (i j) d", "i d -> (i j) d"),
        ),
        Misconception(
            "columns-first",
            "The column's features come first. The order is row, then column.",
            _slip(join=lambda by_row, by_column: torch.cat([by_column, by_row], -1)),
        ),
        Misconception(
            "arguments-confused",
            "The offsets go column by column through the square, and the column's features come first. That is the "
            "result of swapping the two arguments.",
            _slip(
                "j d -> (i j) d", "i d -> (i j) d", join=lambda by_row, by_column: torch.cat([by_column, by_row], -1)
            ),
        ),
        Misconception(
            "diagonal-only",
            "This pairs row i with column i only: the diagonal of the square. Combine every row with every column, "
            "which makes size² vectors.",
            lambda rows, columns: torch.cat([rows, columns], dim=-1),
        ),
        Misconception(
            "moving-together",
            "Rows and columns are repeated in the same way, so row i is only combined with column i. While the row "
            "stays the same, the column must change.",
            _slip("i d -> (i j) d", "i d -> (i j) d"),
            _slip("j d -> (i j) d", "j d -> (i j) d"),
        ),
        Misconception(
            "mixed",
            "Row and column are combined number by number into one vector of dim numbers, so they share their "
            "features. Each should keep its own half: concatenate them.",
            _slip(join=torch.add),
            _slip(join=torch.mul),
            _slip(join=torch.sub),
            _slip(join=lambda by_row, by_column: (by_row + by_column) / 2),
        ),
        Misconception(
            "joined-along-the-square",
            "Rows and columns are joined along an axis of the square. They are the two halves of one vector: join "
            "them along the features.",
            lambda rows, columns: torch.cat(
                [rows[:, None].expand(-1, len(rows), -1), columns.expand(len(rows), -1, -1)], 1
            ),
            lambda rows, columns: torch.cat(
                [rows[:, None].expand(-1, len(rows), -1), columns.expand(len(rows), -1, -1)]
            ),
        ),
        Misconception(
            "two-tables",
            "Two tables are returned, one for rows and one for columns, and both are right. Put them side by side "
            "to make one vector for each offset.",
            lambda rows, columns: (repeat(rows, "i d -> (i j) d", j=len(rows)), columns.repeat(len(rows), 1)),
        ),
        Misconception(
            "still-a-square",
            "The vectors are right, but still arranged in a square. Put them along one axis, in raster order.",
            lambda rows, columns: relative_positions(rows, columns).unflatten(0, (len(rows), -1)),
        ),
        Misconception(
            "interleaved",
            "The features of row and column alternate. Put all features of the row first, then all of the column.",
            _slip(join=lambda by_row, by_column: torch.stack([by_row, by_column], -1).flatten(-2)),
        ),
        Misconception(
            "stacked",
            "Row and column are on a separate axis. There should be one vector per offset: put the two side by side "
            "along the features.",
            _slip(join=lambda by_row, by_column: torch.stack([by_row, by_column], 1)),
            _slip(join=lambda by_row, by_column: torch.stack([by_row, by_column], -1)),
            lambda rows, columns: relative_positions(rows, columns).unflatten(1, (2, -1)).transpose(0, 1),
        ),
        Misconception(
            "one-beneath-the-other",
            "The columns' vectors are put below the rows'. They are the two halves of one vector: join them along "
            "the features.",
            lambda rows, columns: torch.cat(relative_positions(rows, columns).chunk(2, -1)),
        ),
        Misconception(
            "one-table-twice",
            "Only one of the two tables is used, for both rows and columns.",
            lambda rows, columns: relative_positions(rows, rows),
            lambda rows, columns: relative_positions(columns, columns),
        ),
        Misconception(
            "repeated-by-features",
            "Each vector is repeated as many times as it has features. How many columns does a row of the square "
            "have?",
            _slip(times=lambda part: part.shape[1]),
        ),
        Misconception(
            "size-written-in",
            "The number of repetitions is hard-coded, so it fits only one size.",
            _slip(times=lambda part: 5),
            _slip(times=lambda part: 3),
            _slip(times=lambda part: 7),
        ),
        Misconception(
            "repeated-along-features",
            "The vectors are made longer instead of more: the repetition runs along the features.",
            lambda rows, columns: torch.cat([rows.repeat(1, len(rows)), columns.repeat(1, len(rows))], dim=-1),
        ),
        Misconception(
            "backwards",
            "Rows, columns or both are counted from the end, so the offsets are reversed.",
            lambda rows, columns: relative_positions(rows.flip(0), columns.flip(0)),
            lambda rows, columns: relative_positions(rows.flip(0), columns),
            lambda rows, columns: relative_positions(rows, columns.flip(0)),
        ),
    ),
)
