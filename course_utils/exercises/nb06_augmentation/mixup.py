"""MixUp."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.training.regularise import mixup

Mix = Callable[[Tensor, Tensor], Tensor]


def _batch(g: Generator, batch: int, classes: int, shape: tuple[int, ...], share: list[float]) -> Arguments:
    """Images, hard targets and shares."""
    labels = torch.arange(batch) % classes
    return torch.rand(batch, *shape, generator=g), F.one_hot(labels, classes).float(), torch.tensor(share)


def _cases(g: Generator) -> list[Arguments]:
    images, _, share = _batch(g, 3, 4, (3, 2, 4), [0.9, 0.2, 0.6])
    return [
        _batch(g, 4, 4, (1, 3, 4), [0.7, 0.1, 0.45, 0.8]),  # as many images as pixels in a row, and as classes
        (images, torch.randn(3, 4, generator=g).softmax(-1), share),
        _batch(g, 5, 2, (2, 4, 3), [0.5, 1.0, 0.0, 0.8, 0.3]),
    ]


def _wild(g: Generator) -> list[Wild]:
    images, targets, share = _batch(g, 4, 3, (2, 5, 3), [0.3, 0.8, 0.6, 0.9])
    return [
        Wild(
            "one-share-for-all",
            _batch(g, 4, 3, (1, 3, 3), [0.7]),
            "there is one share for all images",
            "Let it broadcast, or expand it to the batch: `share[i]` does not exist for each image, and `zip` stops "
            "at the shortest.",
        ),
        Wild("two-pictures", _batch(g, 2, 3, (1, 2, 3), [0.9, 0.4]), "the batch has two images"),
        Wild(
            "other-layout",
            (images.mT, targets.mT.contiguous().mT, torch.stack([share, 1 - share], 1)[:, 0]),
            "the images, the targets or the shares are not contiguous in memory, as slices of other tensors",
            "`.view` cannot merge axes that are not contiguous in memory: use `.reshape` or broadcasting.",
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
    """The images mixed in one way, the targets in the same or in another way."""
    return lambda images, targets, share: (of_images(images, share), (of_targets or of_images)(targets, share))


def _anywhere(slip: Mix) -> tuple[Callable[..., tuple[Tensor, Tensor]], ...]:
    """The same mistake in the images only, and in the targets only."""
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
        "The partner of image i is image i − 1: `images.roll(1, 0)` moves the whole batch forward by one, and the "
        "last image comes first.",
        "`share` has one axis, images have four and targets two. `share.reshape(-1, 1, 1, 1)` broadcasts with the "
        "images.",
        "Write a small function that mixes any values, and use it for the images and for the targets, with the same "
        "partners and the same shares.",
    ),
    misconceptions=(
        Misconception(
            "targets-not-mixed",
            "The images are mixed, but the targets are not. The target of an image that is 70 % shirt and 30 % bag "
            "would be only shirt: mix the targets as well.",
            _both(_RIGHT, lambda values, share: values),
        ),
        Misconception(
            "label-of-the-stronger",
            "Each target is that of the stronger image only. The weaker one is in the mixture too: mix the targets "
            "with the same shares.",
            _both(_RIGHT, _stronger),
            _both(_RIGHT, lambda v, s: torch.where(_share(v, s) > 0.5, v, v.roll(1, 0))),
        ),
        Misconception(
            "stronger-alone",
            "Nothing is mixed: you take the image with the larger share and its target. Mix both, with their shares.",
            _both(_stronger),
        ),
        Misconception(
            "targets-made-hard",
            "A target is made one-hot at its largest class before it is mixed. Targets may already be soft: mix them "
            "unchanged.",
            lambda images, targets, share: mixup(images, _hard(targets), share),
            _both(_RIGHT, _parts(partner=lambda values: _hard(values.roll(1, 0)))),
        ),
        Misconception(
            "targets-made-hard-afterwards",
            "The targets are mixed and then made one-hot at the largest class, so the mixture is lost: leave them as "
            "probabilities.",
            lambda images, targets, share: (_RIGHT(images, share), _hard(_RIGHT(targets, share))),
        ),
        Misconception(
            "first-channel-only",
            "Only the first channel is left. Images may have several: mix them all.",
            lambda images, targets, share: mixup(images[:, :1], targets, share),
        ),
        Misconception(
            "targets-half-and-half",
            "Each target is half of one and half of the other, whatever the shares are. Mix it with the same share "
            "as the image.",
            _both(_RIGHT, lambda values, share: (values + values.roll(1, 0)) / 2),
        ),
        Misconception(
            "opposite-shares",
            "Images and targets are mixed with opposite shares: λ for one, 1 − λ for the other. Mix both in the same "
            "way.",
            _both(_SWAPPED, _RIGHT),
            _both(_RIGHT, _SWAPPED),
        ),
        Misconception(
            "shares-swapped",
            "The shares are swapped: λ should be the image's own part, 1 − λ that of the one before it. That is the "
            "same on average over λ, but not for this λ.",
            _both(_SWAPPED),
        ),
        Misconception(
            "mixed-with-the-next",
            "Each image is mixed with the one after it. Here it is the one before, as in torchvision: which way do "
            "you roll?",
            _both(_NEXT),
            _both(_parts(lambda s: 1 - s, lambda s: s, lambda v: v.roll(-1, 0))),
        ),
        Misconception(
            "different-partners",
            "The target that is mixed in does not belong to the image that is mixed in: both must come from the "
            "previous position in the batch.",
            _both(_RIGHT, _NEXT),
            _both(_NEXT, _RIGHT),
            *_anywhere(_parts(partner=lambda values: values.flip(0))),
        ),
        Misconception(
            "first-share-for-all",
            "The first share is used for all images. Each has its own, unless there is only one.",
            _both(_parts(lambda share: share[:1], lambda share: 1 - share[:1])),
        ),
        Misconception(
            "mean-share-for-all",
            "The mean of the shares is used for all images. Each has its own, unless there is only one.",
            _both(_parts(lambda share: share.mean(), lambda share: 1 - share.mean())),
        ),
        Misconception(
            "batch-reversed",
            "The batch is reversed to find the partners, so in a batch of odd size the middle image is mixed with "
            "itself. Roll it by one instead.",
            _both(_parts(partner=lambda values: values.flip(0))),
        ),
        Misconception(
            "mixed-with-one-further-away",
            "The batch is rolled by two positions or more, at least if it is large. Each image is mixed with the one "
            "right before it: roll the batch by one.",
            _both(_parts(partner=lambda values: values.roll(2, 0))),
            _both(_parts(partner=lambda values: values.roll(len(values) // 2, 0))),
        ),
        Misconception(
            "random-partner",
            "The partner is drawn at random and may be the image itself. The batch is already shuffled: use the "
            "image before.",
            _as_a_random_one,
        ),
        Misconception(
            "rolled-without-an-axis",
            "`roll` without an axis moves every single number by one position through the whole batch. Whole images "
            "and whole targets must move: pass the axis.",
            _both(_parts(partner=lambda values: values.roll(1))),
            *_anywhere(_parts(partner=lambda values: values.roll(1))),
        ),
        Misconception(
            "rolled-along-another-axis",
            "Something is moved along an axis other than the batch: channels, pixels or classes move inside each "
            "image or target. Whole images must move, and their targets with them.",
            _both(_parts(partner=lambda values: values.roll(1, 1))),
            *_anywhere(_parts(partner=lambda values: values.roll(1, 1))),
            _both(_parts(partner=lambda values: values.roll(1, -1))),
            _both(_parts(partner=lambda values: values.roll(1, -1)), _RIGHT),
        ),
        Misconception(
            "other-pictures-share",
            "The factor of the partner, or of its target, comes from the partner's share, so the two factors do not "
            "always sum to one. Use the share of image i for both parts of image i.",
            _both(_parts(other=lambda share: (1 - share).roll(1, 0))),
            _both(_parts(other=lambda share: share.roll(1, 0))),
            *_anywhere(_parts(other=lambda share: (1 - share).roll(1, 0))),
        ),
        Misconception(
            "mixed-with-a-mixture",
            "Images or targets are replaced one after the other, so from the second on each is mixed with a mixture. "
            "Take the partners from the original batch.",
            _both(_already_mixed),
            *_anywhere(_already_mixed),
        ),
        Misconception(
            "larger-share",
            "In the images, the targets or both, the image's own part is always the larger: a share below a half "
            "becomes one minus that share. Some implementations do that, but here use the share unchanged.",
            _both(_parts(lambda s: torch.maximum(s, 1 - s), lambda s: torch.minimum(s, 1 - s))),
            *_anywhere(_parts(lambda s: torch.maximum(s, 1 - s), lambda s: torch.minimum(s, 1 - s))),
        ),
        Misconception(
            "own-at-full-strength",
            "An image or a target keeps the factor 1, and a part of the partner is added: the two factors sum to "
            "more than one. Use share and 1 − share.",
            _both(_parts(own=torch.ones_like)),
            *_anywhere(_parts(own=torch.ones_like)),
            _both(_parts(own=torch.ones_like, other=lambda share: share)),
        ),
        Misconception(
            "other-at-full-strength",
            "The partner, or its target, has the factor 1: the two factors sum to more than one. Use share and 1 − "
            "share.",
            _both(_parts(other=torch.ones_like)),
            *_anywhere(_parts(other=torch.ones_like)),
        ),
        Misconception(
            "other-multiplied-twice",
            "The partner, or its target, is multiplied by share · (1 − share), so the two factors sum to less than "
            "one. Multiply by 1 − share only.",
            _both(_parts(other=lambda share: (1 - share) * share)),
            *_anywhere(_parts(other=lambda share: (1 - share) * share)),
        ),
        Misconception(
            "same-factor-twice",
            "In the images, the targets or both, the two parts have the same factor, so the factors do not sum to "
            "one. Use share and 1 − share.",
            _both(_parts(other=lambda share: share)),
            _both(_parts(own=lambda share: 1 - share)),
            *_anywhere(_parts(other=lambda share: share)),
        ),
        Misconception(
            "first-picture-alone",
            "The first image, or its target, is not mixed. Its partner is the last of the batch.",
            _both(_first_alone),
            *_anywhere(_first_alone),
        ),
        Misconception(
            "shares-along-the-last-axis",
            "The shares are applied along the last axis, where a tensor of shape (batch,) is broadcast. They belong "
            "to the first axis, the batch: give `share` more axes of length 1.",
            _both(lambda values, share: share * values + (1 - share) * values.roll(1, 0)),
            _both(lambda values, share: values * share + values.roll(1, 0) * (1 - share)),
            _both(lambda values, share: torch.lerp(values.roll(1, 0), values, share)),
            _both(_RIGHT, lambda values, share: share * values + (1 - share) * values.roll(1, 0)),
        ),
        Misconception(
            "targets-as-class-numbers",
            "The targets are converted to class indices, so the mixture is lost: leave them as probabilities.",
            lambda images, targets, share: (_RIGHT(images, share), _RIGHT(targets, share).argmax(-1)),
        ),
    ),
)
