"""Stochastic depth: which branches survive."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from course_utils.attention.stochastic_depth import stochastic_depth
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild


def _cases(g: Generator) -> list[Arguments]:
    # Draws on both sides of the survival probability, and of one minus it; as many pictures as features; nobody and
    # everybody survives.
    return [
        (torch.randn(4, 3, 5, generator=g), 0.7, torch.tensor([0.1, 0.9, 0.5, 0.2])),
        (torch.randn(3, 2, 4, 4, generator=g), 0.25, torch.tensor([0.8, 0.05, 0.6])),
        (torch.randn(5, 6, generator=g), 0.9, torch.tensor([0.95, 0.3, 0.0, 0.85, 0.99])),
        (torch.randn(3, 3, 3, generator=g), 0.6, torch.tensor([0.7, 0.5, 0.1])),
        (torch.randn(2, 4, generator=g), 0.3, torch.tensor([0.8, 0.4])),
        (torch.randn(2, 3, 2, generator=g), 0.8, torch.tensor([0.1, 0.6])),
    ]


def _wild(g: Generator) -> list[Wild]:
    one_for_all = "Its decision holds for every picture: let its one factor broadcast, or expand it to the batch."
    return [
        Wild(
            "one-draw-keeps-all",
            (torch.randn(3, 4, generator=g), 0.5, torch.tensor([0.2])),
            "there is one draw for the whole batch",
            one_for_all,
        ),
        Wild(
            "one-draw-leaves-all-out",
            (torch.randn(3, 2, 4, generator=g), 0.5, torch.tensor([0.7])),
            "one draw leaves the whole batch out",
            one_for_all,
        ),
        Wild(
            "draw-equals-survival",
            (torch.randn(4, 2, 3, generator=g), 0.5, torch.tensor([0.5, 0.25, 0.5, 0.75])),
            "a draw is exactly survival",
            "A branch is kept where its draw is below survival, and so not where the two are equal.",
        ),
        Wild(
            "survival-of-one",
            (torch.randn(3, 4, 2, generator=g), 1.0, torch.tensor([0.2, 0.999, 0.0])),
            "survival is 1",
            "Then nothing is left out and nothing is to be made up for.",
        ),
        Wild(
            "one-picture",
            (torch.randn(1, 1, 4, generator=g), 0.8, torch.tensor([0.3])),
            "the batch has a single picture",
        ),
        Wild(
            "other-layout",
            (torch.randn(4, 5, 3, generator=g).mT, 0.7, torch.tensor([0.1, 0.9, 0.5, 0.2])),
            "the branch is a transposed tensor",
            "`.view` refuses to merge axes that lie apart in memory: `.reshape` and broadcasting do not mind.",
        ),
    ]


def _factor(branch: Tensor, numbers: Tensor) -> Tensor:
    """A number for each picture, with as many axes as the branch."""
    return numbers.to(branch.dtype).reshape(-1, *[1] * (branch.ndim - 1))


def _times(factor: Callable[[Tensor, float], Tensor]) -> Callable[..., Tensor]:
    """A slip in what each picture's branch is multiplied by, a function of the draws and of survival."""
    return lambda branch, survival, draws: branch * _factor(branch, factor(draws, survival))


def _where(
    kept: Callable[[Tensor, float], Tensor], otherwise: Callable[[Tensor, float], Tensor]
) -> Callable[..., Tensor]:
    """A slip in what takes the place of a branch that is left out; both functions of the branch and of survival."""
    return lambda branch, survival, draws: torch.where(
        _factor(branch, draws < survival).bool(), kept(branch, survival), otherwise(branch, survival)
    )


