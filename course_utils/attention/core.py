"""Attention, smallest first: a function, then heads. All notebooks.

There is one forward pass. While nobody looks, the layers call PyTorch's fused kernel, which never stores the
attention weights; inside :func:`attention_recorded`, and where the kernel is slow, they call :func:`attend`, which
does. The tests hold the two to the same output.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

Layer = Callable[[Tensor], Tensor]


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Scaled dot-product attention: each query takes a weighted mean of the values.

    query (..., queries, dim), key (..., keys, dim), value (..., keys, value_dim)
    → output (..., queries, value_dim), weights (..., queries, keys), each row of which sums to one.

    mask is boolean, broadcastable to (..., queries, keys): True where a query may look, False where it may not.
    A query that may look nowhere gets zeros, as its output and as its row of weights.
    Vaswani et al. 2017, section 3.2.1.
    """
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    weights = scores.softmax(dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)
    return weights @ value, weights


def causal_mask(tokens: int) -> Tensor:
    """→ (tokens, tokens), boolean: row i is True at the columns up to and including i.

    Token i may look at itself and at what came before, never at what comes after.
    Vaswani et al. 2017, section 3.2.3.
    """
    return torch.ones(tokens, tokens, dtype=torch.bool).tril()


def split_heads(tokens: Tensor, heads: int) -> Tensor:
    """(batch, tokens, heads · dim) → (batch, heads, tokens, dim). Vaswani et al. 2017, section 3.2.2.

    Head 0 takes the first dim features of every token, head 1 the next dim, and so on. A single head has an axis too.
    """
    return rearrange(tokens, "b n (heads d) -> b heads n d", heads=heads)


def merge_heads(heads: Tensor) -> Tensor:
    """(batch, heads, tokens, dim) → (batch, tokens, heads · dim): :func:`split_heads` undone."""
    return rearrange(heads, "b heads n d -> b n (heads d)")


def cross_attention(tokens: Tensor, memory: Tensor, to_query: Layer, to_key: Layer, to_value: Layer) -> Tensor:
    """tokens (batch, queries, dim), memory (batch, keys, memory_dim) → output (batch, queries, value_dim).

    The tokens ask and the memory answers, by scaled dot-product attention with one head and without a mask.

    to_query, to_key and to_value are functions that change the last axis of what they are given: to_query and to_key
    to one and the same dim, whose root the scores are divided by, and to_value to value_dim.
    Vaswani et al. 2017, section 3.2.3.
    """
    output, _ = attend(to_query(tokens), to_key(memory), to_value(memory))
    return output


class RecordedAttention(nn.Module):
    """What every attention layer shares: the number of heads, and a place for whoever wants to see the weights."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        if dim < 1 or heads < 1 or dim % heads:
            raise ValueError(
                f"dim {dim} cannot be shared equally among {heads} heads: make dim a multiple of heads, "
                f"for example {max(1, round(dim / max(heads, 1))) * max(heads, 1)}."
            )
        self.heads = heads
        self.recorded: list[Tensor] | None = None

    def mix(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """(batch, heads, tokens, dim) each → (batch, heads, queries, dim)."""
        if self.recorded is None and not written_out_is_faster(query, key):
            return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        mixed, weights = attend(query, key, value, mask)
        if self.recorded is not None:
            self.recorded.append(weights)
        return mixed


def written_out_is_faster(query: Tensor, key: Tensor) -> bool:
    """In bf16 on a CPU the fused kernel's backward is slow for short sequences: see ``course bench blocks``."""
    in_bf16 = query.device.type == "cpu" and query.dtype == torch.bfloat16
    return in_bf16 and torch.is_grad_enabled() and key.shape[-2] <= 512


@contextmanager
def attention_recorded(model: nn.Module) -> Iterator[list[Tensor]]:
    """Inside, every attention layer of model adds its weights (batch, heads, queries, keys) to the list it yields.

    The order is that of the forward pass; gradients flow through the weights as usual.
    """
    maps: list[Tensor] = []
    layers = [module for module in model.modules() if isinstance(module, RecordedAttention)]
    for layer in layers:
        layer.recorded = maps
    try:
        yield maps
    finally:
        for layer in layers:
            layer.recorded = None


class MultiHeadSelfAttention(RecordedAttention):
    """(batch, tokens, dim) → (batch, tokens, dim). Vaswani et al. 2017, section 3.2.2.

    ``to_qkv`` stacks the three projections in the order query, key, value, as ``nn.MultiheadAttention`` does.
    Raises ValueError when dim is not a multiple of heads.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__(dim, heads)
        self.to_qkv = nn.Linear(dim, 3 * dim)
        self.to_out = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        query, key, value = (split_heads(part, self.heads) for part in self.to_qkv(tokens).chunk(3, dim=-1))
        return self.to_out(merge_heads(self.mix(query, key, value, mask)))


class MultiHeadCrossAttention(RecordedAttention):
    """tokens (batch, queries, dim), memory (batch, keys, dim) → (batch, queries, dim).

    :func:`cross_attention` in several heads: queries come from the tokens, keys and values from the memory, the
    encoder's output. ``to_key_value`` stacks the two projections of the memory, so that one product makes both.
    Vaswani et al. 2017, section 3.2.3. Raises ValueError when dim is not a multiple of heads.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__(dim, heads)
        self.to_query = nn.Linear(dim, dim)
        self.to_key_value = nn.Linear(dim, 2 * dim)
        self.to_out = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        query = split_heads(self.to_query(tokens), self.heads)
        key, value = (split_heads(part, self.heads) for part in self.to_key_value(memory).chunk(2, dim=-1))
        return self.to_out(merge_heads(self.mix(query, key, value, mask)))
