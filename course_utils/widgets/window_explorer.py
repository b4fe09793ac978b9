"""WindowExplorer: windows, their shift and its mask, merging, and how influence travels. Notebook 08."""

from collections.abc import Sequence
from typing import Any

import anywidget
import traitlets

from course_utils.widgets.front_end import script, style
from course_utils.widgets.tensors import as_picture, rgba


class WindowExplorer(anywidget.AnyWidget):
    """The blocks of a hierarchical transformer over a picture, and what the token under the pointer sees in each.

    image: (3 or 1, height, width) or (height, width), values in [0, 1], square. tokens: tokens per side, first stage.
    window: its tokens per side. depths: blocks of each stage; between stages four tokens become one. Every second
    block of a stage shifts its windows by window // 2. Raises ValueError, in one sentence, for what cannot be shown.
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
        picture = as_picture(image)
        height, width = picture.shape[-2:]
        if height != width or tokens < 1 or height % tokens:
            raise ValueError(
                f"A picture of {height} × {width} cannot be cut into {tokens} × {tokens} tokens: pass a square "
                "picture and a number that divides its side."
            )
        if not depths or min(depths) < 1:
            raise ValueError(
                f"depths is {tuple(depths)}, but must name at least one stage, each with a block or more."
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
            pixels=rgba(picture), height=height, width=width, tokens=tokens, window=window, depths=list(depths)
        )
