"""Patch merging."""

from collections.abc import Callable, Sequence
from itertools import permutations

import torch
from einops import rearrange, reduce
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.exercises.promises import refuses
from course_utils.models.swin import merge_patches

Merge = Callable[[Tensor], Tensor]
Place = tuple[int, int]  # row and column in the 2 × 2 square

ORDER: tuple[Place, ...] = ((0, 0), (1, 0), (0, 1), (1, 1))
READING: tuple[Place, ...] = ((0, 0), (0, 1), (1, 0), (1, 1))


def _cases(g: Generator) -> list[Arguments]:
    return [(torch.randn(*shape, generator=g),) for shape in ((2, 4, 6, 3), (1, 2, 2, 5), (2, 8, 4, 2), (3, 2, 4, 4))]


def _wild(g: Generator) -> list[Wild]:
    return [
        Wild(
            "double-precision",
            (torch.randn(1, 4, 2, 3, generator=g).double(),),
            "the map is in double precision",
            "The result has the dtype of the argument.",
        ),
        Wild(
            "transposed-memory",
            (torch.randn(2, 4, 3, 6, generator=g).mT,),
            "the map is a transposed view, in another memory order",
            "`reshape` copies where `view` cannot.",
        ),
    ]


def _merged(pattern: str) -> Merge:
    return lambda maps: rearrange(maps, pattern, i=2, j=2)


def _corners(maps: Tensor, places: Sequence[Place] = ORDER) -> list[Tensor]:
    return [maps[:, row::2, column::2] for row, column in places]


def _in_order(places: Sequence[Place]) -> Merge:
    return lambda maps: torch.cat(_corners(maps, places), dim=-1)


def _joined_along(axis: int) -> Merge:
    return lambda maps: torch.cat(_corners(maps), dim=axis)


def _one_twice() -> list[Merge]:
    """One of the four copied in the position of another."""
    return [
        _in_order([ORDER[other] if place == number else each for place, each in enumerate(ORDER)])
        for number in range(4)
        for other in range(4)
        if number != other
    ]


