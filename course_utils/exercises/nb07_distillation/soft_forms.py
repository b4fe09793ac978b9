"""Soft distillation with one step replaced."""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

Divergence = Callable[[Tensor, Tensor], Tensor]
Softening = Callable[[Tensor, float], Tensor]


def kl(log_student: Tensor, log_teacher: Tensor) -> Tensor:
    """KL(teacher ‖ student), the mean over the images."""
    return (log_teacher.exp() * (log_teacher - log_student)).sum(-1).mean()


def divided(logits: Tensor, temperature: float) -> Tensor:
    """The softmax, correctly softened."""
    return logits / temperature


def slip(
    hard: Callable[[Tensor, Tensor, float], Tensor] = lambda student, labels, tau: F.cross_entropy(student, labels),
    of_student: Softening = divided,
    of_teacher: Softening = divided,
    divergence: Divergence = kl,
    axis: int = -1,
    total: Callable[[Tensor, Tensor, float, float], Tensor] = lambda hard, soft, tau, w: (
        (1 - w) * hard + w * tau**2 * soft
    ),
) -> Callable[..., Tensor]:
    """The loss with one of its parts replaced; divergence is a function of both log-softmaxes."""

    def wrong(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float, weight: float) -> Tensor:
        log_student = of_student(student, temperature).log_softmax(axis)
        log_teacher = of_teacher(teacher, temperature).log_softmax(axis)
        soft = divergence(log_student, log_teacher)
        return total(hard(student, labels, temperature), soft, temperature, weight)

    return wrong


def softened(of_both: Softening) -> Callable[..., Tensor]:
    """Both sides softened in another way."""
    return slip(of_student=of_both, of_teacher=of_both)


def factor(of_tau: Callable[[float], float]) -> Callable[..., Tensor]:
    """Another factor than τ²."""
    return slip(total=lambda hard, soft, tau, w: (1 - w) * hard + w * of_tau(tau) * soft)


def weights(of_label: Callable[[float], float], of_teacher: Callable[[float], float]) -> Callable[..., Tensor]:
    """Other weights than 1 − λ and λ."""
    return slip(total=lambda hard, soft, tau, w: of_label(w) * hard + of_teacher(w) * tau**2 * soft)


def of_logits(loss: Callable[[Tensor, Tensor, float], Tensor]) -> Callable[..., Tensor]:
    """The teacher's part is another function of (student, teacher, τ) instead of a divergence."""
    return lambda student, teacher, labels, temperature, weight: (
        (1 - weight) * F.cross_entropy(student, labels) + weight * loss(student, teacher, temperature)
    )


def scoring_the_teacher(
    student: Tensor, teacher: Tensor, labels: Tensor, temperature: float, weight: float
) -> Tensor:
    """The labels\' part uses the teacher\'s logits."""
    return slip(hard=lambda student, labels, tau: F.cross_entropy(teacher, labels))(
        student, teacher, labels, temperature, weight
    )


def target_of_kl_div(target: Callable[[Tensor, float], Tensor]) -> Callable[..., Tensor]:
    """Another second argument of `F.kl_div`, a function of (teacher, τ)."""
    return of_logits(
        lambda student, teacher, tau: (
            tau**2 * F.kl_div((student / tau).log_softmax(-1), target(teacher, tau), reduction="batchmean")
        )
    )


def kl_div_of_logits(target: Callable[[Tensor, float], Tensor]) -> Callable[..., Tensor]:
    """The student's logits as the first argument of `F.kl_div`; the second is a function of (teacher, τ)."""
    return of_logits(
        lambda student, teacher, tau: tau**2 * F.kl_div(student / tau, target(teacher, tau), reduction="batchmean")
    )


def centred(logits: Tensor) -> Tensor:
    """The logits of each image with mean zero."""
    return logits - logits.mean(-1, keepdim=True)
