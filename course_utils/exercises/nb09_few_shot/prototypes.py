"""A class as the mean of its few images."""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.compare import describe
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Promise, Wild
from course_utils.exercises.nb09_few_shot import prototypes_slips as slips
from course_utils.exercises.promises import named
from course_utils.few_shot.episodes import prototypes


def _labelled(g: Generator, shots: list[int], dim: int) -> Arguments:
    """Features and labels of a given number of images per class, in mixed order."""
    labels = torch.arange(len(shots)).repeat_interleave(torch.tensor(shots))
    labels = labels[torch.randperm(len(labels), generator=g)]
    return torch.randn(len(labels), dim, generator=g) + 1, labels, len(shots)


def _cases(g: Generator) -> list[Arguments]:
    """In the last two cases, classes differ in their number of images; in the last, many features are 0, as after
    ReLU."""
    sizes = (([2, 2, 2], 4), ([5] * 5, 8), ([5, 3, 6, 2], 6), ([1, 4, 7], 5))
    features, labels, ways = _labelled(g, [5, 7, 3], 6)
    return [*(_labelled(g, shots, dim) for shots, dim in sizes), ((features - 1).relu(), labels, ways)]


def _wild(g: Generator) -> list[Wild]:
    features, labels, ways = _labelled(g, [3, 1, 2], 4)
    return [
        Wild(
            "one-shot",
            _labelled(g, [1] * 6, 3),
            "every class has one image (K-way-1-shot)",
            "Its prototype is that image's feature vector: look for a squeeze or an index that removes an axis.",
        ),
        Wild(
            "transposed-memory",
            (features.mT.contiguous().mT, labels, ways),
            "the features are a transposed view, in another memory order",
            "`reshape` copies where `view` cannot.",
        ),
    ]


def _row_lost(fn: slips.Prototypes) -> str | None:
    """Whether a class without images still has a row; its contents do not matter."""
    features = torch.tensor([[1.0, 2.0], [3.0, 5.0], [7.0, 1.0], [5.0, 3.0]])
    for labels in ([0, 2, 0, 2], [1, 0, 1, 0], [1, 2, 2, 1]):
        places = torch.tensor(labels)
        shown = f"only classes {' and '.join(map(str, sorted(set(labels))))} of 4 have images"
        try:
            found = fn(features.clone(), places.clone(), 4)
        except Exception as error:
            return (
                f"The numbers are right, but when {shown}, it raises {named(error)}. The docstring "
                "promises one row per class: use `ways`, not the labels in the batch."
            )
        if not isinstance(found, Tensor) or found.shape != (4, 2):
            return (
                f"The numbers are right, but when {shown}, it returns {describe(found)} instead of one of shape (4, "
                "2). The docstring promises one row per class: use `ways`, not the labels in the batch."
            )
        right = prototypes(features, places, 4)
        if not torch.allclose(found[places].to(right.dtype), right[places], atol=1e-5):
            return f"The numbers are right, but when {shown}, the rows of these two are wrong. Row k is for label k."
    return None


