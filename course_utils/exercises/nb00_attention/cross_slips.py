"""Cross-attention with one of its steps replaced."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_utils.attention import Layer, attend, cross_attention


def made_of(query: str, key: str, value: str) -> Callable[..., Any]:
    """Attention with query, key and value from "tokens" or "memory"."""

    def wrong(tokens: Tensor, memory: Tensor, to_query: Layer, to_key: Layer, to_value: Layer) -> Tensor:
        both, turned = torch.cat([tokens, memory], 1), torch.cat([memory, tokens], 1)
        named = {"tokens": tokens, "memory": memory, "both": both, "turned": turned}
        return attend(to_query(named[query]), to_key(named[key]), to_value(named[value]))[0]

    return wrong


def by(look: Callable[[Tensor, Tensor, Tensor], Any]) -> Callable[..., Any]:
    """Query, key and value are right; the rest is replaced."""
    return lambda tokens, memory, to_query, to_key, to_value: look(to_query(tokens), to_key(memory), to_value(memory))


def layers(change: Callable[[Layer, Layer, Layer], tuple[Layer, Layer, Layer]]) -> Callable[..., Any]:
    """The right attention with other layers."""

    def wrong(tokens: Tensor, memory: Tensor, to_query: Layer, to_key: Layer, to_value: Layer) -> Tensor:
        return cross_attention(tokens, memory, *change(to_query, to_key, to_value))

    return wrong


def weighing(weigh: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Any]:
    """Weights computed from query and key in another way."""
    return by(lambda query, key, value: weigh(query, key) @ value)


def scaled(size: Callable[[Tensor, Tensor], float]) -> Callable[..., Any]:
    """The scores divided by something else than √dim."""
    return weighing(lambda query, key: (query @ key.mT / size(query, key)).softmax(-1))


def scaled_by_tokens(tokens: Tensor, memory: Tensor, to_query: Layer, to_key: Layer, to_value: Layer) -> Tensor:
    """The root of the tokens' last axis."""
    scores = to_query(tokens) @ to_key(memory).mT / math.sqrt(tokens.shape[-1])
    return scores.softmax(-1) @ to_value(memory)


def scaled_by_memory(tokens: Tensor, memory: Tensor, to_query: Layer, to_key: Layer, to_value: Layer) -> Tensor:
    """The root of the memory's last axis."""
    scores = to_query(tokens) @ to_key(memory).mT / math.sqrt(memory.shape[-1])
    return scores.softmax(-1) @ to_value(memory)


def to_value_last(tokens: Tensor, memory: Tensor, to_query: Layer, to_key: Layer, to_value: Layer) -> Tensor:
    """The memory is averaged, then projected."""
    return to_value(attend(to_query(tokens), to_key(memory), memory)[0])


def no_layer(each: Tensor) -> Tensor:
    """Returns its argument."""
    return each


def causal(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """No token attends to a later position of the memory."""
    mask = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool).tril()
    return attend(query, key, value, mask)[0]


def same_length(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Only as many positions of the memory as there are tokens."""
    return attend(query, key[:, : query.shape[1]], value[:, : query.shape[1]])[0]
