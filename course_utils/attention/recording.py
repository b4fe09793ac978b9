"""Looking into a model: its attention layers hand over their weights while a recording is in progress.

A recording is known to its thread, and nothing about it is stored in the model. So recordings may be nested, the model
may be copied or saved meanwhile, and other threads can use it. All notebooks.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn

from course_utils.costs import refuse_beyond_free_memory


class RecordedAttention(nn.Module):
    """What all attention layers share: the number of heads, and handing their weights to a recording."""

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


class _Recording:
    """The weights so far, and the layers that take part: each with its kind, layers whose weights are equally large."""

    def __init__(self, model: nn.Module) -> None:
        self.maps: list[Tensor] = []
        modules = model.modules() if isinstance(model, nn.Module) else ()
        layers = [module for module in modules if isinstance(module, RecordedAttention)]
        self.kinds = {layer: _kind(layer) for layer in layers}
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


def _kind(layer: RecordedAttention) -> object:
    return type(layer), layer.heads, tuple(parameter.shape for parameter in layer.parameters())


_RECORDINGS: ContextVar[tuple[_Recording, ...]] = ContextVar("recordings", default=())


@contextmanager
def attention_recorded(model: nn.Module) -> Iterator[list[Tensor]]:
    """Within the block, every attention layer of model appends its weights (batch, heads, queries, keys) to the list.

    They come in the order of the forward passes of this thread; gradients flow through them as usual. Recordings may
    be nested: each gets the weights of its own model's layers. Raises ValueError for a model without attention layers
    of this course, and MemoryError, before a layer allocates them, if the weights exceed the free memory.
    """
    recording = _Recording(model)
    if not recording.kinds:
        raise ValueError(
            f"This {type(model).__name__} has no attention layer of the course, so there is nothing to record: convert a "
            "torchvision or timm model with from_torchvision or from_timm of course_utils.models.convert first."
        )
    _RECORDINGS.set((*_RECORDINGS.get(), recording))
    try:
        yield recording.maps
    finally:  # in whichever order recordings end
        _RECORDINGS.set(tuple(each for each in _RECORDINGS.get() if each is not recording))
