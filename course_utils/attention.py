"""Every attention of the course, smallest first: a function, then heads, then blocks.

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

from course_utils.stochastic_depth import StochasticDepth

Layer = Callable[[Tensor], Tensor]

SIMILARITIES = ("softmax", "dot_product")  # of SelfAttention2d


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


def encoder_block(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
    """(batch, tokens, dim) → (batch, tokens, dim): the tokens exchange information, then each is worked on alone.

    attention adds a correction to the tokens, then mlp adds one to what has become of them. Both read normalised
    tokens, attention through norm1 and mlp through norm2; where both return zeros, the tokens come out unchanged.

    The four are functions, (batch, tokens, dim) → (batch, tokens, dim). Dosovitskiy et al. 2021, eq. 2 and 3.
    """
    tokens = tokens + attention(norm1(tokens))
    return tokens + mlp(norm2(tokens))


class _Attention(nn.Module):
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
    """Training in bf16 on a CPU: the fused kernel's backward is slow for short sequences, see ``course bench blocks``."""
    in_bf16 = query.device.type == "cpu" and query.dtype == torch.bfloat16
    return in_bf16 and torch.is_grad_enabled() and key.shape[-2] <= 512


@contextmanager
def attention_recorded(model: nn.Module) -> Iterator[list[Tensor]]:
    """Inside, every attention layer of model adds its weights (batch, heads, queries, keys) to the list it yields.

    The order is that of the forward pass; gradients flow through the weights as usual.
    """
    maps: list[Tensor] = []
    layers = [module for module in model.modules() if isinstance(module, _Attention)]
    for layer in layers:
        layer.recorded = maps
    try:
        yield maps
    finally:
        for layer in layers:
            layer.recorded = None


class MultiHeadSelfAttention(_Attention):
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


