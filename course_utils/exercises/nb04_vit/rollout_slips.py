"""Attention rollout with one of its steps replaced, as students write it."""

from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.exercise import Misconception

Maps = list[Tensor]


def _eye(weights: Tensor) -> Tensor:
    return torch.eye(weights.shape[-1])


def _step(weights: Tensor) -> Tensor:
    return (weights.mean(1) + _eye(weights)) / 2


def _products(steps: Maps) -> Maps:
    return list(accumulate(steps, lambda below, layer: layer @ below))


def _slip(
    step: Callable[[Tensor], Tensor] = _step,
    gather: Callable[[Maps], Any] = _products,
    pick: Callable[[Maps], Any] = lambda maps: maps,
) -> Callable[[Maps], Any]:
    """Rollout with one of its steps replaced."""
    return lambda attention_maps: pick(gather([step(weights) for weights in attention_maps]))


def _merged(heads: Callable[[Tensor], Tensor]) -> Callable[[Maps], Any]:
    return _slip(lambda weights: (heads(weights) + _eye(weights)) / 2)


def _shared(attention: float) -> Callable[[Maps], Any]:
    return _slip(lambda weights: attention * weights.mean(1) + (1 - attention) * _eye(weights))


def _from(start: Callable[[Tensor], Tensor]) -> Callable[[Maps], Any]:
    """Products that start with another factor."""
    return _slip(
        gather=lambda steps: list(accumulate(steps, lambda below, layer: layer @ below, initial=start(steps[0])))
    )


def _from_identity(pick: Callable[[Maps], Maps]) -> Callable[[Maps], Any]:
    """All the products, with the identity first."""
    return _slip(gather=lambda steps: pick(_products([torch.eye(steps[0].shape[-1]), *steps])))


def _added(
    join: Callable[[Tensor, Tensor], Tensor], step: Callable[[Tensor], Tensor] = _step
) -> Callable[[Maps], Any]:
    """Sums instead of products, from the identity on."""
    return _slip(step, gather=lambda steps: list(accumulate(steps, join, initial=torch.eye(steps[0].shape[-1])))[1:])


def _rows_to_one(maps: Tensor) -> Tensor:
    return maps / maps.sum(-1, keepdim=True)


def _columns_to_one(maps: Tensor) -> Tensor:
    return maps / maps.sum(-2, keepdim=True)


