"""Split the features into heads."""

from collections.abc import Callable
from typing import Any

import torch
from einops import rearrange
from torch import Generator, Tensor

from course_utils.attention import split_heads
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild


def _cases(g: Generator) -> list[Arguments]:
    # A number of heads that divides the number of tokens, so that a sequence can be split; and one head, which is an
    # axis too.
    shapes = [((2, 5, 12), 3), ((1, 8, 12), 4), ((3, 4, 6), 1)]
    return [(torch.randn(*shape, generator=g), heads) for shape, heads in shapes]


def _wild(g: Generator) -> list[Wild]:
    return [
        Wild(
            "slice",
            (torch.randn(2, 6, 24, generator=g)[:, 1:].chunk(3, dim=-1)[1], 2),
            "the tokens are a slice of a larger tensor, as the queries are of a projection",
            "A slice is not contiguous in memory: `rearrange`, `reshape` and `unflatten` handle that, but "
            "`as_strided`, and `view` if it merges axes, do not.",
        )
    ]


def _as(pattern: str) -> Callable[[Tensor, int], Tensor]:
    return lambda tokens, heads: rearrange(tokens, pattern, heads=heads)


def _then(change: Callable[[Tensor], Any]) -> Callable[[Tensor, int], Any]:
    """The right heads, and something done to them."""
    return lambda tokens, heads: change(split_heads(tokens, heads))


def _written_in(number: int) -> Callable[[Tensor, int], Tensor]:
    return lambda tokens, heads: split_heads(tokens, number)


def _tokens_in_groups(tokens: Tensor, heads: int) -> Tensor:
    return torch.stack(tokens.chunk(heads, dim=1), dim=1)


