"""Distil the adapted teacher into a network a quarter of its size. Notebook 09, ``sweep-few-shot-student``."""

from dataclasses import replace
from functools import cache

from torch import Tensor

from course_utils.data import LabelledImages, load
from course_utils.experiments import nb09_few_shot
from course_utils.experiments.nb09_few_shot import TASKS, TRAINED, clothes
from course_utils.experiments.sweep import Sweep
from course_utils.few_shot.episodes import EpisodeConfig, draw_episode
from course_utils.few_shot.fine_tune import adapt
from course_utils.models import ResNet, build
from course_utils.training.augment import shift_and_flip
from course_utils.training.distill import distilling
from course_utils.training.inputs import Examples
from course_utils.training.loop import fit
from course_utils.training.recipe import Recipe
from course_utils.training.score import evaluate

TASK = "five new clothes"
SHOTS = 5
UNLABELLED = 8000  # images of Fashion-MNIST before removing other classes; about half remain
STEPS = 250
COPIES = 4  # of each labelled image in a batch, each shifted and mirrored differently
WIDTHS = (8, 16, 32)

# What the student learns from.
METHODS = (
    "student alone, 25 pictures",
    "soft labels of the teacher on the 25",
    "soft labels of the teacher, also on unlabelled pictures",
)


def labelled(draw: int, split: str = "test") -> Examples:
    """The support set of an episode: five images of each new class. They are not among the test images."""
    known = load_images("fit", 3000, 50_000 + draw) if split == "test" else load_images("validation", 2000, draw)
    episode = draw_episode(known.labels, EpisodeConfig(TASKS[TASK].ways, SHOTS, 1), draw)
    # The classes keep their own numbers, so that one set of test images works for every draw.
    return Examples(known.images[episode.support], known.labels[episode.support])


@cache
def load_images(split: str, size: int | None = None, seed: int = 0) -> LabelledImages:
    """New clothes from a split of Fashion-MNIST, at any place in the image."""
    return clothes(TASK, load("fashion_mnist", split, size, seed, fallback="digits"))


@cache
def adapted(draw: int, split: str = "test") -> ResNet:
    """The shipped teacher, fine-tuned with frozen normalisation on the 25 images of the draw."""
    few = labelled(draw, split)
    how = TRAINED["all weights, frozen normalisation"]
    return adapt(how, nb09_few_shot.teacher(TASK), few.images, few.labels, TASKS[TASK].ways, draw)


def new_student(draw: int) -> ResNet:
    """An untrained ResNet with half the teacher's widths, so about a quarter of its parameters."""
    return build(replace(nb09_few_shot.teacher(TASK).config, widths=WIDTHS, classes=TASKS[TASK].ways), draw)


def unlabelled(draw: int) -> Tensor:
    """(about 4,000, 3, 32, 32): new clothes without labels."""
    return load_images("fit", UNLABELLED, 60_000 + draw).images


def train_student(method: str, draw: int, split: str = "test", quiet: bool = True) -> ResNet:
    """→ a student trained by one of the METHODS, in evaluation mode."""
    few = labelled(draw, split)
    many = Examples(few.images.repeat(COPIES, 1, 1, 1), few.labels.repeat(COPIES))
    loss = None
    if method != METHODS[0]:
        extra = None if method == METHODS[1] else unlabelled(draw)
        loss = distilling(adapted(draw, split), temperature=2.0, weight=0.9, unlabelled=extra)
    student = new_student(draw)
    recipe = Recipe(STEPS, len(many), 5e-3, seed=draw, precision="float32", augment=shift_and_flip)
    fit(student, many, None, recipe, loss=loss, quiet=quiet)
    return student.eval()


def run(method: str, draw: int) -> dict[str, float]:
    """One point: accuracy of student and teacher on all test images of the new classes. Raises DataNotFound."""
    load("fashion_mnist", "test", 1)
    student, test = train_student(method, draw), load_images("test")
    return {
        "accuracy": round(evaluate(student, test).accuracy, 4),
        "teacher_accuracy": round(evaluate(adapted(draw), test).accuracy, 4),
    }


SWEEP = Sweep(
    points=[{"method": method, "draw": draw} for draw in range(10) for method in METHODS],
    run=run,
    data="fashion_mnist",
)
