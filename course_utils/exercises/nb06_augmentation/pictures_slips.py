"""Misconceptions about RandAugment's transforms per image."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from course_utils.exercises.exercise import Misconception
from course_utils.training.rand_augment import Transform, apply_each


def _rounds(step: Callable[[Tensor, Tensor, Sequence[Transform], Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """A mistake in one round: step(images, original images, transforms, choice, first round's choice)."""

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
    """A mistake in a group: which transform it gets, whether it gets any, and what is written to its positions."""

    def step(images: Tensor, _: Tensor, transforms: Sequence[Transform], choice: Tensor, __: Tensor) -> Tensor:
        result = images.clone()
        for place, number in enumerate(choice.unique().tolist()):
            if among(number, len(transforms)):
                mine = choice == number
                result[mine] = put(images[mine], transforms[which(number, place, len(transforms))](images[mine]))
        return result

    return _rounds(step)


def _grouped(images: Tensor, transforms: Sequence[Transform], choice: Tensor) -> Tensor:
    """The results concatenated group by group."""
    return torch.cat([transforms[number](images[choice == number]) for number in choice.unique().tolist()])


def _spilling(images: Tensor, _: Tensor, transforms: Sequence[Transform], choice: Tensor, __: Tensor) -> Tensor:
    """Each transform applied to the result of the last, for all images."""
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
        image = number % len(images)
        result[image] = transforms[number](images[image][None])[0]
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
    """Column by column, as if they were rounds, on as many images as there are rounds."""
    rounds = len(chosen)
    if rounds > len(images):
        raise IndexError("There are fewer images than rounds.")
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
    """Every round uses the original images, and the results are combined."""
    return lambda images, transforms, chosen: over(
        torch.stack([apply_each(images, transforms, choice[None]) for choice in chosen])
    )


MISCONCEPTIONS = (
    Misconception(
        "last-round-only",
        "Only the last round shows in the result. Does each round use the result of the round before, or does it "
        "start again from the original images?",
        _rounds(lambda images, first, transforms, choice, _: apply_each(first, transforms, choice[None])),
    ),
    Misconception(
        "first-round-only",
        "Only the first round is done. An image gets all its transforms, one after the other.",
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
        "Only the last group of each round is left. Make one copy for the whole round: where do you make it?",
        _rounds(_last_group_only),
    ),
    Misconception(
        "rounds-averaged",
        "Every round uses the original images, and the results are averaged or added. A round must use the result of "
        "the round before.",
        _combined(lambda rounds: rounds.mean(0)),
        _combined(lambda rounds: rounds.sum(0)),
    ),
    Misconception(
        "one-transform-for-all",
        "In each round, one transform is used for the whole batch, the first image's or the most frequent one. Each "
        "image has its own: `chosen[r, i]` is for image i.",
        _rounds(lambda images, first, transforms, choice, _: transforms[int(choice[0])](images)),
        _rounds(lambda images, first, transforms, choice, _: transforms[int(choice.mode().values)](images)),
    ),
    Misconception(
        "on-all-pictures",
        "Each transform is applied to the whole batch, including images that did not choose it. Select only those "
        "that did, and write them back.",
        _rounds(_spilling),
    ),
    Misconception(
        "in-the-pools-order",
        "The transforms are right, but in the order of `transforms`, not of the rounds. Inverting and then halving "
        "differs from halving and then inverting: go through `chosen` row by row.",
        _in_the_pools_order,
    ),
    Misconception(
        "rounds-taken-together",
        "The rounds are combined: each transform runs once, in the order of `transforms`, on all images that chose "
        "it in any round. The order of an image's transforms matters, and so do repetitions.",
        _once_each,
    ),
    Misconception(
        "rounds-backwards",
        "The rounds are in reverse order. The first row of `chosen` comes first.",
        lambda images, transforms, chosen: apply_each(images, transforms, chosen.flip(0)),
    ),
    Misconception(
        "rounds-and-pictures-exchanged",
        "Rounds and images are swapped: a row of `chosen` is a round and has one index per image.",
        lambda images, transforms, chosen: apply_each(images, transforms, chosen.T),
        lambda images, transforms, chosen: apply_each(images, transforms, chosen.reshape(len(chosen.T), -1).T),
        _columns,
    ),
    Misconception(
        "sorted-by-transform",
        "The groups are concatenated, so the images are no longer in their own positions. Write each group's result "
        "to the positions that it came from.",
        _rounds(lambda images, _, transforms, choice, __: _grouped(images, transforms, choice)),
    ),
    Misconception(
        "sorted-twice",
        "The groups are put back with the order that sorted them, which reorders them again. Use the inverse: "
        "`.argsort()` of that order.",
        _rounds(
            lambda images, _, transforms, choice, __: _grouped(images, transforms, choice)[
                choice.argsort(stable=True)
            ]
        ),
    ),
    Misconception(
        "transform-zero-left-out",
        "Transform 0 is never applied. It is a transform like the others: apply it to the images that chose it.",
        _groups(among=lambda number, count: number > 0),
    ),
    Misconception(
        "last-transform-left-out",
        "The last transform is never applied: check where your range ends.",
        _groups(among=lambda number, count: number < count - 1),
    ),
    Misconception(
        "largest-number-left-out",
        "The largest index of each round is left out. A range excludes its end: add one.",
        _rounds(_largest_left_out),
    ),
    Misconception(
        "once-per-member",
        "A transform runs once per image of its group, each time on the whole group and on the last result. Call it "
        "once per round: loop over the unique indices.",
        _rounds(_once_per_member),
    ),
    Misconception(
        "no-second-time",
        "A transform is not applied to an image a second time. An image may get the same transform in several "
        "rounds: apply it in each of them.",
        _no_second_time,
    ),
    Misconception(
        "groups-of-all-rounds",
        "In every round, a transform is applied to the images that chose it in any round. Use only this round's row "
        "of `chosen`.",
        _all_rounds_each_time,
    ),
    Misconception(
        "added",
        "The transformed images are added to the old ones. They must replace them.",
        _groups(put=lambda before, after: before + after),
    ),
    Misconception(
        "first-of-the-group",
        "The first image of each group, transformed, is written to the positions of the whole group. Each position "
        "gets its own image.",
        _groups(put=lambda before, after: after[:1]),
    ),
    Misconception(
        "counted-from-one",
        "Each image gets the transform before or after the one it chose. Indices count from zero.",
        _groups(which=lambda number, place, count: number - 1),
        _groups(which=lambda number, place, count: (number + 1) % count),
    ),
    Misconception(
        "place-for-number",
        "A transform is looked up by its position among the indices drawn in this round. Use the index itself: if "
        "only 0 and 2 are drawn, the second of them is transform 2.",
        _groups(which=lambda number, place, count: place),
    ),
    Misconception(
        "groups-of-the-first-round",
        "The groups of the first round are used in every round. Each row of `chosen` has its own groups.",
        _rounds(_with_the_first_rounds_groups),
    ),
    Misconception(
        "first-round-repeated",
        "The first round is repeated in every round. Each round has its own row of `chosen`.",
        _rounds(lambda images, _, transforms, __, first: apply_each(images, transforms, first[None])),
    ),
    Misconception(
        "number-used-as-a-place",
        "The index of a transform is used as the index of an image. `chosen[r, i]` says which transform image i "
        "gets; which images got transform n?",
        _rounds(_by_the_transforms_number),
    ),
    Misconception(
        "clamped",
        "Values are clamped to a range. Do not clamp: return what the transforms return.",
        _groups(put=lambda before, after: after.clamp(0, 1)),
        lambda images, transforms, chosen: apply_each(images, transforms, chosen).clamp(0, 1),
        _groups(put=lambda before, after: after.clamp(-1, 1)),
        _groups(put=lambda before, after: after.clamp(0.25, 0.75)),
    ),
)
