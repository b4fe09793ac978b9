"""A frozen layer with a small correction."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Promise, Wild
from course_utils.lora import lora_linear

Scale = Callable[[float, Tensor, Tensor, Tensor], float]  # alpha, inputs, down, up → the factor


def _layer(g: Generator, batch: int, features: int, outputs: int, rank: int, alpha: float) -> Arguments:
    sizes = ((batch, features), (outputs, features), (outputs,), (rank, features), (outputs, rank))
    return (*(torch.randn(*size, generator=g) for size in sizes), alpha)


def _cases(g: Generator) -> list[Arguments]:
    """All sizes different; a square layer; and up at zero, as it starts."""
    cases = [_layer(g, *sizes) for sizes in ((3, 6, 5, 2, 3.0), (4, 8, 8, 3, 6.0), (2, 5, 7, 4, 1.5))]
    inputs, weight, bias, down, up, alpha = _layer(g, 3, 4, 6, 2, 4.0)
    return [*cases, (inputs, weight, bias, down, torch.zeros_like(up), alpha)]


def _wild(g: Generator) -> list[Wild]:
    inputs, weight, bias, down, up, alpha = _layer(g, 3, 6, 4, 2, 2.0)
    transposed = [part.mT.contiguous().mT for part in (inputs, weight, down, up)]
    return [
        Wild(
            "one-row-of-rank-one",
            _layer(g, 1, 5, 3, 1, 2.0),
            "there is a single row of inputs and the rank is 1",
            "The result still has two axes, (1, outputs): look for a `squeeze`.",
        ),
        Wild(
            "rank-above-features",
            _layer(g, 2, 3, 4, 5, 2.0),
            "the rank is larger than the number of features",
            "The rank is the first size of `down`, whichever is smaller.",
        ),
        Wild(
            "transposed-memory",
            (transposed[0], transposed[1], bias, transposed[2], transposed[3], alpha),
            "the matrices are transposed views, whose numbers lie in another order in memory",
            "`reshape` copies where `view` cannot.",
        ),
    ]


class _Watched(TorchFunctionMode):
    """Notes whether a multiple of a matrix, or of its transpose, is computed.

    A TorchDispatchMode would see more, but its first use in a kernel takes seconds.
    """

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.matrix, self.seen = matrix, False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        with torch._C.DisableTorchFunction():
            if isinstance(result, Tensor) and result.ndim == 2 and result.any():
                self.seen |= any(_multiple(result, matrix) for matrix in (self.matrix, self.matrix.T))
        return result


def _multiple(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape:
        return False
    factor = (one * other).sum() / other.square().sum()
    return torch.allclose(one, factor * other, rtol=1e-3, atol=1e-4 * float(one.abs().max()))


def _product_made(fn: Callable[..., Tensor]) -> str | None:
    """up @ down, which is as large as weight, is made on the way; weight is zero here, so that it hides nothing."""
    inputs, weight, bias, down, up, alpha = _layer(torch.Generator().manual_seed(0), 2, 24, 20, 3, 1.0)
    with _Watched(up @ down) as watched:
        fn(inputs, torch.zeros_like(weight), bias, down, up, alpha)
    if not watched.seen:
        return None
    return (
        "The numbers are right, but on the way up @ down is computed, a matrix as large as weight (20 × 24 here), which the "
        "docstring promises to do without: let the inputs go down first, and then up."
    )


def _frozen_for_good(fn: Callable[..., Tensor]) -> str | None:
    """The caller's tensors are told to want no gradient any more."""
    *tensors, alpha = _layer(torch.Generator().manual_seed(0), 2, 4, 3, 2, 1.0)
    names = ("inputs", "weight", "bias", "down", "up")
    for tensor in tensors:
        tensor.requires_grad_()
    fn(*tensors, alpha)
    changed = [name for name, tensor in zip(names, tensors, strict=True) if not tensor.requires_grad]
    if not changed:
        return None
    return (
        f"The numbers are right, but the function changes {' and '.join(changed)}: whoever called it finds requires_grad "
        "switched off for good. Keep the gradient out of this one computation instead."
    )


def _rank(alpha: float, inputs: Tensor, down: Tensor, up: Tensor) -> float:
    return alpha / len(down)


def _down_and_up(inputs: Tensor, down: Tensor, up: Tensor) -> Tensor:
    return inputs @ down.T @ up.T


