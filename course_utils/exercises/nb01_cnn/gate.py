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
            lambda features, update, gate: features + update,
            "The gate is not used, so at the first step the new block already pours its random output into a network "
            "that was trained without it. At a gate of zero nothing of the update may get in.",
            name="gate-unused",
            also=(
                lambda features, update, gate: features + 0.1 * update,
                lambda features, update, gate: features + 0.5 * update,
            ),
        ),
        Misconception(
            lambda features, update, gate: gate * (features + update),
            "The gate closes the shortcut as well: with a gate of zero everything is zero, and the trained network "
            "is cut off. Multiply only the update.",
            name="gate-on-the-sum",
        ),
        Misconception(
            lambda features, update, gate: gate * update,
            "The features are lost. A residual block adds to what came in: features plus the gated update.",
            name="features-lost",
        ),
        Misconception(
            lambda features, update, gate: (1 - gate) * features + gate * update,
            "This fades between features and update, as highway networks do. Here the features stay whole, "
            "whatever the gate: y = γ o + x.",
            name="fades",
            also=(lambda features, update, gate: gate * features + (1 - gate) * update,),
        ),
        Misconception(
            lambda features, update, gate: (1 - gate) * features + update,
            "The whole update gets in, whatever the gate, and the gate takes away from the features. It is the other "
            "way round: the features stay whole, and the gate is the factor of the update.",
            name="gate-takes-from-the-features",
        ),
        Misconception(
            lambda features, update, gate: gate * features + update,
            "The gate sits on the features instead of the update: with a gate of zero, only the new block's output "
            "would be left.",
            name="gate-on-the-features",
        ),
        Misconception(
            lambda features, update, gate: update,
            "The update alone is returned, without the features and whatever the gate.",
            name="only-the-update",
        ),
        Misconception(
            _with_gate(torch.sigmoid),
            "The gate goes through a sigmoid, so a gate of zero lets half of the update in. It is a plain factor: "
            "zero means nothing, and it may become negative.",
            name="sigmoid",
        ),
        Misconception(
            _with_gate(torch.tanh),
            "The gate is squashed by a tanh or something like it, but at 1 the whole update is to be added, and at 2 "
            "twice as much. It is a plain factor, without any bound.",
            name="tanh",
            also=(
                _with_gate(torch.sin),
                _with_gate(torch.atan),
                _with_gate(lambda gate: 2 * gate.sigmoid() - 1),
            ),
        ),
        Misconception(
            _with_gate(lambda gate: gate.clamp(0, 1)),
            "The gate is kept within bounds. It is a plain factor that may become negative, or larger than one.",
            name="clamped",
            also=(
                _with_gate(torch.relu),
                _with_gate(lambda gate: gate.clamp(-1, 1)),
                _with_gate(lambda g: g.clamp(max=1)),
            ),
        ),
        Misconception(
            _with_gate(torch.abs),
            "The gate's sign is lost. A negative gate subtracts the update.",
            name="sign-lost",
        ),
        Misconception(
            _with_gate(torch.square),
            "The gate enters as its square, so a negative one adds what it should subtract, and at zero it gets no "
            "gradient. It is a plain factor.",
            name="gate-squared",
        ),
        Misconception(
            _with_gate(lambda gate: 1 + gate),
            "With a gate of zero the whole update gets in. The block is to begin by doing nothing.",
            name="begins-open",
            also=(_with_gate(lambda gate: 1 - gate), _with_gate(torch.exp), _with_gate(torch.cos)),
        ),
        Misconception(
            _with_gate(torch.neg),
            "The update is subtracted. With a gate of 1 this is an ordinary residual block, a sum.",
            name="subtracted",
        ),
        Misconception(
            lambda features, update, gate: gate * update - features,
            "The features are subtracted. They stay as they are, and the gated update is added to them.",
            name="features-subtracted",
        ),
        Misconception(
            lambda features, update, gate: features + update + gate,
            "The gate is added, so with a gate of zero the whole update gets in. It says how much of the update gets "
            "in, so it is a factor.",
            name="gate-added",
        ),
        Misconception(
            lambda features, update, gate: features + gate,
            "The update is not used, so whatever the new block computes is lost. The gate says how much of it gets in.",
            name="update-unused",
            also=(
                lambda features, update, gate: features * (1 + gate),
                lambda features, update, gate: gate * features,
            ),
        ),
        Misconception(
            lambda features, update, gate: features * (1 + gate * update),
            "The features are multiplied by the update. It should be added to them.",
            name="multiplied",
            also=(
                lambda features, update, gate: features * gate * update,
                lambda features, update, gate: features * update,
            ),
        ),
        Misconception(
            lambda features, update, gate: features + update / gate,
            "The update is divided by the gate, which fails at zero. The larger the gate, the more of the update "
            "gets in: it is a factor.",
            name="divided",
        ),
        Misconception(
            lambda features, update, gate: (features + gate * update).relu(),
            "A ReLU cuts off the negative numbers of the sum, so even a closed gate changes the features. There is no "
            "nonlinearity here.",
            name="relu-of-the-sum",
        ),
        Misconception(
            lambda features, update, gate: features + (gate * update).tanh(),
            "The update is squashed by a tanh or a sigmoid, before or after the gate. Multiply it by the gate, and add "
            "it as it is.",
            name="update-squashed",
            also=(
                _with_update(torch.tanh),
                _with_update(torch.sigmoid),
                lambda features, update, gate: features + (gate * update).sigmoid(),
            ),
        ),
        Misconception(
            _with_update(torch.relu),
            "A ReLU cuts off the negative numbers of the update. Add it as it is.",
            name="relu-of-the-update",
        ),
        Misconception(
            _with_update(lambda update: update.mean((2, 3), keepdim=True)),
            "A mean of the update is added, the same at many places. Each place gets its own number.",
            name="mean-of-the-update",
            also=(
                _with_update(lambda update: update.mean(1, keepdim=True)),
                _with_update(lambda update: update.mean(0, keepdim=True)),
                _with_update(lambda update: update.mean()),
            ),
        ),
        Misconception(
            _with_update(lambda update: update[:1]),
            "The first picture's update is added to all the pictures. Each has its own.",
            name="first-update-for-all",
            also=(_with_update(lambda update: update[0]),),
        ),
        Misconception(
            lambda features, update, gate: (features + gate * update) / 2,
            "The sum is divided, so a closed gate does not leave the features as they were.",
            name="divided-sum",
        ),
        Misconception(
            lambda features, update, gate: features + update * (gate != 0),
            "The gate only switches: the update is let in whole or not at all. It is a factor: 0.5 lets half of it in.",
            name="open-or-closed",
            also=(
                lambda features, update, gate: features + update * (gate > 0),
                lambda features, update, gate: features + update if gate > 0 else features,
                lambda features, update, gate: features + update * (gate > 0.5),
            ),
        ),
        Misconception(
            _with_gate(F.softplus),
            "A gate of zero lets a part of the update in, because the gate goes through a function first. It is a "
            "plain factor.",
            name="softplus",
        ),
        Misconception(
            _with_gate(lambda gate: gate / 2),
            "The update is multiplied by a number made of the gate, not by the gate itself. The gate is the factor, "
            "as it is.",
            name="another-factor",
            also=(
                _with_gate(lambda gate: 2 * gate),
                _with_gate(lambda gate: gate**3),
                _with_gate(lambda gate: 0.1 * gate),
            ),
        ),
        Misconception(
            _with_update(lambda update: F.normalize(update, dim=1)),
            "The update is normalised before it is added. Add it as it is.",
            name="update-normalised",
            also=(
                _with_update(lambda update: F.batch_norm(update, None, None, training=True)),
                _with_update(lambda update: F.normalize(update, dim=-1)),
                _with_update(lambda update: F.layer_norm(update, update.shape[1:])),
            ),
        ),
        Misconception(
            lambda features, update, gate: features * (1 + gate) + gate * update,
            "The gate changes the features too. They stay whole, whatever it is: multiply only the update, by the "
            "gate.",
            name="features-scaled-too",
            also=(lambda features, update, gate: gate * features + gate**2 * update,),
        ),
        Misconception(
            lambda features, update, gate: (features, gate * update),
            "The two parts are returned side by side. Add them.",
            name="not-added",
        ),
    ),
)
