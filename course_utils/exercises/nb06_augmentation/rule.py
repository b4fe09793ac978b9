"""The linear rule for survival probabilities."""

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
            "Then every layer always survives, and the step is zero, which is an error in `torch.arange`.",
        ),
        Wild(
            "many-layers",
            (49, 0.5),
            "there are 49 layers",
            "With a fractional step, rounding may make `torch.arange` return one number too many or too few: use "
            "integers, or `torch.linspace`.",
        ),
    ]


def _falls_by(gone: Callable[[Tensor, float], Tensor], first: int = 1) -> Callable[..., Tensor]:
    """A mistake in how far the probability has decreased: a function of l / L, counted from first, and of last."""
    return lambda layers, last: 1 - gone(torch.arange(first, layers + first) / layers, last)


def _line(start: Callable[[float], float], end: Callable[[float], float]) -> Callable[..., Tensor]:
    """Equal steps from the first layer's probability to the last one's."""
    return lambda layers, last: torch.linspace(start(last), end(last), layers)


LINEAR_RULE = Exercise(
    name="06.linear_rule",
    title="Survival probabilities",
    reference=linear_rule,
    cases=_cases,
    wild=_wild,
    hints=(
        "Draw it for three layers: 1 at the input, `last` at layer 3, and a straight line between them. How many "
        "steps are there, and how long is each?",
        "Layer l of L is l/L of the way down. `torch.arange(1, layers + 1) / layers` is 1/L, 2/L, … 1.",
        "The whole way down is 1 − last. Or use `torch.linspace` from the input to the last layer, and leave the "
        "input out.",
    ),
    misconceptions=(
        Misconception(
            "counted-from-zero",
            "The layers are counted from zero, so the first always survives and the last is above `last`. Layer 1 is "
            "the first that may be dropped: l goes from 1 to L.",
            _falls_by(lambda way, last: way * (1 - last), first=0),
        ),
        Misconception(
            "first-layer-always",
            "The first layer always survives. timm does it that way, but in the paper the input comes one step "
            "before the first layer: layer 1 is already 1/L of the way down.",
            _line(lambda last: 1.0, lambda last: last),
        ),
        Misconception(
            "all-alike",
            "All layers have the same probability. All later layers use the features of the early ones, so early "
            "layers should survive more often.",
            lambda layers, last: torch.full((layers,), last),
        ),
        Misconception(
            "rising",
            "The probabilities increase from layer to layer. They should decrease: the last layer is dropped most "
            "often, the first least often.",
            lambda layers, last: linear_rule(layers, last).flip(0),
            _line(lambda last: last, lambda last: 1.0),
            lambda layers, last: last + torch.arange(1, layers + 1) / layers * (1 - last),
            lambda layers, last: torch.arange(1, layers + 1) / layers * last,
            lambda layers, last: torch.arange(layers) / layers * last,
        ),
        Misconception(
            "probabilities-of-dropping",
            "These are drop probabilities. The survival probability is one minus that.",
            lambda layers, last: torch.arange(1, layers + 1) / layers * (1 - last),
            lambda layers, last: torch.arange(layers) / layers * (1 - last),
            _line(lambda last: 0.0, lambda last: 1 - last),
        ),
        Misconception(
            "equal-factors",
            "The probability decreases by equal factors. The linear rule has equal steps.",
            lambda layers, last: last ** (torch.arange(1, layers + 1) / layers),
            lambda layers, last: last ** (torch.arange(layers) / layers),
            lambda layers, last: last ** (torch.arange(layers) / (layers - 1)),
            lambda layers, last: last ** torch.arange(1, layers + 1),
            lambda layers, last: last ** torch.arange(layers),
        ),
        Misconception(
            "along-a-curve",
            "The probability decreases along a curve: slowly at first, or at the end. The linear rule has equal "
            "steps.",
            _falls_by(lambda way, last: way**2 * (1 - last)),
            _falls_by(lambda way, last: way.sqrt() * (1 - last)),
            _falls_by(lambda way, last: (1 - (torch.pi * way).cos()) / 2 * (1 - last)),
        ),
        Misconception(
            "last-taken-for-dropping",
            "`last` is used as the last layer's drop probability: the last layer survives with probability 1 − last, "
            "or nearly that. But `last` is its survival probability.",
            _falls_by(lambda way, last: way * last),
            _falls_by(lambda way, last: way * last, first=0),
            _line(lambda last: 1.0, lambda last: 1 - last),
        ),
        Misconception(
            "falls-to-zero",
            "The probability decreases to zero, or nearly, so the deepest layers would almost never survive. It "
            "should end at `last`.",
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
            "The probability starts at `last` or below and decreases. It should start at 1, at the input, and end at "
            "`last`.",
            lambda layers, last: last - torch.arange(1, layers + 1) / layers * (1 - last),
            lambda layers, last: last - torch.arange(layers) / layers * (1 - last),
            lambda layers, last: last - torch.arange(1, layers + 1) / layers * last**2,
        ),
        Misconception(
            "brackets-missing",
            "`last` is subtracted from every layer, which gives negative probabilities. Brackets are missing around "
            "the factor of l/L.",
            _falls_by(lambda way, last: way + last),
            _falls_by(lambda way, last: way + last, first=0),
        ),
        Misconception(
            "whole-way-in-each-step",
            "Each step is 1 − last. That is the decrease over all L steps, so a step is smaller.",
            lambda layers, last: 1 - torch.arange(1, layers + 1) * (1 - last),
            lambda layers, last: 1 - torch.arange(layers) * (1 - last),
        ),
        Misconception(
            "one-step-too-many",
            "There are L + 1 steps, so the last layer does not reach `last`. From the input to layer L there are L "
            "steps.",
            lambda layers, last: 1 - torch.arange(1, layers + 1) / (layers + 1) * (1 - last),
        ),
        Misconception(
            "counted-from-two",
            "The first layer is already two steps down, and the last one is below `last`: l goes from 1 to L, not "
            "from 2.",
            _falls_by(lambda way, last: way * (1 - last), first=2),
        ),
        Misconception(
            "half-a-step-behind",
            "Each layer is in the middle of its step, so the last one does not reach `last`. Layer l is l whole "
            "steps down.",
            lambda layers, last: 1 - (torch.arange(1, layers + 1) - 0.5) / layers * (1 - last),
        ),
        Misconception(
            "halfway",
            "The probability decreases by half as much as it should: the last layer is halfway between 1 and `last`.",
            _falls_by(lambda way, last: way * (1 - last) / 2),
        ),
        Misconception(
            "above-one",
            "These numbers are above 1, so they are not probabilities. They should decrease from 1 at the input: "
            "check the signs.",
            _falls_by(lambda way, last: way * (last - 1)),
        ),
        Misconception(
            "fraction-upside-down",
            "The fraction is inverted: L/l instead of l/L. So the probability is lowest for the first layer.",
            _falls_by(lambda way, last: (1 - last) / way),
        ),
        Misconception(
            "multiplied-up",
            "The probabilities are multiplied: this is how often a layer survives together with all layers before "
            "it. Each layer is drawn independently.",
            lambda layers, last: linear_rule(layers, last).cumprod(0),
        ),
        Misconception(
            "whole-number-division",
            "Every layer but the last always survives. If you divide with `//`, l/L is 0 until l = L: use `/`.",
            _falls_by(lambda way, last: way.floor() * (1 - last)),
        ),
        Misconception(
            "input-too",
            "The input's 1 is returned as well. It is not a layer: leave it out, so that `layers` numbers are left.",
            lambda layers, last: torch.linspace(1, last, layers + 1),
        ),
        Misconception(
            "last-layer-missing",
            "The last layer is missing: a range excludes its end.",
            lambda layers, last: linear_rule(layers, last)[:-1],
            lambda layers, last: 1 - torch.arange(1, layers) / layers * (1 - last),
            lambda layers, last: 1 - torch.arange(layers - 1) / layers * (1 - last),
        ),
    ),
)
