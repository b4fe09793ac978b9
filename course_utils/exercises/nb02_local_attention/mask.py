"""The neighbourhood as a mask for full attention."""

import math

import torch

from course_utils.attention.local import neighbourhood_mask
from course_utils.exercises.exercise import Exercise, Misconception, Wild
from course_utils.exercises.nb02_local_attention import masks as slips

_TOO_LARGE = (
    *slips.in_one_direction(lambda difference, size: difference.abs() <= size),
    *slips.in_one_direction(lambda difference, size: difference.abs() < size),
    *slips.in_one_direction(lambda difference, size: difference.abs() <= 2 * size),
)
_TOO_SMALL = (
    *slips.in_one_direction(lambda difference, size: difference.abs() < size // 2),
    *slips.in_one_direction(lambda difference, size: difference.abs() <= size // 3),
    *slips.in_one_direction(lambda difference, size: difference.abs() <= size // 4),
)
_FAR = (
    *slips.in_one_direction(lambda difference, size: difference.abs() > size // 2),
    *slips.in_one_direction(lambda difference, size: difference.abs() >= size // 2),
)

NEIGHBOURHOOD_MASK = Exercise(
    name="02.neighbourhood_mask",
    title="Locality as a mask",
    points=2,
    reference=neighbourhood_mask,
    cases=lambda g: [(4, 9, 3), (5, 4, 5), (3, 3, 1), (9, 3, 3), (8, 9, 7)],
    wild=lambda g: [
        Wild(
            "one-row",
            (1, 6, 3),
            "the map has a single row",
            ("Positions to the left and right are still neighbours."),
        ),
        Wild(
            "one-column",
            (5, 1, 3),
            "the map has a single column",
            ("Positions above and below are still neighbours."),
        ),
        Wild(
            "larger-than-the-map",
            (2, 3, 7),
            "the square is larger than the map",
            "Leave out what lies beyond the map; the matrix is still (height · width, height · width).",
        ),
    ],
    hints=(
        "A position's number, divided by `width`, gives its row, and the remainder its column. When are two "
        "positions neighbours?",
        "Compare all pairs: with the rows of all positions in one tensor, an extra axis (`[:, None]`) turns a "
        "subtraction into a matrix of differences. Rows must be at most `size // 2` apart, and columns too.",
        "`torch.arange(height * width) // width` are the rows of all positions, `torch.arange(height * width) % "
        "width` their columns. Compute the two matrices of distances, compare each with `<= size // 2`, and combine "
        "them with `&`.",
    ),
    misconceptions=(
        Misconception(
            "along-the-sequence",
            "Neighbours are chosen along the sequence, so the last pixel of a row is a neighbour of the first of the "
            "next, although they are far apart in the image; the pixel above is width positions away. Compare rows "
            "and columns.",
            slips.of_the_sequence(lambda size: size // 2),
            *tuple(
                map(
                    slips.of_the_sequence,
                    (lambda size: size, lambda size: size - 1, lambda size: size // 2 - 1, lambda size: size**2 // 2),
                )
            ),
        ),
        Misconception(
            "whole-rows-of-the-sequence",
            "Everything within a few rows' length along the sequence counts as near, so whole rows are neighbours. "
            "Compare the columns too.",
            lambda height, width, size: slips.of_the_sequence(lambda size: size // 2 * width)(height, width, size),
        ),
        Misconception(
            "wraps-to-the-next-row",
            "The square wraps around the border: a pixel at the right end of a row is a neighbour of those at the "
            "left end of the next. Compare the columns themselves, not only positions in the sequence.",
            slips.wrapping(backwards=False),
            slips.wrapping(backwards=True),
        ),
        Misconception(
            "differences-divided",
            "The difference of two positions' numbers is divided by `width`. First compute the row and the column of "
            "each position, then subtract: the last pixel of a row and the first of the next differ by 1, but are far "
            "apart.",
            slips.differences_divided(torch.abs),
            slips.differences_divided(lambda difference: difference),
        ),
        Misconception(
            "round-the-map",
            "The map is treated as a ring: its first and last rows, or columns, are neighbours. There are no "
            "neighbours beyond the border.",
            slips.around_the_map,
        ),
        Misconception(
            "or-instead-of-and",
            "Positions that are near in rows *or* in columns form a cross of whole stripes. A neighbour is near in "
            "both.",
            slips.by_distance(lambda row, column, size: (row.abs() <= size // 2) | (column.abs() <= size // 2)),
        ),
        Misconception(
            "one-direction",
            "Only rows are compared, or only columns, so whole stripes count as neighbours. A neighbour is near in "
            "both.",
            slips.by_distance(lambda row, column, size: row.abs() <= size // 2),
            slips.by_distance(lambda row, column, size: column.abs() <= size // 2),
        ),
        Misconception(
            "a-ring-too-small",
            "The outermost ring is missing: the square reaches size // 2 positions to each side, including that "
            "distance.",
            slips.by_distance(lambda row, column, size: slips.farthest(row, column) < size // 2),
        ),
        Misconception(
            "too-small-in-one-direction",
            "The square is too small in one direction. In both directions it reaches size // 2 positions to each "
            "side, including that distance.",
            _TOO_SMALL[0],
            *(_TOO_SMALL[1:]),
        ),
        Misconception(
            "far-in-one-direction",
            "In one direction, distant positions count as near. Check the two comparisons.",
            _FAR[0],
            *(_FAR[1:]),
        ),
        Misconception(
            "too-large",
            "The square is too large: size is its whole side. How far does it then reach to each side of the centre?",
            slips.by_distance(lambda row, column, size: slips.farthest(row, column) <= size),
            slips.by_distance(lambda row, column, size: slips.farthest(row, column) < size),
            slips.by_distance(lambda row, column, size: slips.farthest(row, column) <= size // 2 + 1),
        ),
        Misconception(
            "too-large-in-one-direction",
            "In one direction the square is too large: size is its whole side. How far does it then reach to each "
            "side of the centre?",
            _TOO_LARGE[0],
            *(_TOO_LARGE[1:]),
        ),
        Misconception(
            "diamond",
            "This is a diamond: row and column distances are added. In a square, each is compared separately.",
            slips.by_distance(lambda row, column, size: row.abs() + column.abs() <= size // 2),
            slips.by_distance(lambda row, column, size: row.abs() + column.abs() <= 1),
            slips.by_distance(lambda row, column, size: row.abs() + column.abs() <= size),
            slips.by_distance(lambda row, column, size: row.abs() + column.abs() < size),
        ),
        Misconception(
            "circle",
            "This is a circle: the straight-line distance between the two positions is compared. In a square, the "
            "row distance and the column distance are compared separately.",
            slips.by_distance(lambda row, column, size: row.square() + column.square() <= (size // 2) ** 2),
            slips.by_distance(lambda row, column, size: row.square() + column.square() <= (size / 2) ** 2),
            slips.by_distance(lambda row, column, size: row.square() + column.square() < size**2),
            slips.by_distance(lambda row, column, size: row.square() + column.square() <= size**2),
        ),
        Misconception(
            "plus",
            "This is a plus: it has only positions in the same row or the same column. A square has its corners too.",
            slips.by_distance(
                lambda row, column, size: slips.square(row, column, size) & ((row == 0) | (column == 0))
            ),
        ),
        Misconception(
            "height-for-width",
            "The positions are numbered as if a row were height positions long, or column by column. In raster order "
            "a row is width positions long.",
            slips.by_distance(slips.square, rows_long="height"),
        ),
        Misconception(
            "two-lengths",
            "A position's row and column are computed with different lengths, one with height and one with width. In "
            "raster order a row is width positions long, for both.",
            slips.mixed_lengths("height", "width"),
            slips.mixed_lengths("width", "height"),
        ),
        Misconception(
            "two-orders",
            "One axis of the matrix is in raster order, and along the other the positions run down the columns. "
            "Number them in the same way on both.",
            slips.two_orders(0),
            slips.two_orders(2),
        ),
        Misconception(
            "turned-round",
            "The mask is inverted. As in `attend`, True means that a position may attend.",
            lambda height, width, size: ~neighbourhood_mask(height, width, size),
        ),
        Misconception(
            "not-boolean",
            "These are numbers, 0 and 1, in the right positions. A mask has True and False: its dtype is bool.",
            slips.as_dtype(torch.float32),
            *tuple(map(slips.as_dtype, (torch.int64, torch.int32, torch.uint8, torch.float64))),
        ),
        Misconception(
            "to-be-added",
            "This is a mask to add to the scores: 0 where a position may attend, and a very negative number "
            "elsewhere. The mask for `attend` has True and False.",
            slips.added(-math.inf),
            slips.added(-1e9),
            slips.added(-1e30),
            slips.added(-1e4),
        ),
        Misconception(
            "without-itself",
            "A position is not its own neighbour here. The centre belongs to its square.",
            slips.by_distance(
                lambda row, column, size: slips.square(row, column, size) & ((row != 0) | (column != 0))
            ),
        ),
        Misconception(
            "rim-only",
            "Only the edge of the square is True. The positions inside it are neighbours too.",
            slips.by_distance(lambda row, column, size: slips.farthest(row, column) == size // 2),
        ),
        Misconception(
            "signed-differences",
            "Differences keep their sign, so everything on one side counts as near, however far away it is. A "
            "distance has no sign.",
            slips.by_distance(lambda row, column, size: (row <= size // 2) & (column <= size // 2)),
            slips.by_distance(lambda row, column, size: (row >= -(size // 2)) & (column >= -(size // 2))),
            *slips.in_one_direction(lambda difference, size: difference <= size // 2),
            *slips.in_one_direction(lambda difference, size: difference >= -(size // 2)),
        ),
        Misconception(
            "not-centred",
            "The position is in a corner of its square, which reaches to one side only. It is the centre: the square "
            "reaches equally far to all sides.",
            slips.by_distance(lambda row, column, size: (row >= 0) & (row < size) & (column >= 0) & (column < size)),
            slips.by_distance(
                lambda row, column, size: (row <= 0) & (row > -size) & (column <= 0) & (column > -size)
            ),
        ),
        Misconception(
            "range-ends-early",
            "The last row and the last column of every square are missing: the end of a range or a slice is not "
            "part of it.",
            slips.painted(lambda at, side, size: range(max(0, at - size // 2), min(side, at + size // 2))),
        ),
        Misconception(
            "last-of-the-map-missing",
            "No position has a neighbour in the last row or the last column of the map: the end of a range or a slice "
            "is not part of it.",
            slips.painted(lambda at, side, size: range(max(0, at - size // 2), min(side - 1, at + size // 2 + 1))),
        ),
        Misconception(
            "slices-below-zero",
            "Neighbours are missing near the top and the left border: there the slice starts below zero, and a "
            "negative index counts from the end. Start at 0 or above.",
            slips.painted(lambda at, side, size: range(side)[at - size // 2 : at + size // 2 + 1]),
        ),
        Misconception(
            "causal",
            "Each position has only the neighbours on one side of it in the sequence, either the later or the "
            "earlier ones. This is not a causal mask: a pixel may attend in all directions.",
            lambda height, width, size: neighbourhood_mask(height, width, size).tril(),
            lambda height, width, size: neighbourhood_mask(height, width, size).triu(),
            lambda height, width, size: neighbourhood_mask(height, width, size).tril(-1),
            lambda height, width, size: neighbourhood_mask(height, width, size).triu(1),
        ),
        Misconception(
            "axes-mixed",
            "The axes are mixed up: rows are compared along one axis of the matrix, and columns along the other. "
            "Both axes hold positions, each with a row and a column.",
            slips.mixed_axes,
        ),
        Misconception(
            "square-maps-only",
            "Height or width is used for both sides of the map, so the matrix is right only for square maps.",
            lambda height, width, size: neighbourhood_mask(height, height, size),
            lambda height, width, size: neighbourhood_mask(width, width, size),
        ),
        Misconception(
            "size-written-in",
            "The size of the neighbourhood is hard-coded: the same positions are neighbours for every size.",
            lambda height, width, size: neighbourhood_mask(height, width, 3),
            *tuple(
                (lambda height, width, size, fixed=fixed: neighbourhood_mask(height, width, fixed))
                for fixed in (5, 7)
            ),
        ),
        Misconception(
            "windows",
            "The map is cut into windows, and a position attends only to its own window. Here every position is the "
            "centre of its own square, and the squares overlap.",
            slips.windows,
        ),
        Misconception(
            "which-neighbours-exist",
            "This says, for each position, which of its size² neighbours exist. A mask for `attend` says, for each "
            "pair of positions, whether one may attend to the other.",
            slips.which_exist,
        ),
    ),
)
