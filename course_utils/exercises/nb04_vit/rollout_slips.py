"""What goes wrong in attention rollout, one step replaced at a time."""

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
    """Products of another first factor."""
    return _slip(
        gather=lambda steps: list(accumulate(steps, lambda below, layer: layer @ below, initial=start(steps[0])))
    )


def _from_identity(pick: Callable[[Maps], Maps]) -> Callable[[Maps], Any]:
    """All the products, the identity before them."""
    return _slip(gather=lambda steps: pick(_products([torch.eye(steps[0].shape[-1]), *steps])))


def _added(
    join: Callable[[Tensor, Tensor], Tensor], step: Callable[[Tensor], Tensor] = _step
) -> Callable[[Maps], Any]:
    """Sums in place of products, from the identity on."""
    return _slip(step, gather=lambda steps: list(accumulate(steps, join, initial=torch.eye(steps[0].shape[-1])))[1:])


def _rows_to_one(maps: Tensor) -> Tensor:
    return maps / maps.sum(-1, keepdim=True)


def _columns_to_one(maps: Tensor) -> Tensor:
    return maps / maps.sum(-2, keepdim=True)


MISCONCEPTIONS = (
    Misconception(
        _slip(lambda weights: weights.mean(1)),
        "The residual connection is left out, as if each layer threw its tokens away. Count it as half, beside "
        "the attention.",
        name="no-residual",
        also=(_slip(lambda weights: weights.mean(1) / 2),),
    ),
    Misconception(
        _slip(lambda weights: weights.mean(1) + _eye(weights)),
        "The identity is added, but the rows now sum to two, and to more with every layer. Halve the sum, so "
        "that a row says what share came from where.",
        name="residual-not-halved",
    ),
    Misconception(
        _slip(lambda weights: weights.mean(1) / 2 + _eye(weights)),
        "Attention and identity are not a half each, so the rows of a layer do not sum to one. Halve each of them once.",
        name="not-two-halves",
        also=(
            _slip(lambda weights: weights.mean(1) + _eye(weights) / 2),
            _slip(lambda weights: _step(weights) / 2),
        ),
    ),
    Misconception(
        _shared(0.9),
        "Attention and identity are mixed, but not half and half. Abnar & Zuidema count both alike.",
        name="other-shares",
        also=tuple(_shared(attention) for attention in (0.1, 0.2, 0.25, 0.75, 0.8)),
    ),
    Misconception(
        _merged(lambda weights: weights.mean(1) - _eye(weights) + 1),
        "The same number is added everywhere, where the residual connection adds the identity. A token keeps itself, not "
        "all the others.",
        name="ones-for-identity",
        also=(_slip(lambda weights: (weights.mean(1) + 1 / weights.shape[-1]) / 2),),
    ),
    Misconception(
        _slip(gather=lambda steps: list(accumulate(steps, lambda below, layer: below @ layer))),
        "The layers are multiplied in the wrong order. A later layer looks at what the earlier ones have "
        "mixed, so it goes on the left.",
        name="new-layer-on-the-right",
    ),
    Misconception(
        lambda attention_maps: _products([_step(weights) for weights in attention_maps[::-1]]),
        "Your products begin with the last layer. The tokens go through the first layer first.",
        name="from-the-top",
        also=(
            lambda attention_maps: _products([_step(weights) for weights in attention_maps[::-1]])[::-1],
            lambda attention_maps: list(accumulate(map(_step, attention_maps[::-1]), torch.matmul)),
        ),
    ),
    Misconception(
        _slip(pick=lambda maps: maps[::-1]),
        "The products are right, but the last one comes first. Number i belongs to the layers up to number i.",
        name="results-reversed",
    ),
    Misconception(
        _slip(gather=lambda steps: steps),
        "Each matrix shows its own layer only. Multiply it by the product of all the layers below.",
        name="not-multiplied",
    ),
    Misconception(
        _slip(gather=lambda steps: [steps[0], *(layer @ below for below, layer in pairwise(steps))]),
        "Each matrix takes in the layer directly below, but no other. Go on from the product of all the layers below.",
        name="two-layers-only",
    ),
    Misconception(
        _slip(gather=lambda steps: list(accumulate(steps))),
        "The layers are added or averaged, not multiplied. What passes through several of them is a matrix product.",
        name="layers-added",
        also=(
            _slip(gather=lambda steps: [total / (i + 1) for i, total in enumerate(accumulate(steps))]),
            _slip(gather=lambda steps: list(accumulate(steps, lambda below, layer: (below + layer) / 2))),
            _added(lambda below, layer: below + layer),
            _added(lambda below, layer: (below + layer) / 2),
            _added(lambda below, layer: below + layer, lambda weights: weights.mean(1)),
            _added(lambda below, layer: (below + layer) / 2, lambda weights: weights.mean(1)),
        ),
    ),
    Misconception(
        _slip(gather=lambda steps: list(accumulate(steps, lambda below, layer: below * layer))),
        "The layers are multiplied element by element. What passes through several of them is a matrix product, `@`.",
        name="elementwise",
    ),
    Misconception(
        _slip(gather=lambda steps: [torch.linalg.matrix_power(step, i + 1) for i, step in enumerate(steps)]),
        "One layer is multiplied by itself. The other factors should be the layers below it.",
        name="power-of-one-layer",
        also=(_slip(gather=lambda steps: [torch.linalg.matrix_power(steps[0], i + 1) for i in range(len(steps))]),),
    ),
    Misconception(
        _from(lambda first: first.clone()),
        "The first layer is in your products twice: you start with it, and then multiply by it. Start with the identity, "
        "which changes nothing.",
        name="first-layer-twice",
        also=(
            _slip(gather=lambda steps: _products([steps[0], *steps])[1:]),
            _slip(gather=lambda steps: _products([steps[0], *steps])),
        ),
    ),
    Misconception(
        _from(lambda first: torch.eye(first.shape[-1])),
        "The identity you start with is in your list. It is no layer: keep the product after each layer only.",
        name="identity-in-the-list",
        also=(_from(lambda first: torch.eye(first.shape[-1]).expand_as(first)),),
    ),
    Misconception(
        _from_identity(lambda products: products[:-1]),
        "Your list begins with the identity, and the product of all layers is missing from it. Multiply first, then "
        "append.",
        name="appended-too-early",
        also=(
            lambda attention_maps: [
                product.expand(len(attention_maps[0]), -1, -1)
                for product in _from_identity(lambda products: products[:-1])(attention_maps)
            ],
        ),
    ),
    Misconception(
        _slip(pick=lambda maps: maps[-1]),
        "Only the product of all layers is returned. Return the list of the products after each layer, so that "
        "we can watch them grow.",
        name="last-only",
        also=(_slip(pick=lambda maps: maps[-1:]),),
    ),
    Misconception(
        _slip(pick=lambda maps: maps[1:]),
        "The first layer's matrix is missing from your list. After one layer, nothing but that layer has mixed the "
        "tokens, and this counts too.",
        name="first-missing",
    ),
    Misconception(
        _slip(pick=lambda maps: [maps[-1]] * len(maps)),
        "Every entry of your list is the same product, of all layers. Either one tensor is overwritten again and "
        "again, or the list is filled too late.",
        name="same-map-everywhere",
    ),
    Misconception(
        _merged(lambda weights: weights.amax(1)),
        "The heads are merged by their maximum. Abnar & Zuidema take the mean.",
        name="largest-head",
        also=(
            _slip(lambda weights: (_rows_to_one(weights.amax(1)) + _eye(weights)) / 2),
            _slip(lambda weights: _rows_to_one(weights.amax(1) + _eye(weights))),
        ),
    ),
    Misconception(
        _merged(lambda weights: weights.amin(1)),
        "The heads are merged by their minimum. Abnar & Zuidema take the mean.",
        name="smallest-head",
        also=(
            _slip(lambda weights: (_rows_to_one(weights.amin(1)) + _eye(weights)) / 2),
            _slip(lambda weights: _rows_to_one(weights.amin(1) + _eye(weights))),
        ),
    ),
    Misconception(
        _merged(lambda weights: weights.sum(1)),
        "The heads are added up, and the rows of their sum do not sum to one but to the number of heads. Take the mean "
        "over the heads.",
        name="heads-added",
        also=(
            _slip(lambda weights: weights.sum(1) + _eye(weights)),
            _slip(lambda weights: weights.sum(1)),
            _slip(lambda weights: _rows_to_one(weights.sum(1) + _eye(weights))),
        ),
    ),
    Misconception(
        _merged(lambda weights: weights.median(1).values),
        "The heads are merged by their median. Abnar & Zuidema take the mean.",
        name="median-head",
    ),
    Misconception(
        _merged(lambda weights: weights[:, 0]),
        "Only one head is used. Every head mixes tokens: take the mean over all of them.",
        name="one-head",
        also=(_merged(lambda weights: weights[:, -1]),),
    ),
    Misconception(
        _slip(lambda weights: (weights + _eye(weights)) / 2),
        "The heads are kept apart. Merge them by their mean before you multiply, so that each layer is one matrix.",
        name="heads-kept",
    ),
    Misconception(
        _slip(lambda weights: (weights + _eye(weights)) / 2, pick=lambda maps: [m.mean(1) for m in maps]),
        "The heads are averaged after the products, as if a head went on in the same head of the next layer. Every "
        "layer merges its heads: average first.",
        name="heads-averaged-last",
    ),
    Misconception(
        _merged(lambda weights: weights.mean(0)),
        "The average runs over the pictures, axis 0. The heads are axis 1.",
        name="pictures-averaged",
        also=(
            _merged(lambda weights: weights.mean((0, 1))),
            _merged(lambda weights: weights.mean((0, 1), True)[0]),
        ),
    ),
    Misconception(
        _merged(lambda weights: weights.mean(1).mT),
        "The maps of the layers are transposed. Row i already says where token i looks.",
        name="maps-transposed",
    ),
    Misconception(
        _slip(pick=lambda maps: [m.mT for m in maps]),
        "Your products are transposed. Row i says what has reached token i, and sums to one.",
        name="result-transposed",
    ),
    Misconception(
        _merged(lambda weights: weights.mean(1).softmax(-1)),
        "A softmax is taken of numbers that are weights already, which evens them out. The rows sum to one without it.",
        name="softmax-again",
        also=(
            _merged(lambda weights: weights.softmax(-1).mean(1)),
            _slip(lambda weights: _step(weights).softmax(-1)),
            _slip(lambda weights: (weights.mean(1) + _eye(weights)).softmax(-1)),
            _slip(pick=lambda maps: [m.softmax(-1) for m in maps]),
        ),
    ),
    Misconception(
        _slip(pick=lambda maps: [_columns_to_one(m) for m in maps]),
        "The columns are scaled to sum to one. It is the rows that do, and they do so without scaling.",
        name="columns-sum-to-one",
        also=(
            _slip(lambda weights: _columns_to_one(_step(weights))),
            _slip(lambda weights: _columns_to_one(weights.mean(1) + _eye(weights))),
        ),
    ),
    Misconception(
        lambda attention_maps: [
            (m + _eye(m)) / 2 for m in _products([weights.mean(1) for weights in attention_maps])
        ],
        "The identity is added once, to the finished products. Every layer has a residual connection of its own.",
        name="residual-after-the-products",
    ),
    Misconception(
        lambda attention_maps: list(
            accumulate(
                [weights.mean(1) for weights in attention_maps[1:]],
                lambda below, layer: (layer @ below + _eye(layer)) / 2,
                initial=_step(attention_maps[0]),
            )
        ),
        "The identity is added to the product, so every layer's residual connection leads back to the input. It passes "
        "on what the layer below has made.",
        name="residual-from-the-input",
    ),
    Misconception(
        lambda attention_maps: _products(
            [weights.mean(1) if i else _step(weights) for i, weights in enumerate(attention_maps)]
        ),
        "Only the first layer has a residual connection in your products. Every layer has one.",
        name="residual-in-the-first-layer",
    ),
    Misconception(
        _slip(pick=lambda maps: [m[:, 0] for m in maps]),
        "Only the class token's row is returned. Return whole matrices: the notebook takes the row itself.",
        name="class-row-only",
        also=(_slip(pick=lambda maps: [m[:, 0, 1:] for m in maps]),),
    ),
    Misconception(
        _slip(pick=lambda maps: [m[:, 1:, 1:] for m in maps]),
        "The class token is left out of the maps. It mixes as every token does; the notebook cuts it off later.",
        name="class-token-cut-off",
        also=(lambda attention_maps: _products([_step(w[:, :, 1:, 1:]) for w in attention_maps]),),
    ),
)
