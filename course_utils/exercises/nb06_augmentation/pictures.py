"""RandAugment: transforms per image, without a loop over images."""

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
    # An image that gets the same transform twice; a case with as many rounds as images and values outside [0, 1].
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
            "The notebook has a level with N = 0: then the images are unchanged.",
        ),
        Wild(
            "many-transforms",
            (torch.rand(3, 1, 2, 3, generator=g), MANY, torch.tensor([[31, 9, 14], [27, 31, 29]])),
            "there are 32 transforms",
            "There may be any number of them; the notebook passes 28, each of the fourteen in both directions. Take "
            "their indices from `chosen`, or their number from `transforms`.",
        ),
        Wild(
            "other-layout",
            (torch.rand(4, 2, 5, 3, generator=g).mT, TRANSFORMS, torch.tensor([[1, 0], [3, 3], [0, 2], [1, 1]]).T),
            "the images or `chosen` are transposed tensors",
            "`.view` cannot merge axes that are not contiguous in memory: use `.reshape`.",
        ),
        Wild(
            "expanded",
            (torch.rand(1, 1, 3, 4, generator=g).expand(4, -1, -1, -1), TRANSFORMS, torch.tensor([[0, 2, 1, 0]])),
            "one image is repeated with `expand`",
            "Writing into one of them changes all: write into a `.clone()`, not into the argument.",
        ),
        Wild(
            "one-picture",
            (torch.rand(1, 1, 3, 3, generator=g), TRANSFORMS, torch.tensor([[3], [1]])),
            "the batch has a single image",
        ),
    ]


def _not_together(fn: Callable[..., Tensor]) -> str | None:
    """A sentence if, in some round, a transform is called twice or gets other images than those that chose it."""
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
                f"The numbers are right, but a transform gets a tensor of shape {shape}. Pass it one batch, (some, "
                "channels, height, width), with all the images that chose it."
            )
        wanted = sorted(int(count) for count in (chosen == number).sum(1) if count)
        counts = sorted(shape[0] for shape in shapes if shape[0])
        if sum(counts) > sum(wanted):
            return (
                f"The numbers are right, but transform {number} processes {sum(counts)} images and only "
                f"{sum(wanted)} chose it. Pass it only those that chose it."
            )
        if len(counts) > len(wanted):
            return (
                f"The numbers are right, but transform {number} is called {len(counts)} times in {len(wanted)} "
                f"round{'s' * (len(wanted) > 1)}. Pass all images that get the same transform in a round in one "
                "call: that makes it fast."
            )
    return None


APPLY_EACH = Exercise(
    name="06.apply_each",
    title="Transforms per image",
    points=2,
    reference=apply_each,
    learns=("images",),
    cases=_cases,
    wild=_wild,
    promises=(Promise("together", _not_together),),
    hints=(
        "Take one round, `chosen[0]`: it has one index per image. Which images got transform 3? `chosen[0] == 3` is "
        "True for those, and `images[chosen[0] == 3]` selects them.",
        "The transformed images must go back to their positions: assign them with the same mask, in a copy of the "
        "images. `.unique()` returns the transforms that a round needs.",
        "Begin each round with a `.clone()` of the images, so that the arguments do not change. The next round uses "
        "the result of this one.",
    ),
    misconceptions=MISCONCEPTIONS,
)