STOCHASTIC_DEPTH = Exercise(
    name="06.stochastic_depth",
    title="Stochastic depth, picture by picture",
    points=2,
    reference=stochastic_depth,
    learns=("branch",),
    cases=_cases,
    wild=_wild,
    hints=(
        "Compare `draws` with `survival`: that gives True or False for each picture, as numbers 1 or 0. Its shape is "
        "(batch,), and `branch` has more axes: give it as many, all of length 1 but the first.",
        "`.reshape(-1, *[1] * (branch.ndim - 1))` does that for any number of axes. Then the product leaves some "
        "branches out.",
        "Now the mean. Out of many pictures, the share `survival` keep their branches, and the others get zeros. If "
        "what is kept stayed as it is, what would the mean be? By what must it be divided?",
    ),
    misconceptions=(
        Misconception(
            "not-made-up-for",
            "The right branches survive, but nothing makes up for those that are left out: on average the result is survival "
            "times the branch, and in evaluation, where nothing is left out, every layer would suddenly say more. What must "
            "a kept branch be, so that the mean is right?",
            _times(lambda draws, survival: draws < survival),
        ),
        Misconception(
            "kept-and-left-out-exchanged",
            "It keeps what should be left out. A picture survives when its draw is below the survival probability: "
            "with survival 0.9 that is nine times out of ten.",
            _times(lambda draws, survival: (draws >= survival) / survival),
            _times(lambda draws, survival: draws >= survival),
            _times(lambda draws, survival: (draws >= survival) * survival),
        ),
        Misconception(
            "survival-taken-for-dropping",
            "Survival is taken for the probability of leaving out: a branch is kept with probability 1 − survival, and "
            "divided by that. torchvision's `p` is that one; here survival is the probability of keeping.",
            _times(lambda draws, survival: (draws < 1 - survival) / (1 - survival)),
            _times(lambda draws, survival: (draws >= survival) / (1 - survival)),
        ),
        Misconception(
            "compared-with-one-minus",
            "The draws are compared with 1 − survival, so a branch is kept with that probability. Survival itself is "
            "the probability of keeping.",
            _times(lambda draws, survival: (draws < 1 - survival) / survival),
            _times(lambda draws, survival: draws < 1 - survival),
        ),
        Misconception(
            "left-out-below-one-minus",
            "It leaves out where the draw is below 1 − survival. So the right share survives, but not the right "
            "pictures: they are those whose draw is below survival.",
            _times(lambda draws, survival: (draws >= 1 - survival) / survival),
            _times(lambda draws, survival: draws >= 1 - survival),
            _times(lambda draws, survival: (draws >= 1 - survival) / (1 - survival)),
        ),
        Misconception(
            "divided-by-one-minus",
            "The right branches survive, but they are divided by the probability of leaving out. By what must they be "
            "divided for the mean to be the branch?",
            _times(lambda draws, survival: (draws < survival) / (1 - survival)),
        ),
        Misconception(
            "multiplied-by-survival",
            "What is kept is multiplied by survival, so it shrinks where it should grow: fewer branches, each larger, "
            "and the same on average. (The paper multiplies by survival, but in evaluation.)",
            _times(lambda draws, survival: (draws < survival) * survival),
        ),
        Misconception(
            "first-draw-for-all",
            "The first picture's draw decides for all. Each picture has a draw of its own; only when there is one "
            "draw does it hold for the whole batch.",
            _times(lambda draws, survival: (draws[:1] < survival) / survival),
            _times(lambda draws, survival: draws[:1] < survival),
        ),
        Misconception(
            "one-decision-for-all",
            "All the draws together make one decision, and the batch is kept or left out as a whole. Each picture has "
            "a draw of its own.",
            _times(lambda draws, survival: (draws < survival).any() / survival),
            _times(lambda draws, survival: (draws < survival).any()),
            _times(lambda draws, survival: (draws < survival).all() / survival),
            _times(lambda draws, survival: (draws < survival).all()),
            _times(lambda draws, survival: (draws.mean() < survival) / survival),
            _times(lambda draws, survival: draws.mean() < survival),
        ),
        Misconception(
            "compared-with-a-half",
            "The draws are compared with a half, whatever survival is. It is survival that they are to be compared with.",
            _times(lambda draws, survival: (draws < 0.5) / survival),
            _times(lambda draws, survival: draws < 0.5),
            _times(lambda draws, survival: (draws < 0.5) / 0.5),
        ),
        Misconception(
            "kept-above-a-half",
            "A branch is kept where its draw is above a half, whatever survival is. Rounding draws does that. They are to be "
            "compared with survival.",
            _times(lambda draws, survival: draws.round() / survival),
            _times(lambda draws, survival: draws.round()),
            _times(lambda draws, survival: draws.round() / 0.5),
            _times(lambda draws, survival: (draws >= 0.5) / survival),
            _times(lambda draws, survival: draws >= 0.5),
        ),
        Misconception(
            "expectation",
            "This is what the branch is worth on average when nothing makes up for what is left out, and nothing is "
            "left out here at all. In training a branch is there or it is not.",
            lambda branch, survival, draws: branch * survival,
        ),
        Misconception(
            "something-stays",
            "Where a draw says that the branch is left out, something of it stays. It must vanish altogether and leave zeros: the "
            "block goes on with its input alone.",
            _where(lambda branch, survival: branch / survival, lambda branch, survival: branch),
            _where(lambda branch, survival: branch, lambda branch, survival: branch * survival),
            _where(lambda branch, survival: branch / survival, lambda branch, survival: branch * survival),
            _where(lambda branch, survival: branch / survival, lambda branch, survival: branch * (1 - survival)),
            _where(lambda branch, survival: branch * survival, lambda branch, survival: branch),
        ),
        Misconception(
            "branch-added",
            "The branch is added once more, to what is kept and to what is left out. Only the branch is asked for here: "
            "the block adds its input afterwards, and that is something else.",
            _times(lambda draws, survival: 1 + (draws < survival) / survival),
            _times(lambda draws, survival: 1.0 + (draws < survival)),
        ),
        Misconception(
            "draws-as-factors",
            "A draw is used as a factor. It only decides between keeping and leaving out: compare it with survival, and "
            "do not use it again.",
            _times(lambda draws, survival: draws * (draws < survival) / survival),
            _times(lambda draws, survival: draws * (draws < survival)),
            _times(lambda draws, survival: draws / survival),
            _times(lambda draws, survival: draws),
        ),
        Misconception(
            "divided-by-the-share-kept",
            "What is kept is divided by the share that happened to survive in this batch, so a picture's result depends "
            "on its neighbours' draws. The probability is known: use it.",
            _times(lambda draws, survival: (draws < survival) / (draws < survival).float().mean().clamp(min=1e-6)),
            _times(lambda draws, survival: (draws < survival) / (draws < survival).float().mean()),
        ),
        Misconception(
            "pictures-missing",
            "The pictures that are left out are missing from the result. They must stay in the batch, as zeros: their "
            "input goes on without this branch.",
            lambda branch, survival, draws: branch[draws < survival] / survival,
            lambda branch, survival, draws: branch[draws < survival],
        ),
        Misconception(
            "draws-along-the-last-axis",
            "The draws lie along the last axis: that is where a factor of shape (batch,) is broadcast. They belong along the "
            "first, the batch: give the factor more axes, of length 1.",
            lambda branch, survival, draws: branch * (draws < survival) / survival,
            lambda branch, survival, draws: branch * ((draws < survival) / survival),
            lambda branch, survival, draws: (draws < survival) * branch / survival,
            lambda branch, survival, draws: torch.where(draws < survival, branch / survival, 0.0),
            lambda branch, survival, draws: branch * (draws < survival),
        ),
        Misconception(
            "draws-along-the-second-axis",
            "The draws lie along the second axis. They belong along the first, the batch.",
            lambda branch, survival, draws: (
                branch * (draws < survival).reshape(1, -1, *[1] * (branch.ndim - 2)) / survival
            ),
        ),
    ),
)
