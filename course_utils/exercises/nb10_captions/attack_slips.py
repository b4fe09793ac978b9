"""Steps that go elsewhere, and boxes that are not the ball."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.exercise import Misconception

Answer = Callable[..., Any]
Form = Callable[[Tensor], Tensor]
Box = Callable[[Tensor, Tensor, Tensor, float], Tensor]  # moved, pictures, centre, radius


def _ball(moved: Tensor, pictures: Tensor, centre: Tensor, radius: float) -> Tensor:
    return moved.clamp(centre - radius, centre + radius)


def _no_ball(moved: Tensor, pictures: Tensor, centre: Tensor, radius: float) -> Tensor:
    return moved


def _sides(low: float, high: float) -> Box:
    """A box around the centre, from low to high in units of the radius."""
    return lambda moved, pictures, centre, radius: moved.clamp(centre + low * radius, centre + high * radius)


def _pixels(moved: Tensor) -> Tensor:
    return moved.clamp(0, 1)


def _any_pixels(moved: Tensor) -> Tensor:
    return moved


def _radius(radius: float, step_size: float) -> float:
    return radius


def _step_size(radius: float, step_size: float) -> float:
    return step_size


def _slip(
    direction: Form = lambda gradient: -gradient.sign(),
    box: Box = _ball,
    pixels: Form = _pixels,
    start: str = "pictures",
) -> Answer:
    """The step with one of its parts replaced."""

    def wrong(pictures: Tensor, gradient: Tensor, centre: Tensor, radius: float, step_size: float) -> Tensor:
        begin = centre if start == "centre" else pictures
        return pixels(box(begin + step_size * direction(gradient), pictures, centre, radius))

    return wrong


def _with(ball: Callable[[float, float], float], step: Callable[[float, float], float]) -> Answer:
    """The step with another radius and another size, each made of the radius and the size that are given."""
    return lambda pictures, gradient, centre, radius, step_size: _slip()(
        pictures, gradient, centre, ball(radius, step_size), step(radius, step_size)
    )


def _first(after: Form) -> Answer:
    """Projected, stepped, and something after that."""
    return lambda pictures, gradient, centre, radius, step_size: after(
        _ball(pictures, pictures, centre, radius).clamp(0, 1) - step_size * gradient.sign()
    )


def _over(length: Form) -> Answer:
    """A step along the gradient, divided by something made of it."""
    return _slip(direction=lambda gradient: -gradient / length(gradient))


def _averaged(*dims: int) -> Answer:
    return _slip(direction=lambda gradient: -gradient.mean(dim=dims, keepdim=True).sign())


def _of_each(x: Tensor, order: float) -> Tensor:
    return torch.linalg.vector_norm(x, ord=order, dim=(1, 2, 3), keepdim=True)


def _shrunk(order: float) -> Box:
    """The whole change of a picture made smaller until its length fits."""

    def box(moved: Tensor, pictures: Tensor, centre: Tensor, radius: float) -> Tensor:
        change = moved - centre
        return centre + change * (radius / _of_each(change, order)).clamp(max=1)

    return box


def _back_to_centre(moved: Tensor, pictures: Tensor, centre: Tensor, radius: float) -> Tensor:
    return torch.where((moved - centre).abs() <= radius, moved, centre)


def _stays_outside(moved: Tensor, pictures: Tensor, centre: Tensor, radius: float) -> Tensor:
    return torch.where((moved - centre).abs() <= radius, moved, pictures)


def _stretched(moved: Tensor) -> Tensor:
    return (moved - moved.min()) / (moved.max() - moved.min())


SLIPS = (
    Misconception(
        _slip(direction=torch.sign),
        "The step goes up the loss. The attacker wants it small here: go against the gradient.",
        name="uphill",
    ),
    Misconception(
        _slip(direction=torch.neg),
        "The step is as large as the gradient, pixel by pixel. In an L∞ ball every pixel may use its whole allowance: "
        "only the gradient's sign counts.",
        name="gradient-itself",
        also=(_slip(direction=lambda gradient: gradient),),
    ),
    Misconception(
        _over(lambda gradient: _of_each(gradient, 2)),
        "The gradient is divided by its length, as for an L2 ball. In an L∞ ball every pixel takes a whole step: only "
        "the gradient's sign counts.",
        name="gradient-of-length-one",
        also=(
            _over(torch.norm),
            _over(lambda gradient: gradient.norm(dim=1, keepdim=True)),
            _over(lambda gradient: gradient.norm(dim=-1, keepdim=True)),
        ),
    ),
    Misconception(
        _over(lambda gradient: gradient.abs().max()),
        "The gradient is scaled by its size over many pixels, so where it is small, the step is small too. Every pixel "
        "takes a whole step: only the gradient's sign counts.",
        name="gradient-scaled",
        also=(
            _over(torch.std),
            _over(lambda gradient: gradient.abs().sum()),
            _over(lambda gradient: gradient.abs().mean()),
            _over(lambda gradient: _of_each(gradient, 1)),
            _over(lambda gradient: _of_each(gradient, torch.inf)),
        ),
    ),
    Misconception(
        _slip(direction=lambda gradient: -gradient.tanh()),
        "A soft sign is used: where the gradient is small, the step is small too. Only −1, 0 and 1 are signs.",
        name="soft-sign",
        also=(
            _slip(direction=lambda gradient: -gradient.clamp(-1, 1)),
            _slip(direction=lambda gradient: -gradient / (1 + gradient.abs())),
            _slip(direction=lambda gradient: 1 - 2 * gradient.sigmoid()),
        ),
    ),
    Misconception(
        _slip(direction=lambda gradient: -gradient.abs().sign()),
        "The sign of the gradient is lost: every pixel goes the same way. Each has a direction of its own.",
        name="sign-lost",
        also=(
            _slip(direction=lambda gradient: gradient.abs().sign()),
            _slip(direction=lambda gradient: -gradient.abs()),
        ),
    ),
    Misconception(
        _averaged(1),
        "The gradient is averaged before its sign is taken, over colours, pixels or pictures. Each has a sign of its own.",
        name="averaged-first",
        also=(_averaged(0), _averaged(2, 3), _averaged(1, 2, 3), _averaged(0, 1, 2, 3)),
    ),
    Misconception(
        _slip(direction=lambda gradient: -gradient.sign().relu()),
        "Only pixels whose gradient has one of the two signs are moved. The others move too, the other way.",
        name="one-way-only",
        also=(_slip(direction=lambda gradient: (-gradient).sign().relu()),),
    ),
    Misconception(
        _slip(box=lambda moved, pictures, centre, radius: moved.clamp(-radius, radius)),
        "The pixels are projected around zero, so bright pictures go dark. The ball lies around the original picture: "
        "from centre − radius to centre + radius.",
        name="ball-around-zero",
    ),
    Misconception(
        _slip(box=lambda moved, pictures, centre, radius: moved.clamp(pictures - radius, pictures + radius)),
        "The ball is laid around the present picture, so it travels along, and after many steps the change is far larger "
        "than radius. Its centre is the original.",
        name="ball-travels",
    ),
    Misconception(
        _slip(box=_sides(-math.inf, 1)),
        "The ball has an upper side only: a pixel may still fall below centre − radius.",
        name="upper-side-only",
    ),
    Misconception(
        _slip(box=_sides(-1, math.inf)),
        "The ball has a lower side only: a pixel may still rise above centre + radius.",
        name="lower-side-only",
    ),
    Misconception(
        _slip(box=_sides(0, 1)),
        "The ball reaches to one side of the centre only. A pixel may become darker or brighter.",
        name="half-a-ball",
        also=(_slip(box=_sides(-1, 0)),),
    ),
    Misconception(
        _slip(box=_sides(-0.5, 0.5)),
        "The ball has half or twice the radius that is given. The radius reaches from the centre to each side.",
        name="other-radius",
        also=(_slip(box=_sides(-2, 2)),),
    ),
    Misconception(
        _slip(box=_sides(-1, -1)),
        "The minimum and the maximum have changed places: every pixel ends at one side of the ball. What keeps a pixel "
        "from falling too low is a maximum.",
        name="minimum-for-maximum",
        also=(_slip(box=_sides(1, 1)),),
    ),
    Misconception(
        _slip(box=_no_ball),
        "Nothing brings the picture back into the ball after the step: the change may become larger than radius.",
        name="no-ball",
    ),
    Misconception(
        _first(lambda moved: moved),
        "The picture is projected first, and the step comes after it: nothing brings the result back.",
        name="projected-first",
        also=(_first(_pixels),),
    ),
    Misconception(
        _slip(pixels=_any_pixels),
        "Nothing keeps the pixels in [0, 1]: some are darker than black or brighter than white.",
        name="no-range",
    ),
    Misconception(
        _slip(box=_no_ball, pixels=_any_pixels),
        "Nothing happens after the step: it may lead out of the ball, and out of [0, 1].",
        name="bare-step",
    ),
    Misconception(
        _slip(pixels=lambda moved: moved.clamp(max=1)),
        "Pixels are cut at 1, but some become darker than black: they should stay in [0, 1].",
        name="below-black",
        also=(_slip(pixels=lambda moved: moved.clamp(-1, 1)),),
    ),
    Misconception(
        _slip(pixels=lambda moved: moved.clamp(min=0)),
        "Pixels are cut at 0, but some become brighter than white: they should stay in [0, 1].",
        name="above-white",
    ),
    Misconception(
        _slip(start="centre"),
        "The step starts at the original picture each time, so all steps but the last are forgotten. Start where you are.",
        name="from-the-centre",
        also=(_slip(start="centre", box=_no_ball),),
    ),
    Misconception(
        lambda pictures, gradient, centre, radius, step_size: _slip()(centre, gradient, pictures, radius, step_size),
        "`pictures` and `centre` have changed places. The step starts at `pictures`, and the ball lies around `centre`.",
        name="pictures-for-centre",
    ),
    Misconception(
        _with(ball=_step_size, step=_radius),
        "`radius` and `step_size` have changed places.",
        name="radius-for-step",
    ),
    Misconception(
        _with(ball=_radius, step=_radius),
        "The step is as large as the radius, whatever `step_size` says.",
        name="step-of-the-radius",
    ),
    Misconception(
        _with(ball=_step_size, step=_step_size),
        "The ball is as large as the step, whatever `radius` says.",
        name="ball-of-the-step",
    ),
    Misconception(
        _with(ball=lambda radius, step_size: radius / 255, step=_step_size),
        "A length is divided by 255 here. Radius and step are given in the pixels' own unit, in which white is 1.",
        name="in-255ths",
        also=(
            _with(ball=_radius, step=lambda radius, step_size: step_size / 255),
            _with(ball=lambda radius, step_size: radius / 255, step=lambda radius, step_size: step_size / 255),
        ),
    ),
    Misconception(
        _slip(box=_shrunk(2)),
        "The change is made shorter as a whole until its length is at most radius: that is an L2 ball. Here each pixel "
        "has its own limit.",
        name="l2-ball",
        also=(_slip(direction=lambda gradient: -gradient / _of_each(gradient, 2), box=_shrunk(2)),),
    ),
    Misconception(
        _slip(box=_shrunk(torch.inf)),
        "The whole change is shrunk until its largest entry fits. Only the pixels that went too far should be cut.",
        name="shrunk-as-a-whole",
    ),
    Misconception(
        _slip(
            box=lambda moved, pictures, centre, radius: moved.clamp(
                float(centre.min() - radius), float(centre.max() + radius)
            )
        ),
        "One box is made for all pixels. Each pixel has a box of its own, around its own value in `centre`.",
        name="one-box-for-all",
        also=(
            _slip(box=lambda moved, pictures, centre, radius: _ball(moved, pictures, centre.mean(), radius)),
            _slip(
                box=lambda moved, pictures, centre, radius: _ball(
                    moved, pictures, centre.mean(dim=(1, 2, 3), keepdim=True), radius
                )
            ),
        ),
    ),
    Misconception(
        _slip(box=_back_to_centre),
        "A pixel that would leave the ball goes back to the centre. It should stop at the ball's side.",
        name="back-to-the-centre",
    ),
    Misconception(
        _slip(box=_stays_outside),
        "A pixel that would leave the ball does not move at all. It should go as far as the ball's side.",
        name="no-step-where-outside",
        also=(_slip(box=lambda moved, *rest: _stays_outside(moved.clamp(0, 1), *rest)),),
    ),
    Misconception(
        _slip(pixels=lambda moved: moved % 1),
        "Pixels beyond 0 or 1 come in again at the other end. They should stop there.",
        name="wraps-round",
    ),
    Misconception(
        _slip(pixels=_stretched),
        "The pixels are stretched or squeezed to fill 0 … 1, which changes all of them. Only those outside should be cut.",
        name="stretched",
        also=(_slip(pixels=torch.sigmoid),),
    ),
    Misconception(
        lambda pictures, gradient, centre, radius, step_size: (pictures - step_size * gradient.sign() - centre).clamp(
            -radius, radius
        ),
        "This is the change, not the picture. Add it to the original.",
        name="change-only",
        also=(
            lambda pictures, gradient, centre, radius, step_size: (
                (pictures - step_size * gradient.sign() - centre).clamp(-radius, radius).clamp(0, 1)
            ),
            lambda pictures, gradient, centre, radius, step_size: -step_size * gradient.sign(),
        ),
    ),
)
