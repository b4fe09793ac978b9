"""The mask of shifted windows."""

import math

import torch
from torch import Generator, Tensor

from course_utils.attention.window import shift_mask
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.exercises.nb08_swin.shift_slips import (
    all_true,
    by_distance,
    changed,
    compared,
    cropped,
    either,
    in_each_window,
    last_window_only,
    none_when,
    of_old_windows,
    overwritten,
    reshaped,
    rolled,
    scores,
    slip,
    whole_map,
)


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
            changed(torch.logical_not),
            "The mask is inverted. As in `attend`, True means that a place may look.",
            name="turned-round",
        ),
        Misconception(
            scores(-math.inf),
            "These are numbers to be added to the scores, 0 and a negative one. A boolean mask as in `attend` is asked "
            "for: True where a place may look.",
            name="scores-instead-of-booleans",
            also=tuple(scores(hidden) for hidden in (-100.0, -1e9, -1e30, -1e4, -1000.0, -1.0)),
        ),
        Misconception(
            changed(Tensor.long),
            "The mask holds ones and zeros, and the notebook will want `~mask`, which needs True and False. A comparison "
            "with `==` gives booleans.",
            name="numbers-instead-of-booleans",
            also=(changed(Tensor.float), changed(Tensor.double)),
        ),
        Misconception(
            changed(lambda mask: (~mask).long()),
            "The mask holds numbers, and ones where a place may *not* look. Booleans are asked for, True where it may.",
            name="numbers-turned-round",
            also=(changed(lambda mask: (~mask).float()),),
        ),
        Misconception(
            slip(pieces=lambda y, x: y + x),
            "Two different pieces have the same number: what came round in rows and what came round in columns both "
            "count 1. Give one of the two questions twice the weight.",
            name="two-pieces-with-one-number",
        ),
        Misconception(
            all_true,
            "Nothing is hidden: every place may look at its whole window, so the top of the picture talks to its bottom. "
            "The cut runs *through* the last windows.",
            name="nothing-hidden",
        ),
        Misconception(
            slip(pieces=lambda y, x: y),
            "Only the rows are looked at: the left border of the picture may still look at the right one.",
            name="rows-only",
        ),
        Misconception(
            slip(pieces=lambda y, x: x),
            "Only the columns are looked at: the top of the picture may still look at its bottom.",
            name="columns-only",
        ),
        Misconception(
            slip(pieces=lambda y, x: y & x),
            "Only the corner is set apart. What came round in rows alone, or in columns alone, is another piece too.",
            name="corner-only",
        ),
        Misconception(
            slip(pieces=lambda y, x: y | x),
            "There are two pieces here, what came round and what did not. But rows that came round and columns that did "
            "are not neighbours either: four pieces can meet in one window.",
            name="came-round-or-not",
        ),
        Misconception(
            slip(pieces=lambda y, x: y ^ x),
            "The corner, which came round in rows *and* columns, is put together with what stayed, and the two other "
            "pieces with each other. There are four pieces.",
            name="corner-with-the-rest",
        ),
        Misconception(
            slip(pieces=lambda y, x: torch.where(x.bool(), 2, y)),
            "The corner, which came round in rows *and* columns, has the same number as one of the two pieces beside it, "
            "as when one assignment overwrites another. Four pieces need four numbers.",
            name="corner-with-a-neighbour",
            also=(slip(pieces=lambda y, x: torch.where(y.bool(), 2, x)), overwritten(0), overwritten(1)),
        ),
        Misconception(
            either,
            "Two places may look at each other here when they agree in rows *or* in columns. To be in one piece they must "
            "agree in both.",
            name="rows-or-columns",
        ),
        Misconception(
            slip(side=lambda places, length, window, shift: places > length - shift),
            "The piece that came round is one row and one column too small. `shift` of them came round: look at > and >=.",
            name="one-too-few",
        ),
        Misconception(
            slip(side=lambda places, length, window, shift: places >= length - shift - 1),
            "The piece that came round is one row and one column too large. Exactly `shift` of them came round; places are "
            "counted from 0.",
            name="one-too-many",
        ),
        Misconception(
            slip(side=lambda places, length, window, shift: places < shift),
            "The pieces lie at the wrong end. After a roll up and to the left, what came round stands in the *last* "
            "rows and columns.",
            name="wrong-end",
            also=(slip(side=lambda places, length, window, shift: places <= shift),),
        ),
        Misconception(
            slip(shifts=lambda shift, window: (window - shift[0], window - shift[1])),
            "The cut lies window - shift rows and columns from the end. After a shift of 1, how many rows at the bottom "
            "have come round?",
            name="window-minus-shift",
        ),
        Misconception(
            slip(shifts=lambda shift, window: (shift[1], shift[0])),
            "The two shifts are swapped. The first is that of the rows, the second that of the columns.",
            name="shifts-exchanged",
        ),
        Misconception(
            slip(shifts=lambda shift, window: (shift[0], shift[0])),
            "One shift is used for rows and columns alike. `shift` is a pair, and its two numbers may differ.",
            name="one-shift-for-both",
            also=(
                slip(shifts=lambda shift, window: (shift[1], shift[1])),
                slip(shifts=lambda shift, window: (max(shift), max(shift))),
                slip(shifts=lambda shift, window: (min(shift), min(shift))),
            ),
        ),
        Misconception(
            slip(shifts=lambda shift, window: (window // 2, window // 2)),
            "The shift is taken to be half a window, whatever it is. It comes as an argument, and may be zero.",
            name="half-a-window-always",
        ),
        Misconception(
            slip(shifts=lambda shift, window: (2, 2)),
            "The shift is always the same number here, whatever is asked for. It comes as an argument.",
            name="shift-hard-coded",
            also=(slip(shifts=lambda shift, window: (1, 1)), slip(shifts=lambda shift, window: (3, 3))),
        ),
        Misconception(
            slip(sides=lambda height, width: (width, height)),
            "Height and width are swapped. Rows are counted up to the height, columns up to the width: try a map that is not "
            "square.",
            name="height-and-width-exchanged",
            also=(lambda height, width, window, shift: shift_mask(width, height, window, shift),),
        ),
        Misconception(
            slip(sides=lambda height, width: (height, height)),
            "One side is used for both, which is right for square maps only. Rows are counted up to the height, columns up "
            "to the width.",
            name="square-maps-only",
            also=(
                slip(sides=lambda height, width: (width, width)),
                lambda height, width, window, shift: shift_mask(height, height, window, shift),
                lambda height, width, window, shift: shift_mask(width, width, window, shift),
                cropped(lambda height, width: height),
                cropped(lambda height, width: width),
                cropped(max),
                cropped(min),
            ),
        ),
        Misconception(
            in_each_window,
            "Every window is cut: tokens of different old windows are kept apart, though the shift is there to let them "
            "meet. Only what came round is another piece, and it lies in the last windows.",
            name="every-window-cut",
            also=(of_old_windows,),
        ),
        Misconception(
            last_window_only,
            "Only the last window is cut. Those above it and to its left hold what came round as well, in one direction.",
            name="last-window-only",
        ),
        Misconception(
            slip(cut="(y i) (x j) -> (x y) (i j)"),
            "The windows are numbered down the columns. They should come in reading order, as from `partition`.",
            name="windows-down-the-columns",
        ),
        Misconception(
            slip(cut="(y i) (x j) -> (y x) (j i)"),
            "In each window the places run down the columns. They should come in reading order, as from `partition`.",
            name="places-down-the-columns",
        ),
        Misconception(
            reshaped,
            "The map of pieces is reshaped into windows, but a reshape does not cut squares. Use `partition`.",
            name="bare-reshape",
        ),
        Misconception(
            whole_map,
            "This is one mask for the whole map, every place against every other. Cut the map into windows first: (windows, "
            "window², window²).",
            name="one-mask-for-the-map",
        ),
        Misconception(
            changed(lambda mask: mask[-1]),
            "The mask of a single window is returned. Each window has its own: (windows, window², window²).",
            name="one-window",
            also=(changed(lambda mask: mask[0]),),
        ),
        Misconception(
            rolled(-1),
            "The map of pieces is rolled once more, though it already describes the rolled map. Number the places where "
            "they stand *after* the roll.",
            name="rolled-again",
        ),
        Misconception(
            slip(side=lambda places, length, window, shift: places.roll(shift) < shift),
            "The places are followed in the wrong direction: after a roll up, the row at the very top comes "
            "from further *down*, and what came round stands in the last rows. The columns likewise.",
            name="rolled-the-other-way",
        ),
        Misconception(
            none_when(lambda shift: not all(shift)),
            "Where a shift is zero, None is returned. A mask is asked for there, too, even if it hides nothing.",
            name="none-without-a-shift",
            also=(none_when(lambda shift: not any(shift)),),
        ),
        Misconception(
            compared(lambda one, other: one - other),
            "These are differences of the pieces' numbers: 0 where two places lie in the same piece. Ask whether the numbers "
            "are equal, `==`.",
            name="differences",
        ),
        Misconception(
            compared(lambda one, other: (one > 0) & (other > 0)),
            "Two places may look at each other here only if both came round, in whichever direction. Ask whether their "
            "pieces are the same.",
            name="both-came-round",
        ),
        Misconception(
            compared(lambda one, other: (one == 0) & (other == 0)),
            "Only places that stayed may look at each other here. What came round has neighbours too, in its own piece.",
            name="both-stayed",
        ),
        Misconception(
            compared(torch.ge),
            "The pieces' numbers are compared by size, so that one piece may look at another but not the other way round. "
            "Ask whether the numbers are equal, `==`.",
            name="compared-by-size",
            also=(compared(torch.le), compared(torch.gt), compared(torch.lt)),
        ),
        Misconception(
            changed(lambda mask: torch.ones_like(mask).tril()),
            "Here the order of the places decides who may look at whom, as in a causal mask. Only their pieces should "
            "count.",
            name="causal",
            also=(
                changed(lambda mask: mask.tril()),
                changed(lambda mask: mask.triu()),
                changed(lambda mask: torch.ones_like(mask).triu()),
                changed(lambda mask: torch.ones_like(mask).tril(-1)),
                changed(lambda mask: torch.ones_like(mask).triu(1)),
            ),
        ),
        Misconception(
            by_distance(lambda distance, window: distance <= window // 2),
            "Here the distance of two places decides whether they may look at each other. Within a piece every place may "
            "look at every other, however far away it is.",
            name="by-distance",
            also=(
                by_distance(lambda distance, window: distance < window // 2),
                by_distance(lambda distance, window: distance <= 1),
                by_distance(lambda distance, window: distance <= window // 2, in_the_picture=False),
                by_distance(lambda distance, window: distance < window // 2, in_the_picture=False),
                by_distance(lambda distance, window: distance <= 1, in_the_picture=False),
            ),
        ),
        Misconception(
            changed(lambda mask: mask & ~torch.eye(mask.shape[-1], dtype=torch.bool)),
            "A place may not look at itself here. It lies in the same piece as itself.",
            name="not-itself",
        ),
        Misconception(
            changed(lambda mask: torch.eye(mask.shape[-1], dtype=torch.bool).expand_as(mask)),
            "A place may look at nothing but itself: every place has a piece of its own. Pieces are large; there are at "
            "most four.",
            name="only-itself",
        ),
    ),
)
