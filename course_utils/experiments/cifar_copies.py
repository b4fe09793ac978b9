"""CIFAR-10 for experiments: its own files or, without them, JPEG copies. Notebooks 04, 07 and 09."""

import warnings
from functools import cache

from course_utils.data import DataNotFound, LabelledImages, load, load_folder
from course_utils.data.resolve import places
from course_utils.data.splits import drawn

COPIES = "cifar10-jpeg.tar.gz"  # with train/CLASS/… and test/CLASS/…


def cifar10(split: str, size: int | None = None, seed: int = 0) -> LabelledImages:
    """CIFAR-10 as by ``load`` or, if it is missing, from ``cifar10-jpeg.tar.gz`` where datasets are looked for.

    The source of the images says which. Raises DataNotFound without both.
    """
    every = _images(split)
    return every if size is None else drawn(every, size, seed)


@cache
def _images(split: str) -> LabelledImages:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the archive of copies, which lacks CIFAR-10's own files
            return load("cifar10", split)
    except DataNotFound:
        for folder in places():
            if (path := folder / COPIES).exists():
                return load_folder(path, split)
        raise
