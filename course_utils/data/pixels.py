"""Pixels in [0, 1] from numbers of any type, and one sentence of advice for those outside. All notebooks."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

ROUNDING = 1e-3  # a quarter of the smallest step that a screen shows
EIGHT_BITS, SIXTEEN_BITS = 255, 65535
MOST_PIXELS = 2**26  # 0.8 GB in float32; the largest cameras have 61 million


class NoImage(ValueError):
    """A file or an object that is not an image; the message says what it is and what to do."""


class TooLarge(MemoryError):
    """An image that needs more memory than is free; the message says so and what to do."""


def as_numbers(values: np.ndarray, what: str) -> Tensor:
    """Numbers of any type and shape → float32; whole numbers are divided by the largest of their 8 or 16 bits.

    Bytes have 8 bits, uint16 has 16. Wider or signed whole numbers have 8 bits if none is above 255, else 16; if none
    is above 1, as in a mask, they stay as they are. Raises NoImage if there are none, for NaN, and for whole
    numbers below 0 or of more than 16 bits.
    """
    if not values.size:
        raise NoImage(f"{what} is empty (shape {values.shape}): pass one with at least one pixel.")
    plain = torch.from_numpy(
        np.array(values, dtype=np.float64 if values.dtype.itemsize > 4 else np.float32, order="C")
    )
    if values.dtype.kind == "f" and not bool(plain.isfinite().all()):
        count = int((~plain.isfinite()).sum())
        raise NoImage(
            f"{what} has {count:,} values that are NaN or infinite, but all must be finite: find out where they come "
            "from."
        )
    if values.dtype.kind in "iu":
        plain = plain / _largest(values, what)
    return plain.to(torch.float32)


def _largest(values: np.ndarray, what: str) -> int:
    """The number that stands for white."""
    if values.dtype == np.uint8:
        return EIGHT_BITS
    if values.dtype.newbyteorder("=") == np.uint16:
        return SIXTEEN_BITS
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > SIXTEEN_BITS:
        raise NoImage(
            f"{what} has whole numbers from {low:,} to {high:,}, but an image of 8 bits has 0 to 255 and one of 16 "
            "bits 0 to 65,535: scale it to [0, 1]."
        )
    return next(most for most in (1, EIGHT_BITS, SIXTEEN_BITS) if high <= most)


def in_range(pixels: Tensor, what: str) -> Tensor:
    """The pixels, if they lie in [0, 1] but for rounding. Raises NoImage, with advice, for others."""
    low, high = pixels.min().item(), pixels.max().item()
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise NoImage(
            f"{what} has values from {_short(low)} to {_short(high)}, but must lie in [0, 1]: {_advice(pixels)}."
        )
    return pixels.clamp(0, 1)


def on_white(pixels: Tensor) -> Tensor:
    """(4, height, width), the fourth channel alpha, or (2, …), grey and alpha → without alpha, on white; others stay.

    In place: large photographs fill the memory as they are.
    """
    if pixels.shape[0] not in (2, 4):
        return pixels
    return pixels[:-1].mul_(pixels[-1]).add_(1).sub_(pixels[-1])


def covered(image: Tensor, size: tuple[int, int]) -> Tensor:
    """(channels, height, width) → (channels, *size): the largest centred part of that shape, resized; bilinear."""
    if image.shape[-2:] == size:
        return image
    scale = min(side / wanted for side, wanted in zip(image.shape[-2:], size, strict=True))
    part = centre(image, *(max(1, int(scale * wanted + 0.5)) for wanted in size))
    return F.interpolate(part[None], size, mode="bilinear", antialias=True)[0].clamp(0, 1)


def centre(image: Tensor, height: int, width: int) -> Tensor:
    """(…, rows, columns) → (…, height, width): the middle of the image, at most all of it."""
    rows, columns = image.shape[-2:]
    height, width = min(height, rows), min(width, columns)
    top, left = (rows - height) // 2, (columns - width) // 2
    return image[..., top : top + height, left : left + width]


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _advice(pixels: Tensor) -> str:
    """What to do with an image whose values are outside [0, 1]; the range and whether they are whole tell which."""
    low, high = pixels.min().item(), pixels.max().item()
    outside = ((pixels < 0) | (pixels > 1)).float().mean().item()
    if low > -0.3 and high < 1.3 and outside < 0.4:
        return "clamp it to [0, 1], because resizing may overshoot"
    whole = bool((pixels == pixels.round()).all())
    if low >= 0 and high <= 255 and (whole or high > 16):
        return "divide by 255"
    if low >= 0 and high <= 65535 and whole:
        return "divide by 65,535 if it has 16 bits"
    if low >= -80 and 200 < high < 335:
        return "divide by 255, then clamp it to [0, 1], because resizing may overshoot"
    if low >= -16 and high <= 16:
        return "undo its normalisation"
    return "scale it"
