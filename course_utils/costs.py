"""What a model costs: parameters, FLOPs and bytes, by formula and by measurement."""

import os
from collections.abc import Callable

import psutil
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel


def count_parameters(model: nn.Module) -> int:
    """Learned numbers in a model; one that is shared by two layers counts once."""
    return sum(parameter.numel() for parameter in model.parameters())


def count_flops(model: nn.Module, *inputs: Tensor) -> int:
    """Floating-point operations of one forward pass in matrix products and convolutions; a multiply-add is two.

    Papers on vision models usually print multiply-adds and call them FLOPs: halve this number to compare.
    """
    from torch.utils.flop_counter import FlopCounterMode

    # The fused kernels are opaque to the counter; the plain one shows its two matrix products.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(*inputs)
    return counter.get_total_flops()


def attention_bytes(tokens: int, heads: int, layers: int, dtype: torch.dtype = torch.float32, batch: int = 1) -> int:
    """Bytes of all attention matrices of a model when every one is kept: tokens² numbers a head, layer and example.

    Raises ValueError for a count below one.
    """
    for name, value in {"tokens": tokens, "heads": heads, "layers": layers, "batch": batch}.items():
        if value < 1:
            raise ValueError(f"{name} is {value}, but must be at least 1.")
    return tokens**2 * heads * layers * batch * dtype.itemsize


def free_memory(device: torch.device | str = "cpu") -> int:
    """Bytes that can be had now on the device without slowing the machine down."""
    if torch.device(device).type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return psutil.virtual_memory().available


def refuse_beyond_free_memory(wanted: int, what: str, device: torch.device | str = "cpu") -> None:
    """Raises MemoryError, with both figures, when so many bytes are not free: call it before allocating them."""
    free = free_memory(device)
    if wanted > free:
        raise MemoryError(
            f"{what} would take {wanted / 2**30:,.1f} GiB, but {free / 2**30:,.1f} GiB are free: use smaller pictures, "
            "fewer layers or heads, or fused attention, which never stores the matrices."
        )


def peak_memory(fn: Callable[[], object]) -> int:
    """Bytes of tensors alive at once, at the most, beyond what lived before, while fn() runs once.

    The profiler's record of what PyTorch's allocators gave and took back, on every device, is added up, so neither
    Python's own memory nor an allocator's cache counts. What fn returns is still alive when the record ends.
    """
    os.environ.setdefault("KINETO_LOG_LEVEL", "6")  # else the profiler writes its own diary to the terminal
    with torch.profiler.profile(profile_memory=True) as profiler:
        kept = fn()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    del kept
    alive = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        alive += event.nbytes()
        peak = max(peak, alive)
    return peak
