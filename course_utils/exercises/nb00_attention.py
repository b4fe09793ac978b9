"""Exercises of notebook 00: attention, masks, heads, the encoder block, cross-attention."""

import math

import torch
from einops import rearrange
from torch import Tensor, nn

from course_utils.attention import attend, causal_mask, encoder_block, split_heads
from course_utils.exercises.exercise import Exercise, Misconception


def cross_attention(
    tokens: Tensor, memory: Tensor, to_query: nn.Module, to_key: nn.Module, to_value: nn.Module
) -> Tensor:
    """tokens (batch, queries, dim), memory (batch, keys, dim) → (batch, queries, value_dim).

    The tokens ask, the memory answers: queries are made from tokens, keys and values from memory. One head.
    Vaswani et al. 2017, section 3.2.3.
    """
    output, _ = attend(to_query(tokens), to_key(memory), to_value(memory))
    return output


def _softmax_attend(scores: Tensor, value: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e30)
    weights = scores.softmax(-1)
    return weights @ value, weights


def _attend_cases() -> list[tuple]:
    # Random vectors of unit size keep the softmax soft: with saturated weights, wrong scales would go unnoticed.
    cases: list[tuple] = [
        (torch.randn(3, 8), torch.randn(5, 8), torch.randn(5, 6), None),
        (torch.randn(2, 4, 16), torch.randn(2, 7, 16), torch.randn(2, 7, 3), torch.rand(4, 7) < 0.7),
        (torch.randn(2, 3, 5, 4), torch.randn(2, 3, 5, 4), torch.randn(2, 3, 5, 4), torch.ones(5, 5).tril().bool()),
        (torch.randn(2, 4, requires_grad=True), torch.randn(3, 4), torch.randn(3, 4), None),
    ]
    cases[1][3][:, 0] = True  # every query may look somewhere
    return cases


ATTEND = Exercise(
    name="00.attend",
    title="Scaled dot-product attention",
    reference=attend,
    cases=_attend_cases,
    misconceptions=(
        Misconception(
            lambda q, k, v, mask=None: _softmax_attend(q @ k.mT, v, mask),
            "The scores are not scaled: divide the dot products by √dim before the softmax, or longer vectors make "
            "it ever more one-sided.",
        ),
        Misconception(
            lambda q, k, v, mask=None: _softmax_attend(q @ k.mT / q.shape[-1], v, mask),
            "The scores are divided by dim instead of √dim: the spread of a dot product grows with the square root.",
        ),
        Misconception(
            lambda q, k, v, mask=None: _softmax_attend(q @ k.mT / math.sqrt(k.shape[-2]), v, mask),
            "The scores are divided by the root of the number of keys: what counts is the length of the vectors, "
            "`query.shape[-1]`.",
        ),
        Misconception(
            lambda q, k, v, mask=None: _wrong_axis(q, k, v, mask),
            "The softmax runs over the queries: each query shares out its attention among the keys, so the rows, "
            "the last axis, must sum to one.",
        ),
        Misconception(
            lambda q, k, v, mask=None: _softmax_attend(
                q @ k.mT / math.sqrt(q.shape[-1]), v, None if mask is None else ~mask
            ),
            "The mask is used the wrong way round: True means that a query may look there.",
        ),
        Misconception(
            lambda q, k, v, mask=None: _masked_afterwards(q, k, v, mask),
            "The mask is applied after the softmax, so the rows no longer sum to one: set the forbidden scores to "
            "minus infinity before it.",
        ),
        Misconception(
            lambda q, k, v, mask=None: _softmax_attend(q @ k.mT / math.sqrt(q.shape[-1]), v, None),
            "The mask is ignored: where it is False, the weight must be zero.",
        ),
        Misconception(
            lambda q, k, v, mask=None: attend(q, k, v, mask)[::-1],
            "The two results are swapped: return the output first, then the weights.",
        ),
    ),
    hints=(
        "Compare every query with every key: `query @ key.mT` has one row a query and one column a key.",
        "Divide by `math.sqrt(query.shape[-1])`; then, if there is a mask, `scores.masked_fill(~mask, …)` with a "
        "number so low that the softmax makes it zero.",
        "`weights = scores.softmax(dim=-1)`, and the output is `weights @ value`. Return both.",
    ),
)


