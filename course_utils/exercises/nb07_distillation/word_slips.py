"""Misconceptions shared by hard distillation and its form with two heads."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb07_distillation import parts as slips

# Logits for the label, logits for the teacher's label, the teacher's logits, labels and smoothing → the loss
Loose = Callable[[Tensor, Tensor, Tensor, Tensor, float], Tensor]


def _image_by_image(both: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]) -> Loose:
    """A wrong combination of each image's losses: of both losses, where the teacher is right, and its confidence."""

    def wrong(first: Tensor, second: Tensor, teacher: Tensor, labels: Tensor, smoothing: float) -> Tensor:
        likely, word = teacher.softmax(-1).max(-1)
        from_label = F.cross_entropy(first, labels, label_smoothing=smoothing, reduction="none")
        return both(from_label, F.cross_entropy(second, word, reduction="none"), word == labels, likely)

    return wrong


def _by_column(first: Tensor, second: Tensor, teacher: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """The most likely image for each class, cut to the number of images."""
    said = teacher.argmax(0)[: len(second)]
    return (slips.smoothed(first, labels, smoothing) + F.cross_entropy(second[: len(said)], said)) / 2


def shared(whole: Callable[[Loose], Callable[..., Tensor]]) -> tuple[Misconception, ...]:
    """The misconceptions; whole makes a student's function from a loss."""

    def slip(
        said: Callable[[Tensor], Tensor] = lambda teacher: teacher.argmax(-1),
        label: slips.Loss = slips.smoothed,
        word: slips.Loss = slips.plain,
        total: Callable[[Tensor, Tensor], Tensor] = lambda one, other: (one + other) / 2,
    ) -> Callable[..., Tensor]:
        return whole(
            lambda first, second, teacher, labels, smoothing: total(
                label(first, labels, smoothing), word(second, said(teacher), smoothing)
            )
        )

    def each(both: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
        return whole(_image_by_image(both))

    return (
        Misconception(
            "teachers-logits",
            "The target is the teacher's logits or log-probabilities, as if they were probabilities. Use its label: "
            "the index of its most likely class.",
            slip(said=lambda teacher: teacher),
            slip(said=lambda teacher: teacher.log_softmax(-1)),
        ),
        Misconception(
            "squared-distance",
            "The teacher's half is a squared distance. Use a cross-entropy with the teacher's label as the target.",
            slip(said=lambda teacher: teacher, word=slips.squared),
        ),
        Misconception(
            "least-likely",
            "The target is the teacher's least likely class. Use its most likely class.",
            slip(said=lambda teacher: teacher.argmin(-1)),
        ),
        Misconception(
            "second-likeliest",
            "The target is the teacher's second most likely class. Use its most likely class.",
            slip(said=lambda teacher: teacher.argsort(-1)[:, -2]),
        ),
        Misconception(
            "largest-over-the-batch",
            "The argmax runs over the batch and finds the most likely image for each class. Find the most likely "
            "class of each image, along the last axis.",
            slip(said=lambda teacher: teacher.argmax(0)),
            whole(_by_column),
        ),
        Misconception(
            "argmax-without-an-axis",
            "`argmax` without an axis counts through all numbers of the batch and returns a single index, usually "
            "not a class. Each image has a most likely class: pass the axis.",
            slip(said=lambda teacher: teacher.argmax().expand(len(teacher))),
        ),
        Misconception(
            "largest-logit-as-a-class",
            "The largest logit itself is used as a class index. Use its index: `max` returns both, and `argmax` only "
            "the index.",
            slip(said=lambda teacher: teacher.max(-1).values.long()),
            slip(said=lambda teacher: teacher.max(-1).values.round().long()),
        ),
        Misconception(
            "one-word-for-all",
            "There is one teacher's label for the whole batch. It has a most likely class for each image.",
            slip(said=lambda teacher: teacher.mean(0).argmax().expand(len(teacher))),
            slip(said=lambda teacher: teacher.softmax(-1).mean(0).argmax().expand(len(teacher))),
            slip(said=lambda teacher: teacher[0].argmax().expand(len(teacher))),
            slip(said=lambda teacher: (teacher.argmax() % teacher.shape[1]).expand(len(teacher))),
            slip(said=lambda teacher: teacher.argmax(-1).mode().values.expand(len(teacher))),
        ),
        Misconception(
            "both-smoothed",
            "The teacher's label is smoothed too. Smooth only the true labels.",
            slip(word=slips.smoothed),
        ),
        Misconception(
            "word-smoothed",
            "The teacher's label is smoothed instead of the true label. Smooth only the true labels.",
            slip(label=slips.plain, word=slips.smoothed),
        ),
        Misconception(
            "not-smoothed",
            "The label is not smoothed: spread the share `smoothing` of it over all classes.",
            slip(label=slips.plain),
        ),
        Misconception(
            "fixed-smoothing",
            "The label is always smoothed by the same amount. 0.1 is only the default: use `smoothing`.",
            slip(label=lambda logits, labels, smoothing: slips.smoothed(logits, labels, 0.1)),
            slip(
                label=lambda z, y, _: slips.smoothed(z, y, 0.1), word=lambda z, said, _: slips.smoothed(z, said, 0.1)
            ),
            slip(label=lambda logits, labels, smoothing: slips.smoothed(logits, labels, 0.2)),
        ),
        Misconception(
            "smoothing-turned-round",
            "The label keeps the share `smoothing`, and the rest is spread. Spread `smoothing`, like PyTorch's "
            "`label_smoothing`.",
            slip(label=lambda logits, labels, smoothing: slips.smoothed(logits, labels, 1 - smoothing)),
        ),
        Misconception(
            "divided-twice",
            "Only `smoothing` divided by the number of classes is spread. Spread the whole share: PyTorch's "
            "`label_smoothing` is that share, and PyTorch divides it among the classes itself.",
            slip(
                label=lambda logits, labels, smoothing: slips.smoothed(logits, labels, smoothing / logits.shape[-1])
            ),
        ),
        Misconception(
            "others-only",
            "The label's share goes only to the other classes, as the slide and the paper print it. Here, spread it "
            "over all classes, including the right one.",
            slip(label=slips.OTHERS_ONLY),
        ),
        Misconception(
            "right-class-gets-no-part",
            "The smoothed label does not sum to one: its own class gets 1 − ε and no part of the share. Spread the "
            "share over all classes.",
            slip(label=slips.NO_PART),
        ),
        Misconception(
            "share-not-taken-away",
            "The share is spread but not subtracted from the right class, so the smoothed label sums to more than "
            "one. Subtract it first.",
            slip(label=slips.NOT_TAKEN[0]),
            *tuple(slip(label=label) for label in slips.NOT_TAKEN[1:]),
        ),
        Misconception(
            "share-given-to-nobody",
            "The share ε is subtracted from the right class but not spread: the smoothed label sums to 1 − ε. Spread "
            "it over all classes.",
            slip(label=slips.NOBODY),
        ),
        Misconception(
            "share-not-divided",
            "In the smoothed label, each of the other classes gets the whole share ε. It is one share for all "
            "classes: divide it.",
            slip(label=slips.NOT_DIVIDED),
        ),
        Misconception(
            "added-whole",
            "The two parts are added without the halves. Each has weight one half.",
            slip(total=lambda one, other: one + other),
        ),
        Misconception(
            "one-half-forgotten",
            "Only one of the two parts is halved. Each has weight one half: are brackets missing?",
            slip(total=lambda one, other: 0.5 * one + other),
            slip(total=lambda one, other: one + 0.5 * other),
        ),
        Misconception(
            "halved-twice",
            "The two parts are halved twice, so each has weight one quarter. Halve them once.",
            slip(total=lambda one, other: (one + other) / 4),
        ),
        Misconception(
            "one-part-for-each-picture",
            "Each image has only one of the two parts, depending on whether the teacher is right. Every image has "
            "both, half of each.",
            each(lambda one, other, agree, likely: torch.where(agree, one, other).mean()),
            each(lambda one, other, agree, likely: torch.where(agree, other, one).mean()),
            each(lambda one, other, agree, likely: torch.where(agree, one, other).mean() / 2),
            each(lambda one, other, agree, likely: torch.where(agree, other, one).mean() / 2),
        ),
        Misconception(
            "word-only-where-right",
            "The teacher's label counts only if it is the true label. It counts for every image, even if the teacher "
            "is wrong.",
            each(lambda one, other, agree, likely: (one.mean() + (other * agree).mean()) / 2),
            each(lambda one, other, agree, likely: (one.mean() + other[agree].mean()) / 2),
            each(lambda one, other, agree, likely: (one.mean() + other[agree].sum() / agree.sum().clamp(1)) / 2),
        ),
        Misconception(
            "weighted-with-the-teachers-probability",
            "The teacher's part is weighted with the teacher's confidence. Its label counts equally for every image.",
            each(lambda one, other, agree, likely: (one.mean() + (likely * other).mean()) / 2),
            each(lambda one, other, agree, likely: (one.mean() + (likely * other).sum() / likely.sum()) / 2),
        ),
        Misconception(
            "softmax-twice",
            "A softmax is applied twice: `F.cross_entropy` needs logits and includes the softmax.",
            slip(label=slips.softmax_first(slips.smoothed), word=slips.softmax_first(slips.plain)),
            slip(label=slips.softmax_first(slips.smoothed)),
            slip(word=slips.softmax_first(slips.plain)),
        ),
        Misconception(
            "nll-of-logits",
            "`F.nll_loss` needs log-probabilities, but gets something else. Use `F.cross_entropy` with logits.",
            slip(word=slips.nll),
            slip(word=slips.softmax_first(slips.nll)),
            slip(label=slips.nll, word=slips.nll),
            slip(label=slips.nll),
        ),
        Misconception(
            "summed-over-the-batch",
            "Losses are summed over the batch, so they grow with its size. Take the mean over the images.",
            slip(label=slips.summed, word=slips.summed_plain),
            slip(label=slips.summed),
            slip(word=slips.summed_plain),
        ),
        Misconception(
            "teachers-probabilities",
            "The teacher's probabilities are the target, as in soft distillation at τ = 1. Here the target is its "
            "label, the most likely class.",
            slip(said=lambda teacher: teacher.softmax(-1)),
            slip(said=lambda teacher: teacher.softmax(-1), word=slips.divergence),
        ),
    )
