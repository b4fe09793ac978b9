"""Images for the page: in any common form, with one sentence of advice for those that cannot be shown. All notebooks."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils.widgets.tensors import as_list, as_tensor, raw_numbers

MOST_PIXELS = 2**23  # four bytes each: more would make the page slow
MOST_IMAGES = 100
ROUNDING = 1e-3  # a quarter of the smallest step that a screen shows


def as_image(value: Any, what: str = "The image") -> Tensor:
    """An image (3 or 1, height, width) in [0, 1] from a tensor, an array, nested lists or an image of Pillow.

    Bytes (uint8) are divided by 255. The channels, 1 or 3, come first or last, or there is no such axis; a batch of
    one image will do. With a fourth channel last, alpha, the image is put on white. If channels may be first as well
    as last, they are first. Raises ValueError for another shape and for values outside [0, 1].
    """
    pixels = as_pixels(value, what)
    image = pixels[0] if pixels.ndim == 4 and pixels.shape[0] == 1 else pixels
    if image.ndim == 2:
        image = image[None]
    if image.ndim == 3 and image.shape[0] not in (1, 3) and image.shape[-1] in (1, 3, 4):
        image = image.permute(2, 0, 1)
        if image.shape[0] == 4:
            image = image[:3] * image[3] + 1 - image[3]
    if image.ndim != 3 or image.shape[0] not in (1, 3):
        raise ValueError(
            f"{what} has shape {tuple(pixels.shape)}, but must be (channels, height, width) with 1 or 3 channels, "
            "(height, width, channels) or (height, width): pass one image of a batch."
        )
    height, width = image.shape[-2:]
    if height * width > MOST_PIXELS:
        raise ValueError(f"{what} has {height} × {width} pixels, too many for a responsive page: resize it.")
    return image


def as_images(value: Any, what: str = "The batch of images") -> Tensor:
    """Images (count, 3 or 1, height, width) in [0, 1] from a batch or a list of what :func:`as_image` accepts.

    Raises ValueError if there is none or too many, if their sizes differ, or if one cannot be shown.
    """
    batch = value if isinstance(value, Tensor | np.ndarray) and value.ndim else as_list(value, what)
    if len(batch) > MOST_IMAGES:
        raise ValueError(
            f"{what} has {len(batch):,} images, too many for a responsive page: pass at most {MOST_IMAGES}."
        )
    images = [as_image(each, f"Image {number} of the batch") for number, each in enumerate(batch, 1)]
    if not images:
        raise ValueError(f"{what} is empty, but the widget needs at least one image: pass one or more.")
    sizes = sorted({tuple(image.shape[-2:]) for image in images})
    if len(sizes) > 1:
        (height, width), (other_height, other_width) = sizes[:2]
        raise ValueError(
            f"{what} has images of {height} × {width} and of {other_height} × {other_width} pixels, but the widget "
            "shows one size: resize them."
        )
    channels = max(len(image) for image in images)
    return torch.stack([image.expand(channels, -1, -1) for image in images])


def as_pixels(value: Any, what: str) -> Tensor:
    """A tensor of any shape in [0, 1]. Bytes are divided by 255. Raises ValueError for values outside [0, 1]."""
    numbers = raw_numbers(value, what)
    pixels = as_tensor(numbers, what)
    if str(numbers.dtype) in ("uint8", "torch.uint8"):
        return pixels / 255
    low, high = pixels.min().item(), pixels.max().item()
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise ValueError(
            f"{what} has values from {_short(low)} to {_short(high)}, but must lie in [0, 1]: {_advice(pixels)}."
        )
    return pixels.clamp(0, 1)


def rgba(image: Tensor) -> bytes:
    """The pixels of (1 or 3, height, width) in [0, 1], four bytes each, row by row."""
    opaque = torch.ones_like(image[:1])
    return _bytes(torch.cat([image.expand(3, -1, -1), opaque]))


def rgb(images: Tensor) -> bytes:
    """The pixels of (…, 1 or 3, height, width) in [0, 1], three bytes each, row by row."""
    return _bytes(images.expand(*images.shape[:-3], 3, -1, -1))


def _bytes(pixels: Tensor) -> bytes:
    return (pixels.movedim(-3, -1) * 255).round().byte().contiguous().numpy().tobytes()


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
