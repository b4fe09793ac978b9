"""Attention rollout."""

import torch
from torch import Generator

from course_utils.analysis.rollout import attention_rollout
from course_utils.exercises.exercise import Arguments, Exercise, Wild
from course_utils.exercises.nb04_vit.rollout_slips import MISCONCEPTIONS, Maps


def _maps(g: Generator, layers: int, batch: int, heads: int, tokens: int) -> Maps:
    return [(3 * torch.randn(batch, heads, tokens, tokens, generator=g)).softmax(-1) for _ in range(layers)]


def _cases(g: Generator) -> list[Arguments]:
    return [(_maps(g, *sizes),) for sizes in [(3, 2, 3, 5), (1, 1, 2, 4), (2, 3, 4, 6), (4, 2, 2, 3)]]


def _wild(g: Generator) -> list[Wild]:
    return [
        Wild(
            "transposed-memory",
            ([map_.mT.contiguous().mT for map_ in _maps(g, 2, 2, 3, 4)],),
            "the maps are stored column by column, as after a transpose",
            "`view` depends on the memory order; products, means and `reshape` do not.",
        ),
        Wild("one-head", (_maps(g, 3, 2, 1, 4),), "there is a single head", "The mean is then the head itself."),
    ]


ATTENTION_ROLLOUT = Exercise(
    name="04.attention_rollout",
    title="Attention over many layers",
    points=3,
    reference=attention_rollout,
    cases=_cases,
    wild=_wild,
    hints=(
        "First compute one matrix per layer: average the heads, (batch, heads, tokens, tokens) → (batch, tokens, "
        "tokens).",
        "The residual connection passes each token on unchanged. Count it as half: (mean + identity) / 2; the rows "
        "still sum to one.",
        "Start with the identity and go from the first layer up, with the new layer on the left of the product: it "
        "attends to what the earlier ones have mixed. Collect the product after every layer in a list.",
    ),
    misconceptions=MISCONCEPTIONS,
)
