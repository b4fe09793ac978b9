"""What a function has changed in an argument, and so in its caller's data."""

from typing import Any

from torch import nn

from course_utils.exercises.compare import same, tensors_in


def changed(name: str, old: Any, new: Any) -> str | None:
    """A sentence if the argument of this name is no longer what it was before the call, or None."""
    if isinstance(old, nn.Module):
        before, after = ([*layer.state_dict(keep_vars=True).values()] for layer in (old, new))
        modes = [[part.training for part in layer.modules()] for layer in (old, new)]
        if modes[0] == modes[1] and same(before, after) and _flags(before) == _flags(after):
            return None
        return (
            f"The function changes the layer `{name}` for its caller too: call it, and leave its weights, its "
            "`requires_grad` and its training mode as they are."
        )
    if callable(old):
        return None
    functions = isinstance(old, list | tuple) and any(map(callable, old))
    if not ([*map(_parts, old)] == [*map(_parts, new)] if functions else same(old, new)):
        remedy = (
            f"work on a copy, `list({name})`"
            if isinstance(old, list)
            else "make a new value (`x = x + y`) instead of changing the old one (`x += y`, `x[…] = y`, `x.add_(y)`)"
        )
        return f"The function changes its input `{name}` and so overwrites its caller's data: {remedy}."
    if _flags(old) != _flags(new):
        how = "on" if any(_flags(new)) else "off"
        return (
            f"The function switches `requires_grad` of its input `{name}` {how}, for its caller too: leave it out, "
            "because gradients pass through a computation without it."
        )
    return None


def _parts(function: Any) -> list[int]:
    """What a function shares with its copies only."""
    return [id(getattr(function, part, function)) for part in ("__code__", "__closure__", "__defaults__")]


def _flags(value: Any) -> list[bool]:
    """Whether each tensor in an argument requires a gradient."""
    return [tensor.requires_grad for tensor in tensors_in(value)]
