"""Learning from a teacher: the losses of a student. Hinton et al. 2015; Touvron et al. 2021, section 4.

First the losses as functions of logits, then :func:`distilling`, which turns one of them into a loss for ``fit``.

Notebook 07.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.models.deit import TwoLogits, fuse
from course_utils.settings import Must, above, checked, one_of
from course_utils.training.inputs import class_numbers
from course_utils.training.recipe import Share
from course_utils.training.task import Loss

SMOOTHING = 0.1  # of the true labels, Touvron et al. 2021, section 4


def soft_distillation(student: Tensor, teacher: Tensor, labels: Tensor, temperature: float, weight: float) -> Tensor:
    """(1 − λ) · cross-entropy with the labels + λ · τ² · KL(teacher ‖ student), both sides of the KL softened by τ.

    student and teacher: logits (batch, classes), of any magnitude and any floating dtype; labels (batch,), int64;
    τ = temperature > 0; λ = weight in [0, 1] → a tensor of shape () in the logits' dtype: the mean over the batch.
    Gradients reach the student; none need to reach the teacher, whose probabilities are the target. Hinton et al. 2015,
    section 2; Touvron et al. 2021, eq. 2.
    """
    log_student = (student / temperature).log_softmax(dim=-1)
    log_teacher = (teacher / temperature).log_softmax(dim=-1)
    divergence = (log_teacher.exp() * (log_teacher - log_student)).sum(dim=-1).mean()
    return (1 - weight) * F.cross_entropy(student, labels) + weight * temperature**2 * divergence


def hard_distillation(student: Tensor, teacher: Tensor, labels: Tensor, smoothing: float = 0.1) -> Tensor:
    """½ cross-entropy with the labels + ½ cross-entropy with the teacher's label, its most likely class.

    student and teacher: logits (batch, classes), of any magnitude; labels (batch,), int64; smoothing in [0, 1): the
    share of the true label that is spread evenly over all classes; the teacher's label is not smoothed → a tensor of
    shape (): the mean over the batch. Gradients reach the student. If two classes are equally likely, either is right.
    Touvron et al. 2021, eq. 3.
    """
    said = teacher.argmax(dim=-1)
    from_label = F.cross_entropy(student, labels, label_smoothing=smoothing)
    return 0.5 * from_label + 0.5 * F.cross_entropy(student, said)


def token_distillation(
    label_logits: Tensor, distillation_logits: Tensor, teacher: Tensor, labels: Tensor, smoothing: float = 0.1
) -> Tensor:
    """Hard distillation of a student with two heads, each with its own target.

    label_logits: from the student's head on the class token; distillation_logits: from its head on the distillation
    token; teacher: the teacher's logits; all (batch, classes), of any magnitude. labels (batch,), int64, smoothed as
    in hard distillation → a tensor of shape (): the mean over the batch. Gradients reach both heads. If the teacher's
    two most likely classes are equally likely, either is right. Touvron et al. 2021, section 4, "Distillation token".
    """
    from_label = F.cross_entropy(label_logits, labels, label_smoothing=smoothing)
    from_teacher = F.cross_entropy(distillation_logits, teacher.argmax(dim=-1))
    return 0.5 * from_label + 0.5 * from_teacher


KINDS = ("soft", "hard", "token")
Temperature = Annotated[float, above(0, ": 1 has no effect, 3 is a common start")]
Weight = Annotated[float, Must("in [0, 1]: 0 ignores the teacher, 1 the labels", lambda weight: 0 <= weight <= 1)]
Compared = Callable[[Any, Tensor, Tensor], tuple[Tensor, Tensor]]  # student's, teacher's, labels → (loss, logits)


def distilling(
    teacher: nn.Module,
    kind: str = "soft",
    *,
    temperature: float = 3.0,
    weight: float = 0.5,
    smoothing: float = SMOOTHING,
    unlabelled: Tensor | None = None,
    teacher_sees: Callable[[Tensor], Tensor] | None = None,
) -> Loss:
    """A loss for ``fit(…, loss=…)``: the student learns from labels and from a frozen teacher.

    kind: "soft" (uses temperature and weight), "hard" or "token" (both use smoothing; "token" needs a DistilledViT).
    unlabelled (count, channels, height, width), for "soft" only: with every labelled batch, equally many of these are
    drawn, and the student matches the softened teacher on them too. teacher_sees: indices of unlabelled images → the
    images to show the teacher instead, for example by day instead of by night.

    Raises ValueError, here or at the first batch, for a teacher that is no module, τ ≤ 0 or infinite, λ outside
    [0, 1], an empty batch, a teacher or a student with the wrong number of heads, and for different classes of both.
    """
    if not isinstance(teacher, nn.Module):
        raise ValueError(
            f"The teacher is a {type(teacher).__name__}, but must be a torch.nn.Module, whose copy is frozen."
        )
    kind, smoothing = checked("kind", kind, Annotated[str, one_of(KINDS)]), checked("smoothing", smoothing, Share)
    temperature, weight = checked("temperature", temperature, Temperature), checked("weight", weight, Weight)
    unlabelled = checked("unlabelled", unlabelled, Tensor | None)
    teacher_sees = checked("teacher_sees", teacher_sees, Callable | None)
    if unlabelled is not None and (kind != "soft" or not len(unlabelled)):
        raise ValueError(
            f"{len(unlabelled)} unlabelled images were passed with kind {kind!r}, but they need kind 'soft' and at "
            "least one image: without a label, an image teaches only the teacher's probabilities."
        )
    kinds: dict[str, Compared] = {
        "soft": lambda mine, theirs, labels: (soft_distillation(mine, theirs, labels, temperature, weight), mine),
        "hard": lambda mine, theirs, labels: (hard_distillation(mine, theirs, labels, smoothing), mine),
        "token": lambda two, theirs, labels: (
            token_distillation(two.label, two.teacher, theirs, labels, smoothing),
            fuse(*two),
        ),
    }
    compared = kinds[kind]
    teacher = deepcopy(teacher).eval()  # the teacher itself stays as it is, and where it is

    def loss(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        if not len(images):
            raise ValueError("The batch is empty, but distillation needs at least one image.")
        labels = class_numbers(labels, len(images), "batch")
        teacher.to(images)
        with torch.no_grad():
            teacher_logits = teacher(images)
        student_logits = model(images)
        _check_answers(kind, model, student_logits, teacher_logits)
        total, logits = compared(student_logits, teacher_logits, labels)
        if unlabelled is not None:
            drawn = torch.randint(len(unlabelled), (len(images),), device="cpu")
            more = unlabelled[drawn].to(images)
            with torch.no_grad():
                teacher_logits = teacher(more if teacher_sees is None else teacher_sees(drawn).to(images))
            total = total + soft_distillation(
                model(more), teacher_logits, teacher_logits.argmax(-1), temperature, 1.0
            )
        return total, logits

    return loss


def _check_answers(kind: str, model: nn.Module, student_logits: Any, teacher_logits: Any) -> None:
    if not isinstance(teacher_logits, Tensor):
        raise ValueError(
            f"The teacher returns a {type(teacher_logits).__name__}, but must return logits (batch, classes): fuse its "
            "heads in its forward."
        )
    if not isinstance(student_logits, TwoLogits if kind == "token" else Tensor):
        heads = "two heads" if kind == "token" else "one head"
        raise ValueError(f"kind {kind!r} needs a model with {heads}, not a {type(model).__name__}.")
    shape = (student_logits.label if isinstance(student_logits, TwoLogits) else student_logits).shape
    if shape != teacher_logits.shape:
        raise ValueError(
            f"The teacher's logits are {tuple(teacher_logits.shape)} and the student's {tuple(shape)}: build "
            "both for the same classes."
        )
