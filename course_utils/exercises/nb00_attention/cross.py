"""Looking at another sequence."""

import math

import torch
from torch import Generator, Tensor

from course_utils.attention import attend, cross_attention
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.exercises.nb00_attention import cross_slips as slips
from course_utils.exercises.nb00_attention.layers import linear


def _cases(g: Generator) -> list[Arguments]:
    cases = []
    # First equal lengths and dims, where every mix-up computes something. Tokens and memory have the same dim here, so
    # that a mix-up fails, if it does, between query and key and not in the layer that happens to be called first.
    for batch, queries, keys, dim, key_dim, value_dim in (
        (2, 4, 4, 8, 8, 8),
        (2, 3, 6, 8, 16, 5),
        (1, 5, 2, 9, 16, 7),
        (3, 2, 5, 6, 6, 6),
    ):
        tokens = torch.randn(batch, queries, dim, generator=g)
        memory = torch.randn(batch, keys, dim, generator=g)
        cases.append((tokens, memory, linear(g, dim, key_dim), linear(g, dim, key_dim), linear(g, dim, value_dim)))
    *others, to_value = cases[-1]  # functions of any kind, not only linear ones
    return [*cases[:-1], (*others, lambda memory: to_value(memory).square())]


def _wild(g: Generator) -> list[Wild]:
    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g)

    # Multiples of 1/8 and √dim = 2: these scores are exact in whatever order they are computed.
    asked, known = ((8 * normal(1, count, 4)).round() / 8 for count in (4, 5))
    asked[0, :, 0] = torch.tensor([200.0, 0.0, -200.0, 100.0])
    known[0, :, 0] = torch.tensor([2.0, 2.0, 1.75, 2.0, 1.75])
    return [
        Wild(
            "large-scores",
            (asked, known, lambda tokens: tokens, lambda memory: memory, linear(g, 4, 3)),
            "scores are near 200 or −200, as when the cat asks below",
            "exp of such a number is infinite or zero: leave it to `attend`, or to a softmax.",
        ),
        Wild(
            "another-dim-and-order",
            (normal(2, 4, 3).mT, normal(2, 6, 5).mT, linear(g, 4, 8), linear(g, 6, 8), linear(g, 6, 2)),
            "tokens and memory differ in dim, and their numbers lie in another order, as after a transpose",
            "Give each layer what it is made for; and `reshape`, `rearrange` and `@` go by the axes, `view` does not.",
        ),
        Wild(
            "one-token-each",
            (normal(1, 1, 4), normal(1, 1, 4), linear(g, 4, 8), linear(g, 4, 8), linear(g, 4, 1)),
            "there is one token, and one in the memory",
            "An axis of length one is still an axis.",
        ),
    ]


