"""What the exercises on distillation share: logits to try, cross entropies that are wrong in some way, and ties."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Promise

Loss = Callable[[Tensor, Tensor, float], Tensor]  # of logits, target and smoothing

SIZES = ((5, 5), (4, 3), (7, 10), (2, 6))  # one square, and all else different
LARGE = (
    "Is something lost on the way? In float32 exp(100) is infinite; a small probability rounds to 0, whose logarithm is "
    "−∞, or gives way to the small number that you add to it or clamp it to; and a limit on the logits cuts them off. "
    "`log_softmax` of the logits as they are avoids all of that"
)
ANY_LIKELIEST = (
    "The likeliest class is that of the largest logit. What is computed from such logits may be infinite, or the same for "
    "several classes: exp(100) is infinite in float32, the sigmoids of 99 and 100 both round to 1, and a limit makes both "
    "the limit. Compare the logits themselves."
)
SMALL_LEAD = (
    "The larger is the teacher's word, however small its lead. A softmax shares the word between both, even at a low "
    "temperature, and rounding makes them equal: compare the logits themselves."
)
CLOSE_LEAD = torch.tensor([[3.0, 0.5, 2.999, -1.0], [0.0, 2.499, -2.0, 2.5], [-1.0, 1.5, 1.501, 0.5]])
ANY_SIGN = (
    "The likeliest class still has the largest logit, the least negative one: a search for it must not start from 0, and "
    "the signs must stay."
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
        if number == 1:
            teacher = teacher.roll(-int(teacher.amax(-1).argmax()), 0)  # the largest of all is in the first row
        labels[0] = teacher[0].argmax()  # so the teacher is right about some pictures, and wrong about others
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
NOT_TAKEN = (
    against(lambda k, e: 1 + e / k, lambda k, e: e / k),
    against(lambda k, e: 1.0, lambda k, e: e / k),
    against(lambda k, e: 1.0, lambda k, e: e / (k - 1)),
)
NOBODY = against(lambda k, e: 1 - e, lambda k, e: 0.0)
NOT_DIVIDED = against(lambda k, e: 1 - e, lambda k, e: e)


def either_word(reference: Callable[..., Tensor], others: int) -> Promise:
    """Of two likeliest classes either is taken; others is the number of the student's logits before the teacher's."""
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
            "Your answer is right when the teacher has one likeliest class, but not when it finds two classes equally "
            f"likely: the result is {float(mine):.4g}, but it should be {float(rights[0]):.4g} or {float(rights[1]):.4g}. "
            "Either of the two will do as the teacher's word, but not both at once."
        )

    return Promise("either-of-two-likeliest", broken)
