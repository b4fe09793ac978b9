"""Targets that are not spread evenly over the right answers."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb10_captions.loss_directions import Answer, both_ways, shares, slip


def _one_right_answer(last: bool = False) -> Answer:
    def target(same: Tensor) -> Tensor:
        place = len(same) - 1 - same.flip(1).int().argmax(dim=1) if last else same.int().argmax(dim=1)
        return F.one_hot(place, len(same)).float()

    return slip(target=target)


def _without_twins(logits: Tensor, same: Tensor) -> Tensor:
    diagonal = torch.eye(len(same), dtype=torch.bool)
    logits = logits.masked_fill(same & ~diagonal, torch.finfo(logits.dtype).min)
    return slip(target=lambda _: diagonal.float())(logits, same)


def _summed_chance(share: bool) -> Answer:
    def one_way(logits: Tensor, same: Tensor) -> Tensor:
        probability = (logits.softmax(dim=1) * same).sum(dim=1)
        return -(probability / same.sum(dim=1) if share else probability).log().mean()

    return both_ways(one_way)


def _one_twin(pick: Callable[..., Tensor]) -> Answer:
    """The loss of one right answer a row, the most or the least likely."""
    low = -math.inf if pick is torch.amax else math.inf
    return lambda logits, same: -pick(logits.log_softmax(dim=1).masked_fill(~same, low), dim=1).mean()


def _shares_of_wrong_ones(same: Tensor) -> Tensor:
    return (~same) / (~same).sum(dim=1, keepdim=True).clamp(min=1)


def _towards_wrong_ones(logits: Tensor, same: Tensor) -> Tensor:
    shares = _shares_of_wrong_ones(same)
    return -(shares * (logits.log_softmax(dim=1) + logits.log_softmax(dim=0))).sum(dim=1).mean() / 2


def _others(same: Tensor) -> Tensor:
    return same & ~torch.eye(len(same), dtype=torch.bool)


def _smoothed(part: float) -> Answer:
    return slip(target=lambda same: (1 - part) * shares(same) + part / len(same))


def _mistakes_for_one(images: bool) -> Answer:
    def wrong(logits: Tensor, same: Tensor) -> Tensor:
        one, place = (logits, logits.mT) if images else (logits.mT, logits), torch.arange(len(logits))
        return (F.cross_entropy(one[0], place) + F.cross_entropy(one[1], shares(same).to(logits.dtype))) / 2

    return wrong


def _alone(logits: Tensor, same: Tensor) -> Tensor:
    alone = same.sum(dim=1) == 1
    of_both = -(logits.log_softmax(dim=1) + logits.log_softmax(dim=0)).diagonal() / 2
    return (of_both * alone).sum() / alone.sum().clamp(min=1)


def _own_shares(logits: Tensor, same: Tensor) -> Tensor:
    own = logits.masked_fill(~same, -math.inf).softmax(dim=1)
    return -(own * logits.log_softmax(dim=1)).sum(dim=1).mean()


TARGETS = (
    Misconception(
        "twins-as-mistakes",
        "Captions that say the same count as wrong: only the diagonal is right here. All answers with `same` True "
        "are right.",
        slip(target=lambda same: torch.eye(len(same))),
    ),
    Misconception(
        "one-right-answer",
        "Each row has only one right answer here, and captions that say the same count as wrong. All right answers "
        "share the target.",
        _one_right_answer(),
        _one_right_answer(last=True),
    ),
    Misconception(
        "twins-left-out",
        "Captions that say the same are excluded from the softmax, so they are neither right nor wrong. They are "
        "right answers and share the target.",
        _without_twins,
    ),
    Misconception(
        "shares-not-one",
        "The shares of a row's right answers do not sum to one. Divide them by the number of True in that row of "
        "`same`.",
        slip(target=lambda same: same.float()),
        *tuple(
            slip(combine=combine, target=target)
            for target in (
                lambda same: same.float(),
                lambda same: same / 2,
                lambda same: same / same.sum(dim=1, keepdim=True).clamp(max=2),
                lambda same: same / same.sum(dim=1).max(),
            )
            for combine in (
                lambda one, other: (one.mean() + other.mean()) / 2,
                lambda one, other: (one.sum() + other.sum()) / 2,
                lambda one, other: one.mean() + other.mean(),
                lambda one, other: one.sum() + other.sum(),
                lambda one, other: (one.mean() + other.mean()) / 2 / len(one),
                lambda one, other: (one.mean() + other.mean()) / 2 / len(one) ** 2,
            )
        ),
    ),
    Misconception(
        "mean-over-pairs",
        "All right pairs of the batch have equal weight, so an image with several right captions counts more. Split "
        "the target within each row, then take the mean over the rows.",
        slip(combine=lambda one, other: (one.sum() + other.sum()) / 2, target=lambda same: same / same.sum()),
        slip(combine=lambda one, other: one.sum() + other.sum(), target=lambda same: same / same.sum()),
        slip(target=lambda same: same / same.sum()),
    ),
    Misconception(
        "softmax-of-target",
        "The target gives wrong answers a share too, as with a softmax of `same` or label smoothing. Wrong answers "
        "get none.",
        slip(target=lambda same: same.float().softmax(dim=1)),
        *tuple(map(_smoothed, (0.1, 0.2, 0.01))),
    ),
    Misconception(
        "target-of-length-one",
        "The rows of the target are scaled to length one. They must sum to one.",
        slip(target=lambda same: F.normalize(same.float(), dim=1)),
    ),
    Misconception(
        "log-of-sum",
        "The probabilities of all right answers are summed before the logarithm, so one likely right answer is "
        "enough. Each right answer has its own share of the target and its own logarithm.",
        _summed_chance(share=False),
    ),
    Misconception(
        "log-of-mean",
        "You average the right answers' probabilities before the logarithm. Average their logarithms.",
        _summed_chance(share=True),
    ),
    Misconception(
        "one-twin-enough",
        "Only one right answer of each row counts, the most or the least likely. All of them share the target.",
        both_ways(_one_twin(torch.amax)),
        both_ways(_one_twin(torch.amin)),
    ),
    Misconception(
        "shares-of-diagonal",
        "The target is split, but only the diagonal's share is counted. Add the shares of all right answers.",
        slip(target=lambda same: shares(same) * torch.eye(len(same))),
    ),
    Misconception(
        "diagonal-left-out",
        "The diagonal is left out of the target. An image's own caption is always a right answer.",
        slip(target=lambda same: _others(same) / _others(same).sum(dim=1, keepdim=True).clamp(min=1)),
        slip(target=lambda same: _others(same) / same.sum(dim=1, keepdim=True)),
        slip(target=lambda same: _others(same).float()),
    ),
    Misconception(
        "same-inverted",
        "`same` is inverted: the target is on the wrong answers.",
        slip(target=_shares_of_wrong_ones),
        _towards_wrong_ones,
        slip(target=lambda same: (~same).float()),
    ),
    Misconception(
        "twins-as-mistakes-in-one-direction",
        "In one of the two directions, captions that say the same count as wrong. In both, all right answers share "
        "the target.",
        _mistakes_for_one(images=True),
        _mistakes_for_one(images=False),
    ),
    Misconception(
        "twins-logits-added",
        "The logits of all right answers are summed. Each has only its share of the target, so take their mean.",
        both_ways(lambda logits, same: (logits.logsumexp(dim=1) - (logits * same).sum(dim=1)).mean()),
    ),
    Misconception(
        "without-those-with-twins",
        "Only images and captions with one right answer count here. Include those with several in the mean.",
        _alone,
    ),
    Misconception(
        "shared-by-probability",
        "The target is split by the model's own probabilities. Split it evenly.",
        both_ways(_own_shares),
    ),
)
