"""Wrong answers that hard distillation and its form with two heads share."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb07_distillation import parts as slips

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
    return (slips.smoothed(first, labels, smoothing) + F.cross_entropy(second[: len(said)], said)) / 2


def shared(whole: Callable[[Loose], Callable[..., Tensor]]) -> tuple[Misconception, ...]:
    """The wrong answers; whole makes a student's function of a loss."""

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
        return whole(_picture_by_picture(both))

    return (
        Misconception(
            "teachers-logits",
            "The teacher's logits, or their logarithms after a softmax, are the target, as if they were probabilities. Its "
            "word is asked for: the number of its likeliest class.",
            slip(said=lambda teacher: teacher),
            slip(said=lambda teacher: teacher.log_softmax(-1)),
        ),
        Misconception(
            "squared-distance",
            "The teacher's half is a squared distance. It is a cross entropy, with the teacher's word as the target.",
            slip(said=lambda teacher: teacher, word=slips.squared),
        ),
        Misconception(
            "least-likely",
            "The class that the teacher finds least likely is the target. Its word is the likeliest.",
            slip(said=lambda teacher: teacher.argmin(-1)),
        ),
        Misconception(
            "second-likeliest",
            "The class that the teacher finds second likeliest is the target. Its word is the likeliest.",
            slip(said=lambda teacher: teacher.argsort(-1)[:, -2]),
        ),
        Misconception(
            "largest-over-the-batch",
            "The largest logit is looked for over the batch: which picture is likeliest for each class. Look for the "
            "likeliest class of each picture, along the last axis.",
            slip(said=lambda teacher: teacher.argmax(0)),
            whole(_by_column),
        ),
        Misconception(
            "argmax-without-an-axis",
            "`argmax` without an axis counts through the numbers of all the pictures and gives a single place, which is "
            "mostly no class at all. Each picture has a likeliest class: name the axis.",
            slip(said=lambda teacher: teacher.argmax().expand(len(teacher))),
        ),
        Misconception(
            "largest-logit-as-a-class",
            "The largest logit itself is used as a class number. Its place is asked for: `max` gives both, and `argmax` the "
            "place alone.",
            slip(said=lambda teacher: teacher.max(-1).values.long()),
            slip(said=lambda teacher: teacher.max(-1).values.round().long()),
        ),
        Misconception(
            "one-word-for-all",
            "The teacher says one word for the whole batch. It has a likeliest class for each picture.",
            slip(said=lambda teacher: teacher.mean(0).argmax().expand(len(teacher))),
            slip(said=lambda teacher: teacher.softmax(-1).mean(0).argmax().expand(len(teacher))),
            slip(said=lambda teacher: teacher[0].argmax().expand(len(teacher))),
            slip(said=lambda teacher: (teacher.argmax() % teacher.shape[1]).expand(len(teacher))),
            slip(said=lambda teacher: teacher.argmax(-1).mode().values.expand(len(teacher))),
        ),
        Misconception(
            "both-smoothed",
            "The teacher's word is smoothed too. Only the true labels are.",
            slip(word=slips.smoothed),
        ),
        Misconception(
            "word-smoothed",
            "The smoothing is on the teacher's word instead of on the true label.",
            slip(label=slips.plain, word=slips.smoothed),
        ),
        Misconception(
            "not-smoothed",
            "The label is not smoothed: a share of it, `smoothing`, is to be spread over all classes.",
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
            "The label keeps the share that should be spread, and the rest is spread. PyTorch's `label_smoothing` is what "
            "is spread, as `smoothing` is here.",
            slip(label=lambda logits, labels, smoothing: slips.smoothed(logits, labels, 1 - smoothing)),
        ),
        Misconception(
            "divided-twice",
            "Only `smoothing` divided by the number of classes is spread over them. The whole share is to be spread; "
            "PyTorch's `label_smoothing` is that share, and PyTorch divides it among the classes itself.",
            slip(
                label=lambda logits, labels, smoothing: slips.smoothed(logits, labels, smoothing / logits.shape[-1])
            ),
        ),
        Misconception(
            "others-only",
            "The label's share goes to the other classes only, as the slide and the paper print it. Here it is spread over "
            "all classes, the right one among them.",
            slip(label=slips.OTHERS_ONLY),
        ),
        Misconception(
            "right-class-gets-no-part",
            "The smoothed label does not sum to one: its own class gets 1 − ε and no part of what is spread over all "
            "classes.",
            slip(label=slips.NO_PART),
        ),
        Misconception(
            "share-not-taken-away",
            "What is spread over the classes is not taken away from the right one first, so the smoothed label sums to more "
            "than one.",
            slip(label=slips.NOT_TAKEN[0]),
            *tuple(slip(label=label) for label in slips.NOT_TAKEN[1:]),
        ),
        Misconception(
            "share-given-to-nobody",
            "The share ε is taken away from the right class, and no class gets it: the smoothed label sums to 1 − ε.",
            slip(label=slips.NOBODY),
        ),
        Misconception(
            "share-not-divided",
            "In the smoothed label each of the other classes gets the whole share ε. It is one share for all of them "
            "together: divide it.",
            slip(label=slips.NOT_DIVIDED),
        ),
        Misconception(
            "added-whole",
            "The two parts are added without the halves. Each counts one half.",
            slip(total=lambda one, other: one + other),
        ),
        Misconception(
            "one-half-forgotten",
            "Only one of the two parts is halved. Each counts one half: are brackets missing?",
            slip(total=lambda one, other: 0.5 * one + other),
            slip(total=lambda one, other: one + 0.5 * other),
        ),
        Misconception(
            "halved-twice",
            "The two parts are halved twice, so that each counts a quarter.",
            slip(total=lambda one, other: (one + other) / 4),
        ),
        Misconception(
            "one-part-for-each-picture",
            "Each picture has only one of the two parts: which one depends on whether the teacher is right about it. Every "
            "picture has both, half of each.",
            each(lambda one, other, agree, likely: torch.where(agree, one, other).mean()),
            each(lambda one, other, agree, likely: torch.where(agree, other, one).mean()),
            each(lambda one, other, agree, likely: torch.where(agree, one, other).mean() / 2),
            each(lambda one, other, agree, likely: torch.where(agree, other, one).mean() / 2),
        ),
        Misconception(
            "word-only-where-right",
            "The teacher's word counts only where it is the true label. It counts for every picture, also where the teacher "
            "is wrong.",
            each(lambda one, other, agree, likely: (one.mean() + (other * agree).mean()) / 2),
            each(lambda one, other, agree, likely: (one.mean() + other[agree].mean()) / 2),
            each(lambda one, other, agree, likely: (one.mean() + other[agree].sum() / agree.sum().clamp(1)) / 2),
        ),
        Misconception(
            "weighted-with-the-teachers-probability",
            "The teacher's part is weighted with how sure the teacher is. Its word counts equally for every picture, however "
            "sure it is.",
            each(lambda one, other, agree, likely: (one.mean() + (likely * other).mean()) / 2),
            each(lambda one, other, agree, likely: (one.mean() + (likely * other).sum() / likely.sum()) / 2),
        ),
        Misconception(
            "softmax-twice",
            "A softmax is taken twice: `F.cross_entropy` takes logits, and its softmax is inside.",
            slip(label=slips.softmax_first(slips.smoothed), word=slips.softmax_first(slips.plain)),
            slip(label=slips.softmax_first(slips.smoothed)),
            slip(word=slips.softmax_first(slips.plain)),
        ),
        Misconception(
            "nll-of-logits",
            "`F.nll_loss` wants log-probabilities, and is given something else. `F.cross_entropy` takes logits.",
            slip(word=slips.nll),
            slip(word=slips.softmax_first(slips.nll)),
            slip(label=slips.nll, word=slips.nll),
            slip(label=slips.nll),
        ),
        Misconception(
            "summed-over-the-batch",
            "Losses are summed over the batch, so they grow with its size. Take the mean over the pictures.",
            slip(label=slips.summed, word=slips.summed_plain),
            slip(label=slips.summed),
            slip(word=slips.summed_plain),
        ),
        Misconception(
            "teachers-probabilities",
            "The teacher's probabilities are the target, as in soft distillation at τ = 1. Here its word counts, the "
            "likeliest class.",
            slip(said=lambda teacher: teacher.softmax(-1)),
            slip(said=lambda teacher: teacher.softmax(-1), word=slips.divergence),
        ),
    )
