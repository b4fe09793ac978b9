"""Wrong answers to RandAugment's exercise."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from course_utils.exercises.exercise import Misconception
from course_utils.training.rand_augment import Transform, apply_each


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
    put: Callable[[Tensor, Tensor], Tensor] = lambda before, after: after,
) -> Callable[..., Tensor]:
    """A slip in a group: which transform it gets, of its number, its place among the drawn ones and the pool's size;
    whether it gets any; and what is put in its places, of the pictures before and after it.
    """

    def step(images: Tensor, _: Tensor, transforms: Sequence[Transform], choice: Tensor, __: Tensor) -> Tensor:
        result = images.clone()
        for place, number in enumerate(choice.unique().tolist()):
            if among(number, len(transforms)):
                mine = choice == number
                result[mine] = put(images[mine], transforms[which(number, place, len(transforms))](images[mine]))
        return result

    return _rounds(step)


def _grouped(images: Tensor, transforms: Sequence[Transform], choice: Tensor) -> Tensor:
    """The results group by group, one after the other."""
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


def _columns(images: Tensor, transforms: Sequence[Transform], chosen: Tensor) -> Tensor:
    """Column by column, as if they were rounds, on as many pictures as there are rounds."""
    rounds = len(chosen)
    if rounds > len(images):
        raise IndexError("There are fewer pictures than rounds.")
    return torch.cat([apply_each(images[:rounds], transforms, chosen.T), images[rounds:]])


def _largest_left_out(
    images: Tensor, _: Tensor, transforms: Sequence[Transform], choice: Tensor, __: Tensor
) -> Tensor:
    result = images.clone()
    for number in range(int(choice.max())):
        mine = choice == number
        if mine.any():
            result[mine] = transforms[number](images[mine])
    return result


def _once_per_member(
    images: Tensor, _: Tensor, transforms: Sequence[Transform], choice: Tensor, __: Tensor
) -> Tensor:
    result = images.clone()
    for number in choice.tolist():
        mine = choice == number
        result[mine] = transforms[number](result[mine])
    return result


def _no_second_time(images: Tensor, transforms: Sequence[Transform], chosen: Tensor) -> Tensor:
    for number, choice in enumerate(chosen):
        new = ~(chosen[:number] == choice).any(0)
        images = torch.where(new[:, None, None, None], apply_each(images, transforms, choice[None]), images)
    return images


def _all_rounds_each_time(images: Tensor, transforms: Sequence[Transform], chosen: Tensor) -> Tensor:
    for _ in chosen:
        images = _once_each(images, transforms, chosen)
    return images


def _combined(over: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """Every round works on the given pictures, and the results are put together."""
    return lambda images, transforms, chosen: over(
        torch.stack([apply_each(images, transforms, choice[None]) for choice in chosen])
    )


MISCONCEPTIONS = (
    Misconception(
        "last-round-only",
        "Only the last round is left in the result. Does each round work on what the round before has made, or does "
        "it start again from the pictures that were given?",
        _rounds(lambda images, first, transforms, choice, _: apply_each(first, transforms, choice[None])),
    ),
    Misconception(
        "first-round-only",
        "Only the first round is done. A picture gets all its transforms, one after the other.",
        lambda images, transforms, chosen: apply_each(images, transforms, chosen[:1]),
    ),
    Misconception(
        "one-round-too-few",
        "One of the rounds is left out, the first or the last. Each row of `chosen` is a round.",
        lambda images, transforms, chosen: apply_each(images, transforms, chosen[:-1]),
        lambda images, transforms, chosen: apply_each(images, transforms, chosen[1:]),
    ),
    Misconception(
        "two-rounds-only",
        "Only the first two rounds are done. There may be any number: each row of `chosen` is a round.",
        lambda images, transforms, chosen: apply_each(images, transforms, chosen[:2]),
        lambda images, transforms, chosen: apply_each(images, transforms, chosen[[0, 1]]),
    ),
    Misconception(
        "last-group-only",
        "Of each round only the last group is left. One copy for the whole round is enough: where is it made?",
        _rounds(_last_group_only),
    ),
    Misconception(
        "rounds-averaged",
        "Every round works on the given pictures, and the results are averaged or added. A round works on what the "
        "round before has made.",
        _combined(lambda rounds: rounds.mean(0)),
        _combined(lambda rounds: rounds.sum(0)),
    ),
    Misconception(
        "one-transform-for-all",
        "In each round one transform is used for the whole batch, the first picture's or the most frequent one. Each picture "
        "has its own: `chosen[r, i]` belongs to picture i.",
        _rounds(lambda images, first, transforms, choice, _: transforms[int(choice[0])](images)),
        _rounds(lambda images, first, transforms, choice, _: transforms[int(choice.mode().values)](images)),
    ),
    Misconception(
        "on-all-pictures",
        "Each transform is applied to the whole batch, also to pictures that did not choose it. Take only those "
        "out that did, and put them back.",
        _rounds(_spilling),
    ),
    Misconception(
        "in-the-pools-order",
        "The right transforms, but in the order of the pool and not of the rounds. Inverting and then halving is "
        "not the same as halving and then inverting: go row by row through `chosen`.",
        _in_the_pools_order,
    ),
    Misconception(
        "rounds-taken-together",
        "The rounds are taken together: each transform runs once, in the order of the pool, on all pictures that "
        "chose it in any round. The order of a picture's transforms counts, and so does one that comes twice.",
        _once_each,
    ),
    Misconception(
        "rounds-backwards",
        "The rounds run backwards. The first row of `chosen` comes first.",
        lambda images, transforms, chosen: apply_each(images, transforms, chosen.flip(0)),
    ),
    Misconception(
        "rounds-and-pictures-exchanged",
        "Rounds and pictures are swapped: a row of `chosen` is a round, and has one number for each picture.",
        lambda images, transforms, chosen: apply_each(images, transforms, chosen.T),
        lambda images, transforms, chosen: apply_each(images, transforms, chosen.reshape(len(chosen.T), -1).T),
        _columns,
    ),
    Misconception(
        "sorted-by-transform",
        "The groups come out one after the other, so the pictures are no longer in their own places. Write each "
        "group's result to the places that it was taken from.",
        _rounds(lambda images, _, transforms, choice, __: _grouped(images, transforms, choice)),
    ),
    Misconception(
        "sorted-twice",
        "The groups are put back with the order that sorted them, which sorts them once more. It takes the inverse: "
        "`.argsort()` of that order.",
        _rounds(
            lambda images, _, transforms, choice, __: _grouped(images, transforms, choice)[
                choice.argsort(stable=True)
            ]
        ),
    ),
    Misconception(
        "transform-zero-left-out",
        "Transform 0 is never applied. It is a transform like the others: the pictures that chose it must not stay as they are.",
        _groups(among=lambda number, count: number > 0),
    ),
    Misconception(
        "last-transform-left-out",
        "The last transform of the pool is never applied: look at where your range of numbers ends.",
        _groups(among=lambda number, count: number < count - 1),
    ),
    Misconception(
        "largest-number-left-out",
        "The largest number of each round is left out. A range ends before its end: look for the one that should "
        "include it.",
        _rounds(_largest_left_out),
    ),
    Misconception(
        "once-per-member",
        "A transform runs once for every picture of its group, each time on the whole group and on what the last run "
        "has left. Once per round is enough: go through the different numbers.",
        _rounds(_once_per_member),
    ),
    Misconception(
        "no-second-time",
        "A transform that comes to a picture for the second time is left out. A picture may get the same one in several "
        "rounds, and then it is applied in each of them.",
        _no_second_time,
    ),
    Misconception(
        "groups-of-all-rounds",
        "In every round a transform is applied to the pictures that chose it in any round. Which chose it in this "
        "round? That is one row of `chosen`.",
        _all_rounds_each_time,
    ),
    Misconception(
        "added",
        "The transformed pictures are added to what was there. They take its place.",
        _groups(put=lambda before, after: before + after),
    ),
    Misconception(
        "first-of-the-group",
        "The first picture of each group, transformed, is written to the places of the whole group. Each place gets its "
        "own picture.",
        _groups(put=lambda before, after: after[:1]),
    ),
    Misconception(
        "counted-from-one",
        "Each picture gets the transform before or after the one it chose. The numbers count from zero, as Python's do.",
        _groups(which=lambda number, place, count: number - 1),
        _groups(which=lambda number, place, count: (number + 1) % count),
    ),
    Misconception(
        "place-for-number",
        "A transform is looked up by its place among the numbers drawn in this round. Look it up by the number "
        "itself: if only 0 and 2 are drawn, the second of them is transform 2.",
        _groups(which=lambda number, place, count: place),
    ),
    Misconception(
        "groups-of-the-first-round",
        "The groups of the first round are used in every round. Each row of `chosen` makes its own groups.",
        _rounds(_with_the_first_rounds_groups),
    ),
    Misconception(
        "first-round-repeated",
        "The first round is done over and over again, as often as there are rounds. Each has its own row of "
        "`chosen`.",
        _rounds(lambda images, _, transforms, __, first: apply_each(images, transforms, first[None])),
    ),
    Misconception(
        "number-used-as-a-place",
        "A transform's number is used as a picture's: only the picture of that number is changed. `chosen[r, i]` "
        "says which transform picture i gets; which pictures got number n?",
        _rounds(_by_the_transforms_number),
    ),
    Misconception(
        "clamped",
        "Numbers are cut off at the ends of a range. That is not asked for: what a transform returns comes out as it is.",
        _groups(put=lambda before, after: after.clamp(0, 1)),
        lambda images, transforms, chosen: apply_each(images, transforms, chosen).clamp(0, 1),
        _groups(put=lambda before, after: after.clamp(-1, 1)),
        _groups(put=lambda before, after: after.clamp(0.25, 0.75)),
    ),
)