def _linear(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.linear(inputs, weight, bias)


def _slip(
    scale: Scale = _rank,
    frozen: Callable[[Tensor, Tensor, Tensor], Tensor] = _linear,
    corrected: Callable[[Tensor, Tensor, Tensor], Tensor] = _down_and_up,
    joined: Callable[[Tensor, Tensor, float], Tensor] = lambda plain, correction, scale: plain + scale * correction,
) -> Callable[..., Tensor]:
    """The layer with one of its parts replaced."""

    def wrong(inputs: Tensor, weight: Tensor, bias: Tensor, down: Tensor, up: Tensor, alpha: float) -> Tensor:
        plain, correction = frozen(inputs, weight.detach(), bias.detach()), corrected(inputs, down, up)
        return joined(plain, correction, scale(alpha, inputs, down, up))

    return wrong


def _scaled(scale: Scale) -> Callable[..., Tensor]:
    return _slip(scale=scale)


def _bias_twice(inputs: Tensor, weight: Tensor, bias: Tensor, down: Tensor, up: Tensor, alpha: float) -> Tensor:
    return F.linear(inputs, weight, 2 * bias) + alpha / len(down) * inputs @ down.T @ up.T


def _bias_scaled(inputs: Tensor, weight: Tensor, bias: Tensor, down: Tensor, up: Tensor, alpha: float) -> Tensor:
    return F.linear(inputs, weight) + alpha / len(down) * F.linear(inputs @ down.T, up, bias)


def _bias_in_both(inputs: Tensor, weight: Tensor, bias: Tensor, down: Tensor, up: Tensor, alpha: float) -> Tensor:
    return F.linear(inputs, weight, bias) + alpha / len(down) * F.linear(inputs @ down.T, up, bias)


def _after_the_layer(inputs: Tensor, weight: Tensor, bias: Tensor, down: Tensor, up: Tensor, alpha: float) -> Tensor:
    plain = F.linear(inputs, weight, bias)
    return plain + alpha / len(down) * plain @ up @ up.T


LORA_LINEAR = Exercise(
    name="09.lora_linear",
    title="A low-rank correction of a frozen layer",
    points=2,
    reference=lora_linear,
    learns=("inputs", "down", "up"),
    frozen=("weight", "bias"),
    cases=_cases,
    wild=_wild,
    promises=(
        Promise("makes-up-times-down", _product_made),
        Promise("changes-the-callers-tensors", _frozen_for_good),
    ),
    hints=(
        "Two paths, added. The formula writes one picture as a column x; here `inputs` has one picture a row, so every "
        "matrix stands on the right, transposed.",
        "First the inputs go down to `rank` numbers each, then up again. Which of the sizes of `down` is the rank?",
        "`weight` and `bias` must get no gradient, but a gradient must still reach `inputs` through them: so it is these two "
        "that are cut off, and not the product. What does a tensor's `.detach()` give?",
    ),
    misconceptions=(
        Misconception(
            _scaled(lambda alpha, inputs, down, up: 1.0),
            "The factor alpha / rank is missing: without it the learning rate must be tuned again for each rank.",
            name="no-factor",
        ),
        Misconception(
            _scaled(lambda alpha, inputs, down, up: alpha),
            "The correction is multiplied by alpha; the division by the rank is missing.",
            name="not-divided-by-the-rank",
        ),
        Misconception(
            _scaled(lambda alpha, inputs, down, up: 1 / len(down)),
            "The correction is divided by the rank, but alpha is missing.",
            name="alpha-missing",
        ),
        Misconception(
            _scaled(lambda alpha, inputs, down, up: alpha / down.shape[1]),
            "alpha is divided by the number of features. The rank is how many numbers the way down leaves.",
            name="divided-by-the-features",
        ),
        Misconception(
            _scaled(lambda alpha, inputs, down, up: alpha / len(up)),
            "alpha is divided by the number of outputs. In `up` the rank is the second size.",
            name="divided-by-the-outputs",
        ),
        Misconception(
            _scaled(lambda alpha, inputs, down, up: alpha / len(inputs)),
            "alpha is divided by the number of rows in the batch, so that a picture's result depends on how many others "
            "there are. Divide by the rank.",
            name="divided-by-the-batch",
        ),
        Misconception(
            _scaled(lambda alpha, inputs, down, up: alpha / 4),
            "alpha is divided by a fixed number, whatever the rank is. Read the rank off the matrices.",
            name="one-rank-always",
            also=(
                _scaled(lambda alpha, inputs, down, up: alpha / 2),
                _scaled(lambda alpha, inputs, down, up: alpha / 8),
            ),
        ),
        Misconception(
            _scaled(lambda alpha, inputs, down, up: len(down) / alpha),
            "The fraction stands upside down: it is alpha over the rank.",
            name="rank-over-alpha",
        ),
        Misconception(
            _scaled(lambda alpha, inputs, down, up: alpha * len(down)),
            "alpha is multiplied by the rank. It is divided by it, so that a higher rank makes no larger step.",
            name="times-the-rank",
        ),
        Misconception(
            _scaled(lambda alpha, inputs, down, up: alpha / len(down) ** 0.5),
            "alpha is divided by the square root of the rank. In LoRA it is the rank itself.",
            name="root-of-the-rank",
        ),
        Misconception(
            _scaled(lambda alpha, inputs, down, up: (alpha / len(down)) ** 2),
            "The factor alpha / rank is applied twice. Once is enough, on the way down or on the way up.",
            name="factor-twice",
        ),
        Misconception(
            _scaled(lambda alpha, inputs, down, up: alpha / down.numel()),
            "alpha is divided by how many numbers `down` holds. The rank is its first size only.",
            name="divided-by-all-numbers",
        ),
        Misconception(
            _scaled(lambda alpha, inputs, down, up: int(alpha) / len(down)),
            "alpha is rounded to a whole number. It is a float, and may be 1.5.",
            name="alpha-rounded",
        ),
        Misconception(
            _scaled(lambda alpha, inputs, down, up: alpha // len(down)),
            "alpha is divided with //, which rounds down, often to zero. Divide with /.",
            name="whole-division",
        ),
        Misconception(
            _scaled(lambda alpha, inputs, down, up: -alpha / len(down)),
            "The correction is subtracted. It is added.",
            name="subtracted",
        ),
        Misconception(
            _slip(joined=lambda plain, correction, scale: scale * (plain + correction)),
            "The factor multiplies the frozen layer's output as well. It belongs to the correction alone.",
            name="factor-on-everything",
        ),
        Misconception(
            _slip(frozen=lambda inputs, weight, bias: inputs @ weight.T),
            "The frozen layer's bias is lost.",
            name="bias-lost",
        ),
        Misconception(
            _bias_twice,
            "The bias is added twice. It belongs to the frozen path alone.",
            name="bias-twice",
            also=(_bias_in_both,),
        ),
        Misconception(
            _bias_scaled,
            "The bias is added in the correction and scaled with it. It belongs to the frozen path.",
            name="bias-in-the-correction",
        ),
        Misconception(
            _slip(joined=lambda plain, correction, scale: scale * correction),
            "Only the correction is left: the frozen layer's own output belongs to it.",
            name="correction-only",
            also=(_slip(joined=lambda plain, correction, scale: correction),),
        ),
        Misconception(
            _slip(joined=lambda plain, correction, scale: plain),
            "This is the frozen layer alone, without a correction. Add the second path.",
            name="frozen-layer-only",
        ),
        Misconception(
            _slip(corrected=lambda inputs, down, up: (inputs @ down.T).relu() @ up.T),
            "There is an activation between down and up. Then the correction is no longer a matrix, and cannot be merged "
            "into the weights.",
            name="activation-between",
            also=(
                _slip(corrected=lambda inputs, down, up: F.gelu(inputs @ down.T) @ up.T),
                _slip(corrected=lambda inputs, down, up: (inputs @ down.T).tanh() @ up.T),
                _slip(corrected=lambda inputs, down, up: (inputs @ down.T).sigmoid() @ up.T),
                _slip(corrected=lambda inputs, down, up: (inputs @ down.T).softmax(-1) @ up.T),
            ),
        ),
        Misconception(
            _slip(corrected=lambda inputs, down, up: (inputs @ down.T @ up.T).relu()),
            "There is an activation after the correction. Then it is no longer a matrix, and cannot be merged into the "
            "weights.",
            name="activation-after",
            also=(_slip(joined=lambda plain, correction, scale: (plain + scale * correction).relu()),),
        ),
        Misconception(
            _after_the_layer,
            "The correction works on the frozen layer's output. Both paths start from `inputs`.",
            name="after-the-layer",
        ),
        Misconception(
            _slip(frozen=lambda inputs, weight, bias: inputs @ weight + bias),
            "weight is not transposed. Its rows are the outputs, (outputs, features), so only a square layer lets it pass.",
            name="weight-not-transposed",
            also=(_slip(frozen=lambda inputs, weight, bias: F.linear(inputs, weight.T, bias)),),
        ),
        Misconception(
            _slip(corrected=lambda inputs, down, up: inputs @ up @ down),
            "The inputs go through up first. They go down to the rank first, and then up.",
            name="up-before-down",
        ),
        Misconception(
            _slip(corrected=lambda inputs, down, up: inputs @ down.reshape(-1, len(down)) @ up.T),
            "A matrix is reshaped where it should be transposed: the shape is right, but its numbers stand at other places.",
            name="reshaped-for-transposed",
            also=(
                _slip(corrected=lambda inputs, down, up: inputs @ down.T @ up.reshape(len(down), -1)),
                _slip(
                    corrected=lambda inputs, down, up: (
                        inputs @ down.reshape(-1, len(down)) @ up.reshape(len(down), -1)
                    )
                ),
                _slip(frozen=lambda inputs, weight, bias: inputs @ weight.reshape(weight.shape[::-1]) + bias),
            ),
        ),
        Misconception(
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight, bias),
                alpha / len(down) * inputs @ down.T @ up.T,
            ),
            "Both paths are there, but apart. Add them.",
            name="paths-apart",
        ),
    ),
)
