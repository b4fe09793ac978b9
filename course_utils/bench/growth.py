"""How seconds and bytes grow with tokens, image size and batch: fitted and theoretical exponents."""

import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn

from course_utils.analysis.throughput import time_runs
from course_utils.attention import LocalAttention2d, SelfAttention2d, attend
from course_utils.bench.race import inference, quartiles
from course_utils.costs import peak_memory
from course_utils.models import (
    PixelTransformer,
    PixelTransformerConfig,
    ResNet,
    ResNetConfig,
    Swin,
    SwinConfig,
    ViT,
    ViTConfig,
)


@dataclass(frozen=True)
class Curve:
    """A computation at several sizes, with the theoretical exponents for large sizes."""

    what: str
    over: str  # meaning of the sizes
    sizes: tuple[int, ...]
    make: Callable[[int], Callable[[], object]]
    theory: str  # of seconds
    theory_bytes: str


@dataclass(frozen=True)
class Point:
    """A curve at one size: median and quartiles of the seconds, and peak bytes."""

    size: int
    seconds: float
    seconds_low: float
    seconds_high: float
    peak_bytes: int


@dataclass(frozen=True)
class Growth:
    """The points of a curve, and the exponents of its growth over the larger half of the sizes."""

    curve: Curve
    points: tuple[Point, ...]

    @property
    def exponent(self) -> float:
        return fitted_exponent(self.curve.sizes, tuple(point.seconds for point in self.points))

    @property
    def bytes_exponent(self) -> float:
        return fitted_exponent(self.curve.sizes, tuple(float(point.peak_bytes) for point in self.points))


def fitted_exponent(sizes: tuple[int, ...], values: tuple[float, ...]) -> float:
    """Least-squares slope of the logarithms over the larger half of the sizes, where overheads matter less."""
    half = len(sizes) // 2
    x, y = ([math.log(value) for value in part[half:]] for part in (sizes, values))
    return statistics.linear_regression(x, y).slope


def growths(rounds: int = 5) -> Iterator[Growth]:
    """Inference on a CPU, alternating between the sizes of a curve."""
    for curve in CURVES:
        runs = {str(size): curve.make(size) for size in curve.sizes}
        points = []
        for name, times in time_runs(runs, rounds=rounds).items():
            low, middle, high = quartiles(times)
            points.append(Point(int(name), middle, low, high, peak_memory(runs[name])))
        yield Growth(curve, tuple(points))


def parts(tokens: int) -> torch.Tensor:
    """Query, key and value of 4 heads of 32 features."""
    return torch.rand(3, 1, 4, tokens, 32)


def written_out(tokens: int) -> Callable[[], object]:
    """Attention that stores all its weights."""
    three = parts(tokens)
    return lambda: attend(*three)


def fused(tokens: int) -> Callable[[], object]:
    """The same with PyTorch's fused kernel."""
    three = parts(tokens)
    return lambda: nn.functional.scaled_dot_product_attention(*three)


def non_local(side: int) -> Callable[[], object]:
    """Every position of a map attends to every other."""
    return inference(SelfAttention2d(64), torch.rand(1, 64, side, side))


def local(side: int) -> Callable[[], object]:
    """Every position attends to the 7 × 7 around it."""
    return inference(LocalAttention2d(64, 64, 7, 4), torch.rand(1, 64, side, side))


def pixels(side: int) -> Callable[[], object]:
    """A transformer on pixels."""
    config = PixelTransformerConfig(image_size=side, channels=1, colours=8, dim=32, layers=2, heads=4, mlp_dim=64)
    return inference(PixelTransformer(config), torch.rand(1, 1, side, side))


def vit(side: int, images: int = 1) -> Callable[[], object]:
    """A small ViT."""
    config = ViTConfig(image_size=side, dim=192, layers=6, heads=3, mlp_dim=768, classes=10)
    return inference(ViT(config), torch.rand(images, 3, side, side))


def swin(side: int, images: int = 1) -> Callable[[], object]:
    """A small Swin."""
    config = SwinConfig(dim=48, depths=(2, 2, 2), heads=(2, 4, 8), classes=10)
    return inference(Swin(config), torch.rand(images, 3, side, side))


def resnet(side: int, images: int = 1) -> Callable[[], object]:
    """A small ResNet."""
    config = ResNetConfig("basic", (1, 1, 1), (32, 64, 128), classes=10)
    return inference(ResNet(config), torch.rand(images, 3, side, side))


TOKENS, SIDE, BATCH = (256, 512, 1024, 2048, 4096), "image side", (4, 16, 64, 256)

CURVES = (
    Curve("attention, all weights stored", "tokens", TOKENS, written_out, "2", "2"),
    Curve("attention, fused", "tokens", TOKENS, fused, "2", "1"),
    Curve("non-local block, fused", "map side", (16, 32, 64, 96), non_local, "2 to 4", "2"),
    Curve("local attention, 7 × 7", "map side", (16, 32, 64, 128), local, "2", "2"),
    Curve("pixel transformer, 2 layers of 32, fused", SIDE, (16, 32, 64, 96), pixels, "2 to 4", "2"),
    Curve("ViT, patch 16, 6 layers of 192", SIDE, (64, 128, 256, 512), vit, "2 to 4", "2"),
    Curve("Swin, window 7, patch 4, dim 48", SIDE, (56, 112, 224, 448), swin, "2", "2"),
    Curve("ResNet, 3 blocks, width 32", SIDE, (64, 128, 256, 512), resnet, "2", "2"),
    Curve("ViT at 64", "batch", BATCH, lambda images: vit(64, images), "1", "1"),
    Curve("Swin at 56", "batch", BATCH, lambda images: swin(56, images), "1", "1"),
    Curve("ResNet at 64", "batch", BATCH, lambda images: resnet(64, images), "1", "1"),
)
