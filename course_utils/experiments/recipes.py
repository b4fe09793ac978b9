"""Recipes for accurate models: long training, augmentation on the device, averaged weights, fast number formats.

Runs such as ``course train fashion-resnet`` take minutes on a GPU or a night on two CPU cores. With ``--epochs`` the
run is shorter, and its learning rate follows a shorter cosine. Notebook 05.
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from course_utils.data import DATASETS
from course_utils.models import DistilledViTConfig, ResNetConfig, SwinConfig, ViTConfig
from course_utils.models.model import Config
from course_utils.paths import run_folder
from course_utils.training.augment import shift_flip_erase
from course_utils.training.distill import distilling
from course_utils.training.recipe import Recipe
from course_utils.training.task import Loss
from course_utils.training.weights import load_checkpoint


@dataclass(frozen=True)
class NamedRun:
    """A model, its data and its recipe."""

    config: Config[Any]
    recipe: Recipe
    dataset: str = "fashion_mnist"
    teacher: str | None = None  # the run of the teacher of a distilled ViT

    def loss(self, taught_in: Path | None = None) -> Loss | None:
        """The loss for ``fit``. taught_in: the folder of the trained teacher, if not the default.

        Raises FileNotFoundError, with the command, if the teacher is missing, and ValueError for a run without a
        teacher.
        """
        if self.teacher is None:
            if taught_in is not None:
                raise ValueError(f"The teacher is {taught_in}, but this run learns from labels alone: leave it out.")
            return None
        teacher, _ = load_checkpoint(self.teacher, taught_in or run_folder(self.teacher))
        if RECIPES[self.teacher].recipe.channels_last:
            teacher.to(memory_format=torch.channels_last)  # a convolution uses the memory format of its weights
        return distilling(teacher, "token")


# Smoothing, decay and erasing have common values: Touvron et al. 2021, table 9, for transformers; Zhong et al. 2020,
# table 1, for CNNs. Muon and the learning rate of transformers were chosen in short runs, on validation images.
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


def runs_on(dataset: str, *, window: int, pixels: int) -> dict[str, NamedRun]:
    """The four recipes for one of ``course_utils.data.DATASETS``: "resnet", "vit", "swin", "distilled".

    Size, channels, classes, mean and std come from the dataset. window: of the Swin, in tokens; pixels: the largest
    shift of an image.
    """
    known = DATASETS[dataset]
    channels, size, _ = known.shape
    seen: dict[str, Any] = {"channels": channels, "classes": len(known.classes)}
    scaled: dict[str, Any] = {"mean": known.mean, "std": known.std}
    vit = {**seen, **scaled, "image_size": size, "patch_size": 4, "dim": 192, "layers": 6, "heads": 6, "mlp_dim": 384}
    resnet = ResNetConfig("basic", (2, 2, 2), (48, 96, 192), stem_kernel=3, stem_stride=1, max_pool=False, **seen)
    swin = SwinConfig(patch_size=2, dim=64, depths=(2, 4), heads=(4, 8), window=window, mlp_ratio=2, **scaled, **seen)
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


RECIPES = {**runs_on("fashion_mnist", window=7, pixels=2), **runs_on("cifar10", window=8, pixels=4)}
