"""Stochastic depth."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from course_utils.attention.stochastic_depth import stochastic_depth
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild


def _cases(g: Generator) -> list[Arguments]:
    # Draws on both sides of survival and of 1 − survival; as many images as features; cases in which none and all
    # survive.
    return [
        (torch.randn(4, 3, 5, generator=g), 0.7, torch.tensor([0.1, 0.9, 0.5, 0.2])),
        (torch.randn(3, 2, 4, 4, generator=g), 0.25, torch.tensor([0.8, 0.05, 0.6])),
        (torch.randn(5, 6, generator=g), 0.9, torch.tensor([0.95, 0.3, 0.0, 0.85, 0.99])),
        (torch.randn(3, 3, 3, generator=g), 0.6, torch.tensor([0.7, 0.5, 0.1])),
        (torch.randn(2, 4, generator=g), 0.3, torch.tensor([0.8, 0.4])),
        (torch.randn(2, 3, 2, generator=g), 0.8, torch.tensor([0.1, 0.6])),
    ]


def _wild(g: Generator) -> list[Wild]:
    one_for_all = "It decides for every image: let the single factor broadcast, or expand it to the batch."
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
            "one draw drops the whole batch",
            one_for_all,
        ),
        Wild(
            "draw-equals-survival",
            (torch.randn(4, 2, 3, generator=g), 0.5, torch.tensor([0.5, 0.25, 0.5, 0.75])),
            "a draw equals survival",
            "A branch is kept if its draw is less than survival, so not if the two are equal.",
        ),
        Wild(
            "survival-of-one",
            (torch.randn(3, 4, 2, generator=g), 1.0, torch.tensor([0.2, 0.999, 0.0])),
            "survival is 1",
            "Then nothing is dropped and nothing is rescaled.",
        ),
        Wild(
            "one-picture",
            (torch.randn(1, 1, 4, generator=g), 0.8, torch.tensor([0.3])),
            "the batch has a single image",
        ),
        Wild(
            "other-layout",
            (torch.randn(4, 5, 3, generator=g).mT, 0.7, torch.tensor([0.1, 0.9, 0.5, 0.2])),
            "the branch is a transposed tensor",
            "`.view` cannot merge axes that are not contiguous in memory: use `.reshape` or broadcasting.",
        ),
    ]


def _factor(branch: Tensor, numbers: Tensor) -> Tensor:
    """One number per image, with as many axes as the branch."""
    return numbers.to(branch.dtype).reshape(-1, *[1] * (branch.ndim - 1))


def _times(factor: Callable[[Tensor, float], Tensor]) -> Callable[..., Tensor]:
    """A mistake in the factor of each image's branch, a function of the draws and of survival."""
    return lambda branch, survival, draws: branch * _factor(branch, factor(draws, survival))


def _where(
    kept: Callable[[Tensor, float], Tensor], otherwise: Callable[[Tensor, float], Tensor]
) -> Callable[..., Tensor]:
    """A mistake in what replaces a dropped branch; both are functions of the branch and of survival."""
    return lambda branch, survival, draws: torch.where(
        _factor(branch, draws < survival).bool(), kept(branch, survival), otherwise(branch, survival)
    )


