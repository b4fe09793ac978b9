"""The receptive field of a stack of convolutions."""

from collections.abc import Callable
from math import prod
from typing import Any

from course_utils.exercises.exercise import Exercise, Misconception, Wild
from course_utils.models.resnet import receptive_field

Layers = list[tuple[int, int]]


def _slip(
    widen: Callable[[int, int, int], int] = lambda field, kernel, step: field + (kernel - 1) * step,
    advance: Callable[[int, int], int] = lambda step, stride: step * stride,
    stride_first: bool = False,
    start: int = 1,
) -> Callable[[Layers], int]:
    """The recurrence with one of its steps replaced."""

    def wrong(layers: Layers) -> int:
        field, step = start, 1
        for kernel, stride in layers:
            if stride_first:
                step = advance(step, stride)
            field = widen(field, kernel, step)
            if not stride_first:
                step = advance(step, stride)
        return field

    return wrong


def _from_the_end(back: Callable[[int, int, int], int]) -> Callable[[Layers], int]:
    """The number of positions on each map that the output depends on, from the last layer to the first."""

    def wrong(layers: Layers) -> int:
        places = 1
        for kernel, stride in reversed(layers):
            places = back(places, kernel, stride)
        return places

    return wrong


def _of(change: Callable[[Layers], Layers]) -> Callable[[Layers], int]:
    """The right result for other layers."""
    return lambda layers: receptive_field(change(layers))


def _sum(term: Callable[[int, int], int]) -> Callable[[Layers], int]:
    return lambda layers: 1 + sum(term(kernel, stride) for kernel, stride in layers)


def _all_strides(layers: Layers) -> int:
    step = prod(stride for _, stride in layers)
    return 1 + sum((kernel - 1) * step for kernel, _ in layers)


def _sum_from_zero(layers: Layers) -> int:
    """Strides summed from zero, with a step of at least one."""
    field, step = 1, 0
    for kernel, stride in layers:
        field = field + (kernel - 1) * max(step, 1)
        step = step + stride
    return field


def _two_before(layers: Layers) -> int:
    strides = [stride for _, stride in layers]
    return 1 + sum((kernel - 1) * prod(strides[: max(i - 1, 0)]) for i, (kernel, _) in enumerate(layers))


