"""Attention in a neighbourhood: like a convolution whose weights depend on the content.

Notebook 02. Four implementations with the same result. They differ in what they store, and so in time and memory:

* ``unfold`` copies the neighbourhood of every position, as the equation is written;
* ``masked`` lets every position attend to every other and masks those outside its neighbourhood;
* ``tiled`` is ``unfold`` for a few rows at a time, with the rows around them, so that memory stays bounded;
* ``shifted`` takes one offset after the other, for all positions at once, and copies no neighbourhood.

The layers (``local_layers.py``) use ``"auto"``, the fastest one for the size of the map, unless you choose another.

Ramachandran et al. 2019, "Stand-Alone Self-Attention in Vision Models"; Hu et al. 2019, "Local Relation Networks for
Image Recognition".
"""

import math
from collections.abc import Callable

import torch
from einops import einsum, rearrange, repeat
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from course_utils.attention.checks import check_mask, check_memory

TILE = 4  # rows of queries in a tile


def neighbourhoods(maps: Tensor, size: int, stride: int = 1) -> Tensor:
    """(batch, channels, height, width) → (batch, channels, positions, size²): the neighbourhood of every position.

    size is odd, and a position is at the centre of its size × size square. The positions are those in every stride-th
    row and column, in raster order from the top left; the neighbours of a position are in raster order too.
    Neighbours outside the map are zeros, so positions at the border have full neighbourhoods. The map may be smaller
    than the square.
    """
    columns = F.unfold(maps, size, padding=size // 2, stride=stride)
    return rearrange(columns, "b (c n) p -> b c p n", n=size**2)


def neighbourhood_mask(height: int, width: int, size: int) -> Tensor:
    """→ (height · width, height · width), boolean: True where two positions are neighbours.

    Positions are numbered in raster order. Row i is True at column j if position j is in the size × size square
    centred on position i. size is odd: for size 3 these are i itself and up to eight positions around it. The map may
    be smaller than the square.
    """
    rows, columns = torch.arange(height), torch.arange(width)
    near_rows = (rows[:, None] - rows).abs() <= size // 2
    near_columns = (columns[:, None] - columns).abs() <= size // 2
    return rearrange(near_rows[:, None, :, None] & near_columns[None, :, None, :], "y x i j -> (y x) (i j)")


def relative_positions(rows: Tensor, columns: Tensor) -> Tensor:
    """rows (size, dim), columns (size, dim) → (size², 2 · dim): one vector per offset in a neighbourhood.

    The neighbours are in raster order; the vector of the neighbour in row i and column j is rows[i], then columns[j].
    Ramachandran et al. 2019, section 2.2.
    """
    size = len(rows)
    by_row = repeat(rows, "i d -> (i j) d", j=size)
    by_column = repeat(columns, "j d -> (i j) d", i=size)
    return torch.cat([by_row, by_column], dim=-1)


def local_attend(
    query: Tensor, key: Tensor, value: Tensor, inside: Tensor, prior: Tensor | float = 0.0
) -> tuple[Tensor, Tensor]:
    """Local attention: each position attends only to its own neighbourhood.

    query (..., positions, dim), key (..., positions, neighbours, dim), value (..., positions, neighbours, value_dim)
    → output (..., positions, value_dim), weights (..., positions, neighbours); each row of weights sums to one.

    inside (positions, neighbours) is boolean: False for neighbours beyond the border, which get no weight; every row
    has at least one True. prior, a number or a tensor that broadcasts to (..., positions, neighbours), is added to
    the scaled scores, for example a score for a neighbour's position. The dots are any number of axes, or none:
    batch, heads. Ramachandran et al. 2019, eq. 2 and 3.
    """
    check_mask(inside, key.shape[:-1], key.device, "inside", "for a neighbour inside the map")
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(dim=-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


# ---- four ways to the same result ----------------------------------------------------------------------------------
#
# query (batch, heads, dim, rows, columns), key and value (batch, heads, dim, height, width),
# prior (batch or 1, heads, size², rows or 1, columns or 1)
# → output (batch, heads, dim, rows, columns), weights (batch, heads, rows · columns, size²)

Implementation = Callable[[Tensor, Tensor, Tensor, Tensor, int, int], tuple[Tensor, Tensor]]


def unfold(query: Tensor, key: Tensor, value: Tensor, prior: Tensor, size: int, stride: int) -> tuple[Tensor, Tensor]:
    """Copies every neighbourhood: size² times the memory of keys and values."""
    inside = inside_map(key, size, stride)
    return _unfolded(query, key, value, prior, inside, size, stride)


def masked(query: Tensor, key: Tensor, value: Tensor, prior: Tensor, size: int, stride: int) -> tuple[Tensor, Tensor]:
    """Full attention under :func:`neighbourhood_mask`: (height · width)² scores per head, most of them masked."""
    height, width = key.shape[-2:]
    check_memory((*query.shape[:2], query.shape[-2] * query.shape[-1], height * width), query)
    place = torch.arange(height * width, device=key.device).view(height, width)
    near = neighbourhood_mask(height, width, size).to(key.device)[place[::stride, ::stride].flatten()]
    inside = inside_map(key, size, stride)
    index = neighbourhoods(place[None, None].float(), size, stride)[0, 0].long()  # 0 beyond the border, not inside

    queries, keys, values = (rearrange(part, "b h d y x -> b h (y x) d") for part in (query, key, value))
    scores = queries @ keys.mT / math.sqrt(query.shape[2])
    local = _by_position(prior, query).masked_fill(~inside, 0).expand(*scores.shape[:3], -1)
    index = index.expand_as(local)
    weights = scores.scatter_add(-1, index, local).masked_fill(~near, -math.inf).softmax(dim=-1)
    output = rearrange(weights @ values, "b h (y x) d -> b h d y x", y=query.shape[-2])
    return output, weights.gather(-1, index) * inside


def tiled(query: Tensor, key: Tensor, value: Tensor, prior: Tensor, size: int, stride: int) -> tuple[Tensor, Tensor]:
    """A few rows of queries at a time, with the halo of keys and values that they need.

    In the backward pass a tile is computed again instead of stored, which saves memory and costs time.
    """
    half, height, rows = size // 2, key.shape[-2], query.shape[-2]
    inside = rearrange(inside_map(key, size, stride), "(y x) n -> y x n", y=rows)
    tiles = []
    for top in range(0, rows, TILE):
        bottom = min(top + TILE, rows)
        first, last = top * stride - half, (bottom - 1) * stride + half + 1  # rows of keys, the halo included
        halo = (0, 0, max(-first, 0), max(last - height, 0))
        near = slice(max(first, 0), min(last, height))
        parts = (
            query[..., top:bottom, :],
            F.pad(key[..., near, :], halo),
            F.pad(value[..., near, :], halo),
            prior[..., top:bottom, :] if prior.shape[-2] > 1 else prior,
            inside[top:bottom].flatten(0, 1),
        )
        tiles.append(checkpoint(_unfolded, *parts, size, stride, rows_are_padded=True, use_reentrant=False))
    outputs, weights = zip(*tiles, strict=True)
    return torch.cat(outputs, dim=-2), torch.cat(weights, dim=-2)


def shifted(
    query: Tensor, key: Tensor, value: Tensor, prior: Tensor, size: int, stride: int
) -> tuple[Tensor, Tensor]:
    """Shifts the map by one offset after the other, which puts the neighbour at the position of its query."""
    rows, columns = query.shape[-2:]
    inside = inside_map(key, size, stride)
    key, value = (F.pad(part, (size // 2,) * 4) for part in (key, value))

    def moved(padded: Tensor, offset: int) -> Tensor:
        top, left = divmod(offset, size)
        return padded[..., top : top + stride * rows : stride, left : left + stride * columns : stride]

    offsets = range(size**2)
    scores = torch.stack([(query * moved(key, n)).sum(2) for n in offsets], dim=2) / math.sqrt(query.shape[2]) + prior
    scores = scores.masked_fill(~rearrange(inside, "(y x) n -> n y x", y=rows), -math.inf)
    weights = scores.softmax(dim=2)
    output = torch.zeros_like(query[:, :, :1])
    for n in offsets:
        output = output + weights[:, :, n, None] * moved(value, n)
    return output, rearrange(weights, "b h n y x -> b h (y x) n")


def inside_map(maps: Tensor, size: int, stride: int = 1) -> Tensor:
    """(..., height, width) → (positions, size²), boolean: False for the neighbours that lie beyond the border."""
    return neighbourhoods(torch.ones(1, 1, *maps.shape[-2:], device=maps.device), size, stride)[0, 0] > 0


def _unfolded(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    prior: Tensor,
    inside: Tensor,
    size: int,
    stride: int,
    rows_are_padded: bool = False,
) -> tuple[Tensor, Tensor]:
    heads, rows = query.shape[1], query.shape[-2]
    padding = (0 if rows_are_padded else size // 2, size // 2)
    keys, values = (
        rearrange(
            F.unfold(rearrange(part, "b h d y x -> b (h d) y x"), size, padding=padding, stride=stride),
            "b (h d n) p -> b h p n d",
            h=heads,
            n=size**2,
        )
        for part in (key, value)
    )
    queries = rearrange(query, "b h d y x -> b h (y x) d")
    output, weights = local_attend(queries, keys, values, inside, _by_position(prior, query))
    return rearrange(output, "b h (y x) d -> b h d y x", y=rows), weights


def _by_position(prior: Tensor, query: Tensor) -> Tensor:
    """(batch or 1, heads, size², rows or 1, columns or 1) → (batch or 1, heads, positions, size²)."""
    return rearrange(prior.expand(-1, -1, -1, *query.shape[-2:]), "b h n y x -> b h (y x) n")


# Four ways to compute the same.
IMPLEMENTATIONS: dict[str, Implementation] = {"unfold": unfold, "masked": masked, "tiled": tiled, "shifted": shifted}
CHOICES = ("auto", *IMPLEMENTATIONS)


def fastest(size: int, height: int, width: int, trained: bool) -> str:
    """The fastest implementation for maps of that size, by and large: docs/measured.md has the ratios.

    It is ``shifted`` until a neighbourhood covers half of the map, or a quarter in training. From there on, one large
    matrix product is faster, although most of its scores are masked.
    """
    return "masked" if (4 if trained else 2) * size**2 >= height * width else "shifted"
