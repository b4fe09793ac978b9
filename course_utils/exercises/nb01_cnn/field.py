"""What a stack of convolutions can see."""

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
    """Places on a map, and how many they are on the map before it, from the last layer to the first."""

    def wrong(layers: Layers) -> int:
        places = 1
        for kernel, stride in reversed(layers):
            places = back(places, kernel, stride)
        return places

    return wrong


def _of(change: Callable[[Layers], Layers]) -> Callable[[Layers], int]:
    """The right field of other layers."""
    return lambda layers: receptive_field(change(layers))


def _sum(term: Callable[[int, int], int]) -> Callable[[Layers], int]:
    return lambda layers: 1 + sum(term(kernel, stride) for kernel, stride in layers)


def _all_strides(layers: Layers) -> int:
    step = prod(stride for _, stride in layers)
    return 1 + sum((kernel - 1) * step for kernel, _ in layers)


def _sum_from_zero(layers: Layers) -> int:
    """Strides added up from zero, with a step of at least one."""
    field, step = 1, 0
    for kernel, stride in layers:
        field = field + (kernel - 1) * max(step, 1)
        step = step + stride
    return field


def _two_before(layers: Layers) -> int:
    strides = [stride for _, stride in layers]
    return 1 + sum((kernel - 1) * prod(strides[: max(i - 1, 0)]) for i, (kernel, _) in enumerate(layers))