MISCONCEPTIONS = (
    Misconception(
        "no-residual",
        "The residual connection is left out, as if each layer discarded its tokens. Count it as half, and the "
        "attention as half.",
        _slip(lambda weights: weights.mean(1)),
        _slip(lambda weights: weights.mean(1) / 2),
    ),
    Misconception(
        "residual-not-halved",
        "The identity is added, but the rows now sum to two, and to more with every layer. Halve the sum, so that a "
        "row has the shares of all tokens.",
        _slip(lambda weights: weights.mean(1) + _eye(weights)),
    ),
    Misconception(
        "not-two-halves",
        "Attention and identity are not halved correctly, so the rows of a layer do not sum to one. Halve each of "
        "them once.",
        _slip(lambda weights: weights.mean(1) / 2 + _eye(weights)),
        _slip(lambda weights: weights.mean(1) + _eye(weights) / 2),
        _slip(lambda weights: _step(weights) / 2),
    ),
    Misconception(
        "other-shares",
        "Attention and identity are mixed, but not half and half. Abnar & Zuidema give both equal weight.",
        _shared(0.9),
        *tuple(_shared(attention) for attention in (0.1, 0.2, 0.25, 0.75, 0.8)),
    ),
    Misconception(
        "ones-for-identity",
        "The same number is added everywhere instead of the identity. The residual connection passes on the token "
        "itself, not all the others.",
        _merged(lambda weights: weights.mean(1) - _eye(weights) + 1),
        _slip(lambda weights: (weights.mean(1) + 1 / weights.shape[-1]) / 2),
    ),
    Misconception(
        "new-layer-on-the-right",
        "The layers are multiplied in the wrong order. A later layer attends to what the earlier ones have mixed, so "
        "it goes on the left.",
        _slip(gather=lambda steps: list(accumulate(steps, lambda below, layer: below @ layer))),
    ),
    Misconception(
        "from-the-top",
        "Your products begin with the last layer. The tokens go through the first layer first.",
        lambda attention_maps: _products([_step(weights) for weights in attention_maps[::-1]]),
        lambda attention_maps: _products([_step(weights) for weights in attention_maps[::-1]])[::-1],
        lambda attention_maps: list(accumulate(map(_step, attention_maps[::-1]), torch.matmul)),
    ),
    Misconception(
        "results-reversed",
        "The products are right, but in reverse order. Map i is for the layers up to i.",
        _slip(pick=lambda maps: maps[::-1]),
    ),
    Misconception(
        "not-multiplied",
        "Each matrix shows only its own layer. Multiply it by the product of all the layers below.",
        _slip(gather=lambda steps: steps),
    ),
    Misconception(
        "two-layers-only",
        "Each matrix includes the layer directly below, but no other. Continue from the product of all the layers "
        "below.",
        _slip(gather=lambda steps: [steps[0], *(layer @ below for below, layer in pairwise(steps))]),
    ),
    Misconception(
        "layers-added",
        "The layers are added or averaged, not multiplied. Passing through several layers is a matrix product.",
        _slip(gather=lambda steps: list(accumulate(steps))),
        _slip(gather=lambda steps: [total / (i + 1) for i, total in enumerate(accumulate(steps))]),
        _slip(gather=lambda steps: list(accumulate(steps, lambda below, layer: (below + layer) / 2))),
        _added(lambda below, layer: below + layer),
        _added(lambda below, layer: (below + layer) / 2),
        _added(lambda below, layer: below + layer, lambda weights: weights.mean(1)),
        _added(lambda below, layer: (below + layer) / 2, lambda weights: weights.mean(1)),
    ),
    Misconception(
        "elementwise",
        "The layers are multiplied element by element. Passing through several layers is a matrix product, `@`.",
        _slip(gather=lambda steps: list(accumulate(steps, lambda below, layer: below * layer))),
    ),
    Misconception(
        "power-of-one-layer",
        "One layer is multiplied by itself. The other factors should be the layers below it.",
        _slip(gather=lambda steps: [torch.linalg.matrix_power(step, i + 1) for i, step in enumerate(steps)]),
        _slip(gather=lambda steps: [torch.linalg.matrix_power(steps[0], i + 1) for i in range(len(steps))]),
    ),
    Misconception(
        "first-layer-twice",
        "The first layer is in your products twice: you start with it and then multiply by it. Start with the "
        "identity.",
        _from(lambda first: first.clone()),
        _slip(gather=lambda steps: _products([steps[0], *steps])[1:]),
        _slip(gather=lambda steps: _products([steps[0], *steps])),
    ),
    Misconception(
        "identity-in-the-list",
        "The identity you start with is in your list. It is not a layer: append only the product after each layer.",
        _from(lambda first: torch.eye(first.shape[-1])),
        _from(lambda first: torch.eye(first.shape[-1]).expand_as(first)),
    ),
    Misconception(
        "appended-too-early",
        "Your list begins with the identity, and the product of all layers is missing from it. Multiply first, then "
        "append.",
        _from_identity(lambda products: products[:-1]),
        lambda attention_maps: [
            product.expand(len(attention_maps[0]), -1, -1)
            for product in _from_identity(lambda products: products[:-1])(attention_maps)
        ],
    ),
    Misconception(
        "last-only",
        "Only the product of all layers is returned. Return the list of the products after each layer: the notebook "
        "shows how they grow.",
        _slip(pick=lambda maps: maps[-1]),
        _slip(pick=lambda maps: maps[-1:]),
    ),
    Misconception(
        "first-missing",
        "The first layer's matrix is missing from your list. The first map is that of the first layer alone.",
        _slip(pick=lambda maps: maps[1:]),
    ),
    Misconception(
        "same-map-everywhere",
        "Every entry of your list is the same product of all layers. Either one tensor is overwritten repeatedly, or "
        "the list is filled too late.",
        _slip(pick=lambda maps: [maps[-1]] * len(maps)),
    ),
    Misconception(
        "largest-head",
        "The heads are merged by their maximum. Abnar & Zuidema take the mean.",
        _merged(lambda weights: weights.amax(1)),
        _slip(lambda weights: (_rows_to_one(weights.amax(1)) + _eye(weights)) / 2),
        _slip(lambda weights: _rows_to_one(weights.amax(1) + _eye(weights))),
    ),
    Misconception(
        "smallest-head",
        "The heads are merged by their minimum. Abnar & Zuidema take the mean.",
        _merged(lambda weights: weights.amin(1)),
        _slip(lambda weights: (_rows_to_one(weights.amin(1)) + _eye(weights)) / 2),
        _slip(lambda weights: _rows_to_one(weights.amin(1) + _eye(weights))),
    ),
    Misconception(
        "heads-added",
        "The heads are summed, so the attention has more weight than the residual connection. Take the mean over the "
        "heads.",
        _merged(lambda weights: weights.sum(1)),
        _slip(lambda weights: weights.sum(1) + _eye(weights)),
        _slip(lambda weights: weights.sum(1)),
        _slip(lambda weights: _rows_to_one(weights.sum(1) + _eye(weights))),
    ),
    Misconception(
        "median-head",
        "The heads are merged by their median. Abnar & Zuidema take the mean.",
        _merged(lambda weights: weights.median(1).values),
    ),
    Misconception(
        "one-head",
        "Only one head is used. Every head mixes tokens: take the mean over all of them.",
        _merged(lambda weights: weights[:, 0]),
        _merged(lambda weights: weights[:, -1]),
    ),
    Misconception(
        "heads-kept",
        "The heads are not averaged. Average them before you multiply, so that each layer is one matrix.",
        _slip(lambda weights: (weights + _eye(weights)) / 2),
    ),
    Misconception(
        "heads-averaged-last",
        "The heads are averaged after the products, as if a head continued in the same head of the next layer. Every "
        "layer merges its heads: average first.",
        _slip(lambda weights: (weights + _eye(weights)) / 2, pick=lambda maps: [m.mean(1) for m in maps]),
    ),
    Misconception(
        "pictures-averaged",
        "The average runs over the images, axis 0. The heads are axis 1.",
        _merged(lambda weights: weights.mean(0)),
        _merged(lambda weights: weights.mean((0, 1))),
        _merged(lambda weights: weights.mean((0, 1), True)[0]),
    ),
    Misconception(
        "maps-transposed",
        "The maps of the layers are transposed. Row i already says what token i attends to.",
        _merged(lambda weights: weights.mean(1).mT),
    ),
    Misconception(
        "result-transposed",
        "Your products are transposed. Row i says what has reached token i, and sums to one.",
        _slip(pick=lambda maps: [m.mT for m in maps]),
    ),
    Misconception(
        "softmax-again",
        "A softmax is applied to numbers that are already weights, which makes them more equal. The rows sum to one "
        "without it.",
        _merged(lambda weights: weights.mean(1).softmax(-1)),
        _merged(lambda weights: weights.softmax(-1).mean(1)),
        _slip(lambda weights: _step(weights).softmax(-1)),
        _slip(lambda weights: (weights.mean(1) + _eye(weights)).softmax(-1)),
        _slip(pick=lambda maps: [m.softmax(-1) for m in maps]),
    ),
    Misconception(
        "columns-sum-to-one",
        "The columns are scaled to sum to one. The rows should sum to one, and they do so without scaling.",
        _slip(pick=lambda maps: [_columns_to_one(m) for m in maps]),
        _slip(lambda weights: _columns_to_one(_step(weights))),
        _slip(lambda weights: _columns_to_one(weights.mean(1) + _eye(weights))),
    ),
    Misconception(
        "residual-after-the-products",
        "The identity is added once, to the finished products. Every layer has its own residual connection.",
        lambda attention_maps: [
            (m + _eye(m)) / 2 for m in _products([weights.mean(1) for weights in attention_maps])
        ],
    ),
    Misconception(
        "residual-from-the-input",
        "The identity is added to the product, so every layer's residual connection leads back to the input. It "
        "should pass on the output of the layer below.",
        lambda attention_maps: list(
            accumulate(
                [weights.mean(1) for weights in attention_maps[1:]],
                lambda below, layer: (layer @ below + _eye(layer)) / 2,
                initial=_step(attention_maps[0]),
            )
        ),
    ),
    Misconception(
        "residual-in-the-first-layer",
        "Only the first layer has a residual connection in your products. Every layer has one.",
        lambda attention_maps: _products(
            [weights.mean(1) if i else _step(weights) for i, weights in enumerate(attention_maps)]
        ),
    ),
    Misconception(
        "class-row-only",
        "Only the class token's row is returned. Return whole matrices: the notebook selects the row.",
        _slip(pick=lambda maps: [m[:, 0] for m in maps]),
        _slip(pick=lambda maps: [m[:, 0, 1:] for m in maps]),
    ),
    Misconception(
        "class-token-cut-off",
        "The class token is left out of the maps. It is mixed like every token; the notebook removes it later.",
        _slip(pick=lambda maps: [m[:, 1:, 1:] for m in maps]),
        lambda attention_maps: _products([_step(w[:, :, 1:, 1:]) for w in attention_maps]),
    ),
)
