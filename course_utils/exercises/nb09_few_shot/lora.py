"""A frozen layer with a small correction."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.lora import lora_linear


def _cases(g: Generator) -> list[Arguments]:
    cases: list[Arguments] = []
    for batch, features, outputs, rank, alpha in ((3, 6, 5, 2, 3.0), (4, 8, 8, 3, 6.0), (2, 5, 7, 4, 1.0)):
        sizes = ((batch, features), (outputs, features), (outputs,), (rank, features), (outputs, rank))
        cases.append((*(torch.randn(*size, generator=g) for size in sizes), alpha))
    return cases


def _slip(
    scale: Callable[[float, Tensor], float] = lambda alpha, down: alpha / len(down),
    frozen: Callable[[Tensor], Tensor] = lambda plain: plain,
    corrected: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda inputs, down, up: inputs @ down.T @ up.T,
    with_bias: bool = True,
) -> Callable[..., Tensor]:
    """The layer with one of its parts replaced."""

    def wrong(inputs: Tensor, weight: Tensor, bias: Tensor, down: Tensor, up: Tensor, alpha: float) -> Tensor:
        plain = frozen(inputs @ weight.detach().T + (bias.detach() if with_bias else 0))
        return plain + scale(alpha, down) * corrected(inputs, down, up)

    return wrong


LORA_LINEAR = Exercise(
    name="09.lora_linear",
    title="A low-rank correction of a frozen layer",
    points=2,
    reference=lora_linear,
    learns=("inputs", "down", "up"),
    frozen=("weight", "bias"),
    cases=_cases,
    hints=(
        "Two paths, added. The frozen one is `inputs @ weight.T + bias`, with `.detach()` on weight and bias.",
        "The new one goes down to `rank` numbers, `inputs @ down.T`, and up again, `… @ up.T`.",
        "`rank` is `len(down)`; the correction is multiplied by `alpha / rank`.",
    ),
    misconceptions=(
        Misconception(
            _slip(scale=lambda alpha, down: 1.0),
            "The factor alpha / rank is missing: without it the learning rate must be tuned again for each rank.",
        ),
        Misconception(
            _slip(scale=lambda alpha, down: alpha),
            "The correction is multiplied by alpha; the division by the rank is missing.",
        ),
        Misconception(
            _slip(scale=lambda alpha, down: alpha / down.shape[1]),
            "alpha is divided by the number of features. The rank is the *first* size of `down`: `len(down)`.",
        ),
        Misconception(
            _slip(with_bias=False),
            "The frozen layer's bias is lost.",
        ),
        Misconception(
            _slip(frozen=lambda plain: 0 * plain),
            "Only the correction is left: the frozen layer's own output belongs to it.",
        ),
        Misconception(
            _slip(scale=lambda alpha, down: -alpha / len(down)),
            "The correction is subtracted. It is added.",
        ),
        Misconception(
            _slip(corrected=lambda inputs, down, up: (inputs @ down.T).relu() @ up.T),
            "There is a ReLU between down and up. Then the correction is no longer a matrix, and cannot be merged into "
            "the weights.",
        ),
    ),
)
