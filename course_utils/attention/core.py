"""Attention, from a function to heads. All notebooks.

There is one forward pass. Normally the layers call PyTorch's fused kernel, which never stores the attention weights.
Inside :func:`attention_recorded`, and where the kernel is slow, they call :func:`attend`, which returns them. Both
take the same masks; the tests compare the two outputs.
"""

import math
from collections.abc import Callable

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.attention.checks import check_attention
from course_utils.attention.recording import RecordedAttention

Layer = Callable[[Tensor], Tensor]


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Scaled dot-product attention: the output for each query is a weighted mean of the values.

    query (..., queries, dim), key (..., keys, dim), value (..., keys, value_dim)
    → output (..., queries, value_dim), weights (..., queries, keys); each row of weights sums to one.

    mask is boolean, broadcastable to (..., queries, keys): True where a query may attend to a key. If a query may
    attend to no key, its output and its weights are zero. Gradients pass through. Vaswani et al. 2017, section
    3.2.1.
    """
    check_attention(query, key, value, mask)
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    weights = scores.softmax(dim=-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)
    return weights @ value, weights


def causal_mask(tokens: int) -> Tensor:
    """→ (tokens, tokens), boolean: row i is True at the columns up to and including i.

    Token i may attend to itself and to earlier tokens, but not to later ones. Vaswani et al. 2017, section 3.2.3.
    """
    return torch.ones(tokens, tokens, dtype=torch.bool).tril()


def split_heads(tokens: Tensor, heads: int) -> Tensor:
    """(batch, tokens, heads · dim) → (batch, heads, tokens, dim). Vaswani et al. 2017, section 3.2.2.

    Head 0 gets the first dim features of every token, head 1 the next dim, and so on. A single head also has an axis.
    """
    return rearrange(tokens, "b n (heads d) -> b heads n d", heads=heads)


def merge_heads(heads: Tensor) -> Tensor:
    """(batch, heads, tokens, dim) → (batch, tokens, heads · dim): the inverse of :func:`split_heads`."""
    return rearrange(heads, "b heads n d -> b n (heads d)")


def cross_attention(tokens: Tensor, memory: Tensor, to_query: Layer, to_key: Layer, to_value: Layer) -> Tensor:
    """tokens (batch, queries, dim), memory (batch, keys, memory_dim) → output (batch, queries, value_dim).

    Scaled dot-product attention with one head and no mask: queries from the tokens, keys and values from the memory.

    to_query, to_key and to_value are functions that change the last axis of their argument: to_query and to_key to
    the same dim, and to_value to value_dim. The scores are divided by √dim. Vaswani et al. 2017, section 3.2.3.
    """
    output, _ = attend(to_query(tokens), to_key(memory), to_value(memory))
    return output


class ScaledDotProduct(RecordedAttention):
    """What the layers with ordinary attention share: :func:`attend`, or the fused kernel, for heads."""

    def mix(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """(batch, heads, tokens, dim) each → (batch, heads, queries, dim); mask: as in :func:`attend`."""
        if not self.recorded and not written_out_is_faster(query, key):
            check_attention(query, key, value, mask, stored=False)
            return F.scaled_dot_product_attention(query, key, value, mask if mask is None else torch.atleast_2d(mask))
        self.expect((*query.shape[:-1], key.shape[-2]), query)
        mixed, weights = attend(query, key, value, mask)
        self.record(weights)
        return mixed


def written_out_is_faster(query: Tensor, key: Tensor) -> bool:
    """In bf16 on a CPU, the fused kernel's backward pass is slow for short sequences: see ``course bench blocks``."""
    in_bf16 = query.device.type == "cpu" and query.dtype == torch.bfloat16
    return in_bf16 and torch.is_grad_enabled() and key.shape[-2] <= 512


class MultiHeadSelfAttention(ScaledDotProduct):
    """(batch, tokens, dim) → (batch, tokens, dim). Vaswani et al. 2017, section 3.2.2.

    ``to_qkv`` stacks the three projections in the order query, key, value, as ``nn.MultiheadAttention`` does. mask is
    boolean, broadcastable to (batch, heads, tokens, tokens): True where a token may attend to another, as in
    :func:`attend`. Raises ValueError when dim is not a multiple of heads, and for any other mask, such as one of
    numbers to be added to the scores.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__(dim, heads)
        self.to_qkv = nn.Linear(dim, 3 * dim)
        self.to_out = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        query, key, value = (split_heads(part, self.heads) for part in self.to_qkv(tokens).chunk(3, dim=-1))
        return self.to_out(merge_heads(self.heard(self.mix(query, key, value, mask))))


class MultiHeadCrossAttention(ScaledDotProduct):
    """tokens (batch, queries, dim), memory (batch, keys, dim) → (batch, queries, dim).

    :func:`cross_attention` with several heads: queries come from the tokens, keys and values from the memory, which
    is the encoder's output. ``to_key_value`` stacks the two projections of the memory into one product. mask is
    boolean, broadcastable to (batch, heads, queries, keys), as in :func:`attend`. Vaswani et al. 2017, section 3.2.3.
    Raises ValueError when dim is not a multiple of heads, and for any other mask.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__(dim, heads)
        self.to_query = nn.Linear(dim, dim)
        self.to_key_value = nn.Linear(dim, 2 * dim)
        self.to_out = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        query = split_heads(self.to_query(tokens), self.heads)
        key, value = (split_heads(part, self.heads) for part in self.to_key_value(memory).chunk(2, dim=-1))
        return self.to_out(merge_heads(self.heard(self.mix(query, key, value, mask))))