def _with(change: Callable[[int, int], Any]) -> Callable[[Layers], Any]:
    """Field and step at the end, and what is returned of them."""

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
        Wild("no-layers", ([],), "there is no layer at all", "One pixel then sees itself alone."),
        Wild(
            "larger-strides-than-kernels",
            ([(1, 2), (2, 3), (3, 1)],),
            "a stride is larger than its kernel",
            "Some pixels are skipped then, but the field reaches over them all the same.",
        ),
    ],
    hints=(
        "Without any layer, one pixel sees one pixel. By how many pixels does one 3 × 3 convolution widen that? And "
        "a second one?",
        "After a stride of 2, neighbours on the map are 2 pixels apart in the picture, so the next layer's kernel "
        "reaches twice as far. Keep two numbers: the field, and the step between neighbours.",
        "A layer widens the field by `kernel - 1` of the steps that there are before it. Only then does its own stride "
        "make the step larger. Both numbers start at 1.",
    ),
    misconceptions=(
        Misconception(
            "strides-ignored",
            "Strides are ignored. After a stride of 2, neighbours on the map are 2 pixels apart in the picture, so "
            "later kernels reach further: multiply kernel - 1 by the step.",
            _slip(widen=lambda field, kernel, step: field + kernel - 1),
        ),
        Misconception(
            "own-stride-counted",
            "A layer's own stride is counted for its own kernel. It moves the kernel but does not spread it: only "
            "the strides of the layers before widen its reach.",
            _slip(stride_first=True),
        ),
        Misconception(
            "only-own-stride",
            "Each kernel is multiplied by its own layer's stride and by no other. It is the strides of all the layers "
            "before that spread it.",
            _sum(lambda kernel, stride: (kernel - 1) * stride),
        ),
        Misconception(
            "only-the-stride-before",
            "Only the stride of the layer just before is counted. Strides multiply: after two of 2, neighbours are 4 "
            "pixels apart.",
            _slip(advance=lambda step, stride: stride),
        ),
        Misconception(
            "strides-added",
            "The strides are added up. They multiply: after two of 2, neighbours are 4 pixels apart, and after a third "
            "8.",
            _slip(advance=lambda step, stride: step + stride),
            _slip(advance=lambda step, stride: step + stride - 1),
            _sum_from_zero,
        ),
        Misconception(
            "all-strides",
            "Every layer's reach is multiplied by all the strides, those of later layers too. A layer is spread only "
            "by the strides before it.",
            _all_strides,
        ),
        Misconception(
            "whole-kernel",
            "Each layer adds its whole kernel. The kernel's middle sits on what is already seen, so a 3 × 3 adds "
            "one step on each side: kernel - 1.",
            _slip(widen=lambda field, kernel, step: field + kernel * step),
            _slip(widen=lambda field, kernel, step: field + kernel * step, start=0),
            _slip(widen=lambda field, kernel, step: field + kernel),
            _slip(widen=lambda field, kernel, step: field + kernel, start=0),
        ),
        Misconception(
            "one-more-in-each-layer",
            "Each layer adds one pixel too many. A 3 × 3 adds one step on each side, and the middle is there already.",
            _slip(widen=lambda field, kernel, step: field + (kernel - 1) * step + 1),
        ),
        Misconception(
            "one-side-only",
            "Only one side of each kernel is counted. A 3 × 3 sees one step further to the left and one to the right.",
            _slip(widen=lambda field, kernel, step: field + kernel // 2 * step),
            _slip(widen=lambda field, kernel, step: field + (kernel - 1) // 2 * step),
        ),
        Misconception(
            "odd-kernels-only",
            "Both sides of a kernel are taken to be equally long, which is true of odd sizes only. Count the steps "
            "from one end of the kernel to the other.",
            _slip(widen=lambda field, kernel, step: field + 2 * (kernel // 2) * step),
            _slip(widen=lambda field, kernel, step: field + 2 * ((kernel - 1) // 2) * step),
        ),
        Misconception(
            "kernel-times-own-stride",
            "Each layer adds its kernel times its own stride. A layer's reach is one step less than its kernel is "
            "long, and the step comes from the strides of the layers before.",
            _sum(lambda kernel, stride: kernel * stride),
            lambda layers: sum(kernel * stride for kernel, stride in layers),
        ),
        Misconception(
            "kernel-plus-one",
            "Each layer adds kernel + 1 steps. The middle of a 3 × 3 is there already, so it adds one step on each "
            "side: kernel - 1.",
            _slip(widen=lambda field, kernel, step: field + (kernel + 1) * step),
        ),
        Misconception(
            "field-multiplied",
            "In each layer the field so far is multiplied, by the stride or by the step. It keeps its size, and "
            "something is added to it.",
            _slip(widen=lambda field, kernel, step: field * step + kernel - 1),
            lambda layers: _from_the_end(lambda field, kernel, stride: field * stride + kernel - 1)(layers[::-1]),
        ),
        Misconception(
            "largest-stride",
            "The largest stride alone is counted. Strides multiply: after two of 2, neighbours are 4 pixels apart.",
            _slip(advance=max),
        ),
        Misconception(
            "stride-before-missing",
            "The stride of the layer just before is left out. It spreads a kernel as all the earlier ones do.",
            _two_before,
        ),
        Misconception(
            "layers-counted",
            "Your result depends only on the number of layers. Kernels and strides say how much each of them adds.",
            lambda layers: len(layers),
            lambda layers: 2 * len(layers) + 1,
            lambda layers: 2 * len(layers),
            lambda layers: len(layers) + 1,
            lambda layers: 3 * len(layers),
        ),
        Misconception(
            "starts-at-zero",
            "The result is one pixel too small: it starts at 0. Without any layer, one pixel already sees itself.",
            _slip(start=0),
        ),
        Misconception(
            "one-too-large",
            "The result is one pixel too large. Without any layer, one pixel sees itself: 1.",
            _slip(start=2),
        ),
        Misconception(
            "kernels-multiplied",
            "The kernels are multiplied. Two 3 × 3 convolutions see 5 × 5 pixels, not 9 × 9, because their windows "
            "overlap: the reach adds up.",
            lambda layers: prod(kernel for kernel, _ in layers),
            _slip(widen=lambda field, kernel, step: field * kernel * step),
            lambda layers: prod(kernel * stride for kernel, stride in layers),
        ),
        Misconception(
            "largest-kernel",
            "The largest kernel alone is counted. Each layer adds to what the ones before it see.",
            lambda layers: max((kernel for kernel, _ in layers), default=1),
        ),
        Misconception(
            "unpacked-backwards",
            "Kernel and stride are swapped. Each layer is (kernel, stride).",
            _of(lambda layers: [(stride, kernel) for kernel, stride in layers]),
        ),
        Misconception(
            "back-to-front",
            "The result is that of the layers from back to front. The first layer comes first, and its stride spreads "
            "all the others.",
            _of(lambda layers: layers[::-1]),
        ),
        Misconception(
            "places-for-gaps",
            "On the way back from the last layer, as many strides are counted as there are places. Between them lie "
            "only the gaps: two places are one stride apart.",
            _from_the_end(lambda places, kernel, stride: places * stride + kernel - 1),
            _from_the_end(lambda places, kernel, stride: places * stride + kernel),
        ),
        Misconception(
            "first-layer-only",
            "Only the first layer is counted: that happens when `return` stands inside the loop. Go through all of "
            "them.",
            _of(lambda layers: layers[:1]),
        ),
        Misconception(
            "first-layer-missing",
            "The first layer is left out. It counts like the others, and its stride spreads all that come after.",
            _of(lambda layers: layers[1:]),
        ),
        Misconception(
            "last-layer-missing",
            "The last layer is left out. It counts like the others.",
            _of(lambda layers: layers[:-1]),
        ),
        Misconception(
            "kernel-written-in",
            "Every kernel is taken to be 3 pixels wide. Each layer has a size of its own, the first of its two "
            "numbers.",
            _of(lambda layers: [(3, stride) for _, stride in layers]),
        ),
        Misconception(
            "stride-written-in",
            "Every stride is taken to be the same. Each layer has its own, the second of its two numbers.",
            _of(lambda layers: [(kernel, 2) for kernel, _ in layers]),
        ),
        Misconception(
            "step-returned",
            "That is the product of the strides: how far apart neighbours are in the end. We ask how far one of them "
            "sees.",
            _with(lambda field, step: step),
        ),
        Misconception(
            "step-too",
            "The right number is there, but the step is returned beside it. Return the field alone.",
            _with(lambda field, step: (field, step)),
        ),
        Misconception(
            "area",
            "That is the number of pixels in the field. We ask for its side.",
            _with(lambda field, step: field**2),
        ),
        Misconception(
            "both-sides",
            "The field is square, and you return both of its sides. Return one number.",
            _with(lambda field, step: (field, field)),
        ),
        Misconception(
            "radius",
            "That is how far the field reaches to one side. We ask for the whole side, with the pixel in the middle.",
            _with(lambda field, step: (field - 1) // 2),
        ),
        Misconception(
            "side-of-the-map",
            "That is the side of the map that comes out of a picture of a certain size. We ask how much of the "
            "picture one place of it sees.",
            _with(lambda field, step: 48 // step),
            _with(lambda field, step: 224 // step),
            _with(lambda field, step: 32 // step),
        ),
        Misconception(
            "one-number",
            "The result is the same whatever the layers are. Compute it from them.",
            lambda layers: 13,
            lambda layers: 5,
            lambda layers: 7,
            lambda layers: 1,
            lambda layers: 3,
        ),
    ),
)
