"""Scaled dot-product attention, with a mask."""

import torch
from torch import Generator, Tensor

from course_utils.attention import attend, split_heads
from course_utils.exercises.exercise import Arguments, Exercise, Wild
from course_utils.exercises.nb00_attention.attend_misconceptions import MISCONCEPTIONS


# Numbers of variance one and a dim of 8 or 16 give scaled scores near one, so no softmax is one-hot and every mistake
# shows. Lengths differ, so that swapped axes show, except in one case where every swap can be computed. No row of a
# mask is all True or all False: there, one mistake has many results, which _wild tests.
def _cases(g: Generator) -> list[Arguments]:
    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g)

    some = torch.rand(4, 7, generator=g) < 0.5
    some[:, 0], some[:, 5] = True, False
    each = torch.rand(2, 2, 6, 6, generator=g) < 0.5
    each[..., 1], each[..., 3], each[..., 2, :] = True, False, True
    each[..., 2, 3:] = False
    padding = torch.arange(6) < torch.tensor([[4], [5]])
    return [
        (normal(3, 16), normal(4, 16), normal(4, 5)),
        (normal(2, 3, 5, 8), normal(2, 3, 7, 8), normal(2, 3, 7, 6)),
        (normal(2, 4, 8), normal(2, 7, 8), normal(2, 7, 3), some),
        (normal(2, 2, 6, 8), normal(2, 2, 6, 8), normal(2, 2, 6, 4), each),
        (normal(2, 3, 7, 8), normal(2, 3, 6, 8), normal(2, 3, 6, 8), padding[:, None, None, :]),
    ]


def _wild(g: Generator) -> list[Wild]:
    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g)

    blind = torch.tensor([[True, False, True, True], [False, False, False, False], [True, True, True, True]])
    empty = torch.arange(5) < torch.tensor([[3], [0]])
    # Multiples of 1/8 and √dim = 2: these scores are exact in any order of computation.
    loud = torch.tensor([200.0, 0.0, -200.0, 1.0])[:, None] * torch.tensor([1.0, 0.0, 0.0, 0.0])
    query, key = (((8 * normal(*shape)).round() / 8) for shape in ((4, 4), (6, 4)))
    key[:, 0] = torch.tensor([2.0, 2.0, 1.75, 2.0, 1.75, 4.0])
    known = torch.tensor([[True, True, True, True, True, False]])
    parts = (split_heads(part, 2) for part in normal(2, 5, 24).chunk(3, dim=-1))
    return [
        Wild(
            "one-of-each",
            (normal(1, 2, 4, 8), normal(1, 2, 5, 8), normal(1, 2, 5, 6), None),
            "the batch is one image, and the mask is None",
            "An axis of length one is still an axis.",
        ),
        Wild(
            "causal",
            (normal(1, 6, 8), normal(1, 6, 8), normal(1, 6, 4), torch.ones(6, 6, dtype=torch.bool).tril()),
            "the mask is causal, so one query may attend to every key",
        ),
        Wild(
            "blind-query",
            (normal(2, 3, 8), normal(2, 4, 8), normal(2, 4, 5), blind),
            "a query may attend to no key",
            "Its output and its row of weights must be zero. A softmax over −inf everywhere gives NaN, a softmax "
            "over equal finite numbers gives equal weights, and division by a sum of zero gives NaN too. Set the "
            "weights to zero before you multiply them with the values.",
        ),
        Wild(
            "blind-queries",
            (normal(2, 1, 3, 8), normal(2, 1, 5, 8), normal(2, 1, 5, 5), empty[:, None, None, :]),
            "one sequence of the batch is only padding, so its queries may attend to no key",
            "Their outputs and their rows of weights must be zero.",
        ),
        Wild(
            "large-scores",
            (loud + query, key, normal(6, 3)),
            "some queries have scores near 200 and others near −200",
            "exp of such a number is infinite or zero, and clamping, or one maximum for all rows, changes the "
            "weights: use `softmax`, which subtracts the maximum of each row first.",
        ),
        Wild(
            "large-scores-with-a-mask",
            (loud + query, key, normal(6, 3), known),
            "some scores are near 200 or −200, and a masked key has the largest",
            "Mask it before the softmax, with a number lower than any possible score.",
        ),
        Wild(
            "heads",
            tuple(parts),
            "query, key and value are the heads of one projection, as in the cells below",
            "They are not contiguous in memory: `@` and `reshape` handle that, `view` does not.",
        ),
        Wild(
            "one-key",
            (normal(2, 1, 8), normal(2, 1, 8), normal(2, 1, 1)),
            "there is one query, one key, and a value of one number",
            "An axis of length one is still an axis.",
        ),
    ]


ATTEND = Exercise(
    name="00.attend",
    title="Scaled dot-product attention",
    points=2,
    reference=attend,
    returns=("output", "weights"),
    learns=("query", "key", "value"),
    cases=_cases,
    wild=_wild,
    hints=(
        "Begin with the scores: the dot products of all queries and keys are one matrix product, `query @ key.mT`, "
        "of shape (..., queries, keys).",
        "Divide the scores by the square root of `query.shape[-1]`. Then a softmax over the last axis distributes a "
        "total weight of one over the keys.",
        "The mask comes between the two: `scores.masked_fill(~mask, …)` with a very negative number, so that the "
        "softmax gives those keys no weight. The output is `weights @ value`; return it first, then the weights.",
        "A query that may attend to no key now has equal scores, so the softmax gives every key the same weight. "
        "Weights must be zero where the mask is False: mask them once more, after the softmax.",
    ),
    misconceptions=MISCONCEPTIONS,
)
