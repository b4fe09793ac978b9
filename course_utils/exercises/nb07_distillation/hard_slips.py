"""Wrong answers to hard distillation."""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb07_distillation.parts import plain, smoothed
from course_utils.exercises.nb07_distillation.word_slips import Loose, shared
from course_utils.training.distill import hard_distillation


def _whole(loss: Loose) -> Callable[..., Tensor]:
    """A loss whose two parts are of the same logits, the student's."""
    return lambda student, teacher, labels, smoothing=0.1: loss(student, student, teacher, labels, smoothing)


def _said(said: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """The loss with another target in its second part, a function of student, teacher and labels."""
    return lambda student, teacher, labels, smoothing=0.1: (
        (smoothed(student, labels, smoothing) + F.cross_entropy(student, said(student, teacher, labels))) / 2
    )


def _total(total: Callable[[Tensor, Tensor, float], Tensor], label_smoothed: bool = True) -> Callable[..., Tensor]:
    """The two parts put together in another way, a function of both and of smoothing."""
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
        "`smoothing` is taken for the weight of one of the two parts. They count one half each; smoothing changes what "
        "the label's part aims at.",
        _total(lambda one, other, smoothing: (1 - smoothing) * one + smoothing * other, label_smoothed=False),
        _total(lambda one, other, smoothing: (1 - smoothing) * one + smoothing * other),
        _total(lambda one, other, smoothing: smoothing * one + (1 - smoothing) * other, label_smoothed=False),
        _total(lambda one, other, smoothing: smoothing * one + (1 - smoothing) * other),
    ),
    Misconception(
        "students-own-word",
        "The student is told what it believes already: the class comes from the student's logits, not from the "
        "teacher's.",
        _said(lambda student, teacher, labels: student.argmax(-1)),
    ),
    Misconception(
        "labels-twice",
        "The teacher is never asked: both parts use the labels.",
        _said(lambda student, teacher, labels: labels),
    ),
    Misconception(
        "teacher-only",
        "Only the teacher's part of the loss is there: the label's half is missing.",
        _total(lambda one, other, smoothing: other / 2),
        _total(lambda one, other, smoothing: other),
    ),
    Misconception(
        "label-only",
        "The teacher is never asked: only the label counts. The other half of the loss is the teacher's.",
        _total(lambda one, other, smoothing: one / 2),
        _total(lambda one, other, smoothing: one),
    ),
    Misconception(
        "largest-of-all",
        "The one largest logit of the whole batch is the target, so most pictures have none. Each picture has a "
        "likeliest class: look along the last axis.",
        _said(lambda student, teacher, labels: (teacher == teacher.max()).float()),
    ),
    Misconception(
        "teacher-scored",
        "The second half is a loss of the teacher's logits, which are given and learn nothing. The student is to be "
        "scored, with the teacher's word as the target.",
        _teacher_scored(lambda student, labels: labels),
        _teacher_scored(lambda student, labels: student.argmax(-1)),
    ),
    Misconception(
        "student-and-teacher-exchanged",
        "Student and teacher are swapped: the teacher's logits are scored, and the student's word is the target.",
        _exchanged,
    ),
    *shared(_whole),
)
