"""Attention between the positions of a map, with one of its steps replaced."""

import math
from collections.abc import Callable
from typing import Any

from einops import rearrange
from torch import Tensor

from course_utils.attention import attend, attend_2d, causal_mask

Two = tuple[Tensor, Tensor]
Size = Callable[[Tensor, Tensor], float]  # of query and value, both maps


def as_map(mixed: Tensor, height: int, width: int) -> Tensor:
    """Tokens laid out as a map again."""
    return rearrange(mixed, "b (h w) c -> b c h w", h=height)


def slip(
    tokens: Callable[[Tensor], Tensor] = lambda part: rearrange(part, "b c h w -> b (h w) c"),
    look: Callable[[Tensor, Tensor, Tensor], Two] = attend,
    back: Callable[[Tensor, int, int], Tensor] = as_map,
) -> Callable[..., Any]:
    """Attention on a map with one of its steps replaced."""

    def wrong(query: Tensor, key: Tensor, value: Tensor) -> Two:
        mixed, weights = look(*(tokens(part) for part in (query, key, value)))
        return back(mixed, *query.shape[2:]), weights

    return wrong


def weighing(weigh: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Any]:
    """Weights computed in another way from query and key as tokens."""

    def look(query: Tensor, key: Tensor, value: Tensor) -> Two:
        weights = weigh(query, key)
        return weights @ value, weights

    return slip(look=look)


def normalised(normalise: Callable[[Tensor], Tensor]) -> Callable[..., Any]:
    """The scores, divided by √dim, converted to weights in another way."""
    return weighing(lambda query, key: normalise(query @ key.mT / math.sqrt(query.shape[-1])))


def scaled(size: Size) -> Callable[..., Any]:
    """The scores divided by something from the shapes of the maps."""

    def wrong(query: Tensor, key: Tensor, value: Tensor) -> Two:
        weights = (query.flatten(2).mT @ key.flatten(2) / size(query, value)).softmax(-1)
        return (weights @ value.flatten(2).mT).mT.unflatten(-1, query.shape[2:]), weights

    return wrong


def then(change: Callable[[Tensor, Tensor, Tensor], Any]) -> Callable[..., Any]:
    """Something computed from the right output and weights and the values."""
    return lambda query, key, value: change(*attend_2d(query, key, value), value)


def scores_for_weights(scaled: bool) -> Callable[..., Two]:
    """The right output with the scores instead of the weights."""

    def wrong(query: Tensor, key: Tensor, value: Tensor) -> Two:
        scores = query.flatten(2).mT @ key.flatten(2) / (math.sqrt(query.shape[1]) if scaled else 1)
        return attend_2d(query, key, value)[0], scores

    return wrong


def lines(pattern: str, back: str) -> Callable[..., Two]:
    """Rows or columns as a second batch."""

    def wrong(query: Tensor, key: Tensor, value: Tensor) -> Two:
        mixed, weights = attend(*(rearrange(part, pattern) for part in (query, key, value)))
        return rearrange(mixed, back), weights

    return wrong


def causal(query: Tensor, key: Tensor, value: Tensor) -> Two:
    """No token attends to a later one."""
    return attend(query, key, value, causal_mask(query.shape[-2]))


def whole_batch(query: Tensor, key: Tensor, value: Tensor) -> Two:
    """The positions of all images as one sequence."""
    mixed, weights = attend(*(rearrange(part, "b c h w -> (b h w) c") for part in (query, key, value)))
    return mixed.reshape(len(query), -1, mixed.shape[-1]).mT.reshape(value.shape), weights


def square(query: Tensor, key: Tensor, value: Tensor) -> Two:
    """The output laid out with as many rows as columns."""
    output, weights = attend_2d(query, key, value)
    side = math.isqrt(weights.shape[-1])
    return output.flatten(2).unflatten(-1, (side, side)), weights


def as_high_as_a_square(query: Tensor, key: Tensor, value: Tensor) -> Two:
    """The output laid out with as many rows as a square would have."""
    output, weights = attend_2d(query, key, value)
    return rearrange(output.flatten(2), "b c (h w) -> b c h w", h=math.isqrt(weights.shape[-1])), weights


def as_wide_as_a_square(query: Tensor, key: Tensor, value: Tensor) -> Two:
    """The output laid out with as many columns as a square would have."""
    output, weights = attend_2d(query, key, value)
    return rearrange(output.flatten(2), "b c (h w) -> b c h w", w=math.isqrt(weights.shape[-1])), weights
