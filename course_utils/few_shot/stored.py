"""Features of many images, computed once with a line of progress, and then kept. Notebooks 07, 09 and 10."""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.console import duration
from course_utils.settings import Count, checked
from course_utils.steps import Line
from course_utils.training.inputs import check_images


def encoded(encode: Callable[[Tensor], Tensor], images: Tensor, batch_size: int = 64, quiet: bool = False) -> Tensor:
    """(count, channels, height, width) → (count, …), on the images' device: encode of all images, batch by batch.

    encode: such as an :class:`~course_utils.models.encoder.Encoder`. Raises ValueError for images that are not a batch.
    """
    check_images(images, "set of images")
    parts, began = images.split(checked("batch_size", batch_size, Count)), time.perf_counter()
    line = None if quiet else Line()
    found: list[Tensor] = []
    with torch.no_grad():
        for part in parts:
            found.append(encode(part).to(images.device))
            done, taken = sum(map(len, found)), time.perf_counter() - began
            if line:
                line(
                    f"about {duration(taken / done * (len(images) - done))} left · image {done:,} of {len(images):,}"
                )
    if line:
        line(f"features of {len(images):,} images in {duration(time.perf_counter() - began)}", last=True)
    return torch.cat(found)
