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
            _both(_RIGHT, lambda values, share: values),
            "The pictures are mixed, the targets are not. The model would be told that a picture, seven parts shirt "
            "and three parts bag, is a shirt and nothing else: mix the labels as well.",
            name="targets-not-mixed",
        ),
        Misconception(
            _both(_RIGHT, _stronger),
            "Each target is that of the stronger picture, and only that. The weaker one is in the picture too: mix the "
            "targets, with the same shares.",
            name="label-of-the-stronger",
            also=(_both(_stronger), _both(_RIGHT, lambda v, s: torch.where(_share(v, s) > 0.5, v, v.roll(1, 0)))),
        ),
        Misconception(
            _both(_RIGHT, lambda values, share: (values + values.roll(1, 0)) / 2),
            "Each target is half of the one and half of the other, whatever their shares in the picture are. It is mixed "
            "with the same share as the picture.",
            name="targets-half-and-half",
        ),
        Misconception(
            _both(_SWAPPED, _RIGHT),
            "Pictures and targets are mixed with opposite shares: where the one gets λ of its own, the other gets "
            "1 − λ. Both must be mixed alike.",
            name="opposite-shares",
            also=(_both(_RIGHT, _SWAPPED),),
        ),
        Misconception(
            _both(_SWAPPED),
            "Shares are swapped: λ should be the picture's own part, 1 − λ that of the one before it. On average "
            "over λ that is the same, but not for this λ.",
            name="shares-swapped",
        ),
        Misconception(
            _both(_NEXT),
            "Each picture is mixed with the one after it. Ours takes the one before, as torchvision's does: which way "
            "do you roll?",
            name="mixed-with-the-next",
            also=(_both(_parts(lambda s: 1 - s, lambda s: s, lambda v: v.roll(-1, 0))),),
        ),
        Misconception(
            _both(_RIGHT, _NEXT),
            "Pictures and targets are mixed with different others: the target must be that of the very picture that "
            "was mixed in.",
            name="different-partners",
            also=(_both(_NEXT, _RIGHT), *_anywhere(_parts(partner=lambda values: values.flip(0)))),
        ),
        Misconception(
            _both(_parts(lambda share: share[:1], lambda share: 1 - share[:1])),
            "The first share is used for all pictures. Each has its own, unless there is only one.",
            name="first-share-for-all",
        ),
        Misconception(
            _both(_parts(lambda share: share.mean(), lambda share: 1 - share.mean())),
            "The mean of the shares is used for all pictures. Each has its own, unless there is only one.",
            name="mean-share-for-all",
        ),
        Misconception(
            _both(_parts(partner=lambda values: values.flip(0))),
            "The batch is reversed to find the others, so in an odd batch the middle picture meets itself. Move it "
            "on by one instead.",
            name="batch-reversed",
        ),
        Misconception(
            _both(_parts(partner=lambda values: values.roll(2, 0))),
            "Each picture is mixed with one that stands further away in the batch. Ours takes the one right before it.",
            name="mixed-with-one-further-away",
            also=(_both(_parts(partner=lambda values: values.roll(len(values) // 2, 0))),),
        ),
        Misconception(
            _as_a_random_one,
            "The other picture is drawn at random, which may be the picture itself. The batch is shuffled already: take "
            "the one before.",
            name="random-partner",
        ),
        Misconception(
            _both(_parts(partner=lambda values: values.roll(1))),
            "`roll` without a dimension moves every single number on by one, through all pictures. Whole pictures must "
            "move: say along which axis.",
            name="rolled-without-an-axis",
            also=_anywhere(_parts(partner=lambda values: values.roll(1))),
        ),
        Misconception(
            _both(_parts(partner=lambda values: values.roll(1, 1))),
            "Something is moved along another axis than the batch: channels, pixels or classes change places inside "
            "each picture or target. Whole pictures must move, and their targets with them.",
            name="rolled-along-another-axis",
            also=(
                *_anywhere(_parts(partner=lambda values: values.roll(1, 1))),
                _both(_parts(partner=lambda values: values.roll(1, -1))),
                _both(_parts(partner=lambda values: values.roll(1, -1)), _RIGHT),
            ),
        ),
        Misconception(
            _both(_parts(other=lambda share: (1 - share).roll(1, 0))),
            "The other picture comes in with one minus its own share, so the two parts do not sum to one. The share of "
            "picture i decides for both parts of picture i.",
            name="other-pictures-share",
            also=(
                _both(_parts(other=lambda share: share.roll(1, 0))),
                *_anywhere(_parts(other=lambda share: (1 - share).roll(1, 0))),
            ),
        ),
        Misconception(
            _both(_already_mixed),
            "The pictures are replaced one after the other, so from the second on each is mixed with one that is itself "
            "a mixture. Take the others from the batch as it was given.",
            name="mixed-with-a-mixture",
            also=_anywhere(_already_mixed),
        ),
        Misconception(
            _both(_parts(lambda s: torch.maximum(s, 1 - s), lambda s: torch.minimum(s, 1 - s))),
            "A picture's own part is always the larger one: a share below a half is turned round. Some do that, but "
            "here the share counts as it is.",
            name="larger-share",
            also=_anywhere(_parts(lambda s: torch.maximum(s, 1 - s), lambda s: torch.minimum(s, 1 - s))),
        ),
        Misconception(
            _both(_parts(own=torch.ones_like)),
            "A picture keeps its full strength, and the other is added: the parts sum to more than one, and so would "
            "the target's probabilities.",
            name="own-at-full-strength",
            also=(
                *_anywhere(_parts(own=torch.ones_like)),
                _both(_parts(own=torch.ones_like, other=lambda share: share)),
            ),
        ),
        Misconception(
            _both(_parts(other=lambda share: share)),
            "Both parts get the same factor, so they do not sum to one: what the picture's own part leaves over belongs "
            "to the other.",
            name="same-factor-twice",
            also=(_both(_parts(own=lambda share: 1 - share)), *_anywhere(_parts(other=lambda share: share))),
        ),
        Misconception(
            _both(_first_alone),
            "The first picture is mixed with nothing. Its other one is the last of the batch.",
            name="first-picture-alone",
            also=_anywhere(_first_alone),
        ),
        Misconception(
            _both(lambda values, share: share * values + (1 - share) * values.roll(1, 0)),
            "The shares stand along the last axis, where a tensor of shape (batch,) broadcasts to. They belong to the "
            "first, the batch: give `share` more axes, of length 1.",
            name="shares-along-the-last-axis",
            also=(
                _both(lambda values, share: values * share + values.roll(1, 0) * (1 - share)),
                _both(lambda values, share: torch.lerp(values.roll(1, 0), values, share)),
                _both(_RIGHT, lambda values, share: share * values + (1 - share) * values.roll(1, 0)),
            ),
        ),
        Misconception(
            lambda images, targets, share: (_RIGHT(images, share), _RIGHT(targets, share).argmax(-1)),
            "The targets are made into class numbers, and the mixture is lost: leave them as probabilities.",
            name="targets-as-class-numbers",
        ),
    ),
)
