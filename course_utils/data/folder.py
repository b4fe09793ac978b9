"""A folder of images as a dataset: one's own photographs, or a public dataset as files. Notebooks 04, 05 and 10."""

import hashlib
import os
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from course_utils.costs import free_memory
from course_utils.data.folder_cache import FolderImages, cached
from course_utils.data.folder_files import Place, tidy
from course_utils.data.folder_layout import Layout, arranged, spelt
from course_utils.data.image_files import decoded, size_of
from course_utils.data.images import as_path, as_size
from course_utils.data.labelled_images import HowMany, LabelledImages
from course_utils.data.pixels import NoImage, covered
from course_utils.data.splits import SPLITS, drawn, part
from course_utils.files import real
from course_utils.settings import Seed, checked

LONGEST = 224  # pixels of the longer side, unless image_size says otherwise
MOST_LEFT_OUT = 0.1  # of the files
ARCHIVES = re.compile(r"(\.tar)?\.(zip|tar|tgz|gz|tbz2?|bz2|txz|xz)$", re.IGNORECASE)


def load_folder(
    path: str | os.PathLike[str],
    split: str = "train",
    size: int | None = None,
    seed: int = 0,
    *,
    image_size: int | tuple[int, int] | None = None,
) -> LabelledImages:
    """Images of one's own, from a folder or an archive of it: .zip, or .tar, also packed as .gz, .bz2 or .xz.

    The splits are those of ``load``. The folder holds either ``CLASS/…`` alone or ``train/CLASS/…`` and
    ``test/CLASS/…``, perhaps also ``val/CLASS/…``; names such as ``training_set`` or ``seg_train`` are read as those of
    a split too. In the first case a fifth of each class, chosen by seed and by the images' content, is the test split:
    use the same seed for all splits. ``val`` is the validation split if there is also a test split, and else the test
    split. A folder that contains everything else is passed over. Below its class, an image may lie in further folders,
    but not in the same ones for each class. The classes are sorted by name. Hidden files, and files whose names are not
    those of images, are ignored.

    All images become (3, height, width) as by :func:`~course_utils.data.open_image`: the largest centred part of the
    shape image_size, one number for a square or (height, width), resized. By default it is the most common size in the
    folder, shrunk if its longer side exceeds 224 pixels. The array is stored in ``.course/cache`` until a file changes.
    size: the number of images, drawn at random by seed; by default all of them, sorted by path.

    A file that is not an image, or is damaged, is left out, and a warning names it. Raises FileNotFoundError if there
    is no such path; MemoryError if the images need more memory than there is; and ValueError if the folder is empty,
    unreadable or has one class only, if it is not clear which of its folders are the classes (``photos/cat`` beside
    ``masks/cat``), if more than a tenth of the files would be left out, and for an archive that unpacks to more than a
    hundred times its size or has a path that leads out of it.
    """
    if split not in SPLITS:
        raise ValueError(f"There is no split {split!r}: choose one of {', '.join(SPLITS)}.")
    size, seed = checked("size", size, HowMany | None), checked("seed", seed, Seed)
    wanted, place = as_size(image_size), Place(as_path(path))
    found = cached([place.key, wanted], lambda: _read(place, wanted), lambda: not place.disturbed)
    layout = arranged(dict(zip(found.paths, found.digests, strict=True)), seed)
    _name_faults({**found.faults, **layout.faults}, len(found.paths) + len(found.faults), place.path)
    classes = _classes(layout, place.path)
    name = folder_name(place.path)
    rows = _rows(found.paths, layout, split)
    if size is not None and size > len(rows):
        raise ValueError(f"size is {size}, but {name} {split} has {len(rows)} images: choose at most that many.")
    number = {name: label for label, name in enumerate(classes)}
    labels = [number[layout.labels[found.paths[row]]] for row in rows]
    source = f"{' and '.join(sorted(set(found.formats)))} files in {tidy(real(place.path).name)}"
    source += f", split by seed {seed}" * layout.seeded
    images = torch.from_numpy(found.images[rows]).to(torch.float32).div_(255)
    examples = LabelledImages(images, torch.tensor(labels, device="cpu"), classes, name, source)
    return examples if size is None else drawn(examples, size, seed)


def common_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """The height and width that :func:`load_folder` gives the images by default; no image is decoded."""
    return _most_common(_sizes(Place(as_path(path)), {}))


def folder_name(path: Path) -> str:
    """The name of a folder, or of an archive without its ending."""
    return ARCHIVES.sub("", tidy(real(path).name))


