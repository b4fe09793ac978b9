"""Episodes of classes that no model was trained on, their prototypes, and the head that these define.

An episode is drawn from labels alone, so it works for images and for stored features. Notebook 09.
"""

from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.settings import Count, Seed, Settings, at_least, checked

Decay = Annotated[float, at_least(0)]


@dataclass(frozen=True)
class EpisodeConfig(Settings):
    """The size of an episode. Raises ValueError for sizes that make no task."""

    ways: Annotated[Count, at_least(2)] = 10  # classes
    shots: Count = 5  # labelled images per class: the support set
    queries: Count = 15  # other images per class, to be classified


@dataclass(frozen=True)
class Episode:
    """Indices into a set of images, and labels 0 … ways - 1 that hold in this episode only.

    support (ways · shots,) and query (ways · queries,) are indices; support_labels and query_labels are the labels at
    these indices; classes (ways,) are the labels of the whole set that 0 … ways - 1 stand for.
    """

    classes: Tensor
    support: Tensor
    support_labels: Tensor
    query: Tensor
    query_labels: Tensor


def draw_episode(labels: Tensor, config: EpisodeConfig | None = None, seed: int = 0) -> Episode:
    """Draw classes at random from labels (count,), then images of each, none of them twice. Vinyals et al. 2016.

    The same labels, config and seed give the same episode. Raises ValueError when there are fewer classes than ways,
    and when a class that was drawn has fewer images than shots and queries together.
    """
    config = config or EpisodeConfig()
    if not isinstance(labels, Tensor) or labels.ndim != 1 or labels.is_floating_point():
        raise ValueError(f"The labels are {_described(labels)}, but must be whole numbers (count,), one per image.")
    generator = torch.Generator().manual_seed(checked("seed", seed, Seed))
    known = labels.unique()
    if len(known) < config.ways:
        raise ValueError(
            f"The episode needs {config.ways} classes, but the images have {len(known)}: choose fewer ways."
        )
    classes = known[torch.randperm(len(known), generator=generator, device="cpu")[: config.ways]]
    wanted = config.shots + config.queries
    support, query = [], []
    for label in classes.tolist():
        places = (labels == label).nonzero()[:, 0]
        if len(places) < wanted:
            raise ValueError(
                f"Class {label} has {len(places)} images, fewer than the {config.shots} shots and {config.queries} "
                "queries of an episode: choose fewer, or pass more images."
            )
        places = places[torch.randperm(len(places), generator=generator, device="cpu")[:wanted]]
        support.append(places[: config.shots])
        query.append(places[config.shots :])
    own = torch.arange(config.ways, device=labels.device)
    return Episode(
        classes,
        torch.cat(support),
        own.repeat_interleave(config.shots),
        torch.cat(query),
        own.repeat_interleave(config.queries),
    )


def prototypes(features: Tensor, labels: Tensor, ways: int) -> Tensor:
    """features (images, dim) of labelled images, labels (images,) in 0 … ways - 1, in any order → (ways, dim).

    The prototype of a class is the mean of its images' features. Classes may have different numbers of images; a
    class without images still has a row, with any contents. Gradients reach features, because a network may be
    trained through its prototypes. Snell et al. 2017, eq. 1.
    """
    members = F.one_hot(labels, ways).to(features.dtype)
    return members.T @ features / members.sum(dim=0)[:, None]


def prototype_logits(queries: Tensor, centres: Tensor) -> Tensor:
    """queries (images, dim), centres (ways, dim) → (images, ways): minus the squared Euclidean distance.

    The softmax over the ways then gives the class probabilities. Gradients reach queries and centres, and are finite
    even if a query equals a prototype. Snell et al. 2017, eq. 2.
    """
    differences = queries[:, None, :] - centres[None, :, :]
    return -differences.square().sum(dim=-1)


