"""Looking into a model: its attention layers hand over their weights in a recording, and heads can be silenced.

Both are known to their thread, and nothing about them is stored in the model. So they may be nested, the model may be
copied or saved meanwhile, and other threads can use it. All notebooks.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course_utils.costs import refuse_beyond_free_memory
from course_utils.modes import known
from course_utils.settings import WrongSetting, checked, shown


class RecordedAttention(nn.Module):
    """What all attention layers share: the number of heads, handing their weights to a recording, silent heads."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        if dim < 1 or heads < 1 or dim % heads:
            raise ValueError(
                f"dim {dim} cannot be shared equally among {heads} heads: make dim a multiple of heads, "
                f"for example {max(1, round(dim / max(heads, 1))) * max(heads, 1)}."
            )
        self.heads = heads

    @property
    def recorded(self) -> bool:
        """Whether a recording of this layer is in progress, so that it must compute its weights."""
        return any(self in recording.kinds for recording in _RECORDINGS.get())

    def expect(self, shape: Sequence[int], like: Tensor) -> None:
        """Call this before computing weights of this shape, in the type and on the device of like.

        Raises MemoryError if a recording is in progress and they, together with the weights of the layers of the same
        kind that follow, exceed the free memory.
        """
        if torch.compiler.is_compiling():
            return
        for recording in _RECORDINGS.get():
            recording.expect(self, torch.Size(shape).numel() * like.itemsize, like.device)

    def record(self, weights: Tensor) -> None:
        """Append the weights (batch, heads, queries, keys) to every recording of this layer."""
        for recording in _RECORDINGS.get():
            if self in recording.kinds:
                recording.maps.append(weights)

    def heard(self, mixed: Tensor, axis: int = 1) -> Tensor:
        """The outputs of the heads, which lie along this axis, with zeros in place of those that are silenced."""
        for silent in _SILENT.get():
            if self in silent:
                mixed = mixed.index_fill(axis, torch.tensor(silent[self], device=mixed.device), 0)
        return mixed


class _Recording:
    """The weights so far, and the layers that take part: each with its kind, layers whose weights are equally large."""

    def __init__(self, model: nn.Module) -> None:
        self.maps: list[Tensor] = []
        self.kinds = {layer: _kind(layer) for layer in _layers(model)}
        self.sizes = Counter(self.kinds.values())
        self.granted: Counter[object] = Counter()  # layers of each kind whose weights are known to fit

    def expect(self, layer: RecordedAttention, matrix: int, device: torch.device) -> None:
        """Ask for the memory of all layers of a kind when its first one is about to allocate."""
        if layer not in self.kinds:
            return
        kind = self.kinds[layer]
        if not self.granted[kind]:
            count = self.sizes[kind]
            what = f"The attention weights of {count} layers with {layer.heads} heads"
            refuse_beyond_free_memory((count + 1) * matrix, what, device)  # one more: the scores of a layer
            self.granted[kind] = count
        self.granted[kind] -= 1


def _layers(model: nn.Module) -> list[RecordedAttention]:
    modules = model.modules() if isinstance(model, nn.Module) else ()
    return [module for module in modules if isinstance(module, RecordedAttention)]


def _kind(layer: RecordedAttention) -> object:
    return type(layer), layer.heads, tuple(parameter.shape for parameter in layer.parameters())


_RECORDINGS: ContextVar[tuple[_Recording, ...]] = ContextVar("recordings", default=())
_SILENT: ContextVar[tuple[Mapping[RecordedAttention, list[int]], ...]] = ContextVar("silent", default=())


@contextmanager
def attention_recorded(model: nn.Module) -> Iterator[list[Tensor]]:
    """Within the block, every attention layer of model appends its weights (batch, heads, queries, keys) to the list.

    They come in the order of the forward passes of this thread; gradients flow through them as usual. Recordings may
    be nested: each gets the weights of its own model's layers. Raises ValueError for a model without attention layers
    of this course, and MemoryError, before a layer allocates them, if the weights exceed the free memory.
    """
    recording = _Recording(model)
    if not recording.kinds:
        raise _no_layer(model, "record")
    with known(_RECORDINGS, recording):
        yield recording.maps


@contextmanager
def silenced(model: nn.Module, heads: Iterable[tuple[int, int]]) -> Iterator[None]:
    """Within the block, these heads add nothing: their outputs are zeros. Their attention weights stay what they are.

    heads: pairs (layer, head), both counted from 0, the layers as in ``attention_maps``. Other threads and copies of
    the model hear all heads. Blocks may be nested, and then all their heads are silent. Michel et al. 2019, section
    2.3. Raises ValueError for a model without attention layers of this course, and for a layer or a head that it does
    not have.
    """
    layers = _layers(model)
    if not layers:
        raise _no_layer(model, "silence")
    silent: dict[RecordedAttention, list[int]] = {}
    for layer, head in _pairs(heads):
        if not 0 <= layer < len(layers):
            raise WrongSetting(
                f"heads names layer {layer}, but this {type(model).__name__} has {len(layers)} layers with attention: "
                f"pass pairs (layer, head) with a layer from 0 to {len(layers) - 1}."
            )
        if not 0 <= head < layers[layer].heads:
            raise WrongSetting(
                f"heads names head {head} of layer {layer}, but that layer has {layers[layer].heads} heads: pass a "
                f"head from 0 to {layers[layer].heads - 1}."
            )
        silent.setdefault(layers[layer], []).append(head)
    with known(_SILENT, silent):
        yield


def _pairs(heads: Any) -> tuple[tuple[int, int], ...]:
    listed = heads.tolist() if isinstance(heads, Tensor | np.ndarray) else heads
    if not isinstance(listed, Iterable) or isinstance(listed, str | Mapping):
        raise WrongSetting(f"heads is {shown(heads)}, but must be pairs (layer, head), such as [(0, 2)].")
    return checked("heads", list(listed), tuple[tuple[int, int], ...])


def _no_layer(model: object, what: str) -> ValueError:
    return ValueError(
        f"This {type(model).__name__} has no attention layer of the course, so there is nothing to {what}: convert a "
        "torchvision or timm model with from_torchvision or from_timm of course_utils.models.convert first."
    )
