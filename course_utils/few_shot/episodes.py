"""Classes that nobody was trained on, a few pictures of each: episodes, prototypes, and the head that they make.

An episode is drawn from labels alone, so it serves pictures and stored features alike. Notebook 09.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class EpisodeConfig:
    """What an episode is made of. Raises ValueError, in words, for what is no task."""

    ways: int = 10  # classes
    shots: int = 5  # labelled pictures of each: the support set
    queries: int = 15  # other pictures of each, to be classified

    def __post_init__(self) -> None:
        for name, least in (("ways", 2), ("shots", 1), ("queries", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise ValueError(f"{name} is {value!r}, but must be a whole number of at least {least}.")


@dataclass(frozen=True)
class Episode:
    """Places in a set of pictures, and labels 0 … ways - 1 that hold in this episode only.

    support (ways · shots,) and query (ways · queries,) are places, support_labels and query_labels what stands there;
    classes (ways,) are the labels that the set itself gives to 0 … ways - 1.
    """

    classes: Tensor
    support: Tensor
    support_labels: Tensor
    query: Tensor
    query_labels: Tensor


def draw_episode(labels: Tensor, config: EpisodeConfig | None = None, seed: int = 0) -> Episode:
    """Classes drawn at random from labels (count,), then their pictures, none of them twice. Vinyals et al. 2016.

    The same labels, config and seed give the same episode. Raises ValueError when there are fewer classes than ways,
    and when a class that was drawn has fewer pictures than shots and queries together.
    """
    config = config or EpisodeConfig()
    generator = torch.Generator().manual_seed(seed)
    known = labels.unique()
    if len(known) < config.ways:
        raise ValueError(
            f"The episode wants {config.ways} classes, but the pictures have {len(known)}: ask for fewer ways."
        )
    classes = known[torch.randperm(len(known), generator=generator)[: config.ways]]
    wanted = config.shots + config.queries
    support, query = [], []
    for label in classes.tolist():
        places = (labels == label).nonzero()[:, 0]
        if len(places) < wanted:
            raise ValueError(
                f"Class {label} has {len(places)} pictures, fewer than the {config.shots} shots and {config.queries} "
                "queries of an episode: ask for fewer, or give more pictures."
            )
        places = places[torch.randperm(len(places), generator=generator)[:wanted]]
        support.append(places[: config.shots])
        query.append(places[config.shots :])
    own = torch.arange(config.ways)
    return Episode(
        classes,
        torch.cat(support),
        own.repeat_interleave(config.shots),
        torch.cat(query),
        own.repeat_interleave(config.queries),
    )


def prototypes(features: Tensor, labels: Tensor, ways: int) -> Tensor:
    """features (pictures, dim) of labelled pictures, labels (pictures,) in 0 … ways - 1, in any order → (ways, dim).

    A class's prototype is the mean of its pictures' features. Classes may have different numbers of pictures; a class
    without pictures still has a row, whose contents do not matter. Gradients reach features, because a network may be
    trained through its prototypes. Snell et al. 2017, eq. 1.
    """
    members = F.one_hot(labels, ways).to(features.dtype)
    return members.T @ features / members.sum(dim=0)[:, None]


def prototype_logits(queries: Tensor, centres: Tensor) -> Tensor:
    """queries (pictures, dim), centres (ways, dim) → (pictures, ways): minus the squared Euclidean distance.

    The softmax over the ways is then the probability of each class. Gradients reach queries and centres, and stay
    finite where a query is itself a prototype. Snell et al. 2017, eq. 2.
    """
    differences = queries[:, None, :] - centres[None, :, :]
    return -differences.square().sum(dim=-1)


def prototype_head(centres: Tensor) -> nn.Linear:
    """centres (ways, dim) → the linear layer that decides as nearest prototype does: weights 2c, biases −‖c‖².

    −‖f − c‖² = 2 c·f − ‖c‖² − ‖f‖², and ‖f‖² is the same for all classes, so no softmax sees it.
    Snell et al. 2017, section 2.4.
    """
    head = nn.Linear(centres.shape[1], len(centres))
    with torch.no_grad():
        head.weight.copy_(2 * centres)
        head.bias.copy_(-centres.square().sum(dim=1))
    return head


def fit_head(features: Tensor, labels: Tensor, ways: int, weight_decay: float = 0.01, steps: int = 50) -> nn.Linear:
    """A linear layer trained on stored features (pictures, dim) by cross entropy, with L-BFGS, from zero.

    weight_decay: factor of half the squared length of the weights, biases left out, beside the mean cross entropy.
    Features are divided by their mean length first, so that weight_decay means the same for every network.
    """
    length = features.norm(dim=1).mean()
    head = nn.Linear(features.shape[1], ways)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    unit = features / length
    optimiser = torch.optim.LBFGS(head.parameters(), max_iter=steps, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = F.cross_entropy(head(unit), labels) + 0.5 * weight_decay * head.weight.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    with torch.no_grad():
        head.weight /= length
    return head
