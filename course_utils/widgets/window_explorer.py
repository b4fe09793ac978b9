"""WindowExplorer: shifted windows and their mask, patch merging, and how information spreads. Notebook 08."""

from collections.abc import Sequence
from typing import Annotated, Any

import traitlets

from course_utils.front_end import script, style
from course_utils.settings import ONE_PER_STAGE, at_least, between, checked
from course_utils.widgets.images import as_image, cropped, rgba
from course_utils.widgets.tensors import as_list, as_setting, as_start
from course_utils.widgets.widget import Widget

MOST_TOKENS = 64  # per side: their masks would fill the page's memory
Depths = Annotated[tuple[Annotated[int, between(1, 24)], ...], ONE_PER_STAGE]


class WindowExplorer(Widget):
    """The blocks of a hierarchical transformer on an image, and what the token under the pointer attends to in each.

    image: a tensor, an array or an image of Pillow, with channels first, last or none, in [0, 1] or bytes; cropped to
    a square, with a warning, if the tokens do not divide it. tokens: tokens per side in the first stage. window:
    tokens per side of a window. depths: number of blocks per stage; between stages, four tokens are merged into one.
    Every second block of a stage shifts its windows by window // 2. start: row and column of the token that asks
    first, by default the middle; block: the one that is shown first, counted from 1. Raises ValueError for what
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
    start = traitlets.List(traitlets.Int()).tag(sync=True)
    block = traitlets.Int().tag(sync=True)

    def __init__(
        self,
        image: Any,
        *,
        tokens: int = 16,
        window: int = 4,
        depths: Sequence[int] = (2, 2),
        start: tuple[int, int] | None = None,
        block: int = 1,
    ) -> None:
        image = as_image(image)
        height, width = image.shape[-2:]
        tokens = as_setting(tokens, "tokens", Annotated[int, between(1, MOST_TOKENS)])
        window = as_setting(window, "window", Annotated[int, at_least(2)])
        stages = checked("depths", as_list(depths, "depths"), Depths)
        side = min(height, width) // tokens * tokens
        if not side:
            raise ValueError(
                f"An image of {height} × {width} cannot be cut into {tokens} × {tokens} tokens: pass a larger image, "
                "or fewer tokens."
            )
        merged = 2 ** (len(stages) - 1)
        if tokens % merged:
            raise ValueError(
                f"{tokens} tokens per side cannot be halved {len(stages) - 1} times: choose a multiple of {merged}, "
                "or fewer stages."
            )
        smallest = tokens // merged
        if smallest % window:
            raise ValueError(
                f"window is {window}, but must divide the last stage's {smallest} tokens per side: choose another "
                "window, more tokens or fewer stages."
            )
        image = cropped(image, side, side, f"{tokens} × {tokens} tokens fit there")
        super().__init__(
            pixels=rgba(image),
            height=side,
            width=side,
            tokens=tokens,
            window=window,
            depths=list(stages),
            start=list(as_start(start, tokens, tokens, "tokens")),
            block=as_setting(block, "block", Annotated[int, between(1, sum(stages))]),
        )
