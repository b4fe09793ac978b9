"""What many layers of attention amount to."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor

from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.rollout import attention_rollout


def _rollout_cases(g: Generator) -> list[Arguments]:
    sizes = [(3, 2, 3, 5), (1, 1, 2, 4), (2, 3, 4, 6)]
    return [
        ([torch.randn(batch, heads, tokens, tokens, generator=g).softmax(-1) for _ in range(layers)],)
        for layers, batch, heads, tokens in sizes
    ]


def _rollout_slip(
    merge: Callable[[Tensor], Tensor] = lambda weights: weights.mean(1),
    residual: Callable[[Tensor, Tensor], Tensor] = lambda mixed, identity: (mixed + identity) / 2,
    multiply: Callable[[Tensor, Tensor], Tensor] = lambda layer, below: layer @ below,
    pick: Callable[[list[Tensor]], Any] = lambda cumulative: cumulative,
) -> Callable[[list[Tensor]], Any]:
    """Rollout with one of its steps replaced."""

    def wrong(attention_maps: list[Tensor]) -> Any:
        identity = torch.eye(attention_maps[0].shape[-1])
        rollout, cumulative = identity, []
        for weights in attention_maps:
            rollout = multiply(residual(merge(weights), identity), rollout)
            cumulative.append(rollout)
        return pick(cumulative)

    return wrong


ATTENTION_ROLLOUT = Exercise(
    name="04.attention_rollout",
    title="What many layers of attention amount to",
    points=3,
    reference=attention_rollout,
    cases=_rollout_cases,
    hints=(
        "Make one matrix of each layer first: average the heads, (batch, heads, tokens, tokens) → "
        "(batch, tokens, tokens).",
        "The residual connection passes each token on unchanged. Count it as half: (mean + identity) / 2, whose "
        "rows still sum to one.",
        "Start with the identity and go from the first layer up, `rollout = layer @ rollout`: a later layer looks "
        "at what the earlier ones have mixed. Keep the product after every layer in a list.",
    ),
    misconceptions=(
        Misconception(
            _rollout_slip(residual=lambda mixed, identity: mixed),
            "The residual connection is left out, as if each layer threw its tokens away. Add the identity and "
            "halve: (mean + identity) / 2.",
        ),
        Misconception(
            _rollout_slip(residual=lambda mixed, identity: mixed + identity),
            "The identity is added, but the rows now sum to two, and to more with every layer. Halve the sum, so "
            "that a row says which share came from where.",
        ),
        Misconception(
            _rollout_slip(multiply=lambda layer, below: below @ layer),
            "The layers are multiplied in the wrong order. A later layer looks at what the earlier ones have "
            "mixed, so it stands on the left: layer @ rollout.",
        ),
        Misconception(
            _rollout_slip(merge=lambda weights: weights.amax(1)),
            "The heads are merged by their maximum, so the rows sum to more than one. Abnar & Zuidema take the mean.",
        ),
        Misconception(
            _rollout_slip(merge=lambda weights: weights.sum(1)),
            "The heads are added up, so the rows sum to their number. Take the mean over the heads.",
        ),
        Misconception(
            _rollout_slip(multiply=lambda layer, below: layer),
            "Each matrix shows its own layer only. Multiply it with the product of all the layers below.",
        ),
        Misconception(
            _rollout_slip(pick=lambda cumulative: cumulative[-1]),
            "Only the product of all layers is returned. Return the list of the products after each layer, so that "
            "we can watch them grow.",
        ),
    ),
)
