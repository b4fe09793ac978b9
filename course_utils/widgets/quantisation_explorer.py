"""QuantisationExplorer: what rounding to a few bits does to the weights of a network. Notebook 09."""

from collections.abc import Mapping
from typing import Annotated, Any

import traitlets

from course_utils.front_end import script, style
from course_utils.settings import WrongSetting, between, shown
from course_utils.widgets.tensors import as_setting, as_tensor
from course_utils.widgets.widget import Widget

MOST = 1_000_000  # numbers of a layer


class QuantisationExplorer(Widget):
    """Histogram, kernels and error of a layer's weights by bits, per tensor or channel, symmetric or affine.

    layers: a dict from names to weights, (outputs, inputs, height, width) of a convolution or (outputs, inputs) of a
    linear layer. layer: the name of the one that is shown first, by default the first. bits: 2 to 8, at the beginning.
    Raises ValueError if there are no layers, a tensor has another shape, or no layer has that name.
    """

    _esm = script("quantisation_explorer")
    _css = style("quantisation_explorer")
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    shapes = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)
    weights = traitlets.List(traitlets.Bytes()).tag(sync=True)
    layer = traitlets.Int().tag(sync=True)
    bits = traitlets.Int().tag(sync=True)

    def __init__(self, layers: Mapping[str, Any], *, layer: str | None = None, bits: int = 8) -> None:
        if not isinstance(layers, Mapping):
            raise WrongSetting(f"layers is {shown(layers)}, but must be a dict from names to weights.")
        if not layers:
            raise ValueError("There are no layers to show: pass a dict from names to weights, with at least one.")
        names, shapes, weights = [], [], []
        for name, value in layers.items():
            weight = as_tensor(value, f"The weight of {name}")
            if weight.ndim not in (2, 4):
                raise ValueError(
                    f"The weight of {name} has shape {tuple(weight.shape)}, but must be (outputs, inputs, height, "
                    "width) of a convolution, or (outputs, inputs) of a linear layer."
                )
            if weight.numel() > MOST:
                raise ValueError(
                    f"The weight of {name} has {weight.numel():,} numbers, too many for a responsive page: choose a "
                    "layer with at most a million."
                )
            names.append(str(name))
            shapes.append([*weight.shape, 1, 1][:4])
            weights.append(weight.contiguous().numpy().astype("<f4").tobytes())
        first = names[0] if layer is None else str(layer)
        if first not in names:
            raise ValueError(f"layer is {shown(layer)}, but it must name a layer: choose among {', '.join(names)}.")
        bits = as_setting(bits, "bits", Annotated[int, between(2, 8)])
        super().__init__(names=names, shapes=shapes, weights=weights, layer=names.index(first), bits=bits)
