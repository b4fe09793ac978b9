"""Matching the teacher's softened probabilities."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.training.distill import soft_distillation

Divergence = Callable[[Tensor, Tensor], Tensor]


def cases_of_logits(g: Generator) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Logits of a student and of a teacher that disagree often, and labels."""
    return [
        (
            2 * torch.randn(*size, generator=g),
            2 * torch.randn(*size, generator=g),
            torch.randint(size[1], size[:1], generator=g),
        )
        for size in ((4, 3), (7, 10), (2, 5))
    ]


def _cases(g: Generator) -> list[Arguments]:
    settings = ((2.0, 0.3), (4.0, 0.8), (0.7, 0.6))
    return [(*each, *setting) for each, setting in zip(cases_of_logits(g), settings, strict=True)]


def _divergence(log_student: Tensor, log_teacher: Tensor) -> Tensor:
    return (log_teacher.exp() * (log_teacher - log_student)).sum(-1).mean()


def _slip(
    divergence: Divergence = _divergence,
    factor: Callable[[float], float] = lambda temperature: temperature**2,
    of_student: Callable[[float], float] = lambda temperature: temperature,
    of_teacher: Callable[[float], float] = lambda temperature: temperature,
    of_label: Callable[[float], float] = lambda temperature: 1.0,
    share: Callable[[float], float] = lambda weight: weight,
) -> Callable[..., Tensor]:
    """The loss with one of its parts replaced; temperatures divide the logits."""

    def wrong(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float, weight: float) -> Tensor:
        log_student = (student / of_student(temperature)).log_softmax(-1)
        log_teacher = (teacher / of_teacher(temperature)).log_softmax(-1)
        from_label = F.cross_entropy(student / of_label(temperature), labels)
        part = share(weight)
        return (1 - part) * from_label + part * factor(temperature) * divergence(log_student, log_teacher)

    return wrong


SOFT_DISTILLATION = Exercise(
    name="07.soft_distillation",
    title="Match the teacher's softened probabilities",
    points=2,
    reference=soft_distillation,
    learns=("student",),
    cases=_cases,
    hints=(
        "Two softmaxes, both of logits divided by the temperature. Work with their logarithms (`log_softmax`): a "
        "probability may become too small for a float, its logarithm does not.",
        "KL(teacher ‖ student) is the sum over the classes of p_teacher · (log p_teacher − log p_student); then the "
        'mean over the batch. `F.kl_div(log_student, teacher_probabilities, reduction="batchmean")` is the same.',
        "`(1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * divergence`: the labels' part "
        "has no temperature.",
    ),
    misconceptions=(
        Misconception(
            _slip(factor=lambda temperature: 1.0),
            "τ² is missing. The gradient of the softened term is about τ² times smaller, so at a high temperature the "
            "teacher would hardly be heard.",
        ),
        Misconception(
            _slip(factor=lambda temperature: temperature),
            "The factor is τ, but must be τ²: once for each of the two softmaxes that the gradient meets.",
        ),
        Misconception(
            _slip(divergence=lambda student, teacher: _divergence(teacher, student)),
            "The divergence is turned round: KL(student ‖ teacher). The teacher is the target, so its probabilities "
            "weigh the sum. (In F.kl_div the target is the second argument.)",
        ),
        Misconception(
            _slip(divergence=lambda student, teacher: F.kl_div(student.exp(), teacher.exp(), reduction="batchmean")),
            "The student's probabilities were given where their logarithms belong: F.kl_div wants log-probabilities "
            "as its first argument.",
        ),
        Misconception(
            _slip(of_teacher=lambda temperature: 1.0),
            "Only the student is softened. Both are compared at the same temperature.",
        ),
        Misconception(
            _slip(of_student=lambda temperature: 1.0),
            "Only the teacher is softened: the student is asked to be as unsure at τ = 1 as the teacher is at τ. Divide "
            "both by τ.",
        ),
        Misconception(
            _slip(divergence=lambda student, teacher: len(student) * _divergence(student, teacher)),
            "The divergence is summed over the batch: it grows with the batch size, and the labels' part does not. "
            "Take the mean over the pictures.",
        ),
        Misconception(
            _slip(divergence=lambda student, teacher: _divergence(student, teacher) / student.shape[1]),
            'The divergence is averaged over the classes too (reduction="mean" does that). Sum over the classes, '
            'average over the pictures: reduction="batchmean".',
        ),
        Misconception(
            _slip(share=lambda weight: 1 - weight),
            "The two weights have changed places: λ belongs to the teacher, 1 − λ to the label.",
        ),
        Misconception(
            _slip(of_label=lambda temperature: temperature),
            "The labels' part is softened too. Only the comparison with the teacher has a temperature.",
        ),
        Misconception(
            _slip(divergence=lambda student, teacher: -(teacher.exp() * student).sum(-1).mean()),
            "This is the cross entropy with the teacher's probabilities. Its gradient is the same, but it is not zero "
            "when both agree: the teacher's entropy is missing. The slide asks for KL.",
        ),
    ),
)
