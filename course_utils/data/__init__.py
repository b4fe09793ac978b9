"""The course's data: ``load("fashion_mnist", "train")``, ``photo("chelsea")``, ``make_shapes(1000)``."""

import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from course_utils.data.drawing import COLOURS, SHAPES, TEXTURES, Scene, draw
from course_utils.data.pictures import Pictures
from course_utils.data.real import cifar10, digits, fashion_mnist, photo
from course_utils.data.resolve import DATASETS, DataNotFound, fetch, find_files
from course_utils.data.shapes import Shapes, ShapesConfig, make_shapes, same_different

__all__ = [
    "COLOURS",
    "SHAPES",
    "TEXTURES",
    "DataNotFound",
    "Pictures",
    "Scene",
    "Shapes",
    "ShapesConfig",
    "Status",
    "draw",
    "fetch",
    "load",
    "make_shapes",
    "photo",
    "same_different",
    "status",
]

SPLITS = ("train", "fit", "validation", "test")
REAL: dict[str, Callable[[bool], Pictures]] = {"digits": digits, "fashion_mnist": fashion_mnist, "cifar10": cifar10}
EMBEDDED = ("digits", "shapes")  # always there
PICTURE_SHAPES = {"digits": (1, 8, 8), "fashion_mnist": (1, 28, 28), "cifar10": (3, 32, 32), "shapes": (3, 32, 32)}


def load(
    name: str, split: str = "train", size: int | None = None, seed: int = 0, fallback: str | None = None
) -> Pictures:
    """Pictures of ``shapes``, ``digits``, ``fashion_mnist`` or ``cifar10``.

    split: ``test``, ``train``, or one of the two parts of train: ``validation`` (a fixed twelfth, for every choice
    that is made by looking at accuracy) and ``fit`` (the rest). size: so many pictures, drawn at random by seed; all
    of them, in the dataset's order, when left out (shapes: 10,000). fallback: a dataset to use, resized to the same
    pictures and at most so many as it has, when ``name`` is not to be had; a warning says so.

    Raises ValueError for a name, split or size that does not exist, and DataNotFound without a fallback.
    """
    if name not in PICTURE_SHAPES:
        raise ValueError(f"There is no dataset {name!r}: choose one of {', '.join(PICTURE_SHAPES)}.")
    if split not in SPLITS:
        raise ValueError(f"There is no split {split!r}: choose one of {', '.join(SPLITS)}.")
    if size is not None and (not isinstance(size, int) or size < 1):
        raise ValueError(f"size is {size!r}, but must be a whole number of pictures, at least 1.")
    if fallback is not None and fallback not in EMBEDDED:
        raise ValueError(f"fallback is {fallback!r}, but must need no download: choose one of {', '.join(EMBEDDED)}.")
    if name == "shapes":  # every split and seed has its own, endless, supply
        return make_shapes(size or 10_000, seed=zlib.crc32(f"{split} {seed}".encode()))
    try:
        pictures = REAL[name](split == "test")
    except DataNotFound as error:
        if fallback is None:
            raise
        warnings.warn(f"{error} Until then this notebook uses {fallback}, so its figures differ.", stacklevel=2)
        stand_in = load(fallback, split, size if fallback == "shapes" else None, seed)
        return _resized(_drawn(stand_in, size or len(stand_in), seed), PICTURE_SHAPES[name])
    if split in ("fit", "validation"):
        pictures = pictures.select(_part(len(pictures), split))
    if size is None:
        return pictures
    if size > len(pictures):
        raise ValueError(
            f"size is {size}, but {name} {split} has {len(pictures)} pictures: ask for that many at most."
        )
    return _drawn(pictures, size, seed)


def _drawn(pictures: Pictures, size: int, seed: int) -> Pictures:
    """At most so many of the pictures, in random order."""
    return pictures.select(torch.randperm(len(pictures), generator=torch.Generator().manual_seed(seed))[:size])


def _part(count: int, split: str) -> torch.Tensor:
    order = torch.randperm(count, generator=torch.Generator().manual_seed(1))
    held_out = order[: count // 12]
    return (held_out if split == "validation" else order[count // 12 :]).sort().values


def _resized(pictures: Pictures, shape: tuple[int, int, int]) -> Pictures:
    channels, height, width = shape
    images = F.interpolate(pictures.images, (height, width), mode="bilinear", antialias=True).clamp(0, 1)
    if channels != images.shape[1]:
        images = images.mean(dim=1, keepdim=True).expand(-1, channels, -1, -1).contiguous()
    source = f"{pictures.source}, resized to {height} × {width} in place of the dataset that was asked for"
    return Pictures(images, pictures.labels, pictures.classes, pictures.name, source)


@dataclass(frozen=True)
class Status:
    """Where a dataset is, in words, and what to do when it is nowhere."""

    name: str
    where: str
    remedy: str = ""


def status() -> list[Status]:
    """One row a dataset. Files are verified, damaged ones set aside as ever; nothing is downloaded."""
    rows = [Status("shapes", "made in memory"), Status("digits", "comes with scikit-learn")]
    for name, dataset in DATASETS.items():
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                place = find_files(dataset, dataset.files, download=False)[1]
            rows.append(Status(name, f"whole, in {place}", " ".join(str(warning.message) for warning in caught)))
        except DataNotFound:
            damaged = " ".join(str(warning.message) for warning in caught)
            rows.append(Status(name, "nowhere on this machine", f"{damaged} {dataset.advice}".strip()))
    return rows
