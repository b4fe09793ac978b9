"""Shared by the exercises on distillation: test logits, wrong cross-entropies, and ties."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Promise

Loss = Callable[[Tensor, Tensor, float], Tensor]  # of logits, target and smoothing

SIZES = ((5, 5), (4, 3), (7, 10), (2, 6))  # one square, all others different
LARGE = (
    "In float32, exp(100) is infinite, and a small probability rounds to 0, whose logarithm is −∞. Adding a small "
    "number or clamping changes the result. `log_softmax` of the unchanged logits avoids all of that"
)
ANY_LIKELIEST = (
    "The most likely class has the largest logit. Functions of such logits may be infinite, or equal for several "
    "classes: in float32, exp(100) is infinite, the sigmoids of 99 and 100 both round to 1, and clamping makes them "
    "equal. Compare the logits themselves."
)
SMALL_LEAD = (
    "The larger one gives the teacher's label, however small the difference. A softmax divides the target between "
    "both, even at a low temperature, and rounding makes them equal: compare the logits themselves."
)
CLOSE_LEAD = torch.tensor([[3.0, 0.5, 2.999, -1.0], [0.0, 2.499, -2.0, 2.5], [-1.0, 1.5, 1.501, 0.5]])
ANY_SIGN = (
    "The most likely class still has the largest logit, the least negative one: do not start the search at 0, and "
    "keep the signs."
)


def logits(g: Generator, batch: int, classes: int) -> Tensor:
    """Logits for which a softmax is not one-hot."""
    return 2 * torch.randn(batch, classes, generator=g)


def cases_of_logits(g: Generator) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Logits of a student and a teacher that often disagree, and labels that include the last class."""
    cases = []
    for number, (batch, classes) in enumerate(SIZES):
        student, teacher = logits(g, batch, classes), logits(g, batch, classes)
        labels = torch.randint(classes, (batch,), generator=g)
        labels[-1] = classes - 1
        if number == 0:
            teacher = teacher - teacher.min() + 0.1  # the only case in which a logarithm of logits would be finite
        if number == 1:
            teacher = teacher.roll(-int(teacher.amax(-1).argmax()), 0)  # the largest of all is in the first row
        labels[0] = teacher[0].argmax()  # so the teacher is right on some images and wrong on others
        cases.append((student, teacher, labels))
    return cases


def extreme(g: Generator, batch: int, classes: int) -> Tensor:
    """Logits near ±100, with the two largest in each row close to each other."""
    signs = torch.full((batch, classes), -1.0)
    signs[:, :2] = 1
    signs[1::2] = signs[1::2].flip(-1)
    return 100 * signs + torch.randn(batch, classes, generator=g)


def against(right: Callable[[int, float], float], others: Callable[[int, float], float]) -> Loss:
    """Cross-entropy with smoothed labels: the right class's and every other's part are functions of (classes,
    smoothing).
    """

    def loss(student: Tensor, labels: Tensor, smoothing: float) -> Tensor:
        classes = student.shape[-1]
        one = F.one_hot(labels, classes).to(student.dtype)
        return F.cross_entropy(student, one * right(classes, smoothing) + (1 - one) * others(classes, smoothing))

    return loss


def smoothed(student: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy with smoothed labels, as it should be."""
    return F.cross_entropy(student, labels, label_smoothing=smoothing)


def plain(student: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy; the smoothing is not used."""
    return F.cross_entropy(student, labels)


def softmax_first(loss: Loss) -> Loss:
    """The loss of probabilities instead of logits."""
    return lambda student, target, smoothing: loss(student.softmax(-1), target, smoothing)


def nll(student: Tensor, target: Tensor, smoothing: float) -> Tensor:
    """Negative log-likelihood, which needs log-probabilities."""
    return F.nll_loss(student, target)


def summed(student: Tensor, target: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy with smoothed labels, summed over the batch."""
    return F.cross_entropy(student, target, label_smoothing=smoothing, reduction="sum")


def summed_plain(student: Tensor, target: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy, summed over the batch."""
    return F.cross_entropy(student, target, reduction="sum")


def squared(student: Tensor, teacher: Tensor, smoothing: float) -> Tensor:
    """A squared distance of logits instead of a cross-entropy."""
    return F.mse_loss(student, teacher)


def divergence(student: Tensor, probabilities: Tensor, smoothing: float) -> Tensor:
    """A KL divergence from probabilities instead of a cross-entropy."""
    return F.kl_div(student.log_softmax(-1), probabilities, reduction="batchmean")


OTHERS_ONLY = against(lambda k, e: 1 - e, lambda k, e: e / (k - 1))
NO_PART = against(lambda k, e: 1 - e, lambda k, e: e / k)
NOT_TAKEN = (
    against(lambda k, e: 1 + e / k, lambda k, e: e / k),
    against(lambda k, e: 1.0, lambda k, e: e / k),
    against(lambda k, e: 1.0, lambda k, e: e / (k - 1)),
)
NOBODY = against(lambda k, e: 1 - e, lambda k, e: 0.0)
NOT_DIVIDED = against(lambda k, e: 1 - e, lambda k, e: e)


def either_word(reference: Callable[..., Tensor], others: int) -> Promise:
    """Either of two equally likely classes is right; others is the number of student logits before the teacher's."""
    g = Generator().manual_seed(1)
    students, labels = [logits(g, 2, 4) for _ in range(others)], torch.tensor([0, 2])
    tied = torch.tensor([[1.0, 2.5, -1.0, 2.5], [0.5, -1.0, 2.0, 0.0]])
    nudges = torch.zeros(2, 2, 4)
    nudges[0, 0, 1] = nudges[1, 0, 3] = 0.1

    def broken(fn: Callable[..., Tensor]) -> str | None:
        def of(function: Callable[..., Tensor], teacher: Tensor) -> Tensor:
            return torch.as_tensor(
                function(*(each.clone() for each in students), teacher, labels.clone(), 0.2)
            ).double()

        mine, rights = of(fn, tied.clone()), [of(reference, tied + nudge) for nudge in nudges]
        if any(torch.allclose(mine, right, rtol=1e-4) for right in rights):
            return None
        return (
            "Your answer is right if the teacher has one most likely class, but not if two classes are equally "
            f"likely: the result is {float(mine):.4g}, but should be {float(rights[0]):.4g} or "
            f"{float(rights[1]):.4g}. Use one of the two as the teacher's label, not both."
        )

    return Promise("either-of-two-likeliest", broken)
