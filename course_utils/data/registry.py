"""Every dataset of the course: loaded, downloaded and looked for by its name. All notebooks."""

import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn import functional as F

from course_utils.data.dataset import Dataset
from course_utils.data.drawing import SHAPES
from course_utils.data.pictures import Pictures
from course_utils.data.real import CIFAR10, DIGITS, FASHION_MNIST
from course_utils.data.resolve import DataNotFound, find_files
from course_utils.data.shapes import make_shapes

DRAWN = Dataset(
    name="shapes",
    shape=(3, 32, 32),
    classes=SHAPES,
    mean=0.232,
    std=0.166,
    make=lambda count, seed: make_shapes(count, seed=seed),
    origin="made in memory",
)
DATASETS = {dataset.name: dataset for dataset in (DRAWN, DIGITS, FASHION_MNIST, CIFAR10)}
EMBEDDED = tuple(name for name, dataset in DATASETS.items() if dataset.files is None)  # always there
SPLITS = ("train", "fit", "validation", "test")


def load(
    name: str, split: str = "train", size: int | None = None, seed: int = 0, fallback: str | None = None
) -> Pictures:
    """Pictures of one of the DATASETS, such as ``"fashion_mnist"``; ``status()`` lists them.

    split: ``test``, ``train``, or one of the two parts of train: ``validation`` (a fixed twelfth, for every choice
    that is made by looking at accuracy) and ``fit`` (the rest). size: so many pictures, drawn at random by seed; all
    of them, in the dataset's order, when left out (shapes: 10,000). fallback: a dataset to use, resized to the same
    pictures and at most so many as it has, when ``name`` is not to be had; a warning says so.

    Raises ValueError for a name, split or size that does not exist, and DataNotFound without a fallback.
    """
    if name not in DATASETS:
        raise ValueError(f"There is no dataset {name!r}: choose one of {', '.join(DATASETS)}.")
    if split not in SPLITS:
        raise ValueError(f"There is no split {split!r}: choose one of {', '.join(SPLITS)}.")
    if size is not None and (not isinstance(size, int) or size < 1):
        raise ValueError(f"size is {size!r}, but must be a whole number of pictures, at least 1.")
    if fallback is not None and fallback not in EMBEDDED:
        raise ValueError(f"fallback is {fallback!r}, but must need no download: choose one of {', '.join(EMBEDDED)}.")
    dataset = DATASETS[name]
    if dataset.make is not None:  # every split and seed has its own, endless, supply
        return dataset.make(size or 10_000, zlib.crc32(f"{split} {seed}".encode()))
    try:
        pictures = dataset.pictures(split == "test")
    except DataNotFound as error:
        if fallback is None:
            raise
        warnings.warn(f"{error} Until then this notebook uses {fallback}, so its figures differ.", stacklevel=2)
        stand_in = load(fallback, split, size if DATASETS[fallback].make else None, seed)
        return _resized(_drawn(stand_in, size or len(stand_in), seed), dataset.shape)
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


def downloads() -> list[str]:
    """Names of the datasets that ``fetch`` can download."""
    return [name for name, dataset in DATASETS.items() if dataset.files and dataset.files.download]


def fetch(name: str) -> Path:
    """The place that has a whole dataset; when none has, it is downloaded into ``data/`` first.

    Raises ValueError for a name that is not among ``downloads()``, and DataNotFound, with the ways out, when the
    download fails.
    """
    files = DATASETS[name].files if name in downloads() else None
    if files is None:
        raise ValueError(f"There is no dataset {name!r} to download: choose one of {', '.join(downloads())}.")
    return find_files(files, files.checksums)[1]


@dataclass(frozen=True)
class Status:
    """Where a dataset is, in words, and what to do when it is nowhere."""

    name: str
    where: str
    remedy: str = ""


def status() -> list[Status]:
    """One row per dataset. Files are verified and damaged ones renamed, as on loading; nothing is downloaded."""
    return [_status(dataset) for dataset in DATASETS.values()]


def _status(dataset: Dataset) -> Status:
    files = dataset.files
    if files is None:
        return Status(dataset.name, dataset.origin)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            where, advice = f"whole, in {find_files(files, files.checksums, download=False)[1]}", ""
        except DataNotFound:
            where, advice = "nowhere on this machine", files.advice
    damaged = " ".join(str(warning.message) for warning in caught)
    return Status(dataset.name, where, f"{damaged} {advice}".strip())
