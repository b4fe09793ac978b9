"""Images shifted in wrong ways."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.analysis.probes import shift_images

Answer = Callable[[Tensor, int, int], Tensor]


def moved(rows: Callable[[int, int], int], columns: Callable[[int, int], int]) -> Answer:
    """The right shift, by other distances."""
    return lambda images, down, right: shift_images(images, rows(down, right), columns(down, right))


def fetched(place: Callable[[Tensor, int], Tensor]) -> Answer:
    """Every row and column is taken from some position; none is empty."""

    def wrong(images: Tensor, down: int, right: int) -> Tensor:
        height, width = images.shape[-2:]
        rows, columns = (
            place(torch.arange(side) - by, side).clamp(0, side - 1) for side, by in ((height, down), (width, right))
        )
        return images[..., rows[:, None], columns]

    return wrong


def filled(value: Callable[[Tensor], Tensor | float]) -> Answer:
    """Something else instead of zeros moves in."""
    return lambda images, down, right: shift_images(images - value(images), down, right) + value(images)


def inside(images: Tensor, down: int, right: int) -> tuple[Tensor, Tensor]:
    """The rows and the columns with content of the moved image."""
    places = zip(images.shape[-2:], (down, right), strict=True)
    rows, columns = ((torch.arange(side) >= by) & (torch.arange(side) < side + by) for side, by in places)
    return rows[:, None], columns


def erased(images: Tensor, down: int, right: int) -> Tensor:
    """Zeros at the right positions, but nothing is moved."""
    rows, columns = inside(images, down, right)
    return images * rows * columns


def moved_ones(images: Tensor, down: int, right: int) -> Tensor:
    """One where the moved image has content, else zero."""
    return shift_images(torch.ones_like(images), down, right)


def padded(images: Tensor, down: int, right: int) -> Tensor:
    """Zeros added, nothing removed."""
    return F.pad(images, (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0)))


def cut_from(order: Callable[[int, int, int, int], tuple[int, ...]], exchanged: bool = False) -> Answer:
    """Padded with the four numbers in some order, and cropped."""

    def wrong(images: Tensor, down: int, right: int) -> Tensor:
        height, width = images.shape[-2:]
        grown = F.pad(images, order(max(right, 0), max(-right, 0), max(down, 0), max(-down, 0)))
        top, left = max(-down, 0), max(-right, 0)
        if exchanged:
            top, left = left, top
        return grown[..., top : top + height, left : left + width]

    return wrong


def cropped(images: Tensor, down: int, right: int) -> Tensor:
    """Something removed, no zeros added."""
    height, width = images.shape[-2:]
    return images[..., max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)]


def rolled(clear: Callable[[Tensor, int, int], Tensor]) -> Answer:
    """Rolled, and something cleared afterwards."""
    return lambda images, down, right: clear(images.roll((down, right), (-2, -1)), down, right)


def side_for_both(axis: int) -> Answer:
    """The length of one axis used for both."""
    return lambda images, down, right: shift_images(images, down, right)[
        ..., : images.shape[axis], : images.shape[axis]
    ]


def sign(number: int) -> int:
    """1, 0 or -1."""
    return (number > 0) - (number < 0)


def without_edge(rows: Callable[[int], int], columns: Callable[[int], int]) -> Answer:
    """Moved correctly, but the first (1) or the last (-1) row or column of the image is lost."""

    def wrong(images: Tensor, down: int, right: int) -> Tensor:
        images = images.clone()
        for edge, axis in ((rows(down), 2), (columns(right), 3)):
            if edge:
                images.select(axis, 0 if edge > 0 else -1).zero_()
        return shift_images(images, down, right)

    return wrong


def for_positive_numbers(images: Tensor, down: int, right: int) -> Tensor:
    """Slices that mean something else for negative numbers and are empty for 0."""
    out = torch.zeros_like(images)
    out[:, :, down:, right:] = images[:, :, :-down, :-right]
    return out


def one_axis_at_a_time(images: Tensor, down: int, right: int) -> Tensor:
    """The same, in two moves."""
    lower, out = torch.zeros_like(images), torch.zeros_like(images)
    lower[:, :, down:] = images[:, :, :-down]
    out[..., right:] = lower[..., :-right]
    return out


def cleared_up_to(rows: Callable[[int], int | None], columns: Callable[[int], int | None]) -> Answer:
    """Rolled, and cleared from the top and from the left up to some row and column; None: the correct one."""

    def wrong(images: Tensor, down: int, right: int) -> Tensor:
        kept = inside(images, down, right)
        result = images.roll((down, right), (-2, -1))
        for end, axis, keep in ((rows(down), 2, kept[0]), (columns(right), 3, kept[1])):
            if end is None:
                result = result * keep
            else:
                result.narrow(axis, 0, len(range(result.shape[axis])[:end])).zero_()
        return result

    return wrong
