"""Attention over the places of a feature map, as a block between a CNN's. Notebook 01."""

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.attention.core import RecordedAttention, attend, merge_heads, split_heads

SIMILARITIES = ("softmax", "dot_product")


def flatten_positions(features: Tensor) -> Tensor:
    """(batch, channels, height, width) → (batch, height · width, channels): every place becomes a token.

    In raster order, row by row from the top left. Wang et al. 2018, section 3.3 and figure 2.
    """
    return rearrange(features, "b c h w -> b (h w) c")


def unflatten_positions(tokens: Tensor, height: int) -> Tensor:
    """(batch, height · width, channels) → (batch, channels, height, width): :func:`flatten_positions` undone."""
    return rearrange(tokens, "b (h w) c -> b c h w", h=height)


def attend_2d(query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
    """Scaled dot-product attention between all places of a map; `attend` works on tokens, (batch, tokens, dim).

    query and key (batch, dim, height, width), value (batch, value_dim, height, width)
    → output (batch, value_dim, height, width), weights (batch, height · width, height · width): a row for every
    query, places in raster order. Zhang et al. 2019, equations 1 and 2, scores divided by √dim.
    """
    height = query.shape[2]
    tokens = (rearrange(part, "b c h w -> b (h w) c") for part in (query, key, value))
    mixed, weights = attend(*tokens)
    return rearrange(mixed, "b (h w) c -> b c h w", h=height), weights


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


class SelfAttention2d(RecordedAttention):
    """(batch, channels, height, width) → the same shape, for any height and width: every place looks at all places.

    Query, key and value are 1×1 convolutions to channels / reduction; another one leads back; the result is added
    to the input times ``gate``, which starts at zero. The defaults are SAGAN's (Zhang et al. 2019, section 3), with
    ``reduction=2`` the embedded-Gaussian non-local block, and with ``similarity="dot_product"`` too the dot-product
    one (Wang et al. 2018, sections 3.2 and 3.3, where a normalisation whose scale starts at zero is the gate).
    ``pool_keys`` halves both sides of the keys' and values' map by max-pooling (their section 3.3).

    Both papers leave a softmax's scores undivided; here :func:`attend` divides them by √dim, which a query √dim times
    as large undoes. Raises ValueError for channels that cannot be reduced or shared among heads, an unknown
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
