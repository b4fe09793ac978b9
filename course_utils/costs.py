"""What a model costs in parameters, FLOPs and bytes, computed and measured. All notebooks."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from course_utils.modes import evaluating
from course_utils.settings import checked, shown


def count_parameters(model: nn.Module) -> int:
    """Number of parameters of a model; a parameter shared by two layers counts once."""
    return sum(parameter.numel() for parameter in model.parameters())


def count_flops(model: nn.Module, *inputs: Tensor) -> int:
    """FLOPs of one forward pass in evaluation mode, in matrix products and convolutions; a multiply-add counts as two.

    Vision papers usually report multiply-adds and call them FLOPs: halve this number to compare. The model is not
    changed.
    """
    from torch.utils.flop_counter import FlopCounterMode

    # The counter cannot see into every fused kernel, nor into the fast path of nn.TransformerEncoderLayer.
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        counter = FlopCounterMode(display=False, custom_mapping=_more_products())
        with evaluating(model), torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
            model(*inputs)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return counter.get_total_flops()


def _more_products() -> dict[Any, Callable[..., int]]:
    """FLOPs, by the shapes of their arguments, of the products that PyTorch's counter takes for none."""

    def of_vector(matrix: torch.Size, vector: torch.Size, **more: Any) -> int:
        return 2 * matrix.numel()

    def of_batches(added: torch.Size, left: torch.Size, right: torch.Size, **more: Any) -> int:
        return 2 * left.numel() * right[-1]

    def bilinear(left: torch.Size, weight: torch.Size, right: torch.Size, *axes: Any, **more: Any) -> int:
        return 2 * left[0] * weight.numel() + 2 * left[0] * weight[0] * right[-1]  # left · weight, and that · right

    def recurrent(inputs: torch.Size, weights: Sequence[torch.Size], *states: Any, **more: Any) -> int:
        return 2 * inputs[:-1].numel() * sum(weight.numel() for weight in weights if len(weight) == 2)

    aten = torch.ops.aten
    return {
        aten.mv: of_vector,
        aten.dot: of_vector,
        aten.addmv: lambda _, *pair, **more: of_vector(*pair),
        aten.addbmm: of_batches,
        aten._trilinear: bilinear,
        aten.mkldnn_rnn_layer: lambda inputs, *rest, **more: recurrent(inputs, rest[:2]),  # nn.LSTM on a CPU
        aten._cudnn_rnn: recurrent,
    }


def attention_bytes(tokens: int, heads: int, layers: int, dtype: torch.dtype = torch.float32, batch: int = 1) -> int:
    """Bytes of all attention matrices of a model if all are stored: an int, exact for any size.

    tokens is the length of the sequence, including the class token; batch is the number of sequences. A number of
    type dtype takes dtype.itemsize bytes. Example: 14 · 14 tokens, one head and one layer make 153,664 bytes, the
    slide's 150 KB. Raises ValueError if a count is below one.
    """
    check_counts(dtype, tokens=tokens, heads=heads, layers=layers, batch=batch)
    for name, value in {"tokens": tokens, "heads": heads, "layers": layers, "batch": batch}.items():
        if value < 1:
            raise ValueError(f"{name} is {value}, but must be at least 1.")
    return tokens**2 * heads * layers * batch * dtype.itemsize


def check_counts(dtype: Any, **counts: Any) -> None:
    """Raise ValueError unless the counts are whole numbers and dtype is a torch.dtype."""
    for name, count in counts.items():
        checked(name, count, int)
    if not isinstance(dtype, torch.dtype):
        raise ValueError(f"dtype is {shown(dtype)}, but must be a torch.dtype, such as torch.float16.")


