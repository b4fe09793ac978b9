"""The lecture's claims that are exact numbers, computed; and those about a paper's whole table. Notebooks 01, 03 to 06.

Each function returns the number in the slide's unit, and how to write it.
"""

import csv
from collections.abc import Callable
from dataclasses import replace

import torch

from course_utils.costs import attention_bytes, count_parameters
from course_utils.experiments.nb01_control import SMALL
from course_utils.models import NonLocalResNet, ResNet, ViT, build
from course_utils.paths import DATA

Computed = tuple[float, str]


def parameters(kind: type[ViT] | type[ResNet], name: str) -> Computed:
    """Learned parameters of a published size, in millions."""
    with torch.device("meta"):  # shapes without memory: enough for counting
        count = count_parameters(kind.from_name(name))
    return count / 1e6, f"{count / 1e6:.1f} million parameters"


def stored(tokens: int, heads: int, layers: int, unit: str) -> Computed:
    """Attention matrices in float32 for one image, in KiB, MiB or GiB."""
    size = attention_bytes(tokens, heads, layers)
    found = size / {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}[unit]
    return found, f"{found:,.1f} {unit}"


def block_changes_logits() -> Computed:
    """The largest change of a logit when an attention block is put into a CNN with its gate at zero."""
    cnn = build(replace(SMALL, classes=8), seed=0).eval()
    model = NonLocalResNet.from_resnet(cnn, after=((0, 0),), heads=4, reduction=4).eval()
    images = torch.rand(4, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        change = (model(images) - cnn(images)).abs().max().item()
    return change, f"{change:g}, the largest change of a logit"


def pairs_helped() -> Computed:
    """Per cent of the 63 pairs of the slide's grid in which regularisation helps."""
    grid = {(row["model"], row["augmentation"], row["regularisation"]): float(row["value"]) for row in _paper()}
    pairs = {(model, level) for model, level, regularisation in grid if regularisation == "0.1"}
    better = sum(grid[model, level, "0.1"] > grid[model, level, "0.0"] for model, level in pairs)
    return 100 * better / len(pairs), f"{better} of {len(pairs)} pairs"


def gain_measured_alike(model: str) -> Computed:
    """Points that the best recipe of Steiner et al. gains over the original, both fine-tuned at 384 pixels."""
    (before,) = (
        float(row["value"]) for row in _paper() if (row["model"], row["augmentation"]) == (model, "original")
    )
    (after,) = (
        float(row["value"])
        for row in _paper("steiner_validation")
        if row["model"] == model and row["setting"].startswith("384 px")
    )
    return after - before, f"{before:.1f} → {after:.1f} %"


def _paper(name: str = "steiner_augreg") -> list[dict[str, str]]:
    with (DATA / "papers" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


COMPUTED: dict[str, Callable[[], Computed]] = {
    "zero gate": block_changes_logits,
    "128 × 128 pixels, 48 layers of 16 heads": lambda: stored(128**2, 16, 48, "GiB"),
    "a grid of 14 × 14 patches": lambda: stored(14**2, 1, 1, "KiB"),
    "a grid of 14 × 14 patches, 48 layers of 16 heads": lambda: stored(14**2, 16, 48, "MiB"),
    "a grid of 16 × 16 patches, 48 layers of 16 heads": lambda: stored(16**2, 16, 48, "MiB"),
    "ViT-B/16": lambda: parameters(ViT, "vit_b_16"),
    "ViT-L/16": lambda: parameters(ViT, "vit_l_16"),
    "ViT-H/14": lambda: parameters(ViT, "vit_h_14"),
    "ResNet-152": lambda: parameters(ResNet, "resnet152"),
    "pairs of the grid": pairs_helped,
    "B/16 at 384 pixels": lambda: gain_measured_alike("B/16"),
    "L/16 at 384 pixels": lambda: gain_measured_alike("L/16"),
}
