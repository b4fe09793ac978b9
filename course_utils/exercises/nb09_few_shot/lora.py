"""A frozen layer with a low-rank update."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Promise, Wild
from course_utils.exercises.nb09_few_shot import lora_slips as slips
from course_utils.few_shot.lora import lora_linear


def _layer(g: Generator, batch: int, features: int, outputs: int, rank: int, alpha: float) -> Arguments:
    sizes = ((batch, features), (outputs, features), (outputs,), (rank, features), (outputs, rank))
    return (*(torch.randn(*size, generator=g) for size in sizes), alpha)


def _cases(g: Generator) -> list[Arguments]:
    """All sizes different; a square layer; and up at zero, its initial value."""
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
            "the rank is larger than the number of features and that of outputs",
            "The rank is the first size of `down` and the second of `up`, even where it is not the smaller one.",
        ),
        Wild(
            "transposed-memory",
            (transposed[0], transposed[1], bias, transposed[2], transposed[3], alpha),
            "the matrices are transposed views, in another memory order",
            "`reshape` copies where `view` cannot.",
        ),
    ]


class _Watched(TorchFunctionMode):
    """Records whether a multiple of a matrix, the product of two factors, or of its transpose, is computed.

    A TorchDispatchMode would see more, but its first use in a kernel takes seconds.
    """

    def __init__(self, *factors: Tensor) -> None:
        super().__init__()
        self.factors, self.matrix, self.seen = factors, factors[0] @ factors[1], False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        with torch._C.DisableTorchFunction():
            if func is torch.einsum and len(args) > 3 and not torch.backends.opt_einsum.is_available():
                first = {part.untyped_storage().data_ptr() for part in args[1:3]}  # are multiplied first
                self.seen |= first == {part.untyped_storage().data_ptr() for part in self.factors}
            if isinstance(result, Tensor) and result.ndim == 2 and result.any():
                self.seen |= any(_multiple(result, matrix) for matrix in (self.matrix, self.matrix.T))
        return result


def _multiple(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape:
        return False
    factor = (one * other).sum() / other.square().sum()
    return torch.allclose(one, factor * other, rtol=1e-3, atol=1e-4 * float(one.abs().max()))


def _product_made(fn: Callable[..., Tensor]) -> str | None:
    """Whether up @ down, which is as large as weight, is computed; weight is zero here, so it hides nothing."""
    inputs, weight, bias, down, up, alpha = _layer(torch.Generator().manual_seed(0), 2, 24, 20, 3, 1.0)
    with _Watched(up, down) as watched:
        fn(inputs, torch.zeros_like(weight), bias, down, up, alpha)
    if not watched.seen:
        return None
    return (
        "The numbers are right, but the product of `up` and `down` is computed, a matrix as large as weight (20 × 24 "
        "here). The docstring promises that it is never computed: apply `down` to the inputs first, then `up`. (An "
        "`einsum` of three multiplies the first two first.)"
    )


def _gradient_switched(fn: Callable[..., Tensor]) -> str | None:
    """Whether requires_grad of the caller's tensors is changed."""
    names = ("inputs", "weight", "bias", "down", "up")
    for wants in ((True, True, True, True, True), (True, False, False, True, True)):
        *tensors, alpha = _layer(torch.Generator().manual_seed(0), 2, 4, 3, 2, 1.0)
        for tensor, want in zip(tensors, wants, strict=True):
            tensor.requires_grad_(want)
        fn(*tensors, alpha)
        after = zip(names, tensors, wants, strict=True)
        changed = {name: tensor.requires_grad for name, tensor, want in after if tensor.requires_grad != want}
        if changed:
            how = "on, although it was off before" if all(changed.values()) else "off for good"
            return (
                f"The numbers are right, but the function changes {' and '.join(changed)} of its caller: "
                f"requires_grad is switched {how}. Block the gradient only in this computation."
            )
    return None


