"""How to train: every number of a run in one place. All notebooks that train."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Augment = Callable[[Tensor, torch.Generator], Tensor]

OPTIMISERS = ("adamw", "muon")
PRECISIONS = ("auto", "float32", "bf16", "fastest")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a training run but the model and the data. Raises ValueError for nonsense, in words."""

    epochs: int = 10  # times every training picture is seen
    batch_size: int = 128  # pictures a step, over all processes together
    learning_rate: float = 1e-3  # at its highest, after the warm-up
    optimiser: str = "adamw"  # or "muon": that on the matrices of hidden linear layers, AdamW on everything else
    weight_decay: float = 0.05  # on matrices only: see parameter_groups
    warmup: float = 0.1  # share of all steps in which the learning rate rises; then it falls along a cosine
    label_smoothing: float = 0.0  # share of the target spread over all classes; the default loss only
    clip: float | None = 1.0  # largest norm of the whole gradient
    seed: int = 0
    precision: str = "auto"  # "auto": bf16 on CUDA devices that have it, else float32; or "float32", "bf16";
    # "fastest": as "auto", and bf16 too on a CPU that computes with it
    augment: Augment | None = None  # (images, generator) → images, (batch, channels, height, width), on the device
    ema: float | None = None  # judge and keep the moving average of the weights, with this decay a step
    channels_last: bool = False  # channels of a pixel side by side in memory: faster for most convolutions
    compile: bool = False  # torch.compile the model on a GPU; on a CPU nothing, it would need a C++ compiler

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} is {value!r}, but must be a whole number of at least 1.")
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise ValueError(f"learning_rate is {self.learning_rate}, but must be above 0: try 1e-3.")
        if not (math.isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise ValueError(f"weight_decay is {self.weight_decay}, but must be 0 or more: try 0.05.")
        for name in ("warmup", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be in [0, 1): it is a share.")
        if self.clip is not None and not self.clip > 0:
            raise ValueError(f"clip is {self.clip}, but must be above 0, or None for no limit.")
        if self.ema is not None and not 0 < self.ema < 1:
            raise ValueError(f"ema is {self.ema}, but must be in (0, 1), such as 0.999, or None for no average.")
        if not isinstance(self.seed, int) or not 0 <= self.seed < 2**32:
            raise ValueError(f"seed is {self.seed!r}, but must be a whole number from 0 to 2³² - 1.")
        for name, known in (("optimiser", OPTIMISERS), ("precision", PRECISIONS)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}, but must be one of {', '.join(known)}.")
        if self.augment is not None and not callable(self.augment):
            raise ValueError(
                f"augment is {self.augment!r}, but must be a function of (images, generator) that returns images."
            )
