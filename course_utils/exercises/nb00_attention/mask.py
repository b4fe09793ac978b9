"""The causal mask."""

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
        "Draw it for three tokens: row i belongs to query i, column j to key j. Which of the nine entries may be "
        "True?",
        "Token i may attend to j if j ≤ i: the diagonal and everything below it.",
        "A method of a matrix of ones keeps this triangle: `torch.ones(tokens, tokens, dtype=torch.bool).tril()`.",
    ),
    misconceptions=(
        Misconception(
            "without-itself",
            "The diagonal is False, so no token attends to itself, and the first one attends to nothing. A token may "
            "attend to itself and to earlier tokens: j ≤ i, not j < i.",
            lambda tokens: _ones(tokens).tril(-1),
        ),
        Misconception(
            "upper-triangle",
            "This is the upper triangle: each token attends to itself and to the future. Rows are queries and "
            "columns are keys, so earlier tokens are to the left of the diagonal.",
            lambda tokens: _ones(tokens).triu(),
        ),
        Misconception(
            "turned-round",
            "The mask is True where a token may not attend, as in nn.MultiheadAttention. Here, and in "
            "F.scaled_dot_product_attention, True means that it may.",
            lambda tokens: _ones(tokens).triu(1),
        ),
        Misconception(
            "one-of-the-future",
            "Each token also attends to the next one, which it must predict. The triangle must end on the diagonal.",
            lambda tokens: _ones(tokens).tril(1),
            lambda tokens: _ones(tokens).tril(2),
        ),
        Misconception(
            "everything-allowed",
            "The mask is True everywhere, so every token also attends to the future. If your code calls `tril`, use "
            "its result: it returns a new tensor and does not change the old one.",
            _ones,
        ),
        Misconception(
            "nothing-allowed",
            "The mask is False everywhere, so no token may attend to anything. Apply `tril` to a matrix of ones and "
            "use its result: it returns a new tensor and does not change the old one.",
            lambda tokens: ~_ones(tokens),
        ),
        Misconception(
            "squeezed",
            "The mask for a single token has lost its axes, as happens with `squeeze`. It is a matrix too, (1, 1).",
            _changed(torch.squeeze),
        ),
        Misconception(
            "one-token-off",
            "The triangle has one row and one column too few or too many. It needs one row and one column per token.",
            lambda tokens: causal_mask(tokens - 1),
            lambda tokens: causal_mask(tokens + 1),
        ),
        Misconception(
            "only-itself",
            "Each token attends only to itself. It may also attend to all earlier tokens: everything below the "
            "diagonal.",
            lambda tokens: torch.eye(tokens, dtype=torch.bool),
        ),
        Misconception(
            "only-the-one-before",
            "Each token attends only to itself and the nearest earlier tokens. It may attend to all earlier tokens.",
            lambda tokens: _ones(tokens).tril().triu(-1),
            lambda tokens: _ones(tokens).tril().triu(-2),
        ),
        Misconception(
            "mirrored",
            "The triangle is in another corner: it is bounded by the diagonal from the lower left to the upper "
            "right. Row 0 may be True only at column 0, and the last row is True everywhere.",
            _changed(lambda mask: mask.flip(1)),
            _changed(lambda mask: mask.flip(0)),
            lambda tokens: _ones(tokens).triu().flip(1),
        ),
        Misconception(
            "additive",
            "This is a mask to add to the scores, with 0 and −∞ or a very negative number. Ours is boolean, True "
            "where a token may attend, and `attend` fills the scores.",
            _additive(-math.inf),
            _additive(-1e9),
            _additive(-1e30),
            _additive(torch.finfo(torch.float32).min),
            _additive(-1e4),
        ),
        Misconception(
            "numbers",
            "The triangle is right, but has numbers, and `~mask` inverts only booleans. Create it with "
            "dtype=torch.bool.",
            _changed(lambda mask: mask.float()),
            _changed(lambda mask: mask.long()),
            _changed(lambda mask: mask.int()),
            _changed(lambda mask: mask.byte()),
        ),
        Misconception(
            "numbers-turned-round",
            "The triangle has numbers, with 1 where a token may not attend. Ours is boolean, with True where it may "
            "attend.",
            _changed(lambda mask: (~mask).float()),
            _changed(lambda mask: (~mask).long()),
            _changed(lambda mask: (~mask).int()),
        ),
        Misconception(
            "numbers-without-itself",
            "The triangle has numbers, and its diagonal is missing. Ours is boolean, and a token may attend to "
            "itself.",
            lambda tokens: torch.ones(tokens, tokens).tril(-1),
        ),
        Misconception(
            "first-row-only",
            "Only the first row is filled; all others are False. That happens if `return` is inside the loop. Fill "
            "all rows, then return.",
            _returned_early,
        ),
        Misconception(
            "axes-in-front",
            "The mask is right, but it has extra axes of length one in front. Leave them out: (tokens, tokens) "
            "broadcasts to any batch and any heads.",
            _changed(lambda mask: mask[None, None]),
            _changed(lambda mask: mask[None]),
        ),
        Misconception(
            "one-row",
            "This is one row. The mask is a matrix, with one row per query and one column per key.",
            lambda tokens: torch.ones(tokens, dtype=torch.bool),
            lambda tokens: torch.arange(tokens),
            lambda tokens: torch.ones(tokens),
        ),
        Misconception(
            "size-written-in",
            "The size of the mask does not depend on `tokens`. Use the argument.",
            _written_in(8),
            _written_in(5),
            _written_in(10),
            _written_in(100),
            _written_in(3),
            _written_in(16),
        ),
        Misconception(
            "list",
            "The triangle is right, but it is a list of rows. `~mask` and `masked_fill` need one tensor.",
            _changed(lambda mask: mask.tolist()),
            _changed(lambda mask: list(mask)),
            _changed(lambda mask: mask.int().tolist()),
        ),
    ),
)
