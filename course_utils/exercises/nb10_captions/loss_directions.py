"""Two directions put together otherwise than by their mean."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.exercise import Misconception

Answer = Callable[[Tensor, Tensor], Any]


def shares(same: Tensor) -> Tensor:
    """The target: rows that sum to one."""
    return same / same.sum(dim=1, keepdim=True)


def _log_softmax(logits: Tensor, dim: int) -> Tensor:
    return logits.log_softmax(dim=dim)


def slip(
    combine: Callable[[Tensor, Tensor], Any] = lambda one, other: (one.mean() + other.mean()) / 2,
    target: Callable[[Tensor], Tensor] = shares,
    log: Callable[[Tensor, int], Tensor] = _log_softmax,
) -> Answer:
    """The loss with a part replaced: how two directions become one, the target, the logarithm of probabilities."""

    def wrong(logits: Tensor, same: Tensor) -> Any:
        shares = target(same)
        return combine(-(shares * log(logits, 1)).sum(dim=1), -(shares.mT * log(logits, 0)).sum(dim=0))

    return wrong


def both_ways(one_way: Answer) -> Answer:
    """The mean of a loss of the pictures and the same loss of the captions."""
    return lambda logits, same: (one_way(logits, same) + one_way(logits.mT, same)) / 2


DIRECTIONS = (
    Misconception(
        slip(combine=lambda one, other: one.mean()),
        "Only the pictures choose here: every softmax runs over the captions of a picture. The captions choose too, "
        "among the pictures.",
        name="pictures-only",
    ),
    Misconception(
        slip(combine=lambda one, other: other.mean()),
        "Only the captions choose here: every softmax runs over the pictures of a caption. The pictures choose too, "
        "among the captions.",
        name="captions-only",
    ),
    Misconception(
        slip(combine=lambda one, other: one.mean() + other.mean()),
        "The two directions are added. Take their mean.",
        name="directions-added",
    ),
    Misconception(
        slip(combine=lambda one, other: one.mean() + other.mean() / 2),
        "Only one of the two directions is halved, so the other counts double. Look for a bracket: the sum of both is "
        "what should be halved.",
        name="one-halved",
        also=(slip(combine=lambda one, other: one.mean() / 2 + other.mean()),),
    ),
    Misconception(
        slip(combine=lambda one, other: (one.sum() + other.sum()) / 2),
        "The losses of the batch are added. Take their mean, so that a larger batch has no larger loss.",
        name="batch-summed",
        also=(slip(combine=lambda one, other: one.sum() + other.sum()),),
    ),
    Misconception(
        slip(combine=lambda one, other: (one.mean() + other.mean()) / 2 / len(one)),
        "The sum is divided by the batch size once too often, as the mean over all entries of the matrix does. Sum over a "
        "row, and take the mean over the rows.",
        name="mean-of-all-entries",
        also=(slip(combine=lambda one, other: (one.mean() + other.mean()) / len(one)),),
    ),
    Misconception(
        slip(combine=lambda one, other: -(one.mean() + other.mean()) / 2),
        "The sign is wrong: this grows when the right pairs become more likely. A loss should fall then.",
        name="sign",
        also=(slip(combine=lambda one, other: -one.mean() - other.mean()),),
    ),
    Misconception(
        slip(combine=lambda one, other: (one.mean() - other.mean()) / 2),
        "One direction is subtracted from the other. Both should become small: take their mean.",
        name="difference",
        also=(
            slip(combine=lambda one, other: (other.mean() - one.mean()) / 2),
            slip(combine=lambda one, other: one.mean() - other.mean()),
            slip(combine=lambda one, other: other.mean() - one.mean()),
        ),
    ),
    Misconception(
        slip(combine=lambda one, other: torch.maximum(one.mean(), other.mean())),
        "Only one of the two directions counts, the larger loss or the smaller one. Take the mean of both.",
        name="one-of-both",
        also=(
            slip(combine=lambda one, other: torch.minimum(one.mean(), other.mean())),
            slip(combine=lambda one, other: torch.maximum(one, other).mean()),
        ),
    ),
    Misconception(
        slip(combine=lambda one, other: (one + other) / 2),
        "The losses of the batch are returned one by one. Their mean is still to be taken.",
        name="not-averaged",
        also=(
            slip(combine=lambda one, other: one),
            slip(combine=lambda one, other: other),
            slip(combine=lambda one, other: one + other),
            slip(combine=lambda one, other: torch.cat([one, other])),
            slip(combine=lambda one, other: torch.stack([one, other])),
        ),
    ),
    Misconception(
        slip(combine=lambda one, other: (one.mean(), other.mean())),
        "Both directions are returned side by side. Training needs one number: their mean.",
        name="both-returned",
        also=(slip(combine=lambda one, other: torch.stack([one.mean(), other.mean()])),),
    ),
    Misconception(
        slip(combine=lambda one, other: (one.mean() * other.mean()).sqrt()),
        "The two directions are multiplied. Add them, and take half.",
        name="directions-multiplied",
        also=(slip(combine=lambda one, other: one.mean() * other.mean()),),
    ),
    Misconception(
        slip(combine=lambda one, other: (2 * one.mean() + other.mean()) / 3),
        "One direction counts more than the other. Both count alike: take their plain mean.",
        name="directions-weighted",
        also=(slip(combine=lambda one, other: (one.mean() + 2 * other.mean()) / 3),),
    ),
    Misconception(
        lambda logits, same: slip()((logits + logits.mT) / 2, same),
        "The logits and their transpose are averaged before the softmax. Each direction needs a softmax of its own: take "
        "two losses, and average these.",
        name="averaged-too-early",
    ),
)
