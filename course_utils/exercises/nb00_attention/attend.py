"""Scaled dot-product attention, with a mask."""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from course_utils.attention import attend
from course_utils.exercises.exercise import Arguments, Exercise, Misconception


# Numbers of variance one and a dim of 8 or 16: scores near one after the scaling, so that no softmax is one-hot and
# every slip shows. No two lengths are equal where a mix-up of axes could hide behind them.
def _attend_cases(g: Generator) -> list[Arguments]:
    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g)

    some = torch.rand(4, 7, generator=g) < 0.5
    some[:, 0] = True  # each query may look somewhere: what a row without any gives is no question for beginners
    padding = torch.arange(6) < torch.tensor([[4], [6]])
    return [
        (normal(3, 16), normal(4, 16), normal(4, 5)),
        (normal(2, 3, 5, 8), normal(2, 3, 7, 8), normal(2, 3, 7, 6)),
        (normal(2, 4, 8), normal(2, 7, 8), normal(2, 7, 3), some),
        (normal(2, 2, 6, 8), normal(2, 2, 6, 8), normal(2, 2, 6, 4), torch.ones(6, 6, dtype=torch.bool).tril()),
        (normal(2, 3, 5, 8), normal(2, 3, 6, 8), normal(2, 3, 6, 8), padding[:, None, None, :]),
    ]


def _attend_slip(
    scale: Callable[[Tensor, Tensor], float] = lambda query, key: math.sqrt(query.shape[-1]),
    mask_scores: Callable[[Tensor, Tensor], Tensor] = lambda scores, mask: scores.masked_fill(~mask, -1e30),
    normalise: Callable[[Tensor], Tensor] = lambda scores: scores.softmax(-1),
    mask_weights: Callable[[Tensor, Tensor], Tensor] = lambda weights, mask: weights,
) -> Callable[..., tuple[Tensor, Tensor]]:
    """Attention with one of its steps replaced."""

    def wrong(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        scores = query @ key.mT / scale(query, key)
        weights = normalise(scores if mask is None else mask_scores(scores, mask))
        weights = weights if mask is None else mask_weights(weights, mask)
        return weights @ value, weights

    return wrong


ATTEND = Exercise(
    name="00.attend",
    title="Scaled dot-product attention",
    points=2,
    reference=attend,
    returns=("output", "weights"),
    learns=("query", "key", "value"),
    cases=_attend_cases,
    hints=(
        "Begin with the scores: one dot product for every pair of a query and a key is one matrix product, "
        "`query @ key.mT`. Their shape is (..., queries, keys).",
        "Divide the scores by the square root of `query.shape[-1]`. Then a softmax over the last axis lets each "
        "query share out a weight of one among the keys.",
        "The mask comes between the two: `scores.masked_fill(~mask, …)` with a very negative number, so that the "
        "softmax gives those keys nothing. The output is `weights @ value`; return it first, then the weights.",
    ),
    misconceptions=(
        Misconception(
            _attend_slip(scale=lambda query, key: 1.0),
            "The scores are not divided by √dim. A dot product of dim terms grows like √dim, and a softmax of "
            "large scores is nearly one-hot and hardly learns: see equation 1 of Vaswani et al.",
        ),
        Misconception(
            _attend_slip(scale=lambda query, key: query.shape[-1]),
            "The scores are divided by dim, which flattens them too much. A dot product of dim terms of variance "
            "one has the standard deviation √dim, so divide by the square root.",
        ),
        Misconception(
            _attend_slip(scale=lambda query, key: math.sqrt(key.shape[-2])),
            "The scores are divided by the square root of the number of keys. What makes a dot product large is "
            "the number of its terms: use the last axis of query, not the last but one of key.",
        ),
        Misconception(
            _attend_slip(normalise=lambda scores: scores.softmax(-2)),
            "The softmax runs over the queries, so the columns of the weights sum to one. Each query shares out "
            "its attention among the keys: rows must sum to one, so take the last axis.",
        ),
        Misconception(
            _attend_slip(normalise=lambda scores: scores),
            "The scores are used as weights, without a softmax. They can be negative and do not sum to one, so the "
            "output is no weighted mean: put a softmax over the keys in between.",
        ),
        Misconception(
            _attend_slip(mask_scores=lambda scores, mask: scores.masked_fill(mask, -1e30)),
            "The mask is turned round: keys that may be seen are hidden. True means that a query may look, so fill "
            "the scores where `~mask`.",
        ),
        Misconception(
            _attend_slip(mask_scores=lambda scores, mask: scores),
            "The mask has no effect: every query still looks at every key. Use it on the scores, before the softmax.",
        ),
        Misconception(
            _attend_slip(mask_scores=lambda scores, mask: scores, mask_weights=lambda weights, mask: weights * mask),
            "The mask is multiplied in after the softmax, so the rows that lost a key no longer sum to one. Hide "
            "the scores before the softmax, which then shares the whole weight among the keys that are left.",
        ),
        Misconception(
            _attend_slip(mask_scores=lambda scores, mask: scores * mask),
            "The hidden scores are set to zero before the softmax, but exp(0) is one: those keys still get weight. "
            "Fill them with a very negative number instead.",
        ),
        Misconception(
            _attend_slip(mask_scores=lambda scores, mask: scores + mask),
            "The mask is added to the scores, which only moves them by one. A boolean mask says where to fill in a "
            "very negative number: `masked_fill(~mask, …)`.",
        ),
        Misconception(
            lambda query, key, value, mask=None: attend(query, key, value, mask)[::-1],
            "The numbers are right, but the weights come first. Return the output first, then the weights.",
        ),
        Misconception(
            lambda query, key, value, mask=None: attend(query, key, value, mask)[1],
            "Only the weights are returned. Mix the values with them, `weights @ value`, and return both.",
        ),
        Misconception(
            lambda query, key, value, mask=None: attend(query, key, value, mask)[0],
            "Only the output is returned. Return the weights too, as the second value: they are what we will look "
            "at.",
        ),
    ),
)
