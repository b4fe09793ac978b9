"""Stochastic depth: which branches survive, and how deep in the model."""

import torch
from torch import Generator, Tensor

from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.stochastic_depth import linear_rule, stochastic_depth


def _depth_cases(g: Generator) -> list[Arguments]:
    # Draws on both sides of the survival probability, and of one minus it.
    return [
        (torch.randn(4, 3, 5, generator=g), 0.7, torch.tensor([0.1, 0.9, 0.5, 0.2])),
        (torch.randn(3, 2, 4, 4, generator=g), 0.25, torch.tensor([0.8, 0.05, 0.6])),
        (torch.randn(5, 6, generator=g), 0.9, torch.tensor([0.95, 0.3, 0.0, 0.85, 0.99])),
        (torch.randn(3, 4, generator=g), 0.5, torch.tensor([0.2])),
        (torch.randn(3, 4, 2, generator=g), 1.0, torch.tensor([0.2, 0.999, 0.0])),
    ]


def _kept(draws: Tensor, survival: float, branch: Tensor) -> Tensor:
    return (draws < survival).to(branch.dtype).reshape(-1, *[1] * (branch.ndim - 1))


STOCHASTIC_DEPTH = Exercise(
    name="06.stochastic_depth",
    title="Stochastic depth, picture by picture",
    points=2,
    reference=stochastic_depth,
    learns=("branch",),
    cases=_depth_cases,
    hints=(
        "A picture survives where its draw is below the survival probability: a comparison gives True or False for "
        "each. As numbers, 1 or 0.",
        "Those numbers have shape (batch,), the branch has more axes. Give them as many, all of length 1 but the "
        "first: `kept.reshape(-1, *[1] * (branch.ndim - 1))`.",
        "Multiply, then divide by survival. Why: with probability survival the result is branch / survival, else "
        "zero, so on average it is the branch.",
    ),
    misconceptions=(
        Misconception(
            lambda branch, survival, draws: branch * _kept(draws, survival, branch),
            "The right branches survive, but their size is not made up for: on average the result is survival times "
            "the branch, and in evaluation, where nothing is left out, every layer would suddenly say more. Divide "
            "by survival.",
        ),
        Misconception(
            lambda branch, survival, draws: branch * (1 - _kept(draws, survival, branch)) / survival,
            "It keeps what should be left out. A picture survives when its draw is below the survival probability: "
            "with survival 0.9 that is nine times in ten.",
        ),
        Misconception(
            lambda branch, survival, draws: branch * _kept(draws, 1 - survival, branch) / survival,
            "Survival is taken for the probability of leaving out. torchvision's `p` is that one; here survival is "
            "the probability of keeping, as on the slide.",
        ),
        Misconception(
            lambda branch, survival, draws: branch * _kept(draws, survival, branch) * survival,
            "What is kept is multiplied by survival, so it shrinks twice. Divide by it: fewer branches, each larger, "
            "the same on average.",
        ),
        Misconception(
            lambda branch, survival, draws: branch * _kept(draws[:1], survival, branch) / survival,
            "The first picture's draw decides for all. Each picture has a draw of its own; only when there is one "
            "draw does it hold for the whole batch.",
        ),
        Misconception(
            lambda branch, survival, draws: branch * survival,
            "This is what the branch is worth on average: nothing is left out at random. That average is for "
            "evaluation in the original paper; in training a branch is there or it is not.",
        ),
    ),
)


LINEAR_RULE = Exercise(
    name="06.linear_rule",
    title="Who survives how often",
    reference=linear_rule,
    cases=lambda g: [(4, 0.5), (12, 0.9), (3, 0.4), (1, 0.8)],
    hints=(
        "The last of the layers survives with probability `last`; how far below 1 is that? Layer l of L has l/L of it.",
        "`torch.arange(1, layers + 1) / layers` is 1/L, 2/L, … 1.",
        "1 − l/L · (1 − last).",
    ),
    misconceptions=(
        Misconception(
            lambda layers, last: 1 - torch.arange(layers) / layers * (1 - last),
            "The layers are counted from zero, so the first always survives and the last is not as low as `last`. "
            "Layer 1 is the first that may be left out: l runs from 1 to L.",
        ),
        Misconception(
            lambda layers, last: torch.linspace(1, last, layers),
            "The first layer always survives. So it is in timm, but the paper's step before the first layer is the "
            "input: layer 1 already has 1/L of the way.",
        ),
        Misconception(
            lambda layers, last: torch.full((layers,), last),
            "All layers are treated alike. The early ones make features that all later ones use, so they should "
            "survive more often.",
        ),
        Misconception(
            lambda layers, last: (1 - torch.arange(1, layers + 1) / layers * (1 - last)).flip(0),
            "The order is reversed: the last layer should be left out most often, not the first.",
        ),
        Misconception(
            lambda layers, last: torch.arange(1, layers + 1) / layers * (1 - last),
            "These are the probabilities of leaving a layer out. Survival is one minus that.",
        ),
        Misconception(
            lambda layers, last: last ** (torch.arange(1, layers + 1) / layers),
            "It falls by equal factors. The linear rule falls by equal steps.",
        ),
    ),
)
