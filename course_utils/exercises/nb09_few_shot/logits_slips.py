"""The logits of the nearest prototype with one of their steps replaced, as students write them."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_utils.few_shot.episodes import prototype_logits

Logits = Callable[[Tensor, Tensor], Tensor]


def differences(queries: Tensor, centres: Tensor) -> Tensor:
    """(images, ways, dim)."""
    return queries[:, None] - centres


def of(logits: Callable[[Tensor], Tensor]) -> Logits:
    """From the differences (images, ways, dim)."""
    return lambda queries, centres: logits(differences(queries, centres))


def then(change: Callable[[Tensor], Tensor]) -> Logits:
    """The right logits, changed afterwards."""
    return lambda queries, centres: change(prototype_logits(queries, centres))


def product(queries: Tensor, centres: Tensor) -> Tensor:
    """Query times prototype."""
    return queries @ centres.T


def far(queries: Tensor) -> Tensor:
    """Squared lengths."""
    return queries.square().sum(1, keepdim=True)


def multiplied_out(factor: float, own: Callable[[Tensor], Tensor], others: Callable[[Tensor], Tensor]) -> Logits:
    """factor · q·c − ‖q‖² − ‖c‖² with one of its parts replaced."""
    return lambda queries, centres: factor * product(queries, centres) - own(queries) - others(centres).T


# Numbers that keep a root's gradient finite.
EPSILONS = (1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)


def rooted(epsilon: float, sign: int = -1) -> Logits:
    """The distance, with a small number under the root."""
    return of(lambda gaps: sign * (gaps.square().sum(-1) + epsilon).sqrt())


def zipped(sign: int, pack: Callable[[list[Tensor]], Any] = torch.stack) -> Callable[[Tensor, Tensor], Any]:
    """The first query with the first centre, the second with the second, …"""
    return lambda queries, centres: pack(
        [sign * (query - centre).square().sum() for query, centre in zip(queries, centres, strict=False)]
    )


def none(vectors: Tensor) -> Tensor:
    """Zero for each vector."""
    return torch.zeros(len(vectors), 1)


def length(vectors: Tensor) -> Tensor:
    """Lengths."""
    return vectors.norm(dim=1, keepdim=True)
