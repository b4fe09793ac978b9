"""The mask of shifted windows with one of its steps replaced, as students write it."""

from collections.abc import Callable

import torch
from einops import rearrange
from torch import Tensor

from course_utils.attention.window import partition, shift_mask

Shift = tuple[int, int]
Mask = Callable[[int, int, int, Shift], Tensor]
# Positions along a side, its length, the window and the shift → the piece of each position.
Side = Callable[[Tensor, int, int, int], Tensor]


def came_round(places: Tensor, length: int, window: int, shift: int) -> Tensor:
    """1 for the positions at the end that wrapped around, 0 for the rest."""
    return (places >= length - shift).int()


def twice(rows: Tensor, columns: Tensor) -> Tensor:
    """Four pieces from two answers."""
    return 2 * rows + columns


def slip(
    side: Side = came_round,
    pieces: Callable[[Tensor, Tensor], Tensor] = twice,
    cut: str = "(y i) (x j) -> (y x) (i j)",
    shifts: Callable[[Shift, int], Shift] = lambda shift, window: shift,
    sides: Callable[[int, int], Shift] = lambda height, width: (height, width),
) -> Mask:
    """The mask with one of its parts replaced."""

    def wrong(height: int, width: int, window: int, shift: Shift) -> Tensor:
        down, right = shifts(shift, window)
        far, wide = sides(height, width)
        rows = side(torch.arange(height), far, window, down)[:, None].expand(height, width)
        columns = side(torch.arange(width), wide, window, right).expand(height, width)
        return equal(rearrange(pieces(rows, columns), cut, i=window, j=window))

    return wrong


def equal(pieces: Tensor) -> Tensor:
    """Which positions in a window belong to the same piece."""
    return pieces[:, :, None] == pieces[:, None, :]


def either(height: int, width: int, window: int, shift: Shift) -> Tensor:
    """The same piece in rows or in columns."""
    rows, columns = slip(pieces=lambda y, x: y), slip(pieces=lambda y, x: x)
    return rows(height, width, window, shift) | columns(height, width, window, shift)


def reshaped(height: int, width: int, window: int, shift: Shift) -> Tensor:
    """The map of pieces, reshaped instead of partitioned."""
    return equal(map_of_pieces(height, width, shift).reshape(-1, window**2))


def map_of_pieces(height: int, width: int, shift: Shift) -> Tensor:
    """The number of each position's piece in the rolled map."""
    rows, columns = torch.arange(height)[:, None] >= height - shift[0], torch.arange(width) >= width - shift[1]
    return 2 * rows + columns


def rolled(by: int) -> Mask:
    """The map of pieces rolled once more."""

    def wrong(height: int, width: int, window: int, shift: Shift) -> Tensor:
        pieces = map_of_pieces(height, width, shift).roll((by * shift[0], by * shift[1]), (0, 1))
        return equal(partition(pieces[None, :, :, None], window)[0, :, :, 0])

    return wrong


def in_each_window(height: int, width: int, window: int, shift: Shift) -> Tensor:
    """A boundary in every window."""
    mask = equal(map_of_pieces(window, window, shift).flatten()[None])
    return mask.expand(height // window * (width // window), -1, -1)


def of_old_windows(height: int, width: int, window: int, shift: Shift) -> Tensor:
    """A position's piece is its window before the roll."""
    old = torch.arange(height)[:, None] // window * (width // window) + torch.arange(width) // window
    return equal(partition(old.roll((-shift[0], -shift[1]), (0, 1))[None, :, :, None], window)[0, :, :, 0])


def overwritten(last: int) -> Mask:
    """Slices from the end set wrapped rows and columns to 1 and 2; last: which of them are set later."""

    def wrong(height: int, width: int, window: int, shift: Shift) -> Tensor:
        pieces = torch.zeros(height, width)
        for axis in (1 - last, last):
            pieces.transpose(0, axis)[-shift[axis] :] = axis + 1
        return equal(partition(pieces[None, :, :, None], window)[0, :, :, 0])

    return wrong


def cropped(side: Callable[[int, int], int]) -> Mask:
    """The pieces of a square map, cropped or padded with 0 if the map is not square."""

    def wrong(height: int, width: int, window: int, shift: Shift) -> Tensor:
        length, pieces = side(height, width), torch.zeros(height, width)
        square = map_of_pieces(length, length, shift)[:height, :width]
        pieces[: square.shape[0], : square.shape[1]] = square
        return equal(partition(pieces[None, :, :, None], window)[0, :, :, 0])

    return wrong


def by_distance(near: Callable[[Tensor, int], Tensor], in_the_image: bool = True) -> Mask:
    """Positions near each other in rows and columns may attend, in the image or in the rolled map."""

    def wrong(height: int, width: int, window: int, shift: Shift) -> Tensor:
        places = torch.stack(torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij"), -1)
        places = places.roll((-shift[0], -shift[1]), (0, 1)) if in_the_image else places
        cut = partition(places[None], window)[0]
        return near((cut[:, :, None] - cut[:, None]).abs(), window).all(-1)

    return wrong


def last_window_only(height: int, width: int, window: int, shift: Shift) -> Tensor:
    """Masks only in the last window."""
    mask = shift_mask(height, width, window, shift)
    return torch.cat([torch.ones_like(mask[:-1]), mask[-1:]])


def whole_map(height: int, width: int, window: int, shift: Shift) -> Tensor:
    """Every position of the map against every other."""
    return equal(map_of_pieces(height, width, shift).flatten()[None])[0]


def all_true(height: int, width: int, window: int, shift: Shift) -> Tensor:
    """Masks nothing."""
    return torch.ones(height * width // window**2, window**2, window**2, dtype=torch.bool)


def changed(change: Callable[[Tensor], Tensor]) -> Mask:
    """The right mask in another form."""
    return lambda height, width, window, shift: change(shift_mask(height, width, window, shift))


def compared(compare: Callable[[Tensor, Tensor], Tensor]) -> Mask:
    """Two positions' pieces are compared in another way."""

    def wrong(height: int, width: int, window: int, shift: Shift) -> Tensor:
        pieces = partition(map_of_pieces(height, width, shift)[None, :, :, None], window)[0, :, :, 0]
        return compare(pieces[:, :, None], pieces[:, None, :])

    return wrong


def scores(hidden: float) -> Mask:
    """0 where a position may attend, and the value of hidden elsewhere."""
    return changed(lambda mask: torch.zeros(mask.shape).masked_fill(~mask, hidden))


def none_when(idle: Callable[[Shift], bool]) -> Callable[..., Tensor | None]:
    """No mask if the shift is zero."""
    return lambda height, width, window, shift: None if idle(shift) else shift_mask(height, width, window, shift)
