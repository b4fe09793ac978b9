"""One step of projected gradient descent."""

import torch
from torch import Generator

from course_utils.exercises.exercise import Arguments, Exercise, Wild
from course_utils.exercises.nb10_captions.attack_slips import SLIPS
from course_utils.robustness.attack import pgd_step


def _arguments(
    g: Generator, size: tuple[int, ...], radius: float, step_size: float, contrast: float = 1.0
) -> Arguments:
    centre = 0.5 + contrast * (torch.rand(size, generator=g) - 0.5)
    here = (centre + radius * (2 * torch.rand(size, generator=g) - 1)).clamp(0, 1)
    return here, 0.5 * torch.randn(size, generator=g), centre, radius, step_size


def _cases(g: Generator) -> list[Arguments]:
    _, gradient, centre, radius, step_size = _arguments(g, (3, 2, 3, 3), 0.3, 0.15)
    return [
        _arguments(g, (2, 3, 4, 4), 0.2, 0.1),
        _arguments(g, (1, 1, 6, 5), 0.1, 0.25, contrast=0.4),
        (torch.rand(centre.shape, generator=g), gradient, centre, radius, step_size),  # starting outside the ball
    ]


def _wild(g: Generator) -> list[Wild]:
    images, gradient, centre, radius, step_size = _arguments(g, (2, 3, 4, 5), 0.2, 0.05)
    half = gradient * (torch.rand(gradient.shape, generator=g) < 0.5)
    return [
        Wild(
            "zero-gradient",
            (images, half, centre, radius, step_size),
            "the gradient is exactly 0 at some pixels",
            "Pixels with gradient 0 should not change.",
        ),
        Wild(
            "tiny-gradient",
            (images, 1e-20 * gradient.sign(), centre, radius, step_size),
            "the gradient is tiny",
            "Only its sign counts, so the step has its usual size.",
        ),
        Wild(
            "radius-0",
            (centre, half, centre, 0.0, step_size),
            "the radius is 0",
            "The ball is then a single point, so the result is `centre`. Do not divide by the radius.",
        ),
        Wild(
            "other-memory",
            (*(x.mT.contiguous().mT for x in (images, gradient, centre)), radius, step_size),
            "the images are stored column by column, as after a transpose",
            "Use `.reshape` instead of `.view`.",
        ),
    ]


PGD_STEP = Exercise(
    name="10.pgd_step",
    title="A step, and back into the ball",
    points=2,
    reference=pgd_step,
    former=(("pictures", "images"),),
    cases=_cases,
    wild=_wild,
    hints=(
        "There are three operations: a step, back into the ball around `centre`, back into [0, 1]. Where does the "
        "step begin?",
        "The step has the same size at every pixel, for any size of the gradient: what remains of `gradient`? The "
        "loss should decrease, so in which direction does the step go?",
        "The ball is a box: at each pixel from centre − radius to centre + radius. Its limits are tensors: "
        "`torch.minimum` and `torch.maximum` accept tensors, and `.clamp` accepts tensors or numbers such as 0 and "
        "1.",
    ),
    misconceptions=SLIPS,
)
