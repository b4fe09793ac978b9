"""The attention distance of a head."""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.analysis.probes import attention_distance, grid_distances
from course_utils.exercises.exercise import Arguments, Exercise, Wild
from course_utils.exercises.nb05_inductive_bias.distance_slips import MISCONCEPTIONS


def _weights(g: Generator, batch: int, heads: int, patches: int) -> Tensor:
    return (3 * torch.randn(batch, heads, patches + 1, patches + 1, generator=g)).softmax(-1)


def _cases(g: Generator) -> list[Arguments]:
    shapes = [(2, 3, 2, 3, 4), (1, 2, 3, 3, 16), (3, 1, 2, 2, 7), (2, 2, 1, 5, 4), (4, 2, 3, 2, 8)]
    return [
        (_weights(g, batch, heads, rows * columns), grid_distances(rows, columns, patch_size))
        for batch, heads, rows, columns, patch_size in shapes
    ]


def _wild(g: Generator) -> list[Wild]:
    distances = grid_distances(2, 3, 4)
    rest = _weights(g, 2, 2, 6)[..., 1:]
    rest = rest / rest.sum(-1, keepdim=True) / 2**10  # one minus this sum is exact in float32
    return [
        Wild(
            "class-token-absorbs",
            (F.pad(rest, (1, 0), value=1 - 2**-10), distances),
            "the class token has nearly all of the attention, so the rest of each row sums to a thousandth",
            "Divide by that sum as it is: add nothing to it, and do not clamp it.",
        ),
        Wild(
            "transposed-memory",
            (_weights(g, 2, 2, 6).mT.contiguous().mT, distances),
            "the weights are stored column by column, as after a transpose",
            "`view` depends on the memory order; sums, means and `reshape` do not.",
        ),
        Wild(
            "one-picture-one-head",
            (_weights(g, 1, 1, 6), distances),
            "there is one image and one head",
            "The result is still a tensor with one number per head, of shape (1,).",
        ),
    ]


ATTENTION_DISTANCE = Exercise(
    name="05.attention_distance",
    title="The attention distance of a head",
    points=3,
    reference=attention_distance,
    cases=_cases,
    wild=_wild,
    hints=(
        "A query patch attends to all patches with some weights. Its attention distance is the weighted mean of the "
        "distances to them.",
        "The class token has no position: leave out its row and its column, `weights[:, :, 1:, 1:]`. The rest of "
        "each row no longer sums to one: divide it by its sum.",
        "Multiply by the distances, sum over the keys (the last axis), then take the mean over the images and the "
        "queries. One number per head remains.",
    ),
    misconceptions=MISCONCEPTIONS,
)
