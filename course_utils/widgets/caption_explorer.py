"""CaptionExplorer: similarities of images and captions, both softmaxes, and the temperature. Notebook 10."""

from collections.abc import Sequence
from typing import Annotated, Any

import traitlets

from course_utils.front_end import script, style
from course_utils.settings import between
from course_utils.widgets.images import as_images, rgba, shrunk
from course_utils.widgets.tensors import as_indices, as_list, as_names, as_setting, as_tensor
from course_utils.widgets.widget import Widget

MOST = 16  # images or captions: more would be too small to read


class CaptionExplorer(Widget):
    """The matrix of cosines, and which caption an image selects and which image a caption selects at a temperature.

    images: a batch as a tensor or an array, or a list of images, also of Pillow, in [0, 1] or bytes. captions:
    sentences. cosines: (images, captions), in [−1, 1]. right: the index of each image's caption; the loss is shown if
    each image has a different caption and every caption has an image. names: of the images. temperature: the initial
    value, 0.01 to 1. Raises ValueError for arguments that do not match.
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
        images = shrunk(as_images(images), "The batch of images")
        captions = as_names(captions, "captions")
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
        numbered = [f"image {number}" for number in range(1, len(images) + 1)]
        labels = numbered if names is None else as_names(names, "names", len(images), "image")
        right = [] if right is None else as_list(right, "right")
        temperature = as_setting(temperature, "temperature", Annotated[float, between(0.01, 1)])
        height, width = images[0].shape[-2:]
        super().__init__(
            pixels=[rgba(image) for image in images],
            height=height,
            width=width,
            captions=captions,
            cosines=matrix.clamp(-1, 1).tolist(),
            right=as_indices(right, "right", len(captions), len(images), "image") if right else [],
            names=labels,
            temperature=temperature,
        )
