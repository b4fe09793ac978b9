"""The mask of shifted windows."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from course_utils.exercises.exercise import Exercise, Misconception
from course_utils.window_attention import partition, shift_mask

Pieces = Callable[[Tensor, Tensor, int, int, int, tuple[int, int]], Tensor]


def _by_pieces(pieces: Pieces) -> Callable[[int, int, int, tuple[int, int]], Tensor]:
    """A mask from another division of the map into pieces."""

    def wrong(height: int, width: int, window: int, shift: tuple[int, int]) -> Tensor:
        rows, columns = torch.arange(height)[:, None], torch.arange(width)[None, :]
        piece = pieces(rows, columns, height, width, window, shift).expand(height, width)
        cut = partition(piece[None, :, :, None], window)[0, :, :, 0]
        return cut[:, :, None] == cut[:, None, :]

    return wrong


def _sum_of_sides(rows: Tensor, columns: Tensor, height: int, width: int, window: int, shift: tuple) -> Tensor:
    return (rows >= height - shift[0]).int() + (columns >= width - shift[1]).int()


def _rows_only(rows: Tensor, columns: Tensor, height: int, width: int, window: int, shift: tuple) -> Tensor:
    return (rows >= height - shift[0]) & (columns >= 0)


def _other_end(rows: Tensor, columns: Tensor, height: int, width: int, window: int, shift: tuple) -> Tensor:
    return 2 * (rows < shift[0]) + (columns < shift[1])


def _left_over(rows: Tensor, columns: Tensor, height: int, width: int, window: int, shift: tuple) -> Tensor:
    return 2 * (rows >= height - window + shift[0]) + (columns >= width - window + shift[1])


def _corner_only(rows: Tensor, columns: Tensor, height: int, width: int, window: int, shift: tuple) -> Tensor:
    return (rows >= height - shift[0]) & (columns >= width - shift[1])


def _cases(g: Generator) -> list[tuple[int, int, int, tuple[int, int]]]:
    return [(8, 8, 4, (1, 1)), (6, 9, 3, (1, 2)), (8, 4, 4, (3, 0)), (10, 10, 5, (2, 3))]


SHIFT_MASK = Exercise(
    name="08.shift_mask",
    title="Who may look at whom in a shifted window",
    points=2,
    reference=shift_mask,
    cases=_cases,
    hints=(
        "After the roll, the last shift[0] rows came from the top of the picture, the last shift[1] columns from its "
        "left. Give every place of the rolled map a number that says which piece it belongs to.",
        "Two yes-or-no questions (came round in rows? in columns?) make four pieces. Two places may look at each "
        "other when their pieces are the same.",
        "`piece = 2 * (rows >= height - shift[0])[:, None] + (columns >= width - shift[1])[None, :]`, then "
        "`partition(piece[None, :, :, None], window)[0, :, :, 0]`, and compare all pairs in a window with `==`.",
    ),
    misconceptions=(
        Misconception(
            lambda height, width, window, shift: ~shift_mask(height, width, window, shift),
            "The mask is turned round. As in `attend`, True means: may look.",
        ),
        Misconception(
            _by_pieces(_sum_of_sides),
            "Two different pieces have the same number: what came round in rows and what came round in columns both "
            "count 1. Weigh one of the two questions twice.",
        ),
        Misconception(
            _by_pieces(_rows_only),
            "Only the rows are looked at: the left border of the picture may still look at the right one.",
        ),
        Misconception(
            _by_pieces(_other_end),
            "The pieces lie at the wrong end. After a roll up and to the left, what came round stands in the *last* "
            "rows and columns.",
        ),
        Misconception(
            _by_pieces(_corner_only),
            "Only the corner is set apart. What came round in rows alone, or in columns alone, is another piece too.",
        ),
        Misconception(
            _by_pieces(_left_over),
            "The cut is at window - shift rows from the end. The rows that came round are the last `shift` ones: they "
            "begin at height - shift.",
        ),
        Misconception(
            lambda height, width, window, shift: torch.ones(
                height * width // window**2, window**2, window**2, dtype=torch.bool
            ),
            "Nothing is hidden: without a mask the top of the picture talks to its bottom.",
        ),
    ),
)