def _with(change: Callable[[int, int], Any]) -> Callable[[Layers], Any]:
    """Returns something computed from the final field and step."""

    def wrong(layers: Layers) -> Any:
        return change(receptive_field(layers), prod(stride for _, stride in layers))

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
        ([(4, 2), (6, 3), (2, 1), (2, 2)],),
    ],
    wild=lambda g: [
        Wild("no-layers", ([],), "there is no layer at all", "One pixel then sees only itself."),
        Wild(
            "larger-strides-than-kernels",
            ([(1, 2), (2, 3), (3, 1)],),
            "a stride is larger than its kernel",
            "Some pixels are skipped, but the receptive field still includes them.",
        ),
    ],
    hints=(
        "Without any layer, one pixel sees one pixel. By how many pixels does one 3 × 3 convolution widen it? And a "
        "second one?",
        "After a stride of 2, neighbours on the map are 2 pixels apart in the image, so the next layer's kernel "
        "reaches twice as far. Track two numbers: the field, and the step between neighbours.",
        "A layer widens the field by `kernel - 1` steps, with the step from before the layer. Then its stride "
        "multiplies the step. Both numbers start at 1.",
    ),
    misconceptions=(
        Misconception(
            "strides-ignored",
            "Strides are ignored. After a stride of 2, neighbours on the map are 2 pixels apart in the image, so "
            "later kernels reach further: multiply kernel - 1 by the step, and after each layer the step by its "
            "stride.",
            _slip(widen=lambda field, kernel, step: field + kernel - 1),
        ),
        Misconception(
            "own-stride-counted",
            "A layer's stride is applied to its own kernel. It moves the kernel but does not widen it: only the "
            "strides of earlier layers do.",
            _slip(stride_first=True),
        ),
        Misconception(
            "only-own-stride",
            "Each kernel is multiplied only by its own layer's stride. Multiply it by the strides of all earlier "
            "layers instead.",
            _sum(lambda kernel, stride: (kernel - 1) * stride),
        ),
        Misconception(
            "only-the-stride-before",
            "Only the stride of the previous layer is used. Strides multiply: after two strides of 2, neighbours are "
            "4 pixels apart.",
            _slip(advance=lambda step, stride: stride),
        ),
        Misconception(
            "strides-added",
            "The strides are added. They multiply: after two strides of 2, neighbours are 4 pixels apart, and after "
            "a third 8.",
            _slip(advance=lambda step, stride: step + stride),
            _slip(advance=lambda step, stride: step + stride - 1),
            _sum_from_zero,
        ),
        Misconception(
            "all-strides",
            "Every layer's kernel is multiplied by all the strides, even those of later layers. Use only the strides "
            "before the layer.",
            _all_strides,
        ),
        Misconception(
            "whole-kernel",
            "Each layer adds its whole kernel. The kernel's centre is already counted, so a 3 × 3 kernel adds one "
            "step on each side: kernel - 1.",
            _slip(widen=lambda field, kernel, step: field + kernel * step),
            _slip(widen=lambda field, kernel, step: field + kernel * step, start=0),
            _slip(widen=lambda field, kernel, step: field + kernel),
            _slip(widen=lambda field, kernel, step: field + kernel, start=0),
        ),
        Misconception(
            "one-more-in-each-layer",
            "Each layer adds one pixel too many. A 3 × 3 kernel adds one step on each side; its centre is already "
            "counted.",
            _slip(widen=lambda field, kernel, step: field + (kernel - 1) * step + 1),
        ),
        Misconception(
            "one-side-only",
            "Only one side of each kernel is counted. A 3 × 3 kernel sees one step further to the left and one to "
            "the right.",
            _slip(widen=lambda field, kernel, step: field + kernel // 2 * step),
            _slip(widen=lambda field, kernel, step: field + (kernel - 1) // 2 * step),
        ),
        Misconception(
            "odd-kernels-only",
            "Both sides of a kernel are assumed to be equally long, which is true only for odd sizes. Count the "
            "steps from one end of the kernel to the other.",
            _slip(widen=lambda field, kernel, step: field + 2 * (kernel // 2) * step),
            _slip(widen=lambda field, kernel, step: field + 2 * ((kernel - 1) // 2) * step),
        ),
        Misconception(
            "kernel-times-own-stride",
            "Each layer adds its kernel times its own stride. A layer adds kernel - 1 steps, and the step comes from "
            "the strides of earlier layers.",
            _sum(lambda kernel, stride: kernel * stride),
            lambda layers: sum(kernel * stride for kernel, stride in layers),
        ),
        Misconception(
            "kernel-plus-one",
            "Each layer adds kernel + 1 steps. The centre of a 3 × 3 kernel is already counted, so it adds one step "
            "on each side: kernel - 1.",
            _slip(widen=lambda field, kernel, step: field + (kernel + 1) * step),
        ),
        Misconception(
            "field-multiplied",
            "Each layer multiplies the field by the stride or by the step. Add to the field instead.",
            _slip(widen=lambda field, kernel, step: field * step + kernel - 1),
            lambda layers: _from_the_end(lambda field, kernel, stride: field * stride + kernel - 1)(layers[::-1]),
        ),
        Misconception(
            "largest-stride",
            "Only the largest stride is used. Strides multiply: after two strides of 2, neighbours are 4 pixels "
            "apart.",
            _slip(advance=max),
        ),
        Misconception(
            "stride-before-missing",
            "The stride of the previous layer is left out. It widens a kernel like all earlier strides.",
            _two_before,
        ),
        Misconception(
            "layers-counted",
            "Your result depends only on the number of layers. How much each layer adds depends on kernels and "
            "strides.",
            lambda layers: len(layers),
            lambda layers: 2 * len(layers) + 1,
            lambda layers: 2 * len(layers),
            lambda layers: len(layers) + 1,
            lambda layers: 3 * len(layers),
        ),
        Misconception(
            "starts-at-zero",
            "The result is one pixel too small: it starts at 0. Without layers, one pixel already sees itself.",
            _slip(start=0),
        ),
        Misconception(
            "one-too-large",
            "The result is one pixel too large. Without layers, one pixel sees itself: 1.",
            _slip(start=2),
        ),
        Misconception(
            "kernels-multiplied",
            "The kernels are multiplied. Two 3 × 3 convolutions see 5 × 5 pixels, not 9 × 9, because their windows "
            "overlap: add instead.",
            lambda layers: prod(kernel for kernel, _ in layers),
            _slip(widen=lambda field, kernel, step: field * kernel * step),
            lambda layers: prod(kernel * stride for kernel, stride in layers),
        ),
        Misconception(
            "largest-kernel",
            "Only the largest kernel is used. Each layer adds to the field of the layers before it.",
            lambda layers: max((kernel for kernel, _ in layers), default=1),
        ),
        Misconception(
            "unpacked-backwards",
            "Kernel and stride are swapped. Each layer is (kernel, stride).",
            _of(lambda layers: [(stride, kernel) for kernel, stride in layers]),
        ),
        Misconception(
            "back-to-front",
            "The layers are used in reverse order. The first layer comes first, and its stride widens all the "
            "others.",
            _of(lambda layers: layers[::-1]),
        ),
        Misconception(
            "places-for-gaps",
            "Going back from the last layer, one stride is counted per position. Count the gaps between positions: "
            "two positions are one stride apart.",
            _from_the_end(lambda places, kernel, stride: places * stride + kernel - 1),
            _from_the_end(lambda places, kernel, stride: places * stride + kernel),
        ),
        Misconception(
            "first-layer-only",
            "Only the first layer is counted. That happens if `return` is inside the loop. Loop over all layers, "
            "then return.",
            _of(lambda layers: layers[:1]),
        ),
        Misconception(
            "first-layer-missing",
            "The first layer is left out. It counts like the others, and its stride widens all later ones.",
            _of(lambda layers: layers[1:]),
        ),
        Misconception(
            "last-layer-missing",
            "The last layer is left out. It counts like the others.",
            _of(lambda layers: layers[:-1]),
        ),
        Misconception(
            "kernel-written-in",
            "Every kernel is assumed to be 3 pixels wide. Each layer has its own size, the first of its two numbers.",
            _of(lambda layers: [(3, stride) for _, stride in layers]),
        ),
        Misconception(
            "stride-written-in",
            "Every stride is assumed to be the same. Each layer has its own, the second of its two numbers.",
            _of(lambda layers: [(kernel, 2) for kernel, _ in layers]),
        ),
        Misconception(
            "step-returned",
            "This is the product of the strides: the distance between neighbours at the end. Return how much one of "
            "them sees.",
            _with(lambda field, step: step),
        ),
        Misconception(
            "step-too",
            "The right number is there, but the step is returned with it. Return only the field.",
            _with(lambda field, step: (field, step)),
        ),
        Misconception(
            "area", "This is the number of pixels in the field. Return its side.", _with(lambda field, step: field**2)
        ),
        Misconception(
            "both-sides",
            "The field is square, and you return both sides. Return one number.",
            _with(lambda field, step: (field, field)),
        ),
        Misconception(
            "radius",
            "This is how far the field reaches to one side. Return its whole width, including the centre pixel.",
            _with(lambda field, step: (field - 1) // 2),
        ),
        Misconception(
            "side-of-the-map",
            "This is the side of the output map for an image of a certain size. Return how much of the image one "
            "position of it sees.",
            _with(lambda field, step: 48 // step),
            _with(lambda field, step: 224 // step),
            _with(lambda field, step: 32 // step),
        ),
        Misconception(
            "one-number",
            "The result does not depend on the layers. Compute it from them.",
            lambda layers: 13,
            lambda layers: 5,
            lambda layers: 7,
            lambda layers: 1,
            lambda layers: 3,
        ),
    ),
)
