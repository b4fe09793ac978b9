"""Whether matrix products suit the hardware better than convolutions: four layers of equal work. Notebook 05.

``course train sweep-roofline`` makes data/results/sweep-roofline.csv, on a machine that does nothing else.
"""

from collections.abc import Callable
from functools import partial
from statistics import median
from typing import NamedTuple

import torch
from torch import nn

from course_utils.analysis.roofline import Machine, Work, work_of
from course_utils.analysis.throughput import squares, time_runs, uniform
from course_utils.experiments.sweep import Sweep

ROUNDS = 10  # points of the sweep
REPEATS = 15  # of each operation in a round; the median counts
COPIED = 2**25  # numbers that are copied to measure the bandwidth, 128 MiB: more than caches hold


def _conv(channels: int, kernel: int, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=groups, bias=False)


# Each does 231,211,008 FLOPs per image: name → the layer and the shape of its input, without the batch.
LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "linear": (lambda: nn.Linear(768, 768, bias=False), (196, 768)),
    "conv 1 × 1": (lambda: _conv(768, 1), (768, 14, 14)),
    "conv 3 × 3": (lambda: _conv(256, 3), (256, 14, 14)),
    "depthwise 3 × 3": (lambda: _conv(256, 3, groups=256), (256, 224, 224)),
}


class Placed(NamedTuple):
    """A layer under the roof: its work, the speed in FLOP/s,
    and the speed as shares of the peak and of its own roof."""

    work: Work
    speed: float
    of_peak: float
    of_roof: float


def placed(work: Work, seconds: float, machine: Machine) -> Placed:
    """Where a layer lies that took so many seconds."""
    speed = work.flops / seconds
    return Placed(work, speed, speed / machine.peak, speed / machine.roof(work.intensity))


@torch.no_grad()
def measure(device: str = "cpu", images: int = 1, repeats: int = REPEATS) -> tuple[Machine, dict[str, Placed]]:
    """The machine's peak and bandwidth, and the four layers under its roof, all timed in turns (float32).

    The peak is the fastest of all: a product of large matrices, or a layer, whose library may be the better one.
    """
    rand = uniform(device)
    source, target = torch.ones(COPIED, device=device), torch.empty(COPIED, device=device)
    tried = squares(device)
    tried |= {name: (make().to(device), rand(images, *shape)) for name, (make, shape) in LAYERS.items()}
    runs: dict[str, Callable[[], object]] = {"copy": partial(target.copy_, source)}
    runs |= {name: partial(layer, x) for name, (layer, x) in tried.items()}
    seconds = {name: median(each) for name, each in time_runs(runs, device, repeats).items()}
    work = {name: work_of(*layer) for name, layer in tried.items()}
    machine = Machine(
        peak=max(each.flops / seconds[name] for name, each in work.items()),
        bandwidth=2 * source.nbytes / seconds["copy"],
    )
    return machine, {name: placed(work[name], seconds[name], machine) for name in LAYERS}


def run(round: int) -> dict[str, float]:
    """One point: peak in GFLOP/s, bandwidth in GB/s, and of each layer the shares of the peak and of its roof."""
    machine, found = measure()
    row = {"peak": machine.peak / 1e9, "bandwidth": machine.bandwidth / 1e9}
    for name, each in found.items():
        row |= {f"{name}, of the peak": each.of_peak, f"{name}, of its roof": each.of_roof}
    return {name: float(f"{value:.4g}") for name, value in row.items()}


SWEEP = Sweep(points=[{"round": number} for number in range(ROUNDS)], run=run, data="none: speeds of this machine")
