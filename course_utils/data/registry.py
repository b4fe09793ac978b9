"""Every dataset of the course: load, download or find it by name. All notebooks."""

import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path

from torch.nn import functional as F

from course_utils.data.dataset import Dataset
from course_utils.data.drawing import SHAPES
from course_utils.data.labelled_images import HowMany, LabelledImages
from course_utils.data.real import CIFAR10, DIGITS, FASHION_MNIST
from course_utils.data.resolve import DataNotFound, find_files
from course_utils.data.shapes import make_shapes
from course_utils.data.splits import SPLITS, drawn, part
from course_utils.settings import Seed, checked

DRAWN = Dataset(
    name="shapes",
    shape=(3, 32, 32),
    classes=SHAPES,
    mean=0.232,
    std=0.166,
    make=lambda count, seed: make_shapes(count, seed=seed),
    origin="made in memory",
)
# What `load` can read: the name of a dataset → its shape, classes and files.
DATASETS = {dataset.name: dataset for dataset in (DRAWN, DIGITS, FASHION_MNIST, CIFAR10)}
EMBEDDED = tuple(name for name, dataset in DATASETS.items() if dataset.files is None)  # always there


def load(
    name: str, split: str = "train", size: int | None = None, seed: int = 0, fallback: str | None = None
) -> LabelledImages:
    """Images of one of the DATASETS, such as ``"fashion_mnist"``; ``status()`` lists them.

    split: ``test``, ``train``, or one of the two parts of train: ``validation`` (a fixed twelfth, for every choice
    based on accuracy) and ``fit`` (the rest). size: the number of images, drawn at random by seed; by default all of
    them, in the dataset's order (shapes: 10,000). fallback: a dataset to use, with a warning, when ``name`` is not
    available; its images are resized to the same shape, and it may have fewer.

    Raises ValueError for a name, split or size that does not exist, and DataNotFound without a fallback.
    """
    if name not in tuple(DATASETS):
        raise ValueError(f"There is no dataset {name!r}: choose one of {', '.join(DATASETS)}.")
    if split not in SPLITS:
        raise ValueError(f"There is no split {split!r}: choose one of {', '.join(SPLITS)}.")
    size, seed = checked("size", size, HowMany | None), checked("seed", seed, Seed)
    if fallback is not None and fallback not in EMBEDDED:
        raise ValueError(
            f"fallback is {fallback!r}, but must come without a download: choose one of {', '.join(EMBEDDED)}."
        )
    dataset = DATASETS[name]
    if dataset.make is not None:  # every split and seed has its own unlimited supply
        return dataset.make(size or 10_000, zlib.crc32(f"{split} {seed}".encode()))
    try:
        examples = dataset.images(split == "test")
    except DataNotFound as error:
        if fallback is None:
            raise
        warnings.warn(f"{error} Until then this notebook uses {fallback}, so its figures differ.", stacklevel=2)
        stand_in = load(fallback, split, size if DATASETS[fallback].make else None, seed)
        return _resized(drawn(stand_in, size or len(stand_in), seed), dataset.shape)
    if split in ("fit", "validation"):
        examples = examples.select(part(len(examples), split))
    if size is None:
        return examples
    if size > len(examples):
        raise ValueError(f"size is {size}, but {name} {split} has {len(examples)} images: choose at most that many.")
    return drawn(examples, size, seed)


def _resized(examples: LabelledImages, shape: tuple[int, int, int]) -> LabelledImages:
    channels, height, width = shape
    images = F.interpolate(examples.images, (height, width), mode="bilinear", antialias=True).clamp(0, 1)
    if channels != images.shape[1]:
        images = images.mean(dim=1, keepdim=True).expand(-1, channels, -1, -1).contiguous()
    source = f"{examples.source}, resized to {height} × {width} in place of the requested dataset"
    return LabelledImages(images, examples.labels, examples.classes, examples.name, source)


def downloads() -> list[str]:
    """Names of the datasets that ``fetch`` can download."""
    return [name for name, dataset in DATASETS.items() if dataset.files and dataset.files.download]


def fetch(name: str) -> Path:
    """The folder that holds the whole dataset; downloads it into ``data/`` first if no folder does.

    Raises ValueError for a name that is not among ``downloads()``, and DataNotFound, with what to do, when the
    download fails.
    """
    files = DATASETS[name].files if name in downloads() else None
    if files is None:
        raise ValueError(f"There is no dataset {name!r} to download: choose one of {', '.join(downloads())}.")
    return find_files(files, files.checksums)[1]


@dataclass(frozen=True)
class Status:
    """Where a dataset is, and what to do when it is not on this machine."""

    name: str
    where: str
    remedy: str = ""


def status() -> list[Status]:
    """One row per dataset. Files are verified, as in load, and damaged ones named; nothing is changed or downloaded."""
    return [_status(dataset) for dataset in DATASETS.values()]


def _status(dataset: Dataset) -> Status:
    files = dataset.files
    if files is None:
        return Status(dataset.name, dataset.origin)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            where, advice = f"complete, in {find_files(files, files.checksums, download=False)[1]}", ""
        except DataNotFound:
            where, advice = "not on this machine", files.advice
    damaged = " ".join(str(warning.message) for warning in caught)
    return Status(dataset.name, where, f"{damaged} {advice}".strip())
