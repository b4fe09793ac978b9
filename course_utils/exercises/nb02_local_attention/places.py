"""Who is whose neighbour: neighbourhoods copied out, and the same as a mask."""

from collections.abc import Callable

import torch
from einops import rearrange
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.local_attention import neighbourhood_mask, neighbourhoods


def _neighbourhoods_cases(g: Generator) -> list[Arguments]:
    shapes = [((2, 3, 5, 7), 3, 1), ((1, 2, 6, 6), 5, 1), ((2, 2, 7, 6), 3, 2), ((1, 3, 4, 5), 1, 1)]
    return [(torch.randn(*shape, generator=g), size, stride) for shape, size, stride in shapes]


def _neighbourhoods_slip(
    padding: Callable[[int], int] = lambda size: size // 2,
    pattern: str = "b (c n) p -> b c p n",
    keep_stride: bool = True,
) -> Callable[..., Tensor]:
    """Neighbourhoods with one of the steps replaced."""

    def wrong(maps: Tensor, size: int, stride: int = 1) -> Tensor:
        columns = F.unfold(maps, size, padding=padding(size), stride=stride if keep_stride else 1)
        return rearrange(columns, pattern, n=size**2) if pattern else columns

    return wrong


def _down_the_columns(maps: Tensor, size: int, stride: int = 1) -> Tensor:
    near = neighbourhoods(maps, size, stride)
    return rearrange(near, "b c p (i j) -> b c p (j i)", i=size)


def _border_repeated(maps: Tensor, size: int, stride: int = 1) -> Tensor:
    padded = F.pad(maps, (size // 2,) * 4, mode="replicate")
    return rearrange(F.unfold(padded, size, stride=stride), "b (c n) p -> b c p n", n=size**2)


NEIGHBOURHOODS = Exercise(
    name="02.neighbourhoods",
    title="The neighbourhood of every position",
    reference=neighbourhoods,
    learns=("maps",),
    cases=_neighbourhoods_cases,
    hints=(
        "`F.unfold(maps, size, padding=…, stride=…)` cuts out the square around every position. How many zeros must "
        "stand around the map so that its corners become centres too?",
        "unfold returns (batch, channels · size², positions): the channel is slow and the neighbour fast. `rearrange` "
        "with n=size**2 takes the two apart.",
        'Pad by size // 2; then `rearrange(columns, "b (c n) p -> b c p n", n=size**2)`.',
    ),
    misconceptions=(
        Misconception(
            _neighbourhoods_slip(padding=lambda size: 0),
            "There is no padding, so the positions at the border have no neighbourhood and the map shrinks by "
            "size - 1. Pad by size // 2 on every side.",
        ),
        Misconception(
            _neighbourhoods_slip(padding=lambda size: size - 1),
            "There is too much padding: squares whose centre lies outside the map are cut out too. A centre has "
            "size // 2 neighbours on each side.",
        ),
        Misconception(
            _neighbourhoods_slip(pattern="b (n c) p -> b c p n"),
            "Channels and neighbours are mixed up: unfold puts all neighbours of the first channel first, then those "
            "of the second. In the brackets the channel is slow: (c n).",
        ),
        Misconception(
            _neighbourhoods_slip(pattern="b (c n) p -> b c n p"),
            "The last two axes are swapped: the positions come before the neighbours of each.",
        ),
        Misconception(
            _neighbourhoods_slip(pattern=""),
            "This is what unfold returns: channels and neighbours are still one axis. Take them apart with rearrange.",
        ),
        Misconception(
            _neighbourhoods_slip(keep_stride=False),
            "The stride is not used: every position has its neighbourhood cut out. Hand stride on to unfold.",
        ),
        Misconception(
            _down_the_columns,
            "The neighbours run down the columns of the square. Our order is that of reading, row by row.",
        ),
        Misconception(
            _border_repeated,
            "Beyond the border the map is continued by its last pixel. Here it is zeros that stand there, as in a "
            "convolution; a mask will tell them from real ones.",
        ),
    ),
)


def _mask_by(near: Callable[[Tensor, Tensor, int], Tensor], places: str = "y x") -> Callable[[int, int, int], Tensor]:
    """The mask from the distances of rows and of columns, in a raster of the given order."""

    def wrong(height: int, width: int, size: int) -> Tensor:
        shape = (height, width) if places == "y x" else (width, height)
        row, column = (side.flatten() for side in torch.meshgrid(*map(torch.arange, shape), indexing="ij"))
        return near((row[:, None] - row).abs(), (column[:, None] - column).abs(), size)

    return wrong


def _along_the_sequence(height: int, width: int, size: int) -> Tensor:
    place = torch.arange(height * width)
    return (place[:, None] - place).abs() <= size // 2


def _wrapping(height: int, width: int, size: int) -> Tensor:
    place, near = torch.arange(height * width), torch.zeros(height * width, height * width, dtype=torch.bool)
    for i in range(-(size // 2), size // 2 + 1):
        for j in range(-(size // 2), size // 2 + 1):
            other = place + i * width + j
            within = (other >= 0) & (other < height * width)
            near[place[within], other[within]] = True
    return near


NEIGHBOURHOOD_MASK = Exercise(
    name="02.neighbourhood_mask",
    title="Locality as a mask",
    points=2,
    reference=neighbourhood_mask,
    cases=lambda g: [(4, 6, 3), (5, 4, 5), (3, 3, 1), (7, 3, 3)],
    hints=(
        "Position p lies in row p // width and column p % width. When are two positions neighbours?",
        "Compare all with all: `rows[:, None] - rows` is a matrix of differences. Rows must be at most size // 2 "
        "apart, and columns too.",
        "`place = torch.arange(height * width)`, `row, column = place // width, place % width`; then the two matrices "
        "of distances, each `<= size // 2`, joined by `&`.",
    ),
    misconceptions=(
        Misconception(
            _along_the_sequence,
            "Neighbours are sought along the sequence: the pixel above is width places away and gets lost, and the "
            "last of a row meets the first of the next. Compare rows and columns.",
        ),
        Misconception(
            _wrapping,
            "The square wraps round the border: a pixel at the right end of a row meets those at the left end of the "
            "next. Compare the columns themselves, not only places in the sequence.",
        ),
        Misconception(
            _mask_by(lambda row, column, size: (row <= size // 2) | (column <= size // 2)),
            "Near in rows *or* in columns is a cross of whole stripes. A neighbour is near in both: use &.",
        ),
        Misconception(
            _mask_by(lambda row, column, size: (row < size // 2) & (column < size // 2)),
            "The outermost ring is missing: the square reaches size // 2 places to each side, that distance included "
            "(<=).",
        ),
        Misconception(
            _mask_by(lambda row, column, size: (row <= size) & (column <= size)),
            "The square is too large: size is its whole side, so it reaches size // 2 to each side of the centre.",
        ),
        Misconception(
            _mask_by(lambda row, column, size: row + column <= size // 2),
            "This is a diamond: row and column distances are added. In a square each is compared alone.",
        ),
        Misconception(
            _mask_by(lambda row, column, size: (row <= size // 2) & (column <= size // 2), places="x y"),
            "The raster has height and width swapped: a row is width places long, so place p lies in row p // width.",
        ),
        Misconception(
            lambda height, width, size: ~neighbourhood_mask(height, width, size),
            "The mask is turned round. As in `attend`, True means: may look.",
        ),
    ),
)
