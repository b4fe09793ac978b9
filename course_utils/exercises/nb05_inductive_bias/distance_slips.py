"""The attention distance with one of its steps replaced, as students write it."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.analysis.probes import attention_distance
from course_utils.exercises.exercise import Misconception

Step = Callable[[Tensor], Tensor]
Answer = Callable[[Tensor, Tensor], Tensor]


def _share(between: Tensor, more: float = 0.0) -> Tensor:
    return between / (between.sum(-1, keepdim=True) + more)


def _mean(far: Tensor) -> Tensor:
    return far.sum(-1).mean((0, 2))


def _slip(
    places: Step = lambda weights: weights[:, :, 1:, 1:],
    scale: Step = _share,
    pixels: Step = lambda distances: distances,
    gather: Step = _mean,
) -> Answer:
    """The probe with one of its steps replaced."""
    return lambda weights, distances: gather(scale(places(weights)) * pixels(distances))


def _ratio(over: tuple[int, ...], then: Step) -> Answer:
    """All distances divided by all attention, not row by row."""

    def wrong(weights: Tensor, distances: Tensor) -> Tensor:
        between = weights[:, :, 1:, 1:]
        return then((between * distances).sum(over) / between.sum(over))

    return wrong


def _with_class_token(scaled: Step, place: Callable[[Tensor], Tensor]) -> Answer:
    """The class token treated as a patch with some distance to the others."""
    return lambda weights, distances: (scaled(weights) * place(distances)).sum(-1).mean((0, 2))


def _strongest(weights: Tensor, distances: Tensor) -> Tensor:
    strongest = weights[:, :, 1:, 1:].argmax(-1)
    return distances[torch.arange(len(distances)), strongest].mean((0, 2))


def _not_itself(weights: Tensor, distances: Tensor) -> Tensor:
    away = 1 - torch.eye(len(distances))
    return attention_distance(weights * F.pad(away, (1, 0, 1, 0)), distances)


def _each_query(weights: Tensor, distances: Tensor) -> Tensor:
    return (_share(weights[:, :, 1:, 1:]) * distances).sum(-1)


MISCONCEPTIONS = (
    Misconception(
        "rest-not-scaled",
        "The attention to the class token counts as distance zero, so every distance is too small. Rescale the rest "
        "of each row to sum to one.",
        _slip(scale=lambda between: between),
        _with_class_token(lambda weights: weights[:, :, 1:], lambda distances: F.pad(distances, (1, 0))),
    ),
    Misconception(
        "class-token-as-a-patch",
        "The class token is among the queries, at distance 0 from every patch. It has no position: leave out its row "
        "as well as its column.",
        _with_class_token(lambda weights: weights, lambda distances: F.pad(distances, (1, 0, 1, 0))),
        _with_class_token(_share, lambda distances: F.pad(distances, (1, 0, 1, 0))),
        _with_class_token(lambda weights: weights[..., 1:], lambda distances: F.pad(distances, (0, 0, 1, 0))),
        _with_class_token(lambda weights: _share(weights[..., 1:]), lambda distances: F.pad(distances, (0, 0, 1, 0))),
    ),
    Misconception(
        "last-token-left-out",
        "The last patch is left out instead of the class token. The class token is the first one.",
        _slip(places=lambda weights: weights[:, :, :-1, :-1]),
        _slip(places=lambda weights: weights[:, :, :-1, :-1], scale=lambda between: between),
    ),
    Misconception(
        "row-and-column-differ",
        "The token left out among the queries is not the one left out among the keys. The class token is the first "
        "row and the first column.",
        _slip(places=lambda weights: weights[:, :, :-1, 1:]),
        _slip(places=lambda weights: weights[:, :, 1:, :-1]),
    ),
    Misconception(
        "two-left-out",
        "Two tokens are left out, the class token and a patch. distances has only the patches, so remove nothing "
        "there.",
        lambda weights, distances: attention_distance(weights[:, :, 1:, 1:], distances[1:, 1:]),
        lambda weights, distances: attention_distance(weights[:, :, :-1, :-1], distances[:-1, :-1]),
        lambda weights, distances: attention_distance(weights[:, :, :-1, :-1], distances[1:, 1:]),
    ),
    Misconception(
        "scaled-over-queries",
        "Each column of the weights is scaled to sum to one. Scale the rows: the weights of one query for all its "
        "keys are on the last axis.",
        _slip(scale=lambda between: between / between.sum(-2, keepdim=True)),
    ),
    Misconception(
        "scaled-over-heads",
        "The weights are scaled to sum to one over the heads or over the images. Scale over the keys of one query, "
        "the last axis.",
        _slip(scale=lambda between: between / between.sum(1, keepdim=True)),
        _slip(scale=lambda between: between / between.sum(0, keepdim=True)),
    ),
    Misconception(
        "scaled-by-the-matrix",
        "The weights are divided by the sum of a whole matrix or more. Each row is the attention of one query: "
        "divide it by its own sum.",
        _slip(scale=lambda between: between / between.sum((-2, -1), keepdim=True)),
        _slip(scale=lambda between: between / between.sum()),
        _slip(scale=lambda between: between / between.sum((0, 2, 3), keepdim=True)),
    ),
    Misconception(
        "rows-weigh-differently",
        "The distances of many queries are divided by the sum of all their attention, so a query that attends more "
        "to the class token counts less. Scale row by row, then take the mean.",
        _ratio((0, 2, 3), lambda far: far),
        _ratio((2, 3), lambda far: far.mean(0)),
    ),
    Misconception(
        "softmax-again",
        "A softmax is applied to numbers that are already weights, which makes them more equal. Divide each row by "
        "its sum.",
        _slip(scale=lambda between: between.softmax(-1)),
        lambda weights, distances: attention_distance(weights.softmax(-1), distances),
        _slip(scale=lambda between: _share(between).softmax(-1)),
    ),
    Misconception(
        "length-one",
        "Each row is divided by its norm, the root of the sum of squares. Divide it by its sum.",
        _slip(scale=lambda between: F.normalize(between, dim=-1)),
    ),
    Misconception(
        "largest-one",
        "Each row is divided by its largest weight. Divide it by its sum.",
        _slip(scale=lambda between: between / between.amax(-1, keepdim=True)),
    ),
    Misconception(
        "attention-ignored",
        "This is the mean distance of all pairs, for any attention. Multiply each weight by its own distance before "
        "you sum.",
        lambda weights, distances: attention_distance(weights, torch.ones_like(distances)) * distances.mean(),
    ),
    Misconception(
        "mean-over-keys",
        "You take the mean of weight times distance over the keys. The weights of a row sum to one: take the sum.",
        _slip(gather=lambda far: far.mean(-1).mean((0, 2))),
        _slip(scale=lambda between: between, gather=lambda far: far.mean((0, 2, 3))),
    ),
    Misconception(
        "queries-added",
        "The result is too large by a factor of the number of patches: the queries are summed, or each row is "
        "divided by its mean instead of its sum. Divide each row by its sum, and take the mean over the queries.",
        _slip(gather=lambda far: far.sum((-2, -1)).mean(0)),
    ),
    Misconception(
        "queries-and-pictures-added",
        "The queries and the images are summed, so the distance grows with their number. Take the mean over both.",
        _slip(gather=lambda far: far.sum((0, 2, 3))),
    ),
    Misconception(
        "pictures-added",
        "The images are summed, so the distance grows with their number. Take the mean over the images.",
        _slip(gather=lambda far: far.sum(-1).mean(-1).sum(0)),
    ),
    Misconception(
        "heads-averaged",
        "The heads are averaged. The question is how heads differ: return one number per head.",
        lambda weights, distances: attention_distance(weights.mean(1, keepdim=True), distances),
        lambda weights, distances: _each_query(weights, distances).mean(),
        lambda weights, distances: _each_query(weights, distances).mean((1, 2)),
    ),
    Misconception(
        "not-averaged",
        "There is still one number per image or per query. Take the mean over both, so that one number per head "
        "remains.",
        lambda weights, distances: _each_query(weights, distances).mean(-1),
        lambda weights, distances: _each_query(weights, distances).mean(0),
        lambda weights, distances: _each_query(weights, distances),
    ),
    Misconception(
        "first-picture-only",
        "Only the first image counts. Take the mean over all of them.",
        lambda weights, distances: attention_distance(weights[:1], distances),
    ),
    Misconception(
        "median",
        "A median is taken over the queries. Take the mean over the queries and the images.",
        lambda weights, distances: _each_query(weights, distances).transpose(0, 1).flatten(1).median(-1).values,
        lambda weights, distances: _each_query(weights, distances).median(-1).values.mean(0),
        lambda weights, distances: _each_query(weights, distances).mean(0).median(-1).values,
    ),
    Misconception(
        "extreme-query",
        "Only the query with the largest or smallest distance counts. Take the mean over the queries and the images.",
        lambda weights, distances: _each_query(weights, distances).amax((0, 2)),
        lambda weights, distances: _each_query(weights, distances).amin((0, 2)),
        lambda weights, distances: _each_query(weights, distances).amax(2).mean(0),
        lambda weights, distances: _each_query(weights, distances).amin(2).mean(0),
    ),
    Misconception(
        "strongest-key-only",
        "Only one key of each query is counted, such as the one with the largest weight. Every key counts, with its "
        "weight.",
        _strongest,
        lambda weights, distances: distances[0, weights[:, :, 1:, 1:].argmax(-1)].mean((0, 2)),
        lambda weights, distances: distances[
            torch.arange(len(distances)), (weights[:, :, 1:, 1:] * distances).argmax(-1)
        ].mean((0, 2)),
        _slip(gather=lambda far: far.amax(-1).mean((0, 2))),
    ),
    Misconception(
        "squares-or-roots",
        "The distances are squared, or their roots are taken. A patch three pixels away counts three times its "
        "weight.",
        _slip(pixels=torch.square),
        lambda weights, distances: (_share(weights[:, :, 1:, 1:]) * distances**2).sum(-1).sqrt().mean((0, 2)),
        lambda weights, distances: attention_distance(weights, distances**2).sqrt(),
        lambda weights, distances: attention_distance(weights, distances.sqrt()),
        lambda weights, distances: _each_query(weights, distances).sqrt().mean((0, 2)),
    ),
    Misconception(
        "not-pixels",
        "The distances are scaled, so the result is not in pixels. Do not scale them.",
        lambda weights, distances: attention_distance(weights, distances / distances.max()),
        lambda weights, distances: attention_distance(weights, distances / distances.mean()),
        lambda weights, distances: attention_distance(weights, distances / distances[distances > 0].min()),
        lambda weights, distances: attention_distance(weights, distances / distances.sum(-1, keepdim=True)),
    ),
    Misconception(
        "matrix-product",
        "A query's weights are combined with the distances of other queries: by a matrix product, or because you "
        "average over the queries before you multiply. Multiply element by element, the weight from i to j by the "
        "distance from i to j.",
        lambda weights, distances: (_share(weights[:, :, 1:, 1:]) @ distances).sum(-1).mean((0, 2)),
        lambda weights, distances: (_share(weights[:, :, 1:, 1:]) @ distances).mean((0, 2, 3)),
        lambda weights, distances: (weights[:, :, 1:, 1:] @ distances).sum(-1).mean((0, 2)),
        lambda weights, distances: (weights[:, :, 1:, 1:] @ distances).mean((0, 2, 3)),
    ),
    Misconception(
        "not-to-itself", "A patch's attention to itself is left out. It counts, at distance 0.", _not_itself
    ),
    Misconception(
        "class-token-only",
        "Only the class token's attention is measured, and it has no position to measure from. Every patch is a "
        "query.",
        lambda weights, distances: (_share(weights[:, :, 0, 1:]) * distances.mean(0)).sum(-1).mean(0),
        lambda weights, distances: (weights[:, :, 0, 1:] * distances.mean(0)).sum(-1).mean(0),
        lambda weights, distances: (_share(weights[:, :, 0, 1:]) * distances[0]).sum(-1).mean(0),
    ),
    Misconception(
        "first-query-only",
        "Only the first patch's attention is measured. Every patch is a query: take the mean over all of them.",
        lambda weights, distances: (_share(weights[:, :, 1, 1:]) * distances[0]).sum(-1).mean(0),
    ),
    Misconception(
        "small-number-added",
        "A small number is added to the divisor, so the weights of a row no longer sum to one. Divide by the sum "
        "itself, even if it is small.",
        _slip(scale=partial(_share, more=1e-3)),
        *tuple(_slip(scale=partial(_share, more=small)) for small in (1.0, 1e-1, 1e-2, 1e-4)),
    ),
    Misconception(
        "spread-evenly",
        "The class token's weight is spread evenly over the patches. A patch with more attention should get more of "
        "it: rescale the rest of each row to sum to one.",
        lambda weights, distances: _mean(
            (weights[:, :, 1:, 1:] + weights[:, :, 1:, :1] / len(distances)) * distances
        ),
    ),
)
