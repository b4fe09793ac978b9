"""Self-attention over a whole map."""

import math

import torch
from einops import rearrange
from torch import Generator, Tensor

from course_utils.attention import attend, attend_2d
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.exercises.nb01_cnn import attention as slips


def _cases(g: Generator) -> list[Arguments]:
    def case(batch: int, dim: int, value_dim: int, height: int, width: int) -> Arguments:
        return tuple(torch.randn(batch, channels, height, width, generator=g) for channels in (dim, dim, value_dim))

    return [case(2, 8, 5, 3, 4), case(1, 16, 16, 5, 2), case(2, 4, 3, 1, 6), case(3, 4, 4, 3, 3)]


def _wild(g: Generator) -> list[Wild]:
    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g)

    # Multiples of 1/8 and √dim = 2: these scores are exact in any order of computation.
    query, key = ((8 * normal(1, 4, 2, 3)).round() / 8 for _ in range(2))
    query[0, 0] = torch.tensor([[200.0, 0.0, -200.0], [1.0, 100.0, -100.0]])
    key[0, 0] = torch.tensor([[2.0, 2.0, 1.75], [2.0, 1.75, 2.0]])
    return [
        Wild(
            "large-scores",
            (query, key, normal(1, 3, 2, 3)),
            "some positions have scores near 200 and others near −200",
            "exp of such a number is infinite or zero: use `attend`, or a softmax over each row.",
        ),
        Wild(
            "channels-last-memory",
            tuple(normal(2, 3, 4, 5).permute(0, 3, 1, 2) for _ in range(3)),
            "the channels come last in memory, as convolutions may leave them",
            "`reshape`, `flatten` and `rearrange` work in any memory order; `view` on axes that are not contiguous "
            "does not.",
        ),
        Wild(
            "one-place",
            (normal(2, 4, 1, 1), normal(2, 4, 1, 1), normal(2, 3, 1, 1)),
            "the map has a single position",
            "An axis of length one is still an axis.",
        ),
    ]


