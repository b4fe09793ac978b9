"""Misconceptions about hard distillation."""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb07_distillation.parts import plain, smoothed
from course_utils.exercises.nb07_distillation.word_slips import Loose, shared
from course_utils.training.distill import hard_distillation


def _whole(loss: Loose) -> Callable[..., Tensor]:
    """A loss whose two parts both use the student's logits."""
    return lambda student, teacher, labels, smoothing=0.1: loss(student, student, teacher, labels, smoothing)


def _said(said: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """The loss with another target in its second part: a function of student, teacher and labels."""
    return lambda student, teacher, labels, smoothing=0.1: (
        (smoothed(student, labels, smoothing) + F.cross_entropy(student, said(student, teacher, labels))) / 2
    )


def _total(total: Callable[[Tensor, Tensor, float], Tensor], label_smoothed: bool = True) -> Callable[..., Tensor]:
    """The two parts combined in another way: a function of both and of smoothing."""
    label = smoothed if label_smoothed else plain
    return lambda student, teacher, labels, smoothing=0.1: total(
        label(student, labels, smoothing), F.cross_entropy(student, teacher.argmax(-1)), smoothing
    )


def _exchanged(student: Tensor, teacher: Tensor, labels: Tensor, smoothing: float = 0.1) -> Tensor:
    return hard_distillation(teacher, student, labels, smoothing)


def _teacher_scored(target: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """The second half is a loss of the teacher's logits, not of the student's."""
    return lambda student, teacher, labels, smoothing=0.1: (
        0.5 * smoothed(student, labels, smoothing) + 0.5 * F.cross_entropy(teacher, target(student, labels))
    )


MISCONCEPTIONS = (
    Misconception(
        "smoothing-as-weight",
        "`smoothing` is used as the weight of one of the two parts. Each part has weight one half; smoothing changes "
        "the target of the label's part.",
        _total(lambda one, other, smoothing: (1 - smoothing) * one + smoothing * other, label_smoothed=False),
        _total(lambda one, other, smoothing: (1 - smoothing) * one + smoothing * other),
        _total(lambda one, other, smoothing: smoothing * one + (1 - smoothing) * other, label_smoothed=False),
        _total(lambda one, other, smoothing: smoothing * one + (1 - smoothing) * other),
    ),
    Misconception(
        "students-own-word",
        "The target is the student's own most likely class: it must come from the teacher's logits.",
        _said(lambda student, teacher, labels: student.argmax(-1)),
    ),
    Misconception(
        "labels-twice",
        "The teacher is not used: both parts use the labels. Use the teacher's label in the second.",
        _said(lambda student, teacher, labels: labels),
    ),
    Misconception(
        "teacher-only",
        "The loss has only the teacher's part: the label's half is missing.",
        _total(lambda one, other, smoothing: other / 2),
        _total(lambda one, other, smoothing: other),
    ),
    Misconception(
        "label-only",
        "The teacher is not used: the loss has only the label's part. The other half is the teacher's.",
        _total(lambda one, other, smoothing: one / 2),
        _total(lambda one, other, smoothing: one),
    ),
    Misconception(
        "largest-of-all",
        "The target is the largest logit of the whole batch, so most images have none. Each image has a most likely "
        "class: use the last axis.",
        _said(lambda student, teacher, labels: (teacher == teacher.max()).float()),
    ),
    Misconception(
        "teacher-scored",
        "The second half is a loss of the teacher's logits, which do not learn. Use the student's logits, with the "
        "teacher's label as the target.",
        _teacher_scored(lambda student, labels: labels),
        _teacher_scored(lambda student, labels: student.argmax(-1)),
    ),
    Misconception(
        "student-and-teacher-exchanged",
        "Student and teacher are swapped: the loss uses the teacher's logits, with the student's label as the "
        "target.",
        _exchanged,
    ),
    *shared(_whole),
)
