"""One step with the past kept."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from course_utils.attention import attend
from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.models.pixel_transformer import cached_step

Three = tuple[Tensor, Tensor, Tensor]
Step = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Three]


def _cached_cases(g: Generator) -> list[Arguments]:
    return [
        tuple(torch.randn(batch, heads, length, dim, generator=g) for length in (1, 1, 1, seen, seen))
        for batch, heads, seen, dim in [(2, 3, 5, 8), (1, 2, 1, 4), (2, 1, 9, 16), (3, 4, 4, 6)]
    ]


def _cached_slip(
    look: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda query, keys, values: attend(query, keys, values)[0],
    keep: Callable[[Tensor, Tensor], Tensor] = lambda past, new: torch.cat([past, new], -2),
) -> Step:
    """The step with another look or another way to keep."""

    def wrong(query: Tensor, key: Tensor, value: Tensor, past_keys: Tensor, past_values: Tensor) -> Three:
        keys, values = keep(past_keys, key), keep(past_values, value)
        return look(query, keys, values), keys, values

    return wrong


def _first_only(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    return attend(query, keys, values, torch.ones(1, keys.shape[-2], dtype=torch.bool).tril())[0]


def _past_only(query: Tensor, key: Tensor, value: Tensor, past_keys: Tensor, past_values: Tensor) -> Three:
    output = attend(query, past_keys, past_values)[0]
    return output, torch.cat([past_keys, key], -2), torch.cat([past_values, value], -2)


def _forgetting(query: Tensor, key: Tensor, value: Tensor, past_keys: Tensor, past_values: Tensor) -> Three:
    output = cached_step(query, key, value, past_keys, past_values)[0]
    return output, past_keys, past_values


CACHED_STEP = Exercise(
    name="03.cached_step",
    title="One step with the past kept",
    reference=cached_step,
    learns=("query", "key", "value", "past_keys", "past_values"),
    cases=_cached_cases,
    returns=("output", "keys", "values"),
    points=2,
    hints=(
        "The new token's query looks at everything up to and including itself. Where are those keys and values?",
        "Join the new key behind the kept ones along the axis of the tokens, the last but one; the same for the "
        "values.",
        "`attend(query, keys, values)` returns output and weights. There is no future among the keys, so no mask; "
        "return the longer keys and values, they are the next step's past.",
    ),
    misconceptions=(
        Misconception(
            _past_only,
            "The new token looks at the past, but not at itself. The causal mask has its diagonal: join the new key "
            "and value first, then attend.",
        ),
        Misconception(
            _forgetting,
            "The output is right, but what is returned to keep is the old past, so the next step will not know this "
            "token. Return the longer keys and values.",
        ),
        Misconception(
            _cached_slip(look=_first_only),
            "A causal mask of one row lets the query see the first key only. The last token has nothing ahead of "
            "it: use no mask. (`is_causal=True` of PyTorch's fused attention does the same with one query.)",
        ),
        Misconception(
            _cached_slip(keep=lambda past, new: torch.cat([new, past], -2)),
            "The new key and value stand before the past ones. The output is the same, since attention reads a set, "
            "but the cache is no longer in the order of the picture: put the new ones last.",
        ),
        Misconception(
            _cached_slip(keep=lambda past, new: new),
            "The past is thrown away, so the token looks at itself alone. Join the new key and value to the kept "
            "ones with torch.cat.",
        ),
        Misconception(
            _cached_slip(look=lambda query, keys, values: attend(query, values, keys)[0]),
            "Keys and values are exchanged in the call of attend: it compares the query with the keys, and hands "
            "over the values.",
        ),
    ),
)
