"""One step of projected gradient descent."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from course_utils.attack import pgd_step
from course_utils.exercises.exercise import Arguments, Exercise, Misconception


def _cases(g: Generator) -> list[Arguments]:
    cases: list[Arguments] = []
    for size, radius, step_size in (((2, 3, 4, 4), 0.2, 0.1), ((1, 1, 6, 5), 0.1, 0.25), ((3, 2, 3, 3), 0.4, 0.15)):
        centre = torch.rand(size, generator=g)
        here = (centre + radius * (2 * torch.rand(size, generator=g) - 1)).clamp(0, 1)
        cases.append((here, 0.5 * torch.randn(size, generator=g), centre, radius, step_size))
    return cases


def _slip(
    direction: Callable[[Tensor], Tensor] = lambda gradient: -gradient.sign(),
    middle: Callable[[Tensor, Tensor], Tensor] = lambda pictures, centre: centre,
    into_ball: bool = True,
    into_range: bool = True,
    from_centre: bool = False,
) -> Callable[..., Tensor]:
    """The step with one of its parts replaced."""

    def wrong(pictures: Tensor, gradient: Tensor, centre: Tensor, radius: float, step_size: float) -> Tensor:
        moved = (centre if from_centre else pictures) + step_size * direction(gradient)
        if into_ball:
            around = middle(pictures, centre)
            moved = torch.minimum(torch.maximum(moved, around - radius), around + radius)
        return moved.clamp(0, 1) if into_range else moved

    return wrong


PGD_STEP = Exercise(
    name="10.pgd_step",
    title="A step, and back into the ball",
    points=2,
    reference=pgd_step,
    cases=_cases,
    hints=(
        "Three moves: a step, back into the ball around centre, back into [0, 1].",
        "The step is the same size at every pixel: `step_size * gradient.sign()`. The loss shall fall, so it goes "
        "against the gradient.",
        "The ball is a box: at each pixel from centre − radius to centre + radius. `torch.minimum` and `torch.maximum` "
        "cut with tensors, `.clamp(0, 1)` with numbers.",
    ),
    misconceptions=(
        Misconception(
            _slip(direction=lambda gradient: gradient.sign()),
            "The step goes up the loss. The attacker wants it small here: go against the gradient.",
        ),
        Misconception(
            _slip(direction=lambda gradient: -gradient),
            "The step is as large as the gradient, pixel by pixel. In an L∞ ball every pixel may use its whole allowance: "
            "take the gradient's sign.",
        ),
        Misconception(
            _slip(direction=lambda gradient: -gradient / gradient.flatten(1).norm(dim=1)[:, None, None, None]),
            "The gradient is divided by its length: that is the step for an L2 ball. In an L∞ ball take its sign.",
        ),
        Misconception(
            _slip(middle=lambda pictures, centre: torch.zeros_like(centre)),
            "The pixels are projected around zero, so bright pictures go dark. The ball lies around the original "
            "picture: from centre − radius to centre + radius.",
        ),
        Misconception(
            _slip(middle=lambda pictures, centre: pictures),
            "The ball is laid around the present picture, so it travels along, and after many steps the change is far "
            "larger than radius. Its centre is the original.",
        ),
        Misconception(
            _slip(into_ball=False),
            "Nothing brings the picture back into the ball: the change may become larger than radius.",
        ),
        Misconception(
            _slip(into_range=False),
            "The clamp to [0, 1] is missing: some pixels are darker than black or brighter than white.",
        ),
        Misconception(
            _slip(from_centre=True),
            "The step starts at the original picture each time, so all steps but the last are forgotten. Start where "
            "you are.",
        ),
        Misconception(
            _slip(into_ball=False, into_range=False),
            "This is the bare step: neither the ball nor the range [0, 1] is kept.",
        ),
    ),
)
