"""Local attention with a step replaced, as students write it."""

import math
from collections.abc import Callable

from einops import einsum
from torch import Tensor
from torch.nn import functional as F

from course_utils.attention.local import local_attend

Two = tuple[Tensor, Tensor]


def slip(
    scale: Callable[[Tensor, Tensor, Tensor], float] = lambda query, key, value: math.sqrt(query.shape[-1]),
    add: Callable[[Tensor, Tensor | float], Tensor] = lambda scores, prior: scores + prior,
    hide: Callable[[Tensor, Tensor], Tensor] = lambda scores, inside: scores.masked_fill(~inside, -math.inf),
    normalise: Callable[[Tensor], Tensor] = lambda scores: scores.softmax(-1),
    afterwards: Callable[[Tensor, Tensor, Tensor | float], Tensor] = lambda weights, inside, prior: weights,
    mix: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda weights, value, key: mixed(weights, value),
    give: Callable[[Tensor, Tensor, Tensor], object] = lambda output, weights, scores: (output, weights),
) -> Callable[..., object]:
    """Local attention with one of its steps replaced."""

    def wrong(query: Tensor, key: Tensor, value: Tensor, inside: Tensor, prior: Tensor | float = 0.0) -> object:
        scores = einsum(query, key, "... p d, ... p n d -> ... p n") / scale(query, key, value)
        scores = hide(add(scores, prior), inside)
        weights = afterwards(normalise(scores), inside, prior)
        return give(mix(weights, value, key), weights, scores)

    return wrong


def mixed(weights: Tensor, value: Tensor) -> Tensor:
    """The weighted sum over the neighbours."""
    return einsum(weights, value, "... p n, ... p n d -> ... p d")


def all_seen(scores: Tensor, inside: Tensor) -> Tensor:
    """Nothing hidden."""
    return scores


def filled(value: float, turned: bool = False) -> Callable[[Tensor, Tensor], Tensor]:
    """Another number where the mask is False or, inverted, where it is True."""
    return lambda scores, inside: scores.masked_fill(inside if turned else ~inside, value)


def scaled_by(size: float | Callable[[Tensor, Tensor, Tensor], float]) -> Callable[..., object]:
    """The scores divided by another number, fixed or computed from query, key and value."""
    return slip(scale=(lambda query, key, value: size) if isinstance(size, float) else size)


def scaled_by_lengths(query: Tensor, key: Tensor, value: Tensor, inside: Tensor, prior: Tensor | float = 0.0) -> Two:
    """Cosines, not divided any further."""
    query, key = F.normalize(query, dim=-1), F.normalize(key, dim=-1)
    return local_attend(math.sqrt(query.shape[-1]) * query, key, value, inside, prior)


def softmax_over(axis: int) -> Callable[..., object]:
    """The softmax over another axis."""
    return slip(normalise=lambda scores: scores.softmax(axis))


def two_softmaxes(query: Tensor, key: Tensor, value: Tensor, inside: Tensor, prior: Tensor | float = 0.0) -> Two:
    """The prior added between them."""
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1])
    weights = (scores.softmax(-1) + prior).masked_fill(~inside, -math.inf).softmax(-1)
    return mixed(weights, value), weights


def unhidden_scores_returned(
    query: Tensor, key: Tensor, value: Tensor, inside: Tensor, prior: Tensor | float = 0.0
) -> Two:
    """The right output with the scores of all neighbours instead of the weights."""
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1])
    return local_attend(query, key, value, inside, prior)[0], scores + prior


def shared_keys(query: Tensor, key: Tensor, value: Tensor, inside: Tensor, prior: Tensor | float = 0.0) -> Two:
    """As in `attend`: the keys of each position for all queries."""
    scores = query @ key.mT / math.sqrt(query.shape[-1]) + prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return weights @ value, weights


def with_others(change: Callable[..., tuple[Tensor, Tensor, Tensor, Tensor, Tensor | float]]) -> Callable[..., Two]:
    """The right result for other arguments."""
    return lambda query, key, value, inside, prior=0.0: local_attend(*change(query, key, value, inside, prior))
