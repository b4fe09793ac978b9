"""Attention weights for the page: checked, and laid on the grid of an image's patches. Notebooks 00 to 05."""

from collections.abc import Iterator
from math import inf, isqrt
from numbers import Integral
from typing import Annotated, Any

import torch
from torch import Tensor

from course_utils.settings import between
from course_utils.widgets.tensors import as_list, as_setting, as_tensor

MOST_WEIGHTS = 2**26  # two bytes each: more would make the page slow
MOST_SPECIAL = 16  # special tokens that a sentence proposes


def as_attention(value: Any, what: str) -> Tensor:
    """Attention (layers, heads, queries, keys) from one tensor or from a list with one map per layer.

    The maps of a list may be (tokens, tokens), have a head axis, and also a batch axis of length one. Raises
    ValueError if shapes differ or are wrong, if weights are negative, or if rows do not sum to one.
    """
    if isinstance(value, list | tuple | Iterator):
        layers = [as_tensor(layer, f"{what}, layer {number}") for number, layer in enumerate(as_list(value, what), 1)]
        if not layers:
            raise ValueError(
                f"{what} is an empty list: pass one map per layer, as model.attention_maps(image) returns them."
            )
        attention = torch.stack([_of_one_image(layer, what) for layer in _alike(layers, what)])
    else:
        attention = as_tensor(value, what)
        if attention.ndim == 5:
            attention = torch.stack([_of_one_image(layer, what) for layer in attention])
    square = attention.ndim > 1 and attention.shape[-1] == attention.shape[-2]
    if attention.ndim != 4 or not square:
        advice = (
            "add a missing axis with attention[None]"
            if square
            else "show local attention with LocalAttentionExplorer"
        )
        raise ValueError(
            f"{what} has shape {tuple(attention.shape)}, but must be (layers, heads, tokens, tokens), or a list of "
            f"(heads, tokens, tokens), one per layer: {advice}."
        )
    check_weights(attention, what, "rows", -1, "the keys, the last axis")
    return attention


def check_weights(weights: Tensor, what: str, rows: str, axes: Any, keys: str) -> None:
    """Raises ValueError if there are too many weights, or some are negative or do not sum to one over the axes.

    rows and keys say what sums to one, and over what.
    """
    if weights.numel() > MOST_WEIGHTS:
        raise ValueError(
            f"{what} has {weights.numel():,} weights, too many for a responsive page: pass fewer layers or a smaller "
            "image's attention."
        )
    if weights.min() < 0:
        raise ValueError(f"{what} has negative weights (down to {weights.min():.3g}): pass it after the softmax.")
    sums = weights.sum(axes)
    furthest = sums.flatten()[(sums - 1).abs().argmax()].item()
    if abs(furthest - 1) > 0.02:  # rows in bfloat16 may be off by about a hundredth
        # Dropout makes some weights zero and enlarges the others, so that a row sums to one only on average.
        dropped = bool((weights == 0).any()) and sums.max() > 1.02 and abs(sums.mean().item() - 1) < 0.3
        first = "call model.eval() before you compute it, because dropout does this, or " if dropped else ""
        raise ValueError(
            f"{what} has {rows} that do not sum to one (one sums to {furthest:.3g}): {first}pass weights after a "
            f"softmax over {keys}."
        )


def on_grid(tokens: int, image: Tensor, special: Any, what: str) -> tuple[int, int, int]:
    """Special tokens, rows and columns of the patches. special is their number, or None for one if that is clear.

    Raises ValueError if the patches form no grid over the image, or if there are several possible numbers.
    """
    height, width = image.shape[-2:]
    possible = {
        count: grid
        for count in range(min(tokens - 1, MOST_SPECIAL) + 1)
        if (grid := _grid(tokens - count, height, width))
    }
    proposed = list(possible.items())[:3]
    count = 1 if special is None else as_setting(special, "special_tokens", Annotated[int, between(0, tokens - 1)])
    grid = _grid(tokens - count, height, width)
    if grid and special is None and grid[0] * width != grid[1] * height and len(possible) > 1:
        ways = " or ".join(f"{number} and {rows} × {columns} patches" for number, (rows, columns) in proposed)
        raise ValueError(
            f"{what} has {tokens} tokens, but the number of special ones is unclear, {ways}: pass special_tokens."
        )
    if not grid:
        found = ", ".join(f"special_tokens={number} for {r} × {c} patches" for number, (r, c) in proposed)
        raise ValueError(
            f"{what} has {tokens} tokens, {count} of them special, and {tokens - count} patches do not form a grid "
            f"over an image of {height} × {width}: {f'pass {found}, or ' if found else ''}check the image's aspect "
            "ratio."
        )
    return count, *grid


def shown_part(image: Tensor, tokens: int, special: Any) -> tuple[int, int]:
    """Height and width of the part over which the patches form a grid: all of it, or the largest square if they form
    a square that fits no other part.
    """
    height, width = image.shape[-2:]
    patches = tokens - (int(special) if isinstance(special, Integral) else 1)
    if patches < 1 or isqrt(patches) ** 2 != patches or _grid(patches, height, width):
        return height, width
    return min(height, width), min(height, width)


def _alike(layers: list[Tensor], what: str) -> list[Tensor]:
    """The layers, if they have one shape."""
    shapes = sorted({tuple(layer.shape) for layer in layers})
    if len(shapes) > 1:
        if all(len(shape) == 4 for shape in shapes) and len({shape[-2:] for shape in shapes}) == 1:
            raise ValueError(
                f"{what} has {len(layers[0])} maps in layer 1 and other numbers in other layers, as attention within "
                "windows has: show windows with WindowExplorer, or pass the layers of a model that attends to the "
                "whole image."
            )
        raise ValueError(f"{what} has layers of different shapes, {shapes}: pass the layers of one model.")
    return layers


def _of_one_image(layer: Tensor, what: str) -> Tensor:
    """A layer's map (heads, tokens, tokens), without a batch axis."""
    if layer.ndim == 4:
        count, tokens = len(layer), layer.shape[-1]
        if count > 1:
            windows = all(isqrt(number) ** 2 == number for number in (count, tokens))
            raise ValueError(
                f"{what} is for a batch of {count} images{' or windows' if windows else ''}, but the widget shows one "
                f"image: pass the attention of one image{', or show windows with WindowExplorer' if windows else ''}."
            )
        return layer[0]
    return layer[None] if layer.ndim == 2 else layer


def _grid(patches: int, height: int, width: int) -> tuple[int, int] | None:
    """Rows and columns of square patches over the image, the best if there are several; the border may be cut off
    or filled up.
    """
    fitting = [
        (rows, patches // rows)
        for rows in range(1, patches + 1)
        if patches % rows == 0 and _fits(rows, patches // rows, height, width)
    ]
    return min(fitting, key=lambda grid: abs(grid[0] * width - grid[1] * height), default=None)


def _fits(rows: int, columns: int, height: int, width: int) -> bool:
    """Whether patches of some size form this grid, if the border is cut off, or if it is filled up."""
    cut = max(height / (rows + 1), width / (columns + 1)) < min(height / rows, width / columns)
    smaller = min(height / (rows - 1) if rows > 1 else inf, width / (columns - 1) if columns > 1 else inf)
    return cut or max(height / rows, width / columns) < smaller
