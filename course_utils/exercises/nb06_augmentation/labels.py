"""Label smoothing: spread a share of each target over all classes."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.training.regularise import smooth_labels


def _cases(g: Generator) -> list[Arguments]:
    # Fewer, as many and more classes than labels; a label that occurs twice, and classes that do not occur.
    return [
        (torch.tensor([0, 2, 1]), 3, 0.1),
        (torch.tensor([4, 0]), 10, 0.6),
        (torch.tensor([1, 1, 0, 1]), 2, 0.2),
        (torch.tensor([3, 0, 3, 1, 2]), 6, 0.3),
    ]


def _wild(g: Generator) -> list[Wild]:
    return [
        Wild(
            "no-smoothing",
            (torch.tensor([2, 0]), 4, 0.0),
            "smoothing is 0",
            "Then the targets are one-hot: do not divide by `smoothing`, and do not treat 0 as missing.",
        ),
        Wild("one-label", (torch.tensor([2]), 5, 0.3), "the batch has a single label"),
    ]


def _spread(right: Callable[[int, float], float], others: Callable[[int, float], float]) -> Callable[..., Tensor]:
    """Targets with one value for the right class and one for the others, both functions of (classes, smoothing)."""

    def wrong(labels: Tensor, classes: int, smoothing: float) -> Tensor:
        one = F.one_hot(labels, classes).float()
        return one * right(classes, smoothing) + (1 - one) * others(classes, smoothing)

    return wrong


def _over(number: Callable[[Tensor, int], float]) -> Callable[..., Tensor]:
    """The share is divided by a number other than classes: a function of labels and classes."""
    return lambda labels, classes, smoothing: (
        (1 - smoothing) * F.one_hot(labels, classes) + smoothing / number(labels, classes)
    )


def _only_present(labels: Tensor, classes: int, smoothing: float) -> Tensor:
    present = int(labels.max()) + 1
    return smooth_labels(labels, present, smoothing)


def _columns(chosen: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """Whole columns are filled, those of the chosen labels."""

    def wrong(labels: Tensor, classes: int, smoothing: float) -> Tensor:
        targets = torch.full((len(labels), classes), smoothing / classes)
        targets[:, chosen(labels)] += 1 - smoothing
        return targets

    return wrong


def _neighbours_only(labels: Tensor, classes: int, smoothing: float) -> Tensor:
    one = F.one_hot(labels, classes).float()
    return (1 - smoothing) * one + smoothing / 2 * (one.roll(1, 1) + one.roll(-1, 1))


SMOOTH_LABELS = Exercise(
    name="06.smooth_labels",
    title="Smoothed labels",
    reference=smooth_labels,
    cases=_cases,
    wild=_wild,
    hints=(
        "Start with the one-hot target: `F.one_hot(labels, classes)` is 1 at the right class and 0 elsewhere. It "
        "returns integers; `.float()` converts them.",
        "Take the share `smoothing` away from the right class, which keeps 1 − `smoothing`, and spread it evenly over "
        "all classes, including the right one.",
        "How much does each class get if the share `smoothing` is divided into `classes` equal parts? Check a row: "
        "it must sum to one.",
    ),
    misconceptions=(
        Misconception(
            "others-only",
            "The share goes only to the other classes, so the right class gets 1 − ε. The lecture's slide on DeiT "
            "says so, but Szegedy et al. and PyTorch spread it over all classes, including the right one.",
            _spread(lambda k, e: 1 - e, lambda k, e: e / (k - 1)),
        ),
        Misconception(
            "right-class-gets-no-part",
            "The rows do not sum to one: the right class gets 1 − ε and no part of the share. Spread the share over "
            "all classes, including the right one.",
            _spread(lambda k, e: 1 - e, lambda k, e: e / k),
        ),
        Misconception(
            "right-class-keeps-all",
            "The right class keeps its whole probability, so the rows sum to more than one. Subtract the share "
            "before you spread it.",
            _spread(lambda k, e: 1.0, lambda k, e: e / k),
            _spread(lambda k, e: 1.0, lambda k, e: e / (k - 1)),
        ),
        Misconception(
            "taken-from-nobody",
            "The share is added to all classes but subtracted from none: the rows sum to 1 + ε. Subtract it from the "
            "right class.",
            _spread(lambda k, e: 1 + e / k, lambda k, e: e / k),
            _spread(lambda k, e: 1 + e, lambda k, e: e),
        ),
        Misconception(
            "share-not-divided",
            "Each of the other classes gets the whole share. It is one share for all of them together: divide it.",
            _spread(lambda k, e: 1 - e, lambda k, e: e),
            _spread(lambda k, e: 1.0, lambda k, e: e),
            _spread(lambda k, e: 1 - e + e / k, lambda k, e: e),
        ),
        Misconception(
            "too-little-taken",
            "The right class loses only the part of a single class, and each other class gets as much. It must lose "
            "the whole share and get one part back.",
            _spread(lambda k, e: 1 - e / k, lambda k, e: e / k),
        ),
        Misconception(
            "given-to-nobody",
            "The share is subtracted from the right class but not spread: the rows sum to 1 − ε. Spread it over all "
            "classes.",
            _spread(lambda k, e: 1 - e, lambda k, e: 0.0),
        ),
        Misconception(
            "parts-exchanged",
            "The two parts are swapped: 1 − smoothing is spread, and the right class gets only smoothing. Spread "
            "smoothing instead.",
            _spread(lambda k, e: e + (1 - e) / k, lambda k, e: (1 - e) / k),
            _spread(lambda k, e: e, lambda k, e: (1 - e) / (k - 1)),
        ),
        Misconception(
            "two-class-formula",
            "The right class gets 1 − ε/2 for any number of classes, which is right only for two. It gets back one "
            "of K equal parts of ε: how large is that part?",
            _spread(lambda k, e: 1 - e / 2, lambda k, e: e / 2 / (k - 1)),
            _spread(lambda k, e: 1 - e / 2, lambda k, e: e / 2),
            _spread(lambda k, e: 1 - e / 2, lambda k, e: e / k),
        ),
        Misconception(
            "smoothed-twice",
            "The targets are smoothed twice. Once is enough.",
            _spread(lambda k, e: (1 - e) ** 2 + (2 * e - e**2) / k, lambda k, e: (2 * e - e**2) / k),
        ),
        Misconception(
            "one-part-too-few",
            "The share is divided into K − 1 parts, but all K classes get one, so the rows sum to more than one.",
            _spread(lambda k, e: 1 - e + e / (k - 1), lambda k, e: e / (k - 1)),
        ),
        Misconception(
            "neighbours-only",
            "The share goes to the two neighbours of the right class. Labels are only names, and no class is nearer "
            "than another. Spread it over all classes.",
            _neighbours_only,
        ),
        Misconception(
            "not-smoothed",
            "These are one-hot targets: `smoothing` is not used.",
            lambda labels, classes, smoothing: F.one_hot(labels, classes).float(),
        ),
        Misconception(
            "normalised-afterwards",
            "Something is added, and then each row is divided by its sum. The rows sum to one, but the share that is "
            "spread is no longer ε: subtract it before you spread it.",
            _spread(lambda k, e: (1 + e / k) / (1 + e), lambda k, e: e / k / (1 + e)),
            _spread(lambda k, e: 1 / (1 + (k - 1) * e), lambda k, e: e / (1 + (k - 1) * e)),
        ),
        Misconception(
            "divided-by-the-batch",
            "The share is divided by the number of labels in the batch. It is spread over the classes.",
            _over(lambda labels, classes: len(labels)),
        ),
        Misconception(
            "classes-of-the-batch",
            "The number of classes is counted in this batch, where a class may be missing: use `classes`.",
            _only_present,
            lambda labels, classes, smoothing: (1 - smoothing) * F.one_hot(labels) + smoothing / classes,
            _over(lambda labels, classes: int(labels.max()) + 1),
            _over(lambda labels, classes: len(labels.unique())),
        ),
        Misconception(
            "ten-parts",
            "The share is divided into ten parts for any number of classes: use `classes`.",
            _over(lambda labels, classes: 10),
        ),
        Misconception(
            "ten-classes",
            "There are ten columns for any number of classes: use `classes`.",
            lambda labels, classes, smoothing: smooth_labels(labels, 10, smoothing),
        ),
        Misconception(
            "every-row-every-label",
            "Every row gets the labels of the whole batch, because `[:, labels]` means these columns in all rows. "
            "Each row has only its own right class.",
            _columns(lambda labels: labels),
        ),
        Misconception(
            "first-label-for-all",
            "Every row uses the first label. Each row has its own right class.",
            _columns(lambda labels: labels[0]),
        ),
        Misconception(
            "labels-counted-from-one",
            "The right class is one column too far to the left: labels count from zero, so label 0 is the first "
            "column.",
            lambda labels, classes, smoothing: smooth_labels((labels - 1) % classes, classes, smoothing),
        ),
        Misconception(
            "whole-numbers",
            "These are one-hot targets of integers: `smoothing` is not used. Convert them with `.float()` before you "
            "smooth them.",
            lambda labels, classes, smoothing: F.one_hot(labels, classes),
        ),
        Misconception(
            "cut-to-whole-numbers",
            "The targets are converted to integers, so every probability below 1 becomes 0: keep them "
            "floating-point.",
            lambda labels, classes, smoothing: smooth_labels(labels, classes, smoothing).long(),
        ),
    ),
)
