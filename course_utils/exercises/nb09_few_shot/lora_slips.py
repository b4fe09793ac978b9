"""A frozen layer with a low-rank update with one of its steps replaced, as students write it."""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

from course_utils.few_shot.lora import lora_linear

Scale = Callable[[float, Tensor, Tensor, Tensor], float]  # alpha, inputs, down, up → the factor


def rank(alpha: float, inputs: Tensor, down: Tensor, up: Tensor) -> float:
    """The right factor."""
    return alpha / len(down)


def down_and_up(inputs: Tensor, down: Tensor, up: Tensor) -> Tensor:
    """The update without its factor."""
    return inputs @ down.T @ up.T


def linear(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The frozen path."""
    return F.linear(inputs, weight, bias)


def slip(
    scale: Scale = rank,
    frozen: Callable[[Tensor, Tensor, Tensor], Tensor] = linear,
    corrected: Callable[[Tensor, Tensor, Tensor], Tensor] = down_and_up,
    joined: Callable[[Tensor, Tensor, float], Tensor] = lambda plain, update, scale: plain + scale * update,
) -> Callable[..., Tensor]:
    """The layer with one of its parts replaced."""

    def wrong(inputs: Tensor, weight: Tensor, bias: Tensor, down: Tensor, up: Tensor, alpha: float) -> Tensor:
        plain, update = frozen(inputs, weight.detach(), bias.detach()), corrected(inputs, down, up)
        return joined(plain, update, scale(alpha, inputs, down, up))

    return wrong


def scaled(scale: Scale) -> Callable[..., Tensor]:
    """The layer with another factor."""
    return slip(scale=scale)


def bias_twice(inputs: Tensor, weight: Tensor, bias: Tensor, down: Tensor, up: Tensor, alpha: float) -> Tensor:
    """The bias is added twice."""
    return F.linear(inputs, weight, 2 * bias) + alpha / len(down) * inputs @ down.T @ up.T


def bias_scaled(inputs: Tensor, weight: Tensor, bias: Tensor, down: Tensor, up: Tensor, alpha: float) -> Tensor:
    """The bias is a part of the update."""
    return F.linear(inputs, weight) + alpha / len(down) * F.linear(inputs @ down.T, up, bias)


def bias_in_both(inputs: Tensor, weight: Tensor, bias: Tensor, down: Tensor, up: Tensor, alpha: float) -> Tensor:
    """The bias is a part of both paths."""
    return F.linear(inputs, weight, bias) + alpha / len(down) * F.linear(inputs @ down.T, up, bias)


def after_the_layer(inputs: Tensor, weight: Tensor, bias: Tensor, down: Tensor, up: Tensor, alpha: float) -> Tensor:
    """The update of the output, by up alone."""
    plain = F.linear(inputs, weight, bias)
    return plain + alpha / len(down) * plain @ up @ up.T


def of_the_output(inputs: Tensor, weight: Tensor, bias: Tensor, down: Tensor, up: Tensor, alpha: float) -> Tensor:
    """The update of the output; works for square layers."""
    plain = F.linear(inputs, weight, bias)
    return plain + alpha / len(down) * plain @ down.T @ up.T


def of_the_output_brought_back(
    inputs: Tensor, weight: Tensor, bias: Tensor, down: Tensor, up: Tensor, alpha: float
) -> Tensor:
    """The update of the output, brought back to the features."""
    plain = F.linear(inputs, weight, bias)
    return plain + alpha / len(down) * plain @ weight @ down.T @ up.T


def detached_in_place(inputs: Tensor, weight: Tensor, bias: Tensor, down: Tensor, up: Tensor, alpha: float) -> Tensor:
    """Detaches weight and bias in place."""
    return lora_linear(inputs, weight.detach_(), bias.detach_(), down, up, alpha)
