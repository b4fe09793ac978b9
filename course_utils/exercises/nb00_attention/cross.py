"""Cross-attention."""

import math

import torch
from torch import Generator, Tensor

from course_utils.attention import attend, cross_attention
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.exercises.nb00_attention import cross_slips as slips
from course_utils.exercises.nb00_attention.layers import linear


def _cases(g: Generator) -> list[Arguments]:
    cases = []
    # First equal lengths and dims, where every mix-up can be computed. Tokens and memory have the same dim, so that a
    # mix-up fails, if at all, between query and key and not in the layer that is called first.
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

    # Multiples of 1/8 and √dim = 2: these scores are exact in any order of computation.
    asked, known = ((8 * normal(1, count, 4)).round() / 8 for count in (4, 5))
    asked[0, :, 0] = torch.tensor([200.0, 0.0, -200.0, 100.0])
    known[0, :, 0] = torch.tensor([2.0, 2.0, 1.75, 2.0, 1.75])
    return [
        Wild(
            "large-scores",
            (asked, known, lambda tokens: tokens, lambda memory: memory, linear(g, 4, 3)),
            "scores are near 200 or −200, as for the cat's queries below",
            "exp of such a number is infinite or zero: use `attend`, or a softmax.",
        ),
        Wild(
            "another-dim-and-order",
            (normal(2, 4, 3).mT, normal(2, 6, 5).mT, linear(g, 4, 8), linear(g, 6, 8), linear(g, 6, 2)),
            "tokens and memory differ in dim and are in another memory order, as after a transpose",
            "Apply each layer to the right sequence. `reshape`, `rearrange` and `@` work in any memory order; `view` "
            "does not.",
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
    title="Cross-attention",
    reference=cross_attention,
    learns=("tokens", "memory", "to_query", "to_key", "to_value"),
    cases=_cases,
    wild=_wild,
    hints=(
        "Which sequence has the queries? In a decoder it is the sequence that is being generated, the tokens. The "
        "keys and values come from the encoder's output, the memory.",
        "So the queries are `to_query(tokens)`, and the output has one row per token. Keys and values come from the "
        "memory.",
        "Pass the three to your `attend`, and return only the first of its two results.",
    ),
    misconceptions=(
        Misconception(
            "roles-swapped",
            "The roles are swapped: the queries come from the memory, keys and values from the tokens. Compute the "
            "queries from the tokens, keys and values from the memory.",
            slips.made_of("memory", "tokens", "tokens"),
        ),
        Misconception(
            "all-from-the-memory",
            "Queries, keys and values all come from the memory, so the tokens have no effect. Compute the queries "
            "from the tokens.",
            slips.made_of("memory", "memory", "memory"),
        ),
        Misconception(
            "keys-from-the-tokens",
            "The keys come from the tokens and the values from the memory, so keys and values do not belong "
            "together. Both must come from the same position of the memory.",
            slips.made_of("tokens", "tokens", "memory"),
            slips.made_of("memory", "tokens", "memory"),
        ),
        Misconception(
            "values-from-the-tokens",
            "The values come from the tokens, so no value of the memory reaches the output. A key and its value must "
            "come from the same position of the memory.",
            slips.made_of("tokens", "memory", "tokens"),
            slips.made_of("memory", "memory", "tokens"),
        ),
        Misconception(
            "self-attention",
            "Everything comes from the tokens: this is self-attention, and the memory is never read. Compute keys "
            "and values from the memory.",
            slips.made_of("tokens", "tokens", "tokens"),
        ),
        Misconception(
            "both-answer",
            "Keys and values come from both tokens and memory. In cross-attention they come only from the memory; "
            "the decoder's self-attention is a separate step.",
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
            "The weights are returned instead of the output. `attend` returns the output first.",
            slips.by(lambda query, key, value: attend(query, key, value)[1]),
        ),
        Misconception(
            "keys-and-values-exchanged",
            "Keys and values are swapped: the queries are compared with the values. The order is query, key, value.",
            slips.by(lambda query, key, value: attend(query, value, key)[0]),
        ),
        Misconception(
            "queries-and-keys-exchanged",
            "Queries and keys are swapped, so the memory has the queries. The order is query, key, value.",
            slips.by(lambda query, key, value: attend(key, query, value)[0]),
        ),
        Misconception(
            "keys-as-values",
            "The values are computed with to_key, so they are the keys. Use to_value.",
            slips.layers(lambda to_query, to_key, to_value: (to_query, to_key, to_key)),
        ),
        Misconception(
            "values-as-keys",
            "The keys are computed with to_value, so the queries are compared with the values. Use to_key.",
            slips.layers(lambda to_query, to_key, to_value: (to_query, to_value, to_value)),
        ),
        Misconception(
            "queries-by-to-key",
            "The queries are computed with to_key. Use to_query.",
            slips.layers(lambda to_query, to_key, to_value: (to_key, to_key, to_value)),
        ),
        Misconception(
            "keys-by-to-query",
            "The keys are computed with to_query. Use to_key.",
            slips.layers(lambda to_query, to_key, to_value: (to_query, to_query, to_value)),
        ),
        Misconception(
            "no-layer",
            "None of the three layers has an effect: tokens and memory are used directly. Compute queries, keys and "
            "values with one layer each.",
            slips.layers(lambda to_query, to_key, to_value: (slips.no_layer, slips.no_layer, slips.no_layer)),
        ),
        Misconception(
            "values-not-projected",
            "The values are the memory itself: to_value has no effect. Use what it returns for the memory.",
            slips.layers(lambda to_query, to_key, to_value: (to_query, to_key, slips.no_layer)),
        ),
        Misconception(
            "queries-not-projected",
            "The queries are the tokens themselves: to_query has no effect. Use what it returns for the tokens.",
            slips.layers(lambda to_query, to_key, to_value: (slips.no_layer, to_key, to_value)),
        ),
        Misconception(
            "keys-not-projected",
            "The keys are the memory itself: to_key has no effect. Use what it returns for the memory.",
            slips.layers(lambda to_query, to_key, to_value: (to_query, slips.no_layer, to_value)),
            slips.layers(lambda to_query, to_key, to_value: (slips.no_layer, slips.no_layer, to_value)),
        ),
        Misconception(
            "to-value-last",
            "to_value is applied last, to the output of attention. For a linear layer that is the same, but to_value "
            "may be any function: apply it to the memory first.",
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
            "The scores are divided by the root of the last axis of tokens or memory. A dot product has as many "
            "terms as a query has features, after to_query.",
            slips.scaled_by_tokens,
            slips.scaled_by_memory,
        ),
        Misconception(
            "scaled-by-a-length",
            "The divisor of the scores depends on the number of keys or queries. The size of a dot product depends "
            "on its number of terms: use the last axis of a query.",
            slips.scaled(lambda query, key: math.sqrt(key.shape[-2])),
            slips.scaled(lambda query, key: math.sqrt(query.shape[-2])),
            slips.scaled(lambda query, key: key.shape[-2]),
            slips.scaled(lambda query, key: query.shape[-2]),
        ),
        Misconception(
            "scaled-by-value-dim",
            "The scores are divided by the root of the values' last axis. The values play no part in the scores: use "
            "the last axis of a query.",
            slips.by(lambda query, key, value: (query @ key.mT / math.sqrt(value.shape[-1])).softmax(-1) @ value),
        ),
        Misconception(
            "softmax-over-queries",
            "The softmax runs over the queries. Each token distributes a total weight of one over the memory: use "
            "the last axis.",
            slips.weighing(lambda query, key: (query @ key.mT / math.sqrt(query.shape[-1])).softmax(-2)),
        ),
        Misconception(
            "softmax-over-the-batch",
            "The softmax runs over the batch, the axis that PyTorch chooses for three axes without dim. Use the last "
            "axis.",
            slips.weighing(lambda query, key: (query @ key.mT / math.sqrt(query.shape[-1])).softmax(0)),
        ),
        Misconception(
            "no-softmax",
            "There is no softmax: the scores themselves are used as weights. Use `attend`, which has one.",
            slips.weighing(lambda query, key: query @ key.mT / math.sqrt(query.shape[-1])),
            slips.weighing(lambda query, key: query @ key.mT),
        ),
        Misconception(
            "softmax-twice",
            "A second softmax is applied to the weights, which makes them more equal. One is enough: `attend` has "
            "it.",
            slips.weighing(lambda query, key: (query @ key.mT / math.sqrt(query.shape[-1])).softmax(-1).softmax(-1)),
        ),
        Misconception(
            "causal",
            "A causal mask hides part of the memory. The memory is complete before the first token is generated: use "
            "no mask.",
            slips.by(slips.causal),
        ),
        Misconception(
            "memory-cut",
            "Only the first positions of the memory are used, as many as there are tokens. The two lengths are "
            "independent: use the whole memory.",
            slips.by(slips.same_length),
        ),
        Misconception(
            "tokens-added",
            "The tokens are added to the output. That sum belongs to the decoder block, outside this function: "
            "return only the output of attention.",
            lambda tokens, memory, to_query, to_key, to_value: (
                tokens + cross_attention(tokens, memory, to_query, to_key, to_value)
            ),
        ),
        Misconception(
            "queries-added",
            "The queries are added to the output. Return only the output of attention.",
            slips.by(lambda query, key, value: query + attend(query, key, value)[0]),
        ),
        Misconception(
            "first-of-the-batch",
            "Only the output for the first sequence of the batch is returned. Leave the batch axis alone: `attend` "
            "accepts any axes in front.",
            slips.by(lambda query, key, value: attend(query[0], key[0], value[0])[0]),
            slips.by(lambda query, key, value: attend(query[:1], key[:1], value[:1])[0]),
            slips.by(lambda query, key, value: attend(query, key, value)[0][0]),
        ),
    ),
)
