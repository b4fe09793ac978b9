"""Taking the teacher at its word."""

from collections.abc import Callable

from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.exercises.nb07_distillation.soft import cases_of_logits
from course_utils.training.distill import hard_distillation


def _cases(g: Generator) -> list[Arguments]:
    return [(*each, smoothing) for each, smoothing in zip(cases_of_logits(g), (0.1, 0.6, 0.4), strict=True)]


def _slip(
    said: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda student, teacher, labels: teacher.argmax(-1),
    of_label: float = 1.0,
    of_teacher: float = 0.0,
    half: float = 0.5,
) -> Callable[..., Tensor]:
    """The loss with one of its parts replaced; the smoothing is multiplied by of_label and of_teacher."""

    def wrong(student: Tensor, teacher: Tensor, labels: Tensor, smoothing: float = 0.1) -> Tensor:
        target = said(student, teacher, labels)
        from_label = F.cross_entropy(student, labels, label_smoothing=of_label * smoothing)
        return half * (from_label + F.cross_entropy(student, target, label_smoothing=of_teacher * smoothing))

    return wrong


HARD_DISTILLATION = Exercise(
    name="07.hard_distillation",
    title="Take the teacher at its word",
    points=2,
    reference=hard_distillation,
    learns=("student",),
    cases=_cases,
    hints=(
        "What the teacher says is a class number: `teacher.argmax(dim=-1)`. Does it matter whether you take it of the "
        "logits or of the probabilities?",
        "`F.cross_entropy` has an argument `label_smoothing`. DeiT smooths the true labels only.",
        "Half of the one plus half of the other.",
    ),
    misconceptions=(
        Misconception(
            _slip(said=lambda student, teacher, labels: teacher.softmax(-1)),
            "The teacher's probabilities are the target: that is soft distillation at τ = 1. Here its word counts, "
            "the likeliest class.",
        ),
        Misconception(
            _slip(of_teacher=1.0),
            "The teacher's word is smoothed too. Only the true labels are.",
        ),
        Misconception(
            _slip(of_label=0.0, of_teacher=1.0),
            "The smoothing is on the teacher's word instead of on the true label.",
        ),
        Misconception(
            _slip(of_label=0.0),
            "The label smoothing is missing: the true label's cross entropy takes `label_smoothing=smoothing`.",
        ),
        Misconception(
            _slip(half=1.0),
            "The two parts are added whole. Each counts one half.",
        ),
        Misconception(
            _slip(said=lambda student, teacher, labels: student.argmax(-1)),
            "The student is told what it believes already: the class comes from the student's logits, not from the "
            "teacher's.",
        ),
        Misconception(
            _slip(said=lambda student, teacher, labels: labels),
            "The teacher is never asked: both parts use the labels.",
        ),
    ),
)
