"""What the exercises on distillation share: logits to try, and cross entropies that are wrong in some way."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

Loss = Callable[[Tensor, Tensor, float], Tensor]  # of logits, target and smoothing

SIZES = ((5, 5), (4, 3), (7, 10), (2, 6))  # one square, and all else different
LARGE = (
    "In float32 exp(100) is infinite, and a small probability rounds to zero, whose logarithm is −∞. `log_softmax` avoids "
    "both"
)


def logits(g: Generator, batch: int, classes: int) -> Tensor:
    """Logits that leave a softmax soft."""
    return 2 * torch.randn(batch, classes, generator=g)


def cases_of_logits(g: Generator) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Logits of a student and of a teacher that disagree often, and labels, the last class among them."""
    cases = []
    for number, (batch, classes) in enumerate(SIZES):
        student, teacher = logits(g, batch, classes), logits(g, batch, classes)
        labels = torch.randint(classes, (batch,), generator=g)
        labels[-1] = classes - 1
        if number == 0:
            teacher = teacher - teacher.min() + 0.1  # the one case in which a logarithm of logits would be finite
        cases.append((student, teacher, labels))
    return cases


def extreme(g: Generator, batch: int, classes: int) -> Tensor:
    """Logits near ±100, of which the two largest of each row are close to one another."""
    signs = torch.full((batch, classes), -1.0)
    signs[:, :2] = 1
    signs[1::2] = signs[1::2].flip(-1)
    return 100 * signs + torch.randn(batch, classes, generator=g)


def against(right: Callable[[int, float], float], others: Callable[[int, float], float]) -> Loss:
    """Cross entropy of logits with labels smoothed in some way: the right class's part and each other's, both of
    (classes, smoothing).
    """

    def loss(student: Tensor, labels: Tensor, smoothing: float) -> Tensor:
        classes = student.shape[-1]
        one = F.one_hot(labels, classes).to(student.dtype)
        return F.cross_entropy(student, one * right(classes, smoothing) + (1 - one) * others(classes, smoothing))

    return loss


def smoothed(student: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """Cross entropy with smoothed labels, as it should be."""
    return F.cross_entropy(student, labels, label_smoothing=smoothing)


def plain(student: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """Cross entropy; the smoothing is not used."""
    return F.cross_entropy(student, labels)


def softmax_first(loss: Loss) -> Loss:
    """The loss of probabilities where it wants logits."""
    return lambda student, target, smoothing: loss(student.softmax(-1), target, smoothing)


def nll(student: Tensor, target: Tensor, smoothing: float) -> Tensor:
    """Negative log-likelihood, which wants log-probabilities."""
    return F.nll_loss(student, target)


def summed(student: Tensor, target: Tensor, smoothing: float) -> Tensor:
    """Cross entropy with smoothed labels, summed over the batch."""
    return F.cross_entropy(student, target, label_smoothing=smoothing, reduction="sum")


def summed_plain(student: Tensor, target: Tensor, smoothing: float) -> Tensor:
    """Cross entropy, summed over the batch."""
    return F.cross_entropy(student, target, reduction="sum")


def squared(student: Tensor, teacher: Tensor, smoothing: float) -> Tensor:
    """No cross entropy but a squared distance of logits."""
    return F.mse_loss(student, teacher)


def divergence(student: Tensor, probabilities: Tensor, smoothing: float) -> Tensor:
    """No cross entropy but a KL divergence from probabilities."""
    return F.kl_div(student.log_softmax(-1), probabilities, reduction="batchmean")


OTHERS_ONLY = against(lambda k, e: 1 - e, lambda k, e: e / (k - 1))
NO_PART = against(lambda k, e: 1 - e, lambda k, e: e / k)
