"""Hard distillation with a distillation token."""

import torch
from torch import Generator, Tensor

from course_utils.exercises.exercise import Arguments, Exercise, Wild
from course_utils.exercises.nb07_distillation import parts as slips
from course_utils.exercises.nb07_distillation.token_slips import MISCONCEPTIONS
from course_utils.training.distill import token_distillation


def _cases(g: Generator) -> list[Arguments]:
    both = zip(slips.cases_of_logits(g), slips.cases_of_logits(g), (0.5, 0.3, 0.6, 0.4), strict=True)
    first, *others = [(one, other, teacher, labels, e) for (one, teacher, labels), (other, _, _), e in both]
    return [first[:4], *others]


def _wild(g: Generator) -> list[Wild]:
    def heads(batch: int, classes: int) -> tuple[Tensor, Tensor, Tensor]:
        return slips.logits(g, batch, classes), slips.logits(g, batch, classes), slips.logits(g, batch, classes)

    labels, laid = torch.tensor([1, 4, 0, 2]), [z.mT.contiguous().mT for z in heads(4, 5)]
    one, other, below = heads(3, 4)
    return [
        Wild(
            "close-lead",
            (one, other, slips.CLOSE_LEAD, torch.tensor([3, 0, 1]), 0.2),
            "two of the teacher's logits are nearly equal",
            slips.SMALL_LEAD,
        ),
        Wild(
            "teacher-below-zero",
            (one, other, -2 - below.abs(), torch.tensor([3, 0, 1]), 0.2),
            "all of the teacher's logits are negative",
            slips.ANY_SIGN,
        ),
        Wild(
            "teacher-very-sure",
            (
                slips.logits(g, 4, 5),
                slips.logits(g, 4, 5),
                slips.extreme(g, 4, 5).flip(-1),
                torch.tensor([0, 4, 2, 1]),
                0.2,
            ),
            "the teacher's logits are near ±100",
            slips.ANY_LIKELIEST,
        ),
        Wild(
            "large-logits",
            (slips.extreme(g, 4, 5), slips.extreme(g, 4, 5), slips.logits(g, 4, 5), torch.tensor([0, 4, 2, 1]), 0.2),
            "the student's logits are near ±100",
            f"{slips.LARGE}, and `F.cross_entropy` uses it.",
        ),
        Wild(
            "class-without-a-label",
            (*heads(3, 6), torch.tensor([2, 0, 1]), 0.3),
            "no image in the batch has the last class as its label",
            "Take the number of classes from the logits: `F.one_hot(labels)` counts only the classes that it finds.",
        ),
        Wild(
            "no-smoothing",
            (*heads(4, 5), labels, 0.0),
            "smoothing is 0",
            "Then nothing is spread: do not divide by it, and do not treat 0 as missing.",
        ),
        Wild("one-picture", (*heads(1, 4), torch.tensor([2]), 0.2), "the batch has a single image"),
        Wild(
            "other-layout",
            (*laid, labels, 0.1),
            "the logits are transposed tensors",
            "`.view` cannot merge axes that are not contiguous in memory: use `.reshape`.",
        ),
    ]


TOKEN_DISTILLATION = Exercise(
    name="07.token_distillation",
    title="A head for the label and a head for the teacher",
    points=2,
    reference=token_distillation,
    former=(("teacher_logits", "distillation_logits"),),
    learns=("label_logits", "distillation_logits"),
    cases=_cases,
    wild=_wild,
    promises=(slips.either_word(token_distillation, others=2),),
    hints=(
        "It is hard distillation again, but with two sets of student logits: which head has which target?",
        "The target of the class token's head is the true label (smoothed); the target of the distillation token's "
        "head is the teacher's label.",
        "Two calls of `F.cross_entropy`, with `label_logits` in one and `distillation_logits` in the other; each has "
        "weight one half. `teacher` itself is in neither: only its label is, as a target.",
    ),
    misconceptions=MISCONCEPTIONS,
)
