"""RandAugment: each picture its own transforms, without a loop over pictures."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from course_utils.exercises.exercise import Arguments, Exercise, Promise, Wild
from course_utils.exercises.nb06_augmentation.pictures_slips import MISCONCEPTIONS
from course_utils.training.rand_augment import Transform, apply_each

TRANSFORMS: list[Transform] = [
    lambda images: 1 - images,
    lambda images: images.flip(-1),
    lambda images: images / 2,
    lambda images: images.roll(1, -2),
]


def _adding(number: int) -> Transform:
    return lambda images: images + number


MANY = [_adding(number) for number in range(32)]


def _cases(g: Generator) -> list[Arguments]:
    # A picture that gets the same twice; a case with as many rounds as pictures, whose numbers leave [0, 1].
    return [
        (torch.rand(5, 1, 3, 4, generator=g), TRANSFORMS, torch.tensor([[0, 1, 2, 3, 0], [2, 0, 2, 1, 2]])),
        (torch.randn(3, 3, 4, 4, generator=g), TRANSFORMS[:3], torch.tensor([[2, 0, 1], [0, 2, 2], [1, 1, 0]])),
        (torch.rand(4, 1, 2, 2, generator=g), TRANSFORMS, torch.tensor([[3, 2, 3, 0]])),
    ]


def _wild(g: Generator) -> list[Wild]:
    return [
        Wild(
            "no-rounds",
            (torch.rand(2, 1, 3, 3, generator=g), TRANSFORMS, torch.zeros(0, 2, dtype=torch.long)),
            "there are no rounds",
            "The notebook has a level with N = 0: then the pictures come out as they are.",
        ),
        Wild(
            "many-transforms",
            (torch.rand(3, 1, 2, 3, generator=g), MANY, torch.tensor([[31, 9, 14], [27, 31, 29]])),
            "there are 32 transforms",
            "There may be any number of them; the notebook gives 28, each of the pool's fourteen in both directions. Take "
            "their numbers from `chosen`, or their count from `transforms`.",
        ),
        Wild(
            "expanded",
            (torch.rand(1, 1, 3, 4, generator=g).expand(4, -1, -1, -1), TRANSFORMS, torch.tensor([[0, 2, 1, 0]])),
            "one picture is given several times, as `expand` makes it",
            "What is written into one of them shows in all: write into a `.clone()`, not into what was given.",
        ),
        Wild(
            "other-layout",
            (torch.rand(4, 2, 5, 3, generator=g).mT, TRANSFORMS, torch.tensor([[1, 0], [3, 3], [0, 2], [1, 1]]).T),
            "the pictures or `chosen` are transposed tensors",
            "`.view` refuses to merge axes that lie apart in memory: `.reshape` does not mind.",
        ),
        Wild(
            "one-picture",
            (torch.rand(1, 1, 3, 3, generator=g), TRANSFORMS, torch.tensor([[3], [1]])),
            "the batch has a single picture",
        ),
    ]


def _not_together(fn: Callable[..., Tensor]) -> str | None:
    """A sentence when in some round a transform is called twice, or gets others than the pictures that chose it."""
    chosen = torch.tensor([[1, 0, 1, 2, 1, 0], [0, 0, 2, 2, 0, 2]])
    given: dict[int, list[tuple[int, ...]]] = {0: [], 1: [], 2: []}

    def noting(number: int) -> Transform:
        def same(images: Tensor) -> Tensor:
            given[number].append(tuple(images.shape))
            return images.clone()

        return same

    fn(torch.rand(6, 1, 2, 3), [noting(number) for number in given], chosen)
    for number, shapes in given.items():
        if any(len(shape) != 4 for shape in shapes):
            shape = next(shape for shape in shapes if len(shape) != 4)
            return (
                f"The numbers are right, but a transform is given a tensor of shape {shape}. It wants a batch of "
                "pictures, (some, channels, height, width): those that chose it, all at once."
            )
        wanted = sorted(int(count) for count in (chosen == number).sum(1) if count)
        counts = sorted(shape[0] for shape in shapes if shape[0])
        if sum(counts) > sum(wanted):
            return (
                f"The numbers are right, but transform {number} works on {sum(counts)} pictures where only {sum(wanted)} "
                "chose it, and most of its work is thrown away. Give it those that chose it, and only those."
            )
        if len(counts) > len(wanted):
            return (
                f"The numbers are right, but transform {number} is called {len(counts)} times in {len(wanted)} "
                f"round{'s' * (len(wanted) > 1)}. Pictures that get the same transform in a round go through it together, "
                "in one call: that is what makes it fast."
            )
    return None


APPLY_EACH = Exercise(
    name="06.apply_each",
    title="Each picture its own transforms",
    points=2,
    reference=apply_each,
    learns=("images",),
    cases=_cases,
    wild=_wild,
    promises=(Promise("together", _not_together),),
    hints=(
        "Take one round, `chosen[0]`: it has a number for each picture. Which pictures got number 3? "
        "`chosen[0] == 3` is True for those, and `images[chosen[0] == 3]` takes them out.",
        "The transformed ones must go back to their places: assign them to the same True and False, in a copy of the "
        "pictures. `.unique()` names the transforms that are needed in a round.",
        "Begin each round with a `.clone()` of the pictures, so that those that came in stay as they are. The next "
        "round works on what this one has made.",
    ),
    misconceptions=MISCONCEPTIONS,
)
