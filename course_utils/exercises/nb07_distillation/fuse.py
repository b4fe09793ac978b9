"""One answer from two heads."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.exercises.nb07_distillation.parts import cases_of_logits, extreme, logits
from course_utils.models.deit import fuse


def _cases(g: Generator) -> list[Arguments]:
    return [(one, other) for one, other, _ in cases_of_logits(g)]


def _wild(g: Generator) -> list[Wild]:
    large = extreme(g, 4, 5)
    large[2:] -= 100  # rows with much smaller logits
    return [
        Wild(
            "large-logits",
            (large, extreme(g, 4, 5)),
            "logits are near ±100, and some rows are far below others",
            "`exp` of such a number is infinite, or zero: `softmax` subtracts the largest of each row first.",
        ),
        Wild("one-picture", (logits(g, 1, 4), logits(g, 1, 4)), "the batch has a single image"),
        Wild(
            "other-layout",
            (logits(g, 5, 4).mT, logits(g, 5, 4).mT),
            "the logits are transposed tensors",
            "`.view` cannot merge axes that are not contiguous in memory: use `.reshape`.",
        ),
    ]


def _of_softmaxes(both: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """A mistake in how the two softmaxes are combined."""
    return lambda label_logits, distillation_logits: both(label_logits.softmax(-1), distillation_logits.softmax(-1))


def _of_logits(both: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """A mistake that combines the logits."""
    return lambda label_logits, distillation_logits: both(label_logits, distillation_logits)


def _share(numbers: Tensor) -> Tensor:
    """Each row divided by its sum."""
    return numbers / numbers.sum(-1, keepdim=True)


def _without_keepdim(of_head: Tensor) -> Tensor:
    return of_head.exp() / of_head.exp().sum(-1)


def _surer(one: Tensor, other: Tensor) -> Tensor:
    return torch.where(one.amax(-1, keepdim=True) >= other.amax(-1, keepdim=True), one, other)


FUSE = Exercise(
    name="07.fuse",
    title="One answer from two heads",
    reference=fuse,
    former=(("teacher_logits", "distillation_logits"),),
    learns=("label_logits", "distillation_logits"),
    cases=_cases,
    wild=_wild,
    hints=(
        "The slide: *softmax output is added*. Which comes first, the softmax or the sum? And over which axis does a "
        "softmax run?",
        "Add the two softmaxes of an image on paper: what is the sum of the row?",
        "Make it sum to one without changing the order of the classes: multiply every number by the same factor.",
    ),
    misconceptions=(
        Misconception(
            "logits-averaged",
            "The logits are averaged and then the softmax is taken. timm does it that way; the paper and the slide "
            "add the softmaxes. With logits, one head alone can rule out a class.",
            _of_logits(lambda one, other: ((one + other) / 2).softmax(-1)),
        ),
        Misconception(
            "logits-added",
            "You normalise the product of the two softmaxes, which equals a softmax of the summed logits. The paper "
            "and the slide add the softmaxes themselves.",
            _of_logits(lambda one, other: (one + other).softmax(-1)),
        ),
        Misconception(
            "rows-sum-to-two",
            "The rows sum to two. The order of the classes is right, but the probabilities of an image must sum to "
            "one.",
            _of_softmaxes(lambda one, other: one + other),
        ),
        Misconception(
            "softmax-again",
            "A softmax is applied to probabilities to make the rows sum to one. It does, but it makes them nearly "
            "equal. Which factor makes a sum of two softmaxes sum to one?",
            _of_softmaxes(lambda one, other: (one + other).softmax(-1)),
            _of_softmaxes(lambda one, other: ((one + other) / 2).softmax(-1)),
        ),
        Misconception(
            "class-head-only",
            ("The distillation token's head is not used. Add its softmax."),
            _of_softmaxes(lambda one, other: one),
        ),
        Misconception(
            "distillation-head-only",
            ("The class token's head is not used. Add its softmax."),
            _of_softmaxes(lambda one, other: other),
        ),
        Misconception(
            "surer-head",
            "For each image, only the more confident head is used. Both count equally: add their softmaxes.",
            _of_softmaxes(_surer),
        ),
        Misconception(
            "larger-of-the-two",
            "You take the larger of the two probabilities for each class. The slide adds them.",
            _of_softmaxes(torch.maximum),
            _of_softmaxes(lambda one, other: F.normalize(torch.maximum(one, other), p=1, dim=-1)),
        ),
        Misconception(
            "one-half-forgotten",
            "Only one of the two softmaxes is halved: are brackets missing?",
            _of_softmaxes(lambda one, other: one + other / 2),
            _of_softmaxes(lambda one, other: one / 2 + other),
        ),
        Misconception(
            "softmax-over-the-batch",
            "The softmax runs over the batch (dim 0): each class's probabilities sum to one over the images. Use the "
            "classes, the last axis.",
            lambda label_logits, distillation_logits: (label_logits.softmax(0) + distillation_logits.softmax(0)) / 2,
            lambda label_logits, distillation_logits: label_logits.softmax(0) + distillation_logits.softmax(0),
        ),
        Misconception(
            "softmax-over-the-heads",
            "The softmax runs over the two heads, so it compares the heads for each class. Apply it over the "
            "classes, separately for each head.",
            _of_logits(lambda one, other: torch.stack([one, other]).softmax(0).mean(0)),
            _of_logits(lambda one, other: torch.stack([one, other]).softmax(0).sum(0)),
        ),
        Misconception(
            "one-softmax-for-both",
            "The two heads share one softmax, so the one with the larger logits counts more. Use one softmax per "
            "head, so that they count equally.",
            _of_logits(
                lambda one, other: (one.exp() + other.exp()) / (one.exp() + other.exp()).sum(-1, keepdim=True)
            ),
        ),
        Misconception(
            "geometric-mean",
            "The two probabilities are multiplied, as happens if you average logarithms, and the rows sum to less "
            "than one. Add them, so that either head can support a class.",
            _of_softmaxes(lambda one, other: (one * other).sqrt()),
            _of_softmaxes(torch.mul),
        ),
        Misconception(
            "sigmoids",
            "A sigmoid is applied to each logit, so the rows do not sum to one. The classes exclude each other: use "
            "a softmax.",
            _of_logits(lambda one, other: (one.sigmoid() + other.sigmoid()) / 2),
            _of_logits(lambda one, other: ((one + other) / 2).sigmoid()),
        ),
        Misconception(
            "sigmoids-divided-by-their-sum",
            "A sigmoid is applied to each logit, and then the rows are divided by their sums. They sum to one, but "
            "they are not the sum of the softmaxes: a softmax divides exponentials by their sum.",
            _of_logits(lambda one, other: _share(one.sigmoid() + other.sigmoid())),
            _of_logits(lambda one, other: (_share(one.sigmoid()) + _share(other.sigmoid())) / 2),
        ),
        Misconception(
            "logits-divided-by-their-sum",
            "The logits themselves are divided by their sums. The rows sum to one, but numbers can be negative or "
            "above one: a softmax takes exponentials first, for each head.",
            _of_logits(lambda one, other: _share(one + other)),
            _of_logits(lambda one, other: (_share(one) + _share(other)) / 2),
        ),
        Misconception(
            "keepdim-missing",
            "A sum over the classes has lost its axis: it has the shape (batch,), so it divides the columns, if the "
            "shapes match at all. `keepdim=True` keeps the axis.",
            _of_softmaxes(lambda one, other: (one + other) / (one + other).sum(-1)),
            _of_logits(lambda one, other: (_without_keepdim(one) + _without_keepdim(other)) / 2),
            _of_logits(lambda one, other: _without_keepdim(one) + _without_keepdim(other)),
        ),
        Misconception(
            "divided-by-the-classes",
            "The sum of the two softmaxes is divided by the number of classes. What is the sum of a row, for any "
            "number of classes?",
            _of_softmaxes(lambda one, other: (one + other) / one.shape[-1]),
            _of_softmaxes(lambda one, other: (one + other) / 2 / one.shape[-1]),
        ),
        Misconception(
            "batch-sums-to-one",
            "The whole batch sums to one. Each image's row should: divide row by row.",
            _of_softmaxes(lambda one, other: (one + other) / (one + other).sum()),
        ),
        Misconception(
            "softened",
            "The logits are divided by 2 before the softmax, which makes every head less confident. There is no "
            "temperature here.",
            _of_logits(lambda one, other: ((one / 2).softmax(-1) + (other / 2).softmax(-1)) / 2),
        ),
        Misconception(
            "no-softmax",
            "These are still logits: the softmax is missing.",
            _of_logits(lambda one, other: (one + other) / 2),
            _of_logits(torch.add),
        ),
        Misconception(
            "logarithms",
            "These are logarithms. Return probabilities.",
            _of_softmaxes(lambda one, other: ((one + other) / 2).log()),
            _of_softmaxes(lambda one, other: (one + other).log()),
            _of_softmaxes(lambda one, other: (one.log() + other.log()) / 2),
            _of_softmaxes(lambda one, other: one.log() + other.log()),
        ),
        Misconception(
            "one-softmax-missing",
            "Only one of the two heads has a softmax: the other's logits are added to probabilities.",
            lambda label_logits, distillation_logits: (label_logits.softmax(-1) + distillation_logits) / 2,
            lambda label_logits, distillation_logits: (label_logits + distillation_logits.softmax(-1)) / 2,
        ),
        Misconception(
            "winner-takes-all",
            "The most likely class gets 1 and every other class 0. Return probabilities.",
            _of_softmaxes(lambda one, other: F.one_hot((one + other).argmax(-1), one.shape[-1]).float()),
        ),
        Misconception(
            "class-numbers",
            "These are class indices. Return probabilities, one per class.",
            _of_softmaxes(lambda one, other: (one + other).argmax(-1)),
        ),
    ),
)
