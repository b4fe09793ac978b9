"""Layers with random, learnable weights, passed to the exercises' functions."""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from course_utils.attention import attend


class Learned(nn.Module):
    """A function of tokens with weights as its parameters."""

    def __init__(self, function: Callable[..., Tensor], *weights: Tensor) -> None:
        super().__init__()
        self.function = function
        self.weights = nn.ParameterList(weights)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.function(tokens, *self.weights)


def linear(g: Generator, inputs: int, outputs: int) -> Learned:
    """A linear layer without a bias."""
    return Learned(torch.matmul, _weight(g, inputs, outputs))


def norm(g: Generator, dim: int) -> Learned:
    """A layer norm with scale and shift changed from their initial values."""
    gain, shift = 1 + torch.randn(dim, generator=g) / 2, torch.randn(dim, generator=g) / 2
    return Learned(lambda tokens, gain, shift: F.layer_norm(tokens, (dim,), gain, shift), gain, shift)


def mixing(g: Generator, dim: int) -> Learned:
    """Attention followed by one projection."""
    return Learned(lambda tokens, weight: attend(tokens, tokens, tokens)[0] @ weight, _weight(g, dim, dim))


def perceptron(g: Generator, dim: int) -> Learned:
    """An MLP with one hidden layer of twice the size."""
    weights = _weight(g, dim, 2 * dim), _weight(g, 2 * dim, dim)
    return Learned(lambda tokens, first, second: F.gelu(tokens @ first) @ second, *weights)


def _weight(g: Generator, inputs: int, outputs: int) -> Tensor:
    return torch.randn(inputs, outputs, generator=g) / math.sqrt(inputs)
