"""Two tokens, two heads, two lessons."""

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
from course_utils.training.distill import token_distillation


def _cases(g: Generator) -> list[Arguments]:
    both = zip(cases_of_logits(g), cases_of_logits(g), (0.5, 0.3, 0.6, 0.4), strict=True)
    first, *others = [(one, other, teacher, labels, e) for (one, teacher, labels), (other, _, _), e in both]
    return [first[:4], *others]


def _wild(g: Generator) -> list[Wild]:
    def heads(batch: int, classes: int) -> tuple[Tensor, Tensor, Tensor]:
        return logits(g, batch, classes), logits(g, batch, classes), logits(g, batch, classes)

    labels, laid = torch.tensor([1, 4, 0, 2]), [z.mT.contiguous().mT for z in heads(4, 5)]
    return [
        Wild(
            "large-logits",
            (extreme(g, 4, 5), extreme(g, 4, 5), extreme(g, 4, 5).flip(-1), torch.tensor([0, 4, 2, 1]), 0.2),
            "logits are near ±100",
            f"{LARGE}, and `F.cross_entropy` uses it.",
        ),
        Wild(
            "class-without-a-label",
            (*heads(3, 6), torch.tensor([2, 0, 1]), 0.3),
            "no picture of the batch has the last class as its label",
            "Take the number of classes from the logits: `F.one_hot(labels)` makes as many as it finds.",
        ),
        Wild(
            "no-smoothing",
            (*heads(4, 5), labels, 0.0),
            "smoothing is 0",
            "Then nothing is spread: 0 is a number like any other, and nothing may be divided by it.",
        ),
        Wild("one-picture", (*heads(1, 4), torch.tensor([2]), 0.2), "the batch has a single picture"),
        Wild(
            "other-layout",
            (*laid, labels, 0.1),
            "the logits are transposed tensors",
            "`.view` refuses to merge axes that lie apart in memory: `.reshape` does not mind.",
        ),
    ]


def _slip(
    heads: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] = lambda label, distillation: (label, distillation),
    said: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor] = lambda label, distillation, teacher, labels: (
        teacher.argmax(-1)
    ),
    label: Loss = smoothed,
    word: Loss = plain,
    total: Callable[[Tensor, Tensor], Tensor] = lambda one, other: (one + other) / 2,
) -> Callable[..., Tensor]:
    """The loss with other heads, another target, another cross entropy or another sum."""

    def wrong(
        label_logits: Tensor, distillation_logits: Tensor, teacher: Tensor, labels: Tensor, smoothing: float = 0.1
    ) -> Tensor:
        first, second = heads(label_logits, distillation_logits)
        target = said(label_logits, distillation_logits, teacher, labels)
        return total(label(first, labels, smoothing), word(second, target, smoothing))

    return wrong


def _fused(label: Tensor, distillation: Tensor) -> Tensor:
    """The logarithm of the answer that both heads give together."""
    return ((label.softmax(-1) + distillation.softmax(-1)) / 2).log()


def _said(said: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """What the teacher says, of its logits alone."""
    return _slip(said=lambda label, distillation, teacher, labels: said(teacher))


def _each_meets_both(
    label_logits: Tensor, distillation_logits: Tensor, teacher: Tensor, labels: Tensor, smoothing: float = 0.1
) -> Tensor:
    said = teacher.argmax(-1)
    each = [smoothed(z, labels, smoothing) + plain(z, said, smoothing) for z in (label_logits, distillation_logits)]
    return (each[0] + each[1]) / 4


def _teacher_meets(target: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """The second half is a loss of the teacher's logits; its target is made of the second head's and the labels."""
    return lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
        (smoothed(label_logits, labels, smoothing) + F.cross_entropy(teacher, target(distillation_logits, labels)))
        / 2
    )


def _smoothing_as_weight(label: Loss) -> Callable[..., Tensor]:
    return lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
        (1 - smoothing) * label(label_logits, labels, smoothing)
        + smoothing * plain(distillation_logits, teacher.argmax(-1), 0.0)
    )


def _both_meet_the_teacher(loss: Loss) -> Callable[..., Tensor]:
    return lambda label_logits, distillation_logits, teacher, labels, smoothing=0.1: (
        (loss(label_logits, teacher.argmax(-1), smoothing) + plain(distillation_logits, teacher.argmax(-1), 0.0)) / 2
    )


