"""Who may look where."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_utils.attention import causal_mask
from course_utils.exercises.exercise import Exercise, Misconception, Wild


def _ones(tokens: int) -> Tensor:
    return torch.ones(tokens, tokens, dtype=torch.bool)


def _changed(change: Callable[[Tensor], Any]) -> Callable[[int], Any]:
    """The right mask, and something done to it."""
    return lambda tokens: change(causal_mask(tokens))


def _additive(hidden: float, turned: bool = False) -> Callable[[int], Tensor]:
    """A mask to be added to the scores."""
    return lambda tokens: torch.zeros(tokens, tokens).masked_fill(causal_mask(tokens) == turned, hidden)


def _written_in(number: int) -> Callable[[int], Tensor]:
    return lambda tokens: causal_mask(number)


def _returned_early(tokens: int) -> Tensor:
    mask = torch.zeros_like(_ones(tokens))
    mask[0, 0] = True
    return mask


CAUSAL_MASK = Exercise(
    name="00.causal_mask",
    title="A mask that hides the future",
    reference=causal_mask,
    cases=lambda g: [(5,), (9,), (1,)],
    wild=lambda g: [
        Wild(
            "many-tokens",
            (100,),
            "there are 100 tokens, as in a cell further down",
            "Take the size of the mask from the argument.",
        )
    ],
    hints=(
        "Draw it for three tokens: row i belongs to query i, column j to key j. Which of the nine places may be True?",
        "Token i may look at j when j ≤ i: the diagonal and everything below it.",
        "A matrix of ones has a method that keeps this triangle: `torch.ones(tokens, tokens, "
        "dtype=torch.bool).tril()`.",
    ),
    misconceptions=(
        Misconception(
            lambda tokens: _ones(tokens).tril(-1),
            "The diagonal is False, so no token sees itself, and the first one sees nothing at all. A token may "
            "look at itself and at what came before: j ≤ i, not j < i.",
            name="without-itself",
        ),
        Misconception(
            lambda tokens: _ones(tokens).triu(),
            "The triangle is the upper one: each token sees itself and the future. Rows are queries and columns "
            "are keys, so what came before lies to the left of the diagonal.",
            name="upper-triangle",
        ),
        Misconception(
            lambda tokens: _ones(tokens).triu(1),
            "The mask is True where a token may not look, which is the convention of nn.MultiheadAttention. Here, "
            "and in F.scaled_dot_product_attention, True means that it may.",
            name="turned-round",
        ),
        Misconception(
            lambda tokens: _ones(tokens).tril(1),
            "Each token also sees what comes next, which it is to predict. The triangle must end on the diagonal.",
            name="one-of-the-future",
            also=(lambda tokens: _ones(tokens).tril(2),),
        ),
        Misconception(
            _ones,
            "The mask is True everywhere, so every token sees the future too. If your code calls `tril`, keep what it "
            "returns: that is a new tensor, and the old one stays as it was.",
            name="everything-allowed",
        ),
        Misconception(
            lambda tokens: ~_ones(tokens),
            "The mask is False everywhere, so no token may look at anything. `tril` cuts its triangle out of a "
            "matrix of ones, and what it returns is a new tensor: the old one stays as it was.",
            name="nothing-allowed",
        ),
        Misconception(
            _changed(torch.squeeze),
            "The mask for a single token has lost its axes, as happens with `squeeze`. It is a matrix too, (1, 1).",
            name="squeezed",
        ),
        Misconception(
            lambda tokens: causal_mask(tokens - 1),
            "The triangle has one row and one column too few or too many. It needs as many of both as there are "
            "tokens.",
            name="one-token-off",
            also=(lambda tokens: causal_mask(tokens + 1),),
        ),
        Misconception(
            lambda tokens: torch.eye(tokens, dtype=torch.bool),
            "Each token sees itself alone. It may also look at everything that came before: all that lies below the "
            "diagonal.",
            name="only-itself",
        ),
        Misconception(
            lambda tokens: _ones(tokens).tril().triu(-1),
            "Each token sees itself and only the nearest of those before it. It may look at everything that came "
            "before.",
            name="only-the-one-before",
            also=(lambda tokens: _ones(tokens).tril().triu(-2),),
        ),
        Misconception(
            _changed(lambda mask: mask.flip(1)),
            "The triangle stands in another corner: it is cut off by the diagonal from the lower left to the upper "
            "right. Row 0 may be True only at column 0, and the last row is True everywhere.",
            name="mirrored",
            also=(_changed(lambda mask: mask.flip(0)), lambda tokens: _ones(tokens).triu().flip(1)),
        ),
        Misconception(
            _additive(-math.inf),
            "This is a mask to be added to the scores, made of 0 and −∞ or a very negative number. Ours is boolean, "
            "True where a token may look, and leaves the filling to `attend`.",
            name="additive",
            also=(_additive(-1e9), _additive(-1e30), _additive(torch.finfo(torch.float32).min), _additive(-1e4)),
        ),
        Misconception(
            _changed(lambda mask: mask.float()),
            "The triangle is right, but made of numbers, and `~mask` inverts only booleans. Make it with "
            "dtype=torch.bool.",
            name="numbers",
            also=(
                _changed(lambda mask: mask.long()),
                _changed(lambda mask: mask.int()),
                _changed(lambda mask: mask.byte()),
            ),
        ),
        Misconception(
            _changed(lambda mask: (~mask).float()),
            "The triangle is made of numbers, and 1 stands where a token may not look. Ours is boolean, and True "
            "where it may look.",
            name="numbers-turned-round",
            also=(_changed(lambda mask: (~mask).long()), _changed(lambda mask: (~mask).int())),
        ),
        Misconception(
            lambda tokens: torch.ones(tokens, tokens).tril(-1),
            "The triangle is made of numbers, and its diagonal is missing. Ours is boolean, and a token may look at "
            "itself.",
            name="numbers-without-itself",
        ),
        Misconception(
            _returned_early,
            "Only the first row is filled, and all the others are False: that happens when `return` stands inside "
            "the loop. Fill all rows, then return.",
            name="first-row-only",
        ),
        Misconception(
            _changed(lambda mask: mask[None, None]),
            "The mask is right, but it has extra axes of length one in front. Leave them out: (tokens, tokens) "
            "broadcasts to any batch and any heads.",
            name="axes-in-front",
            also=(_changed(lambda mask: mask[None]),),
        ),
        Misconception(
            lambda tokens: torch.ones(tokens, dtype=torch.bool),
            "This is one row. The mask is a matrix, with a row for each token that looks and a column for each that is "
            "looked at.",
            name="one-row",
            also=(lambda tokens: torch.arange(tokens), lambda tokens: torch.ones(tokens)),
        ),
        Misconception(
            _written_in(8),
            "The mask has the same size whatever `tokens` is. Take its size from the argument.",
            name="size-written-in",
            also=(_written_in(5), _written_in(10), _written_in(100), _written_in(3), _written_in(16)),
        ),
        Misconception(
            _changed(lambda mask: mask.tolist()),
            "The triangle is right, but it is a list of rows. `~mask` and `masked_fill` need one tensor.",
            name="list",
            also=(
                _changed(lambda mask: list(mask)),
                _changed(lambda mask: mask.int().tolist()),
            ),
        ),
    ),
)
