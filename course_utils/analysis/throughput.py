"""How fast a machine really is: FLOP/s of matrix products, attention and convolutions. Notebooks 05 and 08."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.costs import count_flops

SQUARES = (512, 1024, 1536)  # sides of matrices whose products are tried for the peak


@dataclass(frozen=True)
class Timed:
    """One operation: its name, its work in FLOPs (a multiply-add counts as two) and the seconds of several runs."""

    name: str
    flops: int
    seconds: tuple[float, ...]

    @property
    def flops_per_second(self) -> float:
        return achieved_flops(torch.tensor([self.flops]), torch.tensor([self.seconds])).item()


def achieved_flops(flops: Tensor, seconds: Tensor) -> Tensor:
    """flops (operations,), int64: the FLOPs of one run of each operation; seconds (operations, runs): the time of
    each run → (operations,): FLOP/s, not GFLOP/s.

    The number of runs is odd. For each operation, use the run that has as many faster runs as slower ones, so that an
    interrupted run has no effect.
    """
    return flops / seconds.median(dim=1).values


def time_runs(
    runs: Mapping[str, Callable[[], object]], device: str = "cpu", rounds: int = 7
) -> dict[str, tuple[float, ...]]:
    """Seconds of each run over several rounds; each round times every run once, after one warm-up.

    The runs take turns, so a slow moment of the machine affects all of them. Each round begins with the next run,
    because a run may leave the caches better or worse for the one after it. On a GPU the clock waits for the device.
    Raises ValueError without runs, and for fewer than one round.
    """
    if rounds < 1:
        raise ValueError(f"rounds is {rounds}, but must be at least 1.")
    if not runs:
        raise ValueError(
            "There is nothing to time: pass at least one run with its name, such as {'student': student}."
        )
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        names = list(runs)
        first = number % len(names)
        for name in names[first:] + names[:first]:
            wait(device)
            began = time.perf_counter()
            runs[name]()
            wait(device)
            if number:
                seconds[name].append(time.perf_counter() - began)
    return {name: tuple(values) for name, values in seconds.items()}


def wait(device: str) -> None:
    """Wait until the device has finished its queued work; on a CPU there is none."""
    if device == "cuda":
        torch.cuda.synchronize()
    elif device == "mps":
        torch.mps.synchronize()


def devices() -> list[str]:
    """``"cpu"``, and ``"cuda"`` or ``"mps"`` where there is one."""
    return ["cpu"] + ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available()


class Attention(nn.Module):
    """The two matrix products of attention and the softmax in PyTorch's fused kernel, with query = key = value."""

    def forward(self, tokens: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(tokens, tokens, tokens)


@torch.no_grad()
def measure_layers(device: str = "cpu", images: int = 1, rounds: int = 15) -> list[Timed]:
    """Forward passes of layers of ViT-B/16 and ResNet-50 (third stage) at 224 × 224 pixels; first the peak.

    The peak is the fastest of all, a layer or one of several large square matrix products: which library is the better
    depends on the machine. Precision (float32), threads and run are the same for all. The 1 × 1 and 3 × 3 convolutions
    are the bottleneck's (He et al. 2016, table 1); mobile CNNs replace the 3 × 3 by the depthwise one (Howard et al.
    2017).
    """
    rand = uniform(device)

    def conv(inputs: int, outputs: int, kernel: int, groups: int = 1) -> nn.Module:
        return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)

    tokens, maps = rand(images, 197, 768), rand(images, 256, 14, 14)
    layers: dict[str, tuple[nn.Module, Tensor]] = {
        "ViT: MLP, 768 → 3072": (nn.Linear(768, 3072), tokens),
        "ViT: query, key, value, 768 → 2304": (nn.Linear(768, 2304), tokens),
        "ViT: attention, 12 heads, 197 tokens": (Attention(), rand(images, 12, 197, 64)),
        "ResNet: 3 × 3, 256 → 256, 14 × 14": (conv(256, 256, 3), maps),
        "ResNet: 1 × 1, 1024 → 256, 14 × 14": (conv(1024, 256, 1), rand(images, 1024, 14, 14)),
        "ResNet: 3 × 3, 64 → 64, 56 × 56": (conv(64, 64, 3), rand(images, 64, 56, 56)),
        "ResNet: 1 × 1, 64 → 256, 56 × 56": (conv(64, 256, 1), rand(images, 64, 56, 56)),
        "mobile CNN: depthwise 3 × 3, 256, 14 × 14": (conv(256, 256, 3, groups=256), maps),
    }
    products = squares(device)
    every = {**products, **{name: (layer.to(device), x) for name, (layer, x) in layers.items()}}
    work = {name: count_flops(layer, x) for name, (layer, x) in every.items()}
    runs = {name: (lambda layer=layer, x=x: layer(x)) for name, (layer, x) in every.items()}
    seconds = time_runs(runs, device, rounds)
    timed = [Timed(name, work[name], seconds[name]) for name in every]
    best = max(timed, key=lambda one: one.flops_per_second)
    return [replace(best, name=f"peak: {best.name}"), *timed[len(products) :]]


class Square(nn.Module):
    """Multiplies a square matrix by itself."""

    def forward(self, matrix: Tensor) -> Tensor:
        return matrix @ matrix


def squares(device: str) -> dict[str, tuple[nn.Module, Tensor]]:
    """Products of large matrices, one of which may be the machine's peak: name → the module and its input."""
    rand = uniform(device)
    return {f"matmul {side} × {side}": (Square(), rand(side, side)) for side in SQUARES}


def uniform(device: str) -> Callable[..., Tensor]:
    """A function: shape → random numbers in [0, 1) on the device, the same ones in every process."""
    generator = torch.Generator().manual_seed(0)
    return lambda *shape: torch.rand(*shape, generator=generator).to(device)
