"""A class as the mean of its few pictures."""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.compare import describe
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Promise, Wild
from course_utils.exercises.nb09_few_shot.prototypes_slips import (
    Prototypes,
    after_the_first,
    as_they_appear,
    counts,
    each,
    equal_shares,
    halved,
    in_blocks,
    means_of_runs,
    members,
    not_stacked,
    numbered,
    one_number,
    only_first_row,
    over_runs,
    shares,
    sum_over,
    zeros_left_out,
)
from course_utils.exercises.own_code import message_of
from course_utils.few_shot.episodes import prototypes


def _labelled(g: Generator, shots: list[int], dim: int) -> Arguments:
    """Features and labels of so many pictures of each class, in mixed order."""
    labels = torch.arange(len(shots)).repeat_interleave(torch.tensor(shots))
    labels = labels[torch.randperm(len(labels), generator=g)]
    return torch.randn(len(labels), dim, generator=g) + 1, labels, len(shots)


def _cases(g: Generator) -> list[Arguments]:
    """In the last ones some classes have more pictures than others; in the very last many features are 0, as by ReLU."""
    sizes = (([2, 2, 2], 4), ([5] * 5, 8), ([5, 3, 6, 2], 6), ([1, 4, 7], 5))
    features, labels, ways = _labelled(g, [5, 7, 3], 6)
    return [*(_labelled(g, shots, dim) for shots, dim in sizes), ((features - 1).relu(), labels, ways)]


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
    """A class without pictures still has a row; what stands there is left open."""
    features = torch.tensor([[1.0, 2.0], [3.0, 5.0], [7.0, 1.0], [5.0, 3.0]])
    for labels in ([0, 2, 0, 2], [1, 0, 1, 0], [1, 2, 2, 1]):
        places = torch.tensor(labels)
        shown = f"only {' and '.join(map(str, sorted(set(labels))))} of 4 classes have pictures"
        try:
            found = fn(features.clone(), places.clone(), 4)
        except Exception as error:
            said = f" ({message_of(error).splitlines()[0][:120]})" if message_of(error) else ""
            return (
                f"The numbers are right, but when {shown}, it raises {type(error).__name__}{said}. The docstring promises "
                "a row for each class: go by `ways`, not by the labels that are there."
            )
        if not isinstance(found, Tensor) or found.shape != (4, 2):
            return (
                f"The numbers are right, but when {shown}, it returns {describe(found)} and not one of shape (4, 2). The "
                "docstring promises a row for each class: go by `ways`, not by the labels that are there."
            )
        right = prototypes(features, places, 4)
        if not torch.allclose(found[places].to(right.dtype), right[places], atol=1e-5):
            return (
                f"The numbers are right, but when {shown}, the rows of these two are wrong. Row k belongs to the class "
                "with label k."
            )
    return None


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
        "Without a loop: `F.one_hot(labels, ways).….mT @ features` adds up the features of each class, once "
        "the dots turn whole numbers into floats. How many ones stand in a column of the matrix (pictures, "
        "ways)?",
    ),
    misconceptions=(
        Misconception(
            in_blocks,
            "The pictures are taken in blocks, as if they were sorted by class. They come in any order: go by the labels.",
            name="sorted-blocks",
        ),
        Misconception(
            lambda features, labels, ways: torch.stack([features[way::ways].mean(0) for way in range(ways)]),
            "Every `ways`-th picture is taken, as if the classes took turns. They come in any order: go by the labels.",
            name="taking-turns",
        ),
        Misconception(
            lambda features, labels, ways: features[:ways],
            "These are the first pictures, one for each class number: a label says which class a picture is of, not where "
            "it stands. Compare `labels` with the class.",
            name="class-taken-for-a-place",
        ),
        Misconception(
            equal_shares,
            "The pictures are sorted by class and then cut into equal parts. Classes may have different numbers of "
            "pictures: go by the labels.",
            name="equal-parts",
        ),
        Misconception(
            each(lambda own: own.sum(0)),
            "This is the sum of a class's features, not their mean: with five shots it is five times too large.",
            name="sum",
        ),
        Misconception(
            sum_over(lambda labels, ways: len(labels)),
            "Each sum is divided by the number of all pictures instead of those of its own class.",
            name="divided-by-all",
        ),
        Misconception(
            sum_over(lambda labels, ways: len(labels) / ways),
            "Each sum is divided by the average number of pictures per class. Classes may have different numbers: count "
            "those of each class.",
            name="divided-by-the-average",
            also=(sum_over(lambda labels, ways: len(labels) // ways),),
        ),
        Misconception(
            sum_over(lambda labels, ways: ways),
            "Each sum is divided by the number of classes. A mean is divided by how many things were added up: the "
            "pictures of that class.",
            name="divided-by-ways",
        ),
        Misconception(
            lambda features, labels, ways: members(labels, ways).T @ features / features.shape[1],
            "Each sum is divided by the number of features. A mean is divided by how many things were added up: the "
            "pictures of that class.",
            name="divided-by-dim",
        ),
        Misconception(
            zeros_left_out(0),
            "Features that are exactly zero are not counted. Divide by the number of pictures of the class, whatever their "
            "features are.",
            name="zeros-not-counted",
            also=(zeros_left_out(1),),
        ),
        Misconception(
            means_of_runs,
            "Runs of equal labels are taken for classes, as `unique_consecutive` finds them. But the pictures come in any "
            "order, and those of a class need not stand together.",
            name="runs-for-classes",
            also=(
                over_runs,
                lambda features, labels, ways: means_of_runs(features, labels, ways)[:ways],
                lambda features, labels, ways: prototypes(features, labels, ways)[labels.unique_consecutive()],
                lambda features, labels, ways: prototypes(features, labels, ways)[labels.unique_consecutive()][:ways],
            ),
        ),
        Misconception(
            shares(0),
            "A softmax is taken of who belongs to which class, and it gives every picture a share in every class. A "
            "picture should count in its own class only, and there like every other.",
            name="softmax-of-the-members",
            also=(shares(1), shares(0, 1), shares(1, 1)),
        ),
        Misconception(
            sum_over(lambda labels, ways: 5),
            "Each sum is divided by five, whatever the class. The notebook's five shots are an example: count.",
            name="five-shots-always",
        ),
        Misconception(
            sum_over(lambda labels, ways: counts(labels, ways)[0]),
            "All sums are divided by the same number, the count of one class. Classes may have different numbers of "
            "pictures: count those of each class.",
            name="one-count-for-all",
            also=(
                sum_over(lambda labels, ways: counts(labels, ways).max()),
                sum_over(lambda labels, ways: counts(labels, ways).min()),
                sum_over(lambda labels, ways: counts(labels, ways)[-1]),
            ),
        ),
        Misconception(
            sum_over(lambda labels, ways: counts(labels, ways) + 1),
            "Each sum is divided by one picture too many. If you start from zeros, these must not count as a picture.",
            name="one-too-many",
        ),
        Misconception(
            sum_over(lambda labels, ways: counts(labels, ways) - 1),
            "Each sum is divided by one picture too few, as for a variance. A mean is divided by the number of pictures.",
            name="one-too-few",
        ),
        Misconception(
            each(lambda own: own[0]),
            "Only the first picture of each class counts. The prototype is the mean of all its shots.",
            name="first-picture",
        ),
        Misconception(
            each(lambda own: own[-1]),
            "Only the last picture of each class is left: each one overwrites those before it. Add them up, then divide.",
            name="last-picture",
        ),
        Misconception(
            each(lambda own: own[-1] / len(own)),
            "Only the last picture of each class is added. `out[labels] += features` adds just once where a label occurs "
            "several times; `index_add` adds every time.",
            name="added-once",
        ),
        Misconception(
            each(halved),
            "Each new picture counts for half, so that the first ones are almost forgotten. In a mean all count alike: add "
            "up first, divide once.",
            name="halved-each-time",
        ),
        Misconception(
            each(lambda own: F.normalize(own.mean(0), dim=0)),
            "The means are scaled to length one. Snell et al. compare Euclidean distances to the means as they are.",
            name="means-of-length-one",
        ),
        Misconception(
            each(lambda own: F.normalize(own, dim=1).mean(0)),
            "The features are scaled to length one before they are averaged. Snell et al. take them as they are.",
            name="features-of-length-one",
        ),
        Misconception(
            each(lambda own: own.median(0).values),
            "This is the median. The mean is the point with the smallest sum of squared distances, which is what the "
            "next step measures.",
            name="median",
        ),
        Misconception(
            each(lambda own: own.amax(0)),
            "The largest number of each feature is kept. The prototype is the mean.",
            name="largest",
        ),
        Misconception(
            each(lambda own: own.amin(0)),
            "The smallest number of each feature is kept. The prototype is the mean.",
            name="smallest",
        ),
        Misconception(
            sum_over(lambda labels, ways: counts(labels, ways).sqrt()),
            "Each sum is divided by the root of the number of pictures. A mean is divided by the number itself.",
            name="divided-by-the-root",
        ),
        Misconception(
            lambda features, labels, ways: prototypes(features, labels, ways) - features.mean(0),
            "The mean of all pictures is subtracted. Snell et al. take the class means as they are.",
            name="centred",
            also=(lambda features, labels, ways: prototypes(features - features.mean(0), labels, ways),),
        ),
        Misconception(
            lambda features, labels, ways: torch.stack([features[labels != way].mean(0) for way in range(ways)]),
            "This is the mean of all pictures that are *not* of the class. Compare with ==.",
            name="the-others",
        ),
        Misconception(
            as_they_appear,
            "The classes stand in the order in which they first appear. Row k belongs to label k.",
            name="order-of-appearance",
        ),
        Misconception(
            each(lambda own: own.mean()),
            "The mean runs over the features too, so that each class has a single number. Average over the pictures only.",
            name="mean-over-everything",
            also=(lambda features, labels, ways: prototypes(features, labels, ways).mean(1), one_number),
        ),
        Misconception(
            not_stacked,
            "The rows are right, but they come as a list. `torch.stack` makes one tensor of them.",
            name="not-stacked",
            also=(lambda features, labels, ways: tuple(prototypes(features, labels, ways)),),
        ),
        Misconception(
            after_the_first,
            "The classes are counted from 1. Labels are 0 … ways - 1, and no picture is of class `ways`.",
            name="counted-from-one",
            also=(numbered(lambda ways: range(1, ways + 1)),),
        ),
        Misconception(
            numbered(lambda ways: range(ways - 1)),
            "The last class is missing. The labels are 0 … ways - 1, and `range(ways)` gives exactly these.",
            name="last-class-missing",
        ),
        Misconception(
            numbered(lambda ways: range(1, ways)),
            "Class 0 is missing. Labels are 0 … ways - 1.",
            name="first-class-missing",
        ),
        Misconception(
            numbered(lambda ways: range(5)),
            "There are always five classes here, whatever `ways` is. The notebook's five are an example.",
            name="five-ways-always",
        ),
        Misconception(
            lambda features, labels, ways: prototypes(features, labels, ways)[labels],
            "There is a row for each picture: the prototype of its class. One row for each class is asked for.",
            name="a-row-for-each-picture",
        ),
        Misconception(
            only_first_row,
            "Only the first class is computed. If you use a loop, look at where your `return` stands: it belongs after the "
            "loop, not inside.",
            name="first-class-only",
            also=(
                lambda features, labels, ways: prototypes(features, labels, ways)[0],
                lambda features, labels, ways: prototypes(features, labels, ways)[:1],
            ),
        ),
    ),
)
