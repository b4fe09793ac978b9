"""Attention without a softmax."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.attention import attend_by_dot_product, split_heads
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild

Weigh = Callable[[Tensor, Tensor], Tensor]


def _cases(g: Generator) -> list[Arguments]:
    def case(batch: int, queries: int, keys: int, dim: int, value_dim: int) -> Arguments:
        shapes = (batch, queries, dim), (batch, keys, dim), (batch, keys, value_dim)
        return tuple(torch.randn(*shape, generator=g) for shape in shapes)

    return [case(2, 5, 7, 8, 3), case(1, 6, 4, 5, 8), case(3, 2, 9, 4, 4)]


def _wild(g: Generator) -> list[Wild]:
    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g)

    heads = tuple(split_heads(part, 2) for part in normal(3, 5, 24).chunk(3, dim=-1))
    return [
        Wild(
            "transposed-memory",
            (normal(2, 8, 4).mT, normal(2, 8, 6).mT, normal(2, 3, 6).mT),
            "the channels come first in memory, as in the tokens of a map",
            "`@`, `reshape` and `rearrange` work in any memory order; `view` does not.",
        ),
        Wild(
            "heads",
            heads,
            "there are two axes in front, batch and heads, as `split_heads` leaves them",
            "The dots in (..., keys, dim) stand for any number of axes: count from the back, and multiply with `@`.",
        ),
        Wild(
            "no-batch",
            (normal(4, 8), normal(6, 8), normal(6, 3)),
            "there is no axis in front of queries and keys",
            "The dots in (..., keys, dim) stand for any number of axes: count from the back, and multiply with `@`.",
        ),
        Wild(
            "one-key",
            (normal(2, 3, 4), normal(2, 1, 4), normal(2, 1, 1)),
            "there is one key",
            "Its weight must be the dot product itself.",
        ),
        Wild(
            "doubled-keys",
            (normal(1, 3, 4), normal(1, 5, 4).repeat(1, 2, 1), normal(1, 5, 2).repeat(1, 2, 1)),
            "every key and every value appears twice",
            "The output must not change.",
        ),
    ]


def _slip(weigh: Weigh) -> Callable[..., Any]:
    """The output for other weights, and these weights."""

    def wrong(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        weights = weigh(query, key)
        return weights @ value, weights

    return wrong


def _over(size: Callable[[Tensor, Tensor], float]) -> Callable[..., Any]:
    return _slip(lambda query, key: query @ key.mT / size(query, key))


def _over_values(size: Callable[[Tensor], float]) -> Callable[..., Any]:
    def wrong(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        weights = query @ key.mT / size(value)
        return weights @ value, weights

    return wrong


def _then(change: Callable[[Tensor, Tensor, int, Tensor, Tensor], Any]) -> Callable[..., Any]:
    """Something computed from the right output and weights, the number of keys, the keys and the values."""
    return lambda query, key, value: change(*attend_by_dot_product(query, key, value), key.shape[-2], key, value)


def _rows(scores: Tensor) -> Tensor:
    return scores / scores.sum(-1, keepdim=True)


def _root(query: Tensor) -> float:
    return math.sqrt(query.shape[-1])


DOT_PRODUCT = Exercise(
    name="01.attend_by_dot_product",
    title="Attention without a softmax",
    points=2,
    reference=attend_by_dot_product,
    returns=("output", "weights"),
    learns=("query", "key", "value"),
    cases=_cases,
    wild=_wild,
    hints=(
        "The scores are the usual ones, `query @ key.mT`. Only the softmax and the division by √dim are left out.",
        "The output is a sum over the keys. If every key and every value appears twice, the sum is twice as large: "
        "what must each weight be divided by, so that the output does not change?",
        "By the number of keys, `key.shape[-2]`. Return `weights @ value` and the weights.",
    ),
    misconceptions=(
        Misconception(
            "softmax",
            "There is still a softmax. The dot-product block uses the scores themselves as weights, up to one "
            "factor, so they may be negative.",
            _slip(lambda query, key: (query @ key.mT / _root(query)).softmax(-1)),
            _slip(lambda query, key: (query @ key.mT).softmax(-1)),
            _slip(lambda query, key: (query @ key.mT / key.shape[-2]).softmax(-1)),
            _slip(lambda query, key: (query @ key.mT).softmax(-1) / key.shape[-2]),
            _slip(lambda query, key: (query @ key.mT / _root(query)).softmax(-1) / key.shape[-2]),
            _slip(lambda query, key: (query @ key.mT).softmax(-2)),
            _slip(lambda query, key: (query @ key.mT / _root(query)).softmax(-2)),
        ),
        Misconception(
            "not-divided",
            "The weights are the bare scores, so the output grows with the size of the map. If every key and every "
            "value appeared twice, it would be twice as large.",
            _over(lambda query, key: 1),
        ),
        Misconception(
            "over-queries",
            "The weights are divided by the number of queries. Each query sums one term per key, so use the number "
            "of keys; the two differ if the keys are pooled.",
            _over(lambda query, key: query.shape[-2]),
        ),
        Misconception(
            "over-root-of-dim",
            "The weights are divided by √dim, which belongs before a softmax. Here, divide by the number of terms in "
            "the output's sum.",
            _over(lambda query, key: _root(query)),
        ),
        Misconception(
            "over-dim",
            "The weights are divided by dim, the number of terms in a dot product. Here, divide by the number of "
            "terms in the output's sum.",
            _over(lambda query, key: query.shape[-1]),
        ),
        Misconception(
            "over-root-of-dim-too",
            "The weights are divided by √dim as well. That root belongs before a softmax, and there is none: a "
            "single key's weight is the dot product itself.",
            _over(lambda query, key: _root(query) * key.shape[-2]),
        ),
        Misconception(
            "over-root-of-keys",
            "The weights are divided by the root of the number of keys, so the output still grows with the map: if "
            "every key and every value appeared twice, it would be √2 times as large.",
            _over(lambda query, key: math.sqrt(key.shape[-2])),
        ),
        Misconception(
            "over-value-dim",
            "The divisor of the weights depends on the last axis of value. Divide by the number of terms in the "
            "output's sum, not by the length of each term.",
            _over_values(lambda value: value.shape[-1]),
            _over_values(lambda value: math.sqrt(value.shape[-1])),
        ),
        Misconception(
            "multiplied",
            "The weights are multiplied by the number of keys, so the output grows with the square of the map's "
            "size. Divide instead.",
            _over(lambda query, key: 1 / key.shape[-2]),
        ),
        Misconception(
            "over-batch",
            "The weights are divided by the length of the first axis, the batch. The result for one image must not "
            "depend on the batch size.",
            _over(lambda query, key: len(key)),
        ),
        Misconception(
            "over-too-much",
            "The weights are divided by more than the number of keys: the divisor also includes batch, queries or "
            "dim. Each query sums one term per key of its own image.",
            _over(lambda query, key: key.numel()),
            _over(lambda query, key: key.shape[-1] * key.shape[-2]),
            _over(lambda query, key: query.shape[-2] * key.shape[-2]),
            _over(lambda query, key: len(query) * query.shape[-2] * key.shape[-2]),
        ),
        Misconception(
            "rows-sum-to-one",
            "Each row is divided by something computed from its values, such as their sum, norm or maximum. The "
            "paper divides all weights by one number that depends only on the sizes.",
            _slip(lambda query, key: _rows(query @ key.mT)),
            _slip(lambda query, key: F.normalize(query @ key.mT, p=1, dim=-1)),
            _slip(lambda query, key: F.normalize(query @ key.mT, dim=-1)),
            _slip(lambda query, key: _rows((query @ key.mT).relu())),
            _slip(lambda query, key: _rows((query @ key.mT).abs())),
            _slip(lambda query, key: (scores := query @ key.mT) / scores.amax(-1, keepdim=True)),
            _slip(lambda query, key: (scores := query @ key.mT) / scores.abs().amax(-1, keepdim=True)),
        ),
        Misconception(
            "weights-before-the-division",
            "The output is right, but the weights are returned from before the division. Return the weights that you "
            "used for the output.",
            _then(lambda output, weights, keys, key, value: (output, weights * keys)),
        ),
        Misconception(
            "output-before-the-division",
            "The weights are right, but the output uses the scores from before the division. Use the weights.",
            _then(lambda output, weights, keys, key, value: (output * keys, weights)),
        ),
        Misconception(
            "divided-twice",
            "The weights are right, but the output is divided once more. Once is enough.",
            _then(lambda output, weights, keys, key, value: (output / keys, weights)),
        ),
        Misconception(
            "negative-cut-off",
            "Negative weights are set to zero. Here weights may have any sign.",
            _slip(lambda query, key: (query @ key.mT).relu() / key.shape[-2]),
        ),
        Misconception(
            "sign-lost",
            "The weights have lost their signs. Here weights may be negative.",
            _slip(lambda query, key: (query @ key.mT).abs() / key.shape[-2]),
            _slip(lambda query, key: (query @ key.mT).square() / key.shape[-2]),
        ),
        Misconception(
            "exp",
            "The weights are exp of the scores. There is no softmax here, and no half of one: the scores themselves "
            "are the weights, up to one factor.",
            _slip(lambda query, key: (query @ key.mT).exp() / key.shape[-2]),
            _slip(lambda query, key: (query @ key.mT).exp()),
        ),
        Misconception(
            "bent",
            "The scores go through a sigmoid or a tanh. There is no nonlinearity here: the scores are the weights, "
            "up to one factor.",
            _slip(lambda query, key: (query @ key.mT).sigmoid() / key.shape[-2]),
            _slip(lambda query, key: (query @ key.mT).sigmoid()),
            _slip(lambda query, key: (query @ key.mT).tanh()),
            _slip(lambda query, key: (query @ key.mT).tanh() / key.shape[-2]),
            _slip(lambda query, key: (query @ key.mT / key.shape[-2]).tanh()),
        ),
        Misconception(
            "columns-sum-to-one",
            "Each column is divided by its sum. The paper divides all weights by one number that depends only on the "
            "sizes.",
            _slip(lambda query, key: (scores := query @ key.mT) / scores.sum(-2, keepdim=True)),
        ),
        Misconception(
            "floor-division",
            "The weights are rounded down: `//` drops the fraction. Use `/`.",
            _slip(lambda query, key: query @ key.mT // key.shape[-2]),
        ),
        Misconception(
            "cosine",
            "Queries and keys are scaled to length one first. Use the dot product of the unscaled vectors.",
            _slip(lambda query, key: F.normalize(query, dim=-1) @ F.normalize(key, dim=-1).mT / key.shape[-2]),
            _slip(lambda query, key: F.normalize(query, dim=-1) @ F.normalize(key, dim=-1).mT),
        ),
        Misconception(
            "mean-of-the-row",
            "Every key gets the same weight, the mean of its row. Each key has its own score: do not average them.",
            _slip(lambda query, key: (scores := query @ key.mT).mean(-1, keepdim=True).expand_as(scores)),
        ),
        Misconception(
            "key-reshaped",
            "The keys are reshaped to the transposed shape, which leaves the numbers in their old order, so a column "
            "is not a key. Swap the two axes instead.",
            _slip(
                lambda query, key: query @ key.reshape(*key.shape[:-2], key.shape[-1], key.shape[-2]) / key.shape[-2]
            ),
        ),
        Misconception(
            "keys-mixed",
            "The weights are right, but they are applied to the keys. Apply them to the values.",
            _then(lambda output, weights, keys, key, value: (weights @ key, weights)),
        ),
        Misconception(
            "weights-transposed",
            "The weights are transposed. A row belongs to a query, a column to a key.",
            _then(lambda output, weights, keys, key, value: (output, weights.mT)),
        ),
        Misconception(
            "weights-first",
            "The numbers are right, but the weights come first. Return the output first, then the weights.",
            _then(lambda output, weights, keys, key, value: (weights, output)),
        ),
        Misconception(
            "only-output",
            "Only the output is returned. Return the weights too, as the second value.",
            _then(lambda output, weights, keys, key, value: output),
        ),
        Misconception(
            "only-weights",
            "Only the weights are returned. Multiply them with the values, and return both output and weights.",
            _then(lambda output, weights, keys, key, value: weights),
        ),
    ),
)
