"""One step with a key/value cache."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Generator, Tensor

from course_utils.attention import attend
from course_utils.exercises.compare import difference
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Promise, Wild
from course_utils.exercises.nb03_pixels import steps as slips
from course_utils.models.pixel_transformer import cached_step


# With one head and one cached token, joining along a wrong axis gives a result and no exception.
def _cases(g: Generator) -> list[Arguments]:
    return [
        tuple(torch.randn(batch, heads, length, dim, generator=g) for length in (1, 1, 1, seen, seen))
        for batch, heads, seen, dim in [(2, 3, 5, 8), (1, 1, 1, 4), (1, 2, 9, 16), (3, 4, 4, 6)]
    ]


def _wild(g: Generator) -> list[Wild]:
    def some(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g)

    query, key, value = (some(2, 6, 3, 4).transpose(1, 2) for _ in range(3))
    sign = torch.tensor([-1.0, 1.0])[:, None, None, None]  # all scores of an image near −200, or near 200
    return [
        Wild(
            "nothing-kept",
            tuple(some(2, 3, length, 8) for length in (1, 1, 1, 0, 0)),
            "the cache is empty, because this token is the first",
            "It then attends only to itself, and its key and value are the first ones in the cache.",
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
            "Use `softmax`, which first subtracts the largest score.",
        ),
        Wild(
            "permuted-memory",
            (query[..., 5:, :], key[..., 5:, :], value[..., 5:, :], key[..., :5, :], value[..., :5, :]),
            "the heads have just been split, so the tensors are in another memory order",
            "Use `.reshape` or `.flatten` instead of `.view`.",
        ),
    ]


def _layers_mixed(fn: Callable[..., Any]) -> str | None:
    """Whether one of two layers that take turns, as in a model, gets keys or values of the other."""
    g = torch.Generator().manual_seed(0)
    caches = [(torch.zeros(1, 2, 0, 4), torch.zeros(1, 2, 0, 4)) for _ in range(2)]
    for turn in range(6):
        query, key, value = (torch.randn(1, 2, 1, 4, generator=g) for _ in range(3))
        mine, right = (step(query, key, value, *caches[turn % 2]) for step in (fn, cached_step))
        if difference(mine, right):
            return (
                "Your answer is right on its own, but not when two layers take turns, as in a model: one gets keys and "
                "values of the other. Store nothing between calls, because the arguments contain the whole cache."
            )
        caches[turn % 2] = right[1:]
    return None


CACHED_STEP = Exercise(
    name="03.cached_step",
    title="One step with a key/value cache",
    reference=cached_step,
    learns=("query", "key", "value", "past_keys", "past_values"),
    cases=_cases,
    wild=_wild,
    returns=("output", "keys", "values"),
    promises=(Promise("layers-take-turns", _layers_mixed),),
    points=2,
    hints=(
        "The new token attends to everything up to and including itself. Where are those keys and values?",
        "Concatenate the past keys and the new key along the axis of the tokens, the second-to-last, with the new "
        "one last; do the same for the values.",
        "`attend` returns output and weights. There is no future among the keys, so no mask is needed; return the "
        "longer keys and values, which are the next step's past.",
    ),
    misconceptions=(
        Misconception(
            "not-itself",
            "The new token attends to the past, but not to itself. The diagonal of a causal mask is True: what may a "
            "token attend to?",
            slips.looking(lambda query, key, value, past_keys, past_values: attend(query, past_keys, past_values)[0]),
        ),
        Misconception(
            "itself-only",
            "The new token attends only to itself, so its output is its own value. It should attend to the past as "
            "well.",
            slips.looking(lambda query, key, value, past_keys, past_values: attend(query, key, value)[0]),
        ),
        Misconception(
            "past-returned",
            "The output is right, but the keys and values returned are those of the past, without the new token, so "
            "the next step will not attend to it. Return the longer keys and values.",
            slips.returns(
                lambda output, keys, values, past_keys, past_values, key, value: (output, past_keys, past_values)
            ),
        ),
        Misconception(
            "new-ones-returned",
            "The output is right, but only the new key and value are returned, so the next step can attend only to "
            "this token. Return the longer keys and values.",
            slips.returns(lambda output, keys, values, past_keys, past_values, key, value: (output, key, value)),
        ),
        Misconception(
            "first-key-only",
            "The query attends only to the first key, as the first row of a causal mask allows. Does anything come "
            "after the newest token? (`is_causal=True` of PyTorch's fused attention does the same with one query.)",
            slips.slip(look=slips.first_only),
        ),
        Misconception(
            "new-ones-in-front",
            "The new key and value are put before the past ones. The output is the same, because attention ignores "
            "order, but the cache is no longer in the order of the tokens: put the new ones last.",
            slips.both(slips.front),
        ),
        Misconception(
            "different-orders",
            "Keys and values are cached in different orders, so a token's weight is applied to another token's "
            "value. Join both in the same way.",
            slips.slip(keep_value=slips.front),
            slips.slip(keep_key=slips.front),
        ),
        Misconception(
            "past-thrown-away",
            "The past is thrown away, so the token attends only to itself. Append the new key and value to the past "
            "ones.",
            slips.both(lambda past, new: new),
        ),
        Misconception(
            "oldest-dropped",
            "The oldest token is dropped for every new one, so the cache never grows. Keep all tokens.",
            slips.both(slips.window),
            slips.returns(lambda output, keys, values, *_: (output, keys[..., 1:, :], values[..., 1:, :])),
        ),
        Misconception(
            "recent-only",
            "The new token attends only to the latest few tokens. It should attend to all tokens in the cache.",
            slips.slip(look=slips.recent(4)),
            *tuple(slips.slip(look=slips.recent(count)) for count in (2, 3, 5, 8)),
        ),
        Misconception(
            "joined-along-the-heads",
            "The new key and value are joined along the axis of the heads, as if they were more heads. Join along "
            "the axis of the tokens.",
            slips.both(lambda past, new: torch.cat([past, new], 1)),
        ),
        Misconception(
            "joined-along-the-batch",
            "The new key and value are joined along the first axis, as if they were more images: `cat` does that "
            "without dim. Join along the axis of the tokens.",
            slips.both(lambda past, new: torch.cat([past, new])),
        ),
        Misconception(
            "keys-and-values-exchanged",
            "Keys and values are swapped in the call of `attend`. Its order is query, key, value: it compares the "
            "query with its second argument and averages its third.",
            slips.slip(look=lambda query, keys, values: attend(query, values, keys)[0]),
        ),
        Misconception(
            "keys-handed-over",
            "The output is a mean of keys. Keys only decide how much weight each token gets; average the values.",
            slips.slip(look=lambda query, keys, values: attend(query, keys, keys)[0]),
        ),
        Misconception(
            "values-compared",
            "The query is compared with the values. Compare it with the keys, and average the values.",
            slips.slip(look=lambda query, keys, values: attend(query, values, values)[0]),
        ),
        Misconception(
            "key-asks",
            "The new key is compared with the keys instead of the query, which is not used.",
            slips.looking(
                lambda query, key, value, past_keys, past_values: cached_step(
                    key, key, value, past_keys, past_values
                )[0]
            ),
        ),
        Misconception(
            "query-kept",
            "The query is cached as a key, and the new key is not used. Later queries are compared with keys: cache "
            "the key.",
            lambda query, key, value, past_keys, past_values: cached_step(
                query, query, value, past_keys, past_values
            ),
        ),
        Misconception(
            "unscaled",
            "The scores are not divided by √dim, so their spread grows with the number of features.",
            slips.weighted(scale=lambda query, keys: 1.0),
        ),
        Misconception(
            "scaled-by-dim",
            "The scores are divided by dim itself, or twice by its root: `attend` already divides once.",
            slips.weighted(scale=lambda query, keys: query.shape[-1]),
        ),
        Misconception(
            "scaled-by-tokens",
            "The scores are divided by the square root of the number of tokens. The size of a dot product depends on "
            "its number of terms.",
            slips.weighted(scale=lambda query, keys: math.sqrt(keys.shape[-2])),
            slips.weighted(scale=lambda query, keys: math.sqrt(keys.shape[-2] - 1)),
        ),
        Misconception(
            "scaled-by-all-features",
            "The scores are divided by the square root of the number of features of all heads. A head's dot product "
            "has only its own features.",
            slips.weighted(scale=lambda query, keys: math.sqrt(query.shape[1] * query.shape[-1])),
        ),
        Misconception(
            "scaled-by-heads",
            "The scores are divided by the square root of the number of heads. The size of a dot product depends on "
            "its number of terms.",
            slips.weighted(scale=lambda query, keys: math.sqrt(query.shape[1])),
        ),
        Misconception(
            "scale-written-in",
            "The scores are divided by the same number for any number of features. Read dim from the shape.",
            slips.weighted(scale=lambda query, keys: math.sqrt(8)),
            *tuple(
                slips.weighted(scale=partial(slips.fixed, number))
                for number in (2.0, 4.0, math.sqrt(12), math.sqrt(48), 8.0, 16.0)
            ),
        ),
        Misconception(
            "softmax-over-heads",
            "The softmax runs over the heads. Each query's weights over the tokens sum to one: use the last axis.",
            slips.weighted(normalise=lambda scores: scores.softmax(1)),
        ),
        Misconception(
            "softmax-over-the-batch",
            "The softmax runs over the batch, so images share their weights. Each query's weights over the tokens "
            "sum to one: use the last axis.",
            slips.weighted(normalise=lambda scores: scores.softmax(0)),
        ),
        Misconception(
            "softmax-over-queries",
            "The softmax runs over the queries, and there is only one: every weight is 1, and the values are simply "
            "summed. It should run over the keys.",
            slips.weighted(normalise=lambda scores: scores.softmax(-2)),
        ),
        Misconception(
            "no-softmax",
            "There is no softmax: the scores themselves weight the values. Weights must be positive and sum to one.",
            slips.weighted(normalise=lambda scores: scores),
        ),
        Misconception(
            "softmax-twice",
            "The softmax is applied twice, which makes the weights nearly equal. `attend` already applies one.",
            slips.weighted(normalise=lambda scores: scores.softmax(-1).softmax(-1)),
        ),
        Misconception(
            "log-softmax",
            "The values are weighted by the logarithms of the weights. Use the softmax itself.",
            slips.weighted(normalise=lambda scores: scores.log_softmax(-1)),
        ),
        Misconception(
            "value-added",
            "The new token's value is added to the output. The output is only the weighted mean of the values.",
            slips.looking(lambda query, key, value, *past: cached_step(query, key, value, *past)[0] + value),
        ),
        Misconception(
            "two-softmaxes",
            "The past and the new token have separate softmaxes, and the two results are added or averaged. Use one "
            "softmax over all tokens.",
            slips.looking(slips.averaged),
            slips.looking(
                lambda query, key, value, past_keys, past_values: attend(query, past_keys, past_values)[0] + value
            ),
        ),
        Misconception(
            "mean-of-values",
            "All tokens have equal weights: the query is not used.",
            slips.slip(look=lambda query, keys, values: values.mean(-2, keepdim=True)),
        ),
        Misconception(
            "pair-of-attend",
            "`attend` returns two things, output and weights, and you return both. Return only the output.",
            slips.slip(look=attend),
            slips.slip(look=attend, give=lambda both, keys, values: (*both, keys, values)),
        ),
        Misconception(
            "weights-for-output",
            "The first thing returned is the weights. `attend` returns the output first.",
            slips.slip(look=lambda query, keys, values: attend(query, keys, values)[1]),
        ),
        Misconception(
            "output-only",
            "Only the output is returned, and it is right. Return the longer keys and values too, for the next "
            "token.",
            slips.returns(lambda output, *_: output),
        ),
        Misconception(
            "kept-in-one",
            "Keys and values are returned together, as a pair or as one tensor. Return three things: output, keys, "
            "values.",
            slips.returns(lambda output, keys, values, *_: (output, torch.stack([keys, values]))),
            slips.returns(lambda output, keys, values, *_: (output, torch.cat([keys, values], -1))),
        ),
        Misconception(
            "values-before-keys",
            "The numbers are right, but values and keys are returned in the wrong order. The next token would be "
            "compared with values.",
            slips.returns(lambda output, keys, values, *_: (output, values, keys)),
        ),
        Misconception(
            "first-head-only",
            "The first head's output is used for all heads. Each has its own.",
            slips.slip(
                look=lambda query, keys, values: attend(query[:, :1], keys[:, :1], values[:, :1])[0].expand_as(query)
            ),
        ),
    ),
)