def _read(place: Place, wanted: tuple[int, int] | None) -> FolderImages:
    """Every image of the folder, in one size; all files are read twice, because the first time shows the size."""
    formats, digests, faults = (dict[str, str]() for _ in range(3))
    sizes = _sizes(place, faults)
    size = wanted or _most_common(sizes)
    _check_memory(len(sizes), size)
    rows = {path: row for row, path in enumerate(sorted(sizes, key=lambda path: (spelt(path), path)))}
    images = np.empty((len(rows), 3, *size), np.uint8)
    for path, content in _contents(place, faults):
        with _noted(faults, path):
            if path in rows:
                pixels, formats[path] = decoded(content, path, at_least=size)
                images[rows[path]] = covered(pixels, size).mul(255).round().numpy()
                digests[path] = hashlib.sha256(content).hexdigest()[:32]
    paths = [path for path in rows if path in digests and path not in faults]
    return FolderImages(
        images[[rows[path] for path in paths]],
        paths,
        [formats[path] for path in paths],
        [digests[path] for path in paths],
        faults,
    )


def _sizes(place: Place, faults: dict[str, str]) -> dict[str, tuple[int, int]]:
    """Height and width of each image, from its header; faults are noted. Raises ValueError if there are no files."""
    sizes: dict[str, tuple[int, int]] = {}
    for path, content in _contents(place, faults):
        with _noted(faults, path):
            sizes[path] = size_of(content, path)
    if not sizes and not faults:
        raise ValueError(
            f"There are no images in {place.path}: put those of each class, as JPEG or PNG files, into a folder with "
            "the name of the class."
        )
    return sizes


def _contents(place: Place, faults: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """Path and content of each file; the faults of those that cannot be read, or are there twice, are noted."""
    seen = set[str]()
    for file in place:
        path = "/".join(file.parts)
        if fault := "is there twice" if path in seen else file.fault:
            faults[path] = f"{path} {fault}"
        else:
            yield path, file.content
        seen.add(path)


@contextmanager
def _noted(faults: dict[str, str], path: str) -> Iterator[None]:
    """Within the block, a file that is not an image is noted."""
    try:
        yield
    except NoImage as error:
        faults[path] = str(error).rstrip(".")


def _most_common(sizes: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    """The most common (height, width), the smaller of two, shrunk to at most LONGEST."""
    if not sizes:
        return 1, 1
    counts = Counter(sizes.values())
    height, width = max(counts, key=lambda size: (counts[size], -size[0] * size[1], size))
    shrink = min(1.0, LONGEST / max(height, width))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


def _check_memory(count: int, size: tuple[int, int]) -> None:
    height, width = size
    needed, free = 6 * 3 * count * height * width, free_memory()  # in bytes, selected, and in float32
    if needed > free:
        raise MemoryError(
            f"{count:,} images of {height} × {width} pixels need {needed / 2**30:,.1f} GiB, but "
            f"{free / 2**30:,.1f} GiB are free: leave some images out, or pass a smaller image_size."
        )


def _name_faults(faults: Mapping[str, str], count: int, path: Path) -> None:
    """Warn of the files that are left out. Raises ValueError if they are too many."""
    if not faults:
        return
    first = faults[min(faults)]
    what = f"{len(faults):,} of {count:,} image files in {path}"
    if len(faults) > MOST_LEFT_OUT * count:
        raise ValueError(f"{what} cannot be used, more than a tenth; the first: {first}; repair or remove them.")
    warnings.warn(f"{what} {'is' if len(faults) == 1 else 'are'} left out; the first: {first}.", stacklevel=3)


def _classes(layout: Layout, path: Path) -> tuple[str, ...]:
    """The classes of the training images, sorted. Raises ValueError for fewer than two, and for others in the test."""
    labels: dict[str, set[str]] = {"train": set(), "validation": set(), "test": set()}
    for each, split in layout.splits.items():
        labels[split].add(layout.labels[each])
    classes = tuple(sorted(labels["train"]))
    if len(classes) < 2:
        only = f"only images of one class, {classes[0]}" if classes else "no images in the folder of a class"
        raise ValueError(f"{path} has {only}, but needs two classes or more: make a folder for each class.")
    if not labels["test"]:
        raise ValueError(
            f"{path} has no image of a class in its test split: put some into test/CLASS, or remove test."
        )
    if strange := sorted((labels["validation"] | labels["test"]) - labels["train"]):
        raise ValueError(
            f"{path} has no training images of the class {strange[0]}, which it has in another split: add some, or "
            "rename its folder."
        )
    return classes


def _rows(paths: list[str], layout: Layout, split: str) -> np.ndarray:
    """The rows of a split's images."""
    splits = np.array([layout.splits.get(path, "") for path in paths])
    if split == "test":
        return np.flatnonzero(splits == "test")
    train = np.flatnonzero((splits == "train") | (splits == "validation"))
    if split == "train":
        return train
    if "validation" in splits:
        return np.flatnonzero(splits == ("train" if split == "fit" else "validation"))
    return train[part(len(train), split).numpy()]
