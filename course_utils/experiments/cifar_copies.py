"""CIFAR-10 for experiments: its own files or, without them, JPEG copies. Notebooks 04 to 07 and 09."""

from functools import cache
from pathlib import Path

from course_utils.console import unwarned
from course_utils.data import DATASETS, DataNotFound, LabelledImages, load, load_folder
from course_utils.data.resolve import find_files, places
from course_utils.data.splits import drawn

# What a notebook prints in place of a run on it.
MISSING = "CIFAR-10 is not on this machine: `course data fetch cifar10` downloads it."
COPIES = "cifar10-jpeg.tar.gz"  # with train/CLASS/… and test/CLASS/…


def available() -> bool:
    """Whether CIFAR-10 or its copies are on this machine; nothing is downloaded."""
    return _copies() is not None or _complete()


def cifar10(split: str, size: int | None = None, seed: int = 0) -> LabelledImages:
    """CIFAR-10 as by ``load``; if it is not on this machine,
    from ``cifar10-jpeg.tar.gz`` where datasets are looked for.

    It is downloaded if neither is there. The source of the images says which it is. Raises DataNotFound without both.
    """
    every = _images(split)
    return every if size is None else drawn(every, size, seed)


@cache
def _images(split: str) -> LabelledImages:
    copies = _copies()
    return load("cifar10", split) if copies is None or _complete() else load_folder(copies, split)


def _copies() -> Path | None:
    return next((path for folder in places() if (path := folder / COPIES).exists()), None)


def _complete() -> bool:
    files = DATASETS["cifar10"].files
    try:
        with unwarned():  # of the archive of copies, which lacks CIFAR-10's own files
            return files is not None and bool(find_files(files, files.checksums, download=False))
    except DataNotFound:
        return False
