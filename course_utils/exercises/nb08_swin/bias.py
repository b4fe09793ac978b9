"""Which bias belongs to which pair of places."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.exercises.exercise import Exercise, Misconception
from course_utils.window_attention import relative_position_index


def _index(combine: Callable[[Tensor, Tensor, int], Tensor]) -> Callable[[int], Tensor]:
    """An index from the differences of rows and columns (query minus key), combined in another way."""

    def wrong(window: int) -> Tensor:
        row, column = (part.flatten() for part in torch.meshgrid(2 * [torch.arange(window)], indexing="ij"))
        return combine(row[:, None] - row, column[:, None] - column, window)

    return wrong


RELATIVE_POSITION_INDEX = Exercise(
    name="08.relative_position_index",
    title="One bias for each offset",
    points=2,
    reference=relative_position_index,
    cases=lambda g: [(2,), (3,), (5,), (1,)],
    hints=(
        "First the differences: for every query and key of the window, how many rows and how many columns they are "
        "apart, with sign. Both lie between -(window - 1) and window - 1.",
        "Add window - 1 to both, so that they count from 0 to 2 · window - 2. Then number the offsets like the places "
        "of a picture that is 2 · window - 1 columns wide.",
        "`(down + window - 1) * (2 * window - 1) + right + window - 1`, with `down = row[:, None] - row[None, :]`.",
    ),
    misconceptions=(
        Misconception(
            _index(lambda down, right, window: (-down + window - 1) * (2 * window - 1) - right + window - 1),
            "The sign is turned round: key minus query. Here it is query minus key, as in torchvision.",
        ),
        Misconception(
            _index(lambda down, right, window: (down + window - 1) * window + right + window - 1),
            "Different offsets share a row of the table: there are 2 · window - 1 differences of columns, so that is "
            "the factor of the rows, not window.",
        ),
        Misconception(
            _index(lambda down, right, window: down + right + 2 * (window - 1)),
            "The two differences are just added: one down is then the same as one to the right. Give the rows a "
            "factor.",
        ),
        Misconception(
            _index(lambda down, right, window: down.abs() * (2 * window - 1) + right.abs()),
            "The direction is lost: left and right get the same bias. Shift the differences by window - 1 instead of "
            "taking their size.",
        ),
        Misconception(
            _index(lambda down, right, window: (right + window - 1) * (2 * window - 1) + down + window - 1),
            "Rows and columns are swapped: the difference of rows gets the factor.",
        ),
        Misconception(
            _index(lambda down, right, window: down * (2 * window - 1) + right),
            "The numbers begin below zero, and a table has no such rows (worse: Python counts them from the end). Add "
            "window - 1 to both differences.",
        ),
    ),
)
