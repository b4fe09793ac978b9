"""The two directions not combined by their mean."""

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
    """The loss with a part replaced: the combination of the two directions, the target, the log-probabilities."""

    def wrong(logits: Tensor, same: Tensor) -> Any:
        shares = target(same)
        return combine(-(shares * log(logits, 1)).sum(dim=1), -(shares.mT * log(logits, 0)).sum(dim=0))

    return wrong


def both_ways(one_way: Answer) -> Answer:
    """The mean of a loss for the images and the same loss for the captions."""
    return lambda logits, same: (one_way(logits, same) + one_way(logits.mT, same)) / 2


DIRECTIONS = (
    Misconception(
        "pictures-only",
        "Only one direction: every softmax runs over the captions for an image. Add the other, over the images for a "
        "caption.",
        slip(combine=lambda one, other: one.mean()),
    ),
    Misconception(
        "captions-only",
        "Only one direction: every softmax runs over the images for a caption. Add the other, over the captions for "
        "an image.",
        slip(combine=lambda one, other: other.mean()),
    ),
    Misconception(
        "directions-added",
        "The two directions are added. Take their mean.",
        slip(combine=lambda one, other: one.mean() + other.mean()),
    ),
    Misconception(
        "one-halved",
        "Only one of the two directions is halved, so the other counts double. Check the brackets: halve the sum of "
        "both.",
        slip(combine=lambda one, other: one.mean() + other.mean() / 2),
        slip(combine=lambda one, other: one.mean() / 2 + other.mean()),
    ),
    Misconception(
        "batch-summed",
        "The losses of the batch are summed. Take their mean, so that the loss does not grow with the batch.",
        slip(combine=lambda one, other: (one.sum() + other.sum()) / 2),
        slip(combine=lambda one, other: one.sum() + other.sum()),
    ),
    Misconception(
        "mean-of-all-entries",
        "The sum is divided by the batch size once too often, as with the mean over all entries of the matrix. Sum "
        "over a row, and take the mean over the rows.",
        slip(combine=lambda one, other: (one.mean() + other.mean()) / 2 / len(one)),
        slip(combine=lambda one, other: (one.mean() + other.mean()) / len(one)),
    ),
    Misconception(
        "sign",
        "The sign is wrong: this grows when the right pairs become more likely. A loss should then decrease.",
        slip(combine=lambda one, other: -(one.mean() + other.mean()) / 2),
        slip(combine=lambda one, other: -one.mean() - other.mean()),
    ),
    Misconception(
        "difference",
        "One direction is subtracted from the other. Both should decrease: take their mean.",
        slip(combine=lambda one, other: (one.mean() - other.mean()) / 2),
        slip(combine=lambda one, other: (other.mean() - one.mean()) / 2),
        slip(combine=lambda one, other: one.mean() - other.mean()),
        slip(combine=lambda one, other: other.mean() - one.mean()),
    ),
    Misconception(
        "one-of-both",
        "Only one of the two directions counts, the larger loss or the smaller one. Take the mean of both.",
        slip(combine=lambda one, other: torch.maximum(one.mean(), other.mean())),
        slip(combine=lambda one, other: torch.minimum(one.mean(), other.mean())),
        slip(combine=lambda one, other: torch.maximum(one, other).mean()),
    ),
    Misconception(
        "not-averaged",
        "The losses of the batch are returned separately. Take their mean.",
        slip(combine=lambda one, other: (one + other) / 2),
        slip(combine=lambda one, other: one),
        slip(combine=lambda one, other: other),
        slip(combine=lambda one, other: one + other),
        slip(combine=lambda one, other: torch.cat([one, other])),
        slip(combine=lambda one, other: torch.stack([one, other])),
    ),
    Misconception(
        "both-returned",
        "Both directions are returned separately. Training needs one number: their mean.",
        slip(combine=lambda one, other: (one.mean(), other.mean())),
        slip(combine=lambda one, other: torch.stack([one.mean(), other.mean()])),
    ),
    Misconception(
        "directions-multiplied",
        "The two directions are multiplied. Add them, and take half.",
        slip(combine=lambda one, other: (one.mean() * other.mean()).sqrt()),
        slip(combine=lambda one, other: one.mean() * other.mean()),
    ),
    Misconception(
        "directions-weighted",
        "One direction counts more than the other. Both have equal weight: take their plain mean.",
        slip(combine=lambda one, other: (2 * one.mean() + other.mean()) / 3),
        slip(combine=lambda one, other: (one.mean() + 2 * other.mean()) / 3),
    ),
    Misconception(
        "averaged-too-early",
        "The logits and their transpose are averaged before the softmax. Each direction needs its own softmax: "
        "compute two losses and average them.",
        lambda logits, same: slip()((logits + logits.mT) / 2, same),
    ),
)
