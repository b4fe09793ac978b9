"""A teacher that has seen a million photographs, and each lesson on photographs: notebook 07.

``course train sweep-imagenet-teacher``. Clothes continue the sweep of ``nb07_distillation``, with the same students,
labels and seeds. Photographs are CIFAR-10, with the settings of the clothes. Of the seeds 0 to 2, *alone* and both soft
lessons ran first; which differences decide a claim, and how large they must be, was fixed before the rest ran.
"""

from dataclasses import replace
from functools import cache
from typing import Any

from torch import nn

from course_utils.data import DATASETS, LabelledImages, load
from course_utils.experiments import nb07_distillation as clothes
from course_utils.experiments.cifar_copies import cifar10
from course_utils.experiments.inputs import of_images
from course_utils.experiments.nb07_distillation import LABELS, SOFT, STUDENT, TEACHERS, recipe_of_student
from course_utils.experiments.sweep import Sweep
from course_utils.few_shot.episodes import fit_head
from course_utils.few_shot.stored import encoded, imagenet_cnn
from course_utils.models import DistilledViTConfig, ViTConfig, build
from course_utils.training.distill import distilling
from course_utils.training.loop import fit
from course_utils.training.recipe import Recipe
from course_utils.training.score import evaluate

IMAGENET = "ImageNet"  # the better teacher; the other one is the "CNN" of the clothes

TEST = 2000  # images, for the teachers
WEIGHT_DECAY = 1e-5  # of the fitted head; of 1e-2 to 1e-5 the best on 600 validation images, with seed 9

# method → (its teacher, its lesson)
METHODS = {
    **{method: clothes.METHODS[method][:2] for method in clothes.LESSONS},
    **{f"{lesson}, {IMAGENET} teacher": (IMAGENET, lesson) for lesson in ("soft", "hard", "token")},
}


def load_images(dataset: str, split: str, size: int | None = None, seed: int = 0) -> LabelledImages:
    """Fashion-MNIST, or digits in its place, or CIFAR-10. Raises DataNotFound without CIFAR-10."""
    return (clothes.load_images if dataset == "fashion_mnist" else cifar10)(split, size, seed)


def student_config(dataset: str, lesson: str = "soft") -> ViTConfig | DistilledViTConfig:
    """The same ViT for both, with 4 × 4 patches: 7 × 7 pixels of Fashion-MNIST, 8 × 8 of CIFAR-10.

    For the lesson "token" it has the second token.
    """
    kind = DistilledViTConfig if lesson == "token" else ViTConfig
    seen = of_images(dataset, kind)
    return kind(**{**STUDENT, **seen, "patch_size": seen["image_size"] // 4})


def imagenet_teacher(few: LabelledImages, quiet: bool = False) -> nn.Sequential:
    """The ImageNet CNN, frozen, with a linear head fitted on labelled images."""
    features = encoded(imagenet_cnn(), few.images, quiet=quiet)
    return nn.Sequential(imagenet_cnn(), fit_head(features, few.labels, 10, WEIGHT_DECAY, steps=100)).eval()


@cache
def cnn_teacher(dataset: str, seed: int) -> nn.Module:
    """The small ResNet of ``nb07_distillation``, trained on the same labelled images only."""
    small: Any = TEACHERS["CNN"]
    model = build(replace(small, channels=DATASETS[dataset].shape[0]), seed)
    recipe = Recipe(epochs=20, batch_size=64, learning_rate=3e-3, seed=seed)
    fit(model, load_images(dataset, "fit", LABELS, seed), None, recipe, quiet=True)
    return model.eval()


@cache
def teacher(dataset: str, kind: str, seed: int) -> tuple[nn.Module, float]:
    """A teacher that knows the student's labelled images, and its accuracy on TEST test images."""
    few = load_images(dataset, "fit", LABELS, seed)
    model = imagenet_teacher(few) if kind == IMAGENET else cnn_teacher(dataset, seed)
    return model, evaluate(model, load_images(dataset, "test", TEST)).accuracy


def train_student(
    dataset: str, seed: int, taught_by: nn.Module | None, quiet: bool = True, lesson: str = "soft"
) -> nn.Module:
    """→ the student after STEPS steps, with a teacher's lesson or, without a teacher, alone; in evaluation mode.

    lesson: "soft", "hard" or "token" with a teacher; "smoothed" smooths the labels of a student alone.
    """
    loss = None if taught_by is None else distilling(taught_by, lesson, **SOFT)
    student = build(student_config(dataset, lesson), seed)
    few = load_images(dataset, "fit", LABELS, seed)
    fit(student, few, None, recipe_of_student(seed, lesson), loss=loss, quiet=quiet)
    return student.eval()


def run(dataset: str, method: str, seed: int) -> dict[str, str | float]:
    """One point: accuracy of the student on all test images, of its teacher on some, and the images' source.

    Raises DataNotFound without the dataset.
    """
    if dataset == "fashion_mnist":
        load(dataset, "test", 1)
    (kind, lesson), test = METHODS[method], load_images(dataset, "test")
    taught_by, teacher_accuracy = teacher(dataset, kind, seed) if kind else (None, float("nan"))
    accuracy = evaluate(train_student(dataset, seed, taught_by, lesson=lesson), test).accuracy
    return {"images": test.source, "accuracy": round(accuracy, 4), "teacher_accuracy": round(teacher_accuracy, 4)}


SWEEP = Sweep(
    points=[
        {"dataset": dataset, "method": method, "seed": seed}
        for dataset in ("fashion_mnist", "cifar10")
        for seed in range(10)
        for method in METHODS
        # Of the clothes, the others are in sweep-distillation.
        if dataset == "cifar10" or (method == "soft, ImageNet teacher" and seed < 3)
    ],
    run=run,
    data="fashion_mnist, cifar10",
)