def check_support(features: Any, labels: Any, ways: int) -> Tensor:
    """→ labels as int64 on the features' device. Raises ValueError unless both fit together and ways.

    features (images, dim), finite floats; labels (images,), whole numbers in 0 … ways - 1, each at least once.
    """
    ways = checked("ways", ways, Count)
    if not isinstance(features, Tensor) or features.ndim != 2 or not features.is_floating_point():
        raise ValueError(f"The features are {_described(features)}, but must be (images, dim) in floating point.")
    whole = isinstance(labels, Tensor) and not labels.is_floating_point() and labels.dtype != torch.bool
    if not whole or labels.shape != features.shape[:1]:
        raise ValueError(
            f"The labels are {_described(labels)} for {len(features)} images, but must be whole numbers (images,)."
        )
    if not features.isfinite().all():
        raise ValueError("The features hold NaN or infinity: repair the images or the network that made them.")
    counts = torch.bincount(labels.clamp(min=0).cpu(), minlength=max(ways, 1)).tolist()
    if (len(labels) and labels.min() < 0) or len(counts) > ways:
        raise ValueError(
            f"The labels go from {int(labels.min())} to {int(labels.max())}, but there are {ways} ways, 0 to "
            f"{ways - 1}: number the classes of the episode from 0."
        )
    if 0 in counts:
        raise ValueError(
            f"Class {counts.index(0)} of {ways} has no image, so it has no mean: pass at least one image per class, or "
            "fewer ways."
        )
    return labels.long().to(features.device)


def checked_prototypes(features: Tensor, labels: Tensor, ways: int) -> Tensor:
    """:func:`prototypes`, after :func:`check_support`.

    Raises ValueError for a class without images, whose mean would be NaN, and for features and labels that do not fit.
    """
    return prototypes(features, check_support(features, labels, ways), ways)


def prototype_head(centres: Tensor) -> nn.Linear:
    """centres (ways, dim) → the linear layer that predicts the nearest prototype: weights 2c, biases −‖c‖².

    −‖f − c‖² = 2 c·f − ‖c‖² − ‖f‖², and ‖f‖² is the same for all classes, so it does not change the softmax. The
    layer has the device and type of the centres. Snell et al. 2017, section 2.4.
    """
    head = nn.utils.skip_init(nn.Linear, centres.shape[1], len(centres), device=centres.device, dtype=centres.dtype)
    with torch.no_grad():
        head.weight.copy_(2 * centres)
        head.bias.copy_(-centres.square().sum(dim=1))
    return head


def fit_head(features: Tensor, labels: Tensor, ways: int, weight_decay: float = 0.01, steps: int = 50) -> nn.Linear:
    """A linear layer trained on stored features (images, dim) with cross-entropy and L-BFGS, starting at zero.

    The loss is the mean cross-entropy plus weight_decay times half the squared norm of the weights, without biases.
    Features are divided by their mean norm first, so that weight_decay means the same for every network. The layer
    has the device and type of the features; in half precision it is trained in float32. Raises ValueError for
    features that are all zero, and the errors of :func:`check_support`.
    """
    labels = check_support(features, labels, ways)
    weight_decay, steps = checked("weight_decay", weight_decay, Decay), checked("steps", steps, Count)
    inputs = features.detach().to(torch.promote_types(features.dtype, torch.float32))
    length = inputs.norm(dim=1).mean()
    if length == 0:
        raise ValueError("The features are all zero, so no head can tell the classes apart: check the network.")
    with torch.inference_mode(False), torch.enable_grad():
        head = nn.utils.skip_init(nn.Linear, features.shape[1], ways, device=inputs.device, dtype=inputs.dtype)
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
        unit, labels = inputs.clone() / length, labels.clone()  # tensors made in inference mode learn nothing
        optimiser = torch.optim.LBFGS(head.parameters(), max_iter=steps, line_search_fn="strong_wolfe")

        def loss() -> Tensor:
            optimiser.zero_grad()
            value = F.cross_entropy(head(unit), labels) + 0.5 * weight_decay * head.weight.square().sum()
            value.backward()
            return value

        optimiser.step(loss)
    with torch.no_grad():
        head.weight /= length
    return head.to(features.dtype).requires_grad_()


def stored_logits(method: str, features: Tensor, episode: Episode) -> Tensor:
    """features (count, dim) of all images → logits of the episode's queries (queries, ways).

    method: "linear head", see :func:`fit_head`; with any other, the nearest prototype decides.
    """
    known, asked, ways = features[episode.support], features[episode.query], len(episode.classes)
    if method == "linear head":
        return fit_head(known, episode.support_labels, ways)(asked).detach()
    return prototype_logits(asked, prototypes(known, episode.support_labels, ways))


def share_right(logits: Tensor, episode: Episode) -> float:
    """Logits of the queries (queries, ways) → the share of right answers."""
    return (logits.argmax(dim=-1) == episode.query_labels).float().mean().item()


def _described(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"of shape {tuple(value.shape)} and type {str(value.dtype).removeprefix('torch.')}"
    return f"a {type(value).__name__}"
