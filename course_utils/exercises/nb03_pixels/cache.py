"""One step with the past kept."""

import math
from functools import partial

import torch
from torch import Generator, Tensor

from course_utils.attention import attend
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.exercises.nb03_pixels.steps import (
    averaged,
    both,
    first_only,
    fixed,
    front,
    looking,
    returns,
    slip,
    weighted,
    window,
)
from course_utils.models.pixel_transformer import cached_step


# With one head and one token kept, a slip that joins along a wrong axis gives a result and no exception.
def _cases(g: Generator) -> list[Arguments]:
    return [
        tuple(torch.randn(batch, heads, length, dim, generator=g) for length in (1, 1, 1, seen, seen))
        for batch, heads, seen, dim in [(2, 3, 5, 8), (1, 1, 1, 4), (1, 2, 9, 16), (3, 4, 4, 6)]
    ]


def _wild(g: Generator) -> list[Wild]:
    def some(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g)

    query, key, value = (some(2, 6, 3, 4).transpose(1, 2) for _ in range(3))
    sign = torch.tensor([-1.0, 1.0])[:, None, None, None]  # all scores of a picture near −200, or near 200
    return [
        Wild(
            "nothing-kept",
            tuple(some(2, 3, length, 8) for length in (1, 1, 1, 0, 0)),
            "nothing is kept yet, because this token is the first",
            "It then looks at itself alone, and is kept for the next.",
        ),
        Wild(
            "large-scores",
            (
                20 + some(2, 1, 1, 4),
                sign * (5 + some(2, 1, 1, 4) / 8),
                some(2, 1, 1, 4),
                sign * (5 + some(2, 1, 6, 4) / 8),
                some(2, 1, 6, 4),
            ),
            "scores are near 200 or −200",
            "Leave the exponentials to `softmax`, which first subtracts the largest score.",
        ),
        Wild(
            "permuted-memory",
            (query[..., 5:, :], key[..., 5:, :], value[..., 5:, :], key[..., :5, :], value[..., :5, :]),
            "the heads have just been split off, so that the numbers lie in memory in another order",
            "Use `.reshape` or `.flatten` instead of `.view`.",
        ),
    ]


