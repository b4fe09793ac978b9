"""Who may look where, and one sequence for each head."""

import math
from collections.abc import Callable

import torch
from einops import rearrange
from torch import Generator, Tensor

from course_utils.attention import causal_mask, split_heads
from course_utils.exercises.exercise import Arguments, Exercise, Misconception


def _additive_mask(tokens: int) -> Tensor:
    return torch.full((tokens, tokens), -math.inf).triu(1)


CAUSAL_MASK = Exercise(
    name="00.causal_mask",
    title="A mask that hides the future",
    reference=causal_mask,
    cases=lambda g: [(5,), (2,), (9,), (1,)],
    hints=(
        "Draw it for three tokens: row i belongs to the query i, column j to the key j. Which of the nine places "
        "may be True?",
        "Token i may look at j when j ≤ i: the diagonal and everything below it.",
        "`torch.ones(tokens, tokens, dtype=torch.bool)` and its method `.tril()` are enough.",
    ),
    misconceptions=(
        Misconception(
            lambda tokens: torch.ones(tokens, tokens, dtype=torch.bool).tril(-1),
            "The diagonal is False, so no token sees itself, and the first one sees nothing at all. A token may "
            "look at itself and at what came before: j ≤ i, not j < i.",
        ),
        Misconception(
            lambda tokens: torch.ones(tokens, tokens, dtype=torch.bool).triu(),
            "The triangle is the upper one: each token sees itself and the future. Rows are queries and columns "
            "are keys, so what came before lies to the left of the diagonal.",
        ),
        Misconception(
            lambda tokens: torch.ones(tokens, tokens, dtype=torch.bool).triu(1),
            "The mask is True where a token may not look, the convention of nn.MultiheadAttention. Here, and in "
            "F.scaled_dot_product_attention, True means that it may.",
        ),
        Misconception(
            _additive_mask,
            "This is a mask to be added to the scores, of 0 and −inf. Ours is boolean, True where a token may "
            "look, and leaves the filling to `attend`.",
        ),
        Misconception(
            lambda tokens: torch.ones(tokens, tokens).tril(),
            "The right triangle, but of floats, and `~mask` works on booleans only. Make it with dtype=torch.bool.",
        ),
    ),
)


def _split_heads_cases(g: Generator) -> list[Arguments]:
    shapes = [((2, 5, 12), 3), ((1, 7, 8), 4), ((3, 4, 6), 6), ((2, 3, 5), 1)]
    return [(torch.randn(*shape, generator=g), heads) for shape, heads in shapes]


def _split_as(pattern: str) -> Callable[[Tensor, int], Tensor]:
    return lambda tokens, heads: rearrange(tokens, pattern, heads=heads)


SPLIT_HEADS = Exercise(
    name="00.split_heads",
    title="One sequence for each head",
    reference=split_heads,
    learns=("tokens",),
    cases=_split_heads_cases,
    hints=(
        "Every token keeps its place; only its features are dealt out. Head 0 takes the first dim of them.",
        "Two steps: split the last axis into (heads, dim), then bring the heads in front of the tokens.",
        'In einops both are one pattern: `"b n (heads d) -> b heads n d"`. What is slowest stands first in brackets.',
    ),
    misconceptions=(
        Misconception(
            lambda tokens, heads: tokens.reshape(tokens.shape[0], heads, tokens.shape[1], -1),
            "A bare reshape cuts the sequence where it happens to be: a head gets all features of some tokens "
            "instead of some features of all tokens. Split the last axis first, then move the heads forward.",
        ),
        Misconception(
            _split_as("b n (d heads) -> b heads n d"),
            "The features are dealt out like cards: head 0 gets every heads-th one. It should get the first dim "
            "features in a row, so the heads are the slow axis: (heads d), not (d heads).",
        ),
        Misconception(
            _split_as("b n (heads d) -> b n heads d"),
            "The features are split rightly, but the heads stand behind the tokens. Attention mixes the last axis "
            "but one, which must be the tokens: (batch, heads, tokens, dim).",
        ),
        Misconception(
            _split_as("b n (heads d) -> b heads d n"),
            "Each head comes out with its features and tokens swapped. The features go last: "
            "(batch, heads, tokens, dim).",
        ),
    ),
)