def _reshaped(maps: Tensor) -> Tensor:
    batch, height, width, dim = maps.shape
    return maps.reshape(batch, height // 2, width // 2, 4 * dim)


def _stepping_by_one(maps: Tensor) -> Tensor:
    rows, columns = (slice(0, -1), slice(1, None)), (slice(0, -1), slice(1, None))
    return torch.cat([maps[:, rows[i], columns[j]] for i, j in ORDER], dim=-1)


def _pooled(how: str, pattern: str = "b (y i) (x j) d -> b y x d") -> Merge:
    return lambda maps: reduce(maps, pattern, how, i=2, j=2)


def _each_four_times(merge: Merge) -> Merge:
    return lambda maps: merge(maps).repeat_interleave(4, dim=-1)


def _normalised(maps: Tensor) -> Tensor:
    return F.layer_norm(maps, maps.shape[-1:])


def _four_times(merge: Merge) -> Merge:
    return lambda maps: merge(maps).repeat(1, 1, 1, 4)


MERGE_PATCHES = Exercise(
    name="08.merge_patches",
    title="Four neighbours become one token",
    points=2,
    reference=merge_patches,
    learns=("maps",),
    cases=_cases,
    wild=_wild,
    promises=(
        refuses("a map of 5 × 4 is merged two by two", torch.zeros(1, 5, 4, 3)),
        refuses("a map of 4 × 5 is merged two by two", torch.zeros(1, 4, 5, 3)),
        refuses("a map of 3 × 5 is merged two by two", torch.zeros(1, 3, 5, 3)),
    ),
    hints=(
        "This is like `partition` with windows of 2 × 2, but the four positions go into the features.",
        "The top-left tokens of all squares are every second row and every second column of `maps`. The three other "
        "corners start one row or one column later.",
        "Concatenate four such maps, each of half the height and width, along the features. Which comes second, the "
        "one below or the one to the right?",
    ),
    misconceptions=(
        Misconception(
            "reading-order",
            "The four are in raster order. Swin takes them column by column: top left, bottom left, top right, "
            "bottom right. In another order, its trained weights would get the wrong features.",
            _in_order(READING),
        ),
        Misconception(
            "another-order",
            "These are the four neighbours, but in the wrong order. It should be top left, bottom left, top right, "
            "bottom right.",
            _in_order(((0, 0), (0, 1), (1, 1), (1, 0))),
            *tuple(_in_order(order) for order in permutations(ORDER) if order not in (ORDER, READING)),
        ),
        Misconception(
            "one-taken-twice",
            "One of the four neighbours is used twice, and another not at all. Compare your four slices, index by "
            "index.",
            _in_order(((0, 0), (1, 0), (0, 1), (1, 0))),
            *tuple(_one_twice()),
        ),
        Misconception(
            "interleaved",
            "The features of the four are interleaved: each feature's four numbers are adjacent. All features of the "
            "first token come first, then all of the second.",
            _merged("b (y i) (x j) d -> b y x (d j i)"),
            _merged("b (y i) (x j) d -> b y x (d i j)"),
        ),
        Misconception(
            "quarters-of-the-map",
            "These four are not neighbours: they come from the four quarters of the map. Use adjacent rows and "
            "columns.",
            _merged("b (i y) (j x) d -> b y x (j i d)"),
            _merged("b (i y) (j x) d -> b y x (i j d)"),
        ),
        Misconception(
            "bare-reshape",
            "A bare reshape joins tokens that are adjacent in raster order, which do not form a square. Split each "
            "side into two axes first.",
            _reshaped,
            lambda maps: _reshaped(maps.mT.contiguous().mT),
        ),
        Misconception(
            "map-transposed",
            "The map is transposed: its rows and columns are swapped. Height is axis 1, width axis 2.",
            _merged("b (y i) (x j) d -> b x y (j i d)"),
            _merged("b (y i) (x j) d -> b x y (i j d)"),
        ),
        Misconception(
            "pooled",
            "This is pooling: the four are averaged or combined before the network can weight them. Concatenate "
            "them.",
            _pooled("mean"),
            _pooled("sum"),
            _pooled("max"),
            *(_four_times(_pooled(how)) for how in ("mean", "sum", "max")),
            *(_each_four_times(_pooled(how)) for how in ("mean", "sum", "max")),
        ),
        Misconception(
            "one-four-times",
            "Only one of the four tokens of each square is used. Use all four.",
            _in_order([(0, 0)] * 4),
            *(_in_order([place] * 4) for place in ORDER[1:]),
            *(_in_order([place]) for place in ORDER),
            _each_four_times(_in_order([(0, 0)])),
        ),
        Misconception(
            "one-missing",
            "Only three of the four tokens of each square are there. Compare your slices, index by index.",
            _in_order(ORDER[:3]),
            *tuple(_in_order(places) for places in permutations(ORDER, 3) if places != ORDER[:3]),
        ),
        Misconception(
            "normalised",
            "Your function includes a normalisation. In Swin that is a separate layer: only concatenate the four.",
            lambda maps: _normalised(merge_patches(maps)),
            lambda maps: merge_patches(_normalised(maps)),
            lambda maps: F.normalize(merge_patches(maps), dim=-1),
            lambda maps: merge_patches(F.normalize(maps, dim=-1)),
        ),
        Misconception(
            "stacked",
            "The four are stacked along a new axis. Concatenate them along the features: `torch.cat` joins along an "
            "existing axis.",
            lambda maps: torch.stack(_corners(maps), dim=-1),
            lambda maps: torch.stack(_corners(maps), dim=-2),
            lambda maps: torch.stack(_corners(maps), dim=1),
            lambda maps: torch.stack(_corners(maps)),
        ),
        Misconception(
            "not-joined",
            "The four are right, but they are a list. Concatenate them along the features with `torch.cat`.",
            lambda maps: _corners(maps),
        ),
        Misconception(
            "joined-along-another-axis",
            "The four maps are joined along an axis other than the features, so the tokens have no more features "
            "than before. Join them along the last axis.",
            _joined_along(2),
            _joined_along(0),
            _joined_along(1),
        ),
        Misconception(
            "overlapping-squares",
            "The squares overlap: each begins one token after the last. Every token belongs to only one square, so "
            "move by two.",
            _stepping_by_one,
        ),
        Misconception(
            "a-sequence",
            "The numbers are right, but the map is now a sequence. Return a map: (batch, height / 2, width / 2, 4 · "
            "dim).",
            _merged("b (y i) (x j) d -> b (y x) (j i d)"),
            _merged("b (y i) (x j) d -> b (y x) (i j d)"),
        ),
    ),
)
