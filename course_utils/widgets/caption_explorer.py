"""CaptionExplorer: similarities of images and captions, both softmaxes, and the temperature. Notebook 10."""

from collections.abc import Sequence
from typing import Any

import anywidget
import torch
import traitlets

from course_utils.widgets.front_end import script, style
from course_utils.widgets.tensors import as_image, as_tensor, rgba

MOST = 16  # images or captions: more would be too small to read


class CaptionExplorer(anywidget.AnyWidget):
    """The matrix of cosines, and which caption an image selects and which image a caption selects at a temperature.

    images: (images, 3 or 1, height, width) in [0, 1]. captions: sentences. cosines: (images, captions), in [−1,
    1]. right: the index of each image's caption; the loss is shown if each image has a different caption and every
    caption has an image. names: of the images. temperature: the initial value, 0.01 to 1. Raises ValueError for
    arguments that do not match.
    """

    _esm = script("caption_explorer")
    _css = style("caption_explorer")
    pixels = traitlets.List(traitlets.Bytes()).tag(sync=True)
    height = traitlets.Int().tag(sync=True)
    width = traitlets.Int().tag(sync=True)
    captions = traitlets.List(traitlets.Unicode()).tag(sync=True)
    cosines = traitlets.List(traitlets.List(traitlets.Float())).tag(sync=True)
    right = traitlets.List(traitlets.Int()).tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    temperature = traitlets.Float().tag(sync=True)

    def __init__(
        self,
        images: Any,
        captions: Sequence[str],
        cosines: Any,
        right: Any = (),
        names: Sequence[str] | None = None,
        temperature: float = 0.07,
    ) -> None:
        images = [as_image(image) for image in as_tensor(images, "The batch of images")]
        matrix = as_tensor(cosines, "The matrix of cosines")
        if matrix.shape != (len(images), len(captions)):
            raise ValueError(
                f"The cosines have shape {tuple(matrix.shape)}, but there are {len(images)} images and "
                f"{len(captions)} captions: pass one row per image and one column per caption."
            )
        if matrix.abs().max() > 1.001:
            raise ValueError(
                f"The cosines reach {matrix.abs().max():.3g}, but a cosine lies in [−1, 1]: pass products of unit "
                "vectors, not yet divided by the temperature."
            )
        if max(matrix.shape) > MOST:
            raise ValueError(
                f"The matrix has shape {tuple(matrix.shape)}, but the widget shows at most {MOST} images and {MOST} "
                "captions: pass fewer."
            )
        labels = [f"image {number}" for number in range(1, len(images) + 1)] if names is None else list(names)
        if len(labels) != len(images):
            raise ValueError(f"There are {len(labels)} names for {len(images)} images: pass one name per image.")
        numbers = torch.as_tensor(right).flatten().tolist()
        if numbers and (len(numbers) != len(images) or not all(0 <= each < len(captions) for each in numbers)):
            raise ValueError(
                f"right is {numbers}, but must have one caption index from 0 to {len(captions) - 1} for each of the "
                f"{len(images)} images: pass that, or leave it out."
            )
        if not 0.01 <= temperature <= 1:
            raise ValueError(
                f"temperature is {temperature}, but the slider goes from 0.01 to 1: choose a value in that range."
            )
        height, width = images[0].shape[-2:]
        super().__init__(
            pixels=[rgba(image) for image in images],
            height=height,
            width=width,
            captions=list(captions),
            cosines=matrix.clamp(-1, 1).tolist(),
            right=[int(each) for each in numbers],
            names=labels,
            temperature=float(temperature),
        )
