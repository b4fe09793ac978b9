"""Recipes for accurate models: long training, augmentation on the device, averaged weights, fast number formats.

Runs such as ``course train fashion-resnet`` take minutes on a GPU or a night on two CPU cores. With ``--epochs`` the
run is shorter, and its learning rate follows a shorter cosine. Notebook 05.
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from course_utils.console import quoted
from course_utils.experiments.inputs import of_images
from course_utils.models import DistilledViTConfig, HybridViTConfig, ResNetConfig, SwinConfig, ViTConfig
from course_utils.models.model import Config
from course_utils.paths import run_folder
from course_utils.settings import Settings
from course_utils.training.augment import erase, flip, shift, shift_flip_erase
from course_utils.training.distill import distilling
from course_utils.training.rand_augment import RandAugment
from course_utils.training.recipe import Recipe
from course_utils.training.task import Loss
from course_utils.training.weights import load_checkpoint


@dataclass(frozen=True)
class NamedRun(Settings):
    """A model, its data and its recipe."""

    config: Config[Any]
    recipe: Recipe
    dataset: str = "fashion_mnist"
    teacher: str | None = None  # the run of the teacher of a distilled ViT
    half: bool = False  # round the trained weights to float16 before the test, and store them in it

    def loss(self, taught_in: Path | None = None, data: Path | None = None) -> Loss | None:
        """The loss for ``fit``. taught_in: the folder of the trained teacher, if not the default; data: that it learned
        from, if not the dataset.

        Raises FileNotFoundError, with the command, if the teacher is missing, and ValueError for a run without a
        teacher.
        """
        if self.teacher is None:
            if taught_in is not None:
                raise ValueError(f"The teacher is {taught_in}, but this run learns from labels alone: leave it out.")
            return None
        folder = taught_in or run_folder(self.teacher)
        if data is not None and not (folder / f"{self.teacher}.json").exists():
            raise FileNotFoundError(
                f"The teacher is not in {folder}: run `course train {self.teacher} --data {quoted(data)}` first, "
                "or pass its folder with --teacher."
            )
        teacher, _ = load_checkpoint(self.teacher, folder)
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
    of_vit, of_resnet, of_swin = (of_images(dataset, each) for each in (ViTConfig, ResNetConfig, SwinConfig))
    vit = {**of_vit, "patch_size": 4, "dim": 192, "layers": 6, "heads": 6, "mlp_dim": 384}
    resnet = ResNetConfig(
        "basic", (2, 2, 2), (48, 96, 192), stem_kernel=3, stem_stride=1, max_pool=False, **of_resnet
    )
    swin = SwinConfig(patch_size=2, dim=64, depths=(2, 4), heads=(4, 8), window=window, mlp_ratio=2, **of_swin)
    long, cnn = (
        replace(one, augment=partial(shift_flip_erase, pixels=pixels, probability=probability))
        for one, probability in ((LONG, 0.25), (CNN, 0.5))
    )
    short = dataset.partition("_")[0].rstrip("0123456789")  # "fashion", "cifar"
    return {
        f"{short}-resnet": NamedRun(resnet, cnn, dataset),
        f"{short}-vit": NamedRun(ViTConfig(**vit), long, dataset),
        f"{short}-swin": NamedRun(swin, long, dataset),
        f"{short}-distilled": NamedRun(DistilledViTConfig(**vit), long, dataset, f"{short}-resnet"),
    }


def varied(
    images: Tensor, generator: torch.Generator, pixels: int, number: int, magnitude: int, probability: float
) -> Tensor:
    """Shifted and mirrored, then changed by RandAugment, then with that probability a rectangle erased."""
    moved = flip(shift(images, generator, pixels), generator)
    return erase(RandAugment(number, magnitude)(moved, generator), generator, probability)


def for_cifar() -> dict[str, NamedRun]:
    """The recipes for CIFAR-10: those of ``runs_on`` with other lengths, a hybrid, and a ViT small enough to ship.

    Transformers get more augmentation. The CNN, wider where maps are small, learns with Muon and has no averaged
    weights: docs/measured.md has the reasons, and what the finished runs reach.
    """
    runs = runs_on("cifar10", window=8, pixels=4)
    cnn = replace(
        CNN,
        epochs=24,
        learning_rate=8e-3,
        optimiser="muon",
        weight_decay=0.1,
        ema=None,
        augment=partial(shift_flip_erase, pixels=4, probability=0.25),
    )
    long = replace(LONG, epochs=60, augment=partial(varied, pixels=4, number=2, magnitude=9, probability=0.25))
    resnet: Any = replace(runs["cifar-resnet"].config, **{"blocks": (1, 1, 2), "widths": (48, 128, 256)})
    small: Any = replace(runs["cifar-vit"].config, **{"layers": 5, "mlp_dim": 368})  # 1.48 million weights
    hybrid = HybridViTConfig((2,), image_size=32, width=64, dim=192, layers=6, heads=6, mlp_dim=384, classes=10)
    return {
        **{name: replace(run, recipe=long) for name, run in runs.items()},
        "cifar-resnet": replace(runs["cifar-resnet"], config=resnet, recipe=cnn),
        "cifar-hybrid": NamedRun(hybrid, long, "cifar10"),
        "cifar-vit-small": NamedRun(small, long, "cifar10", half=True),
    }


# The long trainings of `course train`: name → model, recipe and dataset.
RECIPES = {**runs_on("fashion_mnist", window=7, pixels=2), **for_cifar()}
