"""Scaled dot-product attention with one of its steps replaced, as students write it."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.attention import attend

Two = tuple[Tensor, Tensor]
Step = Callable[[Tensor, Tensor], Tensor]  # scores or weights, and the mask

FILLS = (-1e30, -math.inf, -1e9, torch.finfo(torch.float32).min)  # fills masked scores


def slip(
    scale: Callable[[Tensor, Tensor, Tensor], float | Tensor] = lambda query, key, value: math.sqrt(query.shape[-1]),
    score: Callable[[Tensor, Tensor], Tensor] = lambda query, key: query @ key.mT,
    hide: Step = lambda scores, mask: scores.masked_fill(~mask, -1e30),
    normalise: Callable[[Tensor], Tensor] = lambda scores: scores.softmax(-1),
    hide_weights: Step = lambda weights, mask: weights,
    mix: Callable[[Tensor, Tensor, Tensor], Any] = lambda weights, value, key: (weights @ value, weights),
) -> Callable[..., Any]:
    """Attention with one of its steps replaced."""

    def wrong(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Any:
        scores = score(query, key) / scale(query, key, value)
        weights = normalise(scores if mask is None else hide(scores, mask))
        return mix(weights if mask is None else hide_weights(weights, mask), value, key)

    return wrong


def scaled_by(size: Callable[[Tensor, Tensor, Tensor], float | Tensor]) -> Callable[..., Any]:
    """The scores divided by another number."""
    return slip(scale=size)


def scaled_by_number(number: float) -> Callable[..., Any]:
    """The scores divided by a number, whatever the shapes."""
    return scaled_by(lambda query, key, value: number)


def scaled_by_power(power: float) -> Callable[..., Any]:
    """The scores divided by a power of dim."""
    return scaled_by(lambda query, key, value: query.shape[-1] ** power)


def scaled_by_root(factor: float) -> Callable[..., Any]:
    """The scores divided by the root of a multiple of dim."""
    return scaled_by(lambda query, key, value: math.sqrt(factor * query.shape[-1]))


def unmasked(scores: Tensor, mask: Tensor) -> Tensor:
    """The unchanged scores, for any mask."""
    return scores


def fill(number: float, turned: bool = False) -> Step:
    """Mask with a given number, or mask where the mask is True."""
    return lambda scores, mask: scores.masked_fill(mask if turned else ~mask, number)


def lowered_by(number: float) -> Step:
    """Masked scores that are only lowered."""
    return lambda scores, mask: scores - number * ~mask


def hard(scores: Tensor) -> Tensor:
    """The whole weight for the largest score of each row."""
    return F.one_hot(scores.argmax(-1), scores.shape[-1]).to(scores.dtype)


def times(weights: Tensor, mask: Tensor) -> Tensor:
    """Zeros where the mask is False."""
    return weights * mask


def with_every_fill(normalise: Callable[[Tensor], Tensor]) -> tuple[Callable[..., Any], ...]:
    """Without a softmax, each fill value has its own result."""
    return tuple(slip(hide=fill(number), normalise=normalise) for number in FILLS)


def with_every_mask(normalise: Callable[[Tensor], Tensor]) -> tuple[Callable[..., Any], ...]:
    """Variants of a softmax over a wrong axis: masked with −∞, masked again afterwards, or only afterwards."""
    return (
        slip(hide=fill(-math.inf), normalise=normalise),
        slip(normalise=normalise, hide_weights=fill(0)),
        slip(hide=unmasked, normalise=normalise, hide_weights=fill(0)),
    )


def with_every_slip_of_the_mask(**steps: Any) -> tuple[Callable[..., Any], ...]:
    """A mistake that shows without a mask, combined with the mask unused, inverted, too late or too weak."""
    return (
        slip(hide=unmasked, **steps),
        slip(hide=fill(-1e30, turned=True), **steps),
        slip(hide=unmasked, hide_weights=fill(0), **steps),
        slip(hide=fill(0), **steps),
        slip(hide=torch.add, **steps),
    )


def returning(change: Callable[[Tensor, Tensor], Any]) -> Callable[..., Any]:
    """The right output and weights, and something else returned."""
    return lambda query, key, value, mask=None: change(*attend(query, key, value, mask))


def scores_for_weights(number: float | None, scaled: bool = True) -> Callable[..., Two]:
    """The right output with the scores instead of the weights; number fills masked scores."""

    def wrong(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Two:
        scores = query @ key.mT / (math.sqrt(query.shape[-1]) if scaled else 1)
        output, _ = attend(query, key, value, mask)
        return output, scores if mask is None or number is None else scores.masked_fill(~mask, number)

    return wrong


def causal_by_default(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Two:
    """Masks the future if there is no mask."""
    if mask is None:
        mask = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool).tril()
    return attend(query, key, value, mask)


def truth_of_the_mask(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Two:
    """``if mask:``, an error for every mask."""
    return attend(query, key, value, mask if mask else None)


def mask_as_index(everywhere: bool) -> Callable[..., Two]:
    """``scores[~mask] = …``, or ``scores[..., ~mask] = …``, which do not broadcast."""

    def index(scores: Tensor, mask: Tensor) -> Tensor:
        if everywhere:
            scores[..., ~mask] = -1e30
        else:
            scores[~mask] = -1e30
        return scores

    return slip(hide=index)


def matrix_product(turn: Callable[[Tensor], Tensor]) -> Callable[..., Two]:
    """The keys transposed in a way that works only for some number of axes."""
    return slip(score=lambda query, key: query @ turn(key))


def three_axes(spelling: str) -> Callable[..., Two]:
    """Works only for (batch, tokens, dim)."""

    def score(query: Tensor, key: Tensor) -> Tensor:
        if spelling == "einsum":
            return torch.einsum("bqd,bkd->bqk", query, key)
        return torch.bmm(query, key.transpose(1, 2) if spelling == "transpose" else key.mT)

    return slip(score=score)


def unequal_shares(scores: Tensor) -> Tensor:
    """Each row divided by its sum."""
    return scores / scores.sum(-1, keepdim=True)


def cosine(query: Tensor, key: Tensor) -> Tensor:
    """Dot products of vectors of length one."""
    return F.normalize(query, dim=-1) @ F.normalize(key, dim=-1).mT


def only_part_masked(output: Callable[..., Two] = attend, weights: Callable[..., Two] = attend) -> Callable[..., Two]:
    """The output and the weights of two different computations, one of them without the mask."""

    def wrong(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Two:
        return output(query, key, value, mask)[0], weights(query, key, value, mask)[1]

    return wrong
