"""Two tokens, two heads, two lessons."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.exercises.nb07_distillation.soft import cases_of_logits
from course_utils.models.deit import fuse
from course_utils.training.distill import token_distillation


def _cases(g: Generator) -> list[Arguments]:
    both = zip(cases_of_logits(g), cases_of_logits(g), (0.1, 0.6, 0.4), strict=True)
    return [(one, other, teacher, labels, smoothing) for (one, other, labels), (teacher, _, _), smoothing in both]


def _slip(
    heads: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] = lambda label, teacher: (label, teacher),
    said: Callable[[Tensor], Tensor] = lambda teacher: teacher.argmax(-1),
    smooth_both: bool = False,
    half: float = 0.5,
) -> Callable[..., Tensor]:
    """The loss with other heads, another target, or other weights."""

    def wrong(
        label_logits: Tensor, teacher_logits: Tensor, teacher: Tensor, labels: Tensor, smoothing: float = 0.1
    ) -> Tensor:
        first, second = heads(label_logits, teacher_logits)
        from_label = F.cross_entropy(first, labels, label_smoothing=smoothing)
        told = F.cross_entropy(second, said(teacher), label_smoothing=smoothing if smooth_both else 0.0)
        return half * (from_label + told)

    return wrong


TOKEN_DISTILLATION = Exercise(
    name="07.token_distillation",
    title="A head for the label and a head for the teacher",
    points=2,
    reference=token_distillation,
    learns=("label_logits", "teacher_logits"),
    cases=_cases,
    hints=(
        "It is hard distillation again, but with two sets of logits: who meets whom?",
        "The class token's head meets the true label (smoothed), the distillation token's head the teacher's word.",
        "`0.5 * F.cross_entropy(label_logits, labels, label_smoothing=smoothing) + 0.5 * "
        "F.cross_entropy(teacher_logits, teacher.argmax(dim=-1))`.",
    ),
    misconceptions=(
        Misconception(
            _slip(heads=lambda label, teacher: (label, label)),
            "Both parts use the class token's head, as the slide prints it with one Z_s. Then the distillation "
            "token's head gets no gradient at all. It is the one that meets the teacher.",
        ),
        Misconception(
            _slip(heads=lambda label, teacher: (teacher, label)),
            "The heads have changed places: the distillation token's head was given the true label.",
        ),
        Misconception(
            _slip(heads=lambda label, teacher: ((label + teacher) / 2, (label + teacher) / 2)),
            "The heads are averaged before the loss. They are fused for prediction only; in training each has a "
            "lesson of its own.",
        ),
        Misconception(
            _slip(said=lambda teacher: teacher.softmax(-1)),
            "The teacher's probabilities are the target. DeiT's distillation token learns from its word, the "
            "likeliest class.",
        ),
        Misconception(
            _slip(smooth_both=True),
            "The teacher's word is smoothed too. Only the true labels are.",
        ),
        Misconception(
            _slip(half=1.0),
            "The two parts are added whole. Each counts one half.",
        ),
    ),
)


def _fuse_cases(g: Generator) -> list[Arguments]:
    return [(one, other) for one, other, _ in cases_of_logits(g)]


def _geometric(label_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    return ((label_logits.log_softmax(-1) + teacher_logits.log_softmax(-1)) / 2).exp()


FUSE = Exercise(
    name="07.fuse",
    title="One answer from two heads",
    reference=fuse,
    learns=("label_logits", "teacher_logits"),
    cases=_fuse_cases,
    hints=(
        "The slide: *for prediction, softmax output is added*. What must be done so that the result sums to one?",
        "First the softmax of each, then the mean of the two.",
        "`(label_logits.softmax(dim=-1) + teacher_logits.softmax(dim=-1)) / 2`.",
    ),
    misconceptions=(
        Misconception(
            lambda label_logits, teacher_logits: ((label_logits + teacher_logits) / 2).softmax(-1),
            "The logits are averaged and then the softmax is taken. timm does it that way; the paper and the slide add "
            "the softmaxes. A head that is very sure would outvote the other.",
        ),
        Misconception(
            lambda label_logits, teacher_logits: label_logits.softmax(-1) + teacher_logits.softmax(-1),
            "The rows sum to two. The order of the classes is right, but probabilities sum to one: halve it.",
        ),
        Misconception(
            lambda label_logits, teacher_logits: label_logits.softmax(-1),
            "The distillation token's head is not asked.",
        ),
        Misconception(
            lambda label_logits, teacher_logits: torch.maximum(label_logits.softmax(-1), teacher_logits.softmax(-1)),
            "The larger of the two probabilities is taken, class by class: the rows no longer sum to one.",
        ),
        Misconception(
            lambda label_logits, teacher_logits: (label_logits.softmax(0) + teacher_logits.softmax(0)) / 2,
            "The softmax runs over the batch (dim 0): each class's probabilities sum to one over the pictures. It runs "
            "over the classes, the last axis.",
        ),
        Misconception(
            _geometric,
            "The logarithms are averaged, so the probabilities are multiplied: the rows sum to less than one.",
        ),
    ),
)
