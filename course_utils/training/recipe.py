"""How to train: every number of a run in one place. All notebooks that train."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from course_utils.settings import Must, Settings, above, at_least, one_of, share

Augment = Callable[[Tensor, torch.Generator], Tensor]

OPTIMISERS = ("adamw", "muon")
PRECISIONS = ("auto", "float32", "bf16", "fastest")

Augmentation = Annotated[Augment, "a function of (images, generator) that returns images"]
Decay = Annotated[float, Must("in (0, 1), such as 0.999, or None for no average", lambda decay: 0 < decay < 1)]
Norm = Annotated[float, above(0, ", or None for no limit")]
Optimiser = Annotated[str, one_of(OPTIMISERS)]
Precision = Annotated[str, one_of(PRECISIONS)]
Seed = Annotated[int, Must("a whole number from 0 to 2³² - 1", lambda seed: 0 <= seed < 2**32)]
Share = Annotated[float, share("it is a share")]
Seconds = Annotated[float, at_least(0)]


@dataclass(frozen=True)
class Recipe(Settings):
    """All settings of a training run except the model and the data. Raises ValueError for invalid values."""

    epochs: Annotated[int, at_least(1)] = 10  # passes over the training images
    batch_size: Annotated[int, at_least(1)] = 128  # images per step, over all processes
    learning_rate: Annotated[float, above(0, ": try 1e-3")] = 1e-3  # the maximum, after the warm-up
    optimiser: Optimiser = "adamw"  # or "muon": that for hidden matrices and kernels, AdamW for the rest
    weight_decay: Annotated[float, at_least(0, ": try 0.05")] = 0.05  # on matrices only: see parameter_groups
    warmup: Share = 0.1  # share of the steps in which the learning rate rises; then it follows a cosine down
    label_smoothing: Share = 0.0  # share of the target spread over all classes; the default loss only
    clip: Norm | None = 1.0  # largest norm of the whole gradient
    seed: Seed = 0
    precision: Precision = "auto"  # "auto": bf16 on CUDA devices that support it, else float32; or "float32", "bf16";
    # "fastest": as "auto", and bf16 too on a CPU that computes with it
    augment: Augmentation | None = None  # (images, generator) → images, (batch, channels, height, width)
    ema: Decay | None = None  # evaluate and return the moving average of the weights, with this decay per step
    channels_last: bool = False  # channels of a pixel side by side in memory: faster for most convolutions
    compile: bool = False  # torch.compile the model on a GPU; no effect on a CPU, where it would need a C++ compiler


@dataclass(frozen=True)
class Options(Settings):
    """What ``fit`` shows and saves, and how it stops. Raises ValueError for invalid values."""

    checkpoint_seconds: Seconds
    plot: bool
    quiet: bool
    on_interrupt: Annotated[str, one_of(("raise", "return"))]