def _wrong_axis(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e30)
    weights = scores.softmax(-2)
    return weights @ value, weights


def _masked_afterwards(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    _, weights = attend(query, key, value)
    if mask is not None:
        weights = weights * mask
    return weights @ value, weights


CAUSAL_MASK = Exercise(
    name="00.causal_mask",
    title="A mask that hides the future",
    reference=causal_mask,
    cases=lambda: [(4,), (1,), (7,)],
    misconceptions=(
        Misconception(
            lambda tokens: torch.ones(tokens, tokens, dtype=torch.bool).tril(-1),
            "The diagonal is False: a token may look at itself (the first one has nothing else to look at).",
        ),
        Misconception(
            lambda tokens: torch.ones(tokens, tokens, dtype=torch.bool).triu(),
            "This is the transpose: rows are queries, and query i may look at the columns 0 to i. Yours looks at the "
            "future and hides the past.",
        ),
        Misconception(
            lambda tokens: torch.ones(tokens, tokens, dtype=torch.bool).triu(1),
            "The mask is inverted: here True means may look (some libraries mark what is hidden instead).",
        ),
        Misconception(
            lambda tokens: torch.zeros(tokens, tokens).masked_fill(torch.ones(tokens, tokens).triu(1) > 0, -math.inf),
            "This is an additive mask of 0 and −∞, the other convention: return a boolean one, True where a token "
            "may look.",
        ),
        Misconception(
            lambda tokens: torch.ones(tokens, tokens).tril(),
            "The pattern is right, but as numbers: return booleans (`dtype=torch.bool`).",
        ),
    ),
    hints=(
        "Write the mask for three tokens on paper: which columns may row 0 see, row 1, row 2?",
        "It is a lower triangle, with the diagonal: PyTorch has a method for that.",
        "`torch.ones(tokens, tokens, dtype=torch.bool)` and then `.tril()`.",
    ),
)

SPLIT_HEADS = Exercise(
    name="00.split_heads",
    title="Features shared out among heads",
    reference=split_heads,
    cases=lambda: [(torch.randn(2, 5, 12), 3), (torch.randn(1, 4, 16), 4), (torch.randn(3, 6, 6), 2)],
    misconceptions=(
        Misconception(
            lambda tokens, heads: tokens.reshape(len(tokens), heads, tokens.shape[1], -1),
            "The shape is right, but a bare reshape cuts the memory into pieces that mix features of different "
            "tokens: split the last axis first, then move the heads forward.",
        ),
        Misconception(
            lambda tokens, heads: rearrange(tokens, "b n (d heads) -> b heads n d", heads=heads),
            "The heads are interleaved: head 0 takes the first features of each token, not every so-many-th one. "
            "In the pattern, heads comes before d.",
        ),
        Misconception(
            lambda tokens, heads: rearrange(tokens, "b n (heads d) -> b n heads d", heads=heads),
            "The last axis is split rightly, but the heads must come before the tokens: each head is to work on a "
            "whole sequence.",
        ),
        Misconception(
            lambda tokens, heads: rearrange(tokens, "b n (heads d) -> heads b n d", heads=heads),
            "The heads come before the batch: the wanted order is batch, heads, tokens, dim.",
        ),
    ),
    hints=(
        "The last axis holds heads · dim numbers: first see it as two axes.",
        "In einops: the left side is `b n (heads d)`. Which order do you want on the right?",
        '`rearrange(tokens, "b n (heads d) -> b heads n d", heads=heads)`.',
    ),
)


class _Fixed(nn.Module):
    """A small nonlinear map, different for each seed and the same at every call."""

    def __init__(self, dim: int, seed: int, out: int | None = None) -> None:
        super().__init__()
        self.weight = torch.randn(out or dim, dim, generator=torch.Generator().manual_seed(seed)) / dim**0.5

    def forward(self, tokens: Tensor) -> Tensor:
        return torch.tanh(tokens @ self.weight.mT)


def _block_cases() -> list[tuple]:
    return [(torch.randn(2, n, d), *(_Fixed(d, seed) for seed in range(4))) for n, d in ((3, 4), (5, 8), (1, 6))]


def _post_norm(tokens: Tensor, norm1: nn.Module, attention: nn.Module, norm2: nn.Module, mlp: nn.Module) -> Tensor:
    tokens = norm1(tokens + attention(tokens))
    return norm2(tokens + mlp(tokens))


def _residual_of_normed(
    tokens: Tensor, norm1: nn.Module, attention: nn.Module, norm2: nn.Module, mlp: nn.Module
) -> Tensor:
    normed = norm1(tokens)
    tokens = normed + attention(normed)
    normed = norm2(tokens)
    return normed + mlp(normed)


ENCODER_BLOCK = Exercise(
    name="00.encoder_block",
    title="The pre-norm encoder block",
    reference=encoder_block,
    cases=_block_cases,
    misconceptions=(
        Misconception(
            _post_norm,
            "The norms come after the sums: that is the original transformer of 2017. ViT normalises what goes into "
            "attention and MLP and leaves the sum itself alone.",
        ),
        Misconception(
            lambda tokens, norm1, attention, norm2, mlp: mlp(norm2(attention(norm1(tokens)))),
            "The residual connections are missing: each step adds to the tokens, it does not replace them.",
        ),
        Misconception(
            _residual_of_normed,
            "The sums start from the normalised tokens: add to the tokens as they were, so that they pass through "
            "the block unchanged.",
        ),
        Misconception(
            lambda tokens, norm1, attention, norm2, mlp: encoder_block(tokens, norm1, attention, norm1, mlp),
            "The first norm is used twice: the MLP has a norm of its own, `norm2`.",
        ),
        Misconception(
            lambda tokens, norm1, attention, norm2, mlp: tokens + attention(norm1(tokens)) + mlp(norm2(tokens)),
            "Attention and MLP both read the block's input: the MLP is to work on what attention has changed.",
        ),
        Misconception(
            lambda tokens, norm1, attention, norm2, mlp: encoder_block(tokens, norm2, mlp, norm1, attention),
            "The two steps are swapped: attention comes first, then the MLP.",
        ),
    ),
    hints=(
        "There are two steps of the same form: tokens = tokens + something(norm(tokens)).",
        "First step: `tokens = tokens + attention(norm1(tokens))`.",
        "The second step is the same with `norm2` and `mlp`, on the tokens that the first step made.",
    ),
)


def _cross_cases() -> list[tuple]:
    return [
        (torch.randn(2, n, 6), torch.randn(2, m, 6), _Fixed(6, 0, 4), _Fixed(6, 1, 4), _Fixed(6, 2, 5))
        for n, m in ((3, 5), (4, 4), (1, 7))
    ]


def _cross(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    return attend(query, key, value)[0]


CROSS_ATTENTION = Exercise(
    name="00.cross_attention",
    title="The decoder looks at the encoder's output",
    reference=cross_attention,
    cases=_cross_cases,
    misconceptions=(
        Misconception(
            lambda tokens, memory, q, k, v: _cross(q(memory), k(tokens), v(tokens)),
            "The roles are swapped: the tokens of the decoder ask (queries), the memory answers (keys and values).",
        ),
        Misconception(
            lambda tokens, memory, q, k, v: _cross(q(tokens), k(tokens), v(tokens)),
            "This is self-attention: the memory is not used at all.",
        ),
        Misconception(
            lambda tokens, memory, q, k, v: _cross(q(memory), k(memory), v(memory)),
            "This is self-attention of the memory: the queries must come from the tokens.",
        ),
        Misconception(
            lambda tokens, memory, q, k, v: attend(q(tokens), k(memory), v(memory)),
            "The output is right, but the weights come with it: return the output only.",
        ),
    ),
    hints=(
        "Who asks? Who knows? The output has one row for each one who asks.",
        "`to_query` gets the tokens, the other two get the memory.",
        "`attend` of the three, and return its first result.",
    ),
)

EXERCISES = (ATTEND, CAUSAL_MASK, SPLIT_HEADS, ENCODER_BLOCK, CROSS_ATTENTION)
