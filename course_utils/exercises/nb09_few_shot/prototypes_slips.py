"""Class means with one of their steps replaced, as students write them."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.few_shot.episodes import prototypes

Prototypes = Callable[[Tensor, Tensor, int], Tensor]


def members(labels: Tensor, ways: int) -> Tensor:
    """Ones where an image is of a class: (images, ways)."""
    return F.one_hot(labels, ways).float()


def sum_over(divisor: Callable[[Tensor, int], Tensor | float]) -> Prototypes:
    """Each class's sum, divided by another number; divisor takes labels and ways."""
    return lambda features, labels, ways: members(labels, ways).T @ features / divisor(labels, ways)


def counts(labels: Tensor, ways: int) -> Tensor:
    """The number of images per class."""
    return labels.bincount(minlength=ways)[:, None].float()


def each(combine: Callable[[Tensor], Tensor]) -> Prototypes:
    """One prototype per class by another rule than the mean."""
    return lambda features, labels, ways: torch.stack([combine(features[labels == way]) for way in range(ways)])


def in_blocks(features: Tensor, labels: Tensor, ways: int) -> Tensor:
    """As if the images were sorted."""
    shots = len(features) // ways
    return features[: ways * shots].unflatten(0, (ways, shots)).mean(1)


def equal_shares(features: Tensor, labels: Tensor, ways: int) -> Tensor:
    """Sorted, and cut into equal parts."""
    return in_blocks(features[labels.argsort(stable=True)], labels, ways)


def halved(own: Tensor) -> Tensor:
    """Each new image counts for half."""
    mean = own[0]
    for feature in own[1:]:
        mean = (mean + feature) / 2
    return mean


def as_they_appear(features: Tensor, labels: Tensor, ways: int) -> Tensor:
    """The classes in the order of their first appearance."""
    return prototypes(features, labels, ways)[list(dict.fromkeys(labels.tolist()))]


def not_stacked(features: Tensor, labels: Tensor, ways: int) -> list[Tensor]:
    """A list of rows."""
    return list(prototypes(features, labels, ways))


def numbered(classes: Callable[[int], range]) -> Prototypes:
    """The means of other classes."""
    return lambda features, labels, ways: torch.stack([features[labels == way].mean(0) for way in classes(ways)])


def after_the_first(features: Tensor, labels: Tensor, ways: int) -> Tensor:
    """Classes counted from 1."""
    return torch.cat([prototypes(features, labels, ways)[1:], torch.zeros(1, features.shape[1])])


def only_first_row(features: Tensor, labels: Tensor, ways: int) -> Tensor:
    """The first class, and zeros."""
    rows = prototypes(features, labels, ways)
    return torch.cat([rows[:1], torch.zeros_like(rows[1:])])


def zeros_left_out(least: int) -> Prototypes:
    """Divided by the number of features that are not zero, but at least by least."""

    def wrong(features: Tensor, labels: Tensor, ways: int) -> Tensor:
        own = features * members(labels, ways).T[:, :, None]
        return own.sum(1) / (own != 0).sum(1).clamp(min=least)

    return wrong


def means_of_runs(features: Tensor, labels: Tensor, ways: int) -> Tensor:
    """The mean of each run of equal labels."""
    lengths = labels.unique_consecutive(return_counts=True)[1]
    return torch.stack([run.mean(0) for run in features.split(lengths.tolist())])


def over_runs(features: Tensor, labels: Tensor, ways: int) -> Tensor:
    """Each class's sum, divided by the length of some run."""
    lengths = labels.unique_consecutive(return_counts=True)[1]
    return members(labels, ways).T @ features / lengths[:ways, None]


def shares(axis: int, divided: int = 0) -> Prototypes:
    """Weighted with a softmax of the one-hot labels; divided by each class's number of images to that power."""
    return lambda features, labels, ways: (
        members(labels, ways).softmax(axis).T @ features / counts(labels, ways) ** divided
    )


def one_number(features: Tensor, labels: Tensor, ways: int) -> Tensor:
    """The mean over images and features, instead of every feature."""
    rows = prototypes(features, labels, ways)
    return rows.mean(1, keepdim=True).expand_as(rows)