CACHED_STEP = Exercise(
    name="03.cached_step",
    title="One step with the past kept",
    reference=cached_step,
    cases=_cases,
    wild=_wild,
    returns=("output", "keys", "values"),
    points=2,
    hints=(
        "The new token's query looks at everything up to and including itself. Where are those keys and values?",
        "Join the new key behind the kept ones along the axis of the tokens, the last but one; the same for the "
        "values.",
        "`attend` returns output and weights. There is no future among the keys, so no mask; return the longer keys "
        "and values, they are the next step's past.",
    ),
    misconceptions=(
        Misconception(
            looking(lambda query, key, value, past_keys, past_values: attend(query, past_keys, past_values)[0]),
            "The new token looks at the past, but not at itself. The causal mask of notebook 00 has its diagonal: what "
            "may a token see?",
            name="not-itself",
        ),
        Misconception(
            looking(lambda query, key, value, past_keys, past_values: attend(query, key, value)[0]),
            "The new token looks at itself alone, so its output is its own value. The past is there to be looked at.",
            name="itself-only",
        ),
        Misconception(
            returns(
                lambda output, keys, values, past_keys, past_values, key, value: (output, past_keys, past_values)
            ),
            "The output is right, but what is returned to keep is the old past, so the next step will not know this "
            "token. Return the longer keys and values.",
            name="past-returned",
        ),
        Misconception(
            returns(lambda output, keys, values, past_keys, past_values, key, value: (output, key, value)),
            "The output is right, but only the new key and value are returned to keep, so the next step will know this "
            "token and no other. Return the longer keys and values.",
            name="new-ones-returned",
        ),
        Misconception(
            slip(look=first_only),
            "The query sees the first key only, which is what a causal mask of one row allows. What lies ahead of the "
            "last token? (`is_causal=True` of PyTorch's fused attention does the same with one query.)",
            name="first-key-only",
        ),
        Misconception(
            both(front),
            "The new key and value stand before the past ones. The output is the same, since attention reads a set, "
            "but the cache is no longer in the order of the picture: put the new ones last.",
            name="new-ones-in-front",
        ),
        Misconception(
            slip(keep_value=front),
            "Keys and values are kept in different orders, so a token's weight meets the value of another. Join both in "
            "the same way.",
            name="different-orders",
            also=(slip(keep_key=front),),
        ),
        Misconception(
            both(lambda past, new: new),
            "The past is thrown away, so the token looks at itself alone. Join the new key and value to the kept "
            "ones.",
            name="past-thrown-away",
        ),
        Misconception(
            both(window),
            "The oldest token is dropped for every new one, so the cache never grows. Nothing that was read may be "
            "forgotten.",
            name="oldest-dropped",
        ),
        Misconception(
            both(lambda past, new: torch.cat([past, new], 1)),
            "The new ones are joined along the axis of the heads, as if they were heads of their own. The tokens have "
            "another axis.",
            name="joined-along-the-heads",
        ),
        Misconception(
            both(lambda past, new: torch.cat([past, new])),
            "The new ones are joined along the first axis, as if they were pictures of their own: `cat` does so if it is "
            "not told an axis. The tokens have another one.",
            name="joined-along-the-batch",
        ),
        Misconception(
            slip(look=lambda query, keys, values: attend(query, values, keys)[0]),
            "Keys and values are exchanged in the call of attend: it compares the query with the keys, and hands "
            "over the values.",
            name="keys-and-values-exchanged",
        ),
        Misconception(
            slip(look=lambda query, keys, values: attend(query, keys, keys)[0]),
            "The output is made of keys. Keys only say who is looked at; what is handed over are the values.",
            name="keys-handed-over",
        ),
        Misconception(
            slip(look=lambda query, keys, values: attend(query, values, values)[0]),
            "The query is compared with the values. Compare it with the keys, and hand over the values.",
            name="values-compared",
        ),
        Misconception(
            looking(
                lambda query, key, value, past_keys, past_values: cached_step(
                    key, key, value, past_keys, past_values
                )[0]
            ),
            "The new key asks instead of the query, which is not used.",
            name="key-asks",
        ),
        Misconception(
            lambda query, key, value, past_keys, past_values: cached_step(
                query, query, value, past_keys, past_values
            ),
            "The query is kept as a key, and the new key is not used. Later tokens compare themselves with keys.",
            name="query-kept",
        ),
        Misconception(
            weighted(scale=lambda query, keys: 1.0),
            "The scores are not divided by √dim, so they are larger the more features there are.",
            name="unscaled",
        ),
        Misconception(
            weighted(scale=lambda query, keys: query.shape[-1]),
            "The scores are divided by dim itself, or twice by its root: `attend` divides already.",
            name="scaled-by-dim",
        ),
        Misconception(
            weighted(scale=lambda query, keys: math.sqrt(keys.shape[-2])),
            "The scores are divided by the square root of the number of tokens. What makes a dot product large is the "
            "number of its terms.",
            name="scaled-by-tokens",
            also=(weighted(scale=lambda query, keys: math.sqrt(keys.shape[-2] - 1)),),
        ),
        Misconception(
            weighted(scale=lambda query, keys: math.sqrt(query.shape[1] * query.shape[-1])),
            "The scores are divided by the square root of the features of all heads. A head's dot product has only its "
            "own.",
            name="scaled-by-all-features",
        ),
        Misconception(
            weighted(scale=lambda query, keys: math.sqrt(query.shape[1])),
            "The scores are divided by the square root of the number of heads. What makes a dot product large is the "
            "number of its terms.",
            name="scaled-by-heads",
        ),
        Misconception(
            weighted(scale=lambda query, keys: math.sqrt(8)),
            "The scores are divided by the same number, however many features there are. Read dim from the shape.",
            name="scale-written-in",
            also=tuple(
                weighted(scale=partial(fixed, number))
                for number in (2.0, 4.0, math.sqrt(12), math.sqrt(48), 8.0, 16.0)
            ),
        ),
        Misconception(
            weighted(normalise=lambda scores: scores.softmax(1)),
            "The softmax runs over the heads. Each query shares out a weight of one among the tokens: the last axis.",
            name="softmax-over-heads",
        ),
        Misconception(
            weighted(normalise=lambda scores: scores.softmax(0)),
            "The softmax runs over the batch, so that pictures share their weights. Each query shares out a weight of one "
            "among the tokens: the last axis.",
            name="softmax-over-the-batch",
        ),
        Misconception(
            weighted(normalise=lambda scores: scores.softmax(-2)),
            "The softmax runs over the queries, and there is only one: every weight is 1, and the values are added up. "
            "It runs over the tokens that are looked at.",
            name="softmax-over-queries",
        ),
        Misconception(
            weighted(normalise=lambda scores: scores),
            "There is no softmax: the scores themselves weigh the values. Weights are positive and sum to one.",
            name="no-softmax",
        ),
        Misconception(
            weighted(normalise=lambda scores: scores.softmax(-1).softmax(-1)),
            "The softmax is taken twice, which makes the weights nearly equal. `attend` takes one already.",
            name="softmax-twice",
        ),
        Misconception(
            looking(averaged),
            "Past and new token each have a softmax of their own, and the two results are averaged. They compete with "
            "each other: one softmax over all.",
            name="two-softmaxes",
            also=(
                looking(
                    lambda query, key, value, past_keys, past_values: attend(query, past_keys, past_values)[0] + value
                ),
            ),
        ),
        Misconception(
            slip(look=lambda query, keys, values: values.mean(-2, keepdim=True)),
            "All tokens are weighted alike: the query is not used.",
            name="mean-of-values",
        ),
        Misconception(
            slip(look=attend),
            "`attend` returns two things, output and weights, and both are handed on here. Only the output is wanted.",
            name="pair-of-attend",
            also=(slip(look=attend, give=lambda both, keys, values: (*both, keys, values)),),
        ),
        Misconception(
            slip(look=lambda query, keys, values: attend(query, keys, values)[1]),
            "The first thing returned is the weights. `attend` returns the output first.",
            name="weights-for-output",
        ),
        Misconception(
            returns(lambda output, *_: output),
            "Only the output is returned, and it is right. Return the longer keys and values too, for the next token.",
            name="output-only",
        ),
        Misconception(
            returns(lambda output, keys, values, *_: (output, torch.stack([keys, values]))),
            "Keys and values are returned in one, as a pair or as one tensor. Three things are asked for: output, keys, "
            "values.",
            name="kept-in-one",
            also=(returns(lambda output, keys, values, *_: (output, torch.cat([keys, values], -1))),),
        ),
        Misconception(
            returns(lambda output, keys, values, *_: (output, values, keys)),
            "The numbers are right, but values and keys are returned in the wrong order. The next token would compare "
            "itself with values.",
            name="values-before-keys",
        ),
        Misconception(
            slip(
                look=lambda query, keys, values: attend(query[:, :1], keys[:, :1], values[:, :1])[0].expand_as(query)
            ),
            "The first head's output stands for all heads. Each has its own.",
            name="first-head-only",
        ),
    ),
)
