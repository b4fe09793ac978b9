"""Is an attention map an explanation? Attention, and maps that know nothing of the model, against erasing. Notebook 04.

``course train sweep-explanation`` makes data/results/sweep-explanation.csv.
"""

from functools import cache

import torch
from torch import Tensor

from course_utils.analysis.erasing import border, erasing_map, rank_correlations
from course_utils.analysis.rollout import attention_rollout
from course_utils.data import LabelledImages, load
from course_utils.experiments.cifar_copies import cifar10
from course_utils.experiments.sweep import Sweep
from course_utils.models import ViT
from course_utils.models.vit import patchify
from course_utils.training.weights import load_checkpoint

IMAGES = 500  # test images of each dataset, drawn at random
MODELS = {"fashion_mnist": "fashion-vit-small", "cifar10": "cifar-vit-small"}
MAPS = ("rollout", "attention of the last layer", "ink", "contrast", "nearness to the centre")
BATCH = 100


def load_images(dataset: str, count: int = IMAGES) -> LabelledImages:
    """Test images drawn at random. Raises DataNotFound without them."""
    return cifar10("test", count) if dataset == "cifar10" else load(dataset, "test", count)


@torch.no_grad()
def maps_of(model: ViT, images: Tensor, blank: Tensor) -> dict[str, Tensor]:
    """images (batch, channels, height, width), blank (channels,) → each of MAPS (batch, patches).

    Of attention, the class token's row, mean of the heads. Ink is the mean distance of a patch's pixels from blank,
    contrast their standard deviation; neither knows the model.
    """
    config, attention = model.config, model.attention_maps(images)
    special, (rows, columns) = model.special_tokens.shape[1], config.grid
    down, across = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    centre = torch.hypot(down - (rows - 1) / 2, across - (columns - 1) / 2).flatten().to(images)
    found = (
        attention_rollout(attention)[-1][:, 0, special:],
        attention[-1].mean(dim=1)[:, 0, special:],
        patchify((images - blank[:, None, None]).abs(), config.patch_size).mean(dim=-1),
        patchify(images, config.patch_size).std(dim=-1),
        -centre.expand(len(images), -1),
    )
    return dict(zip(MAPS, found, strict=True))


def costs_and_maps(model: ViT, images: Tensor, labels: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """images (count, channels, height, width), labels (count,) → what erasing a patch costs the label,
    and each of MAPS, all (count, patches).
    """
    blank, costs = border(images), []
    maps: dict[str, list[Tensor]] = {name: [] for name in MAPS}
    for some, own in zip(images.split(BATCH), labels.split(BATCH), strict=True):
        costs.append(erasing_map(model, some, own, blank))
        for name, each in maps_of(model, some, blank).items():
            maps[name].append(each)
    return torch.cat(costs), {name: torch.cat(parts) for name, parts in maps.items()}


def agreement(each: Tensor, cost: Tensor, ink: Tensor) -> dict[str, Tensor]:
    """A map, the cost of erasing and the ink, (count, patches) → three rank correlations (count,) of map and cost:
    over all patches; over those that erasing changes, because they have ink; and of these with the cost's size alone.
    """
    changed = ink > 0  # erasing another costs nothing, whatever the model: with it, ink would be right for free
    return {
        "correlations": rank_correlations(each, cost, torch.ones_like(changed)),
        "where_changed": rank_correlations(each, cost, changed),
        "with_size": rank_correlations(each, cost.abs(), changed),
    }


def compare(model: ViT, images: Tensor, labels: Tensor) -> dict[str, dict[str, Tensor]]:
    """images (count, channels, height, width), labels (count,) → for each of MAPS its agreement with the cost of
    erasing."""
    cost, maps = costs_and_maps(model, images, labels)
    return {name: agreement(each, cost, maps["ink"]) for name, each in maps.items()}


@cache
def measured(dataset: str) -> tuple[str, Tensor, dict[str, Tensor]]:
    """The images' source, and costs and maps of the stored ViT of that dataset."""
    examples = load_images(dataset)
    model, _ = load_checkpoint(MODELS[dataset])
    assert isinstance(model, ViT)
    cost, maps = costs_and_maps(model, examples.images, examples.labels)
    return f"{len(examples):,} of {examples.source}", cost, maps


def run(dataset: str, map: str) -> dict[str, str]:
    """One point: three rank correlations per image, in the same order for each map."""
    images, cost, maps = measured(dataset)
    found = agreement(maps[map], cost, maps["ink"])
    return {"images": images, **{name: " ".join(f"{value:.4f}" for value in each) for name, each in found.items()}}


SWEEP = Sweep(
    points=[{"dataset": dataset, "map": each} for dataset in MODELS for each in MAPS],
    run=run,
    data="fashion_mnist, cifar10",
)
