"""Attention at work: looking at another sequence, and the encoder block."""

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.attention import Layer, attend, encoder_block
from course_utils.exercises.exercise import Arguments, Exercise, Misconception


def cross_attention(tokens: Tensor, memory: Tensor, to_query: Layer, to_key: Layer, to_value: Layer) -> Tensor:
    """tokens (batch, queries, dim), memory (batch, keys, memory_dim) → output (batch, queries, value_dim).

    The tokens ask and the memory answers: queries are made from the tokens, keys and values from the memory.
    to_query, to_key and to_value are functions, one head. Vaswani et al. 2017, section 3.2.3.
    """
    output, _ = attend(to_query(tokens), to_key(memory), to_value(memory))
    return output


def _linear(g: Generator, inputs: int, outputs: int) -> Layer:
    weight = torch.randn(inputs, outputs, generator=g) / math.sqrt(inputs)
    return lambda tokens: tokens @ weight


def _cross_attention_cases(g: Generator) -> list[Arguments]:
    cases = []
    # First equal lengths and dims, where every mix-up computes something, then lengths and dims that differ.
    for batch, queries, keys, dim, memory_dim, value_dim in (
        (2, 4, 4, 8, 8, 8),
        (2, 3, 6, 8, 8, 5),
        (1, 5, 2, 6, 9, 7),
    ):
        tokens = torch.randn(batch, queries, dim, generator=g)
        memory = torch.randn(batch, keys, memory_dim, generator=g)
        layers = _linear(g, dim, 16), _linear(g, memory_dim, 16), _linear(g, memory_dim, value_dim)
        cases.append((tokens, memory, *layers))
    return cases


CROSS_ATTENTION = Exercise(
    name="00.cross_attention",
    title="Looking at another sequence",
    reference=cross_attention,
    learns=("tokens", "memory"),
    cases=_cross_attention_cases,
    hints=(
        "Who asks? In a decoder it is the sequence that is being written, the tokens. Who answers? The encoder's "
        "output, the memory.",
        "So the queries are `to_query(tokens)`, and the output has as many rows as there are tokens. What is "
        "looked up, and what is taken away, comes from the memory.",
        "Hand the three to your `attend`, and keep only the first of the two things it returns.",
    ),
    misconceptions=(
        Misconception(
            lambda tokens, memory, to_query, to_key, to_value: attend(
                to_query(memory), to_key(tokens), to_value(tokens)
            )[0],
            "The roles are swapped: the memory asks and the tokens answer. The decoder asks, so the queries come "
            "from the tokens, keys and values from the memory.",
        ),
        Misconception(
            lambda tokens, memory, to_query, to_key, to_value: attend(
                to_query(memory), to_key(memory), to_value(memory)
            )[0],
            "Queries, keys and values all come from the memory, so the tokens have no say. Make the queries from "
            "the tokens.",
        ),
        Misconception(
            lambda tokens, memory, to_query, to_key, to_value: attend(
                to_query(tokens), to_key(tokens), to_value(memory)
            )[0],
            "The keys come from the tokens and the values from the memory, so what matches is not what is fetched. "
            "A key and its value belong to the same place: both come from the memory.",
        ),
        Misconception(
            lambda tokens, memory, to_query, to_key, to_value: attend(
                to_query(tokens), to_key(memory), to_value(tokens)
            )[0],
            "The values come from the tokens, so the memory chooses but gives nothing. A key and its value belong "
            "to the same place: both come from the memory.",
        ),
        Misconception(
            lambda tokens, memory, to_query, to_key, to_value: attend(
                to_query(tokens), to_key(tokens), to_value(tokens)
            )[0],
            "Everything comes from the tokens: this is self-attention, and the memory is never read. Make keys and "
            "values from the memory.",
        ),
        Misconception(
            lambda tokens, memory, to_query, to_key, to_value: attend(
                to_query(tokens), to_key(memory), to_value(memory)
            ),
            "The numbers are right, but `attend` returns two things, output and weights. Return only the output.",
        ),
    ),
)


def _encoder_block_cases(g: Generator) -> list[Arguments]:
    def norm(dim: int) -> Layer:
        gain, shift = 1 + torch.randn(dim, generator=g) / 2, torch.randn(dim, generator=g) / 2
        return lambda tokens: F.layer_norm(tokens, (dim,), gain, shift)

    def mix(dim: int) -> Layer:
        project = _linear(g, dim, dim)
        return lambda tokens: project(attend(tokens, tokens, tokens)[0])

    def mlp(dim: int) -> Layer:
        first, second = _linear(g, dim, 2 * dim), _linear(g, 2 * dim, dim)
        return lambda tokens: second(F.gelu(first(tokens)))

    shapes = [(2, 5, 8), (1, 3, 6), (3, 7, 4)]
    return [
        (torch.randn(*shape, generator=g), norm(shape[-1]), mix(shape[-1]), norm(shape[-1]), mlp(shape[-1]))
        for shape in shapes
    ]


def _post_norm(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
    tokens = norm1(tokens + attention(tokens))
    return norm2(tokens + mlp(tokens))


def _no_residual(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
    return mlp(norm2(attention(norm1(tokens))))


def _no_second_residual(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
    return mlp(norm2(tokens + attention(norm1(tokens))))


def _residual_of_normed(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
    tokens = norm1(tokens)
    tokens = norm2(tokens + attention(tokens))
    return tokens + mlp(tokens)


def _one_norm(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
    return encoder_block(tokens, norm1, attention, norm1, mlp)


def _parallel(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
    return tokens + attention(norm1(tokens)) + mlp(norm2(tokens))


def _no_norm(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
    tokens = tokens + attention(tokens)
    return tokens + mlp(tokens)


ENCODER_BLOCK = Exercise(
    name="00.encoder_block",
    title="The encoder block",
    reference=encoder_block,
    learns=("tokens",),
    cases=_encoder_block_cases,
    hints=(
        "There are two steps of the same form: tokens + something(norm(tokens)).",
        "In the first the something is `attention` and the norm is `norm1`; what comes out is what the second "
        "works on, with `mlp` and `norm2`.",
        "Write equation 2 and 3 of Dosovitskiy et al. as two lines, and mind that the sum takes the tokens as they "
        "were before the norm.",
    ),
    misconceptions=(
        Misconception(
            _post_norm,
            "The norm comes after each sum: this is the post-norm block of Vaswani et al. 2017. A ViT normalises "
            "what goes into attention and MLP and leaves the sum alone, so that the residual path is free.",
        ),
        Misconception(
            _no_residual,
            "Nothing is added back: attention and MLP replace the tokens instead of correcting them. Add the "
            "tokens to the result of each of the two steps.",
        ),
        Misconception(
            _no_second_residual,
            "The second sum is missing: the MLP replaces the tokens. Add them to its result, as in the first step.",
        ),
        Misconception(
            _residual_of_normed,
            "The sum takes the tokens after the norm, so the original ones are lost. Normalise only what goes into "
            "attention and MLP: tokens + attention(norm1(tokens)).",
        ),
        Misconception(
            _one_norm,
            "norm1 is used in both steps. Each step has a norm of its own with its own learned scale: the MLP's is "
            "norm2.",
        ),
        Misconception(
            _parallel,
            "The MLP reads the block's input, so it never sees what attention has gathered. Run the second step on "
            "the result of the first.",
        ),
        Misconception(
            _no_norm,
            "The norms are never called. Normalise what goes into attention and into the MLP.",
        ),
    ),
)
