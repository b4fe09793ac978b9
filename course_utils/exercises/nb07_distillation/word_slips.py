"""Wrong answers that hard distillation and its form with two heads share."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb07_distillation.parts import (
    NO_PART,
    NOBODY,
    NOT_DIVIDED,
    NOT_TAKEN,
    OTHERS_ONLY,
    Loss,
    divergence,
    nll,
    plain,
    smoothed,
    softmax_first,
    squared,
    summed,
    summed_plain,
)

# Logits that meet the label, logits that meet the word, the teacher's logits, labels and smoothing → the loss
Loose = Callable[[Tensor, Tensor, Tensor, Tensor, float], Tensor]


def _picture_by_picture(both: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]) -> Loose:
    """A slip in how the two losses of each picture are put together: of both losses, of where the teacher is right, and
    of its probability for its word.
    """

    def wrong(first: Tensor, second: Tensor, teacher: Tensor, labels: Tensor, smoothing: float) -> Tensor:
        likely, word = teacher.softmax(-1).max(-1)
        from_label = F.cross_entropy(first, labels, label_smoothing=smoothing, reduction="none")
        return both(from_label, F.cross_entropy(second, word, reduction="none"), word == labels, likely)

    return wrong


def _by_column(first: Tensor, second: Tensor, teacher: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """Which picture is likeliest for each class, cut to as many as there are pictures."""
    said = teacher.argmax(0)[: len(second)]
    return (smoothed(first, labels, smoothing) + F.cross_entropy(second[: len(said)], said)) / 2


def shared(whole: Callable[[Loose], Callable[..., Tensor]]) -> tuple[Misconception, ...]:
    """The wrong answers; whole makes a student's function of a loss."""

    def slip(
        said: Callable[[Tensor], Tensor] = lambda teacher: teacher.argmax(-1),
        label: Loss = smoothed,
        word: Loss = plain,
        total: Callable[[Tensor, Tensor], Tensor] = lambda one, other: (one + other) / 2,
    ) -> Callable[..., Tensor]:
        return whole(
            lambda first, second, teacher, labels, smoothing: total(
                label(first, labels, smoothing), word(second, said(teacher), smoothing)
            )
        )

    def each(both: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
        return whole(_picture_by_picture(both))

    return (
        Misconception(
            slip(said=lambda teacher: teacher),
            "The teacher's logits, or their logarithms after a softmax, are the target, as if they were probabilities. Its "
            "word is asked for: the number of its likeliest class.",
            name="teachers-logits",
            also=(slip(said=lambda teacher: teacher.log_softmax(-1)),),
        ),
        Misconception(
            slip(said=lambda teacher: teacher, word=squared),
            "The teacher's half is a squared distance. It is a cross entropy, with the teacher's word as the target.",
            name="squared-distance",
        ),
        Misconception(
            slip(said=lambda teacher: teacher.argmin(-1)),
            "The class that the teacher finds least likely is the target. Its word is the likeliest.",
            name="least-likely",
        ),
        Misconception(
            slip(said=lambda teacher: teacher.argsort(-1)[:, -2]),
            "The class that the teacher finds second likeliest is the target. Its word is the likeliest.",
            name="second-likeliest",
        ),
        Misconception(
            slip(said=lambda teacher: teacher.argmax(0)),
            "The largest logit is looked for over the batch: which picture is likeliest for each class. Look for the "
            "likeliest class of each picture, along the last axis.",
            name="largest-over-the-batch",
            also=(whole(_by_column),),
        ),
        Misconception(
            slip(said=lambda teacher: teacher.argmax().expand(len(teacher))),
            "`argmax` without an axis counts through the numbers of all the pictures and gives a single place, which is "
            "mostly no class at all. Each picture has a likeliest class: name the axis.",
            name="argmax-without-an-axis",
        ),
        Misconception(
            slip(said=lambda teacher: teacher.max(-1).values.long()),
            "The largest logit itself is used as a class number. Its place is asked for: `max` gives both, and `argmax` the "
            "place alone.",
            name="largest-logit-as-a-class",
            also=(slip(said=lambda teacher: teacher.max(-1).values.round().long()),),
        ),
        Misconception(
            slip(said=lambda teacher: teacher.mean(0).argmax().expand(len(teacher))),
            "The teacher says one word for the whole batch. It has a likeliest class for each picture.",
            name="one-word-for-all",
            also=(
                slip(said=lambda teacher: teacher.softmax(-1).mean(0).argmax().expand(len(teacher))),
                slip(said=lambda teacher: teacher[0].argmax().expand(len(teacher))),
                slip(said=lambda teacher: (teacher.argmax() % teacher.shape[1]).expand(len(teacher))),
                slip(said=lambda teacher: teacher.argmax(-1).mode().values.expand(len(teacher))),
            ),
        ),
        Misconception(
            slip(word=smoothed),
            "The teacher's word is smoothed too. Only the true labels are.",
            name="both-smoothed",
        ),
        Misconception(
            slip(label=plain, word=smoothed),
            "The smoothing is on the teacher's word instead of on the true label.",
            name="word-smoothed",
        ),
        Misconception(
            slip(label=plain),
            "The label is not smoothed: a share of it, `smoothing`, is to be spread over all classes.",
            name="not-smoothed",
        ),
        Misconception(
            slip(label=lambda logits, labels, smoothing: smoothed(logits, labels, 0.1)),
            "The label is always smoothed by the same amount. 0.1 is only the default: use `smoothing`.",
            name="fixed-smoothing",
            also=(
                slip(label=lambda z, y, _: smoothed(z, y, 0.1), word=lambda z, said, _: smoothed(z, said, 0.1)),
                slip(label=lambda logits, labels, smoothing: smoothed(logits, labels, 0.2)),
            ),
        ),
        Misconception(
            slip(label=lambda logits, labels, smoothing: smoothed(logits, labels, 1 - smoothing)),
            "The label keeps the share that should be spread, and the rest is spread. PyTorch's `label_smoothing` is what "
            "is spread, as `smoothing` is here.",
            name="smoothing-turned-round",
        ),
        Misconception(
            slip(label=lambda logits, labels, smoothing: smoothed(logits, labels, smoothing / logits.shape[-1])),
            "Only `smoothing` divided by the number of classes is spread over them. The whole share is to be spread; "
            "PyTorch's `label_smoothing` is that share, and PyTorch divides it among the classes itself.",
            name="divided-twice",
        ),
        Misconception(
            slip(label=OTHERS_ONLY),
            "The label's share goes to the other classes only, as the slide and the paper print it. Here it is spread over "
            "all classes, the right one among them.",
            name="others-only",
        ),
        Misconception(
            slip(label=NO_PART),
            "The smoothed label does not sum to one: its own class gets 1 − ε and no part of what is spread over all "
            "classes.",
            name="right-class-gets-no-part",
        ),
        Misconception(
            slip(label=NOT_TAKEN[0]),
            "What is spread over the classes is not taken away from the right one first, so the smoothed label sums to more "
            "than one.",
            name="share-not-taken-away",
            also=tuple(slip(label=label) for label in NOT_TAKEN[1:]),
        ),
        Misconception(
            slip(label=NOBODY),
            "The share ε is taken away from the right class, and no class gets it: the smoothed label sums to 1 − ε.",
            name="share-given-to-nobody",
        ),
        Misconception(
            slip(label=NOT_DIVIDED),
            "In the smoothed label each of the other classes gets the whole share ε. It is one share for all of them "
            "together: divide it.",
            name="share-not-divided",
        ),
        Misconception(
            slip(total=lambda one, other: one + other),
            "The two parts are added without the halves. Each counts one half.",
            name="added-whole",
        ),
        Misconception(
            slip(total=lambda one, other: 0.5 * one + other),
            "Only one of the two parts is halved. Each counts one half: are brackets missing?",
            name="one-half-forgotten",
            also=(slip(total=lambda one, other: one + 0.5 * other),),
        ),
        Misconception(
            slip(total=lambda one, other: (one + other) / 4),
            "The two parts are halved twice, so that each counts a quarter.",
            name="halved-twice",
        ),
        Misconception(
            each(lambda one, other, agree, likely: torch.where(agree, one, other).mean()),
            "Each picture has only one of the two parts: which one depends on whether the teacher is right about it. Every "
            "picture has both, half of each.",
            name="one-part-for-each-picture",
            also=(
                each(lambda one, other, agree, likely: torch.where(agree, other, one).mean()),
                each(lambda one, other, agree, likely: torch.where(agree, one, other).mean() / 2),
                each(lambda one, other, agree, likely: torch.where(agree, other, one).mean() / 2),
            ),
        ),
        Misconception(
            each(lambda one, other, agree, likely: (one.mean() + (other * agree).mean()) / 2),
            "The teacher's word counts only where it is the true label. It counts for every picture, also where the teacher "
            "is wrong.",
            name="word-only-where-right",
            also=(
                each(lambda one, other, agree, likely: (one.mean() + other[agree].mean()) / 2),
                each(lambda one, other, agree, likely: (one.mean() + other[agree].sum() / agree.sum().clamp(1)) / 2),
            ),
        ),
        Misconception(
            each(lambda one, other, agree, likely: (one.mean() + (likely * other).mean()) / 2),
            "The teacher's part is weighted with how sure the teacher is. Its word counts equally for every picture, however "
            "sure it is.",
            name="weighted-with-the-teachers-probability",
            also=(each(lambda one, other, agree, likely: (one.mean() + (likely * other).sum() / likely.sum()) / 2),),
        ),
        Misconception(
            slip(label=softmax_first(smoothed), word=softmax_first(plain)),
            "A softmax is taken twice: `F.cross_entropy` takes logits, and its softmax is inside.",
            name="softmax-twice",
            also=(slip(label=softmax_first(smoothed)), slip(word=softmax_first(plain))),
        ),
        Misconception(
            slip(word=nll),
            "`F.nll_loss` wants log-probabilities, and is given something else. `F.cross_entropy` takes logits.",
            name="nll-of-logits",
            also=(slip(word=softmax_first(nll)), slip(label=nll, word=nll), slip(label=nll)),
        ),
        Misconception(
            slip(label=summed, word=summed_plain),
            "Losses are summed over the batch, so they grow with its size. Take the mean over the pictures.",
            name="summed-over-the-batch",
            also=(slip(label=summed), slip(word=summed_plain)),
        ),
        Misconception(
            slip(said=lambda teacher: teacher.softmax(-1)),
            "The teacher's probabilities are the target, as in soft distillation at τ = 1. Here its word counts, the "
            "likeliest class.",
            name="teachers-probabilities",
            also=(slip(said=lambda teacher: teacher.softmax(-1), word=divergence),),
        ),
    )
