"""Losses other than the cross-entropy of the logits."""

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
    """Computed from how often a right answer has the largest logit in its row and in its column."""

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
        "A softmax is applied twice: `cross_entropy` and `log_softmax` need logits and include a softmax.",
        slip(log=lambda logits, dim: logits.softmax(dim=dim).log_softmax(dim=dim)),
        _of(lambda logits: logits.softmax(dim=1)),
        _of(lambda logits: logits.softmax(dim=0)),
    ),
    Misconception(
        "no-softmax",
        "There is no softmax: this is minus the mean logit of the right pairs, so nothing keeps the wrong ones low.",
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
        "One softmax runs over the whole matrix, so all pairs of the batch compete. Use one softmax per image over "
        "the captions, and one per caption over the images.",
        slip(log=lambda logits, dim: logits.flatten().log_softmax(dim=0).view_as(logits)),
    ),
    Misconception(
        "right-ones-not-in-the-sum",
        "The sum inside the softmax has only the wrong answers. Include the right ones.",
        both_ways(_among_wrong_ones(-math.inf)),
        *tuple(both_ways(_among_wrong_ones(low)) for low in (-1e4, -1e9)),
    ),
    Misconception(
        "pairs-alone",
        "This treats each pair separately (a sigmoid). Here the captions of a batch compete for an image, and the "
        "images for a caption.",
        _pairs_alone("mean"),
        _pairs_alone("sum"),
        _pairs_alone("sum", over_rows=True),
    ),
    Misconception(
        "divergence",
        "This is the divergence from the target, a cross-entropy minus the target's own entropy. If captions say the "
        "same, that is not zero: use the cross-entropy itself.",
        both_ways(_divergence),
    ),
    Misconception(
        "divergence-over-entries",
        "This is the divergence from the target, a cross-entropy minus the target's own entropy, and it is divided "
        "by the batch size once too often. Take the cross-entropy itself, and its mean over the rows.",
        both_ways(_divergence_by("mean")),
    ),
    Misconception(
        "divergence-summed",
        "This is the divergence from the target, a cross-entropy minus the target's own entropy, and it is summed "
        "over the batch. Take the cross-entropy itself, and its mean over the rows.",
        both_ways(_divergence_by("sum")),
    ),
    Misconception(
        "raised-probabilities",
        "A small number is added to the probabilities, or they are clamped, so that the logarithm is finite. That "
        "changes the loss: compute the log-softmax in one step.",
        slip(log=lambda logits, dim: (logits.softmax(dim=dim) + 1e-3).log()),
        *map(_added, (0.1, 0.01, 1e-4, 1e-5)),
        *map(_at_least, (0.1, 0.01, 1e-3, 1e-4)),
    ),
    Misconception(
        "logits-normalised",
        "The logits are normalised to length one. The embeddings already are; do not change the logits.",
        _of(lambda logits: F.normalize(logits, dim=1)),
        _of(lambda logits: F.normalize(logits, dim=0)),
        _of(lambda logits: logits / logits.norm()),
    ),
    Misconception(
        "scaled-again",
        "The logits are scaled again. They already include the temperature.",
        _of(lambda logits: logits / 0.07),
        _of(lambda logits: logits * 0.07),
        _of(lambda logits: logits / 0.1),
        _of(lambda logits: logits * 100),
        _of(lambda logits: logits / len(logits) ** 0.5),
    ),
    Misconception(
        "squared-error",
        "This is a squared error. Use a cross-entropy: shares times log-probabilities.",
        _squared(lambda logits: logits.softmax(dim=1), shares),
        both_ways(_squared(lambda logits: logits.softmax(dim=1), shares)),
        both_ways(_squared(lambda logits: logits.softmax(dim=1), Tensor.float)),
        _squared(lambda logits: logits.softmax(dim=1), Tensor.float),
        _squared(lambda logits: logits, Tensor.float),
        _squared(torch.sigmoid, Tensor.float),
    ),
    Misconception(
        "one-softmax-for-both",
        "Both directions share one softmax, so captions compete with images. Each direction has its own softmax.",
        _one_softmax_for_both(half=True),
        _one_softmax_for_both(half=False),
    ),
    Misconception(
        "accuracy",
        "This counts how often the largest logit is a right or a wrong answer. A count has no gradient: use a "
        "cross-entropy.",
        _hits(lambda rows, columns: (rows + columns) / 2),
        _hits(lambda rows, columns: 1 - (rows + columns) / 2),
        _hits(lambda rows, columns: rows),
        _hits(lambda rows, columns: 1 - rows),
    ),
    Misconception(
        "loss-limited",
        "The loss is clamped at a maximum. Do not limit it: large losses give the most useful gradients.",
        _limited(10),
        *tuple(map(_limited, (1, 2, 5, 20))),
    ),
)
