"""A cached step with something replaced, as students write it."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.attention import attend
from course_utils.models.pixel_transformer import cached_step

Step = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], object]


def slip(
    look: Callable[[Tensor, Tensor, Tensor], object] = lambda query, keys, values: attend(query, keys, values)[0],
    keep_key: Callable[[Tensor, Tensor], Tensor] = lambda past, new: torch.cat([past, new], -2),
    keep_value: Callable[[Tensor, Tensor], Tensor] = lambda past, new: torch.cat([past, new], -2),
    give: Callable[..., object] = lambda output, keys, values: (output, keys, values),
) -> Step:
    """The step with other attention, another cache, or something else returned."""

    def wrong(query: Tensor, key: Tensor, value: Tensor, past_keys: Tensor, past_values: Tensor) -> object:
        keys, values = keep_key(past_keys, key), keep_value(past_values, value)
        return give(look(query, keys, values), keys, values)

    return wrong


def both(keep: Callable[[Tensor, Tensor], Tensor]) -> Step:
    """Keys and values both cached in another way."""
    return slip(keep_key=keep, keep_value=keep)


def weighted(
    scale: Callable[[Tensor, Tensor], float] = lambda query, keys: math.sqrt(query.shape[-1]),
    normalise: Callable[[Tensor], Tensor] = lambda scores: scores.softmax(-1),
) -> Step:
    """Attention written out, with another scale or other weights."""
    return slip(look=lambda query, keys, values: normalise(query @ keys.mT / scale(query, keys)) @ values)


def fixed(number: float, query: Tensor, keys: Tensor) -> float:
    """A constant scale."""
    return number


def looking(output: Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]) -> Step:
    """The right cache, another output."""

    def wrong(query: Tensor, key: Tensor, value: Tensor, past_keys: Tensor, past_values: Tensor) -> object:
        _, keys, values = cached_step(query, key, value, past_keys, past_values)
        return output(query, key, value, past_keys, past_values), keys, values

    return wrong


def front(past: Tensor, new: Tensor) -> Tensor:
    """The new one before the past."""
    return torch.cat([new, past], -2)


def window(past: Tensor, new: Tensor) -> Tensor:
    """The oldest dropped for the new one."""
    return torch.cat([past[..., 1:, :], new], -2)


def first_only(query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """A causal mask of one row."""
    return attend(query, keys, values, torch.ones(1, keys.shape[-2], dtype=torch.bool).tril())[0]


def recent(count: int) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Attention to the latest tokens only."""
    return lambda query, keys, values: attend(query, keys[..., -count:, :], values[..., -count:, :])[0]


def averaged(query: Tensor, key: Tensor, value: Tensor, past_keys: Tensor, past_values: Tensor) -> Tensor:
    """The average of the separate outputs for past and new token."""
    return (attend(query, past_keys, past_values)[0] + value) / 2


def returns(pick: Callable[..., object]) -> Step:
    """Other things returned, among output, keys, values, past_keys, past_values, key and value."""

    def wrong(query: Tensor, key: Tensor, value: Tensor, past_keys: Tensor, past_values: Tensor) -> object:
        output, keys, values = cached_step(query, key, value, past_keys, past_values)
        return pick(output, keys, values, past_keys, past_values, key, value)

    return wrong
