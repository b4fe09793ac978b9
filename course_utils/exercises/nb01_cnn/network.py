"""What a stack of convolutions can see, and how a new block joins a trained network."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from course_utils.attention import gated_residual
from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.models.resnet import receptive_field

Layers = list[tuple[int, int]]


def _receptive_field_slip(
    widen: Callable[[int, int, int, int], int] = lambda field, kernel, stride, step: field + (kernel - 1) * step,
    advance: Callable[[int, int], int] = lambda step, stride: step * stride,
    stride_first: bool = False,
) -> Callable[[Layers], int]:
    """The recurrence with one of its steps replaced."""

    def wrong(layers: Layers) -> int:
        field, step = 1, 1
        for kernel, stride in layers:
            if stride_first:
                step = advance(step, stride)
            field = widen(field, kernel, stride, step)
            if not stride_first:
                step = advance(step, stride)
        return field

    return wrong


RECEPTIVE_FIELD = Exercise(
    name="01.receptive_field",
    title="How far a stack of convolutions can see",
    points=2,
    reference=receptive_field,
    cases=lambda g: [
        ([(3, 1)],),
        ([(3, 1), (3, 1), (3, 1)],),
        ([(5, 4), (1, 1), (3, 1), (1, 1)],),
        ([(7, 2), (3, 2), (3, 1), (3, 2), (3, 1)],),
        ([],),
    ],
    hints=(
        "Without any layer, one pixel sees one pixel. By how many pixels does one 3 × 3 convolution widen that? And "
        "a second one?",
        "After a stride of 2, neighbours on the map are 2 pixels apart in the picture, so the next layer's kernel "
        "reaches twice as far. Keep two numbers: the field, and the step between neighbours.",
        "For each layer, first `field = field + (kernel - 1) * step`, then `step = step * stride`. Both start at 1.",
    ),
    misconceptions=(
        Misconception(
            _receptive_field_slip(widen=lambda field, kernel, stride, step: field + kernel - 1),
            "Strides are ignored. After a stride of 2, neighbours on the map are 2 pixels apart in the picture, so "
            "later kernels reach further: multiply kernel - 1 by the step.",
        ),
        Misconception(
            _receptive_field_slip(stride_first=True),
            "A layer's own stride is counted for its own kernel. It moves the kernel, it does not spread it: only "
            "the strides of the layers before widen its reach.",
        ),
        Misconception(
            _receptive_field_slip(advance=lambda step, stride: stride),
            "Only the stride of the layer just before is counted. Strides multiply: after two of 2, neighbours are 4 "
            "pixels apart.",
        ),
        Misconception(
            _receptive_field_slip(widen=lambda field, kernel, stride, step: field + kernel * step),
            "Each layer adds its whole kernel. The kernel's middle sits on what is already seen, so a 3 × 3 adds "
            "one step on each side: kernel - 1.",
        ),
        Misconception(
            _receptive_field_slip(widen=lambda field, kernel, stride, step: field * kernel),
            "The kernels are multiplied. Two 3 × 3 convolutions see 5 × 5 pixels, not 9 × 9, because their windows "
            "overlap: the reach adds up.",
        ),
        Misconception(
            lambda layers: receptive_field(layers) ** 2,
            "That is the number of pixels in the field. We ask for its side.",
        ),
    ),
)


def _gated_residual_cases(g: Generator) -> list[Arguments]:
    shapes = [(2, 3, 4, 5), (1, 8, 2, 2), (2, 4, 3, 1), (3, 2, 2, 4)]
    gates = [0.7, -1.5, 0.0, 2.0]
    return [
        (torch.randn(*shape, generator=g), torch.randn(*shape, generator=g), torch.tensor(gate))
        for shape, gate in zip(shapes, gates, strict=True)
    ]


def _gated(join: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    return lambda features, update, gate: join(features, update, gate)


GATED_RESIDUAL = Exercise(
    name="01.gated_residual",
    title="A block that begins by doing nothing",
    reference=gated_residual,
    learns=("features", "update", "gate"),
    cases=_gated_residual_cases,
    hints=(
        "With a gate of 0 the result must be the features, unchanged. With a gate of 1 it is an ordinary residual "
        "connection.",
        "Equation 3 of Zhang et al.: y = γ o + x. Which of the three is the gate?",
    ),
    misconceptions=(
        Misconception(
            _gated(lambda features, update, gate: features + update),
            "The gate is not used, so at the first step the new block already pours its random output into a network "
            "that was trained without it. Multiply the update by the gate.",
        ),
        Misconception(
            _gated(lambda features, update, gate: gate * (features + update)),
            "The gate closes the shortcut as well: with a gate of zero everything is zero, and the trained network "
            "is cut off. Multiply only the update.",
        ),
        Misconception(
            _gated(lambda features, update, gate: gate * update),
            "The features are lost. A residual block adds to what came in: features plus the gated update.",
        ),
        Misconception(
            _gated(lambda features, update, gate: (1 - gate) * features + gate * update),
            "This fades from the features to the update, as highway networks do. Here the features stay whole, "
            "whatever the gate: y = γ o + x.",
        ),
        Misconception(
            _gated(lambda features, update, gate: features + gate.sigmoid() * update),
            "The gate goes through a sigmoid, so a gate of zero lets half of the update in. It is a plain factor: "
            "zero means nothing, and it may become negative.",
        ),
        Misconception(
            _gated(lambda features, update, gate: gate * features + update),
            "The gate sits on the features instead of the update: with a gate of zero, only the new block's output "
            "would be left.",
        ),
    ),
)
