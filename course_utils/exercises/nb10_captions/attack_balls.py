"""Wrong projections into the ball."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb10_captions.attack_steps import ALL, PICTURE, Box, any_pixels, ball, of_each, slip


def _sides(low: float, high: float) -> Box:
    """A box around the centre, from low to high in units of the radius."""
    return lambda moved, images, centre, radius: moved.clamp(centre + low * radius, centre + high * radius)


def _shrunk(order: float, dims: tuple[int, ...] = PICTURE) -> Box:
    """The change of an image, of all images or of one position scaled down to the right norm."""

    def box(moved: Tensor, images: Tensor, centre: Tensor, radius: float) -> Tensor:
        change = moved - centre
        return centre + change * (radius / of_each(change, order, dims)).clamp(max=1)

    return box


def _shrunk_by_mean(dims: tuple[int, ...]) -> Box:
    def box(moved: Tensor, images: Tensor, centre: Tensor, radius: float) -> Tensor:
        change = moved - centre
        return centre + change * (radius / change.square().mean(dim=dims, keepdim=True).sqrt()).clamp(max=1)

    return box


def _back_to_centre(moved: Tensor, images: Tensor, centre: Tensor, radius: float) -> Tensor:
    return torch.where((moved - centre).abs() <= radius, moved, centre)


def _stays_outside(moved: Tensor, images: Tensor, centre: Tensor, radius: float) -> Tensor:
    return torch.where((moved - centre).abs() <= radius, moved, images)


def _beyond_any(box: Box) -> Box:
    """The same for pixels that would leave [0, 1]: they count as outside the ball."""

    def both(moved: Tensor, images: Tensor, centre: Tensor, radius: float) -> Tensor:
        return box(torch.where((moved >= 0) & (moved <= 1), moved, centre + 2 * radius + 1), images, centre, radius)

    return both


def _on(base: Callable[[Tensor, Tensor], Tensor]) -> Box:
    """The clamped change from the centre, added to something else."""
    return lambda moved, images, centre, radius: base(images, centre) + (moved - centre).clamp(-radius, radius)


BALLS = (
    Misconception(
        "ball-around-zero",
        "The pixels are projected around zero, so bright images become dark. The ball is around the original image: "
        "from centre − radius to centre + radius.",
        slip(box=lambda moved, images, centre, radius: moved.clamp(-radius, radius)),
    ),
    Misconception(
        "ball-travels",
        "The ball is around the current image, so it moves along, and after many steps the change is far larger than "
        "radius. Its centre is the original.",
        slip(box=lambda moved, images, centre, radius: moved.clamp(images - radius, images + radius)),
    ),
    Misconception(
        "upper-side-only",
        "The ball has only an upper limit: a pixel may still fall below centre − radius.",
        slip(box=_sides(-math.inf, 1)),
    ),
    Misconception(
        "lower-side-only",
        "The ball has only a lower limit: a pixel may still rise above centre + radius.",
        slip(box=_sides(-1, math.inf)),
    ),
    Misconception(
        "half-a-ball",
        "The ball extends to only one side of the centre. A pixel may become darker or brighter.",
        slip(box=_sides(0, 1)),
        slip(box=_sides(-1, 0)),
    ),
    Misconception(
        "other-radius",
        "The ball has half or twice the radius. The radius is the distance from the centre to each side.",
        slip(box=_sides(-0.5, 0.5)),
        slip(box=_sides(-2, 2)),
    ),
    Misconception(
        "limits-exchanged",
        "Every pixel moves to the same side of the ball, the lower or the upper one, because the two limits are "
        "swapped. Which of them keeps a pixel from falling too low?",
        slip(box=_sides(-1, -1)),
        slip(box=_sides(1, 1)),
    ),
    Misconception(
        "l2-ball",
        "The change is scaled down, as a vector, to an L2 norm of at most the radius. Here each pixel has its own "
        "limit.",
        slip(box=_shrunk(2)),
        slip(direction=lambda gradient: -gradient / of_each(gradient, 2), box=_shrunk(2)),
        *(slip(box=_shrunk(2, dims)) for dims in (ALL, (1,))),
    ),
    Misconception(
        "l1-ball",
        "The change is scaled down until the sum of its absolute values is at most the radius: that is an L1 ball. "
        "Here each pixel has its own limit.",
        slip(box=_shrunk(1)),
        slip(box=_shrunk(1, ALL)),
    ),
    Misconception(
        "shrunk-as-a-whole",
        "Many pixels' changes are scaled down by one factor, even those that are small enough. Only move the pixels "
        "that went too far.",
        slip(box=_shrunk(torch.inf)),
        slip(box=_shrunk(torch.inf, ALL)),
        slip(box=_shrunk_by_mean(PICTURE)),
        slip(box=_shrunk_by_mean(ALL)),
    ),
    Misconception(
        "one-box-for-all",
        "The same limits hold for many pixels. Each pixel has its own limits, around its value in `centre`.",
        slip(
            box=lambda moved, images, centre, radius: moved.clamp(
                float(centre.min() - radius), float(centre.max() + radius)
            )
        ),
        slip(box=lambda moved, images, centre, radius: ball(moved, images, centre.mean(), radius)),
        slip(
            box=lambda moved, images, centre, radius: ball(
                moved, images, centre.mean(dim=(1, 2, 3), keepdim=True), radius
            )
        ),
    ),
    Misconception(
        "back-to-the-centre",
        "A pixel that would go too far returns to its value in `centre`. It should stop at the limit.",
        slip(box=_back_to_centre),
        slip(box=_beyond_any(_back_to_centre)),
        slip(box=_back_to_centre, pixels=any_pixels),
    ),
    Misconception(
        "no-step-where-outside",
        "A pixel that would go too far does not move at all. It should stop at the limit.",
        slip(box=_stays_outside),
        slip(box=lambda moved, *rest: _stays_outside(moved.clamp(0, 1), *rest)),
        slip(box=_beyond_any(_stays_outside), pixels=any_pixels),
        slip(pixels=any_pixels, box=_stays_outside),
    ),
    Misconception(
        "limit-on-the-wrong-side",
        "Every pixel moves to one side of the ball or beyond it: the lower limit is used as the upper one, or vice "
        "versa.",
        slip(box=lambda moved, images, centre, radius: torch.minimum(moved, centre - radius)),
        slip(box=lambda moved, images, centre, radius: torch.maximum(moved, centre + radius)),
        slip(box=lambda moved, images, centre, radius: torch.minimum(moved, centre - radius), pixels=any_pixels),
        slip(box=lambda moved, images, centre, radius: torch.maximum(moved, centre + radius), pixels=any_pixels),
    ),
    Misconception(
        "change-on-pictures",
        "The change is measured from `centre`, but added to `images`. Add it to `centre`.",
        slip(box=_on(lambda images, centre: images)),
        slip(box=_on(lambda images, centre: images), pixels=any_pixels),
    ),
    Misconception(
        "change-reversed",
        "The change from `centre` has the wrong sign: a pixel that should be brighter than in `centre` is darker.",
        slip(box=lambda moved, images, centre, radius: centre - (moved - centre).clamp(-radius, radius)),
    ),
    Misconception(
        "change-in-range",
        "The change is clamped to [0, 1], so no pixel becomes darker than in `centre`. Clamp the image to [0, 1] "
        "instead.",
        slip(
            box=lambda moved, images, centre, radius: centre + (moved - centre).clamp(-radius, radius).clamp(0, 1),
            pixels=any_pixels,
        ),
    ),
    Misconception(
        "relative-ball",
        "The limits are multiples of the pixel's value, so a dark pixel may hardly change. Each pixel may change by "
        "up to `radius`.",
        slip(box=lambda moved, images, centre, radius: moved.clamp(centre * (1 - radius), centre * (1 + radius))),
    ),
    Misconception(
        "rounded",
        "The pixels are rounded to 255ths. Do not round them.",
        slip(pixels=lambda moved: (moved.clamp(0, 1) * 255).round() / 255),
    ),
    Misconception(
        "only-if-all",
        "Pixels are projected only if all of them are outside the ball. Project each separately.",
        slip(
            box=lambda moved, images, centre, radius: (
                ball(moved, images, centre, radius) if (moved - centre).abs().min() > radius else moved
            )
        ),
    ),
)
