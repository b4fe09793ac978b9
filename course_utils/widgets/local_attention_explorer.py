"""LocalAttentionExplorer: kernel weights and attention weights in a neighbourhood. Notebook 02."""

from collections.abc import Sequence
from typing import Any

import torch
import traitlets

from course_utils.front_end import script, style
from course_utils.widgets.images import as_image, cropped, rgba
from course_utils.widgets.tensors import as_names, as_start, as_tensor, half_floats
from course_utils.widgets.weights import check_weights
from course_utils.widgets.widget import Widget


class LocalAttentionExplorer(Widget):
    """Enlarges the neighbourhood of the position under the pointer, next to the kernel's and the attention's weights.

    image: a tensor, an array or an image of Pillow, with channels first, last or none, in [0, 1] or bytes. attention:
    (heads, rows, columns, size, size), the weights of every position over its neighbourhood, zero beyond the border;
    rows × columns is a grid of squares over the image, one position per pixel or coarser; what they do not cover is
    cropped, with a warning. kernel: (size, size), the same everywhere. head_names: shown instead of the heads' numbers.
    start: row and column of the first neighbourhood, by default the middle. Raises ValueError for tensors that cannot
    be shown and for a start outside the grid.
    """

    _esm = script("local_attention_explorer")
    _css = style("local_attention_explorer")
    pixels = traitlets.Bytes().tag(sync=True)
    height = traitlets.Int().tag(sync=True)
    width = traitlets.Int().tag(sync=True)
    heads = traitlets.Int().tag(sync=True)
    rows = traitlets.Int().tag(sync=True)
    columns = traitlets.Int().tag(sync=True)
    size = traitlets.Int().tag(sync=True)
    kernel = traitlets.List(traitlets.Float()).tag(sync=True)
    head_names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    start = traitlets.List(traitlets.Int()).tag(sync=True)
    weights = traitlets.Bytes().tag(sync=True)

    def __init__(
        self,
        image: Any,
        attention: Any,
        kernel: Any,
        *,
        head_names: Sequence[str] | None = None,
        start: tuple[int, int] | None = None,
    ) -> None:
        image = as_image(image)
        weights = as_tensor(attention, "The attention")
        if weights.ndim != 5 or weights.shape[-1] != weights.shape[-2] or weights.shape[-1] % 2 == 0:
            raise ValueError(
                f"The attention has shape {tuple(weights.shape)}, but must be (heads, rows, columns, size, size) "
                "with an odd size: the weights of every position over its neighbourhood."
            )
        heads, rows, columns, size, _ = weights.shape
        constant = as_tensor(kernel, "The kernel")
        if constant.shape != (size, size):
            raise ValueError(
                f"The kernel has shape {tuple(constant.shape)}, but must be ({size}, {size}), like the "
                "neighbourhoods of the attention: pass one channel of a convolution of that size."
            )
        check_weights(weights, "The attention", "neighbourhoods", (-1, -2), "the neighbourhood, the last two axes")
        beyond = weights.masked_select(~_inside(rows, columns, size)).sum().item()
        if beyond > 0:
            raise ValueError(
                f"The attention gives weight to positions beyond the border ({beyond:.3g} in all): mask them before "
                "the softmax."
            )
        height, width = image.shape[-2:]
        side = min(height // rows, width // columns)  # of the square of a position, in pixels
        if not side:
            raise ValueError(
                f"{rows} × {columns} positions do not fit into an image of {height} × {width}: pass the image that the "
                "attention was computed on, or the same image enlarged by a whole number."
            )
        image = cropped(image, rows * side, columns * side, f"{rows} × {columns} squares fit there")
        height, width = image.shape[-2:]
        names = [] if head_names is None else as_names(head_names, "head_names", heads, "head")
        super().__init__(
            pixels=rgba(image),
            height=height,
            width=width,
            heads=heads,
            rows=rows,
            columns=columns,
            size=size,
            kernel=constant.flatten().tolist(),
            head_names=names,
            start=list(as_start(start, rows, columns, "positions")),
            weights=half_floats(weights),
        )


def _inside(rows: int, columns: int, size: int) -> torch.Tensor:
    """A boolean mask (rows, columns, size, size): False for neighbours beyond the border."""
    offsets = torch.arange(size, device="cpu") - size // 2  # on the CPU, whatever the notebook's default is
    row = torch.arange(rows, device="cpu")[:, None] + offsets
    column = torch.arange(columns, device="cpu")[:, None] + offsets
    row, column = (row >= 0) & (row < rows), (column >= 0) & (column < columns)
    return row[:, None, :, None] & column[None, :, None, :]
