"""What a model costs: parameters, FLOPs and bytes, by formula and by measurement. All notebooks."""

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
    """Bytes of all attention matrices of a model when every one is kept, a whole number (int), exact however large.

    tokens is the length of the sequence that attends to itself, its class token included; batch, how many such
    sequences there are. A number of type dtype takes dtype.itemsize bytes. Example: 14 · 14 tokens, one head and one
    layer make 153,664 bytes, the slide's 150 KB. Raises ValueError for a count below one.
    """
    for name, value in {"tokens": tokens, "heads": heads, "layers": layers, "batch": batch}.items():
        if value < 1:
            raise ValueError(f"{name} is {value}, but must be at least 1.")
    return tokens**2 * heads * layers * batch * dtype.itemsize


def vit_parameters(
    image_size: int, patch_size: int, dim: int, layers: int, mlp_dim: int, classes: int, channels: int = 3
) -> int:
    """Learned numbers of a ViT, a whole number (int) and exact to the last one. Dosovitskiy et al. 2021, eq. 1 to 4.

    image_size and patch_size are the sides of the image and of a patch, in pixels, and patch_size divides image_size.
    Every linear layer has biases, every norm a scale and a shift for each of the dim features; the MLP has one hidden
    layer, of mlp_dim features.
    """
    patches = (image_size // patch_size) ** 2
    norm = 2 * dim
    embedding = (channels * patch_size**2 + 1) * dim + dim + (patches + 1) * dim
    attention = 3 * (dim + 1) * dim + (dim + 1) * dim
    mlp = (dim + 1) * mlp_dim + (mlp_dim + 1) * dim
    head = (dim + 1) * classes
    return embedding + layers * (norm + attention + norm + mlp) + norm + head


def local_parameters(channels: int, out_channels: int, size: int) -> int:
    """How many numbers a layer of local attention learns, an int.

    The layer is the paper's, `LocalAttention2d`, from channels to out_channels with neighbourhoods of size × size.
    out_channels is a multiple of 2 · heads; the number of heads makes no other difference.
    Ramachandran et al. 2019, section 3.1.
    """
    projections = 3 * channels * out_channels
    positions = 2 * size * (out_channels // 2)
    return projections + positions


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
            f"{what} would take {wanted / 2**30:,.1f} GiB, but {free / 2**30:,.1f} GiB are free: use smaller "
            "pictures, fewer layers or heads, or fused attention, which never stores the matrices."
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