def vit_parameters(
    image_size: int, patch_size: int, dim: int, layers: int, mlp_dim: int, classes: int, channels: int = 3
) -> int:
    """Number of learned parameters of a ViT, an exact int. Dosovitskiy et al. 2021, eq. 1 to 4.

    image_size and patch_size are the sides of the image and of a patch, in pixels, and patch_size divides image_size.
    Every linear layer has a bias; every norm has a scale and a shift for each of the dim features; the MLP has one
    hidden layer with mlp_dim features.
    """
    patches = (image_size // patch_size) ** 2
    norm = 2 * dim
    embedding = (channels * patch_size**2 + 1) * dim + dim + (patches + 1) * dim
    attention = 3 * (dim + 1) * dim + (dim + 1) * dim
    mlp = (dim + 1) * mlp_dim + (mlp_dim + 1) * dim
    head = (dim + 1) * classes
    return embedding + layers * (norm + attention + norm + mlp) + norm + head


def local_parameters(channels: int, out_channels: int, size: int) -> int:
    """Number of learned parameters of a local attention layer, an int.

    The layer is the paper's, `LocalAttention2d`, from channels to out_channels with neighbourhoods of size × size.
    out_channels is a multiple of 2 · heads; the number of heads has no other effect. Ramachandran et al. 2019,
    section 2.2.
    """
    projections = 3 * channels * out_channels
    positions = 2 * size * (out_channels // 2)
    return projections + positions


SYSTEM = Path("/")  # the root of the file system


def free_memory(device: torch.device | str = "cpu") -> int:
    """Bytes that can be allocated now on the device without slowing the machine down.

    On a CPU, the smaller of the machine's free memory and of what its container's limit leaves. A device without
    memory of its own, such as ``"meta"``, has no limit.
    """
    kind = torch.device(device).type
    if kind == "meta" or (kind == "cuda" and not torch.cuda.is_available()):
        return sys.maxsize
    if kind == "cuda":
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + cached
    free = min(psutil.virtual_memory().available, *_left_in_containers(), sys.maxsize)
    if kind == "mps":  # a part of the same memory
        free = min(free, torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return max(free, 0)


def _left_in_containers() -> Iterator[int]:
    """Bytes left by each limit on this process: its Linux control group's, version 1 or 2, and those above it."""
    with suppress(OSError, ValueError):
        for line in (SYSTEM / "proc/self/cgroup").read_text().splitlines():
            _, controllers, group = line.split(":", 2)
            top, limit, usage, cache = SYSTEM / "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"
            if controllers:
                top, limit, usage = top / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
                cache = "total_inactive_file"
            if not controllers or "memory" in controllers.split(","):
                inside = top / group.strip("/")
                for folder in (inside, *inside.parents[: len(inside.parts) - len(top.parts)]):
                    with suppress(OSError, ValueError):  # no such file, or "max"
                        used = int((folder / usage).read_text())
                        yield int((folder / limit).read_text()) - used + _entry(folder / "memory.stat", cache)


def _entry(file: Path, name: str) -> int:
    """A number in a file of lines "name number"; 0 if it is not there. Here: cached files, which the system drops."""
    with suppress(OSError):
        return next((int(line.split()[1]) for line in file.read_text().splitlines() if line.split()[0] == name), 0)
    return 0


def refuse_beyond_free_memory(wanted: int, what: str, device: torch.device | str = "cpu") -> None:
    """Raise MemoryError with both figures if fewer bytes are free; call this before you allocate them."""
    free = free_memory(device)
    if wanted > free:
        raise MemoryError(
            f"{what} would take {wanted / 2**30:,.1f} GiB, but {free / 2**30:,.1f} GiB are free: use smaller "
            "images, fewer layers or heads, or fused attention, which never stores the matrices."
        )


def peak_memory(fn: Callable[[], object]) -> int:
    """Peak memory in bytes of the tensors that fn() allocates in one call, not counting those allocated before.

    Adds up what PyTorch's profiler records of every allocation and release, on every device, so neither Python's own
    memory nor an allocator's cache counts. What fn returns still counts at the end.
    """
    os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # otherwise the profiler logs to the terminal
    with torch.profiler.profile(profile_memory=True) as profiler:
        kept = fn()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    del kept
    alive = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        alive += event.nbytes()
        peak = max(peak, alive)
    return peak
