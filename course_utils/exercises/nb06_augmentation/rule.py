"""Stochastic depth: how the survival probability falls from layer to layer."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from course_utils.attention.stochastic_depth import linear_rule
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild


def _cases(g: Generator) -> list[Arguments]:
    return [(4, 0.6), (12, 0.9), (3, 0.4), (7, 0.75)]


def _wild(g: Generator) -> list[Wild]:
    return [
        Wild(
            "one-layer",
            (1, 0.8),
            "there is a single layer",
            "It is the last one, so it survives with probability `last`.",
        ),
        Wild(
            "nothing-left-out",
            (5, 1.0),
            "last is 1",
            "Then every layer always survives, and a step has length zero: `torch.arange` refuses such a step.",
        ),
        Wild(
            "many-layers",
            (49, 0.5),
            "there are 49 layers",
            "With a fraction as its step, `torch.arange` may make one number too many, or one too few, because fractions "
            "are rounded: count in whole numbers, or use `torch.linspace`.",
        ),
    ]


def _falls_by(gone: Callable[[Tensor, float], Tensor], first: int = 1) -> Callable[..., Tensor]:
    """A slip in how far the probability has fallen: a function of l / L, counted from first, and of last."""
    return lambda layers, last: 1 - gone(torch.arange(first, layers + first) / layers, last)


def _line(start: Callable[[float], float], end: Callable[[float], float]) -> Callable[..., Tensor]:
    """Equal steps from the first layer's probability to the last one's."""
    return lambda layers, last: torch.linspace(start(last), end(last), layers)


LINEAR_RULE = Exercise(
    name="06.linear_rule",
    title="Who survives how often",
    reference=linear_rule,
    cases=_cases,
    wild=_wild,
    hints=(
        "Draw it for three layers: 1 at the input, `last` at layer 3, and a straight line between them. How many steps "
        "are there, and how long is each?",
        "Layer l of L has gone l/L of the way down. `torch.arange(1, layers + 1) / layers` is 1/L, 2/L, … 1.",
        "The whole way down is 1 − last. Or let `torch.linspace` draw the line from the input to the last layer, and "
        "leave the input out.",
    ),
    misconceptions=(
        Misconception(
            "counted-from-zero",
            "The layers are counted from zero, so the first always survives and the last is not as low as `last`. "
            "Layer 1 is the first that may be left out: l runs from 1 to L.",
            _falls_by(lambda way, last: way * (1 - last), first=0),
        ),
        Misconception(
            "first-layer-always",
            "The first layer always survives. timm does it that way, but in the paper the step before the first layer is the "
            "input: layer 1 has already gone 1/L of the way.",
            _line(lambda last: 1.0, lambda last: last),
        ),
        Misconception(
            "all-alike",
            "All layers are treated alike. The early ones make features that all later ones use, so they should "
            "survive more often.",
            lambda layers, last: torch.full((layers,), last),
        ),
        Misconception(
            "rising",
            "The probabilities rise from layer to layer. They should fall: the last layer is left out most often, the "
            "first most rarely.",
            lambda layers, last: linear_rule(layers, last).flip(0),
            _line(lambda last: last, lambda last: 1.0),
            lambda layers, last: last + torch.arange(1, layers + 1) / layers * (1 - last),
            lambda layers, last: torch.arange(1, layers + 1) / layers * last,
            lambda layers, last: torch.arange(layers) / layers * last,
        ),
        Misconception(
            "probabilities-of-dropping",
            "These are probabilities of leaving a layer out. The survival probability is one minus that.",
            lambda layers, last: torch.arange(1, layers + 1) / layers * (1 - last),
            lambda layers, last: torch.arange(layers) / layers * (1 - last),
            _line(lambda last: 0.0, lambda last: 1 - last),
        ),
        Misconception(
            "equal-factors",
            "It falls by equal factors. The linear rule falls by equal steps.",
            lambda layers, last: last ** (torch.arange(1, layers + 1) / layers),
            lambda layers, last: last ** (torch.arange(layers) / layers),
            lambda layers, last: last ** (torch.arange(layers) / (layers - 1)),
            lambda layers, last: last ** torch.arange(1, layers + 1),
            lambda layers, last: last ** torch.arange(layers),
        ),
        Misconception(
            "along-a-curve",
            "It falls along a curve: slowly at first, or at the end. The linear rule falls by equal steps.",
            _falls_by(lambda way, last: way**2 * (1 - last)),
            _falls_by(lambda way, last: way.sqrt() * (1 - last)),
            _falls_by(lambda way, last: (1 - (torch.pi * way).cos()) / 2 * (1 - last)),
        ),
        Misconception(
            "last-taken-for-dropping",
            "`last` is taken for the last layer's probability of being left out: the last layer survives with "
            "probability 1 − last, or nearly that. But `last` is its survival probability.",
            _falls_by(lambda way, last: way * last),
            _falls_by(lambda way, last: way * last, first=0),
            _line(lambda last: 1.0, lambda last: 1 - last),
        ),
        Misconception(
            "falls-to-zero",
            "It falls to zero, or nearly, so the deepest layers would hardly ever be there. It should end at `last`.",
            _falls_by(lambda way, last: way),
            lambda layers, last: last * (1 - torch.arange(1, layers + 1) / layers),
            lambda layers, last: last * (1 - torch.arange(layers) / layers),
            lambda layers, last: (1 - last) * (1 - torch.arange(1, layers + 1) / layers),
            _falls_by(lambda way, last: way, first=0),
            _line(lambda last: 1.0, lambda last: 0.0),
            _line(lambda last: last, lambda last: 0.0),
        ),
        Misconception(
            "begins-at-last",
            "It begins at `last`, or below it, and falls from there. It begins at 1, at the input, and ends at `last`.",
            lambda layers, last: last - torch.arange(1, layers + 1) / layers * (1 - last),
            lambda layers, last: last - torch.arange(layers) / layers * (1 - last),
            lambda layers, last: last - torch.arange(1, layers + 1) / layers * last**2,
        ),
        Misconception(
            "brackets-missing",
            "`last` is subtracted whole from every layer, which makes probabilities below zero. A pair of brackets is "
            "missing around what l/L is multiplied by.",
            _falls_by(lambda way, last: way + last),
            _falls_by(lambda way, last: way + last, first=0),
        ),
        Misconception(
            "whole-way-in-each-step",
            "Each layer loses 1 − last. That is how far it falls in all L steps together, so a step is shorter.",
            lambda layers, last: 1 - torch.arange(1, layers + 1) * (1 - last),
            lambda layers, last: 1 - torch.arange(layers) * (1 - last),
        ),
        Misconception(
            "one-step-too-many",
            "The way is cut into L + 1 steps, so the last layer does not get down to `last`. From the input to layer L "
            "there are L.",
            lambda layers, last: 1 - torch.arange(1, layers + 1) / (layers + 1) * (1 - last),
        ),
        Misconception(
            "counted-from-two",
            "The first layer has gone two steps already, and the last one goes below `last`: l runs from 1 to L, not from 2.",
            _falls_by(lambda way, last: way * (1 - last), first=2),
        ),
        Misconception(
            "half-a-step-behind",
            "Each layer stands in the middle of its step, so the last one does not get down to `last`. Layer l has gone l "
            "whole steps.",
            lambda layers, last: 1 - (torch.arange(1, layers + 1) - 0.5) / layers * (1 - last),
        ),
        Misconception(
            "halfway",
            "It falls by half as much as it should: the last layer stops halfway between 1 and `last`.",
            _falls_by(lambda way, last: way * (1 - last) / 2),
        ),
        Misconception(
            "above-one",
            "These numbers are above 1, and no probability is. It should fall from 1 at the input: look at the signs.",
            _falls_by(lambda way, last: way * (last - 1)),
        ),
        Misconception(
            "fraction-upside-down",
            "The fraction is upside down: L/l in place of l/L. So the first layer falls furthest, and later ones less.",
            _falls_by(lambda way, last: (1 - last) / way),
        ),
        Misconception(
            "multiplied-up",
            "The probabilities are multiplied up: this is how often a layer survives together with all those before it. "
            "Each layer draws for itself.",
            lambda layers, last: linear_rule(layers, last).cumprod(0),
        ),
        Misconception(
            "whole-number-division",
            "Every layer but the last always survives. If you divide with `//`, l/L is 0 until l = L: use `/`.",
            _falls_by(lambda way, last: way.floor() * (1 - last)),
        ),
        Misconception(
            "input-too",
            "The input's 1 is returned as well. It is no layer: leave it out, so that `layers` numbers are left.",
            lambda layers, last: torch.linspace(1, last, layers + 1),
        ),
        Misconception(
            "last-layer-missing",
            "The last layer is missing: the end of a range is not part of it.",
            lambda layers, last: linear_rule(layers, last)[:-1],
            lambda layers, last: 1 - torch.arange(1, layers) / layers * (1 - last),
            lambda layers, last: 1 - torch.arange(layers - 1) / layers * (1 - last),
        ),
    ),
)
