"""Recipes for good models: long training, augmentation on the device, averaged weights, the device's fast formats.

``course train fashion-resnet`` and its kin: made for minutes on a GPU or a night on two CPU cores. With ``--epochs``
the same run is shorter, and its learning rate falls along a shorter cosine.
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from course_utils import models
from course_utils.models import DistilledViTConfig, ResNetConfig, SwinConfig, ViTConfig
from course_utils.paths import run_folder
from course_utils.training.augment import shift_flip_erase
from course_utils.training.distill import distilling
from course_utils.training.loop import Loss
from course_utils.training.recipe import Recipe
from course_utils.training.weights import load_checkpoint


@dataclass(frozen=True)
class NamedRun:
    """A model, its data and its recipe."""

    config: ViTConfig | DistilledViTConfig | ResNetConfig | SwinConfig
    recipe: Recipe
    dataset: str = "fashion_mnist"
    teacher: str | None = None  # the run whose model a distilled ViT learns from

    def new_model(self) -> nn.Module:
        """A model of the configuration, untrained."""
        model: nn.Module = getattr(models, type(self.config).__name__.removesuffix("Config"))(self.config)
        return model

    def loss(self, taught_in: Path | None = None) -> Loss | None:
        """What ``fit`` minimises. taught_in: the folder in which the teacher was trained, when it is not its usual one.

        Raises FileNotFoundError, with the command, when the teacher is not there, and ValueError for a run without one.
        """
        if self.teacher is None:
            if taught_in is not None:
                raise ValueError(
                    f"A teacher was given, {taught_in}, but this run learns from labels alone: leave it out."
                )
            return None
        teacher, _ = load_checkpoint(self.teacher, taught_in or run_folder(self.teacher))
        if RECIPES[self.teacher].recipe.channels_last:
            teacher.to(memory_format=torch.channels_last)  # a convolution follows its weights
        return distilling(teacher, "token")


# Smoothing, decay and erasing by custom: Touvron et al. 2021, table 9, for transformers; Zhong et al. 2020, table 1, for
# CNNs. Muon and the learning rate of transformers by short trials, judged on validation pictures.
LONG = Recipe(
    epochs=100,
    learning_rate=1e-3,
    optimiser="muon",
    warmup=0.05,
    label_smoothing=0.1,
    ema=0.998,
    precision="fastest",
    compile=True,
)
CNN = replace(LONG, epochs=60, learning_rate=3e-3, optimiser="adamw", channels_last=True)


def runs_on(
    dataset: str, *, size: int, channels: int, mean: float, std: float, window: int, pixels: int
) -> dict[str, NamedRun]:
    """The four recipes for one dataset of ten classes: "resnet", "vit", "swin", "distilled".

    size: pixels a side; mean and std of its pixels; window of the Swin, in tokens; pixels: how far pictures are moved.
    """
    seen: dict[str, Any] = {"channels": channels, "classes": 10}
    vit = {**seen, "image_size": size, "patch_size": 4, "dim": 192, "layers": 6, "heads": 6, "mlp_dim": 384}
    vit |= {"mean": mean, "std": std}
    resnet = ResNetConfig("basic", (2, 2, 2), (48, 96, 192), stem_kernel=3, stem_stride=1, max_pool=False, **seen)
    swin = SwinConfig(
        patch_size=2, dim=64, depths=(2, 4), heads=(4, 8), window=window, mlp_ratio=2, mean=mean, std=std, **seen
    )
    long, cnn = (
        replace(one, augment=partial(shift_flip_erase, pixels=pixels, probability=probability))
        for one, probability in ((LONG, 0.25), (CNN, 0.5))
    )
    short = dataset.partition("_")[0]
    return {
        f"{short}-resnet": NamedRun(resnet, cnn, dataset),
        f"{short}-vit": NamedRun(ViTConfig(**vit), long, dataset),
        f"{short}-swin": NamedRun(swin, long, dataset),
        f"{short}-distilled": NamedRun(DistilledViTConfig(**vit), long, dataset, f"{short}-resnet"),
    }


RECIPES = {
    **runs_on("fashion_mnist", size=28, channels=1, mean=0.286, std=0.353, window=7, pixels=2),
    **runs_on("cifar10", size=32, channels=3, mean=0.473, std=0.251, window=8, pixels=4),
}