ATTEND_2D = Exercise(
    name="01.attend_2d",
    title="Self-attention over a map",
    reference=attend_2d,
    returns=("output", "weights"),
    learns=("query", "key", "value"),
    points=3,
    cases=_cases,
    wild=_wild,
    hints=(
        "Turn each of the three maps into tokens, as in the exercise before. Then `attend(…, …, …)` does the rest "
        "and returns the output and the weights.",
        "Its output is (batch, height · width, value_dim): the channels go back to the second axis, and the "
        "positions back into a grid.",
        '`rearrange(mixed, "b (h w) c -> b c h w", h=…)` needs the height, because height · width alone does not '
        "say how long a row is.",
    ),
    misconceptions=(
        Misconception(
            "softmax-over-queries",
            "The softmax runs over the queries, so the columns sum to one, not the rows. Each position distributes "
            "its attention over all positions: use the last axis.",
            slips.normalised(lambda scores: scores.softmax(-2)),
        ),
        Misconception(
            "softmax-over-the-batch",
            "The softmax runs over the batch, the axis that PyTorch chooses for three axes without dim. Use the last "
            "axis.",
            slips.normalised(lambda scores: scores.softmax(0)),
        ),
        Misconception(
            "one-softmax-for-all",
            "One softmax runs over several queries, so a single row does not sum to one. Each query has its own "
            "softmax: use only the last axis.",
            slips.normalised(lambda scores: scores.flatten(1).softmax(-1).view_as(scores)),
            slips.normalised(lambda scores: scores.flatten().softmax(-1).view_as(scores)),
        ),
        Misconception(
            "no-softmax",
            "There is no softmax: the scores themselves are used as weights. That is the next exercise; here the "
            "weights of each position sum to one.",
            slips.normalised(lambda scores: scores),
            slips.weighing(lambda query, key: query @ key.mT),
        ),
        Misconception(
            "softmax-twice",
            "A second softmax is applied to the weights, which makes them more equal. One is enough: `attend` has "
            "it.",
            slips.normalised(lambda scores: scores.softmax(-1).softmax(-1)),
        ),
        Misconception(
            "not-scaled",
            "The scores are not divided by √dim. SAGAN's equation 1 has no division, but this exercise uses scaled "
            "dot-product attention: use `attend`.",
            slips.scaled(lambda query, value: 1),
        ),
        Misconception(
            "scaled-by-dim",
            "The scores are divided by dim, or twice by its root. Divide by √dim once: `attend` does it.",
            slips.scaled(lambda query, value: query.shape[1]),
        ),
        Misconception(
            "scaled-by-a-side",
            "The divisor of the scores depends on the map's width or height. A dot product has as many terms as "
            "there are channels, which are axis 1 of a map.",
            slips.scaled(lambda query, value: math.sqrt(query.shape[-1])),
            slips.scaled(lambda query, value: math.sqrt(query.shape[2])),
            slips.scaled(lambda query, value: query.shape[-1]),
        ),
        Misconception(
            "scaled-by-places",
            "The divisor of the scores depends on the number of positions. A dot product has as many terms as there "
            "are channels in a query.",
            slips.scaled(lambda query, value: math.sqrt(query.shape[2] * query.shape[3])),
            slips.scaled(lambda query, value: query.shape[2] * query.shape[3]),
        ),
        Misconception(
            "scaled-by-value-dim",
            "The divisor of the scores depends on the number of value channels. The values play no part in the "
            "scores: use the number of query channels.",
            slips.scaled(lambda query, value: math.sqrt(value.shape[1])),
            slips.scaled(lambda query, value: value.shape[1]),
        ),
        Misconception(
            "channels-as-tokens",
            "The channels attend to each other instead of the positions. The tokens are the positions, so move the "
            "channels to the last axis before attend.",
            slips.slip(tokens=lambda part: part.flatten(2), back=lambda mixed, h, w: mixed.unflatten(-1, (h, w))),
        ),
        Misconception(
            "reshaped-into-tokens",
            "A bare reshape makes the tokens, which mixes positions of one channel. Move the channels to the last "
            "axis first, as in the exercise before.",
            slips.slip(tokens=lambda part: part.reshape(len(part), -1, part.shape[1])),
            slips.slip(
                tokens=lambda part: part.reshape(len(part), -1, part.shape[1]),
                back=lambda mixed, h, w: mixed.reshape(len(mixed), -1, h, w),
            ),
        ),
        Misconception(
            "reshaped-back",
            "The weights are right, but on the way back a bare reshape mixes channels and positions. Move the "
            "channels to the second axis with rearrange.",
            slips.slip(back=lambda mixed, h, w: mixed.reshape(mixed.shape[0], -1, h, w)),
        ),
        Misconception(
            "columns-back",
            "On the way back, the positions fill the grid column by column. They were flattened row by row: (h w).",
            slips.slip(back=lambda mixed, h, w: rearrange(mixed, "b (w h) c -> b c h w", h=h)),
        ),
        Misconception(
            "columns-both-ways",
            "The output is right, but rows and columns of the weights number the positions column by column. Raster "
            "order goes row by row.",
            slips.slip(
                tokens=lambda part: rearrange(part, "b c h w -> b (w h) c"),
                back=lambda mixed, h, w: rearrange(mixed, "b (w h) c -> b c h w", h=h),
            ),
        ),
        Misconception(
            "sides-exchanged",
            "Height and width are swapped on the way back, so the rows have the wrong length. A row is as long as "
            "the map is wide.",
            slips.slip(back=lambda mixed, h, w: rearrange(mixed, "b (h w) c -> b c h w", h=w)),
        ),
        Misconception(
            "map-transposed",
            "The numbers are right, but the map is transposed: (batch, value_dim, width, height). Height comes "
            "before width.",
            slips.then(lambda output, weights, value: (output.mT, weights)),
        ),
        Misconception(
            "square-maps-only",
            "The output is reshaped as if the map were square, with the root of the number of positions. Take height "
            "and width from the maps: they may differ.",
            slips.square,
            slips.as_high_as_a_square,
            slips.as_wide_as_a_square,
        ),
        Misconception(
            "rows-only",
            "Each position attends only to its own row: batch and height both act as batch axes. Join height and "
            "width into one axis first, so that every position attends to all others.",
            slips.lines("b c h w -> b h w c", "b h w c -> b c h w"),
        ),
        Misconception(
            "columns-only",
            "Each position attends only to its own column: batch and width both act as batch axes. Join height and "
            "width into one axis first, so that every position attends to all others.",
            slips.lines("b c h w -> b w h c", "b w h c -> b c h w"),
        ),
        Misconception(
            "maps-as-they-are",
            "`attend` gets the maps themselves, so it treats their rows as tokens and the width as features. Convert "
            "the positions to tokens first.",
            attend,
        ),
        Misconception(
            "whole-batch",
            "The images of the batch attend to each other: all their positions are one sequence. The batch keeps its "
            "own axis.",
            slips.whole_batch,
        ),
        Misconception(
            "output-left-as-tokens",
            "The numbers are right, but the output is still a sequence. Rearrange the tokens into a map, with the "
            "channels on axis 1.",
            slips.slip(back=lambda mixed, h, w: mixed),
        ),
        Misconception(
            "grid-missing",
            "The channels are back on axis 1, but the positions are still one axis. Rearrange them into a grid: "
            "(batch, value_dim, height, width).",
            slips.slip(back=lambda mixed, h, w: mixed.mT),
        ),
        Misconception(
            "channels-last",
            "The output is a map, but its channels come last. They belong on axis 1: (batch, value_dim, height, "
            "width).",
            slips.slip(back=lambda mixed, h, w: mixed.unflatten(1, (h, w))),
        ),
        Misconception(
            "causal",
            "A causal mask hides the positions that come later in raster order. Use no mask: every position attends "
            "to all positions.",
            slips.slip(look=slips.causal),
        ),
        Misconception(
            "weights-transposed",
            "The weights are transposed. A row belongs to a query and sums to one.",
            slips.then(lambda output, weights, value: (output, weights.mT)),
        ),
        Misconception(
            "mixed-by-the-transpose",
            "The weights are right, but the output uses their transpose. The weights of one position are a row, not "
            "a column.",
            slips.then(lambda output, weights, value: ((value.flatten(2) @ weights).reshape(value.shape), weights)),
        ),
        Misconception(
            "query-and-key-exchanged",
            "Query and key are swapped. A row of the weights belongs to a query.",
            lambda query, key, value: attend_2d(key, query, value),
        ),
        Misconception(
            "keys-mixed",
            "The weights are right, but they are applied to the keys. Apply them to the values.",
            lambda query, key, value: (attend_2d(query, key, key)[0], attend_2d(query, key, value)[1]),
        ),
        Misconception(
            "values-added",
            "The values are added to the output. The residual sum comes later: return only the output of attention.",
            slips.then(lambda output, weights, value: (value + output, weights)),
        ),
        Misconception(
            "axis-for-heads",
            "The weights are right, but they have an extra axis, as if for heads. There is one head, without an "
            "axis.",
            slips.then(lambda output, weights, value: (output, weights[:, None])),
        ),
        Misconception(
            "weights-as-maps",
            "The weights are right, but have the shape of maps. Return them as a matrix: one row per query, one "
            "column per key.",
            slips.then(
                lambda output, weights, value: (
                    output,
                    weights.unflatten(2, value.shape[2:]).unflatten(1, value.shape[2:]),
                )
            ),
            slips.then(lambda output, weights, value: (output, weights.unflatten(2, value.shape[2:]))),
        ),
        Misconception(
            "scores-returned",
            "The output is right, but the scores from before the softmax are returned with it. Return the weights.",
            slips.scores_for_weights(scaled=True),
            slips.scores_for_weights(scaled=False),
        ),
        Misconception(
            "weights-first",
            "The numbers are right, but the weights come first. Return the output first, then the weights.",
            slips.then(lambda output, weights, value: (weights, output)),
        ),
        Misconception(
            "only-output",
            "Only the output is returned. Return the weights too, as the second value.",
            slips.then(lambda output, weights, value: output),
        ),
        Misconception(
            "only-weights",
            "Only the weights are returned. Multiply them with the values, and return both output and weights.",
            slips.then(lambda output, weights, value: weights),
        ),
    ),
)
