"""The encoder block with one of its steps replaced, as students write it."""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

from course_utils.attention import Layer, encoder_block

Block = Callable[..., Tensor]
Join = Callable[[Tensor, Tensor], Tensor]


def steps(first: Join, second: Join, norms: str = "12") -> Block:
    """Two residual steps; each combines the tokens and the layer's output in some way."""

    def wrong(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
        norm: dict[str, Layer] = {"1": norm1, "2": norm2, "-": lambda tokens: tokens}
        tokens = first(tokens, attention(norm[norms[0]](tokens)))
        return second(tokens, mlp(norm[norms[1]](tokens)))

    return wrong


def plus(tokens: Tensor, correction: Tensor) -> Tensor:
    """The right sum."""
    return tokens + correction


def replaced(tokens: Tensor, correction: Tensor) -> Tensor:
    """No sum."""
    return correction


def half(tokens: Tensor, correction: Tensor) -> Tensor:
    """A sum with half of the layer's output."""
    return tokens + correction / 2


def post_norm(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
    """The norms after the sums."""
    tokens = norm1(tokens + attention(tokens))
    return norm2(tokens + mlp(tokens))


def post_norm_second(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
    """The norm after the sum in the second step."""
    tokens = tokens + attention(norm1(tokens))
    return norm2(tokens + mlp(tokens))


def post_norm_first(both: bool) -> Block:
    """The norm after the sum in the first step, with or without another norm before attention."""

    def wrong(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
        tokens = norm1(tokens + attention(norm1(tokens) if both else tokens))
        return tokens + mlp(norm2(tokens))

    return wrong


def own_norms(which: str) -> Block:
    """A layer norm without scale and shift instead of one norm or both."""

    def own(tokens: Tensor) -> Tensor:
        return F.layer_norm(tokens, tokens.shape[-1:])

    def wrong(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
        return encoder_block(tokens, own if "1" in which else norm1, attention, own if "2" in which else norm2, mlp)

    return wrong


def norm_of_correction(both: bool) -> Block:
    """The norms on the layers' outputs, with or without norms on their inputs."""

    def wrong(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
        tokens = tokens + norm1(attention(norm1(tokens) if both else tokens))
        return tokens + norm2(mlp(norm2(tokens) if both else tokens))

    return wrong


def sum_of_normed(first: bool, second: bool) -> Block:
    """One step or both add to the normalised tokens."""

    def wrong(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
        normed = norm1(tokens)
        tokens = (normed if first else tokens) + attention(normed)
        normed = norm2(tokens)
        return (normed if second else tokens) + mlp(normed)

    return wrong


def ending(last: Callable[[Tensor, Tensor, Tensor, Layer, Layer], Tensor]) -> Block:
    """The first step is right; last computes the rest from the tokens before and after it and attention's output."""

    def wrong(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
        correction = attention(norm1(tokens))
        return last(tokens, tokens + correction, correction, norm2, mlp)

    return wrong


def mlp_first(norms: str) -> Block:
    """The two steps in the other order, with their norms or with each other's."""

    def wrong(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
        first, second = (norm1, norm2) if norms == "12" else (norm2, norm1)
        tokens = tokens + mlp(first(tokens))
        return tokens + attention(second(tokens))

    return wrong


def first_sequence(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
    """The output of attention treated as a pair."""
    tokens = tokens + attention(norm1(tokens))[0]
    return tokens + mlp(norm2(tokens))
