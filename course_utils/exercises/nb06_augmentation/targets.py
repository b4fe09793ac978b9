"""Soft targets: smoothed labels, and pictures mixed with their labels."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.training.regularise import mixup, smooth_labels


def _smoothed(right: Callable[[int, float], float], others: Callable[[int, float], float]) -> Callable[..., Tensor]:
    """Targets with one value for the right class and one for each other, both of (classes, smoothing)."""

    def wrong(labels: Tensor, classes: int, smoothing: float) -> Tensor:
        one = F.one_hot(labels, classes).float()
        return one * right(classes, smoothing) + (1 - one) * others(classes, smoothing)

    return wrong


LABEL_SMOOTHING = Exercise(
    name="06.label_smoothing",
    title="Smoothed labels",
    reference=smooth_labels,
    cases=lambda g: [
        (torch.tensor([0, 2, 1]), 3, 0.1),
        (torch.tensor([4, 0]), 10, 0.3),
        (torch.tensor([1, 1, 0, 1]), 2, 0.2),
        (torch.tensor([2]), 4, 0.0),
    ],
    hints=(
        "Start from the hard target: `F.one_hot(labels, classes)` is 1 at the right class and 0 elsewhere. It gives "
        "whole numbers; `.float()` makes them floating-point.",
        "Take the share `smoothing` away from it, and give that share to all classes alike, the right one too.",
        "(1 − smoothing) · one_hot + smoothing / classes.",
    ),
    misconceptions=(
        Misconception(
            _smoothed(lambda k, e: 1 - e, lambda k, e: e / (k - 1)),
            "The share goes to the other classes only, so the right class gets 1 − ε. The lecture's slide on DeiT "
            "says so, but Szegedy et al. and PyTorch spread it over all classes: the right one gets 1 − ε + ε/K.",
        ),
        Misconception(
            _smoothed(lambda k, e: 1 - e, lambda k, e: e / k),
            "The rows do not sum to one. The right class gets its part of the spread share as well: add "
            "smoothing / classes to all.",
        ),
        Misconception(
            _smoothed(lambda k, e: 1.0, lambda k, e: e / k),
            "The right class keeps all it had, so the rows sum to more than one. What is spread must first be taken "
            "away.",
        ),
        Misconception(
            _smoothed(lambda k, e: 1 - e + e, lambda k, e: e),
            "Every class gets the whole share. Divide it by the number of classes.",
        ),
        Misconception(
            lambda labels, classes, smoothing: F.one_hot(labels, classes).float(),
            "These are hard targets: smoothing is not used.",
        ),
        Misconception(
            lambda labels, classes, smoothing: F.one_hot(labels, classes).float() + smoothing / classes,
            "The share is given to all, but taken from nobody: the rows sum to 1 + ε. Scale the hard target by "
            "1 − smoothing first.",
        ),
    ),
)


def _mixup_cases(g: Generator) -> list[Arguments]:
    def case(batch: int, classes: int, shape: tuple[int, ...], share: list[float]) -> Arguments:
        labels = torch.arange(batch) % classes
        return torch.rand(batch, *shape, generator=g), F.one_hot(labels, classes).float(), torch.tensor(share)

    return [
        case(4, 3, (1, 3, 3), [0.7]),
        case(3, 4, (3, 2, 4), [0.9, 0.2, 0.6]),
        case(5, 2, (1, 4, 4), [0.5, 1.0, 0.0, 0.8, 0.3]),
    ]


def _mixed(values: Tensor, share: Tensor, partner: Callable[[Tensor], Tensor]) -> Tensor:
    own = share.reshape(-1, *[1] * (values.ndim - 1))
    return own * values + (1 - own) * partner(values)


def _before(values: Tensor) -> Tensor:
    return values.roll(1, 0)


def _pairs(
    of_images: Callable[[Tensor, Tensor], Tensor], of_targets: Callable[[Tensor, Tensor], Tensor]
) -> Callable[..., tuple[Tensor, Tensor]]:
    return lambda images, targets, share: (of_images(images, share), of_targets(targets, share))


def _right(values: Tensor, share: Tensor) -> Tensor:
    return _mixed(values, share, _before)


MIXUP = Exercise(
    name="06.mixup",
    title="MixUp",
    points=2,
    reference=mixup,
    returns=("the mixed images", "the mixed targets"),
    learns=("images",),
    cases=_mixup_cases,
    hints=(
        "The other picture of picture i is picture i − 1: `images.roll(1, 0)` moves the whole batch on by one, and "
        "the last comes first.",
        "`share` has one axis, pictures have four and targets two. `share.reshape(-1, 1, 1, 1)` fits the pictures.",
        "Write a small function that mixes any values, and use it for the pictures and for the targets: the same "
        "others, the same share.",
    ),
    misconceptions=(
        Misconception(
            _pairs(_right, lambda values, share: values),
            "The pictures are mixed, the targets are not. The model would be told that a picture, seven parts shirt "
            "and three parts bag, is a shirt and nothing else: mix the labels as well.",
        ),
        Misconception(
            _pairs(lambda values, share: _mixed(values, 1 - share, _before), _right),
            "The pictures get λ of the other and 1 − λ of their own, the targets the reverse. Both must be mixed "
            "with the same share.",
        ),
        Misconception(
            _pairs(
                lambda values, share: _mixed(values, 1 - share, _before),
                lambda values, share: _mixed(values, 1 - share, _before),
            ),
            "Shares are swapped: λ should be the picture's own part, 1 − λ that of the one before it. On average "
            "over λ that is the same, but not for this λ.",
        ),
        Misconception(
            _pairs(
                lambda values, share: _mixed(values, share, lambda v: v.roll(-1, 0)),
                lambda values, share: _mixed(values, share, lambda v: v.roll(-1, 0)),
            ),
            "Each picture is mixed with the one after it. Ours takes the one before, as torchvision's: roll by +1.",
        ),
        Misconception(
            _pairs(_right, lambda values, share: _mixed(values, share, lambda v: v.roll(-1, 0))),
            "Pictures and targets are mixed with different others: the target must be that of the very picture that "
            "was mixed in.",
        ),
        Misconception(
            _pairs(
                lambda values, share: _mixed(values, share[:1], _before),
                lambda values, share: _mixed(values, share[:1], _before),
            ),
            "The first share is used for all pictures. Each has its own, unless there is only one.",
        ),
        Misconception(
            _pairs(
                lambda values, share: _mixed(values, share, lambda v: v.flip(0)),
                lambda values, share: _mixed(values, share, lambda v: v.flip(0)),
            ),
            "The batch is reversed to find the others, so in an odd batch the middle picture meets itself. Move it "
            "on by one instead.",
        ),
    ),
)
