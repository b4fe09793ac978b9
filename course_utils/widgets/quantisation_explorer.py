"""QuantisationExplorer: what rounding to a few bits does to the weights of a network. Notebook 09."""

from collections.abc import Mapping
from typing import Annotated, Any

import traitlets

from course_utils.front_end import script, style
from course_utils.settings import WrongSetting, between, by_text, shown
from course_utils.widgets.tensors import as_setting, as_tensor
from course_utils.widgets.widget import Widget

MOST = 1_000_000  # numbers of a layer


class QuantisationExplorer(Widget):
    """Histogram, kernels and error of a layer's weights by bits, per tensor or channel, symmetric or affine.

    layers: a dict from names to weights, (outputs, inputs, height, width) of a convolution or (outputs, inputs) of a
    linear layer. layer: the name of the one that is shown first, by default the first. bits: 2 to 8, at the beginning.
    accuracies: (7, 2, 2), in [0, 1], of the network with all layers rounded to 2 … 8 bits: [:, 0] with one scale per
    layer, [:, 1] per channel, [..., 0] affine, [..., 1] symmetric. Raises ValueError if there are no layers, a tensor
    has another shape or range, or no layer has that name.
    """

    _esm = script("quantisation_explorer")
    _css = style("quantisation_explorer")
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    shapes = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)
    weights = traitlets.List(traitlets.Bytes()).tag(sync=True)
    layer = traitlets.Int().tag(sync=True)
    bits = traitlets.Int().tag(sync=True)
    accuracies = traitlets.List(traitlets.List()).tag(sync=True)  # empty if they are not known

    def __init__(
        self, layers: Mapping[str, Any], *, layer: str | None = None, bits: int = 8, accuracies: Any = None
    ) -> None:
        if not isinstance(layers, Mapping):
            raise WrongSetting(f"layers is {shown(layers)}, but must be a dict from names to weights.")
        if not layers:
            raise ValueError("There are no layers to show: pass a dict from names to weights, with at least one.")
        names, shapes, weights = [], [], []
        for name, value in by_text(layers, "layers").items():
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
            names.append(name)
            shapes.append([*weight.shape, 1, 1][:4])
            weights.append(weight.contiguous().numpy().astype("<f4").tobytes())
        first = names[0] if layer is None else str(layer)
        if first not in names:
            raise ValueError(f"layer is {shown(layer)}, but it must name a layer: choose among {', '.join(names)}.")
        bits = as_setting(bits, "bits", Annotated[int, between(2, 8)])
        parts = {"names": names, "shapes": shapes, "weights": weights, "layer": names.index(first), "bits": bits}
        super().__init__(**parts, accuracies=[] if accuracies is None else _shares(accuracies))


def _shares(accuracies: Any) -> Any:
    """The accuracies as nested lists. Raises ValueError for another shape or range."""
    shares = as_tensor(accuracies, "accuracies")
    if shares.shape != (7, 2, 2):
        raise ValueError(
            f"accuracies has shape {tuple(shares.shape)}, but must be (7, 2, 2): 2 to 8 bits, one scale or one per "
            "channel, affine or symmetric."
        )
    if shares.min() < 0 or shares.max() > 1:
        raise ValueError(
            f"accuracies has values from {shares.min():g} to {shares.max():g}, but must lie in [0, 1]: divide per cent "
            "by 100."
        )
    return shares.tolist()
