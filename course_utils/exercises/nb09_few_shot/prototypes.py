"""A class as the mean of its few pictures."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.compare import describe
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Promise, Wild
from course_utils.few_shot import prototypes

Prototypes = Callable[[Tensor, Tensor, int], Tensor]


def _labelled(g: Generator, shots: list[int], dim: int) -> Arguments:
    """Features and labels of so many pictures of each class, in mixed order."""
    labels = torch.arange(len(shots)).repeat_interleave(torch.tensor(shots))
    labels = labels[torch.randperm(len(labels), generator=g)]
    return torch.randn(len(labels), dim, generator=g) + 1, labels, len(shots)


def _cases(g: Generator) -> list[Arguments]:
    """In the last ones some classes have more pictures than others."""
    sizes = (([2, 2, 2], 4), ([5] * 5, 8), ([5, 3, 6, 2], 6), ([1, 4, 7], 5))
    return [_labelled(g, shots, dim) for shots, dim in sizes]


def _wild(g: Generator) -> list[Wild]:
    features, labels, ways = _labelled(g, [3, 1, 2], 4)
    return [
        Wild(
            "one-shot",
            _labelled(g, [1] * 6, 3),
            "every class has one picture (K-way-1-shot)",
            "Its prototype is that picture's feature vector: look for a squeeze, or an index that loses an axis.",
        ),
        Wild(
            "transposed-memory",
            (features.mT.contiguous().mT, labels, ways),
            "the features are a transposed view, whose numbers lie in another order in memory",
            "`reshape` copies where `view` cannot.",
        ),
    ]


def _row_lost(fn: Prototypes) -> str | None:
    """A class without a picture keeps its row; what stands there is left open."""
    features = torch.tensor([[1.0, 2.0], [3.0, 5.0], [7.0, 1.0], [5.0, 3.0]])
    for labels in ([0, 2, 0, 2], [1, 0, 1, 0], [1, 2, 2, 1]):
        places = torch.tensor(labels)
        found = fn(features.clone(), places.clone(), 4)
        shown = f"of 4 classes only {' and '.join(map(str, sorted(set(labels))))} have pictures"
        if not isinstance(found, Tensor) or found.shape != (4, 2):
            return (
                f"The numbers are right, but when {shown}, it returns {describe(found)} and not one of shape (4, 2). The "
                "docstring promises a row for each class: go by `ways`, not by the labels that are there."
            )
        right = prototypes(features, places, 4)
        if not torch.allclose(found[places].to(right.dtype), right[places], atol=1e-5):
            return (
                f"The numbers are right, but when {shown}, the rows of these two are wrong. A class's row is the one that "
                "its label numbers."
            )
    return None


def _members(labels: Tensor, ways: int) -> Tensor:
    return F.one_hot(labels, ways).float()


def _sum_over(divisor: Callable[[Tensor, int], Tensor | float]) -> Prototypes:
    """Each class's sum, divided by another number; divisor takes labels and ways."""
    return lambda features, labels, ways: _members(labels, ways).T @ features / divisor(labels, ways)


def _counts(labels: Tensor, ways: int) -> Tensor:
    return labels.bincount(minlength=ways)[:, None].float()


def _each(combine: Callable[[Tensor], Tensor]) -> Prototypes:
    """One prototype a class by another rule than the mean."""
    return lambda features, labels, ways: torch.stack([combine(features[labels == way]) for way in range(ways)])


def _in_blocks(features: Tensor, labels: Tensor, ways: int) -> Tensor:
    shots = len(features) // ways
    return features[: ways * shots].unflatten(0, (ways, shots)).mean(1)


def _equal_shares(features: Tensor, labels: Tensor, ways: int) -> Tensor:
    return _in_blocks(features[labels.argsort(stable=True)], labels, ways)


def _halved(own: Tensor) -> Tensor:
    mean = own[0]
    for feature in own[1:]:
        mean = (mean + feature) / 2
    return mean


def _as_they_appear(features: Tensor, labels: Tensor, ways: int) -> Tensor:
    return prototypes(features, labels, ways)[list(dict.fromkeys(labels.tolist()))]


def _not_stacked(features: Tensor, labels: Tensor, ways: int) -> list[Tensor]:
    return list(prototypes(features, labels, ways))


