"""PatchExplorer: an image as a sequence of patches. Notebooks 03 and 04."""

from typing import Any

import anywidget
import traitlets

from course_utils.widgets.front_end import script, style
from course_utils.widgets.tensors import as_image, rgba


class PatchExplorer(anywidget.AnyWidget):
    """Shows the patch under the pointer enlarged, with its position in the sequence and its flattened vector.

    image: (3, height, width), (1, height, width) or (height, width), values in [0, 1]. patch_size: pixels per side;
    choices: the sizes to choose from, by default all that divide the image and leave at least four patches.
    Raises ValueError for an image that cannot be shown or a size that does not divide it.
    """

    _esm = script("patch_explorer")
    _css = style("patch_explorer")
    pixels = traitlets.Bytes().tag(sync=True)
    height = traitlets.Int().tag(sync=True)
    width = traitlets.Int().tag(sync=True)
    channels = traitlets.Int().tag(sync=True)
    patch_size = traitlets.Int().tag(sync=True)
    choices = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(self, image: Any, patch_size: int = 16, *, choices: list[int] | None = None) -> None:
        image = as_image(image)
        channels, height, width = image.shape
        fitting = [size for size in range(2, min(height, width) // 2 + 1) if not (height % size or width % size)]
        for size in (patch_size, *(choices or ())):
            if size < 1 or height % size or width % size:
                raise ValueError(
                    f"patch_size {size} does not divide an image of {height} × {width} pixels: choose one of "
                    f"{', '.join(map(str, fitting)) or 1}."
                )
        super().__init__(
            pixels=rgba(image),
            height=height,
            width=width,
            channels=channels,
            patch_size=patch_size,
            choices=sorted({patch_size, *(choices if choices is not None else fitting)}),
        )
