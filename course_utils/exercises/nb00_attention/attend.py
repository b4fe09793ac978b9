"""Scaled dot-product attention, with a mask."""

import torch
from torch import Generator, Tensor

from course_utils.attention import attend, split_heads
from course_utils.exercises.exercise import Arguments, Exercise, Wild
from course_utils.exercises.nb00_attention.attend_misconceptions import MISCONCEPTIONS


# Numbers of variance one and a dim of 8 or 16: scores near one after the scaling, so that no softmax is one-hot and
# every slip shows. No two lengths are equal where a mix-up of axes could hide behind them, but for one case in which
# every mix-up computes something. In no row of a mask is
# everything hidden or everything seen: there one mistake has many results, and what they are is tried by _wild.
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
        (normal(2, 3, 5, 8), normal(2, 3, 6, 8), normal(2, 3, 6, 8), padding[:, None, None, :]),
    ]


def _wild(g: Generator) -> list[Wild]:
    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g)

    blind = torch.tensor([[True, False, True, True], [False, False, False, False], [True, True, True, True]])
    empty = torch.arange(5) < torch.tensor([[3], [0]])
    # Multiples of 1/8 and √dim = 2: these scores are exact in whatever order they are computed.
    loud = torch.tensor([200.0, 0.0, -200.0, 1.0])[:, None] * torch.tensor([1.0, 0.0, 0.0, 0.0])
    query, key = (((8 * normal(*shape)).round() / 8) for shape in ((4, 4), (6, 4)))
    key[:, 0] = torch.tensor([2.0, 2.0, 1.75, 2.0, 1.75, 4.0])
    known = torch.tensor([[True, True, True, True, True, False]])
    parts = (split_heads(part, 2) for part in normal(2, 5, 24).chunk(3, dim=-1))
    return [
        Wild(
            "causal",
            (normal(1, 6, 8), normal(1, 6, 8), normal(1, 6, 4), torch.ones(6, 6, dtype=torch.bool).tril()),
            "the mask is causal, so that one query may look everywhere",
        ),
        Wild(
            "blind-query",
            (normal(2, 3, 8), normal(2, 4, 8), normal(2, 4, 5), blind),
            "a query may look nowhere",
            "It gets zeros, both as its output and as its row of weights. There is nothing to share out: a softmax "
            "of −inf everywhere gives NaN, a softmax of one finite number everywhere gives equal shares, and "
            "dividing by a sum of zero gives NaN too. The weights must be zero before they mix the values.",
        ),
        Wild(
            "blind-queries",
            (normal(2, 1, 3, 8), normal(2, 1, 5, 8), normal(2, 1, 5, 5), empty[:, None, None, :]),
            "one sequence of the batch is nothing but padding, and its queries may look nowhere",
            "They get zeros, both as their output and as their rows of weights.",
        ),
        Wild(
            "large-scores",
            (loud + query, key, normal(6, 3)),
            "some queries have scores near 200 and others near −200",
            "exp of such a number is infinite or zero, and a limit, or one maximum for all rows, changes the shares: "
            "leave it to `softmax`, which takes the maximum of each row off first.",
        ),
        Wild(
            "large-scores-with-a-mask",
            (loud + query, key, normal(6, 3), known),
            "some scores are near 200 or −200, and a hidden key has the largest",
            "Hide it before the softmax, with a number that is lower than any score could be.",
        ),
        Wild(
            "one-of-each",
            (normal(1, 2, 4, 8), normal(1, 2, 5, 8), normal(1, 2, 5, 6), None),
            "the batch is one picture, and the mask is None",
            "An axis of length one is still an axis.",
        ),
        Wild(
            "heads",
            tuple(parts),
            "query, key and value are the heads of one projection, as in the cells below",
            "Their numbers do not lie side by side in memory: `@` and `reshape` can cope with that, `view` cannot.",
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
        "Begin with the scores: one dot product for every pair of a query and a key is one matrix product, "
        "`query @ key.mT`. Their shape is (..., queries, keys).",
        "Divide the scores by the square root of `query.shape[-1]`. Then a softmax over the last axis lets each "
        "query share out a weight of one among the keys.",
        "The mask comes between the two: `scores.masked_fill(~mask, …)` with a very negative number, so that the "
        "softmax gives those keys nothing. The output is `weights @ value`; return it first, then the weights.",
        "A query that may look nowhere has the same score everywhere after that, and the softmax gives every key the "
        "same share. Where the mask is False the weights are zero, so say that once more, after the softmax.",
    ),
    misconceptions=MISCONCEPTIONS,
)
