"""A class as the mean of its few pictures."""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.compare import describe
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Promise, Wild
from course_utils.exercises.nb09_few_shot import prototypes_slips as slips
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


def _row_lost(fn: slips.Prototypes) -> str | None:
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
            "sorted-blocks",
            "The pictures are taken in blocks, as if they were sorted by class. They come in any order: go by the labels.",
            slips.in_blocks,
        ),
        Misconception(
            "taking-turns",
            "Every `ways`-th picture is taken, as if the classes took turns. They come in any order: go by the labels.",
            lambda features, labels, ways: torch.stack([features[way::ways].mean(0) for way in range(ways)]),
        ),
        Misconception(
            "class-taken-for-a-place",
            "These are the first pictures, one for each class number: a label says which class a picture is of, not where "
            "it stands. Compare `labels` with the class.",
            lambda features, labels, ways: features[:ways],
        ),
        Misconception(
            "equal-parts",
            "The pictures are sorted by class and then cut into equal parts. Classes may have different numbers of "
            "pictures: go by the labels.",
            slips.equal_shares,
        ),
        Misconception(
            "sum",
            "This is the sum of a class's features, not their mean: with five shots it is five times too large.",
            slips.each(lambda own: own.sum(0)),
        ),
        Misconception(
            "divided-by-all",
            "Each sum is divided by the number of all pictures instead of those of its own class.",
            slips.sum_over(lambda labels, ways: len(labels)),
        ),
        Misconception(
            "divided-by-the-average",
            "Each sum is divided by the average number of pictures per class. Classes may have different numbers: count "
            "those of each class.",
            slips.sum_over(lambda labels, ways: len(labels) / ways),
            slips.sum_over(lambda labels, ways: len(labels) // ways),
        ),
        Misconception(
            "divided-by-ways",
            "Each sum is divided by the number of classes. A mean is divided by how many things were added up: the "
            "pictures of that class.",
            slips.sum_over(lambda labels, ways: ways),
        ),
        Misconception(
            "divided-by-dim",
            "Each sum is divided by the number of features. A mean is divided by how many things were added up: the "
            "pictures of that class.",
            lambda features, labels, ways: slips.members(labels, ways).T @ features / features.shape[1],
        ),
        Misconception(
            "zeros-not-counted",
            "Features that are exactly zero are not counted. Divide by the number of pictures of the class, whatever their "
            "features are.",
            slips.zeros_left_out(0),
            slips.zeros_left_out(1),
        ),
        Misconception(
            "runs-for-classes",
            "Runs of equal labels are taken for classes, as `unique_consecutive` finds them. But the pictures come in any "
            "order, and those of a class need not stand together.",
            slips.means_of_runs,
            slips.over_runs,
            lambda features, labels, ways: slips.means_of_runs(features, labels, ways)[:ways],
            lambda features, labels, ways: prototypes(features, labels, ways)[labels.unique_consecutive()],
            lambda features, labels, ways: prototypes(features, labels, ways)[labels.unique_consecutive()][:ways],
        ),
        Misconception(
            "softmax-of-the-members",
            "A softmax is taken of who belongs to which class, and it gives every picture a share in every class. A "
            "picture should count in its own class only, and there like every other.",
            slips.shares(0),
            slips.shares(1),
            slips.shares(0, 1),
            slips.shares(1, 1),
        ),
        Misconception(
            "five-shots-always",
            "Each sum is divided by five, whatever the class. The notebook's five shots are an example: count.",
            slips.sum_over(lambda labels, ways: 5),
        ),
        Misconception(
            "one-count-for-all",
            "All sums are divided by the same number, the count of one class. Classes may have different numbers of "
            "pictures: count those of each class.",
            slips.sum_over(lambda labels, ways: slips.counts(labels, ways)[0]),
            slips.sum_over(lambda labels, ways: slips.counts(labels, ways).max()),
            slips.sum_over(lambda labels, ways: slips.counts(labels, ways).min()),
            slips.sum_over(lambda labels, ways: slips.counts(labels, ways)[-1]),
        ),
        Misconception(
            "one-too-many",
            "Each sum is divided by one picture too many. If you start from zeros, these must not count as a picture.",
            slips.sum_over(lambda labels, ways: slips.counts(labels, ways) + 1),
        ),
        Misconception(
            "one-too-few",
            "Each sum is divided by one picture too few, as for a variance. A mean is divided by the number of pictures.",
            slips.sum_over(lambda labels, ways: slips.counts(labels, ways) - 1),
        ),
        Misconception(
            "first-picture",
            "Only the first picture of each class counts. The prototype is the mean of all its shots.",
            slips.each(lambda own: own[0]),
        ),
        Misconception(
            "last-picture",
            "Only the last picture of each class is left: each one overwrites those before it. Add them up, then divide.",
            slips.each(lambda own: own[-1]),
        ),
        Misconception(
            "added-once",
            "Only the last picture of each class is added. `out[labels] += features` adds just once where a label occurs "
            "several times; `index_add` adds every time.",
            slips.each(lambda own: own[-1] / len(own)),
        ),
        Misconception(
            "halved-each-time",
            "Each new picture counts for half, so that the first ones are almost forgotten. In a mean all count alike: add "
            "up first, divide once.",
            slips.each(slips.halved),
        ),
        Misconception(
            "means-of-length-one",
            "The means are scaled to length one. Snell et al. compare Euclidean distances to the means as they are.",
            slips.each(lambda own: F.normalize(own.mean(0), dim=0)),
        ),
        Misconception(
            "features-of-length-one",
            "The features are scaled to length one before they are averaged. Snell et al. take them as they are.",
            slips.each(lambda own: F.normalize(own, dim=1).mean(0)),
        ),
        Misconception(
            "median",
            "This is the median. The mean is the point with the smallest sum of squared distances, which is what the "
            "next step measures.",
            slips.each(lambda own: own.median(0).values),
        ),
        Misconception(
            "largest",
            "The largest number of each feature is kept. The prototype is the mean.",
            slips.each(lambda own: own.amax(0)),
        ),
        Misconception(
            "smallest",
            "The smallest number of each feature is kept. The prototype is the mean.",
            slips.each(lambda own: own.amin(0)),
        ),
        Misconception(
            "divided-by-the-root",
            "Each sum is divided by the root of the number of pictures. A mean is divided by the number itself.",
            slips.sum_over(lambda labels, ways: slips.counts(labels, ways).sqrt()),
        ),
        Misconception(
            "centred",
            "The mean of all pictures is subtracted. Snell et al. take the class means as they are.",
            lambda features, labels, ways: prototypes(features, labels, ways) - features.mean(0),
            lambda features, labels, ways: prototypes(features - features.mean(0), labels, ways),
        ),
        Misconception(
            "the-others",
            "This is the mean of all pictures that are *not* of the class. Compare with ==.",
            lambda features, labels, ways: torch.stack([features[labels != way].mean(0) for way in range(ways)]),
        ),
        Misconception(
            "order-of-appearance",
            "The classes stand in the order in which they first appear. Row k belongs to label k.",
            slips.as_they_appear,
        ),
        Misconception(
            "mean-over-everything",
            "The mean runs over the features too, so that each class has a single number. Average over the pictures only.",
            slips.each(lambda own: own.mean()),
            lambda features, labels, ways: prototypes(features, labels, ways).mean(1),
            slips.one_number,
        ),
        Misconception(
            "not-stacked",
            "The rows are right, but they come as a list. `torch.stack` makes one tensor of them.",
            slips.not_stacked,
            lambda features, labels, ways: tuple(prototypes(features, labels, ways)),
        ),
        Misconception(
            "counted-from-one",
            "The classes are counted from 1. Labels are 0 … ways - 1, and no picture is of class `ways`.",
            slips.after_the_first,
            slips.numbered(lambda ways: range(1, ways + 1)),
        ),
        Misconception(
            "last-class-missing",
            "The last class is missing. The labels are 0 … ways - 1, and `range(ways)` gives exactly these.",
            slips.numbered(lambda ways: range(ways - 1)),
        ),
        Misconception(
            "first-class-missing",
            "Class 0 is missing. Labels are 0 … ways - 1.",
            slips.numbered(lambda ways: range(1, ways)),
        ),
        Misconception(
            "five-ways-always",
            "There are always five classes here, whatever `ways` is. The notebook's five are an example.",
            slips.numbered(lambda ways: range(5)),
        ),
        Misconception(
            "a-row-for-each-picture",
            "There is a row for each picture: the prototype of its class. One row for each class is asked for.",
            lambda features, labels, ways: prototypes(features, labels, ways)[labels],
        ),
        Misconception(
            "first-class-only",
            "Only the first class is computed. If you use a loop, look at where your `return` stands: it belongs after the "
            "loop, not inside.",
            slips.only_first_row,
            lambda features, labels, ways: prototypes(features, labels, ways)[0],
            lambda features, labels, ways: prototypes(features, labels, ways)[:1],
        ),
    ),
)
