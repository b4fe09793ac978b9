"""Whether the teacher's knowledge helps a student, or only that its answers are soft. Notebook 07.

Three targets of the same softness, for the same student and loss as in ``nb07_distillation``: the teacher's answers;
the same answers with the wrong classes permuted; and labels smoothed to the same entropy. ``course train
sweep-softness``.
"""

import math
from collections.abc import Callable

import torch
from scipy.optimize import bisect
from torch import Tensor, nn

from course_utils.data import LabelledImages, load
from course_utils.experiments.nb07_distillation import LABELS, SOFT, STUDENT, load_images, recipe_of_student, teacher
from course_utils.experiments.sweep import Sweep
from course_utils.models import ViTConfig, build
from course_utils.models.refusals import look_up
from course_utils.training.distill import soft_distillation
from course_utils.training.loop import fit
from course_utils.training.regularise import smooth_labels
from course_utils.training.score import evaluate

Answers = Callable[[Tensor, Tensor], Tensor]  # images, labels → the logits (batch, classes) to match


def mean_entropy(probabilities: Tensor) -> float:
    """(count, classes) → the mean entropy of the rows, in nats."""
    return torch.special.entr(probabilities.cpu().double()).sum(dim=-1).mean().item()


def smoothing_with(entropy: float, classes: int) -> float:
    """How much to smooth a label until its entropy is that many nats. Raises ValueError above log(classes)."""
    most, label = math.log(classes), torch.zeros(1, dtype=torch.int64)
    if not 0 <= entropy <= most:
        raise ValueError(f"The entropy is {entropy:.3f} nats, but {classes} classes have 0 to {most:.3f}.")
    return float(bisect(lambda share: mean_entropy(smooth_labels(label, classes, share)) - entropy, 0, 1, xtol=1e-9))


def wrong_class_orders(classes: int, seed: int) -> Tensor:
    """→ (classes, classes), int64: row y says where each class's logit goes if y is the label.

    y stays. The others move along a cycle drawn at random, so each goes to another place.
    """
    generator, orders = torch.Generator().manual_seed(seed), torch.arange(classes).repeat(classes, 1)
    for label, row in enumerate(orders):
        wrong = torch.randperm(classes - 1, generator=generator)
        wrong += wrong >= label
        row[wrong] = wrong.roll(1)
    return orders


def permuted(logits: Tensor, labels: Tensor, orders: Tensor) -> Tensor:
    """logits (batch, classes), labels (batch,), orders of :func:`wrong_class_orders` → the logits in other places.

    Each row keeps its values, so also its entropy and its largest probability; the label keeps its own value.
    """
    return torch.empty_like(logits).scatter(1, orders.to(labels.device)[labels], logits)


def with_teacher(model: nn.Module, few: LabelledImages, seed: int) -> Answers:
    """The teacher's own answers."""
    return lambda images, labels: model(images)


def with_permuted_teacher(model: nn.Module, few: LabelledImages, seed: int) -> Answers:
    """The teacher's answers, with its wrong classes in one other order for each label."""
    orders = wrong_class_orders(len(few.classes), seed)
    return lambda images, labels: permuted(model(images), labels, orders)


def with_smoothed_labels(model: nn.Module, few: LabelledImages, seed: int) -> Answers:
    """Labels with the mean entropy of the teacher's softened answers to the labelled images; no teacher."""
    classes, temperature = len(few.classes), SOFT["temperature"]
    smoothing = smoothing_with(mean_entropy(softened(model(few.images))), classes)
    return lambda images, labels: temperature * smooth_labels(labels, classes, smoothing).log()


# Name of the target → what makes it of a teacher, the labelled images and a seed.
METHODS: dict[str, Callable[[nn.Module, LabelledImages, int], Answers]] = {
    "the teacher's answers": with_teacher,
    "its wrong classes permuted": with_permuted_teacher,
    "smoothed labels": with_smoothed_labels,
}


def softened(logits: Tensor) -> Tensor:
    """(batch, classes) → probabilities at the temperature of the lesson."""
    return (logits / SOFT["temperature"]).softmax(dim=-1)


def train_student(
    method: str, seed: int, split: str = "test", quiet: bool = True
) -> tuple[nn.Module, dict[str, float]]:
    """→ the student; its accuracy in [0, 1] on that split; and of its targets the mean entropy and the mean share of
    the label.

    Raises UnknownName for a method that is not in METHODS.
    """
    lesson = look_up(METHODS, method, "method")
    few, (taught_by, _) = load_images("fit", LABELS, seed), teacher("CNN", LABELS, seed)
    with torch.no_grad():
        answers = lesson(taught_by, few, seed)
        targets = softened(answers(few.images, few.labels))

    def loss(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            wanted = answers(images, labels)
        logits = model(images)
        return soft_distillation(logits, wanted, labels, **SOFT), logits

    student = build(ViTConfig(**STUDENT), seed)
    fit(student, few, None, recipe_of_student(seed), loss=loss, quiet=quiet)
    of_label = targets.gather(1, few.labels[:, None]).mean().item()
    accuracy = evaluate(student, load_images(split)).accuracy
    return student.eval(), {"accuracy": accuracy, "entropy": mean_entropy(targets), "label": of_label}


def run(method: str, seed: int) -> dict[str, float]:
    """One point of the sweep, without its model. Raises DataNotFound without Fashion-MNIST."""
    load("fashion_mnist", "test", 1)
    return {name: round(value, 4) for name, value in train_student(method, seed)[1].items()}


SWEEP = Sweep(
    points=[{"method": method, "seed": seed} for seed in range(10) for method in METHODS],
    run=run,
    data="fashion_mnist",
)
