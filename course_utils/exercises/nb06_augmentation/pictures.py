"""RandAugment: each picture its own transforms, without a loop over pictures."""

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Promise, Wild
from course_utils.training.rand_augment import Transform, apply_each

TRANSFORMS: list[Transform] = [
    lambda images: 1 - images,
    lambda images: images.flip(-1),
    lambda images: images / 2,
    lambda images: images.roll(1, -2),
]


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
            "expanded",
            (torch.rand(1, 1, 3, 4, generator=g).expand(4, -1, -1, -1), TRANSFORMS, torch.tensor([[0, 2, 1, 0]])),
            "one picture is given several times, as `expand` makes it",
            "What is written into one of them shows in all: write into a `.clone()`, not into what was given.",
        ),
        Wild(
            "other-layout",
            (
                torch.rand(4, 2, 5, 3, generator=g).mT,
                TRANSFORMS,
                torch.tensor([[1, 0], [3, 3], [0, 2], [1, 1]]).T,
            ),
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


def _rounds(step: Callable[[Tensor, Tensor, Sequence[Transform], Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """A slip in one round: step(images, the first images, transforms, choice, the first choice)."""

    def wrong(images: Tensor, transforms: Sequence[Transform], chosen: Tensor) -> Tensor:
        first = images
        for choice in chosen:
            images = step(images, first, transforms, choice, chosen[0])
        return images

    return wrong


def _groups(
    which: Callable[[int, int, int], int] = lambda number, place, count: number,
    among: Callable[[int, int], bool] = lambda number, count: True,
    after: Callable[[Tensor], Tensor] = lambda images: images,
) -> Callable[..., Tensor]:
    """A slip in a group: which transform it gets, of its number, its place among the drawn ones and the pool's size;
    whether it gets any; and what comes after it.
    """

    def step(images: Tensor, _: Tensor, transforms: Sequence[Transform], choice: Tensor, __: Tensor) -> Tensor:
        result = images.clone()
        for place, number in enumerate(choice.unique().tolist()):
            if among(number, len(transforms)):
                mine = choice == number
                result[mine] = after(transforms[which(number, place, len(transforms))](images[mine]))
        return result

    return _rounds(step)


def _grouped(images: Tensor, transforms: Sequence[Transform], choice: Tensor) -> Tensor:
    """The results group by group, one behind the other."""
    return torch.cat([transforms[number](images[choice == number]) for number in choice.unique().tolist()])


def _spilling(images: Tensor, _: Tensor, transforms: Sequence[Transform], choice: Tensor, __: Tensor) -> Tensor:
    """Transforms in turn, each on what the last left: a picture may be taken only once, but all are."""
    for number in choice.unique().tolist():
        images = transforms[number](images)
    return images


def _last_group_only(
    images: Tensor, _: Tensor, transforms: Sequence[Transform], choice: Tensor, __: Tensor
) -> Tensor:
    result, number = images.clone(), int(choice.max())
    result[choice == number] = transforms[number](images[choice == number])
    return result


def _with_the_first_rounds_groups(
    images: Tensor, _: Tensor, transforms: Sequence[Transform], choice: Tensor, first: Tensor
) -> Tensor:
    result = images.clone()
    for number in choice.unique().tolist():
        mine = first == number
        result[mine] = transforms[number](images[mine])
    return result


def _by_the_transforms_number(
    images: Tensor, _: Tensor, transforms: Sequence[Transform], choice: Tensor, __: Tensor
) -> Tensor:
    result = images.clone()
    for number in choice.unique().tolist():
        picture = number % len(images)
        result[picture] = transforms[number](images[picture][None])[0]
    return result


def _in_the_pools_order(images: Tensor, transforms: Sequence[Transform], chosen: Tensor) -> Tensor:
    return apply_each(images, transforms, chosen.sort(0).values)


def _once_each(images: Tensor, transforms: Sequence[Transform], chosen: Tensor) -> Tensor:
    for number in chosen.unique().tolist():
        mine = (chosen == number).any(0)
        images = images.clone()
        images[mine] = transforms[number](images[mine])
    return images


def _combined(over: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """Every round works on the given pictures, and the results are put together."""
    return lambda images, transforms, chosen: over(
        torch.stack([apply_each(images, transforms, choice[None]) for choice in chosen])
    )


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
    misconceptions=(
        Misconception(
            _rounds(lambda images, first, transforms, choice, _: apply_each(first, transforms, choice[None])),
            "Only the last round is left in the result. Does each round work on what the round before has made, or does "
            "it start again from the pictures that were given?",
            name="last-round-only",
        ),
        Misconception(
            lambda images, transforms, chosen: apply_each(images, transforms, chosen[:1]),
            "Only the first round is done. A picture gets all its transforms, one after the other.",
            name="first-round-only",
        ),
        Misconception(
            lambda images, transforms, chosen: apply_each(images, transforms, chosen[:-1]),
            "One of the rounds is left out, the first or the last. Each row of `chosen` is a round.",
            name="one-round-too-few",
            also=(lambda images, transforms, chosen: apply_each(images, transforms, chosen[1:]),),
        ),
        Misconception(
            _rounds(_last_group_only),
            "Of each round only the last group is left. One copy for the whole round is enough: where is it made?",
            name="last-group-only",
        ),
        Misconception(
            _combined(lambda rounds: rounds.mean(0)),
            "Every round works on the given pictures, and the results are averaged or added. A round works on what the "
            "round before has made.",
            name="rounds-averaged",
            also=(_combined(lambda rounds: rounds.sum(0)),),
        ),
        Misconception(
            _rounds(lambda images, first, transforms, choice, _: transforms[int(choice[0])](images)),
            "The first picture's choice is used for the whole batch. Each picture has its own: `chosen[r, i]` belongs to "
            "picture i.",
            name="first-picture-decides",
        ),
        Misconception(
            _rounds(_spilling),
            "Each transform is applied to the whole batch, also to pictures that did not choose it. Take only those "
            "out that did, and put them back.",
            name="on-all-pictures",
        ),
        Misconception(
            _in_the_pools_order,
            "The right transforms, but in the order of the pool and not of the rounds. Inverting and then halving is "
            "not the same as halving and then inverting: go row by row through `chosen`.",
            name="in-the-pools-order",
        ),
        Misconception(
            _once_each,
            "The rounds are taken together: each transform runs once, in the order of the pool, on all pictures that "
            "chose it in any round. The order of a picture's transforms counts, and so does one that comes twice.",
            name="rounds-taken-together",
        ),
        Misconception(
            lambda images, transforms, chosen: apply_each(images, transforms, chosen.flip(0)),
            "The rounds run backwards. The first row of `chosen` comes first.",
            name="rounds-backwards",
        ),
        Misconception(
            lambda images, transforms, chosen: apply_each(images, transforms, chosen.T),
            "Rounds and pictures are exchanged: a row of `chosen` is a round, and has one number for each picture.",
            name="rounds-and-pictures-exchanged",
            also=(
                lambda images, transforms, chosen: apply_each(
                    images, transforms, chosen.reshape(len(chosen.T), -1).T
                ),
            ),
        ),
        Misconception(
            _rounds(lambda images, _, transforms, choice, __: _grouped(images, transforms, choice)),
            "The groups come out one behind the other, so the pictures are no longer at their own places. Write each "
            "group's result to the places that it was taken from.",
            name="sorted-by-transform",
        ),
        Misconception(
            _rounds(
                lambda images, _, transforms, choice, __: _grouped(images, transforms, choice)[
                    choice.argsort(stable=True)
                ]
            ),
            "The groups are put back with the order that sorted them, which sorts them once more. It takes the inverse: "
            "`.argsort()` of that order.",
            name="sorted-twice",
        ),
        Misconception(
            _groups(among=lambda number, count: number > 0),
            "Transform 0 is never applied. It is one like the others; pictures that chose it do not stay as they are.",
            name="transform-zero-left-out",
        ),
        Misconception(
            _groups(among=lambda number, count: number < count - 1),
            "The last transform of the pool is never applied: look at where your range of numbers ends.",
            name="last-transform-left-out",
        ),
        Misconception(
            _groups(which=lambda number, place, count: number - 1),
            "Each picture gets a neighbour of the transform it chose: the numbers count from zero, as Python does.",
            name="counted-from-one",
            also=(_groups(which=lambda number, place, count: (number + 1) % count),),
        ),
        Misconception(
            _groups(which=lambda number, place, count: place),
            "A transform is looked up by its place among the numbers drawn in this round. Look it up by the number "
            "itself: if only 0 and 2 are drawn, the second of them is transform 2.",
            name="place-for-number",
        ),
        Misconception(
            _rounds(_with_the_first_rounds_groups),
            "The groups of the first round are used in every round. Each row of `chosen` makes its own groups.",
            name="groups-of-the-first-round",
        ),
        Misconception(
            _rounds(lambda images, _, transforms, __, first: apply_each(images, transforms, first[None])),
            "The first round is done over and over again, as often as there are rounds. Each has its own row of "
            "`chosen`.",
            name="first-round-repeated",
        ),
        Misconception(
            _rounds(_by_the_transforms_number),
            "A transform's number is used as a picture's: only the picture of that number is changed. `chosen[r, i]` "
            "says which transform picture i gets; which pictures got number n?",
            name="number-used-as-a-place",
        ),
        Misconception(
            _groups(after=lambda images: images.clamp(0, 1)),
            "Numbers are cut off at 0 and 1. Nobody asked for that: what a transform returns comes out as it is.",
            name="clamped",
            also=(lambda images, transforms, chosen: apply_each(images, transforms, chosen).clamp(0, 1),),
        ),
    ),
)
