"""Layers of local attention that can replace a convolution. Notebook 02, and LR-Net.

Ramachandran et al. 2019, "Stand-Alone Self-Attention in Vision Models"; Hu et al. 2019, "Local Relation Networks for
Image Recognition".
"""

import math

import torch
from einops import einsum, rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.attention.local import CHOICES, IMPLEMENTATIONS, fastest, relative_positions
from course_utils.attention.recording import RecordedAttention


class _Local(RecordedAttention):
    """What the two layers share: the neighbourhood, the implementation, and a place to record the weights."""

    def __init__(self, dim: int, heads: int, size: int, stride: int, implementation: str) -> None:
        if size < 1 or size % 2 == 0:
            raise ValueError(
                f"size {size} has no centre: a neighbourhood is an odd number of positions per side, such as "
                f"{max(size + 1, 1)}."
            )
        if stride < 1:
            raise ValueError(f"stride is {stride}, but must be at least 1.")
        if implementation not in CHOICES:
            raise ValueError(f"There is no implementation {implementation!r}: choose one of {', '.join(CHOICES)}.")
        super().__init__(dim, heads)
        self.size, self.stride, self.implementation = size, stride, implementation

    def near(self, query: Tensor, key: Tensor, value: Tensor, prior: Tensor) -> Tensor:
        """query (batch, heads, dim, rows, columns), key and value before the stride → the shape of query."""
        height, width = key.shape[-2:]
        if min(height, width) < self.size:
            raise ValueError(
                f"Maps of {height} × {width} are smaller than the neighbourhood of {self.size} × {self.size}: choose "
                "a smaller size, or larger images."
            )
        chosen = self.implementation
        if chosen == "auto":
            chosen = fastest(self.size, height, width, torch.is_grad_enabled())
        self.expect((*query.shape[:2], *query.shape[3:], self.size**2), query)
        output, weights = IMPLEMENTATIONS[chosen](query, key, value, prior, self.size, self.stride)
        self.record(weights)
        return self.heard(output)

    def extra_repr(self) -> str:
        return f"size={self.size}, stride={self.stride}, heads={self.heads}, {self.implementation}"


class LocalAttention2d(_Local):
    """(batch, channels, height, width) → (batch, out_channels, height / stride, width / stride), like a convolution.

    The query comes from the centre, the keys and values from its size × size neighbourhood. The row and the column of
    an offset each have an embedding with half of a head's features. Positions beyond the border are masked. Scores
    are divided by √dim, as everywhere in this course; the paper does not mention it. Ramachandran et al. 2019,
    section 2.2, eq. 2 and 3.

    Recorded weights are (batch, heads, positions, size²). Raises ValueError for an even size, for features that
    cannot be split among the heads, and for maps smaller than the neighbourhood.
    """

    def __init__(
        self,
        channels: int,
        out_channels: int,
        size: int = 7,
        heads: int = 8,
        stride: int = 1,
        implementation: str = "auto",
    ) -> None:
        if heads < 1 or out_channels < 1 or out_channels % (2 * heads):
            unit = 2 * max(heads, 1)
            raise ValueError(
                f"out_channels {out_channels} cannot be shared among {heads} heads, half for rows and half for "
                f"columns: choose a multiple of {unit}, for example {max(1, round(out_channels / unit)) * unit}."
            )
        super().__init__(out_channels, heads, size, stride, implementation)
        dim = out_channels // heads
        self.to_query = nn.Conv2d(channels, out_channels, 1, bias=False)
        self.to_key = nn.Conv2d(channels, out_channels, 1, bias=False)
        self.to_value = nn.Conv2d(channels, out_channels, 1, bias=False)
        self.rows = nn.Parameter(torch.randn(heads, size, dim // 2))
        self.columns = nn.Parameter(torch.randn(heads, size, dim // 2))

    def positions(self) -> Tensor:
        """→ (heads, size², dim): the embedding of every offset."""
        return torch.stack([relative_positions(*pair) for pair in zip(self.rows, self.columns, strict=True)])

    def forward(self, maps: Tensor) -> Tensor:
        centres = maps[..., :: self.stride, :: self.stride]
        query, key, value = (
            rearrange(part, "b (h d) y x -> b h d y x", h=self.heads)
            for part in (self.to_query(centres), self.to_key(maps), self.to_value(maps))
        )
        # q · (k + r) = q · k + q · r: the second term needs no keys, so it needs no stored neighbourhood.
        prior = einsum(query, self.positions(), "b h d y x, h n d -> b h n y x") / math.sqrt(query.shape[2])
        return rearrange(self.near(query, key, value, prior), "b h d y x -> b (h d) y x")


class LocalRelation2d(_Local):
    """(batch, channels, height, width) → (batch, channels, height / stride, width / stride).

    Each group of `shared` channels uses one map of weights: the softmax of appearance (a scalar query times a scalar
    key) plus geometry (a small two-layer network of the offset). The weights average the input itself or, with
    project_values, a 1 × 1 convolution of it. If shared does not divide channels, the last map has fewer channels. Hu
    et al. 2019, section 3.

    Recorded weights are (batch, weight maps, positions, size²). Raises ValueError for an even size, and for maps
    smaller than the neighbourhood.
    """

    def __init__(
        self,
        channels: int,
        size: int = 7,
        shared: int = 8,
        stride: int = 1,
        project_values: bool = False,
        implementation: str = "auto",
    ) -> None:
        if shared < 1 or channels < 1:
            raise ValueError(f"channels is {channels} and shared is {shared}, but both must be at least 1.")
        groups = -(-channels // shared)
        super().__init__(groups, groups, size, stride, implementation)
        self.shared = shared
        self.to_query = nn.Conv2d(channels, groups, 1, bias=False)
        self.to_key = nn.Conv2d(channels, groups, 1, bias=False)
        self.to_value = nn.Conv2d(channels, channels, 1, bias=False) if project_values else nn.Identity()
        self.geometry = nn.Sequential(nn.Linear(2, groups), nn.ReLU(), nn.Linear(groups, groups))

    def prior(self) -> Tensor:
        """→ (1, weight maps, size², 1, 1): the geometry term of every offset, with rows and columns in [-1, 1]."""
        half, like = self.size // 2, self.to_query.weight
        side = torch.arange(-half, half + 1, dtype=like.dtype, device=like.device)[:, None] / max(half, 1)
        offsets = relative_positions(side, side)
        return rearrange(self.geometry(offsets), "n h -> 1 h n 1 1")

    def forward(self, maps: Tensor) -> Tensor:
        query = rearrange(self.to_query(maps[..., :: self.stride, :: self.stride]), "b h y x -> b h 1 y x")
        key = rearrange(self.to_key(maps), "b h y x -> b h 1 y x")
        channels = maps.shape[1]
        value = F.pad(self.to_value(maps), (0, 0, 0, 0, 0, self.heads * self.shared - channels))
        value = rearrange(value, "b (h m) y x -> b h m y x", h=self.heads)
        return rearrange(self.near(query, key, value, self.prior()), "b h m y x -> b (h m) y x")[:, :channels]
