"""Taking the teacher at its word."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.exercises.nb07_distillation.parts import (
    LARGE,
    NO_PART,
    OTHERS_ONLY,
    Loss,
    cases_of_logits,
    divergence,
    extreme,
    logits,
    nll,
    plain,
    smoothed,
    softmax_first,
    squared,
    summed,
    summed_plain,
)
from course_utils.training.distill import hard_distillation


def _cases(g: Generator) -> list[Arguments]:
    first, *others = cases_of_logits(g)
    return [first, *((*each, smoothing) for each, smoothing in zip(others, (0.3, 0.6, 0.4), strict=True))]


def _wild(g: Generator) -> list[Wild]:
    student, teacher = logits(g, 4, 5), logits(g, 4, 5)
    return [
        Wild(
            "large-logits",
            (extreme(g, 4, 5), extreme(g, 4, 5).flip(-1), torch.tensor([0, 4, 2, 1]), 0.2),
            "logits are near ±100",
            f"{LARGE}, and `F.cross_entropy` uses it.",
        ),
        Wild(
            "class-without-a-label",
            (logits(g, 3, 6), logits(g, 3, 6), torch.tensor([2, 0, 1]), 0.3),
            "no picture of the batch has the last class as its label",
            "Take the number of classes from the logits: `F.one_hot(labels)` makes as many as it finds.",
        ),
        Wild(
            "no-smoothing",
            (student, teacher, torch.tensor([1, 4, 0, 2]), 0.0),
            "smoothing is 0",
            "Then nothing is spread: 0 is a number like any other, and nothing may be divided by it.",
        ),
        Wild(
            "one-picture",
            (logits(g, 1, 4), logits(g, 1, 4), torch.tensor([2]), 0.2),
            "the batch has a single picture",
        ),
        Wild(
            "other-layout",
            (student.mT.contiguous().mT, teacher.mT.contiguous().mT, torch.tensor([1, 4, 0, 2]), 0.1),
            "the logits are transposed tensors",
            "`.view` refuses to merge axes that lie apart in memory: `.reshape` does not mind.",
        ),
    ]


def _slip(
    said: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda student, teacher, labels: teacher.argmax(-1),
    label: Loss = smoothed,
    word: Loss = plain,
    total: Callable[[Tensor, Tensor, float], Tensor] = lambda one, other, smoothing: (one + other) / 2,
) -> Callable[..., Tensor]:
    """The loss with one of its parts replaced: the second target, either cross entropy, or how they are added."""

    def wrong(student: Tensor, teacher: Tensor, labels: Tensor, smoothing: float = 0.1) -> Tensor:
        target = said(student, teacher, labels)
        return total(label(student, labels, smoothing), word(student, target, smoothing), smoothing)

    return wrong


def _said(said: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """What the teacher says, of its logits alone."""
    return _slip(said=lambda student, teacher, labels: said(teacher))


def _total(total: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    return _slip(total=lambda one, other, smoothing: total(one, other))


def _exchanged(student: Tensor, teacher: Tensor, labels: Tensor, smoothing: float = 0.1) -> Tensor:
    return hard_distillation(teacher, student, labels, smoothing)


def _teacher_scored(target: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """The second half is a loss of the teacher's logits, not of the student's."""
    return lambda student, teacher, labels, smoothing=0.1: (
        0.5 * smoothed(student, labels, smoothing) + 0.5 * F.cross_entropy(teacher, target(student, labels))
    )


HARD_DISTILLATION = Exercise(
    name="07.hard_distillation",
    title="Take the teacher at its word",
    points=2,
    reference=hard_distillation,
    learns=("student",),
    cases=_cases,
    wild=_wild,
    hints=(
        "What the teacher says is a class number for each picture, of its likeliest class. Does it matter whether you take "
        "it of the logits or of the probabilities?",
        "Both halves are a cross entropy of the student's logits, with different targets. `F.cross_entropy` takes logits, "
        "and can smooth a target itself: look for the argument with `help(F.cross_entropy)`. Which target is smoothed?",
        "Half of the one plus half of the other; each is the mean over the batch already.",
    ),
    misconceptions=(
        Misconception(
            _said(lambda teacher: teacher.softmax(-1)),
            "The teacher's probabilities are the target: that is soft distillation at τ = 1. Here its word counts, "
            "the likeliest class.",
            name="teachers-probabilities",
            also=(
                _slip(
                    word=divergence,
                    said=lambda z, t, y: t.softmax(-1),
                ),
            ),
        ),
        Misconception(
            _said(lambda teacher: teacher),
            "The teacher's logits are the target, as if they were probabilities. Its word is asked for: the number of its "
            "likeliest class.",
            name="teachers-logits",
            also=(_said(lambda teacher: teacher.log_softmax(-1)),),
        ),
        Misconception(
            _slip(word=smoothed),
            "The teacher's word is smoothed too. Only the true labels are.",
            name="both-smoothed",
        ),
        Misconception(
            _slip(label=plain, word=smoothed),
            "The smoothing is on the teacher's word instead of on the true label.",
            name="word-smoothed",
        ),
        Misconception(
            _slip(label=plain),
            "The label is not smoothed: a share of it, `smoothing`, is to be spread over all classes.",
            name="not-smoothed",
        ),
        Misconception(
            _slip(label=lambda student, labels, smoothing: smoothed(student, labels, 1 - smoothing)),
            "The label keeps the share that should be spread, and the rest is spread. PyTorch's `label_smoothing` is what "
            "is spread, as `smoothing` is here.",
            name="smoothing-turned-round",
        ),
        Misconception(
            _slip(label=OTHERS_ONLY),
            "The label's share goes to the other classes only, as the slide and the paper print it. Here it is spread over "
            "all classes, the right one among them.",
            name="others-only",
        ),
        Misconception(
            _slip(label=NO_PART),
            "The smoothed label does not sum to one: its own class gets 1 − ε and no part of what is spread over all "
            "classes.",
            name="right-class-gets-no-part",
        ),
        Misconception(
            _total(lambda one, other: one + other),
            "The two parts are added whole. Each counts one half.",
            name="added-whole",
        ),
        Misconception(
            _total(lambda one, other: 0.5 * one + other),
            "Only one of the two parts is halved. Each counts one half: is there a bracket missing?",
            name="one-half-forgotten",
            also=(_total(lambda one, other: one + 0.5 * other),),
        ),
        Misconception(
            _total(lambda one, other: (one + other) / 4),
            "The two parts are halved twice, so that each counts a quarter.",
            name="halved-twice",
        ),
        Misconception(
            _slip(label=plain, total=lambda one, other, smoothing: (1 - smoothing) * one + smoothing * other),
            "`smoothing` is taken for the weight of the teacher. The two parts count one half each; smoothing changes what "
            "the label's part aims at.",
            name="smoothing-as-weight",
            also=(
                _slip(total=lambda one, other, smoothing: (1 - smoothing) * one + smoothing * other),
                _slip(label=plain, total=lambda one, other, smoothing: smoothing * one + (1 - smoothing) * other),
                _slip(total=lambda one, other, smoothing: smoothing * one + (1 - smoothing) * other),
            ),
        ),
        Misconception(
            _slip(said=lambda student, teacher, labels: student.argmax(-1)),
            "The student is told what it believes already: the class comes from the student's logits, not from the "
            "teacher's.",
            name="students-own-word",
        ),
        Misconception(
            _slip(said=lambda student, teacher, labels: labels),
            "The teacher is never asked: both parts use the labels.",
            name="labels-twice",
        ),
        Misconception(
            _slip(label=lambda student, labels, smoothing: torch.zeros(())),
            "Only half of the loss is there, the teacher's: the label's half is missing.",
            name="teacher-only",
            also=(_total(lambda one, other: other),),
        ),
        Misconception(
            _slip(word=lambda student, said, smoothing: torch.zeros(())),
            "The teacher is never asked: only the label counts. The other half of the loss is the teacher's.",
            name="label-only",
            also=(_total(lambda one, other: one),),
        ),
        Misconception(
            _slip(
                said=lambda student, teacher, labels: teacher,
                word=squared,
            ),
            "The teacher's half is a squared distance. It is a cross entropy, with the teacher's word as the target.",
            name="squared-distance",
        ),
        Misconception(
            _said(lambda teacher: teacher.argmin(-1)),
            "The class that the teacher finds least likely is the target. Its word is the likeliest.",
            name="least-likely",
        ),
        Misconception(
            _said(lambda teacher: teacher.argmax(0)),
            "The largest logit is looked for over the batch: which picture is likeliest for each class. Look for the "
            "likeliest class of each picture, along the last axis.",
            name="largest-over-the-batch",
        ),
        Misconception(
            _said(lambda teacher: teacher.mean(0).argmax().expand(len(teacher))),
            "The teacher says one word for the whole batch. It has a likeliest class for each picture.",
            name="one-word-for-all",
            also=(
                _said(lambda teacher: teacher.softmax(-1).mean(0).argmax().expand(len(teacher))),
                _said(lambda teacher: teacher[0].argmax().expand(len(teacher))),
                _said(lambda teacher: (teacher.argmax() % teacher.shape[1]).expand(len(teacher))),
                _said(lambda teacher: teacher.argmax(-1).mode().values.expand(len(teacher))),
            ),
        ),
        Misconception(
            _said(lambda teacher: (teacher == teacher.max()).float()),
            "The one largest logit of the whole batch is the target, so most pictures have none. Each picture has a "
            "likeliest class: look along the last axis.",
            name="largest-of-all",
        ),
        Misconception(
            _teacher_scored(lambda student, labels: labels),
            "The second half is a loss of the teacher's logits, which are given and learn nothing. The student is to be "
            "scored, with the teacher's word as the target.",
            name="teacher-scored",
            also=(_teacher_scored(lambda student, labels: student.argmax(-1)),),
        ),
        Misconception(
            _exchanged,
            "Student and teacher are exchanged: the teacher's logits are scored, and the student's word is the target.",
            name="student-and-teacher-exchanged",
        ),
        Misconception(
            _slip(label=softmax_first(smoothed), word=softmax_first(plain)),
            "A softmax is taken twice: `F.cross_entropy` takes logits, and its softmax is inside.",
            name="softmax-twice",
            also=(_slip(label=softmax_first(smoothed)), _slip(word=softmax_first(plain))),
        ),
        Misconception(
            _slip(word=nll),
            "`F.nll_loss` wants log-probabilities, and is given something else. `F.cross_entropy` takes logits.",
            name="nll-of-logits",
            also=(_slip(word=softmax_first(nll)), _slip(label=nll, word=nll), _slip(label=nll)),
        ),
        Misconception(
            _slip(label=summed, word=summed_plain),
            "The losses are summed over the batch, so they grow with its size. Take the mean over the pictures.",
            name="summed-over-the-batch",
            also=(_slip(label=summed), _slip(word=summed_plain)),
        ),
    ),
)
