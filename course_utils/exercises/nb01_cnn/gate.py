"""How a new block joins a trained network."""

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
            "the channels lie last in memory",
            "Leave the axes alone: nothing here needs a `view`.",
        ),
        Wild(
            "expanded-memory",
            (torch.randn(3, 3, 2, 4, generator=g), one.expand(3, -1, -1, -1), torch.tensor(-0.4)),
            "one update is repeated for the whole batch by `expand`, which copies nothing",
            "Make a new tensor instead of writing into this one.",
        ),
    ]


def _stays_closed(fn: Callable[..., Any]) -> str | None:
    """Whether the gate gets no gradient at zero, though it gets one elsewhere."""
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
        "The numbers are right, but no gradient reaches the gate while it is zero, and there it begins: so it would "
        "stay zero for ever. Do without an `if` on the gate: the general formula gives the features by itself."
    )


def _with_gate(change: Callable[[Tensor], Tensor]) -> Join:
    """The right sum with something done to the gate."""
    return lambda features, update, gate: gated_residual(features, update, change(gate))


def _with_update(change: Callable[[Tensor], Tensor]) -> Join:
    return lambda features, update, gate: gated_residual(features, change(update), gate)


GATED_RESIDUAL = Exercise(
    name="01.gated_residual",
    title="A block that begins by doing nothing",
    reference=gated_residual,
    learns=("features", "update", "gate"),
    cases=_cases,
    wild=_wild,
    promises=(Promise("opens-from-zero", _stays_closed),),
    hints=(
        "With a gate of 0 the result must be the features, unchanged. With a gate of 1 it is an ordinary residual "
        "connection, features plus update.",
        "Try other gates: at 0.5 half of the update gets in, at −1 it is subtracted. The features are there in any "
        "case, whole.",
        "Equation 3 of Zhang et al.: y = γ o + x. Which of the three is the gate?",
    ),
    misconceptions=(
        Misconception(
            "gate-unused",
            "The gate is not used, so at the first step the new block already pours its random output into a network "
            "that was trained without it. At a gate of zero nothing of the update may get in.",
            lambda features, update, gate: features + update,
            lambda features, update, gate: features + 0.1 * update,
            lambda features, update, gate: features + 0.5 * update,
        ),
        Misconception(
            "gate-on-the-sum",
            "The gate closes the shortcut as well: with a gate of zero everything is zero, and the trained network "
            "is cut off. Multiply only the update.",
            lambda features, update, gate: gate * (features + update),
        ),
        Misconception(
            "features-lost",
            "The features are lost. A residual block adds to what came in: features plus the gated update.",
            lambda features, update, gate: gate * update,
        ),
        Misconception(
            "fades",
            "This fades between features and update, as highway networks do. Here the features stay whole, "
            "whatever the gate: y = γ o + x.",
            lambda features, update, gate: (1 - gate) * features + gate * update,
            lambda features, update, gate: gate * features + (1 - gate) * update,
        ),
        Misconception(
            "gate-takes-from-the-features",
            "The whole update gets in, whatever the gate, and the gate takes away from the features. It is the other "
            "way round: the features stay whole, and the gate is the factor of the update.",
            lambda features, update, gate: (1 - gate) * features + update,
        ),
        Misconception(
            "gate-on-the-features",
            "The gate sits on the features instead of the update: with a gate of zero, only the new block's output "
            "would be left.",
            lambda features, update, gate: gate * features + update,
        ),
        Misconception(
            "only-the-update",
            "The update alone is returned, without the features and whatever the gate.",
            lambda features, update, gate: update,
        ),
        Misconception(
            "sigmoid",
            "The gate goes through a sigmoid, so a gate of zero lets half of the update in. It is a plain factor: "
            "zero means nothing, and it may become negative.",
            _with_gate(torch.sigmoid),
        ),
        Misconception(
            "tanh",
            "The gate is squashed by a tanh or something like it, but at 1 the whole update is to be added, and at 2 "
            "twice as much. It is a plain factor, without any bound.",
            _with_gate(torch.tanh),
            _with_gate(torch.sin),
            _with_gate(torch.atan),
            _with_gate(lambda gate: 2 * gate.sigmoid() - 1),
        ),
        Misconception(
            "clamped",
            "The gate is kept within bounds. It is a plain factor that may become negative, or larger than one.",
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
            "The gate enters as its square, so a negative one adds what it should subtract, and at zero it gets no "
            "gradient. It is a plain factor.",
            _with_gate(torch.square),
        ),
        Misconception(
            "begins-open",
            "With a gate of zero the whole update gets in. The block is to begin by doing nothing.",
            _with_gate(lambda gate: 1 + gate),
            _with_gate(lambda gate: 1 - gate),
            _with_gate(torch.exp),
            _with_gate(torch.cos),
        ),
        Misconception(
            "subtracted",
            "The update is subtracted. With a gate of 1 this is an ordinary residual block, a sum.",
            _with_gate(torch.neg),
        ),
        Misconception(
            "features-subtracted",
            "The features are subtracted. They stay as they are, and the gated update is added to them.",
            lambda features, update, gate: gate * update - features,
        ),
        Misconception(
            "gate-added",
            "The gate is added, so with a gate of zero the whole update gets in. It says how much of the update gets "
            "in, so it is a factor.",
            lambda features, update, gate: features + update + gate,
        ),
        Misconception(
            "update-unused",
            "The update is not used, so whatever the new block computes is lost. The gate says how much of it gets in.",
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
            "The update is divided by the gate, which fails at zero. The larger the gate, the more of the update "
            "gets in: it is a factor.",
            lambda features, update, gate: features + update / gate,
        ),
        Misconception(
            "relu-of-the-sum",
            "A ReLU cuts off the negative numbers of the sum, so even a closed gate changes the features. There is no "
            "nonlinearity here.",
            lambda features, update, gate: (features + gate * update).relu(),
        ),
        Misconception(
            "update-squashed",
            "The update is squashed by a tanh or a sigmoid, before or after the gate. Multiply it by the gate, and add "
            "it as it is.",
            lambda features, update, gate: features + (gate * update).tanh(),
            _with_update(torch.tanh),
            _with_update(torch.sigmoid),
            lambda features, update, gate: features + (gate * update).sigmoid(),
        ),
        Misconception(
            "relu-of-the-update",
            "A ReLU cuts off the negative numbers of the update. Add it as it is.",
            _with_update(torch.relu),
        ),
        Misconception(
            "mean-of-the-update",
            "A mean of the update is added, the same at many places. Each place gets its own number.",
            _with_update(lambda update: update.mean((2, 3), keepdim=True)),
            _with_update(lambda update: update.mean(1, keepdim=True)),
            _with_update(lambda update: update.mean(0, keepdim=True)),
            _with_update(lambda update: update.mean()),
        ),
        Misconception(
            "first-update-for-all",
            "The first picture's update is added to all the pictures. Each has its own.",
            _with_update(lambda update: update[:1]),
            _with_update(lambda update: update[0]),
        ),
        Misconception(
            "divided-sum",
            "The sum is divided, so a closed gate does not leave the features as they were.",
            lambda features, update, gate: (features + gate * update) / 2,
        ),
        Misconception(
            "open-or-closed",
            "The gate only switches: the update is let in whole or not at all. It is a factor: 0.5 lets half of it in.",
            lambda features, update, gate: features + update * (gate != 0),
            lambda features, update, gate: features + update * (gate > 0),
            lambda features, update, gate: features + update if gate > 0 else features,
            lambda features, update, gate: features + update * (gate > 0.5),
        ),
        Misconception(
            "softplus",
            "A gate of zero lets a part of the update in, because the gate goes through a function first. It is a "
            "plain factor.",
            _with_gate(F.softplus),
        ),
        Misconception(
            "another-factor",
            "The update is multiplied by a number made of the gate, not by the gate itself. The gate is the factor, "
            "as it is.",
            _with_gate(lambda gate: gate / 2),
            _with_gate(lambda gate: 2 * gate),
            _with_gate(lambda gate: gate**3),
            _with_gate(lambda gate: 0.1 * gate),
        ),
        Misconception(
            "update-normalised",
            "The update is normalised before it is added. Add it as it is.",
            _with_update(lambda update: F.normalize(update, dim=1)),
            _with_update(lambda update: F.batch_norm(update, None, None, training=True)),
            _with_update(lambda update: F.normalize(update, dim=-1)),
            _with_update(lambda update: F.layer_norm(update, update.shape[1:])),
        ),
        Misconception(
            "features-scaled-too",
            "The gate changes the features too. They stay whole, whatever it is: multiply only the update, by the "
            "gate.",
            lambda features, update, gate: features * (1 + gate) + gate * update,
            lambda features, update, gate: gate * features + gate**2 * update,
        ),
        Misconception(
            "not-added",
            "The two parts are returned side by side. Add them.",
            lambda features, update, gate: (features, gate * update),
        ),
    ),
)
