"""How far a head looks."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.probes import attention_distance, grid_distances


def _cases(g: Generator) -> list[Arguments]:
    shapes = [(2, 3, 2, 3, 4), (1, 2, 3, 3, 16), (3, 1, 2, 2, 7), (2, 2, 1, 5, 4)]
    return [
        (
            (3 * torch.randn(batch, heads, rows * columns + 1, rows * columns + 1, generator=g)).softmax(-1),
            grid_distances(rows, columns, patch_size),
        )
        for batch, heads, rows, columns, patch_size in shapes
    ]


def _slip(
    places: Callable[[Tensor], Tensor] = lambda weights: weights[:, :, 1:, 1:],
    scale: Callable[[Tensor], Tensor] = lambda between: between / between.sum(-1, keepdim=True),
    gather: Callable[[Tensor], Tensor] = lambda far: far.sum(-1).mean((0, 2)),
) -> Callable[[Tensor, Tensor], Tensor]:
    """The probe with one of its steps replaced."""
    return lambda weights, distances: gather(scale(places(weights)) * distances)


ATTENTION_DISTANCE = Exercise(
    name="05.attention_distance",
    title="How far does a head look?",
    points=3,
    reference=attention_distance,
    cases=_cases,
    hints=(
        "A query patch looks at all patches, with weights. Its distance is the mean of the distances to them, each "
        "counted with its weight.",
        "The class token has no place: leave out its row and its column, `weights[:, :, 1:, 1:]`. The rest of each "
        "row no longer sums to one; divide by the sum.",
        "Multiply by the distances, sum over the keys (the last axis), then take the mean over the pictures and the "
        "queries. One number a head is left.",
    ),
    misconceptions=(
        Misconception(
            _slip(scale=lambda between: between),
            "What went to the class token is missing from the weights, so they sum to less than one and every "
            "distance comes out too small. Divide each row by its sum.",
        ),
        Misconception(
            _slip(places=lambda weights: weights[:, :, :-1, :-1]),
            "The last patch is left out instead of the class token. The class token is the first one.",
        ),
        Misconception(
            _slip(scale=lambda between: between / between.sum(-2, keepdim=True)),
            "The weights are scaled over the queries. What one query gives to all its keys must sum to one: the "
            "last axis.",
        ),
        Misconception(
            lambda weights, distances: attention_distance(weights, torch.ones_like(distances)) * distances.mean(),
            "This is the mean distance of all pairs, whatever the attention. Multiply each weight by its own "
            "distance before you sum.",
        ),
        Misconception(
            _slip(gather=lambda far: far.mean(-1).mean((0, 2))),
            "Over the keys you take the mean of weight times distance. The weights already sum to one: take the sum.",
        ),
        Misconception(
            lambda weights, distances: attention_distance(weights.mean(1, keepdim=True), distances),
            "The heads are averaged. Heads differ, and that is the question: keep one number a head.",
        ),
        Misconception(
            lambda weights, distances: distances[0, weights[:, :, 1:, 1:].argmax(-1)].mean((0, 2)),
            "Only the strongest key of each query is counted, and from the first patch. Every key counts with its "
            "weight, from where the query is.",
        ),
    ),
)
