"""Soft distillation."""

import torch
from torch import Generator, Tensor

from course_utils.exercises.exercise import Arguments, Exercise, Wild
from course_utils.exercises.nb07_distillation.parts import LARGE, cases_of_logits, extreme, logits
from course_utils.exercises.nb07_distillation.soft_slips import MISCONCEPTIONS
from course_utils.training.distill import soft_distillation


def _cases(g: Generator) -> list[Arguments]:
    settings = ((2.5, 0.3), (5.0, 0.8), (0.9, 0.6), (3.0, 0.45))
    return [(*each, *setting) for each, setting in zip(cases_of_logits(g), settings, strict=True)]


def _wild(g: Generator) -> list[Wild]:
    def some(batch: int, classes: int) -> tuple[Tensor, Tensor, Tensor]:
        labels = torch.randint(classes, (batch,), generator=g)
        return logits(g, batch, classes), logits(g, batch, classes), labels

    student, teacher, labels = some(4, 5)
    return [
        Wild(
            "large-logits",
            (extreme(g, 4, 5), extreme(g, 4, 5).roll(1, -1), torch.tensor([0, 4, 2, 1]), 1.0, 0.5),
            "logits are near ±100",
            f"{LARGE}: work with logarithms throughout.",
        ),
        Wild(
            "teacher-alone",
            (*some(3, 4), 2.0, 1.0),
            "weight is 1, so only the teacher counts",
            "The notebook uses it: do not divide by 1 − weight.",
        ),
        Wild(
            "labels-alone",
            (*some(3, 4), 2.0, 0.0),
            "weight is 0, so only the labels count",
            "Do not divide by the weight.",
        ),
        Wild(
            "double",
            (student.double(), teacher.double(), labels, 64.0, 1.0),
            "the logits are float64",
            "The notebook uses float64 at high temperatures, where float32 is too coarse: keep the dtype of the "
            "arguments.",
        ),
        Wild(
            "very-high-temperature",
            (3 * student.double(), 3 * teacher.double(), labels, 1024.0, 1.0),
            "the temperature is 1024",
            "The notebook goes that far, with float64, because float32 is too coarse: do not clamp the temperature, "
            "and keep the dtype of the arguments.",
        ),
        Wild("one-picture", (*some(1, 4), 3.0, 0.4), "the batch has a single image"),
        Wild(
            "other-layout",
            (student.mT.contiguous().mT, teacher.mT.contiguous().mT, labels, 2.0, 0.7),
            "the logits are transposed tensors",
            "`.view` cannot merge axes that are not contiguous in memory: use `.reshape`.",
        ),
    ]


SOFT_DISTILLATION = Exercise(
    name="07.soft_distillation",
    title="Match the teacher's softened probabilities",
    points=2,
    reference=soft_distillation,
    learns=("student",),
    cases=_cases,
    wild=_wild,
    hints=(
        "You need two softmaxes, both of logits divided by the temperature. Use their logarithms (`.log_softmax`): a "
        "probability may be too small for a float, but its logarithm is not.",
        "KL(teacher ‖ student) is the sum over the classes of p · (log p − log q), where p is the teacher's "
        "probability and q the student's, and then the mean over the batch. `F.kl_div` can do that too: check what "
        "its two arguments must be, and choose `reduction=…`.",
        "The labels' part is `F.cross_entropy` of the student's unscaled logits: it has no temperature, and it "
        "includes the softmax. Finally, multiply it by (1 − λ) and the divergence by λ · τ².",
    ),
    misconceptions=MISCONCEPTIONS,
)
