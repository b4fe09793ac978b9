"""A class as the mean of its few pictures, and the nearest one."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.few_shot import prototype_logits, prototypes


def _support(g: Generator) -> list[Arguments]:
    """Labelled features in mixed order; in the last case some classes have more pictures than others."""
    cases: list[Arguments] = []
    for ways, shots, dim in ((3, 2, 4), (5, 5, 8), (4, 3, 6)):
        labels = torch.arange(ways).repeat_interleave(shots)
        if len(cases) == 2:
            labels = torch.cat([labels, torch.tensor([0, 0, 2])])
        labels = labels[torch.randperm(len(labels), generator=g)]
        features = torch.randn(len(labels), dim, generator=g) + 1
        cases.append((features, labels, ways))
    return cases


def _sorted_blocks(features: Tensor, labels: Tensor, ways: int) -> Tensor:
    shots = len(features) // ways
    return features[: ways * shots].unflatten(0, (ways, shots)).mean(1)


def _each(combine: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """One prototype a class by another rule than the mean."""

    def wrong(features: Tensor, labels: Tensor, ways: int) -> Tensor:
        return torch.stack([combine(features[labels == way]) for way in range(ways)])

    return wrong


PROTOTYPES = Exercise(
    name="09.prototypes",
    title="A class is the mean of its pictures",
    points=2,
    reference=prototypes,
    learns=("features",),
    cases=_support,
    hints=(
        "For one class: which rows of `features` belong to it? `features[labels == 2]`.",
        "Their mean over the pictures, `mean(dim=0)`, is one row of the answer. `torch.stack` puts rows together.",
        "Without a loop: `F.one_hot(labels, ways)` is a matrix (pictures, ways); its transpose times the features adds "
        "up each class; divide by its column sums.",
    ),
    misconceptions=(
        Misconception(
            _sorted_blocks,
            "The pictures are taken in blocks, as if they were sorted by class. They come in any order: go by the labels.",
        ),
        Misconception(
            _each(lambda own: own.sum(0)),
            "This is the sum of a class's features, not their mean: with five shots it lies five times too far out.",
        ),
        Misconception(
            lambda features, labels, ways: F.one_hot(labels, ways).to(features.dtype).T @ features / len(features),
            "Each sum is divided by the number of all pictures instead of those of its own class.",
        ),
        Misconception(
            lambda features, labels, ways: (
                F.one_hot(labels, ways).to(features.dtype).T @ features / (len(features) / ways)
            ),
            "Each sum is divided by the average number of pictures a class. Classes may have different numbers: count "
            "each class's own.",
        ),
        Misconception(
            _each(lambda own: own[0]),
            "Only the first picture of each class counts. The prototype is the mean of all its shots.",
        ),
        Misconception(
            _each(lambda own: F.normalize(own.mean(0), dim=0)),
            "The means are brought to length one. Snell et al. compare Euclidean distances to the means as they are.",
        ),
        Misconception(
            _each(lambda own: own.median(0).values),
            "This is the median. The mean is the point with the smallest sum of squared distances, which is what the "
            "next step measures.",
        ),
    ),
)


def _queries(g: Generator) -> list[Arguments]:
    return [
        (torch.randn(count, dim, generator=g), 1.5 * torch.randn(ways, dim, generator=g))
        for count, ways, dim in ((4, 3, 5), (6, 10, 8), (2, 5, 16))
    ]


PROTOTYPE_LOGITS = Exercise(
    name="09.prototype_logits",
    title="The nearest prototype",
    points=2,
    reference=prototype_logits,
    learns=("queries", "centres"),
    cases=_queries,
    hints=(
        "Every query meets every prototype: `queries[:, None, :] - centres[None, :, :]` has the shape "
        "(pictures, ways, dim).",
        "The squared Euclidean distance is the sum of the squares over the last axis.",
        "Near must give a *large* logit: put a minus in front.",
    ),
    misconceptions=(
        Misconception(
            lambda queries, centres: torch.cdist(queries, centres).square(),
            "The sign is missing: the farthest prototype would get the largest logit and win.",
        ),
        Misconception(
            lambda queries, centres: -torch.cdist(queries, centres),
            "This is the distance, not its square. The order is the same, but the probabilities are others; only the "
            "square makes the classifier linear.",
        ),
        Misconception(
            lambda queries, centres: queries @ centres.T,
            "This is the inner product: it favours prototypes that are long. The distance also takes ‖c‖² off.",
        ),
        Misconception(
            lambda queries, centres: F.normalize(queries, dim=1) @ F.normalize(centres, dim=1).T,
            "This is the cosine similarity. Snell et al. found squared Euclidean distance to work better.",
        ),
        Misconception(
            lambda queries, centres: -torch.cdist(queries, centres).square() / queries.shape[1],
            "The squares are averaged over the features. Sum them: the average flattens every softmax by the factor dim.",
        ),
        Misconception(
            lambda queries, centres: -torch.cdist(queries, centres, p=1),
            "Absolute differences are summed (L1). The squared Euclidean distance sums their squares.",
        ),
        Misconception(
            lambda queries, centres: (-torch.cdist(queries, centres).square()).softmax(-1),
            "The softmax is already applied. Logits are asked for: the loss applies its own softmax.",
        ),
        Misconception(
            lambda queries, centres: -torch.cdist(queries, centres).square().T,
            "The axes are exchanged: one row a query, one column a class.",
        ),
    ),
)