STOCHASTIC_DEPTH = Exercise(
    name="06.stochastic_depth",
    title="Stochastic depth per image",
    points=2,
    reference=stochastic_depth,
    learns=("branch",),
    cases=_cases,
    wild=_wild,
    hints=(
        "Compare `draws` with `survival`: that gives True or False per image, which count as 1 and 0. Its shape is "
        "(batch,), and `branch` has more axes: reshape it to as many, all of length 1 except the first.",
        "`.reshape(-1, *[1] * (branch.ndim - 1))` does that for any number of axes. Then the product drops some "
        "branches.",
        "Now the mean. Of many images, the fraction `survival` keep their branches, and the others get zeros. What "
        "is the mean if the kept branches are not rescaled? By what must they be divided?",
    ),
    misconceptions=(
        Misconception(
            "not-made-up-for",
            "The right branches survive, but nothing compensates for the dropped ones: on average the result is "
            "survival times the branch, so in evaluation, where nothing is dropped, every branch would be larger "
            "than in training. By what must you divide a kept branch, so that the mean is right?",
            _times(lambda draws, survival: draws < survival),
        ),
        Misconception(
            "kept-and-left-out-exchanged",
            "You keep the branches that should be dropped. An image keeps its branch if its draw is less than "
            "survival: with survival 0.9, nine times out of ten.",
            _times(lambda draws, survival: (draws >= survival) / survival),
            _times(lambda draws, survival: draws >= survival),
            _times(lambda draws, survival: (draws >= survival) * survival),
        ),
        Misconception(
            "survival-taken-for-dropping",
            "survival is used as the drop probability: a branch is kept with probability 1 − survival and divided by "
            "it. torchvision's `p` is the drop probability; here survival is the probability of keeping.",
            _times(lambda draws, survival: (draws < 1 - survival) / (1 - survival)),
            _times(lambda draws, survival: (draws >= survival) / (1 - survival)),
        ),
        Misconception(
            "compared-with-one-minus",
            "The draws are compared with 1 − survival, so a branch is kept with that probability. Compare them with "
            "survival, the probability of keeping.",
            _times(lambda draws, survival: (draws < 1 - survival) / survival),
            _times(lambda draws, survival: draws < 1 - survival),
        ),
        Misconception(
            "left-out-below-one-minus",
            "You drop a branch if its draw is less than 1 − survival. The right fraction survives, but not the right "
            "images: keep those with a draw less than survival.",
            _times(lambda draws, survival: (draws >= 1 - survival) / survival),
            _times(lambda draws, survival: draws >= 1 - survival),
            _times(lambda draws, survival: (draws >= 1 - survival) / (1 - survival)),
        ),
        Misconception(
            "divided-by-one-minus",
            "The right branches survive, but they are divided by the drop probability. By what must they be divided "
            "for the mean to be the branch?",
            _times(lambda draws, survival: (draws < survival) / (1 - survival)),
        ),
        Misconception(
            "multiplied-by-survival",
            "Kept branches are multiplied by survival, so they shrink, but they should grow: fewer branches, each "
            "larger, with the same mean. (The paper multiplies by survival, but in evaluation.)",
            _times(lambda draws, survival: (draws < survival) * survival),
        ),
        Misconception(
            "first-draw-for-all",
            "The first image's draw decides for all. Each image has its own draw; only a single draw decides for the "
            "whole batch.",
            _times(lambda draws, survival: (draws[:1] < survival) / survival),
            _times(lambda draws, survival: draws[:1] < survival),
        ),
        Misconception(
            "one-decision-for-all",
            "All the draws together make one decision, and the batch is kept or dropped as a whole. Each image has "
            "its own draw.",
            _times(lambda draws, survival: (draws < survival).any() / survival),
            _times(lambda draws, survival: (draws < survival).any()),
            _times(lambda draws, survival: (draws < survival).all() / survival),
            _times(lambda draws, survival: (draws < survival).all()),
            _times(lambda draws, survival: (draws.mean() < survival) / survival),
            _times(lambda draws, survival: draws.mean() < survival),
        ),
        Misconception(
            "compared-with-a-half",
            "The draws are compared with a half, whatever survival is. Compare them with survival.",
            _times(lambda draws, survival: (draws < 0.5) / survival),
            _times(lambda draws, survival: draws < 0.5),
            _times(lambda draws, survival: (draws < 0.5) / 0.5),
        ),
        Misconception(
            "kept-above-a-half",
            "A branch is kept if its draw is above a half, whatever survival is, as happens if you round the draws. "
            "Compare them with survival.",
            _times(lambda draws, survival: draws.round() / survival),
            _times(lambda draws, survival: draws.round()),
            _times(lambda draws, survival: draws.round() / 0.5),
            _times(lambda draws, survival: (draws >= 0.5) / survival),
            _times(lambda draws, survival: draws >= 0.5),
        ),
        Misconception(
            "expectation",
            "Every branch is multiplied by survival, and none is dropped. In training, a branch is either kept or "
            "dropped.",
            lambda branch, survival, draws: branch * survival,
        ),
        Misconception(
            "something-stays",
            "Part of a dropped branch remains. It must be zero everywhere: the block then returns its input.",
            _where(lambda branch, survival: branch / survival, lambda branch, survival: branch),
            _where(lambda branch, survival: branch, lambda branch, survival: branch * survival),
            _where(lambda branch, survival: branch / survival, lambda branch, survival: branch * survival),
            _where(lambda branch, survival: branch / survival, lambda branch, survival: branch * (1 - survival)),
            _where(lambda branch, survival: branch * survival, lambda branch, survival: branch),
        ),
        Misconception(
            "branch-added",
            "The branch is added again, to kept and dropped branches. Return only the branch: the block adds its "
            "input afterwards.",
            _times(lambda draws, survival: 1 + (draws < survival) / survival),
            _times(lambda draws, survival: 1.0 + (draws < survival)),
        ),
        Misconception(
            "draws-as-factors",
            "A draw is used as a factor. It only decides between keeping and dropping: compare it with survival, and "
            "do not use it again.",
            _times(lambda draws, survival: draws * (draws < survival) / survival),
            _times(lambda draws, survival: draws * (draws < survival)),
            _times(lambda draws, survival: draws / survival),
            _times(lambda draws, survival: draws),
        ),
        Misconception(
            "divided-by-the-share-kept",
            "Kept branches are divided by the fraction that survived in this batch, so an image's result depends on "
            "the draws of other images. Divide by the known probability.",
            _times(lambda draws, survival: (draws < survival) / (draws < survival).float().mean().clamp(min=1e-6)),
            _times(lambda draws, survival: (draws < survival) / (draws < survival).float().mean()),
        ),
        Misconception(
            "pictures-missing",
            "The dropped images are missing from the result. They must stay in the batch, with zeros.",
            lambda branch, survival, draws: branch[draws < survival] / survival,
            lambda branch, survival, draws: branch[draws < survival],
        ),
        Misconception(
            "draws-along-the-last-axis",
            "The draws are applied along the last axis, where a factor of shape (batch,) is broadcast. They belong "
            "to the first axis, the batch: give the factor more axes of length 1.",
            lambda branch, survival, draws: branch * (draws < survival) / survival,
            lambda branch, survival, draws: branch * ((draws < survival) / survival),
            lambda branch, survival, draws: (draws < survival) * branch / survival,
            lambda branch, survival, draws: torch.where(draws < survival, branch / survival, 0.0),
            lambda branch, survival, draws: branch * (draws < survival),
        ),
        Misconception(
            "draws-along-the-second-axis",
            "The draws are applied along the second axis. They belong to the first, the batch.",
            lambda branch, survival, draws: (
                branch * (draws < survival).reshape(1, -1, *[1] * (branch.ndim - 2)) / survival
            ),
        ),
    ),
)
