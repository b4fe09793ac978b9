"""WindowExplorer: shifted windows and their mask, patch merging, and how information spreads. Notebook 08."""

from collections.abc import Sequence
from typing import Any

import anywidget
import traitlets

from course_utils.widgets.front_end import script, style
from course_utils.widgets.tensors import as_image, rgba


class WindowExplorer(anywidget.AnyWidget):
    """The blocks of a hierarchical transformer on an image, and what the token under the pointer attends to in each.

    image: (3 or 1, height, width) or (height, width), values in [0, 1], square. tokens: tokens per side in the first
    stage. window: tokens per side of a window. depths: number of blocks per stage; between stages, four tokens are
    merged into one. Every second block of a stage shifts its windows by window // 2. Raises ValueError for what
    cannot be shown.
    """

    _esm = script("window_explorer")
    _css = style("window_explorer")
    pixels = traitlets.Bytes().tag(sync=True)
    height = traitlets.Int().tag(sync=True)
    width = traitlets.Int().tag(sync=True)
    tokens = traitlets.Int().tag(sync=True)
    window = traitlets.Int().tag(sync=True)
    depths = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(self, image: Any, *, tokens: int = 16, window: int = 4, depths: Sequence[int] = (2, 2)) -> None:
        image = as_image(image)
        height, width = image.shape[-2:]
        if height != width or tokens < 1 or height % tokens:
            raise ValueError(
                f"An image of {height} × {width} cannot be cut into {tokens} × {tokens} tokens: pass a square "
                "image and a number that divides its side."
            )
        if not depths or min(depths) < 1:
            raise ValueError(
                f"depths is {tuple(depths)}, but needs at least one stage and at least one block per stage: pass one "
                "positive number per stage."
            )
        merged = 2 ** (len(depths) - 1)
        if tokens % merged:
            raise ValueError(
                f"{tokens} tokens per side cannot be halved {len(depths) - 1} times: choose a multiple of {merged}, "
                "or fewer stages."
            )
        smallest = tokens // merged
        if not 2 <= window <= smallest or smallest % window:
            raise ValueError(
                f"window is {window}, but must divide the last stage's {smallest} tokens per side and be at least 2: "
                "choose another window, more tokens or fewer stages."
            )
        super().__init__(
            pixels=rgba(image), height=height, width=width, tokens=tokens, window=window, depths=list(depths)
        )
