"""Attention in windows, and windows that shift: what makes a transformer's cost linear in the picture's area.

Every function here is a step of Liu et al. 2021, "Swin Transformer: Hierarchical Vision Transformer using Shifted
Windows", section 3.2. Notebook 08.
"""

import math

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.attention.core import RecordedAttention


def partition(maps: Tensor, window: int) -> Tensor:
    """(batch, height, width, dim), of any dtype → (batch, windows, window², dim): the map cut into squares.

    Windows come in reading order, and the places of a window in reading order too. Gradients pass through. Raises
    ValueError when height or width is not a multiple of the window.
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
    """(batch, windows, window², dim), of any dtype → (batch, height, width, dim): :func:`partition` undone.

    height and width are those of the map, multiples of window. Gradients pass through.
    """
    return rearrange(
        windows, "b (y x) (i j) d -> b (y i) (x j) d", y=height // window, x=width // window, i=window, j=window
    )


def shift_mask(height: int, width: int, window: int, shift: tuple[int, int]) -> Tensor:
    """→ (windows, window², window²), boolean: True where a place may look at another after a cyclic shift.

    The map has been rolled by shift[0] rows up and shift[1] columns to the left, each from 0 to window - 1, so that
    the last windows hold pieces from opposite borders of the picture, which are not neighbours. Two places of a
    window may look at each other when they lie in the same piece. height and width are multiples of window; windows
    and places come in the order of :func:`partition`. Liu et al. 2021, section 3.2 and figure 4.
    """
    rows, columns = (torch.arange(size) for size in (height, width))
    # What was rolled around the border is another piece than the rest, in both directions.
    piece = 2 * (rows >= height - shift[0])[:, None] + (columns >= width - shift[1])[None, :]
    pieces = partition(piece[None, :, :, None], window)[0, :, :, 0]
    return pieces[:, :, None] == pieces[:, None, :]


def relative_position_index(window: int) -> Tensor:
    """→ (window², window²), int64: which row of the table of (2 · window - 1)² biases belongs to a query and a key.

    Entry (i, j) is the number of an offset: how far query i lies below key j, and how far to its right. The offsets
    are numbered from 0 in reading order, like the places of a picture: a row for each way to lie below, the most
    negative first, and a column for each way to lie to the right. In a window of 2 a query and itself have the number
    4, a query and the key just above it 7. Liu et al. 2021, section 3.2, eq. 4.
    """
    row, column = (part.flatten() for part in torch.meshgrid(2 * [torch.arange(window)], indexing="ij"))
    down, right = row[:, None] - row[None, :], column[:, None] - column[None, :]
    return (down + window - 1) * (2 * window - 1) + right + window - 1


class WindowAttention(RecordedAttention):
    """(batch, height, width, dim) → the same shape: attention within windows, the map first moved by shift.

    A map that is not a multiple of the window is padded with zeros at the bottom and on the right, and cut again; the
    padding can be looked at, as in torchvision. In a direction in which one window covers the map, nothing is
    shifted. ``recorded`` weights are (batch · windows, heads, window², window²). Liu et al. 2021, section 3.2.

    Raises ValueError when dim is not a multiple of heads or shift is not in [0, window).
    """

    bias_index: Tensor

    def __init__(self, dim: int, heads: int, window: int, shift: int = 0) -> None:
        super().__init__(dim, heads)
        if window < 1:
            raise ValueError(f"window is {window}, but must be at least 1 place wide.")
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
        """(batch, windows, heads, window², dim) each, mask (windows, 1, window², window²) → as the query."""
        prior = rearrange(self.bias[self.bias_index], "q k heads -> heads q k")
        if mask is not None:
            prior = prior.masked_fill(~mask, -math.inf)
        # Written out, because PyTorch's fused kernels gain nothing on windows so small: see `course bench models`.
        weights = (query / math.sqrt(query.shape[-1]) @ key.mT + prior).softmax(dim=-1)
        if self.recorded is not None:
            self.recorded.append(weights.flatten(0, 1))
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
        mixed = rearrange(self.mix(query, key, value, mask), "b w heads n d -> b w n (heads d)")
        together = unpartition(self.to_out(mixed), self.window, rows, columns)
        return torch.roll(together, (down, right), dims=(1, 2))[:, :height, :width]