SPLIT_HEADS = Exercise(
    name="00.split_heads",
    title="One sequence per head",
    reference=split_heads,
    learns=("tokens",),
    cases=_cases,
    wild=_wild,
    hints=(
        "Every token stays in its position; only its features are split. Head 0 gets the first dim features.",
        "Two steps: split the last axis into (heads, dim), then move the heads in front of the tokens.",
        'In einops, both steps are one pattern: `"b n (heads d) -> b heads n d"`. The slower-varying axis comes '
        "first inside the brackets.",
    ),
    misconceptions=(
        Misconception(
            "bare-reshape",
            "A bare reshape splits the sequence at arbitrary points: a head gets the features of some tokens instead "
            "of some features of all tokens. Split the last axis first, then move the heads forward.",
            lambda tokens, heads: tokens.reshape(tokens.shape[0], heads, tokens.shape[1], -1),
        ),
        Misconception(
            "dealt-like-cards",
            "The features are dealt out like cards, one to each head in turn. Head 0 should get the first dim "
            "consecutive features, so heads is the slower axis: (heads d), not (d heads).",
            _as("b n (d heads) -> b heads n d"),
        ),
        Misconception(
            "heads-behind-tokens",
            "The heads come after the tokens. Attention mixes the second-to-last axis, which must be the tokens: "
            "(batch, heads, tokens, dim).",
            _as("b n (heads d) -> b n heads d"),
            _as("b n (d heads) -> b n heads d"),
        ),
        Misconception(
            "features-before-tokens",
            "Each head has its features and tokens swapped. The features go last: (batch, heads, tokens, dim).",
            _as("b n (heads d) -> b heads d n"),
        ),
        Misconception(
            "transposed-then-reshaped",
            "The features are moved in front of the tokens and then reshaped into rows that are not tokens. Split "
            "the features while they are last, then move only the heads.",
            lambda tokens, heads: tokens.mT.reshape(tokens.shape[0], heads, tokens.shape[1], -1),
        ),
        Misconception(
            "dim-not-divided",
            "Each head is as wide as all the features together, and there are not enough numbers for that. Divide "
            "the number of features by the number of heads.",
            lambda tokens, heads: tokens.reshape(*tokens.shape[:2], heads, tokens.shape[-1]).transpose(1, 2),
            lambda tokens, heads: tokens.reshape(len(tokens), heads, *tokens.shape[1:]),
            lambda tokens, heads: rearrange(tokens, "b n (heads d) -> b heads n d", heads=heads, d=tokens.shape[-1]),
        ),
        Misconception(
            "single-head-without-axis",
            "A single head has lost its axis. One head is still an axis: (batch, 1, tokens, dim).",
            _then(lambda split: split.squeeze(1)),
            _then(lambda split: split[:, 0] if split.shape[1] == 1 else split),
        ),
        Misconception(
            "squeezed",
            "`squeeze` removes every axis of length one, but a batch of one sequence and a single head are still "
            "axes. Leave it out.",
            _then(torch.squeeze),
        ),
        Misconception(
            "sequence-cut",
            "The tokens are split into groups, so each head gets all features of some tokens. Split the features: "
            "the last axis.",
            _tokens_in_groups,
            _as("b (heads n) d -> b heads n d"),
            _as("b (n heads) d -> b heads n d"),
        ),
        Misconception(
            "heads-in-the-batch",
            "The heads are merged into the batch. They need an axis of their own: (batch, heads, tokens, dim).",
            _then(lambda split: split.flatten(0, 1)),
            _as("b n (heads d) -> (heads b) n d"),
        ),
        Misconception(
            "heads-before-the-batch",
            "The heads come before the batch. The batch stays first: (batch, heads, tokens, dim).",
            _then(lambda split: split.transpose(0, 1)),
        ),
        Misconception(
            "heads-last",
            "The heads come last. They belong between the batch and the tokens: (batch, heads, tokens, dim).",
            _then(lambda split: split.movedim(1, -1)),
            _as("b n (d heads) -> b n d heads"),
        ),
        Misconception(
            "heads-along-the-tokens",
            "The heads follow one another along the tokens, as one long sequence. They need an axis of their own: "
            "(batch, heads, tokens, dim).",
            _then(lambda split: split.flatten(1, 2)),
        ),
        Misconception(
            "separate-tensors",
            "The heads are right, but they are separate tensors. Stack them into one tensor, with the heads on axis "
            "1.",
            _then(lambda split: split.unbind(1)),
        ),
        Misconception(
            "heads-taken-for-dim",
            "Each head is `heads` features wide, and the number of heads is whatever fits. It is the other way "
            "round: `heads` is the number of heads, and the features are divided among them.",
            lambda tokens, heads: rearrange(tokens, "b n (a d) -> b a n d", d=heads),
            lambda tokens, heads: rearrange(tokens, "b n (d a) -> b a n d", d=heads),
        ),
        Misconception(
            "heads-written-in",
            "The number of heads does not depend on `heads`. Use the argument.",
            _written_in(4),
            _written_in(2),
            _written_in(1),
            _written_in(3),
        ),
        Misconception(
            "first-head-only",
            "Only the first head is returned. Return all heads in one tensor, on axis 1.",
            _then(lambda split: split[:, :1]),
            _then(lambda split: split[:, 0]),
            _then(lambda split: split[:, -1]),
            _then(lambda split: split[:, -1:]),
        ),
        Misconception(
            "last-head-first",
            "The last head comes first. Head 0 takes the first features.",
            _then(lambda split: split.flip(1)),
        ),
        Misconception(
            "first-sequence-only",
            "Only the first sequence of the batch is split. Leave the batch axis alone: every sequence is split in "
            "the same way.",
            _then(lambda split: split[:1]),
            _then(lambda split: split[0]),
        ),
        Misconception(
            "all-features-to-every-head",
            "Every head gets all the features. Divide them: each head gets its own part.",
            lambda tokens, heads: tokens[:, None].repeat(1, heads, 1, 1),
        ),
        Misconception(
            "axes-in-another-order",
            "The axes are in a different order from (batch, heads, tokens, dim). The split is right: only move the "
            "heads from after the tokens to before them.",
            lambda tokens, heads: tokens.reshape(tokens.shape[0], -1, heads, tokens.shape[-1] // heads).permute(
                2, 1, 0, 3
            ),
            *tuple(
                _as(f"b n (heads d) -> {order}")
                for order in ("n b heads d", "n heads b d", "heads n b d", "b d heads n")
            ),
        ),
    ),
)
