"""The lecture's own setting: a ResNet of ImageNet, CIFAR-10, ten ways, five shots. Notebook 09."""

import warnings
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.data import DataNotFound, LabelledImages, load
from course_utils.data.few_shot import as_rgb_32
from course_utils.few_shot.episodes import EpisodeConfig, draw_episode, fit_head, prototype_logits, prototypes
from course_utils.models import ResNet
from course_utils.models.convert import from_torchvision
from course_utils.models.pretrained import load_pretrained

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pixels, as torchvision's weights expect them


@dataclass(frozen=True)
class Setting:
    """A teacher, images prepared for it, and descriptions of their sources."""

    teacher: ResNet
    examples: LabelledImages
    teacher_source: str
    trained: bool  # whether the teacher has its published weights
    real: bool  # whether the images are CIFAR-10


def imagenet_to_cifar(name: str = "resnet18", count: int = 400, side: int = 96, seconds: float = 5.0) -> Setting:
    """torchvision's ResNet in our class, and count CIFAR-10 test images, side × side, normalised for it.

    Without the published weights, the teacher is random; without CIFAR-10, the images are Fashion-MNIST or digits.
    The fields of the result say so. seconds: how long to wait for a silent server.
    """
    found = load_pretrained(name, seconds)
    teacher = from_torchvision(found.model)
    if not isinstance(teacher, ResNet):
        raise ValueError(f"{name} is not a ResNet: choose one of torchvision's, such as resnet18 or resnet50.")
    try:
        examples, real = load("cifar10", "test", count), True
    except DataNotFound:
        real = False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Setting.real says it
            examples = as_rgb_32(load("fashion_mnist", "test", count, fallback="digits"))
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    large = F.interpolate(examples.images, (side, side), mode="bilinear", antialias=True)
    prepared = replace(examples, images=(large - mean) / std)
    return Setting(teacher.eval(), prepared, found.source, found.trained, real)


def episode_accuracies(
    features: Tensor, labels: Tensor, config: EpisodeConfig, episodes: int = 200
) -> dict[str, list[float]]:
    """features (count, dim), labels (count,) → nearest prototype and linear head: one accuracy per episode each."""
    found: dict[str, list[float]] = {"nearest prototype": [], "linear head": []}
    for number in range(episodes):
        episode = draw_episode(labels, config, number)
        support, query = features[episode.support], features[episode.query]
        logits = {
            "nearest prototype": prototype_logits(query, prototypes(support, episode.support_labels, config.ways)),
            "linear head": fit_head(support, episode.support_labels, config.ways)(query),
        }
        for method, each in logits.items():
            found[method].append((each.argmax(dim=-1) == episode.query_labels).float().mean().item())
    return found
