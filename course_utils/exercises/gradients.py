"""Whether a function with the right values also has the right gradients."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.exercises.compare import fitted, tensors_in
from course_utils.exercises.exercise import Arguments, Exercise
from course_utils.exercises.observe import handed_over


def wrong_gradient(exercise: Exercise, fn: Callable[..., Any], case: Arguments) -> str | None:
    """A sentence on the first gradient in a case that differs from the reference's, or None; raises what fn raises.

    The gradients are those of the sum of the result times fixed noise, so that different functions do not agree by
    chance.
    """
    result, right = gradients(exercise, exercise.reference, case)
    _, mine = gradients(exercise, fn, case, like=result)
    return gradient_difference(exercise, mine, right)


def gradient_difference(exercise: Exercise, mine: Mapping[str, Tensor], right: Mapping[str, Tensor]) -> str | None:
    """A sentence on the first of a function's gradients in one case that differs from the reference's, or None."""
    for part in right:
        if part.partition(".")[0] in exercise.learns and (found := _compared(part, mine.get(part), right[part])):
            return found
    for name in exercise.frozen:
        if name in mine and mine[name].any():
            return (
                f"The values are right, but a gradient reaches `{name}`, which should not be trained: use "
                f"`{name}.detach()`."
            )
    return None


def _compared(name: str, mine: Tensor | None, right: Tensor) -> str | None:
    if mine is None or not mine.any():
        if not right.any():
            return None
        return (
            f"The values are right, but no gradient reaches `{name}`, so nothing before it can learn: look for "
            ".detach(), .data, .item(), float(…), .numpy(), torch.tensor(…), nn.Parameter(…), torch.no_grad(), or a "
            "branch that leaves it out."
        )
    if not mine.isfinite().all():
        return (
            f"The values are right, but the gradient of `{name}` is NaN or infinite and would make every weight NaN: "
            "look for a division by zero, a root or logarithm of zero, or an infinite score."
        )
    if torch.allclose(mine, right, rtol=1e-3, atol=1e-3 * float(right.abs().max()) + 1e-6):
        return None
    return (
        f"The values are right, but the gradient of `{name}` is wrong: part of it is cut off or counted twice. Look "
        "for .detach(), .data or torch.no_grad() in part of the computation."
    )


def gradients(
    exercise: Exercise, fn: Callable[..., Any], arguments: Arguments, like: Any = None
) -> tuple[Any, dict[str, Tensor]]:
    """The result and the gradients of each argument in ``learns`` or ``frozen`` and of each parameter of a module.

    Parameters are named after their argument: ``to_query.weight``. like: a result of the right type. No other tensor
    requires a gradient, because NumPy, for example, may be used for it.
    """
    given = handed_over(exercise.arguments, arguments)
    watched: dict[str, Tensor] = {}
    for name, value in zip(exercise.arguments, given, strict=False):
        if name in (*exercise.learns, *exercise.frozen) and isinstance(value, Tensor) and value.is_floating_point():
            watched[name] = value.requires_grad_()
        elif isinstance(value, nn.Module):
            watched |= {f"{name}.{part}": weight for part, weight in value.named_parameters()}
    torch.default_generator.manual_seed(0)
    result = fn(*given)
    result = result if like is None else fitted(result, like)
    noise = torch.Generator().manual_seed(1)
    total = torch.zeros(())
    for part in tensors_in(result):
        if part.is_floating_point():
            total = total + (part * torch.randn(part.shape, generator=noise).to(part.dtype)).sum()
    watched = {name: value for name, value in watched.items() if value.requires_grad}  # fn may have switched it off
    if not total.requires_grad or not watched:
        return result, {}
    found = torch.autograd.grad(total, list(watched.values()), allow_unused=True)
    return result, {name: gradient for name, gradient in zip(watched, found, strict=True) if gradient is not None}
