"""QuantisationExplorer: what rounding to few bits does to the weights of a network. Notebook 09."""

from collections.abc import Mapping
from typing import Any

import anywidget
import traitlets

from course_utils.widgets.front_end import script, style
from course_utils.widgets.tensors import as_tensor


class QuantisationExplorer(anywidget.AnyWidget):
    """Histogram, kernels and error of a layer's weights, over bits, per tensor or per channel, symmetric or affine.

    layers: name → weights (outputs, inputs, height, width) of a convolution, or (outputs, inputs). Raises ValueError,
    in one sentence, for no layers and for tensors of another shape.
    """

    _esm = script("quantisation_explorer")
    _css = style("quantisation_explorer")
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    shapes = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)
    weights = traitlets.List(traitlets.Bytes()).tag(sync=True)

    def __init__(self, layers: Mapping[str, Any]) -> None:
        if not layers:
            raise ValueError("There are no layers to show: pass a mapping of names to weights, one at least.")
        names, shapes, weights = [], [], []
        for name, value in layers.items():
            weight = as_tensor(value, f"The weight of {name}")
            if weight.ndim not in (2, 4):
                raise ValueError(
                    f"The weight of {name} has shape {tuple(weight.shape)}, but must be (outputs, inputs, height, "
                    "width) of a convolution, or (outputs, inputs) of a linear layer."
                )
            if weight.numel() > 1_000_000:
                raise ValueError(
                    f"The weight of {name} has {weight.numel():,} numbers, but the page is to stay quick: choose a "
                    "layer with at most a million."
                )
            names.append(str(name))
            shapes.append([*weight.shape, 1, 1][:4])
            weights.append(weight.contiguous().numpy().astype("<f4").tobytes())
        super().__init__(names=names, shapes=shapes, weights=weights)
