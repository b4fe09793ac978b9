"""Images for the page: in any common form, with one sentence of advice for those that cannot be shown.
All notebooks.
"""

import math
import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.data.image_files import pixels_of
from course_utils.data.images import is_pillow
from course_utils.data.pixels import centre, covered, in_range
from course_utils.widgets.tensors import as_list, as_tensor, raw_numbers

MOST_PIXELS = 2**23  # four bytes each: more would make the page slow
MOST_IMAGES = 100


def as_image(value: Any, what: str = "The image") -> Tensor:
    """An image (3 or 1, height, width) in [0, 1] from a tensor, an array, nested lists or an image of Pillow.

    Bytes (uint8) are divided by 255. The channels, 1 or 3, come first or last, or there is no such axis; a batch of
    one image will do. With a fourth channel last, alpha, the image is put on white. If channels may be first as well
    as last, they are first. An image with too many pixels is shrunk, with a warning. Raises ValueError for another
    shape and for values outside [0, 1].
    """
    pixels = pixels_of(value, what) if is_pillow(value) else as_pixels(value, what)
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
    return shrunk(image, what, stacklevel=4)


def shrunk(images: Tensor, what: str, stacklevel: int = 3) -> Tensor:
    """Images ([count,] channels, height, width), or, if they have too many pixels, the means of squares of them, with a
    warning.
    """
    height, width = size = images.shape[-2:]
    count = math.prod(images.shape[:-3]) * height * width
    if count <= MOST_PIXELS:
        return images
    small = F.avg_pool2d(images, min(math.ceil(math.sqrt(count / MOST_PIXELS)), *size))
    warnings.warn(
        f"{what} has {' × '.join(map(str, (*images.shape[:-3], *size)))} pixels, too many for a responsive page, so it "
        f"is shown with {small.shape[-2]} × {small.shape[-1]}.",
        stacklevel=stacklevel,
    )
    return small


def as_images(value: Any) -> Tensor:
    """Images (count, 3 or 1, height, width) in [0, 1] from a batch or a list of what :func:`as_image` accepts.

    If their sizes differ, all are shown in the smallest height and width: the largest centred part of that shape,
    resized, with a warning. Raises ValueError if there is none or too many, or if one cannot be shown.
    """
    batch = value if isinstance(value, Tensor | np.ndarray) and value.ndim else as_list(value, "The batch of images")
    if len(batch) > MOST_IMAGES:
        raise ValueError(
            f"The batch of images has {len(batch):,} images, too many for a responsive page: pass at most "
            f"{MOST_IMAGES}."
        )
    images = [as_image(each, f"Image {number} of the batch") for number, each in enumerate(batch, 1)]
    if not images:
        raise ValueError("The batch of images is empty, but the widget needs at least one image: pass one or more.")
    height, width = (min(image.shape[axis] for image in images) for axis in (-2, -1))
    if any(tuple(image.shape[-2:]) != (height, width) for image in images):
        warnings.warn(
            "The batch of images has images of different sizes, so of each the largest central part of the shape "
            f"{height} × {width} is shown.",
            stacklevel=3,
        )
        images = [covered(image, (height, width)) for image in images]
    channels = max(len(image) for image in images)
    return torch.stack([image.expand(channels, -1, -1) for image in images])


def as_pixels(value: Any, what: str) -> Tensor:
    """A tensor of any shape in [0, 1]. Bytes are divided by 255. Raises ValueError for values outside [0, 1]."""
    numbers = raw_numbers(value, what)
    pixels = as_tensor(numbers, what)
    if str(numbers.dtype) in ("uint8", "torch.uint8"):
        return pixels / 255
    return in_range(pixels, what)


def rgba(image: Tensor) -> bytes:
    """The pixels of (1 or 3, height, width) in [0, 1], four bytes each, row by row."""
    opaque = torch.ones_like(image[:1])
    return _bytes(torch.cat([image.expand(3, -1, -1), opaque]))


def rgb(images: Tensor) -> bytes:
    """The pixels of (…, 1 or 3, height, width) in [0, 1], three bytes each, row by row."""
    return _bytes(images.expand(*images.shape[:-3], 3, -1, -1))


def _bytes(pixels: Tensor) -> bytes:
    return (pixels.movedim(-3, -1) * 255).round().byte().contiguous().numpy().tobytes()


def cropped(image: Tensor, height: int, width: int, why: str) -> Tensor:
    """The central height × width pixels, with a warning that says why; the image itself if it has that size."""
    if tuple(image.shape[-2:]) == (height, width):
        return image
    rows, columns = image.shape[-2:]
    warnings.warn(
        f"The image of {rows} × {columns} pixels is cropped to its central {height} × {width}: {why}.", stacklevel=3
    )
    return centre(image, height, width)