class MultiHeadCrossAttention(_Attention):
    """tokens (batch, queries, dim), memory (batch, keys, dim) → (batch, queries, dim).

    Queries come from the tokens, keys and values from the memory: the encoder's output.
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


class MLP(nn.Sequential):
    """(..., dim) → (..., dim) through mlp_dim, each token alone. Dosovitskiy et al. 2021, section 3.1."""

    def __init__(self, dim: int, mlp_dim: int, dropout: float = 0.0) -> None:
        super().__init__(
            nn.Linear(dim, mlp_dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(mlp_dim, dim), nn.Dropout(dropout)
        )


class EncoderBlock(nn.Module):
    """(batch, tokens, dim) → (batch, tokens, dim), pre-norm as in ViT. Dosovitskiy et al. 2021, eq. 2 and 3.

    survival: probability, in training, that a picture keeps what the attention adds; so too for the MLP.
    """

    def __init__(self, dim: int, heads: int, mlp_dim: int, dropout: float = 0.0, survival: float = 1.0) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attention = MultiHeadSelfAttention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = MLP(dim, mlp_dim, dropout)
        self.survive = StochasticDepth(survival)

    def forward(self, tokens: Tensor) -> Tensor:
        return encoder_block(
            tokens,
            self.norm1,
            lambda normed: self.survive(self.attention(normed)),
            self.norm2,
            lambda normed: self.survive(self.mlp(normed)),
        )


class DecoderBlock(nn.Module):
    """tokens (batch, tokens, dim), memory (batch, keys, dim) → (batch, tokens, dim).

    Causal self-attention, then a look at the encoder's output, then the MLP; pre-norm.
    Vaswani et al. 2017, section 3.1, with the norms moved before each step as in the encoder above.
    """

    def __init__(self, dim: int, heads: int, mlp_dim: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attention = MultiHeadSelfAttention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.cross_attention = MultiHeadCrossAttention(dim, heads)
        self.norm3 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = MLP(dim, mlp_dim, dropout)

    def forward(self, tokens: Tensor, memory: Tensor) -> Tensor:
        mask = causal_mask(tokens.shape[1]).to(tokens.device)
        tokens = tokens + self.attention(self.norm1(tokens), mask)
        tokens = tokens + self.cross_attention(self.norm2(tokens), memory)
        return tokens + self.mlp(self.norm3(tokens))


def flatten_positions(features: Tensor) -> Tensor:
    """(batch, channels, height, width) → (batch, height · width, channels): every place becomes a token.

    In raster order, row by row from the top left. Wang et al. 2018, section 3.3 and figure 2.
    """
    return rearrange(features, "b c h w -> b (h w) c")


def unflatten_positions(tokens: Tensor, height: int) -> Tensor:
    """(batch, height · width, channels) → (batch, channels, height, width): :func:`flatten_positions` undone."""
    return rearrange(tokens, "b (h w) c -> b c h w", h=height)


def attend_by_dot_product(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """Attention without a softmax: the weights are the dot products, up to one factor that is the same for all.

    query (..., queries, dim), key (..., keys, dim), value (..., keys, value_dim)
    → output (..., queries, value_dim), weights (..., queries, keys), of any sign; rows need not sum to one.

    A single key's weight is the dot product itself; and when every key and every value appears twice, the output
    stays as it was. Wang et al. 2018, equation 4 and section 3.2.
    """
    weights = query @ key.mT / key.shape[-2]
    return weights @ value, weights


def gated_residual(features: Tensor, update: Tensor, gate: Tensor) -> Tensor:
    """features and update, both (batch, channels, height, width) → the same shape: what a gated block gives.

    gate is a tensor of shape (). At 0 the result is the features as they were, at 1 that of an ordinary residual
    block; between the two, and beyond them on either side, it lies on the straight line through both. The gate is
    learned, beginning at 0. Zhang et al. 2019, equation 3.
    """
    return features + gate * update


class SelfAttention2d(_Attention):
    """(batch, channels, height, width) → the same shape, for any height and width: every place looks at all places.

    Query, key and value are 1×1 convolutions to channels / reduction; another one leads back; the result is added
    to the input times ``gate``, which starts at zero. The defaults are SAGAN's (Zhang et al. 2019, section 3), with
    ``reduction=2`` the embedded-Gaussian non-local block, and with ``similarity="dot_product"`` too the dot-product
    one (Wang et al. 2018, sections 3.2 and 3.3, where a normalisation whose scale starts at zero is the gate).
    ``pool_keys`` halves both sides of the keys' and values' map by max-pooling (their section 3.3).

    Both papers leave a softmax's scores undivided; here :func:`attend` divides them by √dim, which a query √dim times
    as large undoes. Raises ValueError for channels that cannot be reduced or shared among heads, an unknown similarity,
    and features of another shape.
    """

    def __init__(
        self,
        channels: int,
        heads: int = 1,
        reduction: int = 8,
        similarity: str = "softmax",
        pool_keys: bool = False,
    ) -> None:
        if channels < 1 or reduction < 1 or channels % reduction:
            raise ValueError(
                f"channels {channels} cannot be divided by reduction {reduction}: make channels a multiple of it, "
                f"or use reduction=1."
            )
        if similarity not in SIMILARITIES:
            raise ValueError(f"similarity is {similarity!r}, but must be one of {', '.join(SIMILARITIES)}.")
        dim = channels // reduction
        super().__init__(dim, heads)
        self.channels, self.similarity, self.pool_keys = channels, similarity, pool_keys
        self.to_query = nn.Conv2d(channels, dim, kernel_size=1)
        self.to_key = nn.Conv2d(channels, dim, kernel_size=1)
        self.to_value = nn.Conv2d(channels, dim, kernel_size=1)
        self.to_out = nn.Conv2d(dim, channels, kernel_size=1)
        self.gate = nn.Parameter(torch.zeros(()))

    def mix(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
        if self.similarity == "softmax":
            return super().mix(query, key, value, mask)
        mixed, weights = attend_by_dot_product(query, key, value)
        if self.recorded is not None:
            self.recorded.append(weights)
        return mixed

    def forward(self, features: Tensor) -> Tensor:
        if features.ndim != 4 or features.shape[1] != self.channels:
            raise ValueError(
                f"Got features of shape {tuple(features.shape)}, but this SelfAttention2d reads (batch, "
                f"{self.channels}, height, width): give it a convolution's output with {self.channels} channels."
            )
        seen = F.max_pool2d(features, 2, ceil_mode=True) if self.pool_keys else features
        maps = self.to_query(features), self.to_key(seen), self.to_value(seen)
        # Contiguous: the fused kernel is taken only when the features of a token lie side by side.
        query, key, value = (split_heads(flatten_positions(part).contiguous(), self.heads) for part in maps)
        mixed = unflatten_positions(merge_heads(self.mix(query, key, value)), features.shape[2])
        return gated_residual(features, self.to_out(mixed), self.gate)


def __getattr__(name: str) -> type[nn.Module]:
    """The layers that stand in a module of their own, which is read when they are asked for."""
    if name in ("LocalAttention2d", "LocalRelation2d"):
        from course_utils import local_attention

        return getattr(local_attention, name)
    if name == "WindowAttention":
        from course_utils.window_attention import WindowAttention

        return WindowAttention
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
