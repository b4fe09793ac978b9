"""Tensors for the page: checked, with clear messages, and packed as bytes. All notebooks."""

from typing import Any

import numpy as np
import torch
from torch import Tensor


def as_tensor(value: Any, what: str) -> Tensor:
    """A detached CPU copy in float32. Raises ValueError if it is not a tensor, is empty, or has NaN or infinity."""
    try:
        tensor = torch.as_tensor(value).detach().to("cpu", torch.float32)
    except (TypeError, ValueError, RuntimeError) as error:
        kind = type(value).__name__
        raise ValueError(f"{what} is a {kind}, but must be a tensor or an array of numbers.") from error
    if not tensor.numel():
        raise ValueError(f"{what} is empty (shape {tuple(tensor.shape)}): pass one with at least one number.")
    if not tensor.isfinite().all():
        count = int((~tensor.isfinite()).sum())
        raise ValueError(
            f"{what} has {count:,} values that are NaN or infinite, but all must be finite: find out where they come "
            "from."
        )
    return tensor


def as_image(value: Any) -> Tensor:
    """An image (3, height, width) in [0, 1] from (3 or 1, height, width) or (height, width).

    Raises ValueError for another shape and for values outside [0, 1].
    """
    image = as_tensor(value, "The image")
    if image.ndim == 2:
        image = image[None]
    if image.ndim != 3 or image.shape[0] not in (1, 3):
        raise ValueError(
            f"The image has shape {tuple(image.shape)}, but must be (channels, height, width) with 1 or 3 "
            "channels: pass one image of a batch, channels first."
        )
    low, high = image.min().item(), image.max().item()
    if low < 0 or high > 1:
        advice = "divide by 255" if low >= 0 and high <= 255 else "undo its normalisation"
        raise ValueError(f"The image has values from {low:.3g} to {high:.3g}, but must lie in [0, 1]: {advice}.")
    return image


def rgba(image: Tensor) -> bytes:
    """The pixels of (1 or 3, height, width) in [0, 1], four bytes each, row by row."""
    pixels = (image.expand(3, -1, -1) * 255).round().byte()
    opaque = torch.full_like(pixels[:1], 255)
    return torch.cat([pixels, opaque]).permute(1, 2, 0).numpy().tobytes()


def as_attention(value: Any, name: str) -> Tensor:
    """Attention (layers, heads, queries, keys) from one tensor or from a list with one map per layer.

    Maps may have a batch axis of length one. Raises ValueError if shapes differ or are wrong, if weights are
    negative, or if rows do not sum to one.
    """
    what = f"The attention of {name}" if name else "The attention"
    layers = list(value) if isinstance(value, list | tuple) else None
    if layers is not None and not layers:
        raise ValueError(
            f"{what} is an empty list: pass one map per layer, as model.attention_maps(image) returns them."
        )
    if layers is not None:
        layers = [as_tensor(layer, f"{what}, layer {number}") for number, layer in enumerate(layers, 1)]
        shapes = {tuple(layer.shape) for layer in layers}
        if len(shapes) > 1:
            raise ValueError(
                f"{what} has layers of different shapes, {sorted(shapes)}: pass the layers of one model."
            )
        attention = torch.stack(layers)
        if attention.ndim == 5 and attention.shape[1] == 1:
            attention = attention[:, 0]
        elif attention.ndim == 5:
            raise ValueError(
                f"{what} is for a batch of {attention.shape[1]} images, but the widget shows one: pass the attention "
                "of one image."
            )
    else:
        attention = as_tensor(value, what)
    if attention.ndim != 4 or attention.shape[-1] != attention.shape[-2]:
        raise ValueError(
            f"{what} has shape {tuple(attention.shape)}, but must be (layers, heads, tokens, tokens), or a list of "
            "(heads, tokens, tokens), one per layer."
        )
    if attention.min() < 0:
        raise ValueError(f"{what} has negative weights (down to {attention.min():.3g}): pass it after the softmax.")
    sums = attention.sum(-1)
    furthest = sums.flatten()[(sums - 1).abs().argmax()].item()
    if abs(furthest - 1) > 0.02:  # rows in bfloat16 may be off by about a hundredth
        raise ValueError(
            f"{what} has rows that do not sum to one (one sums to {furthest:.3g}): pass weights after a softmax over "
            "the keys, the last axis."
        )
    return attention


def half_floats(tensor: Tensor) -> bytes:
    """A tensor as little-endian half floats."""
    return tensor.contiguous().numpy().astype("<f2").tobytes()


def grid(tokens: int, image: Tensor, special_tokens: int, name: str) -> tuple[int, int]:
    """Rows and columns of the patches. Raises ValueError if they form no grid of the image's aspect ratio."""
    patches = tokens - special_tokens
    height, width = image.shape[-2:]
    rows = round(np.sqrt(max(patches, 0) * height / width))
    if patches < 1 or rows < 1 or patches % rows or abs(rows * width - patches // rows * height) > max(height, width):
        what = f"The attention of {name}" if name else "The attention"
        raise ValueError(
            f"{what} has {tokens} tokens, {special_tokens} of them special, and {patches} patches do not form a grid "
            f"over an image of {height} × {width}: check special_tokens and the image's aspect ratio."
        )
    return rows, patches // rows
