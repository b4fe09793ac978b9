"""The mask of shifted windows."""

import math

import torch
from torch import Generator, Tensor

from course_utils.attention.window import shift_mask
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.exercises.nb08_swin import shift_slips as slips


def _cases(g: Generator) -> list[Arguments]:
    """Square and non-square maps; both shifts different, one of them zero, and both zero."""
    return [
        (8, 8, 4, (1, 1)),
        (6, 9, 3, (1, 2)),
        (8, 4, 4, (3, 0)),
        (10, 15, 5, (2, 3)),
        (8, 12, 4, (0, 0)),
        (4, 12, 4, (0, 1)),
    ]


def _wild(g: Generator) -> list[Wild]:
    return [
        Wild(
            "one-window-high",
            (4, 8, 4, (2, 1)),
            "one window is as high as the map, but the rows are shifted",
            "Rows that wrapped around are still a different piece from rows that did not.",
        )
    ]


SHIFT_MASK = Exercise(
    name="08.shift_mask",
    title="The mask of shifted windows",
    points=2,
    reference=shift_mask,
    cases=_cases,
    wild=_wild,
    hints=(
        "Which rows of the rolled map come from the top of the image, and which columns from its left? Look at the "
        "figure above: there `shift` is (2, 2).",
        "Give every position of the rolled map a number for its piece. Two yes-or-no questions (did its row wrap "
        "around? did its column?) make four pieces, so the number must have four values.",
        "Partition the map of these numbers like any map: `partition` needs axes for batch and features too. In each "
        "window, compare all pairs of positions: two may attend to each other if their numbers are equal.",
    ),
    misconceptions=(
        Misconception(
            "turned-round",
            "The mask is inverted. As in `attend`, True means that a position may attend.",
            slips.changed(torch.logical_not),
        ),
        Misconception(
            "scores-instead-of-booleans",
            "These are numbers to add to the scores, 0 and a negative one. Return a boolean mask as in `attend`: "
            "True where a position may attend.",
            slips.scores(-math.inf),
            *tuple(slips.scores(hidden) for hidden in (-100.0, -1e9, -1e30, -1e4, -1000.0, -1.0)),
        ),
        Misconception(
            "numbers-instead-of-booleans",
            "The mask has ones and zeros, but the notebook uses `~mask`, which needs True and False. A comparison "
            "with `==` gives booleans.",
            slips.changed(Tensor.long),
            slips.changed(Tensor.float),
            slips.changed(Tensor.double),
        ),
        Misconception(
            "numbers-turned-round",
            "The mask has numbers, with ones where a position may *not* attend. Return booleans, True where it may.",
            slips.changed(lambda mask: (~mask).long()),
            slips.changed(lambda mask: (~mask).float()),
        ),
        Misconception(
            "two-pieces-with-one-number",
            "Two different pieces have the same number: wrapped rows and wrapped columns both count 1. Count one of "
            "them as 2.",
            slips.slip(pieces=lambda y, x: y + x),
        ),
        Misconception(
            "nothing-hidden",
            "Nothing is masked: every position may attend to its whole window, so the top of the image attends to "
            "its bottom. The boundary goes *through* the last windows.",
            slips.all_true,
        ),
        Misconception(
            "rows-only",
            "Only the rows are compared: the left edge of the image may still attend to the right one.",
            slips.slip(pieces=lambda y, x: y),
        ),
        Misconception(
            "columns-only",
            "Only the columns are compared: the top of the image may still attend to its bottom.",
            slips.slip(pieces=lambda y, x: x),
        ),
        Misconception(
            "corner-only",
            "Only the corner is a separate piece. Positions that wrapped only in rows, or only in columns, are "
            "separate pieces too.",
            slips.slip(pieces=lambda y, x: y & x),
        ),
        Misconception(
            "came-round-or-not",
            "You have two pieces: wrapped or not. But wrapped rows and wrapped columns are not neighbours either: "
            "one window can have four pieces.",
            slips.slip(pieces=lambda y, x: y | x),
        ),
        Misconception(
            "corner-with-the-rest",
            "The corner, which wrapped in rows *and* columns, is joined with the positions that did not wrap, and "
            "the two other pieces with each other. There are four pieces.",
            slips.slip(pieces=lambda y, x: y ^ x),
        ),
        Misconception(
            "corner-with-a-neighbour",
            "The corner, which wrapped in rows *and* columns, has the same number as one of the two pieces next to "
            "it, as happens if one assignment overwrites another. Four pieces need four numbers.",
            slips.slip(pieces=lambda y, x: torch.where(x.bool(), 2, y)),
            slips.slip(pieces=lambda y, x: torch.where(y.bool(), 2, x)),
            slips.overwritten(0),
            slips.overwritten(1),
        ),
        Misconception(
            "rows-or-columns",
            "Here two positions may attend to each other if they agree in rows *or* in columns. To be in one piece, "
            "they must agree in both.",
            slips.either,
        ),
        Misconception(
            "one-too-few",
            "The wrapped piece is one row and one column too small. `shift` of them wrapped around: check > and >=.",
            slips.slip(side=lambda places, length, window, shift: places > length - shift),
        ),
        Misconception(
            "one-too-many",
            "The wrapped piece is one row and one column too large. Exactly `shift` of them wrapped around; "
            "positions are counted from 0.",
            slips.slip(side=lambda places, length, window, shift: places >= length - shift - 1),
        ),
        Misconception(
            "wrong-end",
            "The pieces are at the wrong end. After a roll up and to the left, the wrapped rows and columns are the "
            "*last* ones.",
            slips.slip(side=lambda places, length, window, shift: places < shift),
            slips.slip(side=lambda places, length, window, shift: places <= shift),
        ),
        Misconception(
            "window-minus-shift",
            "The boundary is window - shift rows and columns from the end. After a shift of 1, how many rows at the "
            "bottom have wrapped around?",
            slips.slip(shifts=lambda shift, window: (window - shift[0], window - shift[1])),
        ),
        Misconception(
            "shifts-exchanged",
            "The two shifts are swapped. The first is for the rows, the second for the columns.",
            slips.slip(shifts=lambda shift, window: (shift[1], shift[0])),
        ),
        Misconception(
            "one-shift-for-both",
            "One shift is used for both rows and columns. `shift` is a pair, and its two numbers may differ.",
            slips.slip(shifts=lambda shift, window: (shift[0], shift[0])),
            slips.slip(shifts=lambda shift, window: (shift[1], shift[1])),
            slips.slip(shifts=lambda shift, window: (max(shift), max(shift))),
            slips.slip(shifts=lambda shift, window: (min(shift), min(shift))),
        ),
        Misconception(
            "half-a-window-always",
            "The shift is assumed to be half a window. Use the argument, which may be zero.",
            slips.slip(shifts=lambda shift, window: (window // 2, window // 2)),
        ),
        Misconception(
            "shift-hard-coded",
            "The shift is a constant. Use the argument.",
            slips.slip(shifts=lambda shift, window: (2, 2)),
            slips.slip(shifts=lambda shift, window: (1, 1)),
            slips.slip(shifts=lambda shift, window: (3, 3)),
        ),
        Misconception(
            "height-and-width-exchanged",
            "Height and width are swapped. Rows go up to the height, columns up to the width: try a map that is not "
            "square.",
            slips.slip(sides=lambda height, width: (width, height)),
            lambda height, width, window, shift: shift_mask(width, height, window, shift),
        ),
        Misconception(
            "square-maps-only",
            "One side is used for both, which is right only for square maps. Rows go up to the height, columns up to "
            "the width.",
            slips.slip(sides=lambda height, width: (height, height)),
            slips.slip(sides=lambda height, width: (width, width)),
            lambda height, width, window, shift: shift_mask(height, height, window, shift),
            lambda height, width, window, shift: shift_mask(width, width, window, shift),
            slips.cropped(lambda height, width: height),
            slips.cropped(lambda height, width: width),
            slips.cropped(max),
            slips.cropped(min),
        ),
        Misconception(
            "every-window-cut",
            "Every window is split: tokens of different old windows are separated, although the shift should connect "
            "them. Only wrapped positions are separate pieces, and they are in the last windows.",
            slips.in_each_window,
            slips.of_old_windows,
        ),
        Misconception(
            "last-window-only",
            "Only the last window is split. Those above it and to its left also have wrapped positions, in one "
            "direction.",
            slips.last_window_only,
        ),
        Misconception(
            "windows-down-the-columns",
            "The windows go column by column. They should be in raster order, as from `partition`.",
            slips.slip(cut="(y i) (x j) -> (x y) (i j)"),
        ),
        Misconception(
            "places-down-the-columns",
            "In each window, the positions go column by column. They should be in raster order, as from `partition`.",
            slips.slip(cut="(y i) (x j) -> (y x) (j i)"),
        ),
        Misconception(
            "bare-reshape",
            "The map of pieces is reshaped into windows, but a reshape does not cut squares. Use `partition`.",
            slips.reshaped,
        ),
        Misconception(
            "one-mask-for-the-map",
            "This is one mask for the whole map. Partition the map into windows first: (windows, window², window²).",
            slips.whole_map,
        ),
        Misconception(
            "one-window",
            "The mask of a single window is returned. Each window has its own: (windows, window², window²).",
            slips.changed(lambda mask: mask[-1]),
            slips.changed(lambda mask: mask[0]),
        ),
        Misconception(
            "rolled-again",
            "The map of pieces is rolled, although it already describes the rolled map. Number the positions as they "
            "are *after* the roll.",
            slips.rolled(-1),
        ),
        Misconception(
            "rolled-the-other-way",
            "The roll is applied in the wrong direction: after a roll up, the top row comes from further *down*, and "
            "the wrapped rows are the last ones. The same holds for columns.",
            slips.slip(side=lambda places, length, window, shift: places.roll(shift) < shift),
        ),
        Misconception(
            "none-without-a-shift",
            "If a shift is zero, None is returned. Return a mask there, too, even if it masks nothing.",
            slips.none_when(lambda shift: not all(shift)),
            slips.none_when(lambda shift: not any(shift)),
        ),
        Misconception(
            "differences",
            "These are differences of the pieces' numbers: 0 where two positions are in the same piece. Test whether "
            "the numbers are equal, `==`.",
            slips.compared(lambda one, other: one - other),
        ),
        Misconception(
            "both-came-round",
            "Here two positions may attend to each other only if both wrapped around, in either direction. Test "
            "whether their pieces are the same.",
            slips.compared(lambda one, other: (one > 0) & (other > 0)),
        ),
        Misconception(
            "both-stayed",
            "Here only positions that did not wrap may attend to each other. Wrapped positions may attend within "
            "their own piece.",
            slips.compared(lambda one, other: (one == 0) & (other == 0)),
        ),
        Misconception(
            "compared-by-size",
            "The pieces' numbers are compared by size, so one piece may attend to another but not vice versa. Test "
            "whether the numbers are equal, `==`.",
            slips.compared(torch.ge),
            slips.compared(torch.le),
            slips.compared(torch.gt),
            slips.compared(torch.lt),
        ),
        Misconception(
            "causal",
            "Here the order of the positions decides which may attend, as in a causal mask. Only their pieces should "
            "count.",
            slips.changed(lambda mask: torch.ones_like(mask).tril()),
            slips.changed(lambda mask: mask.tril()),
            slips.changed(lambda mask: mask.triu()),
            slips.changed(lambda mask: torch.ones_like(mask).triu()),
            slips.changed(lambda mask: torch.ones_like(mask).tril(-1)),
            slips.changed(lambda mask: torch.ones_like(mask).triu(1)),
        ),
        Misconception(
            "by-distance",
            "Here the distance of two positions decides whether they may attend to each other. Within a piece, every "
            "position may attend to every other, at any distance.",
            slips.by_distance(lambda distance, window: distance <= window // 2),
            slips.by_distance(lambda distance, window: distance < window // 2),
            slips.by_distance(lambda distance, window: distance <= 1),
            slips.by_distance(lambda distance, window: distance <= window // 2, in_the_image=False),
            slips.by_distance(lambda distance, window: distance < window // 2, in_the_image=False),
            slips.by_distance(lambda distance, window: distance <= 1, in_the_image=False),
        ),
        Misconception(
            "not-itself",
            "Here a position may not attend to itself. It is in the same piece as itself, so it may.",
            slips.changed(lambda mask: mask & ~torch.eye(mask.shape[-1], dtype=torch.bool)),
        ),
        Misconception(
            "only-itself",
            "A position may attend only to itself, because every position is a separate piece. There are at most "
            "four pieces per window.",
            slips.changed(lambda mask: torch.eye(mask.shape[-1], dtype=torch.bool).expand_as(mask)),
        ),
    ),
)
