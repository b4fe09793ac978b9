"""Losses that are no cross entropy of the logits, or one of something else."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb10_captions.loss_directions import Answer, both_ways, shares, slip


def _of(change: Callable[[Tensor], Tensor]) -> Answer:
    """The right loss of other logits."""
    return lambda logits, same: slip()(change(logits), same)


def _among_wrong_ones(low: float) -> Answer:
    def wrong(logits: Tensor, same: Tensor) -> Tensor:
        others = logits.masked_fill(same, low).logsumexp(dim=1)
        return (others - (shares(same) * logits).sum(dim=1)).mean()

    return wrong


def _divergence(logits: Tensor, same: Tensor) -> Tensor:
    return F.kl_div(logits.log_softmax(dim=1), shares(same), reduction="batchmean")


def _pairs_alone(reduction: str, over_rows: bool = False) -> Answer:
    def wrong(logits: Tensor, same: Tensor) -> Tensor:
        loss = F.binary_cross_entropy_with_logits(logits, same.float(), reduction=reduction)
        return loss / len(logits) if over_rows else loss

    return wrong


def _added(pinch: float) -> Answer:
    return slip(log=lambda logits, dim: (logits.softmax(dim=dim) + pinch).log())


def _at_least(chance: float) -> Answer:
    return slip(log=lambda logits, dim: logits.softmax(dim=dim).clamp(min=chance).log())


def _squared(chance: Callable[[Tensor], Tensor], target: Callable[[Tensor], Tensor]) -> Answer:
    return lambda logits, same: (chance(logits) - target(same)).square().mean()


def _divergence_by(reduction: str) -> Answer:
    return lambda logits, same: F.kl_div(logits.log_softmax(dim=1), shares(same), reduction=reduction)


def _of_right_pairs(form: Callable[[Tensor], Tensor]) -> Answer:
    """Of the mean probability of all right pairs."""
    return lambda logits, same: form((logits.softmax(dim=1)[same].mean() + logits.softmax(dim=0)[same].mean()) / 2)


def _one_softmax_for_both(half: bool) -> Answer:
    def wrong(logits: Tensor, same: Tensor) -> Tensor:
        target = torch.cat([shares(same), shares(same)], dim=1)
        return F.cross_entropy(torch.cat([logits, logits.mT], dim=1), target / 2 if half else target)

    return wrong


def _hits(form: Callable[[Tensor, Tensor], Tensor]) -> Answer:
    """Made of how often a right answer has the largest logit of its row, and of its column."""

    def wrong(logits: Tensor, same: Tensor) -> Tensor:
        place = torch.arange(len(logits))
        rows, columns = same[place, logits.argmax(dim=1)], same[logits.argmax(dim=0), place]
        return form(rows.float().mean(), columns.float().mean())

    return wrong


def _limited(most: float) -> Answer:
    return lambda logits, same: slip()(logits, same).clamp(max=most)


FORMS = (
    Misconception(
        "softmax-twice",
        "A softmax is taken twice: `cross_entropy` and `log_softmax` take logits, and begin with a softmax of their own.",
        slip(log=lambda logits, dim: logits.softmax(dim=dim).log_softmax(dim=dim)),
        _of(lambda logits: logits.softmax(dim=1)),
        _of(lambda logits: logits.softmax(dim=0)),
    ),
    Misconception(
        "no-softmax",
        "There is no softmax: this is minus the mean logit of the right pairs, and nothing keeps the wrong ones low.",
        slip(log=lambda logits, dim: logits),
    ),
    Misconception(
        "no-logarithm",
        "The logarithm is missing: the probabilities of the right answers themselves are averaged.",
        slip(log=lambda logits, dim: logits.softmax(dim=dim)),
        slip(log=lambda logits, dim: -logits.softmax(dim=dim)),
        slip(log=lambda logits, dim: logits.softmax(dim=dim), combine=lambda one, other: one.mean() + other.mean()),
        slip(
            log=lambda logits, dim: logits.softmax(dim=dim),
            combine=lambda one, other: 1 + (one.mean() + other.mean()) / 2,
        ),
        *(_of_right_pairs(form) for form in (lambda mean: mean, lambda mean: -mean, lambda mean: 1 - mean)),
    ),
    Misconception(
        "softmax-over-everything",
        "One softmax runs over the whole matrix, so all pairs of the batch compete. A picture chooses among its "
        "captions, a caption among its pictures.",
        slip(log=lambda logits, dim: logits.flatten().log_softmax(dim=0).view_as(logits)),
    ),
    Misconception(
        "right-ones-not-in-the-sum",
        "The sum inside the softmax runs over the wrong answers only. The right ones belong in it too.",
        both_ways(_among_wrong_ones(-math.inf)),
        *tuple(both_ways(_among_wrong_ones(low)) for low in (-1e4, -1e9)),
    ),
    Misconception(
        "pairs-alone",
        "This asks about each pair on its own whether it belongs together (a sigmoid). Here the captions of a batch compete for "
        "a picture, and the pictures for a caption.",
        _pairs_alone("mean"),
        _pairs_alone("sum"),
        _pairs_alone("sum", over_rows=True),
    ),
    Misconception(
        "divergence",
        "This is the divergence from the target, a cross entropy minus the target's own entropy. With twins that is not "
        "zero: take the cross entropy itself.",
        both_ways(_divergence),
    ),
    Misconception(
        "divergence-over-entries",
        "This is the divergence from the target, a cross entropy minus the target's own entropy, and it is divided by the "
        "batch size once too often. Take the cross entropy itself, and its mean over the rows.",
        both_ways(_divergence_by("mean")),
    ),
    Misconception(
        "divergence-summed",
        "This is the divergence from the target, a cross entropy minus the target's own entropy, and it is summed over "
        "the batch. Take the cross entropy itself, and its mean over the rows.",
        both_ways(_divergence_by("sum")),
    ),
    Misconception(
        "raised-probabilities",
        "The probabilities are raised before the logarithm, so that it cannot become infinite. That changes the loss: take "
        "the logarithm of the softmax in one step.",
        slip(log=lambda logits, dim: (logits.softmax(dim=dim) + 1e-3).log()),
        *map(_added, (0.1, 0.01, 1e-4, 1e-5)),
        *map(_at_least, (0.1, 0.01, 1e-3, 1e-4)),
    ),
    Misconception(
        "logits-normalised",
        "The logits are normalised to length one. That was done to the embeddings already; the logits stay as they are.",
        _of(lambda logits: F.normalize(logits, dim=1)),
        _of(lambda logits: F.normalize(logits, dim=0)),
        _of(lambda logits: logits / logits.norm()),
    ),
    Misconception(
        "scaled-again",
        "The logits are scaled once more. The temperature is in them already.",
        _of(lambda logits: logits / 0.07),
        _of(lambda logits: logits * 0.07),
        _of(lambda logits: logits / 0.1),
        _of(lambda logits: logits * 100),
        _of(lambda logits: logits / len(logits) ** 0.5),
    ),
    Misconception(
        "squared-error",
        "This is a squared error. The loss is a cross entropy: shares times logarithms of probabilities.",
        _squared(lambda logits: logits.softmax(dim=1), shares),
        both_ways(_squared(lambda logits: logits.softmax(dim=1), shares)),
        both_ways(_squared(lambda logits: logits.softmax(dim=1), Tensor.float)),
        _squared(lambda logits: logits.softmax(dim=1), Tensor.float),
        _squared(lambda logits: logits, Tensor.float),
        _squared(torch.sigmoid, Tensor.float),
    ),
    Misconception(
        "one-softmax-for-both",
        "Both directions share one softmax, so captions compete with pictures. Each direction has a softmax of its own.",
        _one_softmax_for_both(half=True),
        _one_softmax_for_both(half=False),
    ),
    Misconception(
        "accuracy",
        "This counts how often the largest logit is a right answer, or a wrong one. Nothing can learn from a count: the "
        "loss is a cross entropy.",
        _hits(lambda rows, columns: (rows + columns) / 2),
        _hits(lambda rows, columns: 1 - (rows + columns) / 2),
        _hits(lambda rows, columns: rows),
        _hits(lambda rows, columns: 1 - rows),
    ),
    Misconception(
        "loss-limited",
        "The loss is cut off at a largest value. It may become as large as it likes, and then it has most to teach.",
        _limited(10),
        *tuple(map(_limited, (1, 2, 5, 20))),
    ),
)
