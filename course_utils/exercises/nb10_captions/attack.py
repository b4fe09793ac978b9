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
        (torch.rand(centre.shape, generator=g), gradient, centre, radius, step_size),  # from outside the ball
    ]


def _wild(g: Generator) -> list[Wild]:
    pictures, gradient, centre, radius, step_size = _arguments(g, (2, 3, 4, 5), 0.2, 0.05)
    half = gradient * (torch.rand(gradient.shape, generator=g) < 0.5)
    return [
        Wild(
            "zero-gradient",
            (pictures, half, centre, radius, step_size),
            "the gradient is exactly 0 at some pixels",
            "A pixel whose gradient is 0 should take no step.",
        ),
        Wild(
            "tiny-gradient",
            (pictures, 1e-8 * gradient.sign(), centre, radius, step_size),
            "the gradient is tiny",
            "Only its sign counts, so the step should be as large as ever.",
        ),
        Wild(
            "radius-0",
            (centre, half, centre, 0.0, step_size),
            "the radius is 0",
            "The ball is then a single point, so `centre` should come out. Divide nothing by the radius.",
        ),
        Wild(
            "other-memory",
            (*(x.mT.contiguous().mT for x in (pictures, gradient, centre)), radius, step_size),
            "the pictures lie in memory column by column, as after a transposition",
            "Use `.reshape` where you use `.view`.",
        ),
    ]


PGD_STEP = Exercise(
    name="10.pgd_step",
    title="A step, and back into the ball",
    points=2,
    reference=pgd_step,
    cases=_cases,
    wild=_wild,
    hints=(
        "Three moves: a step, back into the ball around `centre`, back into [0, 1]. Where does the step begin?",
        "The step has the same size at every pixel, however large the gradient is there: what remains of `gradient`? The "
        "loss should fall, so in which direction does the step go?",
        "The ball is a box: at each pixel from centre − radius to centre + radius. Its sides are tensors: `torch.minimum` "
        "and `torch.maximum` take tensors as limits, and `.clamp` takes tensors or numbers such as 0 and 1.",
    ),
    misconceptions=SLIPS,
)