TOKEN_DISTILLATION = Exercise(
    name="07.token_distillation",
    title="A head for the label and a head for the teacher",
    points=2,
    reference=token_distillation,
    learns=("label_logits", "distillation_logits"),
    cases=_cases,
    wild=_wild,
    hints=(
        "It is hard distillation again, but with two sets of logits of the student: who meets whom?",
        "The class token's head meets the true label (smoothed), the distillation token's head the teacher's word.",
        "Two calls of `F.cross_entropy`, with `label_logits` in the one and `distillation_logits` in the other; each counts "
        "one half. `teacher` itself is in neither: only its word is, as a target.",
    ),
    misconceptions=(
        Misconception(
            _slip(heads=lambda label, distillation: (label, label)),
            "Both parts use the class token's head, as the slide prints it with one Z_s. Then the distillation "
            "token's head gets no gradient at all. It is the one that meets the teacher.",
            name="class-head-twice",
        ),
        Misconception(
            _slip(heads=lambda label, distillation: (distillation, distillation)),
            "Both parts use the distillation token's head. Then the class token's head learns nothing: it is the one that "
            "meets the label.",
            name="distillation-head-twice",
        ),
        Misconception(
            _slip(heads=lambda label, distillation: (distillation, label)),
            "The heads have changed places: the distillation token's head was given the true label.",
            name="heads-exchanged",
        ),
        Misconception(
            _slip(heads=lambda label, distillation: ((label + distillation) / 2,) * 2),
            "The heads are put together before the loss. They are fused for prediction only; in training each has a "
            "lesson of its own.",
            name="heads-averaged",
            also=(
                _slip(heads=lambda label, distillation: (label + distillation,) * 2),
                _slip(heads=lambda label, distillation: (_fused(label, distillation),) * 2),
                _slip(heads=lambda label, distillation: (label, (label + distillation) / 2)),
                _slip(heads=lambda label, distillation: (label, label + distillation)),
                _slip(heads=lambda label, distillation: (label, _fused(label, distillation))),
            ),
        ),
        Misconception(
            _each_meets_both,
            "Each head meets both the label and the teacher. Here each has one lesson only, which is what makes them "
            "differ.",
            name="each-meets-both",
        ),
        Misconception(
            _slip(said=lambda label, distillation, teacher, labels: distillation.argmax(-1)),
            "The head is told what it says itself: its own likeliest class is the target. The word is the teacher's, of "
            "`teacher`.",
            name="heads-own-word",
        ),
        Misconception(
            _slip(
                heads=lambda label, distillation: (label, label),
                said=lambda label, distillation, teacher, labels: distillation.argmax(-1),
            ),
            "The student's other head is taken for the teacher: the class token's head meets its word, and `teacher` is "
            "never asked.",
            name="head-taken-for-the-teacher",
            also=(_slip(said=lambda label, distillation, teacher, labels: label.argmax(-1)),),
        ),
        Misconception(
            _teacher_meets(lambda head, labels: head.argmax(-1)),
            "The second half is a loss of the teacher's logits, which are given and learn nothing. The student's head is to "
            "be scored, and the teacher's word is the target.",
            name="teacher-scored",
            also=(_teacher_meets(lambda head, labels: labels),),
        ),
        Misconception(
            _slip(said=lambda label, distillation, teacher, labels: labels),
            "Both heads meet the label, and the teacher is never asked.",
            name="labels-twice",
            also=(_slip(said=lambda label, distillation, teacher, labels: labels, word=smoothed),),
        ),
        Misconception(
            _both_meet_the_teacher(smoothed),
            "Both heads meet the teacher's word, and the label is never used.",
            name="word-twice",
            also=(_both_meet_the_teacher(plain),),
        ),
        Misconception(
            _said(lambda teacher: teacher.softmax(-1)),
            "The teacher's probabilities are the target. DeiT's distillation token learns from its word, the "
            "likeliest class.",
            name="teachers-probabilities",
            also=(_slip(word=divergence, said=lambda label, distillation, teacher, labels: teacher.softmax(-1)),),
        ),
        Misconception(
            _said(lambda teacher: teacher),
            "The teacher's logits are the target, as if they were probabilities. Its word is asked for: the number of its "
            "likeliest class.",
            name="teachers-logits",
            also=(_said(lambda teacher: teacher.log_softmax(-1)),),
        ),
        Misconception(
            _slip(
                said=lambda label, distillation, teacher, labels: teacher,
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
                _said(lambda teacher: teacher[0].argmax().expand(len(teacher))),
                _said(lambda teacher: (teacher.argmax() % teacher.shape[1]).expand(len(teacher))),
            ),
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
            "The label is not smoothed: a share of it, `smoothing`, is to be spread over all classes, as in hard "
            "distillation.",
            name="not-smoothed",
        ),
        Misconception(
            _slip(label=lambda head, labels, smoothing: smoothed(head, labels, 1 - smoothing)),
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
            _slip(total=lambda one, other: one + other),
            "The two parts are added whole. Each counts one half.",
            name="added-whole",
        ),
        Misconception(
            _slip(total=lambda one, other: 0.5 * one + other),
            "Only one of the two parts is halved. Each counts one half: is there a bracket missing?",
            name="one-half-forgotten",
            also=(_slip(total=lambda one, other: one + 0.5 * other),),
        ),
        Misconception(
            _slip(total=lambda one, other: (one + other) / 4),
            "The two parts are halved twice, so that each counts a quarter.",
            name="halved-twice",
        ),
        Misconception(
            _smoothing_as_weight(plain),
            "`smoothing` is taken for the weight of the teacher. The two parts count one half each; smoothing changes what "
            "the label's part aims at.",
            name="smoothing-as-weight",
            also=(_smoothing_as_weight(smoothed),),
        ),
        Misconception(
            _slip(total=lambda one, other: one / 2),
            "The teacher's half of the loss is missing: the distillation token's head learns nothing.",
            name="label-only",
            also=(_slip(total=lambda one, other: one),),
        ),
        Misconception(
            _slip(total=lambda one, other: other / 2),
            "The label's half of the loss is missing: the class token's head learns nothing.",
            name="teacher-only",
            also=(_slip(total=lambda one, other: other),),
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
