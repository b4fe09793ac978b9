"""Losses that ask another question than which caption belongs to a picture, and which picture to a caption."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Misconception

Answer = Callable[[Tensor, Tensor], Any]


def _shares(same: Tensor) -> Tensor:
    return same / same.sum(dim=1, keepdim=True)


def _log_softmax(logits: Tensor, dim: int) -> Tensor:
    return logits.log_softmax(dim=dim)


def _slip(
    combine: Callable[[Tensor, Tensor], Any] = lambda one, other: (one.mean() + other.mean()) / 2,
    target: Callable[[Tensor], Tensor] = _shares,
    log: Callable[[Tensor, int], Tensor] = _log_softmax,
) -> Answer:
    """The loss with one of its parts replaced: how two directions become one, the target, the logarithm of chances."""

    def wrong(logits: Tensor, same: Tensor) -> Any:
        shares = target(same)
        return combine(-(shares * log(logits, 1)).sum(dim=1), -(shares.mT * log(logits, 0)).sum(dim=0))

    return wrong


def _of(change: Callable[[Tensor], Tensor]) -> Answer:
    """The right loss of other logits."""
    return lambda logits, same: _slip()(change(logits), same)


def _both_ways(one_way: Answer) -> Answer:
    return lambda logits, same: (one_way(logits, same) + one_way(logits.mT, same)) / 2


def _one_right_answer(last: bool = False) -> Answer:
    def target(same: Tensor) -> Tensor:
        place = len(same) - 1 - same.flip(1).int().argmax(dim=1) if last else same.int().argmax(dim=1)
        return F.one_hot(place, len(same)).float()

    return _slip(target=target)


def _without_twins(logits: Tensor, same: Tensor) -> Tensor:
    diagonal = torch.eye(len(same), dtype=torch.bool)
    logits = logits.masked_fill(same & ~diagonal, torch.finfo(logits.dtype).min)
    return _slip(target=lambda _: diagonal.float())(logits, same)


def _summed_chance(share: bool) -> Answer:
    def one_way(logits: Tensor, same: Tensor) -> Tensor:
        chance = (logits.softmax(dim=1) * same).sum(dim=1)
        return -(chance / same.sum(dim=1) if share else chance).log().mean()

    return _both_ways(one_way)


def _one_twin(pick: Callable[..., Tensor]) -> Answer:
    """The loss of one right answer a row, the most or the least likely."""
    low = -math.inf if pick is torch.amax else math.inf
    return lambda logits, same: -pick(logits.log_softmax(dim=1).masked_fill(~same, low), dim=1).mean()


def _among_wrong_ones(logits: Tensor, same: Tensor) -> Tensor:
    wrong = logits.masked_fill(same, -math.inf).logsumexp(dim=1)
    return (wrong - (_shares(same) * logits).sum(dim=1)).mean()


def _shares_of_wrong_ones(same: Tensor) -> Tensor:
    return (~same) / (~same).sum(dim=1, keepdim=True).clamp(min=1)


def _towards_wrong_ones(logits: Tensor, same: Tensor) -> Tensor:
    shares = _shares_of_wrong_ones(same)
    return -(shares * (logits.log_softmax(dim=1) + logits.log_softmax(dim=0))).sum(dim=1).mean() / 2


def _divergence(logits: Tensor, same: Tensor) -> Tensor:
    return F.kl_div(logits.log_softmax(dim=1), _shares(same), reduction="batchmean")


def _pairs_alone(reduction: str, over_rows: bool = False) -> Answer:
    def wrong(logits: Tensor, same: Tensor) -> Tensor:
        loss = F.binary_cross_entropy_with_logits(logits, same.float(), reduction=reduction)
        return loss / len(logits) if over_rows else loss

    return wrong


def _added(pinch: float) -> Answer:
    return _slip(log=lambda logits, dim: (logits.softmax(dim=dim) + pinch).log())


def _at_least(chance: float) -> Answer:
    return _slip(log=lambda logits, dim: logits.softmax(dim=dim).clamp(min=chance).log())


def _squared(chance: Callable[[Tensor], Tensor], target: Callable[[Tensor], Tensor]) -> Answer:
    return lambda logits, same: (chance(logits) - target(same)).square().mean()


SLIPS = (
    Misconception(
        _slip(combine=lambda one, other: one.mean()),
        "Only the pictures choose here: every softmax runs over the captions of a picture. The captions choose too, "
        "among the pictures.",
        name="pictures-only",
    ),
    Misconception(
        _slip(combine=lambda one, other: other.mean()),
        "Only the captions choose here: every softmax runs over the pictures of a caption. The pictures choose too, "
        "among the captions.",
        name="captions-only",
    ),
    Misconception(
        _slip(combine=lambda one, other: one.mean() + other.mean()),
        "The two directions are added. Take their mean.",
        name="directions-added",
    ),
    Misconception(
        _slip(combine=lambda one, other: (one.sum() + other.sum()) / 2),
        "The losses of the batch are added. Take their mean, so that a larger batch has no larger loss.",
        name="batch-summed",
        also=(_slip(combine=lambda one, other: one.sum() + other.sum()),),
    ),
    Misconception(
        _slip(combine=lambda one, other: (one.mean() + other.mean()) / 2 / len(one)),
        "The sum is divided by the batch once too often, as the mean over all entries of the matrix does. Sum over a "
        "row, and take the mean over the rows.",
        name="mean-of-all-entries",
        also=(_slip(combine=lambda one, other: (one.mean() + other.mean()) / len(one)),),
    ),
    Misconception(
        _slip(combine=lambda one, other: -(one.mean() + other.mean()) / 2),
        "The sign is turned round: this grows when the right pairs become more likely. A loss should fall then.",
        name="sign",
        also=(_slip(combine=lambda one, other: -one.mean() - other.mean()),),
    ),
    Misconception(
        _slip(combine=lambda one, other: (one.mean() - other.mean()) / 2),
        "One direction is taken off the other. Both should become small: take their mean.",
        name="difference",
        also=(
            _slip(combine=lambda one, other: (other.mean() - one.mean()) / 2),
            _slip(combine=lambda one, other: one.mean() - other.mean()),
            _slip(combine=lambda one, other: other.mean() - one.mean()),
        ),
    ),
    Misconception(
        _slip(combine=lambda one, other: torch.maximum(one.mean(), other.mean())),
        "Only one of the two directions counts, the larger loss or the smaller one. Take the mean of both.",
        name="one-of-both",
        also=(
            _slip(combine=lambda one, other: torch.minimum(one.mean(), other.mean())),
            _slip(combine=lambda one, other: torch.maximum(one, other).mean()),
        ),
    ),
    Misconception(
        _slip(target=lambda same: torch.eye(len(same))),
        "Twins count as mistakes: only the diagonal is a right answer here. Where `same` is True, the answer is right.",
        name="twins-as-mistakes",
    ),
    Misconception(
        _one_right_answer(),
        "Each row has a single right answer here, and its twins count as mistakes. All right answers share the target.",
        name="one-right-answer",
        also=(_one_right_answer(last=True),),
    ),
    Misconception(
        _without_twins,
        "The twins are taken out of the softmax, so they are neither right nor wrong. They are right answers, and share "
        "the target.",
        name="twins-left-out",
    ),
    Misconception(
        _slip(target=lambda same: same.float()),
        "Each right answer counts whole, so a picture with twins counts several times. The right answers share one "
        "target, whose row sums to one.",
        name="each-counts-whole",
        also=(
            _slip(combine=lambda one, other: (one.sum() + other.sum()) / 2, target=lambda same: same.float()),
            _slip(combine=lambda one, other: one.mean() + other.mean(), target=lambda same: same.float()),
            _slip(combine=lambda one, other: one.sum() + other.sum(), target=lambda same: same.float()),
            _slip(
                combine=lambda one, other: (one.mean() + other.mean()) / 2 / len(one),
                target=lambda same: same.float(),
            ),
        ),
    ),
    Misconception(
        _slip(combine=lambda one, other: (one.sum() + other.sum()) / 2, target=lambda same: same / same.sum()),
        "All right pairs of the batch count alike, so a picture with twins counts more than one without. Share the "
        "target within each row, then take the mean over the rows.",
        name="mean-over-pairs",
        also=(
            _slip(combine=lambda one, other: one.sum() + other.sum(), target=lambda same: same / same.sum()),
            _slip(target=lambda same: same / same.sum()),
        ),
    ),
    Misconception(
        _slip(target=lambda same: same.float().softmax(dim=1)),
        "The target is a softmax of `same`, which gives wrong answers a share too. A wrong answer gets none.",
        name="softmax-of-target",
    ),
    Misconception(
        _slip(target=lambda same: F.normalize(same.float(), dim=1)),
        "The rows of the target get length one, as vectors do. Shares have to sum to one.",
        name="target-of-length-one",
    ),
    Misconception(
        _summed_chance(share=False),
        "The chances of all right answers are added before the logarithm, so one likely twin is enough. Each right "
        "answer has its share of the target, and its own logarithm.",
        name="log-of-sum",
    ),
    Misconception(
        _summed_chance(share=True),
        "The mean of the right answers' chances is taken before the logarithm. Take the mean of their logarithms.",
        name="log-of-mean",
    ),
    Misconception(
        _both_ways(_one_twin(torch.amax)),
        "Of the right answers of a row only one counts, the likeliest or the least likely. All of them share the target.",
        name="one-twin-enough",
        also=(_both_ways(_one_twin(torch.amin)),),
    ),
    Misconception(
        _slip(target=lambda same: _shares(same) * torch.eye(len(same))),
        "The target is shared, but only the diagonal's share is counted. The twins' shares belong to the sum.",
        name="shares-of-diagonal",
    ),
    Misconception(
        _slip(log=lambda logits, dim: logits.softmax(dim=dim).log_softmax(dim=dim)),
        "A softmax is taken twice: `cross_entropy` and `log_softmax` take logits, and begin with a softmax of their own.",
        name="softmax-twice",
        also=(_of(lambda logits: logits.softmax(dim=1)), _of(lambda logits: logits.softmax(dim=0))),
    ),
    Misconception(
        _slip(log=lambda logits, dim: logits),
        "There is no softmax: this is minus the mean logit of the right pairs, and nothing keeps the wrong ones low.",
        name="no-softmax",
    ),
    Misconception(
        _slip(log=lambda logits, dim: logits.softmax(dim=dim)),
        "The logarithm is missing: the chances of the right answers themselves are averaged.",
        name="no-logarithm",
        also=(
            _slip(log=lambda logits, dim: logits.softmax(dim=dim) - 1),
            _slip(
                log=lambda logits, dim: logits.softmax(dim=dim), combine=lambda one, other: one.mean() + other.mean()
            ),
        ),
    ),
    Misconception(
        _slip(log=lambda logits, dim: logits.flatten().log_softmax(dim=0).view_as(logits)),
        "One softmax runs over the whole matrix, so all pairs of the batch compete. A picture chooses among its "
        "captions, a caption among its pictures.",
        name="softmax-over-everything",
    ),
    Misconception(
        _both_ways(_among_wrong_ones),
        "The softmax's sum goes over the wrong answers only. The right ones belong to it too.",
        name="right-ones-not-in-the-sum",
    ),
    Misconception(
        _pairs_alone("mean"),
        "This asks of each pair alone whether it belongs together (a sigmoid). Here the captions of a batch compete for "
        "a picture, and the pictures for a caption.",
        name="pairs-alone",
        also=(_pairs_alone("sum"), _pairs_alone("sum", over_rows=True)),
    ),
    Misconception(
        _both_ways(_divergence),
        "This is the divergence from the target, a cross entropy minus the target's own entropy. With twins that is not "
        "zero: it must stay in.",
        name="divergence",
    ),
    Misconception(
        _slip(log=lambda logits, dim: (logits.softmax(dim=dim) + 1e-3).log()),
        "The chances are raised before the logarithm, so that it cannot become infinite. That changes the loss: take "
        "the logarithm of the softmax in one step.",
        name="raised-chances",
        also=(*map(_added, (0.1, 0.01, 1e-4, 1e-5)), *map(_at_least, (0.1, 0.01, 1e-3, 1e-4))),
    ),
    Misconception(
        _slip(target=_shares_of_wrong_ones),
        "`same` is turned round: the wrong answers share the target here.",
        name="same-turned-round",
        also=(_towards_wrong_ones, _slip(target=lambda same: (~same).float())),
    ),
    Misconception(
        _slip(combine=lambda one, other: (one + other) / 2),
        "There is one loss for each place of the batch. The mean over the batch is still to be taken.",
        name="not-averaged",
        also=(
            _slip(combine=lambda one, other: one),
            _slip(combine=lambda one, other: other),
            _slip(combine=lambda one, other: one + other),
            _slip(combine=lambda one, other: torch.cat([one, other])),
            _slip(combine=lambda one, other: torch.stack([one, other])),
        ),
    ),
    Misconception(
        _slip(combine=lambda one, other: (one.mean(), other.mean())),
        "Both directions are returned side by side. Training needs one number: their mean.",
        name="both-returned",
        also=(_slip(combine=lambda one, other: torch.stack([one.mean(), other.mean()])),),
    ),
    Misconception(
        _of(lambda logits: F.normalize(logits, dim=1)),
        "The logits are brought to length one. That was done to the embeddings already; the logits stay as they are.",
        name="logits-normalised",
        also=(_of(lambda logits: F.normalize(logits, dim=0)), _of(lambda logits: logits / logits.norm())),
    ),
    Misconception(
        _of(lambda logits: logits / 0.07),
        "The logits are scaled once more. The temperature is in them already.",
        name="scaled-again",
        also=(
            _of(lambda logits: logits * 0.07),
            _of(lambda logits: logits / 0.1),
            _of(lambda logits: logits * 100),
            _of(lambda logits: logits / len(logits) ** 0.5),
        ),
    ),
    Misconception(
        _squared(lambda logits: logits.softmax(dim=1), _shares),
        "This is a squared error. The loss is a cross entropy: shares times logarithms of chances.",
        name="squared-error",
        also=(_squared(lambda logits: logits, lambda same: same.float()),),
    ),
)
