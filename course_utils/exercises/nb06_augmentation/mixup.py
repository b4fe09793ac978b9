"""MixUp: pictures mixed with their neighbours, and their labels as well."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.training.regularise import mixup

Mix = Callable[[Tensor, Tensor], Tensor]


def _batch(g: Generator, batch: int, classes: int, shape: tuple[int, ...], share: list[float]) -> Arguments:
    """Pictures, hard targets and shares."""
    labels = torch.arange(batch) % classes
    return torch.rand(batch, *shape, generator=g), F.one_hot(labels, classes).float(), torch.tensor(share)


def _cases(g: Generator) -> list[Arguments]:
    images, _, share = _batch(g, 3, 4, (3, 2, 4), [0.9, 0.2, 0.6])
    return [
        _batch(g, 4, 4, (1, 3, 4), [0.7, 0.1, 0.45, 0.8]),  # as many pictures as pixels in a row, and as classes
        (images, torch.randn(3, 4, generator=g).softmax(-1), share),
        _batch(g, 5, 2, (2, 4, 3), [0.5, 1.0, 0.0, 0.8, 0.3]),
    ]


def _wild(g: Generator) -> list[Wild]:
    images, targets, share = _batch(g, 4, 3, (2, 5, 3), [0.3, 0.8, 0.6, 0.9])
    return [
        Wild(
            "one-share-for-all",
            _batch(g, 4, 3, (1, 3, 3), [0.7]),
            "one share holds for all pictures",
            "Let it broadcast, or expand it to the batch: `share[i]` is not there for each picture, and `zip` ends with "
            "the shortest.",
        ),
        Wild("two-pictures", _batch(g, 2, 3, (1, 2, 3), [0.9, 0.4]), "the batch has two pictures"),
        Wild(
            "other-layout",
            (images.mT, targets.mT.contiguous().mT, torch.stack([share, 1 - share], 1)[:, 0]),
            "the pictures, the targets or the shares are spread out in memory, as parts of other tensors are",
            "`.view` refuses to merge axes that lie apart in memory: `.reshape` and broadcasting do not mind.",
        ),
    ]


def _share(values: Tensor, share: Tensor) -> Tensor:
    return share.reshape(-1, *[1] * (values.ndim - 1))


def _parts(
    own: Callable[[Tensor], Tensor] = lambda share: share,
    other: Callable[[Tensor], Tensor] = lambda share: 1 - share,
    partner: Callable[[Tensor], Tensor] = lambda values: values.roll(1, 0),
) -> Mix:
    """values mixed with one step replaced: the two factors, functions of the share, or the partner."""
    return lambda values, share: _share(values, own(share)) * values + _share(values, other(share)) * partner(values)


_RIGHT = _parts()
_SWAPPED = _parts(lambda share: 1 - share, lambda share: share)
_NEXT = _parts(partner=lambda values: values.roll(-1, 0))


def _both(of_images: Mix, of_targets: Mix | None = None) -> Callable[..., tuple[Tensor, Tensor]]:
    """The pictures mixed in one way, the targets in another, or in the same."""
    return lambda images, targets, share: (of_images(images, share), (of_targets or of_images)(targets, share))


def _anywhere(slip: Mix) -> tuple[Callable[..., tuple[Tensor, Tensor]], ...]:
    """A slip in the pictures alone, and in the targets alone."""
    return _both(slip, _RIGHT), _both(_RIGHT, slip)


def _as_a_random_one(images: Tensor, targets: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    order = torch.randperm(len(images))
    return _both(_parts(partner=lambda values: values[order]))(images, targets, share)


def _first_alone(values: Tensor, share: Tensor) -> Tensor:
    return torch.cat([values[:1], _RIGHT(values, share)[1:]])


def _already_mixed(values: Tensor, share: Tensor) -> Tensor:
    values = values.clone()
    for i, own in enumerate(share.expand(len(values))):
        values[i] = own * values[i] + (1 - own) * values[i - 1]
    return values


def _stronger(values: Tensor, share: Tensor) -> Tensor:
    return torch.where(_share(values, share) >= 0.5, values, values.roll(1, 0))


def _hard(targets: Tensor) -> Tensor:
    return F.one_hot(targets.argmax(-1), targets.shape[-1]).float()


MIXUP = Exercise(
    name="06.mixup",
    title="MixUp",
    points=2,
    reference=mixup,
    learns=("images",),
    returns=("the mixed images", "the mixed targets"),
    cases=_cases,
    wild=_wild,
    hints=(
        "The other picture of picture i is picture i − 1: `images.roll(1, 0)` moves the whole batch on by one, and "
        "the last comes first.",
        "`share` has one axis, pictures have four and targets two. `share.reshape(-1, 1, 1, 1)` fits the pictures.",
        "Write a small function that mixes any values, and use it for the pictures and for the targets: the same "
        "others, the same share.",
    ),
    misconceptions=(
        Misconception(
            "targets-not-mixed",
            "The pictures are mixed, the targets are not. The model would be told that a picture, seven parts shirt "
            "and three parts bag, is a shirt and nothing else: mix the labels as well.",
            _both(_RIGHT, lambda values, share: values),
        ),
        Misconception(
            "label-of-the-stronger",
            "Each target is that of the stronger picture alone. The weaker one is in the picture too: mix the targets, with "
            "the same shares.",
            _both(_RIGHT, _stronger),
            _both(_RIGHT, lambda v, s: torch.where(_share(v, s) > 0.5, v, v.roll(1, 0))),
        ),
        Misconception(
            "stronger-alone",
            "Nothing is mixed: of two pictures the one with the larger share is taken, and its target. Both are to be there, "
            "with their shares.",
            _both(_stronger),
        ),
        Misconception(
            "targets-made-hard",
            "A target is made hard before it is mixed, with 1 at its largest class and 0 elsewhere. Targets may be soft "
            "already: mix them as they are given.",
            lambda images, targets, share: mixup(images, _hard(targets), share),
            _both(_RIGHT, _parts(partner=lambda values: _hard(values.roll(1, 0)))),
        ),
        Misconception(
            "targets-made-hard-afterwards",
            "The targets are mixed and then made hard, with 1 at the largest class and 0 elsewhere, and the mixture is lost: "
            "leave them as probabilities.",
            lambda images, targets, share: (_RIGHT(images, share), _hard(_RIGHT(targets, share))),
        ),
        Misconception(
            "first-channel-only",
            "Only the first channel is left. Pictures may have several: mix them all.",
            lambda images, targets, share: mixup(images[:, :1], targets, share),
        ),
        Misconception(
            "targets-half-and-half",
            "Each target is half of the one and half of the other, whatever the shares are. It is mixed "
            "with the same share as the picture.",
            _both(_RIGHT, lambda values, share: (values + values.roll(1, 0)) / 2),
        ),
        Misconception(
            "opposite-shares",
            "Pictures and targets are mixed with opposite shares: where the one gets λ of its own, the other gets "
            "1 − λ. Both must be mixed alike.",
            _both(_SWAPPED, _RIGHT),
            _both(_RIGHT, _SWAPPED),
        ),
        Misconception(
            "shares-swapped",
            "The shares are swapped: λ should be the picture's own part, 1 − λ that of the one before it. On average "
            "over λ that is the same, but not for this λ.",
            _both(_SWAPPED),
        ),
        Misconception(
            "mixed-with-the-next",
            "Each picture is mixed with the one after it. Here it is the one before, as in torchvision: which way do you "
            "roll?",
            _both(_NEXT),
            _both(_parts(lambda s: 1 - s, lambda s: s, lambda v: v.roll(-1, 0))),
        ),
        Misconception(
            "different-partners",
            "The target mixed in is not that of the picture mixed in: both must come from the same place in the batch, the one "
            "before.",
            _both(_RIGHT, _NEXT),
            _both(_NEXT, _RIGHT),
            *_anywhere(_parts(partner=lambda values: values.flip(0))),
        ),
        Misconception(
            "first-share-for-all",
            "The first share is used for all pictures. Each has its own, unless there is only one.",
            _both(_parts(lambda share: share[:1], lambda share: 1 - share[:1])),
        ),
        Misconception(
            "mean-share-for-all",
            "The mean of the shares is used for all pictures. Each has its own, unless there is only one.",
            _both(_parts(lambda share: share.mean(), lambda share: 1 - share.mean())),
        ),
        Misconception(
            "batch-reversed",
            "The batch is reversed to find the others, so in a batch of odd size the middle picture meets itself. Move it "
            "on by one instead.",
            _both(_parts(partner=lambda values: values.flip(0))),
        ),
        Misconception(
            "mixed-with-one-further-away",
            "The batch is moved on by two places or more, at least when it is large. Each picture is mixed with the one right "
            "before it: move the batch on by one.",
            _both(_parts(partner=lambda values: values.roll(2, 0))),
            _both(_parts(partner=lambda values: values.roll(len(values) // 2, 0))),
        ),
        Misconception(
            "random-partner",
            "The other picture is drawn at random, which may be the picture itself. The batch is already shuffled: take "
            "the one before.",
            _as_a_random_one,
        ),
        Misconception(
            "rolled-without-an-axis",
            "`roll` without an axis moves every single number on by one place, through the whole batch. Whole pictures, and "
            "whole targets, must move: name the axis.",
            _both(_parts(partner=lambda values: values.roll(1))),
            *_anywhere(_parts(partner=lambda values: values.roll(1))),
        ),
        Misconception(
            "rolled-along-another-axis",
            "Something is moved along an axis other than the batch: channels, pixels or classes move inside each picture "
            "or target. Whole pictures must move, and their targets with them.",
            _both(_parts(partner=lambda values: values.roll(1, 1))),
            *_anywhere(_parts(partner=lambda values: values.roll(1, 1))),
            _both(_parts(partner=lambda values: values.roll(1, -1))),
            _both(_parts(partner=lambda values: values.roll(1, -1)), _RIGHT),
        ),
        Misconception(
            "other-pictures-share",
            "The factor of the other picture, or of its target, is made of its own share, so the two factors do not always sum "
            "to one. The share of picture i decides for both parts of picture i.",
            _both(_parts(other=lambda share: (1 - share).roll(1, 0))),
            _both(_parts(other=lambda share: share.roll(1, 0))),
            *_anywhere(_parts(other=lambda share: (1 - share).roll(1, 0))),
        ),
        Misconception(
            "mixed-with-a-mixture",
            "Pictures or targets are replaced one after the other, so from the second on each is mixed with one that is itself "
            "a mixture. Take the others from the batch as it was given.",
            _both(_already_mixed),
            *_anywhere(_already_mixed),
        ),
        Misconception(
            "larger-share",
            "In the pictures, the targets or both, the picture's own part is always the larger: a share below a half becomes "
            "one minus that share. Some do that, but here the share counts as it is.",
            _both(_parts(lambda s: torch.maximum(s, 1 - s), lambda s: torch.minimum(s, 1 - s))),
            *_anywhere(_parts(lambda s: torch.maximum(s, 1 - s), lambda s: torch.minimum(s, 1 - s))),
        ),
        Misconception(
            "own-at-full-strength",
            "A picture or a target keeps its full strength, and a part of the other is added: the two factors sum to more than "
            "one. What the other gets must be taken from its own.",
            _both(_parts(own=torch.ones_like)),
            *_anywhere(_parts(own=torch.ones_like)),
            _both(_parts(own=torch.ones_like, other=lambda share: share)),
        ),
        Misconception(
            "other-at-full-strength",
            "The other picture, or its target, is added at its full strength: the two factors sum to more than one. What a picture's "
            "own part leaves over belongs to the other, and no more.",
            _both(_parts(other=torch.ones_like)),
            *_anywhere(_parts(other=torch.ones_like)),
        ),
        Misconception(
            "other-multiplied-twice",
            "The other picture, or its target, is multiplied by share · (1 − share), so the two factors sum to less than one. "
            "One of these two numbers is enough.",
            _both(_parts(other=lambda share: (1 - share) * share)),
            *_anywhere(_parts(other=lambda share: (1 - share) * share)),
        ),
        Misconception(
            "same-factor-twice",
            "In the pictures, the targets or both, the two parts get the same factor, so the factors do not sum to one: what a picture's "
            "own part leaves over belongs to the other.",
            _both(_parts(other=lambda share: share)),
            _both(_parts(own=lambda share: 1 - share)),
            *_anywhere(_parts(other=lambda share: share)),
        ),
        Misconception(
            "first-picture-alone",
            "The first picture, or its target, is mixed with nothing. Its partner is the last of the batch.",
            _both(_first_alone),
            *_anywhere(_first_alone),
        ),
        Misconception(
            "shares-along-the-last-axis",
            "The shares lie along the last axis: that is where a tensor of shape (batch,) is broadcast. They belong along the "
            "first, the batch: give `share` more axes, of length 1.",
            _both(lambda values, share: share * values + (1 - share) * values.roll(1, 0)),
            _both(lambda values, share: values * share + values.roll(1, 0) * (1 - share)),
            _both(lambda values, share: torch.lerp(values.roll(1, 0), values, share)),
            _both(_RIGHT, lambda values, share: share * values + (1 - share) * values.roll(1, 0)),
        ),
        Misconception(
            "targets-as-class-numbers",
            "The targets are turned into class numbers, and the mixture is lost: leave them as probabilities.",
            lambda images, targets, share: (_RIGHT(images, share), _RIGHT(targets, share).argmax(-1)),
        ),
    ),
)
