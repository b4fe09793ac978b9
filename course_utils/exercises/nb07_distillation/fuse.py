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
    large[2:] -= 100  # rows that are far below the others
    return [
        Wild(
            "large-logits",
            (large, extreme(g, 4, 5)),
            "logits are near ±100, and some rows far below others",
            "`exp` of such a number is infinite, or zero: `softmax` subtracts the largest of each row first.",
        ),
        Wild("one-picture", (logits(g, 1, 4), logits(g, 1, 4)), "the batch has a single picture"),
        Wild(
            "other-layout",
            (logits(g, 5, 4).mT, logits(g, 5, 4).mT),
            "the logits are transposed tensors",
            "`.view` refuses to merge axes that lie apart in memory: `.reshape` does not mind.",
        ),
    ]


def _of_softmaxes(both: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """A slip in how the two softmaxes are put together."""
    return lambda label_logits, distillation_logits: both(label_logits.softmax(-1), distillation_logits.softmax(-1))


def _of_logits(both: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """A slip that puts the logits together."""
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
        "Add the two softmaxes of a picture, on paper: to what does the row sum?",
        "Bring it to one without changing which class is ahead: every number by the same factor.",
    ),
    misconceptions=(
        Misconception(
            "logits-averaged",
            "The logits are averaged and then the softmax is taken. timm does it that way; the paper and the slide add "
            "the softmaxes. With logits, one head can rule a class out all by itself.",
            _of_logits(lambda one, other: ((one + other) / 2).softmax(-1)),
        ),
        Misconception(
            "logits-added",
            "What is normalised is the product of the two softmaxes, which is the same as a softmax of the added logits. "
            "The paper and the slide add the softmaxes themselves.",
            _of_logits(lambda one, other: (one + other).softmax(-1)),
        ),
        Misconception(
            "rows-sum-to-two",
            "The rows sum to two. The order of the classes is right, but the probabilities of a picture sum to one.",
            _of_softmaxes(lambda one, other: one + other),
        ),
        Misconception(
            "softmax-again",
            "A softmax is taken of probabilities, to bring the rows to one. It does, but it makes them nearly alike. Which "
            "factor brings a sum of two softmaxes to one?",
            _of_softmaxes(lambda one, other: (one + other).softmax(-1)),
            _of_softmaxes(lambda one, other: ((one + other) / 2).softmax(-1)),
        ),
        Misconception(
            "class-head-only", "The distillation token's head is not asked.", _of_softmaxes(lambda one, other: one)
        ),
        Misconception(
            "distillation-head-only", "The class token's head is not asked.", _of_softmaxes(lambda one, other: other)
        ),
        Misconception(
            "surer-head",
            "For each picture only the surer head is asked. Both count equally: their softmaxes are added.",
            _of_softmaxes(_surer),
        ),
        Misconception(
            "larger-of-the-two",
            "The larger of the two probabilities is taken, class by class. The slide adds them.",
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
            "The softmax runs over the batch (dim 0): each class's probabilities sum to one over the pictures. It runs "
            "over the classes, the last axis.",
            lambda label_logits, distillation_logits: (label_logits.softmax(0) + distillation_logits.softmax(0)) / 2,
            lambda label_logits, distillation_logits: label_logits.softmax(0) + distillation_logits.softmax(0),
        ),
        Misconception(
            "softmax-over-the-heads",
            "The softmax runs over the two heads, class by class: it asks which head is surer of a class. It runs over "
            "the classes, head by head.",
            _of_logits(lambda one, other: torch.stack([one, other]).softmax(0).mean(0)),
            _of_logits(lambda one, other: torch.stack([one, other]).softmax(0).sum(0)),
        ),
        Misconception(
            "one-softmax-for-both",
            "The two heads share one softmax, so the one with the larger logits counts more. Each has a softmax of its own, "
            "and then they count equally.",
            _of_logits(
                lambda one, other: (one.exp() + other.exp()) / (one.exp() + other.exp()).sum(-1, keepdim=True)
            ),
        ),
        Misconception(
            "geometric-mean",
            "The two probabilities are multiplied, as they are when logarithms are averaged, and the rows sum to less "
            "than one. Added, they would let either head speak up for a class.",
            _of_softmaxes(lambda one, other: (one * other).sqrt()),
            _of_softmaxes(torch.mul),
        ),
        Misconception(
            "sigmoids",
            "A sigmoid is taken of each logit on its own, so the rows do not sum to one. The classes exclude each other: "
            "that is a softmax.",
            _of_logits(lambda one, other: (one.sigmoid() + other.sigmoid()) / 2),
            _of_logits(lambda one, other: ((one + other) / 2).sigmoid()),
        ),
        Misconception(
            "sigmoids-divided-by-their-sum",
            "A sigmoid is taken of each logit on its own, and then the rows are divided by their sums. They sum to one, but "
            "they are not the softmaxes added: a softmax divides exponentials by their sum.",
            _of_logits(lambda one, other: _share(one.sigmoid() + other.sigmoid())),
            _of_logits(lambda one, other: (_share(one.sigmoid()) + _share(other.sigmoid())) / 2),
        ),
        Misconception(
            "logits-divided-by-their-sum",
            "The logits themselves are divided by their sums. The rows sum to one, but numbers can be negative or above "
            "one: a softmax takes exponentials first, head by head.",
            _of_logits(lambda one, other: _share(one + other)),
            _of_logits(lambda one, other: (_share(one) + _share(other)) / 2),
        ),
        Misconception(
            "keepdim-missing",
            "A sum over the classes has lost its axis: it has the shape (batch,), and divides column by column, where it "
            "fits at all. `keepdim=True` keeps the axis.",
            _of_softmaxes(lambda one, other: (one + other) / (one + other).sum(-1)),
            _of_logits(lambda one, other: (_without_keepdim(one) + _without_keepdim(other)) / 2),
            _of_logits(lambda one, other: _without_keepdim(one) + _without_keepdim(other)),
        ),
        Misconception(
            "divided-by-the-classes",
            "The sum of the two softmaxes is divided by the number of classes. To what does a row of that sum come, however "
            "many classes there are?",
            _of_softmaxes(lambda one, other: (one + other) / one.shape[-1]),
            _of_softmaxes(lambda one, other: (one + other) / 2 / one.shape[-1]),
        ),
        Misconception(
            "batch-sums-to-one",
            "The whole batch sums to one. Each picture's row should: divide row by row.",
            _of_softmaxes(lambda one, other: (one + other) / (one + other).sum()),
        ),
        Misconception(
            "softened",
            "The logits are divided by 2 before the softmax, which makes every head less sure. Fusing has no temperature.",
            _of_logits(lambda one, other: ((one / 2).softmax(-1) + (other / 2).softmax(-1)) / 2),
        ),
        Misconception(
            "no-softmax",
            "These are still logits: no softmax has been taken.",
            _of_logits(lambda one, other: (one + other) / 2),
            _of_logits(torch.add),
        ),
        Misconception(
            "logarithms",
            "These are logarithms. The answer is asked for as probabilities.",
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
            "The winner gets 1 and every other class 0. The answer is asked for as probabilities: how sure are the heads?",
            _of_softmaxes(lambda one, other: F.one_hot((one + other).argmax(-1), one.shape[-1]).float()),
        ),
        Misconception(
            "class-numbers",
            "These are class numbers. The answer is asked for as probabilities, one for each class.",
            _of_softmaxes(lambda one, other: (one + other).argmax(-1)),
        ),
    ),
)