PROTOTYPES = Exercise(
    name="09.prototypes",
    title="A class is the mean of its images",
    points=2,
    reference=prototypes,
    learns=("features",),
    cases=_cases,
    wild=_wild,
    promises=(Promise("a-row-for-each-class", _row_lost),),
    hints=(
        "For one class: which rows of `features` belong to it? `labels == 2` is True for those of class 2, and you "
        "can use it as an index.",
        "Their mean over the images is one row of the result: which axis are the images? `torch.stack` combines the "
        "rows of all classes.",
        "Without a loop: `F.one_hot(labels, ways).….mT @ features` sums the features of each class, if the dots "
        "convert integers to floats. How many ones are in a column of the matrix (images, ways)?",
    ),
    misconceptions=(
        Misconception(
            "sorted-blocks",
            "The images are taken in blocks, as if they were sorted by class. They are in any order: use the labels.",
            slips.in_blocks,
        ),
        Misconception(
            "taking-turns",
            "Every `ways`-th image is taken, as if the classes alternated. They are in any order: use the labels.",
            lambda features, labels, ways: torch.stack([features[way::ways].mean(0) for way in range(ways)]),
        ),
        Misconception(
            "class-taken-for-a-place",
            "These are the first images, one per class index: a label is the class of an image, not its position. "
            "Compare `labels` with the class.",
            lambda features, labels, ways: features[:ways],
        ),
        Misconception(
            "equal-parts",
            "The images are sorted by class and then split into equal parts. Classes may have different numbers of "
            "images: use the labels.",
            slips.equal_shares,
        ),
        Misconception(
            "sum",
            "This is the sum of a class's features, not their mean: with five shots it is five times too large.",
            slips.each(lambda own: own.sum(0)),
        ),
        Misconception(
            "divided-by-all",
            "Each sum is divided by the number of all images instead of those of its own class.",
            slips.sum_over(lambda labels, ways: len(labels)),
        ),
        Misconception(
            "divided-by-the-average",
            "Each sum is divided by the average number of images per class. Classes may have different numbers: "
            "count the images of each class.",
            slips.sum_over(lambda labels, ways: len(labels) / ways),
            slips.sum_over(lambda labels, ways: len(labels) // ways),
        ),
        Misconception(
            "divided-by-ways",
            "Each sum is divided by the number of classes. Divide by the number of images of that class.",
            slips.sum_over(lambda labels, ways: ways),
        ),
        Misconception(
            "divided-by-dim",
            "Each sum is divided by the number of features. Divide by the number of images of that class.",
            lambda features, labels, ways: slips.members(labels, ways).T @ features / features.shape[1],
        ),
        Misconception(
            "zeros-not-counted",
            "Features that are exactly zero are not counted. Divide by the number of images of the class.",
            slips.zeros_left_out(0),
            slips.zeros_left_out(1),
        ),
        Misconception(
            "runs-for-classes",
            "Runs of equal labels are treated as classes, as with `unique_consecutive`. But the images are in any "
            "order, and those of a class need not be adjacent.",
            slips.means_of_runs,
            slips.over_runs,
            lambda features, labels, ways: slips.means_of_runs(features, labels, ways)[:ways],
            lambda features, labels, ways: prototypes(features, labels, ways)[labels.unique_consecutive()],
            lambda features, labels, ways: prototypes(features, labels, ways)[labels.unique_consecutive()][:ways],
        ),
        Misconception(
            "softmax-of-the-members",
            "A softmax is applied to the one-hot labels, so every image gets a weight in every class. An image "
            "should count only in its own class, with the same weight as the others.",
            slips.shares(0),
            slips.shares(1),
            slips.shares(0, 1),
            slips.shares(1, 1),
        ),
        Misconception(
            "five-shots-always",
            "Each sum is divided by five. The notebook's five shots are only an example: count the images of each "
            "class.",
            slips.sum_over(lambda labels, ways: 5),
        ),
        Misconception(
            "one-count-for-all",
            "All sums are divided by the count of one class. Classes may have different numbers of images: count the "
            "images of each class.",
            slips.sum_over(lambda labels, ways: slips.counts(labels, ways)[0]),
            slips.sum_over(lambda labels, ways: slips.counts(labels, ways).max()),
            slips.sum_over(lambda labels, ways: slips.counts(labels, ways).min()),
            slips.sum_over(lambda labels, ways: slips.counts(labels, ways)[-1]),
        ),
        Misconception(
            "one-too-many",
            "Each divisor is one too large. If you start with zeros, do not count them as an image.",
            slips.sum_over(lambda labels, ways: slips.counts(labels, ways) + 1),
        ),
        Misconception(
            "one-too-few",
            "Each divisor is one too small, as for a variance. Divide by the number of images.",
            slips.sum_over(lambda labels, ways: slips.counts(labels, ways) - 1),
        ),
        Misconception(
            "first-picture",
            "Only the first image of each class counts. The prototype is the mean of all its shots.",
            slips.each(lambda own: own[0]),
        ),
        Misconception(
            "last-picture",
            "Only the last image of each class is left: each one overwrites those before it. Sum them, then divide.",
            slips.each(lambda own: own[-1]),
        ),
        Misconception(
            "added-once",
            "Only the last image of each class is added. `out[labels] += features` adds only once if a label occurs "
            "several times; `index_add` adds every time.",
            slips.each(lambda own: own[-1] / len(own)),
        ),
        Misconception(
            "halved-each-time",
            "Each new image gets weight one half, so the first ones hardly count. In a mean, all have equal weight: "
            "sum first, divide once.",
            slips.each(slips.halved),
        ),
        Misconception(
            "means-of-length-one",
            "The means are scaled to length one. Snell et al. use Euclidean distances to the unscaled means.",
            slips.each(lambda own: F.normalize(own.mean(0), dim=0)),
        ),
        Misconception(
            "features-of-length-one",
            "The features are scaled to length one before they are averaged. Snell et al. do not scale them.",
            slips.each(lambda own: F.normalize(own, dim=1).mean(0)),
        ),
        Misconception(
            "median",
            "This is the median. Use the mean, the point with the smallest sum of squared distances, because the "
            "next step uses squared distances.",
            slips.each(lambda own: own.median(0).values),
        ),
        Misconception(
            "largest",
            "You take the maximum of each feature. The prototype is the mean.",
            slips.each(lambda own: own.amax(0)),
        ),
        Misconception(
            "smallest",
            "You take the minimum of each feature. The prototype is the mean.",
            slips.each(lambda own: own.amin(0)),
        ),
        Misconception(
            "divided-by-the-root",
            "Each sum is divided by the root of the number of images. Divide by the number itself.",
            slips.sum_over(lambda labels, ways: slips.counts(labels, ways).sqrt()),
        ),
        Misconception(
            "centred",
            "The mean of all images is subtracted. Snell et al. do not subtract it.",
            lambda features, labels, ways: prototypes(features, labels, ways) - features.mean(0),
            lambda features, labels, ways: prototypes(features - features.mean(0), labels, ways),
        ),
        Misconception(
            "the-others",
            "This is the mean of all images that are *not* of the class. Compare with ==.",
            lambda features, labels, ways: torch.stack([features[labels != way].mean(0) for way in range(ways)]),
        ),
        Misconception(
            "order-of-appearance",
            "The classes are in the order of their first appearance. Row k is for label k.",
            slips.as_they_appear,
        ),
        Misconception(
            "mean-over-everything",
            "The mean runs over the features too, so each class has a single number. Average over the images only.",
            slips.each(lambda own: own.mean()),
            lambda features, labels, ways: prototypes(features, labels, ways).mean(1),
            slips.one_number,
        ),
        Misconception(
            "not-stacked",
            "The rows are right, but they are a list. Make one tensor with `torch.stack`.",
            slips.not_stacked,
            lambda features, labels, ways: tuple(prototypes(features, labels, ways)),
        ),
        Misconception(
            "counted-from-one",
            "The classes are counted from 1. Labels are 0 … ways - 1, and no image is of class `ways`.",
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
            "There are always five classes. The notebook's five are only an example: use `ways`.",
            slips.numbered(lambda ways: range(5)),
        ),
        Misconception(
            "a-row-for-each-picture",
            "There is one row per image: the prototype of its class. Return one row per class.",
            lambda features, labels, ways: prototypes(features, labels, ways)[labels],
        ),
        Misconception(
            "first-class-only",
            "Only the first class is computed. If you use a loop, put the `return` after it, not inside.",
            slips.only_first_row,
            lambda features, labels, ways: prototypes(features, labels, ways)[0],
            lambda features, labels, ways: prototypes(features, labels, ways)[:1],
        ),
    ),
)
