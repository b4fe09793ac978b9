"""RandAugment: each picture its own transforms, without a loop over pictures."""

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor

from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.training.rand_augment import Transform, apply_each


def _cases(g: Generator) -> list[Arguments]:
    transforms: list[Transform] = [
        lambda images: 1 - images,
        lambda images: images.flip(-1),
        lambda images: images / 2,
        lambda images: images.roll(1, -2),
    ]
    return [
        (torch.rand(5, 1, 3, 4, generator=g), transforms, torch.tensor([[0, 1, 2, 3, 0], [2, 0, 0, 1, 2]])),
        (torch.rand(3, 3, 4, 4, generator=g), transforms[:3], torch.tensor([[2, 0, 1], [0, 2, 2], [1, 1, 0]])),
        (torch.rand(4, 1, 2, 2, generator=g), transforms, torch.tensor([[3, 2, 3, 0]])),
        (torch.rand(2, 1, 3, 3, generator=g), transforms, torch.zeros(0, 2, dtype=torch.long)),
    ]


def _rounds(step: Callable[[Tensor, Tensor, Sequence[Transform], Tensor], Tensor]) -> Callable[..., Tensor]:
    """A slip in one round: step(images, the first images, transforms, choice)."""

    def wrong(images: Tensor, transforms: Sequence[Transform], chosen: Tensor) -> Tensor:
        first = images
        for choice in chosen:
            images = step(images, first, transforms, choice)
        return images

    return wrong


def _one_by_one(images: Tensor, transforms: Sequence[Transform], choice: Tensor) -> Tensor:
    return torch.cat([transforms[int(n)](images[i : i + 1]) for i, n in enumerate(choice)])


def _spilling(images: Tensor, first: Tensor, transforms: Sequence[Transform], choice: Tensor) -> Tensor:
    """Transforms in turn, each on what the last left: a picture may be taken only once, but all are."""
    for number in choice.unique().tolist():
        images = transforms[number](images)
    return images


def _in_the_pools_order(images: Tensor, transforms: Sequence[Transform], chosen: Tensor) -> Tensor:
    return apply_each(images, transforms, chosen.sort(0).values)


APPLY_EACH = Exercise(
    name="06.apply_each",
    title="Each picture its own transforms",
    points=2,
    reference=apply_each,
    learns=("images",),
    cases=_cases,
    hints=(
        "Take one round: `choice` has a number for each picture. Which pictures got number 3? `choice == 3` is True "
        "for those.",
        "`images[mine]` takes them out, and `result[mine] = …` puts them back. `choice.unique()` names the transforms "
        "that are needed.",
        "Begin each round with `result = images.clone()`, so that the pictures that came in stay as they are. The next "
        "round works on the result.",
    ),
    misconceptions=(
        Misconception(
            _rounds(lambda images, first, transforms, choice: _one_by_one(first, transforms, choice)),
            "Every round starts again from the original pictures, so only the last round is left. A round works on "
            "what the round before made.",
        ),
        Misconception(
            lambda images, transforms, chosen: apply_each(images, transforms, chosen[:1]),
            "Only the first round is done. A picture gets all its transforms, one after the other.",
        ),
        Misconception(
            _rounds(lambda images, first, transforms, choice: transforms[int(choice[0])](images)),
            "The first picture's choice is used for the whole batch. Each picture has its own: choice[i] belongs to "
            "picture i.",
        ),
        Misconception(
            _rounds(_spilling),
            "Each transform is applied to the whole batch, also to pictures that did not choose it. Take only those "
            "out, `images[choice == number]`, and put them back.",
        ),
        Misconception(
            _in_the_pools_order,
            "The right transforms, but in the order of the pool and not of the rounds. Inverting and then halving is "
            "not the same as halving and then inverting: row by row of `chosen`.",
        ),
        Misconception(
            lambda images, transforms, chosen: apply_each(images, transforms, chosen.flip(0)),
            "The rounds run backwards. The first row of `chosen` comes first.",
        ),
    ),
)
