"""Four tokens become one."""

from collections.abc import Callable

import torch
from einops import rearrange, reduce
from torch import Tensor

from course_utils.exercises.exercise import Exercise, Misconception
from course_utils.models.swin import merge_patches


def _merged(pattern: str) -> Callable[[Tensor], Tensor]:
    return lambda maps: rearrange(maps, pattern, i=2, j=2)


def _halves(maps: Tensor) -> Tensor:
    """Corners of the map instead of neighbours."""
    return rearrange(maps, "b (i y) (j x) d -> b y x (j i d)", i=2, j=2)


MERGE_PATCHES = Exercise(
    name="08.merge_patches",
    title="Four neighbours become one token",
    points=2,
    reference=merge_patches,
    learns=("maps",),
    cases=lambda g: [(torch.randn(*shape, generator=g),) for shape in ((2, 4, 6, 3), (1, 2, 2, 5), (2, 8, 4, 1))],
    hints=(
        "Like partition with windows of 2 × 2, but the four places go into the features.",
        "The order is top left, bottom left, top right, bottom right: the column of the square is slow, its row fast, "
        "the feature fastest.",
        '`rearrange(maps, "b (y i) (x j) d -> b y x (j i d)", i=2, j=2)`.',
    ),
    misconceptions=(
        Misconception(
            _merged("b (y i) (x j) d -> b y x (i j d)"),
            "The four come in reading order. Swin takes them column by column: top left, bottom left, top right, "
            "bottom right. With the other order its trained weights would meet the wrong features.",
        ),
        Misconception(
            _merged("b (y i) (x j) d -> b y x (d j i)"),
            "The features of the four are interleaved. All features of the first token come first: (j i d).",
        ),
        Misconception(
            _halves,
            "These four are not neighbours: they come from the four quarters of the map. In the brackets the place in "
            "the square is fast: (y i).",
        ),
        Misconception(
            lambda maps: reduce(maps, "b (y i) (x j) d -> b y x d", "mean", i=2, j=2),
            "This is average pooling: the four are mixed before the network could weigh them. Put them side by side.",
        ),
        Misconception(
            lambda maps: maps[:, ::2, ::2].repeat(1, 1, 1, 4),
            "Three of the four tokens are thrown away and the first is repeated. Take all four.",
        ),
    ),
)
