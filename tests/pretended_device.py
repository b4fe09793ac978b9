"""A device that is not there: its tensors hold values and compute, but do not mix with tensors that lie elsewhere.

PyTorch's ``meta`` device has no values, so checks, losses and optimisers cannot take their ordinary course there; its
fake tensors have none either. Here every operation runs on the CPU, and :class:`Machine` watches it: an operation on
tensors of both devices raises, a result in float64 raises, and whatever would make a GPU wait is counted.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing

DEVICE = torch.device("lazy:0")  # known to PyTorch, without a backend, and differentiated in this thread
aten = torch.ops.aten
WIDE = (torch.float64, torch.complex128)
TAKES_ANY_INDEX = (aten.index, aten.index_put, aten.index_put_, aten._index_put_impl_, aten._unsafe_index)
CROSSES = (aten._to_copy, aten.copy_)
READS = {  # a GPU must finish before Python, or the size of the result, knows these
    aten._local_scalar_dense: "a number is read",
    aten.nonzero: "places are counted",
    aten.masked_select: "places are counted",
    aten._unique2: "values are counted",
    aten.unique_dim: "values are counted",
    aten.bincount: "values are counted",
    aten.equal: "a number is read",
}


class Elsewhere(Tensor):
    """A tensor on the device; inner is where it computes."""

    inner: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @staticmethod
    def __new__(cls, inner: Tensor) -> "Elsewhere":
        size = {"strides": inner.stride(), "storage_offset": inner.storage_offset()}
        made = Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype, device=DEVICE, **size)
        made.inner = inner
        return made

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return computed(function, args, kwargs or {}, Counter())

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def __format__(self, how: str) -> str:
        return format(self.item(), how)

    def __repr__(self) -> str:  # type: ignore[override]
        return f"Elsewhere{tuple(self.shape)}"


def tensors(value: Any) -> Iterator[Tensor]:
    """The tensors in the arguments or the result of an operation; faster than PyTorch's own functions for any tree."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from tensors(part)
    elif isinstance(value, dict):
        yield from tensors(list(value.values()))


def changed(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, (list, tuple)):
        return type(value)([changed(part, change) for part in value])
    return {name: changed(part, change) for name, part in value.items()} if isinstance(value, dict) else value


def inner(tensor: Tensor) -> Tensor:
    return tensor.inner if isinstance(tensor, Elsewhere) else tensor


def computed(function, args, kwargs, reads: Counter) -> Any:
    """The result of an operation, on the device that PyTorch would put it on."""
    packet = function.overloadpacket
    given = list(tensors((args, kwargs)))
    here = [leaf for leaf in given if isinstance(leaf, Elsewhere)]
    free = args[1] if packet in TAKES_ANY_INDEX else ()
    for leaf in given:
        mixes = leaf.ndim and not isinstance(leaf, Elsewhere) and not any(leaf is index for index in free)
        if here and mixes and packet not in CROSSES:
            raise RuntimeError(f"{packet} mixes tensors of two devices: {[tuple(each.shape) for each in given]}")
    to = kwargs.get("device")
    there = bool(here) if to is None else torch.device(to).type == DEVICE.type
    if packet == aten.copy_:
        there = isinstance(args[0], Elsewhere)
    if here:
        masks = [index for index in free if isinstance(index, Elsewhere) and index.dtype == torch.bool]
        if packet in READS or masks:
            reads[READS.get(packet, "places are counted")] += 1
        elif not there:
            reads["copied to the CPU"] += 1
    plain_args, plain_kwargs = changed(args, inner), changed(kwargs, inner)
    if to is not None:
        plain_kwargs["device"] = torch.device("cpu")
    result = function(*plain_args, **plain_kwargs)
    if not there:
        return result
    result = changed(result, lambda leaf: leaf if isinstance(leaf, Elsewhere) else Elsewhere(leaf))
    wide = [leaf for leaf in tensors(result) if leaf.dtype in WIDE]
    if wide and not any(leaf.dtype in WIDE for leaf in given):
        raise RuntimeError(f"{packet} makes {wide[0].dtype} of {[leaf.dtype for leaf in given]}, which MPS lacks")
    return return_and_correct_aliasing(function, args, kwargs, result)


class Generator(torch._C.Generator):
    """Random numbers that are said to be the device's."""

    def __new__(cls, device: Any = "cpu") -> "Generator":
        return super().__new__(cls)

    def __init__(self, device: Any = "cpu") -> None:
        self.where = torch.device(device)

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return self.where


def made_then_moved(make: Any) -> Any:
    """torch.tensor and torch.as_tensor, which otherwise write to the device behind the back of every mode."""

    def made(data: Any, *more: Any, device: Any = None, **options: Any) -> Tensor:
        return make(data, *more, **options) if device is None else make(data, *more, **options).to(device)

    return made


class Accelerator:
    """What ``fit`` needs of Accelerate, for one process on the device in float32."""

    device, num_processes, process_index, is_main_process, mixed_precision = DEVICE, 1, 0, True, "no"

    def prepare(self, made: Any) -> Any:
        return made.to(DEVICE) if isinstance(made, nn.Module) else made

    def autocast(self) -> Any:
        return nullcontext()

    def backward(self, loss: Tensor) -> None:
        loss.backward()

    def clip_grad_norm_(self, parameters: Any, norm: float) -> None:
        nn.utils.clip_grad_norm_(parameters, norm)

    def reduce(self, value: Tensor) -> Tensor:
        return value


class Machine(TorchDispatchMode):
    """In the block the device exists, and training uses it; reads: what made it wait, and how often."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: Counter[str] = Counter()
        self.patches = ExitStack()

    def __enter__(self) -> "Machine":
        self.patches.enter_context(patch("torch.Generator", Generator))
        self.patches.enter_context(
            patch("torch.lazy", torch.cpu, create=True)
        )  # where checkpoint looks for random states
        for name in ("tensor", "as_tensor"):
            self.patches.enter_context(patch(f"torch.{name}", made_then_moved(getattr(torch, name))))
        for place in ("loop", "score"):
            self.patches.enter_context(
                patch(f"course_utils.training.{place}.make_accelerator", lambda _: Accelerator())
            )
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self.patches.close()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return computed(function, args, kwargs or {}, self.reads)