LORA_LINEAR = Exercise(
    name="09.lora_linear",
    title="A low-rank update of a frozen layer",
    points=2,
    reference=lora_linear,
    learns=("inputs", "down", "up"),
    frozen=("weight", "bias"),
    cases=_cases,
    wild=_wild,
    promises=(
        Promise("makes-up-times-down", _product_made),
        Promise("changes-the-callers-tensors", _gradient_switched),
    ),
    hints=(
        "There are two paths, which are added. In the formula, x is a column; here `inputs` has one x per row, so "
        "every matrix is on the right, transposed.",
        "First `down` maps each row to `rank` numbers, then `up` maps them to the outputs. Which of the sizes of "
        "`down` is the rank?",
        "`weight` and `bias` must get no gradient, but a gradient must still reach `inputs` through them: so detach "
        "these two, not the product. What does a tensor's `.detach()` return?",
    ),
    misconceptions=(
        Misconception(
            "no-factor",
            "The factor alpha / rank is missing: without it, you must tune the learning rate again for each rank.",
            slips.scaled(lambda alpha, inputs, down, up: 1.0),
        ),
        Misconception(
            "not-divided-by-the-rank",
            "The update is multiplied by alpha; the division by the rank is missing.",
            slips.scaled(lambda alpha, inputs, down, up: alpha),
        ),
        Misconception(
            "alpha-missing",
            "The update is divided by the rank, but alpha is missing.",
            slips.scaled(lambda alpha, inputs, down, up: 1 / len(down)),
        ),
        Misconception(
            "divided-by-the-features",
            "alpha is divided by the number of features. The rank is the number of outputs of `down`.",
            slips.scaled(lambda alpha, inputs, down, up: alpha / down.shape[1]),
        ),
        Misconception(
            "divided-by-the-outputs",
            "alpha is divided by the number of outputs. In `up` the rank is the second size.",
            slips.scaled(lambda alpha, inputs, down, up: alpha / len(up)),
        ),
        Misconception(
            "divided-by-the-batch",
            "alpha is divided by the number of rows in the batch, so a row's result depends on the batch size. "
            "Divide by the rank.",
            slips.scaled(lambda alpha, inputs, down, up: alpha / len(inputs)),
        ),
        Misconception(
            "one-rank-always",
            "alpha is divided by a constant, whatever the rank is. Read the rank from the shapes.",
            slips.scaled(lambda alpha, inputs, down, up: alpha / 4),
            slips.scaled(lambda alpha, inputs, down, up: alpha / 2),
            slips.scaled(lambda alpha, inputs, down, up: alpha / 8),
        ),
        Misconception(
            "rank-over-alpha",
            "The fraction is inverted: it is alpha over the rank.",
            slips.scaled(lambda alpha, inputs, down, up: len(down) / alpha),
        ),
        Misconception(
            "times-the-rank",
            "alpha is multiplied by the rank. Divide by it, so that a higher rank does not cause larger steps.",
            slips.scaled(lambda alpha, inputs, down, up: alpha * len(down)),
        ),
        Misconception(
            "root-of-the-rank",
            "alpha is divided by the square root of the rank. In LoRA it is divided by the rank itself.",
            slips.scaled(lambda alpha, inputs, down, up: alpha / len(down) ** 0.5),
        ),
        Misconception(
            "factor-twice",
            "The factor alpha / rank is applied twice. Apply it once.",
            slips.scaled(lambda alpha, inputs, down, up: (alpha / len(down)) ** 2),
        ),
        Misconception(
            "divided-by-all-numbers",
            "alpha is divided by the total size of `down`. The rank is only its first size.",
            slips.scaled(lambda alpha, inputs, down, up: alpha / down.numel()),
        ),
        Misconception(
            "alpha-rounded",
            "alpha is rounded to an integer. It is a float and may be 1.5.",
            slips.scaled(lambda alpha, inputs, down, up: int(alpha) / len(down)),
        ),
        Misconception(
            "factor-rounded",
            "The factor alpha / rank is rounded. Do not round it.",
            slips.scaled(lambda alpha, inputs, down, up: round(alpha / len(down), 1)),
            slips.scaled(lambda alpha, inputs, down, up: round(alpha / len(down))),
            slips.scaled(lambda alpha, inputs, down, up: round(alpha / len(down), 2)),
        ),
        Misconception(
            "whole-division",
            "alpha is divided with //, which rounds down, often to zero. Divide with /.",
            slips.scaled(lambda alpha, inputs, down, up: alpha // len(down)),
        ),
        Misconception(
            "subtracted",
            "The update is subtracted. It should be added.",
            slips.scaled(lambda alpha, inputs, down, up: -alpha / len(down)),
        ),
        Misconception(
            "factor-on-everything",
            "The factor multiplies the frozen layer's output as well. It belongs to the update alone.",
            slips.slip(joined=lambda plain, update, scale: scale * (plain + update)),
        ),
        Misconception(
            "factor-on-the-frozen-path",
            "The factor multiplies the frozen layer's output and not the update. It should be the other way round.",
            slips.slip(joined=lambda plain, update, scale: scale * plain + update),
        ),
        Misconception(
            "multiplied",
            "The frozen layer's output is multiplied by the update. The update should only be added.",
            slips.slip(joined=lambda plain, update, scale: plain * (1 + scale * update)),
            slips.slip(joined=lambda plain, update, scale: plain * scale * update),
        ),
        Misconception(
            "bias-lost",
            "The frozen layer's bias is missing.",
            slips.slip(frozen=lambda inputs, weight, bias: inputs @ weight.T),
        ),
        Misconception(
            "bias-twice",
            "The bias is added twice. It belongs only to the frozen path.",
            slips.bias_twice,
            slips.bias_in_both,
        ),
        Misconception(
            "bias-in-the-correction",
            "The bias is added in the update and scaled with it. It belongs to the frozen path.",
            slips.bias_scaled,
        ),
        Misconception(
            "correction-only",
            "Only the update is returned. The frozen layer's own output should be added to it.",
            slips.slip(joined=lambda plain, update, scale: scale * update),
            slips.slip(joined=lambda plain, update, scale: update),
        ),
        Misconception(
            "frozen-layer-only",
            "This is the frozen layer alone, without an update. Add the second path.",
            slips.slip(joined=lambda plain, update, scale: plain),
        ),
        Misconception(
            "activation-between",
            "There is an activation between down and up. Then the update is no longer a matrix, and cannot be merged "
            "into the weights.",
            slips.slip(corrected=lambda inputs, down, up: (inputs @ down.T).relu() @ up.T),
            slips.slip(corrected=lambda inputs, down, up: F.gelu(inputs @ down.T) @ up.T),
            slips.slip(corrected=lambda inputs, down, up: (inputs @ down.T).tanh() @ up.T),
            slips.slip(corrected=lambda inputs, down, up: (inputs @ down.T).sigmoid() @ up.T),
            slips.slip(corrected=lambda inputs, down, up: (inputs @ down.T).softmax(-1) @ up.T),
        ),
        Misconception(
            "activation-after",
            "There is an activation after the update. Then it is no longer a matrix, and cannot be merged into the "
            "weights.",
            slips.slip(corrected=lambda inputs, down, up: (inputs @ down.T @ up.T).relu()),
            slips.slip(joined=lambda plain, update, scale: (plain + scale * update).relu()),
        ),
        Misconception(
            "after-the-layer",
            "The update works on the frozen layer's output. Both paths start from `inputs`.",
            slips.after_the_layer,
            slips.of_the_output,
            slips.of_the_output_brought_back,
        ),
        Misconception(
            "weight-not-transposed",
            "weight is not transposed. Its shape is (outputs, features): without a transpose only square layers give "
            "a result, and a wrong one.",
            slips.slip(frozen=lambda inputs, weight, bias: inputs @ weight + bias),
            slips.slip(frozen=lambda inputs, weight, bias: F.linear(inputs, weight.T, bias)),
        ),
        Misconception(
            "up-before-down",
            "up is applied to the inputs first. Apply down first, then up.",
            slips.slip(corrected=lambda inputs, down, up: inputs @ up @ down),
        ),
        Misconception(
            "reshaped-for-transposed",
            "A matrix is reshaped instead of transposed: the shape is right, but its numbers are in the wrong "
            "positions.",
            slips.slip(corrected=lambda inputs, down, up: inputs @ down.reshape(-1, len(down)) @ up.T),
            slips.slip(corrected=lambda inputs, down, up: inputs @ down.T @ up.reshape(len(down), -1)),
            slips.slip(
                corrected=lambda inputs, down, up: inputs @ down.reshape(-1, len(down)) @ up.reshape(len(down), -1)
            ),
            slips.slip(frozen=lambda inputs, weight, bias: inputs @ weight.reshape(weight.shape[::-1]) + bias),
        ),
        Misconception(
            "paths-apart",
            "Both paths are there, but separately. Add them.",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight, bias),
                alpha / len(down) * inputs @ down.T @ up.T,
            ),
        ),
        Misconception(
            "changes-the-callers-tensors",
            "`detach_()`, with an underscore, changes the caller's tensors, and fails for a tensor that is a view of "
            "another. Use `detach()`.",
            slips.detached_in_place,
        ),
    ),
)
