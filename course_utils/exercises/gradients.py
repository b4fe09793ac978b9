"""Whether a function that gives the right numbers lets gradients through."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises.compare import tensors_in
from course_utils.exercises.exercise import Arguments, Exercise
from course_utils.exercises.observe import Observation, copied, watch
from course_utils.exercises.words import arguments_of, failure
from course_utils.exercises.worker import TimedOut, run_limited


def gradient_lost(exercise: Exercise, fn: Callable[..., Any], arguments: Arguments) -> str | None:
    """A sentence naming the arguments that the reference's gradient reaches and that of fn does not, or None."""
    right = _reached(exercise, exercise.reference, arguments)
    mine = _reached(exercise, fn, arguments)
    if isinstance(mine, BaseException):
        reason = "it does not finish." if isinstance(mine, TimedOut) else failure(fn, mine)
        return f"The values are right, but when gradients are wanted it fails: {reason}"
    lost = [name for name in right if name not in mine] if isinstance(right, set) else []
    if not lost:
        return None
    return (
        f"The values are right, but no gradient reaches {', '.join(sorted(lost))}, so nothing before this step could "
        "learn: look for .detach(), .data, .item(), .numpy(), torch.tensor(…) or torch.no_grad()."
    )


def _reached(exercise: Exercise, fn: Callable[..., Any], arguments: Arguments) -> set[str] | BaseException:
    """Names of the arguments that a gradient of the results reaches, or what kept it from being computed."""
    given = copied(arguments)
    named = zip(arguments_of(exercise), given, strict=False)
    learned = {name: value for name, value in named if isinstance(value, Tensor) and value.is_floating_point()}
    for tensor in learned.values():
        tensor.requires_grad_()
    observed: list[Observation] = []
    try:
        run_limited(watch(fn, [given], observed), exercise.seconds)
        if observed[0].error:
            return observed[0].error
        total = sum((part.sum() for part in tensors_in(observed[0].result)), torch.zeros(()))
        if not total.requires_grad:
            return set()
        gradients = torch.autograd.grad(total, list(learned.values()), allow_unused=True)
    except Exception as error:
        return error
    return {name for name, gradient in zip(learned, gradients, strict=True) if gradient is not None}
