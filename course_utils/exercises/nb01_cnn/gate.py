"""The gated residual block."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.attention import gated_residual
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Promise, Wild

Join = Callable[[Tensor, Tensor, Tensor], Any]


def _cases(g: Generator) -> list[Arguments]:
    shapes = [(2, 3, 4, 5), (1, 8, 2, 2), (2, 4, 3, 1), (3, 2, 2, 4)]
    gates = [0.7, -1.5, 0.0, 2.0]
    return [
        (torch.randn(*shape, generator=g), torch.randn(*shape, generator=g), torch.tensor(gate))
        for shape, gate in zip(shapes, gates, strict=True)
    ]


def _wild(g: Generator) -> list[Wild]:
    features, update = (torch.randn(2, 5, 4, 3, generator=g).permute(0, 3, 1, 2) for _ in range(2))
    one = torch.randn(1, 3, 2, 4, generator=g)
    return [
        Wild(
            "channels-last-memory",
            (features, update, torch.tensor(0.3)),
            "the channels come last in memory",
            "Nothing here needs a `view`: leave the axes as they are.",
        ),
        Wild(
            "expanded-memory",
            (torch.randn(3, 3, 2, 4, generator=g), one.expand(3, -1, -1, -1), torch.tensor(-0.4)),
            "one update is expanded to the whole batch with `expand`, which does not copy",
            "Create a new tensor instead of writing into this one.",
        ),
    ]


def _stays_closed(fn: Callable[..., Any]) -> str | None:
    """Whether the gate gets no gradient at zero although it gets one elsewhere."""
    features, update = torch.ones(1, 2, 2, 2), torch.full((1, 2, 2, 2), 2.0)

    def learns(value: float) -> bool:
        gate = torch.tensor(value, requires_grad=True)
        result = fn(features.clone(), update.clone(), gate)
        if not result.requires_grad:
            return False
        (gradient,) = torch.autograd.grad(result.sum(), gate, allow_unused=True)
        return gradient is not None and bool(gradient)

    if learns(0.0) or not learns(0.5):
        return None
    return (
        "The numbers are right, but no gradient reaches the gate while it is zero, where it starts, so it would stay "
        "zero. Do not use `if` on the gate: the general formula already gives the features."
    )


def _with_gate(change: Callable[[Tensor], Tensor]) -> Join:
    """The right sum with something done to the gate."""
    return lambda features, update, gate: gated_residual(features, update, change(gate))


def _with_update(change: Callable[[Tensor], Tensor]) -> Join:
    return lambda features, update, gate: gated_residual(features, change(update), gate)


GATED_RESIDUAL = Exercise(
    name="01.gated_residual",
    title="A block that starts as the identity",
    reference=gated_residual,
    learns=("features", "update", "gate"),
    cases=_cases,
    wild=_wild,
    promises=(Promise("opens-from-zero", _stays_closed),),
    hints=(
        "With gate 0 the result must be the features, unchanged. With gate 1 it is an ordinary residual connection, "
        "features plus update.",
        "Try other gates: 0.5 adds half of the update, −1 subtracts it. The features are always there in full.",
        "Equation 3 of Zhang et al.: y = γ o + x. Which of the three is the gate?",
    ),
    misconceptions=(
        Misconception(
            "gate-unused",
            "The gate is not used, so the new block adds its random output to a trained network from the first step. "
            "With gate zero, the update must have no effect.",
            lambda features, update, gate: features + update,
            lambda features, update, gate: features + 0.1 * update,
            lambda features, update, gate: features + 0.5 * update,
        ),
        Misconception(
            "gate-on-the-sum",
            "The gate multiplies the shortcut as well: with gate zero everything is zero, and the trained network is "
            "cut off. Multiply only the update.",
            lambda features, update, gate: gate * (features + update),
        ),
        Misconception(
            "features-lost",
            "The features are lost. A residual block adds to its input: features plus the gated update.",
            lambda features, update, gate: gate * update,
        ),
        Misconception(
            "fades",
            "This interpolates between features and update. Here the features stay whole for every gate: at gate 1 the "
            "result is features plus update, an ordinary residual block.",
            lambda features, update, gate: (1 - gate) * features + gate * update,
            lambda features, update, gate: gate * features + (1 - gate) * update,
        ),
        Misconception(
            "gate-takes-from-the-features",
            "The whole update is added for every gate, and the gate reduces the features. It is the other way round: "
            "the features stay whole, and the gate multiplies the update.",
            lambda features, update, gate: (1 - gate) * features + update,
        ),
        Misconception(
            "gate-on-the-features",
            "The gate multiplies the features instead of the update: with gate zero, only the new block's output is "
            "left. Multiply the update.",
            lambda features, update, gate: gate * features + update,
        ),
        Misconception(
            "only-the-update",
            "Only the update is returned, without the features and the gate. Return the features plus the gated "
            "update.",
            lambda features, update, gate: update,
        ),
        Misconception(
            "sigmoid",
            "The gate goes through a sigmoid, so gate zero adds half of the update. The gate is a plain factor: zero "
            "adds nothing, and it may become negative.",
            _with_gate(torch.sigmoid),
        ),
        Misconception(
            "tanh",
            "The gate goes through a tanh or a similar function, but gate 1 must add the whole update, and gate 2 "
            "twice as much. It is a plain factor without bounds.",
            _with_gate(torch.tanh),
            _with_gate(torch.sin),
            _with_gate(torch.atan),
            _with_gate(lambda gate: 2 * gate.sigmoid() - 1),
        ),
        Misconception(
            "clamped",
            "The gate is clamped. It is a plain factor that may become negative or larger than one.",
            _with_gate(lambda gate: gate.clamp(0, 1)),
            _with_gate(torch.relu),
            _with_gate(lambda gate: gate.clamp(-1, 1)),
            _with_gate(lambda g: g.clamp(max=1)),
        ),
        Misconception(
            "sign-lost", "The gate's sign is lost. A negative gate subtracts the update.", _with_gate(torch.abs)
        ),
        Misconception(
            "gate-squared",
            "The gate is squared, so a negative gate adds what it should subtract, and at zero it gets no gradient. "
            "It is a plain factor.",
            _with_gate(torch.square),
        ),
        Misconception(
            "begins-open",
            "With gate zero, the whole update is added. The block must start as the identity.",
            _with_gate(lambda gate: 1 + gate),
            _with_gate(lambda gate: 1 - gate),
            _with_gate(torch.exp),
            _with_gate(torch.cos),
        ),
        Misconception(
            "subtracted",
            "The update is subtracted. With gate 1 this is an ordinary residual block: a sum.",
            _with_gate(torch.neg),
        ),
        Misconception(
            "features-subtracted",
            "The features are subtracted. Leave them unchanged, and add the gated update.",
            lambda features, update, gate: gate * update - features,
        ),
        Misconception(
            "gate-added",
            "The gate is added, so with gate zero the whole update is added. Multiply the update by the gate.",
            lambda features, update, gate: features + update + gate,
        ),
        Misconception(
            "update-unused",
            "The update is not used, so the output of the new block is lost. Add the update times the gate.",
            lambda features, update, gate: features + gate,
            lambda features, update, gate: features * (1 + gate),
            lambda features, update, gate: gate * features,
        ),
        Misconception(
            "multiplied",
            "The features are multiplied by the update. It should be added to them.",
            lambda features, update, gate: features * (1 + gate * update),
            lambda features, update, gate: features * gate * update,
            lambda features, update, gate: features * update,
        ),
        Misconception(
            "divided",
            "The update is divided by the gate, which fails at zero. Multiply: a larger gate adds more of the "
            "update.",
            lambda features, update, gate: features + update / gate,
        ),
        Misconception(
            "relu-of-the-sum",
            "A ReLU removes the negative numbers of the sum, so even gate zero changes the features. There is no "
            "nonlinearity here.",
            lambda features, update, gate: (features + gate * update).relu(),
        ),
        Misconception(
            "update-squashed",
            "The update goes through a tanh or a sigmoid, before or after the gate. Only multiply it by the gate and "
            "add it.",
            lambda features, update, gate: features + (gate * update).tanh(),
            _with_update(torch.tanh),
            _with_update(torch.sigmoid),
            lambda features, update, gate: features + (gate * update).sigmoid(),
        ),
        Misconception(
            "relu-of-the-update",
            "A ReLU removes the negative numbers of the update. Only multiply it by the gate and add it.",
            _with_update(torch.relu),
        ),
        Misconception(
            "mean-of-the-update",
            "A mean of the update is added, the same at many positions. Each position gets its own number.",
            _with_update(lambda update: update.mean((2, 3), keepdim=True)),
            _with_update(lambda update: update.mean(1, keepdim=True)),
            _with_update(lambda update: update.mean(0, keepdim=True)),
            _with_update(lambda update: update.mean()),
        ),
        Misconception(
            "first-update-for-all",
            "The first image's update is added to all images. Each image has its own.",
            _with_update(lambda update: update[:1]),
            _with_update(lambda update: update[0]),
        ),
        Misconception(
            "divided-sum",
            "The sum is divided, so gate zero changes the features. Do not divide.",
            lambda features, update, gate: (features + gate * update) / 2,
        ),
        Misconception(
            "open-or-closed",
            "The gate only switches the update on or off. It is a factor: 0.5 adds half of the update.",
            lambda features, update, gate: features + update * (gate != 0),
            lambda features, update, gate: features + update * (gate > 0),
            lambda features, update, gate: features + update if gate > 0 else features,
            lambda features, update, gate: features + update * (gate > 0.5),
        ),
        Misconception(
            "softplus",
            "Gate zero adds part of the update, because the gate goes through a function first. It is a plain "
            "factor.",
            _with_gate(F.softplus),
        ),
        Misconception(
            "another-factor",
            "The update is multiplied by a function of the gate. Multiply it by the gate itself.",
            _with_gate(lambda gate: gate / 2),
            _with_gate(lambda gate: 2 * gate),
            _with_gate(lambda gate: gate**3),
            _with_gate(lambda gate: 0.1 * gate),
        ),
        Misconception(
            "update-normalised",
            "The update is normalised before it is added. Do not normalise it.",
            _with_update(lambda update: F.normalize(update, dim=1)),
            _with_update(lambda update: F.batch_norm(update, None, None, training=True)),
            _with_update(lambda update: F.normalize(update, dim=-1)),
            _with_update(lambda update: F.layer_norm(update, update.shape[1:])),
        ),
        Misconception(
            "features-scaled-too",
            "The gate changes the features too. They stay whole for every gate: multiply only the update.",
            lambda features, update, gate: features * (1 + gate) + gate * update,
            lambda features, update, gate: gate * features + gate**2 * update,
        ),
        Misconception(
            "not-added",
            "The two parts are returned separately. Add them.",
            lambda features, update, gate: (features, gate * update),
        ),
    ),
)
