"""How seconds grow with tokens, image size and batch: fitted exponents beside those of theory."""

import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from course_utils.attention import attend
from course_utils.models import Swin, SwinConfig, ViT, ViTConfig
from course_utils.throughput import time_runs


@dataclass(frozen=True)
class Growth:
    """Median seconds at several sizes, the exponent of their growth over the last half of them, and theory's."""

    what: str
    over: str  # what the sizes are
    sizes: tuple[int, ...]
    seconds: tuple[float, ...]
    exponent: float
    theory: str


def fitted_exponent(sizes: tuple[int, ...], seconds: tuple[float, ...]) -> float:
    """Slope of log seconds over log size, by least squares over the larger half, where overheads weigh less."""
    half = len(sizes) // 2
    x, y = ([math.log(value) for value in values[half:]] for values in (sizes, seconds))
    return statistics.linear_regression(x, y).slope


def growths(rounds: int = 5) -> Iterator[Growth]:
    """Each as the mean of interleaved rounds over its sizes, on a CPU."""
    cases: list[tuple[str, str, str, tuple[int, ...], Callable[[int], Callable[[], object]]]] = [
        ("attention, all weights stored", "tokens", "2", (256, 512, 1024, 2048, 4096), written_out),
        ("attention, fused", "tokens", "2", (256, 512, 1024, 2048, 4096), fused),
        ("ViT, patch 16, 6 layers of 192", "image side", "2 to 4", (64, 128, 256, 512), vit),
        ("Swin, window 7, patch 4, dim 48", "image side", "2", (56, 112, 224, 448), swin),
        ("ViT, patch 16, at 64", "batch", "1", (4, 16, 64, 256), batch),
    ]
    for what, over, theory, sizes, make in cases:
        taken = time_runs({str(size): make(size) for size in sizes}, rounds=rounds)
        seconds = tuple(statistics.median(values) for values in taken.values())
        yield Growth(what, over, sizes, seconds, fitted_exponent(sizes, seconds), theory)


def written_out(tokens: int) -> Callable[[], object]:
    """Attention with all its weights, 4 heads of 32."""
    parts = torch.rand(3, 1, 4, tokens, 32)
    return lambda: attend(*parts)


def fused(tokens: int) -> Callable[[], object]:
    """The same by PyTorch's fused kernel."""
    parts = torch.rand(3, 1, 4, tokens, 32)
    return lambda: torch.nn.functional.scaled_dot_product_attention(*parts)


def vit(side: int, pictures: int = 1) -> Callable[[], object]:
    """Inference of a small ViT."""
    model = ViT(ViTConfig(image_size=side, dim=192, layers=6, heads=3, mlp_dim=768, classes=10)).eval()
    images = torch.rand(pictures, 3, side, side)
    return torch.inference_mode()(lambda: model(images))


def swin(side: int) -> Callable[[], object]:
    """Inference of a small Swin."""
    model = Swin(SwinConfig(dim=48, depths=(2, 2, 2), heads=(2, 4, 8), classes=10)).eval()
    images = torch.rand(1, 3, side, side)
    return torch.inference_mode()(lambda: model(images))


def batch(pictures: int) -> Callable[[], object]:
    """Inference of a small ViT on so many pictures."""
    return vit(64, pictures)
