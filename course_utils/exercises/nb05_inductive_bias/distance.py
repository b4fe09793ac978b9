"""How far a head looks."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.probes import attention_distance, grid_distances

Step = Callable[[Tensor], Tensor]
Answer = Callable[[Tensor, Tensor], Tensor]


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
    sharp = torch.randn(2, 2, 7, 7, generator=g)
    sharp[..., 0] = 15
    return [
        Wild(
            "all-to-the-class-token",
            (sharp.softmax(-1), distances),
            "nearly all attention goes to the class token",
            "One minus its weight has hardly any digits left then: add up the weights that remain.",
        ),
        Wild(
            "transposed-memory",
            (_weights(g, 2, 2, 6).mT.contiguous().mT, distances),
            "the weights lie in memory column by column, as after a transpose",
            "`view` trusts the memory; sums, means and `reshape` go by the axes.",
        ),
        Wild(
            "one-picture-one-head",
            (_weights(g, 1, 1, 6), distances),
            "there is one picture and one head",
            "The result is still a tensor with one number a head, of shape (1,).",
        ),
    ]


def _share(between: Tensor) -> Tensor:
    return between / between.sum(-1, keepdim=True)


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
    """All distances over all attention, not row by row."""

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


ATTENTION_DISTANCE = Exercise(
    name="05.attention_distance",
    title="How far does a head look?",
    points=3,
    reference=attention_distance,
    cases=_cases,
    wild=_wild,
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
            "What went to the class token counts for nothing, so every distance comes out too small. Scale what is left of "
            "each row to sum to one.",
            name="rest-not-scaled",
            also=(_with_class_token(lambda weights: weights[:, :, 1:], lambda distances: F.pad(distances, (1, 0))),),
        ),
        Misconception(
            _with_class_token(lambda weights: weights, lambda distances: F.pad(distances, (1, 0, 1, 0))),
            "The class token is among the queries, at distance 0 from every patch. It has no place: leave out its row as well "
            "as its column.",
            name="class-token-as-a-patch",
            also=(
                _with_class_token(_share, lambda distances: F.pad(distances, (1, 0, 1, 0))),
                _with_class_token(lambda weights: weights[..., 1:], lambda distances: F.pad(distances, (0, 0, 1, 0))),
                _with_class_token(
                    lambda weights: _share(weights[..., 1:]), lambda distances: F.pad(distances, (0, 0, 1, 0))
                ),
            ),
        ),
        Misconception(
            _slip(places=lambda weights: weights[:, :, :-1, :-1]),
            "The last patch is left out instead of the class token. The class token is the first one.",
            name="last-token-left-out",
            also=(_slip(places=lambda weights: weights[:, :, :-1, :-1], scale=lambda between: between),),
        ),
        Misconception(
            _slip(places=lambda weights: weights[:, :, :-1, 1:]),
            "Another token is left out among the queries than among the keys. The class token is the first row and the "
            "first column.",
            name="row-and-column-differ",
            also=(_slip(places=lambda weights: weights[:, :, 1:, :-1]),),
        ),
        Misconception(
            lambda weights, distances: attention_distance(weights[:, :, 1:, 1:], distances[1:, 1:]),
            "Two tokens are left out, the class token and a patch. distances holds the patches only, so nothing has to be "
            "cut off there.",
            name="two-left-out",
            also=(
                lambda weights, distances: attention_distance(weights[:, :, :-1, :-1], distances[:-1, :-1]),
                lambda weights, distances: attention_distance(weights[:, :, :-1, :-1], distances[1:, 1:]),
            ),
        ),
        Misconception(
            _slip(scale=lambda between: between / between.sum(-2, keepdim=True)),
            "Each column of the weights is scaled to sum to one, so it is the keys that count alike. The queries should: "
            "what one of them gives to all its keys lies along the last axis.",
            name="scaled-over-queries",
        ),
        Misconception(
            _slip(scale=lambda between: between / between.sum(1, keepdim=True)),
            "The weights are scaled to sum to one over the heads or over the pictures. The keys of one query, along the last "
            "axis, share its attention.",
            name="scaled-over-heads",
            also=(_slip(scale=lambda between: between / between.sum(0, keepdim=True)),),
        ),
        Misconception(
            _slip(scale=lambda between: between / between.sum((-2, -1), keepdim=True)),
            "The weights are divided by the sum of a whole matrix or more. Each row is the attention of one query: divide it "
            "by its own sum.",
            name="scaled-by-the-matrix",
            also=(
                _slip(scale=lambda between: between / between.sum()),
                _slip(scale=lambda between: between / between.sum((0, 2, 3), keepdim=True)),
            ),
        ),
        Misconception(
            _ratio((0, 2, 3), lambda far: far),
            "All distances are divided by all attention at once, so queries that look at the class token count less than "
            "others. Scale row by row, then take the mean.",
            name="rows-weigh-differently",
            also=(_ratio((2, 3), lambda far: far.mean(0)),),
        ),
        Misconception(
            _slip(scale=lambda between: between.softmax(-1)),
            "A softmax is taken of numbers that are weights already, which evens them out. Divide each row by its sum.",
            name="softmax-again",
            also=(
                lambda weights, distances: attention_distance(weights.softmax(-1), distances),
                _slip(scale=lambda between: _share(between).softmax(-1)),
            ),
        ),
        Misconception(
            _slip(scale=lambda between: F.normalize(between, dim=-1)),
            "Each row is divided by its length, the root of its squares. Weights are shares: divide by their sum.",
            name="length-one",
        ),
        Misconception(
            _slip(scale=lambda between: between / between.amax(-1, keepdim=True)),
            "Each row is divided by its largest weight. Weights are shares: divide by their sum.",
            name="largest-one",
        ),
        Misconception(
            lambda weights, distances: attention_distance(weights, torch.ones_like(distances)) * distances.mean(),
            "This is the mean distance of all pairs, whatever the attention. Multiply each weight by its own "
            "distance before you sum.",
            name="attention-ignored",
        ),
        Misconception(
            _slip(gather=lambda far: far.mean(-1).mean((0, 2))),
            "Over the keys you take the mean of weight times distance. The weights of a row are shares: take the sum.",
            name="mean-over-keys",
            also=(_slip(scale=lambda between: between, gather=lambda far: far.mean((0, 2, 3))),),
        ),
        Misconception(
            _slip(gather=lambda far: far.sum((-2, -1)).mean(0)),
            "The queries are added up, so the distance grows with their number. Take the mean over the queries.",
            name="queries-added",
            also=(_slip(gather=lambda far: far.sum((0, 2, 3))),),
        ),
        Misconception(
            _slip(gather=lambda far: far.sum(-1).mean(-1).sum(0)),
            "The pictures are added up, so the distance grows with their number. Take the mean over the pictures.",
            name="pictures-added",
        ),
        Misconception(
            lambda weights, distances: attention_distance(weights.mean(1, keepdim=True), distances),
            "The heads are averaged. Heads differ, and that is the question: keep one number a head.",
            name="heads-averaged",
            also=(
                lambda weights, distances: _each_query(weights, distances).mean(),
                lambda weights, distances: _each_query(weights, distances).mean((1, 2)),
            ),
        ),
        Misconception(
            lambda weights, distances: _each_query(weights, distances).mean(-1),
            "There is still a number for each picture or each query. Take the mean over both, so that one number a head is "
            "left.",
            name="not-averaged",
            also=(
                lambda weights, distances: _each_query(weights, distances).mean(0),
                lambda weights, distances: _each_query(weights, distances),
            ),
        ),
        Misconception(
            lambda weights, distances: attention_distance(weights[:1], distances),
            "Only the first picture counts. Take the mean over all of them.",
            name="first-picture-only",
        ),
        Misconception(
            lambda weights, distances: _each_query(weights, distances).transpose(0, 1).flatten(1).median(-1).values,
            "This is the distance of the query in the middle, the median. Take the mean over the queries and the pictures.",
            name="median",
        ),
        Misconception(
            lambda weights, distances: _each_query(weights, distances).amax((0, 2)),
            "This is the distance of one single query, the farthest or the nearest. Take the mean over the queries and the "
            "pictures.",
            name="extreme-query",
            also=(lambda weights, distances: _each_query(weights, distances).amin((0, 2)),),
        ),
        Misconception(
            _strongest,
            "Only the strongest key of each query is counted. Every key counts, with its weight.",
            name="strongest-key-only",
            also=(
                lambda weights, distances: distances[0, weights[:, :, 1:, 1:].argmax(-1)].mean((0, 2)),
                lambda weights, distances: distances[
                    torch.arange(len(distances)), (weights[:, :, 1:, 1:] * distances).argmax(-1)
                ].mean((0, 2)),
            ),
        ),
        Misconception(
            _slip(pixels=torch.square),
            "Squares or roots of the distances are taken on the way. A patch three pixels away counts three, times its weight.",
            name="squares-or-roots",
            also=(
                lambda weights, distances: (_share(weights[:, :, 1:, 1:]) * distances**2).sum(-1).sqrt().mean((0, 2)),
                lambda weights, distances: attention_distance(weights, distances**2).sqrt(),
                lambda weights, distances: attention_distance(weights, distances.sqrt()),
                lambda weights, distances: _each_query(weights, distances).sqrt().mean((0, 2)),
            ),
        ),
        Misconception(
            lambda weights, distances: attention_distance(weights, distances / distances.max()),
            "The distances are scaled on the way, so the result is not in pixels. Take them as they are given.",
            name="not-pixels",
            also=(
                lambda weights, distances: attention_distance(weights, distances / distances.mean()),
                lambda weights, distances: attention_distance(weights, distances / distances[distances > 0].min()),
                lambda weights, distances: attention_distance(weights, distances / distances.sum(-1, keepdim=True)),
            ),
        ),
        Misconception(
            lambda weights, distances: (_share(weights[:, :, 1:, 1:]) @ distances).sum(-1).mean((0, 2)),
            "A matrix product meets the distances of other patches than the query. Multiply number by number: the weight "
            "from i to j with the distance from i to j.",
            name="matrix-product",
            also=(
                lambda weights, distances: (_share(weights[:, :, 1:, 1:]) @ distances).mean((0, 2, 3)),
                lambda weights, distances: (weights[:, :, 1:, 1:] @ distances).sum(-1).mean((0, 2)),
                lambda weights, distances: (weights[:, :, 1:, 1:] @ distances).mean((0, 2, 3)),
            ),
        ),
        Misconception(
            _not_itself,
            "A patch's attention to itself is left out. It counts, at distance 0.",
            name="not-to-itself",
        ),
        Misconception(
            lambda weights, distances: (_share(weights[:, :, 0, 1:]) * distances.mean(0)).sum(-1).mean(0),
            "Only the class token's attention is measured, and it has no place to measure from. Every patch is a query.",
            name="class-token-only",
            also=(
                lambda weights, distances: (weights[:, :, 0, 1:] * distances.mean(0)).sum(-1).mean(0),
                lambda weights, distances: (_share(weights[:, :, 0, 1:]) * distances[0]).sum(-1).mean(0),
            ),
        ),
        Misconception(
            lambda weights, distances: (_share(weights[:, :, 1, 1:]) * distances[0]).sum(-1).mean(0),
            "Only the first patch's attention is measured. Every patch is a query: take the mean over all of them.",
            name="first-query-only",
        ),
    ),
)
