"""Attention in shifted windows, which makes a transformer's cost linear in the image's area.

Every function here is a step of Liu et al. 2021, "Swin Transformer: Hierarchical Vision Transformer using Shifted
Windows", section 3.2. Notebook 08.
"""

import math

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.attention.checks import check_mask
from course_utils.attention.recording import RecordedAttention


def partition(maps: Tensor, window: int) -> Tensor:
    """(batch, height, width, dim), of any dtype → (batch, windows, window², dim): the map cut into square windows.

    Windows are in raster order, and so are the positions in a window. Gradients pass through. Raises ValueError if
    height or width is not a multiple of window.
    """
    height, width = maps.shape[1:3]
    if window < 1 or window > min(height, width):
        raise ValueError(
            f"window is {window}, but must be from 1 to {min(height, width)} on a {height} × {width} map."
        )
    if height % window or width % window:
        raise ValueError(
            f"A {height} × {width} map cannot be cut into windows of {window} × {window}: pad it to "
            f"{-(-height // window) * window} × {-(-width // window) * window} first."
        )
    return rearrange(maps, "b (y i) (x j) d -> b (y x) (i j) d", i=window, j=window)


def unpartition(windows: Tensor, window: int, height: int, width: int) -> Tensor:
    """(batch, windows, window², dim), of any dtype → (batch, height, width, dim): the inverse of :func:`partition`.

    height and width of the map are multiples of window. Gradients pass through.
    """
    return rearrange(
        windows, "b (y x) (i j) d -> b (y i) (x j) d", y=height // window, x=width // window, i=window, j=window
    )


def shift_mask(height: int, width: int, window: int, shift: tuple[int, int]) -> Tensor:
    """→ (windows, window², window²), boolean: True where a position may attend to another after a cyclic shift.

    The map has been rolled by shift[0] rows up and shift[1] columns to the left, each from 0 to window - 1, so the
    last windows contain pieces from opposite edges of the image, which are not neighbours. Two positions in a window
    may attend to each other if they are in the same piece. height and width are multiples of window; windows and
    positions are in the order of :func:`partition`. Liu et al. 2021, section 3.2 and figure 4.
    """
    rows, columns = (torch.arange(size) for size in (height, width))
    # Positions that were rolled across the border are a piece of their own, in both directions.
    piece = 2 * (rows >= height - shift[0])[:, None] + (columns >= width - shift[1])[None, :]
    pieces = partition(piece[None, :, :, None], window)[0, :, :, 0]
    return pieces[:, :, None] == pieces[:, None, :]


def relative_position_index(window: int) -> Tensor:
    """→ (window², window²), int64: the row of the table of (2 · window - 1)² biases for each query and key.

    Entry (i, j) is the index of an offset: how many rows query i is below key j, and how many columns to its right.
    The offsets form a square that is numbered in raster order from 0: its rows are the row offsets, most negative
    first, and its columns are the column offsets. In a window of 2, a query and itself have index 4, and a query and
    the key just above it have index 7. Liu et al. 2021, section 3.2, eq. 4.
    """
    row, column = (part.flatten() for part in torch.meshgrid(2 * [torch.arange(window)], indexing="ij"))
    down, right = row[:, None] - row[None, :], column[:, None] - column[None, :]
    return (down + window - 1) * (2 * window - 1) + right + window - 1


class WindowAttention(RecordedAttention):
    """(batch, height, width, dim) → the same shape: attention within windows, after shifting the map.

    A map whose size is not a multiple of the window is padded with zeros at the bottom and right, and cropped
    afterwards; positions can attend to the padding, as in torchvision. In a direction where one window covers the
    map, nothing is shifted. ``recorded`` weights are (batch · windows, heads, window², window²). Liu et al. 2021,
    section 3.2.

    Raises ValueError when dim is not a multiple of heads or shift is not in [0, window).
    """

    bias_index: Tensor

    def __init__(self, dim: int, heads: int, window: int, shift: int = 0) -> None:
        super().__init__(dim, heads)
        if window < 1:
            raise ValueError(f"window is {window}, but must be at least 1.")
        if not 0 <= shift < window:
            raise ValueError(
                f"shift is {shift}, but must be from 0 to {window - 1}: less than the window of {window}."
            )
        self.window, self.shift = window, shift
        self.to_qkv = nn.Linear(dim, 3 * dim)
        self.to_out = nn.Linear(dim, dim)
        self.bias = nn.Parameter(torch.empty((2 * window - 1) ** 2, heads).normal_(std=0.02))
        self.register_buffer("bias_index", relative_position_index(window), persistent=False)

    def mix(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """(batch, windows, heads, window², dim) each → the shape of query.

        mask: boolean, broadcastable to (batch, windows, heads, window², window²), as in :func:`attend`.
        """
        shape = (*query.shape[:-1], key.shape[-2])
        check_mask(mask, shape, query.device)
        self.expect(shape, query)
        prior = rearrange(self.bias[self.bias_index], "q k heads -> heads q k")
        if mask is not None:
            prior = prior.masked_fill(~mask, -math.inf)
        # Written out, because PyTorch's fused kernels are no faster on windows this small: see `course bench models`.
        weights = (query / math.sqrt(query.shape[-1]) @ key.mT + prior).softmax(dim=-1)
        self.record(weights.flatten(0, 1))
        return weights @ value

    def forward(self, maps: Tensor) -> Tensor:
        height, width = maps.shape[1:3]
        padded = F.pad(maps, (0, 0, 0, -width % self.window, 0, -height % self.window))
        rows, columns = padded.shape[1:3]
        down, right = (self.shift if length > self.window else 0 for length in (rows, columns))
        windows = partition(torch.roll(padded, (-down, -right), dims=(1, 2)), self.window)
        mask = None
        if down or right:
            mask = shift_mask(rows, columns, self.window, (down, right))[:, None].to(maps.device)
        query, key, value = (
            rearrange(part, "b w n (heads d) -> b w heads n d", heads=self.heads)
            for part in self.to_qkv(windows).chunk(3, dim=-1)
        )
        mixed = self.heard(self.mix(query, key, value, mask), axis=2)
        mixed = rearrange(mixed, "b w heads n d -> b w n (heads d)")
        together = unpartition(self.to_out(mixed), self.window, rows, columns)
        return torch.roll(together, (down, right), dims=(1, 2))[:, :height, :width]
