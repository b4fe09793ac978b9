"""One sequence for each head."""

from collections.abc import Callable
from typing import Any

import torch
from einops import rearrange
from torch import Generator, Tensor

from course_utils.attention import split_heads
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild


def _cases(g: Generator) -> list[Arguments]:
    # Heads that divide the tokens, so that a sequence can be cut; and one head, which is an axis too.
    shapes = [((2, 5, 12), 3), ((1, 8, 12), 4), ((3, 4, 6), 1)]
    return [(torch.randn(*shape, generator=g), heads) for shape, heads in shapes]


def _wild(g: Generator) -> list[Wild]:
    return [
        Wild(
            "slice",
            (torch.randn(2, 6, 24, generator=g)[:, 1:].chunk(3, dim=-1)[1], 2),
            "the tokens are a slice of a larger tensor, as the queries are of a projection",
            "The numbers of a slice do not lie side by side in memory: `rearrange`, `reshape` and `unflatten` go by "
            "the axes, but `as_strided`, and `view` where it merges axes, go by the memory.",
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
    title="One sequence for each head",
    reference=split_heads,
    learns=("tokens",),
    cases=_cases,
    wild=_wild,
    hints=(
        "Every token keeps its place; only its features are dealt out. Head 0 takes the first dim of them.",
        "Two steps: split the last axis into (heads, dim), then bring the heads in front of the tokens.",
        'In einops both are one pattern: `"b n (heads d) -> b heads n d"`. The slower-varying axis comes first inside the brackets.',
    ),
    misconceptions=(
        Misconception(
            "bare-reshape",
            "A bare reshape cuts the sequence at arbitrary points: a head gets the features of some tokens instead "
            "of some features of all tokens. Split the last axis first, then move the heads forward.",
            lambda tokens, heads: tokens.reshape(tokens.shape[0], heads, tokens.shape[1], -1),
        ),
        Misconception(
            "dealt-like-cards",
            "The features are dealt out like cards, one to each head in turn. Head 0 should get the first dim "
            "features in a row, so the heads are the slower axis: (heads d), not (d heads).",
            _as("b n (d heads) -> b heads n d"),
        ),
        Misconception(
            "heads-behind-tokens",
            "The heads stand behind the tokens. Attention mixes the second-to-last axis, which must be the tokens: "
            "(batch, heads, tokens, dim).",
            _as("b n (heads d) -> b n heads d"),
            _as("b n (d heads) -> b n heads d"),
        ),
        Misconception(
            "features-before-tokens",
            "Each head comes out with its features and tokens swapped. The features go last: "
            "(batch, heads, tokens, dim).",
            _as("b n (heads d) -> b heads d n"),
        ),
        Misconception(
            "transposed-then-reshaped",
            "The features are brought in front of the tokens, and then cut by a reshape into rows that are no tokens. "
            "Split the features while they are last, then move the heads alone.",
            lambda tokens, heads: tokens.mT.reshape(tokens.shape[0], heads, tokens.shape[1], -1),
        ),
        Misconception(
            "dim-not-divided",
            "Each head is made as wide as all the features together, and there are not enough numbers for that. The "
            "features are shared out: divide their number by the number of heads.",
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
            "`squeeze` has taken away every axis of length one, though a batch of one sequence and a single head are "
            "still axes. Leave it out.",
            _then(torch.squeeze),
        ),
        Misconception(
            "sequence-cut",
            "The tokens are cut into groups, so each head would get all features of some tokens. It is the features "
            "that are shared out: cut the last axis.",
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
            "The heads stand in front of the batch. The batch stays first: (batch, heads, tokens, dim).",
            _then(lambda split: split.transpose(0, 1)),
        ),
        Misconception(
            "heads-last",
            "The heads stand last. They belong between the batch and the tokens: (batch, heads, tokens, dim).",
            _then(lambda split: split.movedim(1, -1)),
            _as("b n (d heads) -> b n d heads"),
        ),
        Misconception(
            "heads-along-the-tokens",
            "The heads stand one after another along the tokens, as one long sequence. They need an axis of their own: "
            "(batch, heads, tokens, dim).",
            _then(lambda split: split.flatten(1, 2)),
        ),
        Misconception(
            "separate-tensors",
            "The heads are right, but they come as separate tensors. Make one tensor of them, with the heads on axis "
            "1.",
            _then(lambda split: split.unbind(1)),
        ),
        Misconception(
            "heads-taken-for-dim",
            "Each head is `heads` features wide, and as many heads as fit are made. It is the other way round: `heads` "
            "is their number, and the features are shared out among them.",
            lambda tokens, heads: rearrange(tokens, "b n (a d) -> b a n d", d=heads),
            lambda tokens, heads: rearrange(tokens, "b n (d a) -> b a n d", d=heads),
        ),
        Misconception(
            "heads-written-in",
            "The number of heads is the same whatever `heads` says. Take it from the argument.",
            _written_in(4),
            _written_in(2),
            _written_in(1),
            _written_in(3),
        ),
        Misconception(
            "first-head-only",
            "Only the first head is returned. All of them go into one tensor, on axis 1.",
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
            "Only the first sequence of the batch is split. Leave the batch axis alone: every sequence is split alike.",
            _then(lambda split: split[:1]),
            _then(lambda split: split[0]),
        ),
        Misconception(
            "all-features-to-every-head",
            "Every head gets all the features. They are shared out: each head takes a part of its own.",
            lambda tokens, heads: tokens[:, None].repeat(1, heads, 1, 1),
        ),
        Misconception(
            "axes-in-another-order",
            "The axes are in a different order from (batch, heads, tokens, dim). The split is right: move the heads "
            "from behind the tokens to before them, and nothing else.",
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
