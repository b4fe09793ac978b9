"""Hard distillation."""

import torch
from torch import Generator

from course_utils.exercises.exercise import Arguments, Exercise, Wild
from course_utils.exercises.nb07_distillation import parts as slips
from course_utils.exercises.nb07_distillation.hard_slips import MISCONCEPTIONS
from course_utils.training.distill import hard_distillation


def _cases(g: Generator) -> list[Arguments]:
    first, *others = slips.cases_of_logits(g)
    return [first, *((*each, smoothing) for each, smoothing in zip(others, (0.3, 0.6, 0.4), strict=True))]


def _wild(g: Generator) -> list[Wild]:
    student, teacher = slips.logits(g, 4, 5), slips.logits(g, 4, 5)
    return [
        Wild(
            "close-lead",
            (slips.logits(g, 3, 4), slips.CLOSE_LEAD, torch.tensor([3, 0, 1]), 0.2),
            "two of the teacher's logits are nearly equal",
            slips.SMALL_LEAD,
        ),
        Wild(
            "teacher-below-zero",
            (slips.logits(g, 3, 4), -2 - slips.logits(g, 3, 4).abs(), torch.tensor([3, 0, 1]), 0.2),
            "all of the teacher's logits are negative",
            slips.ANY_SIGN,
        ),
        Wild(
            "teacher-very-sure",
            (slips.logits(g, 4, 5), slips.extreme(g, 4, 5).flip(-1), torch.tensor([0, 4, 2, 1]), 0.2),
            "the teacher's logits are near ±100",
            slips.ANY_LIKELIEST,
        ),
        Wild(
            "large-logits",
            (slips.extreme(g, 4, 5), slips.logits(g, 4, 5), torch.tensor([0, 4, 2, 1]), 0.2),
            "the student's logits are near ±100",
            f"{slips.LARGE}, and `F.cross_entropy` uses it.",
        ),
        Wild(
            "class-without-a-label",
            (slips.logits(g, 3, 6), slips.logits(g, 3, 6), torch.tensor([2, 0, 1]), 0.3),
            "no image in the batch has the last class as its label",
            "Take the number of classes from the logits: `F.one_hot(labels)` counts only the classes that it finds.",
        ),
        Wild(
            "no-smoothing",
            (student, teacher, torch.tensor([1, 4, 0, 2]), 0.0),
            "smoothing is 0",
            "Then nothing is spread: do not divide by it, and do not treat 0 as missing.",
        ),
        Wild(
            "one-picture",
            (slips.logits(g, 1, 4), slips.logits(g, 1, 4), torch.tensor([2]), 0.2),
            "the batch has a single image",
        ),
        Wild(
            "other-layout",
            (student.mT.contiguous().mT, teacher.mT.contiguous().mT, torch.tensor([1, 4, 0, 2]), 0.1),
            "the logits are transposed tensors",
            "`.view` cannot merge axes that are not contiguous in memory: use `.reshape`.",
        ),
    ]


HARD_DISTILLATION = Exercise(
    name="07.hard_distillation",
    title="Learn the teacher's label",
    points=2,
    reference=hard_distillation,
    learns=("student",),
    cases=_cases,
    wild=_wild,
    promises=(slips.either_word(hard_distillation, others=1),),
    hints=(
        "The teacher's label is one class index per image, that of its most likely class. Does it matter whether you "
        "take it from the logits or from the probabilities?",
        "Both halves are a cross-entropy of the student's logits, with different targets. `F.cross_entropy` takes "
        "logits, and can smooth a target itself: look for the argument with `help(F.cross_entropy)`. Which target is "
        "smoothed?",
        "Add half of one and half of the other; each is already the mean over the batch.",
    ),
    misconceptions=MISCONCEPTIONS,
)
