"""Attention over the positions of a feature map, as a block in a CNN. Notebook 01."""

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.attention.checks import check_attention
from course_utils.attention.core import ScaledDotProduct, attend, merge_heads, split_heads

SIMILARITIES = ("softmax", "dot_product")


def flatten_positions(features: Tensor) -> Tensor:
    """(batch, channels, height, width) → (batch, height · width, channels): every position becomes a token.

    Tokens are in raster order: row by row from the top left. Wang et al. 2018, section 3.3 and figure 2.
    """
    return rearrange(features, "b c h w -> b (h w) c")


def unflatten_positions(tokens: Tensor, height: int) -> Tensor:
    """(batch, height · width, channels) → (batch, channels, height, width): inverts :func:`flatten_positions`."""
    return rearrange(tokens, "b (h w) c -> b c h w", h=height)


def attend_2d(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """Scaled dot-product attention between all positions of a map; `attend` works on tokens, (batch, tokens, dim).

    query and key (batch, dim, height, width), value (batch, value_dim, height, width)
    → output (batch, value_dim, height, width), weights (batch, height · width, height · width): one row per query,
    positions in raster order. Zhang et al. 2019, equations 1 and 2, with scores divided by √dim.
    """
    height = query.shape[2]
    tokens = (rearrange(part, "b c h w -> b (h w) c") for part in (query, key, value))
    mixed, weights = attend(*tokens)
    return rearrange(mixed, "b (h w) c -> b c h w", h=height), weights


def attend_by_dot_product(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """Attention without a softmax: the weights are the dot products, times one factor that is the same for all.

    query (..., queries, dim), key (..., keys, dim), value (..., keys, value_dim)
    → output (..., queries, value_dim), weights (..., queries, keys), of any sign; rows need not sum to one.

    With a single key, the weight is the dot product itself. If every key and every value appears twice, the output
    does not change. Wang et al. 2018, equation 4 and section 3.2.
    """
    check_attention(query, key, value)
    weights = query @ key.mT / key.shape[-2]
    return weights @ value, weights


def gated_residual(features: Tensor, update: Tensor, gate: Tensor) -> Tensor:
    """features and update, both (batch, channels, height, width) → the same shape: a gated residual connection.

    gate is a tensor of shape (). With gate 0 the result is the features, unchanged; with gate 1 it is that of an
    ordinary residual block. For any other gate, inside or outside [0, 1], it lies on the straight line through these
    two. The gate is learned and starts at 0. Zhang et al. 2019, equation 3.
    """
    return features + gate * update


class SelfAttention2d(ScaledDotProduct):
    """(batch, channels, height, width) → the same shape, of any size: every position attends to all positions.

    Query, key and value are 1×1 convolutions to channels / reduction; another one restores channels. The result times
    ``gate``, which starts at zero, is added to the input. The defaults are SAGAN's (Zhang et al. 2019, section 3).
    ``reduction=2`` gives the embedded-Gaussian non-local block, and with ``similarity="dot_product"`` the dot-product
    one (Wang et al. 2018, sections 3.2 and 3.3, where the gate is a normalisation whose scale starts at zero).
    ``pool_keys`` makes keys and values of the map max-pooled by 2 (their section 3.3).

    Neither paper scales the scores before the softmax; here :func:`attend` divides them by √dim, and a query √dim
    times as large undoes that. Raises ValueError for channels that cannot be reduced or split among heads, an unknown
    similarity, and features of another shape.
    """

    def __init__(
        self, channels: int, heads: int = 1, reduction: int = 8, similarity: str = "softmax", pool_keys: bool = False
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
        if mask is not None:
            raise ValueError("Attention without a softmax takes no mask: use similarity='softmax'.")
        self.expect((*query.shape[:-1], key.shape[-2]), query)
        mixed, weights = attend_by_dot_product(query, key, value)
        self.record(weights)
        return mixed

    def forward(self, features: Tensor) -> Tensor:
        if features.ndim != 4 or features.shape[1] != self.channels:
            raise ValueError(
                f"Got features of shape {tuple(features.shape)}, but this SelfAttention2d reads (batch, "
                f"{self.channels}, height, width): pass a feature map with {self.channels} channels."
            )
        seen = F.max_pool2d(features, 2, ceil_mode=True) if self.pool_keys else features
        maps = self.to_query(features), self.to_key(seen), self.to_value(seen)
        # Contiguous: PyTorch uses the fused kernel only if the features of a token are adjacent in memory.
        query, key, value = (split_heads(flatten_positions(part).contiguous(), self.heads) for part in maps)
        mixed = unflatten_positions(merge_heads(self.heard(self.mix(query, key, value))), features.shape[2])
        return gated_residual(features, self.to_out(mixed), self.gate)
