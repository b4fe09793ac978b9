"""PatchExplorer: an image as a sequence of patches. Notebooks 03 and 04."""

import math
from collections.abc import Sequence
from typing import Annotated, Any

import traitlets

from course_utils.front_end import script, style
from course_utils.settings import between, checked
from course_utils.widgets.images import as_image, cropped, rgba
from course_utils.widgets.tensors import as_list, as_setting
from course_utils.widgets.widget import Widget


class PatchExplorer(Widget):
    """Shows the patch under the pointer enlarged, with its position in the sequence and its flattened vector.

    image: a tensor, an array or an image of Pillow, with channels first, last or none, in [0, 1] or bytes. patch_size:
    pixels per side; choices: the sizes to choose from, by default all that divide the image and leave at least four
    patches. An image that they do not divide is cropped, with a warning. Raises ValueError for an image that cannot be
    shown and for sizes that do not fit into it.
    """

    _esm = script("patch_explorer")
    _css = style("patch_explorer")
    pixels = traitlets.Bytes().tag(sync=True)
    height = traitlets.Int().tag(sync=True)
    width = traitlets.Int().tag(sync=True)
    channels = traitlets.Int().tag(sync=True)
    patch_size = traitlets.Int().tag(sync=True)
    choices = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(self, image: Any, patch_size: int = 16, *, choices: Sequence[int] | None = None) -> None:
        image = as_image(image)
        channels, height, width = image.shape
        size = Annotated[int, between(1, min(height, width))]
        patch_size = as_setting(patch_size, "patch_size", size)
        if choices is not None:
            choices = checked("choices", as_list(choices, "choices"), tuple[size, ...])
        common = math.lcm(patch_size, *(choices or ()))
        if common > min(height, width):
            sizes = ", ".join(map(str, sorted({patch_size, *(choices or ())})))
            raise ValueError(
                f"The patch sizes {sizes} do not all divide one part of an image of {height} × {width} pixels: choose "
                "sizes that divide one another, or a larger image."
            )
        image = cropped(
            image, height // common * common, width // common * common, f"patches of {common} pixels fit there"
        )
        height, width = image.shape[-2:]
        fitting = tuple(size for size in range(2, min(height, width) // 2 + 1) if not (height % size or width % size))
        super().__init__(
            pixels=rgba(image),
            height=height,
            width=width,
            channels=channels,
            patch_size=patch_size,
            choices=sorted({patch_size, *(choices if choices is not None else fitting)}),
        )
