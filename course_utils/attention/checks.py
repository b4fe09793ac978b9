"""What attention refuses: masks that are not boolean or do not fit, and matrices larger than the free memory.

Solutions of exercises leave out calls of these functions: see ``exercises/source.py``. All notebooks.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from course_utils.costs import refuse_beyond_free_memory

LARGE = 2**26  # bytes: to ask for the free memory takes about 0.1 ms, which is nothing beside making as many numbers


def check_mask(mask: Any, shape: Sequence[int], device: torch.device, name: str = "mask", true: str = "") -> None:
    """Raise ValueError unless mask is a boolean tensor on this device that can be broadcast to this shape.

    None is no mask and passes. true: where it is True, in words.
    """
    if mask is None:
        return
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        found, tensor = (
            (mask.dtype, name) if isinstance(mask, Tensor) else (type(mask).__name__, f"torch.tensor({name})")
        )
        true = true or "where a query may attend to a key"
        raise ValueError(
            f"The {name} is of type {found}, but must be a boolean tensor, True {true}: use {tensor}.bool() if it has "
            f"ones and zeros, or {tensor} == 0 if it was made to be added to scores."
        )
    pairs = zip(reversed(mask.shape), reversed(shape), strict=False)
    if mask.ndim > len(shape) or any(length not in (1, wanted) for length, wanted in pairs):
        raise ValueError(
            f"The {name} has the shape {tuple(mask.shape)}, but must be broadcastable to {tuple(shape)}, whose last "
            "two axes are the queries and the keys: give it axes of these lengths or of length 1. (For the padding of "
            "a batch, for example, mask[:, None, None, :].)"
        )
    if mask.device != device:
        raise ValueError(
            f"The {name} is on the device {mask.device}, but the inputs are on {device}: use "
            f"{name}.to({str(device)!r})."
        )


def check_attention(query: Tensor, key: Tensor, value: Tensor, mask: Any = None, stored: bool = True) -> None:
    """Raise ValueError for a mask that does not fit, and for queries, keys and values that do not fit together.

    stored: also raise MemoryError if the scores and the weights, (..., queries, keys) each, exceed the free memory.
    """
    batch = query.shape[:-2]
    fits = query.shape[-1] == key.shape[-1] and key.shape[-2] == value.shape[-2]
    if not batch == key.shape[:-2] == value.shape[:-2]:
        try:
            torch.broadcast_shapes(batch := torch.broadcast_shapes(batch, key.shape[:-2]), value.shape[:-2])
        except RuntimeError:
            fits = False
    if not fits:
        raise ValueError(
            f"query {tuple(query.shape)}, key {tuple(key.shape)} and value {tuple(value.shape)} do not fit together: "
            "queries and keys need equally many features, the last axis, each key needs one value, and the axes before "
            "these must have the same lengths."
        )
    shape = *batch, query.shape[-2], key.shape[-2]
    check_mask(mask, shape, query.device)
    if stored:
        check_memory(shape, query)


def check_memory(shape: Sequence[int], like: Tensor) -> None:
    """Raise MemoryError if the scores and the weights, of this shape and of the type of like,
    exceed the free memory.
    """
    if torch.compiler.is_compiling():
        return
    matrix = torch.Size(shape).numel() * like.itemsize
    if matrix >= LARGE:
        refuse_beyond_free_memory(2 * matrix, f"Scores and weights of shape {tuple(shape)}", like.device)
