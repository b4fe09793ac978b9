"""Wrong neighbourhood masks, as students write them."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.attention.local import neighbourhood_mask

Mask = Callable[[int, int, int], Tensor]


def by_distance(near: Callable[[Tensor, Tensor, int], Tensor], rows_long: str = "width") -> Mask:
    """The mask computed from row and column offsets between positions, with the given row length."""

    def wrong(height: int, width: int, size: int) -> Tensor:
        place, long = torch.arange(height * width), width if rows_long == "width" else height
        row, column = place // long, place % long
        return near(row - row[:, None], column - column[:, None], size)

    return wrong


def square(row: Tensor, column: Tensor, size: int) -> Tensor:
    """Near in both directions, as is right."""
    return (row.abs() <= size // 2) & (column.abs() <= size // 2)


def farthest(row: Tensor, column: Tensor) -> Tensor:
    """The larger of the two distances."""
    return torch.maximum(row.abs(), column.abs())


def in_one_direction(near: Callable[[Tensor, int], Tensor]) -> tuple[Mask, Mask]:
    """Rows compared in another way, by their signed difference and size, and columns correctly; and vice versa."""
    return (
        by_distance(lambda row, column, size: near(row, size) & (column.abs() <= size // 2)),
        by_distance(lambda row, column, size: (row.abs() <= size // 2) & near(column, size)),
    )


def painted(reach: Callable[[int, int, int], Iterable[int]]) -> Mask:
    """For every position, the neighbours that reach returns along an axis, from position, axis and size."""

    def wrong(height: int, width: int, size: int) -> Tensor:
        mask = torch.zeros(height, width, height, width, dtype=torch.bool)
        for y in range(height):
            for x in range(width):
                row, column = (
                    torch.tensor([*reach(*axis, size)], dtype=torch.long) for axis in ((y, height), (x, width))
                )
                mask[y, x, row[:, None], column] = True
        return mask.flatten(2).flatten(0, 1)

    return wrong


def wrapping(backwards: bool) -> Mask:
    """Offsets in the sequence; those before the first position may count from the end."""

    def wrong(height: int, width: int, size: int) -> Tensor:
        count, reach = height * width, range(-(size // 2), size // 2 + 1)
        mask = torch.zeros(count, count, dtype=torch.bool)
        for place in range(count):
            others = [place + i * width + j for i in reach for j in reach]
            mask[place, [other for other in others if -count * backwards <= other < count]] = True
        return mask

    return wrong


def differences_divided(apart: Callable[[Tensor], Tensor]) -> Mask:
    """Rows and columns of a difference, instead of the differences of rows and columns."""

    def wrong(height: int, width: int, size: int) -> Tensor:
        place = torch.arange(height * width)
        difference = apart(place[:, None] - place)
        return ((difference // width).abs() <= size // 2) & (difference % width <= size // 2)

    return wrong


def mixed_axes(height: int, width: int, size: int) -> Tensor:
    """Rows compared along one axis of the matrix, columns along the other."""
    rows, columns = torch.arange(height), torch.arange(width)
    near_rows, near_columns = ((side[:, None] - side).abs() <= size // 2 for side in (rows, columns))
    return (near_rows[:, :, None, None] & near_columns).reshape(height * width, height * width)


def two_orders(axis: int) -> Mask:
    """Along one axis of the matrix the positions run down the columns of the map."""

    def wrong(height: int, width: int, size: int) -> Tensor:
        right = neighbourhood_mask(height, width, size).view(height, width, height, width)
        return right.transpose(axis, axis + 1).reshape(height * width, height * width)

    return wrong


def of_the_sequence(reach: Callable[[int], int]) -> Mask:
    """Near in the sequence, within some positions to each side."""

    def wrong(height: int, width: int, size: int) -> Tensor:
        place = torch.arange(height * width)
        return (place[:, None] - place).abs() <= reach(size)

    return wrong


def around_the_map(height: int, width: int, size: int) -> Tensor:
    """The map as a ring in both directions."""

    def near(row: Tensor, column: Tensor, size: int) -> Tensor:
        row, column = row % height, column % width
        return square(torch.minimum(row, height - row), torch.minimum(column, width - column), size)

    return by_distance(near)(height, width, size)


def windows(height: int, width: int, size: int) -> Tensor:
    """Windows that do not overlap."""
    place = torch.arange(height * width)
    row, column = place // width // size, place % width // size
    return (row[:, None] == row) & (column[:, None] == column)


def mixed_lengths(of_rows: str, of_columns: str) -> Mask:
    """Rows by division by one length, columns as the remainder of division by the other."""

    def wrong(height: int, width: int, size: int) -> Tensor:
        place, sides = torch.arange(height * width), {"height": height, "width": width}
        row, column = place // sides[of_rows], place % sides[of_columns]
        return square(row - row[:, None], column - column[:, None], size)

    return wrong


def added(hidden: float) -> Mask:
    """A mask to add to scores."""
    return lambda height, width, size: torch.where(neighbourhood_mask(height, width, size), 0.0, hidden)


def as_dtype(dtype: torch.dtype) -> Mask:
    """The right mask, of another dtype."""
    return lambda height, width, size: neighbourhood_mask(height, width, size).to(dtype)


def which_exist(height: int, width: int, size: int) -> Tensor:
    """Which of its neighbours each position has, (positions, size²)."""
    ones = torch.ones(1, 1, height, width)
    return F.unfold(ones, size, padding=size // 2)[0].T > 0
