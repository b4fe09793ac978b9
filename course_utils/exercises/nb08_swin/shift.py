"""The mask of shifted windows."""

import math

import torch
from torch import Generator, Tensor

from course_utils.attention.window import shift_mask
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.exercises.nb08_swin import shift_slips as slips


def _cases(g: Generator) -> list[Arguments]:
    """Square and oblong maps, both shifts different, one of them zero, and none."""
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
            "one window is as high as the map, and yet the rows are shifted",
            "There, too, what came round is another piece than what stayed.",
        )
    ]


SHIFT_MASK = Exercise(
    name="08.shift_mask",
    title="Who may look at whom in a shifted window",
    points=2,
    reference=shift_mask,
    cases=_cases,
    wild=_wild,
    hints=(
        "Which rows of the rolled map come from the top of the picture, which columns from its left? Look at the figure "
        "above: there `shift` is (2, 2).",
        "Give every place of the rolled map a number that says which piece it belongs to. Two yes-or-no questions (did "
        "its row come round? did its column?) make four pieces, so the number must tell four answers apart.",
        "Cut the map of these numbers into windows, as you cut any map: `partition` wants axes for batch and features "
        "too. In each window compare all pairs of places: two may look at each other when their numbers are equal.",
    ),
    misconceptions=(
        Misconception(
            "turned-round",
            "The mask is inverted. As in `attend`, True means that a place may look.",
            slips.changed(torch.logical_not),
        ),
        Misconception(
            "scores-instead-of-booleans",
            "These are numbers to be added to the scores, 0 and a negative one. A boolean mask as in `attend` is asked "
            "for: True where a place may look.",
            slips.scores(-math.inf),
            *tuple(slips.scores(hidden) for hidden in (-100.0, -1e9, -1e30, -1e4, -1000.0, -1.0)),
        ),
        Misconception(
            "numbers-instead-of-booleans",
            "The mask holds ones and zeros, and the notebook will want `~mask`, which needs True and False. A comparison "
            "with `==` gives booleans.",
            slips.changed(Tensor.long),
            slips.changed(Tensor.float),
            slips.changed(Tensor.double),
        ),
        Misconception(
            "numbers-turned-round",
            "The mask holds numbers, and ones where a place may *not* look. Booleans are asked for, True where it may.",
            slips.changed(lambda mask: (~mask).long()),
            slips.changed(lambda mask: (~mask).float()),
        ),
        Misconception(
            "two-pieces-with-one-number",
            "Two different pieces have the same number: what came round in rows and what came round in columns both "
            "count 1. Give one of the two questions twice the weight.",
            slips.slip(pieces=lambda y, x: y + x),
        ),
        Misconception(
            "nothing-hidden",
            "Nothing is hidden: every place may look at its whole window, so the top of the picture talks to its bottom. "
            "The cut runs *through* the last windows.",
            slips.all_true,
        ),
        Misconception(
            "rows-only",
            "Only the rows are looked at: the left border of the picture may still look at the right one.",
            slips.slip(pieces=lambda y, x: y),
        ),
        Misconception(
            "columns-only",
            "Only the columns are looked at: the top of the picture may still look at its bottom.",
            slips.slip(pieces=lambda y, x: x),
        ),
        Misconception(
            "corner-only",
            "Only the corner is set apart. What came round in rows alone, or in columns alone, is another piece too.",
            slips.slip(pieces=lambda y, x: y & x),
        ),
        Misconception(
            "came-round-or-not",
            "There are two pieces here, what came round and what did not. But rows that came round and columns that did "
            "are not neighbours either: four pieces can meet in one window.",
            slips.slip(pieces=lambda y, x: y | x),
        ),
        Misconception(
            "corner-with-the-rest",
            "The corner, which came round in rows *and* columns, is put together with what stayed, and the two other "
            "pieces with each other. There are four pieces.",
            slips.slip(pieces=lambda y, x: y ^ x),
        ),
        Misconception(
            "corner-with-a-neighbour",
            "The corner, which came round in rows *and* columns, has the same number as one of the two pieces beside it, "
            "as when one assignment overwrites another. Four pieces need four numbers.",
            slips.slip(pieces=lambda y, x: torch.where(x.bool(), 2, y)),
            slips.slip(pieces=lambda y, x: torch.where(y.bool(), 2, x)),
            slips.overwritten(0),
            slips.overwritten(1),
        ),
        Misconception(
            "rows-or-columns",
            "Two places may look at each other here when they agree in rows *or* in columns. To be in one piece they must "
            "agree in both.",
            slips.either,
        ),
        Misconception(
            "one-too-few",
            "The piece that came round is one row and one column too small. `shift` of them came round: look at > and >=.",
            slips.slip(side=lambda places, length, window, shift: places > length - shift),
        ),
        Misconception(
            "one-too-many",
            "The piece that came round is one row and one column too large. Exactly `shift` of them came round; places are "
            "counted from 0.",
            slips.slip(side=lambda places, length, window, shift: places >= length - shift - 1),
        ),
        Misconception(
            "wrong-end",
            "The pieces lie at the wrong end. After a roll up and to the left, what came round stands in the *last* "
            "rows and columns.",
            slips.slip(side=lambda places, length, window, shift: places < shift),
            slips.slip(side=lambda places, length, window, shift: places <= shift),
        ),
        Misconception(
            "window-minus-shift",
            "The cut lies window - shift rows and columns from the end. After a shift of 1, how many rows at the bottom "
            "have come round?",
            slips.slip(shifts=lambda shift, window: (window - shift[0], window - shift[1])),
        ),
        Misconception(
            "shifts-exchanged",
            "The two shifts are swapped. The first is that of the rows, the second that of the columns.",
            slips.slip(shifts=lambda shift, window: (shift[1], shift[0])),
        ),
        Misconception(
            "one-shift-for-both",
            "One shift is used for rows and columns alike. `shift` is a pair, and its two numbers may differ.",
            slips.slip(shifts=lambda shift, window: (shift[0], shift[0])),
            slips.slip(shifts=lambda shift, window: (shift[1], shift[1])),
            slips.slip(shifts=lambda shift, window: (max(shift), max(shift))),
            slips.slip(shifts=lambda shift, window: (min(shift), min(shift))),
        ),
        Misconception(
            "half-a-window-always",
            "The shift is taken to be half a window, whatever it is. It comes as an argument, and may be zero.",
            slips.slip(shifts=lambda shift, window: (window // 2, window // 2)),
        ),
        Misconception(
            "shift-hard-coded",
            "The shift is always the same number here, whatever is asked for. It comes as an argument.",
            slips.slip(shifts=lambda shift, window: (2, 2)),
            slips.slip(shifts=lambda shift, window: (1, 1)),
            slips.slip(shifts=lambda shift, window: (3, 3)),
        ),
        Misconception(
            "height-and-width-exchanged",
            "Height and width are swapped. Rows are counted up to the height, columns up to the width: try a map that is not "
            "square.",
            slips.slip(sides=lambda height, width: (width, height)),
            lambda height, width, window, shift: shift_mask(width, height, window, shift),
        ),
        Misconception(
            "square-maps-only",
            "One side is used for both, which is right for square maps only. Rows are counted up to the height, columns up "
            "to the width.",
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
            "Every window is cut: tokens of different old windows are kept apart, though the shift is there to let them "
            "meet. Only what came round is another piece, and it lies in the last windows.",
            slips.in_each_window,
            slips.of_old_windows,
        ),
        Misconception(
            "last-window-only",
            "Only the last window is cut. Those above it and to its left hold what came round as well, in one direction.",
            slips.last_window_only,
        ),
        Misconception(
            "windows-down-the-columns",
            "The windows are numbered down the columns. They should come in reading order, as from `partition`.",
            slips.slip(cut="(y i) (x j) -> (x y) (i j)"),
        ),
        Misconception(
            "places-down-the-columns",
            "In each window the places run down the columns. They should come in reading order, as from `partition`.",
            slips.slip(cut="(y i) (x j) -> (y x) (j i)"),
        ),
        Misconception(
            "bare-reshape",
            "The map of pieces is reshaped into windows, but a reshape does not cut squares. Use `partition`.",
            slips.reshaped,
        ),
        Misconception(
            "one-mask-for-the-map",
            "This is one mask for the whole map, every place against every other. Cut the map into windows first: (windows, "
            "window², window²).",
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
            "The map of pieces is rolled once more, though it already describes the rolled map. Number the places where "
            "they stand *after* the roll.",
            slips.rolled(-1),
        ),
        Misconception(
            "rolled-the-other-way",
            "The places are followed in the wrong direction: after a roll up, the row at the very top comes "
            "from further *down*, and what came round stands in the last rows. The columns likewise.",
            slips.slip(side=lambda places, length, window, shift: places.roll(shift) < shift),
        ),
        Misconception(
            "none-without-a-shift",
            "Where a shift is zero, None is returned. A mask is asked for there, too, even if it hides nothing.",
            slips.none_when(lambda shift: not all(shift)),
            slips.none_when(lambda shift: not any(shift)),
        ),
        Misconception(
            "differences",
            "These are differences of the pieces' numbers: 0 where two places lie in the same piece. Ask whether the numbers "
            "are equal, `==`.",
            slips.compared(lambda one, other: one - other),
        ),
        Misconception(
            "both-came-round",
            "Two places may look at each other here only if both came round, in whichever direction. Ask whether their "
            "pieces are the same.",
            slips.compared(lambda one, other: (one > 0) & (other > 0)),
        ),
        Misconception(
            "both-stayed",
            "Only places that stayed may look at each other here. What came round has neighbours too, in its own piece.",
            slips.compared(lambda one, other: (one == 0) & (other == 0)),
        ),
        Misconception(
            "compared-by-size",
            "The pieces' numbers are compared by size, so that one piece may look at another but not the other way round. "
            "Ask whether the numbers are equal, `==`.",
            slips.compared(torch.ge),
            slips.compared(torch.le),
            slips.compared(torch.gt),
            slips.compared(torch.lt),
        ),
        Misconception(
            "causal",
            "Here the order of the places decides who may look at whom, as in a causal mask. Only their pieces should "
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
            "Here the distance of two places decides whether they may look at each other. Within a piece every place may "
            "look at every other, however far away it is.",
            slips.by_distance(lambda distance, window: distance <= window // 2),
            slips.by_distance(lambda distance, window: distance < window // 2),
            slips.by_distance(lambda distance, window: distance <= 1),
            slips.by_distance(lambda distance, window: distance <= window // 2, in_the_picture=False),
            slips.by_distance(lambda distance, window: distance < window // 2, in_the_picture=False),
            slips.by_distance(lambda distance, window: distance <= 1, in_the_picture=False),
        ),
        Misconception(
            "not-itself",
            "A place may not look at itself here. It lies in the same piece as itself.",
            slips.changed(lambda mask: mask & ~torch.eye(mask.shape[-1], dtype=torch.bool)),
        ),
        Misconception(
            "only-itself",
            "A place may look at nothing but itself: every place has a piece of its own. Pieces are large; there are at "
            "most four.",
            slips.changed(lambda mask: torch.eye(mask.shape[-1], dtype=torch.bool).expand_as(mask)),
        ),
    ),
)
