"""Features of many images, with a line of progress, and the ImageNet CNN that remembers its own.
Notebooks 07, 09 and 10.
"""

import time
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from course_utils.console import duration
from course_utils.models.encoder import Encoder
from course_utils.models.pretrained import load_pretrained
from course_utils.settings import Count, checked
from course_utils.steps import Line
from course_utils.training.inputs import check_images
from course_utils.training.remembering import Remembering

SIDE = 96  # pixels, to which the ImageNet CNN's images are enlarged; more would be slower, and probably better


@cache
def imagenet_cnn() -> Remembering:
    """EfficientNet-Lite0 without its head, one for all: (count, 3, height, width) → (count, 1,280), each image once.

    ``imagenet_cnn().network`` is the :class:`Encoder`, whose ``found.source`` says which weights it has.
    """
    return Remembering(Encoder(load_pretrained("tf_efficientnet_lite0", seconds=5.0), SIDE))


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