def _numbered(classes: Callable[[int], range]) -> Prototypes:
    return lambda features, labels, ways: torch.stack([features[labels == way].mean(0) for way in classes(ways)])


def _after_the_first(features: Tensor, labels: Tensor, ways: int) -> Tensor:
    return torch.cat([prototypes(features, labels, ways)[1:], torch.zeros(1, features.shape[1])])


def _only_first_row(features: Tensor, labels: Tensor, ways: int) -> Tensor:
    rows = prototypes(features, labels, ways)
    return torch.cat([rows[:1], torch.zeros_like(rows[1:])])


PROTOTYPES = Exercise(
    name="09.prototypes",
    title="A class is the mean of its pictures",
    points=2,
    reference=prototypes,
    learns=("features",),
    cases=_cases,
    wild=_wild,
    promises=(Promise("a-row-for-each-class", _row_lost),),
    hints=(
        "For one class: which rows of `features` belong to it? `labels == 2` is True for those of class 2, and can stand in "
        "square brackets.",
        "Their mean over the pictures is one row of the answer: which axis are the pictures? `torch.stack` puts the rows of "
        "all classes together.",
        "Without a loop: `F.one_hot(labels, ways)` is a matrix (pictures, ways) of whole numbers. Its transpose times the "
        "features adds up each class. How many ones stand in its columns?",
    ),
    misconceptions=(
        Misconception(
            _in_blocks,
            "The pictures are taken in blocks, as if they were sorted by class. They come in any order: go by the labels.",
            name="sorted-blocks",
        ),
        Misconception(
            lambda features, labels, ways: torch.stack([features[way::ways].mean(0) for way in range(ways)]),
            "Every so-many-th picture is taken, as if the classes took turns. They come in any order: go by the labels.",
            name="taking-turns",
        ),
        Misconception(
            lambda features, labels, ways: features[:ways],
            "These are the first pictures, one for each class number: a label says which class a picture is of, not where "
            "it stands. Compare `labels` with the class.",
            name="class-taken-for-a-place",
        ),
        Misconception(
            _equal_shares,
            "The pictures are sorted by class and then cut into equal parts. Classes may have different numbers: go by the "
            "labels.",
            name="equal-parts",
        ),
        Misconception(
            _each(lambda own: own.sum(0)),
            "This is the sum of a class's features, not their mean: with five shots it lies five times too far out.",
            name="sum",
        ),
        Misconception(
            _sum_over(lambda labels, ways: len(labels)),
            "Each sum is divided by the number of all pictures instead of those of its own class.",
            name="divided-by-all",
        ),
        Misconception(
            _sum_over(lambda labels, ways: len(labels) / ways),
            "Each sum is divided by the average number of pictures a class. Classes may have different numbers: count "
            "each class's own.",
            name="divided-by-the-average",
            also=(_sum_over(lambda labels, ways: len(labels) // ways),),
        ),
        Misconception(
            _sum_over(lambda labels, ways: ways),
            "Each sum is divided by the number of classes. A mean is divided by how many things were added up: the "
            "pictures of that class.",
            name="divided-by-ways",
        ),
        Misconception(
            _sum_over(lambda labels, ways: 5),
            "Each sum is divided by five, whatever the class. The notebook's five shots are an example: count.",
            name="five-shots-always",
        ),
        Misconception(
            _sum_over(lambda labels, ways: _counts(labels, ways)[0]),
            "All sums are divided by the same number, the count of one class. Classes may have different numbers: count "
            "each class's own.",
            name="one-count-for-all",
            also=(
                _sum_over(lambda labels, ways: _counts(labels, ways).max()),
                _sum_over(lambda labels, ways: _counts(labels, ways).min()),
                _sum_over(lambda labels, ways: _counts(labels, ways)[-1]),
            ),
        ),
        Misconception(
            _sum_over(lambda labels, ways: _counts(labels, ways) + 1),
            "Each sum is divided by one picture too many. If you start from zeros, they must not count as a picture.",
            name="one-too-many",
        ),
        Misconception(
            _sum_over(lambda labels, ways: _counts(labels, ways) - 1),
            "Each sum is divided by one picture too few, as for a variance. A mean is divided by the number of pictures.",
            name="one-too-few",
        ),
        Misconception(
            _each(lambda own: own[0]),
            "Only the first picture of each class counts. The prototype is the mean of all its shots.",
            name="first-picture",
        ),
        Misconception(
            _each(lambda own: own[-1]),
            "Only the last picture of each class is left: each one overwrites those before it. Add them up, then divide.",
            name="last-picture",
        ),
        Misconception(
            _each(lambda own: own[-1] / len(own)),
            "Only the last picture of each class is added. `out[labels] += features` adds once where a label comes "
            "several times; `index_add` adds every time.",
            name="added-once",
        ),
        Misconception(
            _each(_halved),
            "Each new picture counts for half, so that the first ones are almost forgotten. In a mean all count alike: add "
            "up first, divide once.",
            name="halved-each-time",
        ),
        Misconception(
            _each(lambda own: F.normalize(own.mean(0), dim=0)),
            "The means are brought to length one. Snell et al. compare Euclidean distances to the means as they are.",
            name="means-of-length-one",
        ),
        Misconception(
            _each(lambda own: F.normalize(own, dim=1).mean(0)),
            "The features are brought to length one before they are averaged. Snell et al. take them as they are.",
            name="features-of-length-one",
        ),
        Misconception(
            _each(lambda own: own.median(0).values),
            "This is the median. The mean is the point with the smallest sum of squared distances, which is what the "
            "next step measures.",
            name="median",
        ),
        Misconception(
            _each(lambda own: own.amax(0)),
            "The largest number of each feature is kept. The prototype is the mean.",
            name="largest",
        ),
        Misconception(
            _each(lambda own: own.amin(0)),
            "The smallest number of each feature is kept. The prototype is the mean.",
            name="smallest",
        ),
        Misconception(
            _sum_over(lambda labels, ways: _counts(labels, ways).sqrt()),
            "Each sum is divided by the root of the number of pictures. A mean is divided by the number itself.",
            name="divided-by-the-root",
        ),
        Misconception(
            lambda features, labels, ways: prototypes(features, labels, ways) - features.mean(0),
            "The mean of all pictures is taken off. Snell et al. take the class means as they are.",
            name="centred",
            also=(lambda features, labels, ways: prototypes(features - features.mean(0), labels, ways),),
        ),
        Misconception(
            lambda features, labels, ways: torch.stack([features[labels != way].mean(0) for way in range(ways)]),
            "This is the mean of all pictures that are *not* of the class. Compare with ==.",
            name="the-others",
        ),
        Misconception(
            _as_they_appear,
            "The classes stand in the order in which they first appear. Row k belongs to label k.",
            name="order-of-appearance",
        ),
        Misconception(
            _each(lambda own: own.mean()),
            "The mean runs over the features too, so that one number a class is left. Average over the pictures only.",
            name="mean-over-everything",
            also=(lambda features, labels, ways: prototypes(features, labels, ways).mean(1),),
        ),
        Misconception(
            _not_stacked,
            "The rows are right, but they come as a list. `torch.stack` makes one tensor of them.",
            name="not-stacked",
            also=(lambda features, labels, ways: tuple(prototypes(features, labels, ways)),),
        ),
        Misconception(
            _after_the_first,
            "The classes are counted from 1. Labels are 0 … ways - 1, and no picture is of class `ways`.",
            name="counted-from-one",
            also=(_numbered(lambda ways: range(1, ways + 1)),),
        ),
        Misconception(
            _numbered(lambda ways: range(ways - 1)),
            "The last class is missing. `range(ways)` ends before `ways`, and the largest label is ways - 1.",
            name="last-class-missing",
        ),
        Misconception(
            _numbered(lambda ways: range(1, ways)),
            "Class 0 is missing. Labels are 0 … ways - 1.",
            name="first-class-missing",
        ),
        Misconception(
            _numbered(lambda ways: range(5)),
            "There are five classes here, whatever `ways` is. The notebook's five are an example.",
            name="five-ways-always",
        ),
        Misconception(
            lambda features, labels, ways: prototypes(features, labels, ways)[labels],
            "This is a row for each picture: the prototype of its class. Asked for is one row for each class.",
            name="a-row-for-each-picture",
        ),
        Misconception(
            _only_first_row,
            "Only the first class is computed. Look at where your `return` stands: after the loop, not in it.",
            name="first-class-only",
            also=(
                lambda features, labels, ways: prototypes(features, labels, ways)[0],
                lambda features, labels, ways: prototypes(features, labels, ways)[:1],
            ),
        ),
    ),
)