CROSS_ATTENTION = Exercise(
    name="00.cross_attention",
    title="Looking at another sequence",
    reference=cross_attention,
    learns=("tokens", "memory", "to_query", "to_key", "to_value"),
    cases=_cases,
    wild=_wild,
    hints=(
        "Who asks? In a decoder it is the sequence that is being written, the tokens. Who answers? The encoder's "
        "output, the memory.",
        "So the queries are `to_query(tokens)`, and the output has as many rows as there are tokens. What is "
        "looked up, and what is taken away, comes from the memory.",
        "Hand the three to your `attend`, and keep only the first of the two things it returns.",
    ),
    misconceptions=(
        Misconception(
            "roles-swapped",
            "The roles are swapped: the memory asks and the tokens answer. The decoder asks, so the queries come "
            "from the tokens, keys and values from the memory.",
            slips.made_of("memory", "tokens", "tokens"),
        ),
        Misconception(
            "all-from-the-memory",
            "Queries, keys and values all come from the memory, so the tokens have no say. Make the queries from "
            "the tokens.",
            slips.made_of("memory", "memory", "memory"),
        ),
        Misconception(
            "keys-from-the-tokens",
            "The keys come from the tokens and the values from the memory, so what matches is not what is fetched. "
            "A key and its value belong to the same place: both come from the memory.",
            slips.made_of("tokens", "tokens", "memory"),
            slips.made_of("memory", "tokens", "memory"),
        ),
        Misconception(
            "values-from-the-tokens",
            "The values come from the tokens, so the memory chooses but gives nothing. A key and its value belong "
            "to the same place: both come from the memory.",
            slips.made_of("tokens", "memory", "tokens"),
            slips.made_of("memory", "memory", "tokens"),
        ),
        Misconception(
            "self-attention",
            "Everything comes from the tokens: this is self-attention, and the memory is never read. Make keys and "
            "values from the memory.",
            slips.made_of("tokens", "tokens", "tokens"),
        ),
        Misconception(
            "both-answer",
            "Tokens and memory both answer. In cross-attention the memory alone does; the tokens look at themselves "
            "in another step of the decoder.",
            slips.made_of("tokens", "both", "both"),
            slips.made_of("tokens", "turned", "turned"),
            slips.made_of("both", "both", "both"),
        ),
        Misconception(
            "weights-too",
            "The numbers are right, but `attend` returns two things, output and weights. Return only the output.",
            slips.by(lambda query, key, value: attend(query, key, value)),
        ),
        Misconception(
            "only-weights",
            "The weights are returned, without the values. Of the two things that `attend` returns, the first is the "
            "output.",
            slips.by(lambda query, key, value: attend(query, key, value)[1]),
        ),
        Misconception(
            "keys-and-values-exchanged",
            "Keys and values are swapped: the queries are compared with what is to be handed over. The order is "
            "query, key, value.",
            slips.by(lambda query, key, value: attend(query, value, key)[0]),
        ),
        Misconception(
            "queries-and-keys-exchanged",
            "Queries and keys are swapped, so it is the memory that asks. The order is query, key, value.",
            slips.by(lambda query, key, value: attend(key, query, value)[0]),
        ),
        Misconception(
            "keys-as-values",
            "The values are made by to_key, so what is fetched is the key. They have a layer of their own.",
            slips.layers(lambda to_query, to_key, to_value: (to_query, to_key, to_key)),
        ),
        Misconception(
            "values-as-keys",
            "The keys are made by to_value, and the queries are compared with the values. The keys have a layer of "
            "their own.",
            slips.layers(lambda to_query, to_key, to_value: (to_query, to_value, to_value)),
        ),
        Misconception(
            "queries-by-to-key",
            "Queries are made by to_key. The tokens ask through a layer of their own, to_query.",
            slips.layers(lambda to_query, to_key, to_value: (to_key, to_key, to_value)),
        ),
        Misconception(
            "keys-by-to-query",
            "Keys are made by to_query. The memory answers through a layer of its own, to_key.",
            slips.layers(lambda to_query, to_key, to_value: (to_query, to_query, to_value)),
        ),
        Misconception(
            "no-layer",
            "None of the three layers is called: tokens and memory meet as they are. Queries, keys and values are "
            "three views of them, and each is made by a layer.",
            slips.layers(lambda to_query, to_key, to_value: (slips.no_layer, slips.no_layer, slips.no_layer)),
        ),
        Misconception(
            "values-not-projected",
            "The values are the memory itself: to_value is never called. What is handed over goes through it.",
            slips.layers(lambda to_query, to_key, to_value: (to_query, to_key, slips.no_layer)),
        ),
        Misconception(
            "queries-not-projected",
            "The queries are the tokens themselves: to_query is never called. They ask through it.",
            slips.layers(lambda to_query, to_key, to_value: (slips.no_layer, to_key, to_value)),
        ),
        Misconception(
            "keys-not-projected",
            "The keys are the memory itself: to_key is never called. What is looked up goes through it.",
            slips.layers(lambda to_query, to_key, to_value: (to_query, slips.no_layer, to_value)),
            slips.layers(lambda to_query, to_key, to_value: (slips.no_layer, slips.no_layer, to_value)),
        ),
        Misconception(
            "to-value-last",
            "to_value is called last, on what attention has mixed. For a linear layer that is the same, but to_value "
            "may be any function: make the values first, then mix them.",
            slips.to_value_last,
        ),
        Misconception(
            "not-scaled",
            "The scores are not divided by √dim. This is scaled dot-product attention, as in `attend`.",
            slips.scaled(lambda query, key: 1.0),
        ),
        Misconception(
            "scaled-by-dim",
            "The scores are divided by dim, or twice by its root. Divide by √dim once: `attend` does it.",
            slips.scaled(lambda query, key: query.shape[-1]),
        ),
        Misconception(
            "scaled-by-the-input-dim",
            "The scores are divided by the root of the tokens' last axis, or of the memory's. The dot products have "
            "as many terms as a query has numbers, after to_query.",
            slips.scaled_by_tokens,
            slips.scaled_by_memory,
        ),
        Misconception(
            "scaled-by-a-length",
            "What the scores are divided by comes from the number of keys or of queries. What makes a dot product "
            "large is the number of its terms: the last axis of a query.",
            slips.scaled(lambda query, key: math.sqrt(key.shape[-2])),
            slips.scaled(lambda query, key: math.sqrt(query.shape[-2])),
            slips.scaled(lambda query, key: key.shape[-2]),
            slips.scaled(lambda query, key: query.shape[-2]),
        ),
        Misconception(
            "scaled-by-value-dim",
            "The scores are divided by the root of the values' last axis. The values have no part in the scores: "
            "take the last axis of a query.",
            slips.by(lambda query, key, value: (query @ key.mT / math.sqrt(value.shape[-1])).softmax(-1) @ value),
        ),
        Misconception(
            "softmax-over-queries",
            "The softmax runs over the queries. Each token shares out its own weight of one among the places of the "
            "memory: take the last axis.",
            slips.weighing(lambda query, key: (query @ key.mT / math.sqrt(query.shape[-1])).softmax(-2)),
        ),
        Misconception(
            "softmax-over-the-batch",
            "The softmax runs over the batch, the axis that PyTorch chooses among three when none is named. Take the "
            "last.",
            slips.weighing(lambda query, key: (query @ key.mT / math.sqrt(query.shape[-1])).softmax(0)),
        ),
        Misconception(
            "no-softmax",
            "There is no softmax: the scores themselves are used as weights. `attend` has one.",
            slips.weighing(lambda query, key: query @ key.mT / math.sqrt(query.shape[-1])),
            slips.weighing(lambda query, key: query @ key.mT),
        ),
        Misconception(
            "softmax-twice",
            "A second softmax is taken, of the weights, which makes them more alike. One is enough: `attend` has it.",
            slips.weighing(lambda query, key: (query @ key.mT / math.sqrt(query.shape[-1])).softmax(-1).softmax(-1)),
        ),
        Misconception(
            "causal",
            "A causal mask hides a part of the memory. The memory is complete before the first token is written: "
            "nothing in it is a secret.",
            slips.by(slips.causal),
        ),
        Misconception(
            "memory-cut",
            "Only the first places of the memory are read, as many as there are tokens. The two lengths have nothing "
            "to do with each other.",
            slips.by(slips.same_length),
        ),
        Misconception(
            "tokens-added",
            "The tokens are added to the output. That sum belongs to the decoder block, around this function: return "
            "what comes from the memory alone.",
            lambda tokens, memory, to_query, to_key, to_value: (
                tokens + cross_attention(tokens, memory, to_query, to_key, to_value)
            ),
        ),
        Misconception(
            "queries-added",
            "The queries are added to the output. A query only asks: return what comes from the memory alone.",
            slips.by(lambda query, key, value: query + attend(query, key, value)[0]),
        ),
        Misconception(
            "first-of-the-batch",
            "Only the first sequence of the batch is answered. Leave the batch axis alone: `attend` takes any axes in "
            "front.",
            slips.by(lambda query, key, value: attend(query[0], key[0], value[0])[0]),
            slips.by(lambda query, key, value: attend(query[:1], key[:1], value[:1])[0]),
            slips.by(lambda query, key, value: attend(query, key, value)[0][0]),
        ),
    ),
)
