"""What the paths of image files say: which split and which class each belongs to. Notebooks 04, 05 and 10."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

from course_utils.data.splits import held_out

TEST_SHARE = 0.2  # of the images of a folder without a test split
NAMES = {"train": "train", "training": "train", "test": "test", "testing": "test"}
NAMES |= dict.fromkeys(("val", "valid", "validation", "dev"), "validation")
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")

Paths = dict[str, tuple[str, ...]]  # path → its parts
REMEDY = "arrange the images as train/CLASS and test/CLASS, or as CLASS alone"


@dataclass(frozen=True)
class Layout:
    """The split and the class of each image, or, in faults, why it has none."""

    splits: dict[str, str]  # path → "train", "validation" or "test"
    labels: dict[str, str]  # path → class
    faults: dict[str, str]
    seeded: bool  # whether the test split was drawn


def spelt(path: str) -> str:
    """A path in one spelling: systems write accents in two ways."""
    return unicodedata.normalize("NFC", path)


def arranged(digests: dict[str, str], seed: int) -> Layout:
    """The layout of a folder's images. digests: path, with / between its parts → a digest of the image's content.

    See :func:`~course_utils.data.folder.load_folder` for the rules. Raises ValueError if it is not clear which folders
    are splits or classes, and for a class with one image that would have to be divided.
    """
    parts = _without_wrapper({path: tuple(spelt(path).split("/")) for path in digests})
    tops = {each[0]: _split(each[0]) for each in parts.values() if len(each) > 1}
    split_names = "train" in tops.values() and {"test", "validation"} & set(tops.values())
    splits, folders, faults = {}, {}, {}
    if split_names:
        _refuse_two_of_one_split(tops)
        parts = _without_inner_wrapper(parts, tops)
    for path, each in parts.items():
        split = tops.get(each[0]) if split_names else "train"
        below = each[1:-1] if split_names else each[:-1]
        if split is None:
            faults[path] = f"{path} is in neither of the splits"
        elif not below:
            faults[path] = f"{path} is not in the folder of a class"
        else:
            splits[path], folders[path] = split, below
    _refuse_unclear(list(folders.values()))
    labels = {path: each[0] for path, each in folders.items()}
    if split_names and "test" not in tops.values():
        splits = {path: "test" if split == "validation" else split for path, split in splits.items()}
    if not split_names and splits:
        splits = _drawn({path: digests[path] for path in splits}, labels, seed)
    return Layout(splits, labels, faults, not split_names)


def _split(folder: str) -> str | None:
    """The split that a folder is named after: ``train``, ``seg_train``, ``Training set``, ``testset``, ``val2017``."""
    words = (word.lower().removesuffix("set") for word in WORD.findall(folder))
    return next((NAMES[word] for word in words if word in NAMES), None)


def _refuse_two_of_one_split(tops: dict[str, str | None]) -> None:
    for split, count in Counter(filter(None, tops.values())).items():
        if count > 1:
            first, second, *_ = sorted(top for top, named in tops.items() if named == split)
            raise ValueError(
                f"The folders {first} and {second} are both named after the {split} split: keep one of them, or move "
                "the images of both into one."
            )


def _refuse_unclear(folders: list[tuple[str, ...]]) -> None:
    """Raise ValueError if what seem to be classes hold the same folders, as domains do, or are named after a split.

    folders: for each image, the folder of its class and those below. A class that holds more images than images in
    folders is clear.
    """
    images, deeper = Counter(each[0] for each in folders), Counter(each[0] for each in folders if len(each) > 1)
    inner: dict[str, set[str]] = {}
    for outer, name in {each[:2] for each in folders if len(each) > 1}:
        inner.setdefault(outer, set()).add(name)
    several = {
        outer: names for outer, names in inner.items() if len(names) > 1 and 2 * deeper[outer] >= images[outer]
    }
    counts = Counter(name for names in several.values() for name in names)
    alike = sorted(
        outer for outer, names in several.items() if sum(counts[name] > 1 for name in names) > len(names) / 2
    )
    if len(alike) > 1:
        shared = next(name for name in sorted(several[alike[0]]) if counts[name] > 1)
        raise ValueError(
            f"The folders {alike[0]} and {alike[1]} hold the same folders, such as {shared}, so either level may be "
            f"the classes: pass one of the two alone, or {REMEDY}."
        )
    if named := sorted(filter(_split, several)):
        raise ValueError(
            f"The folder {named[0]} is named after a split and holds folders, but what is beside it is no other split: "
            f"pass {named[0]} alone, or {REMEDY}."
        )


def _without_wrapper(parts: Paths) -> Paths:
    """The paths below the folder that contains everything else, if there is one."""
    while (
        sum(len(each) > 2 for each in parts.values()) > len(parts) / 2
        and len({each[0] for each in parts.values() if len(each) > 1}) == 1
    ):
        parts = {path: each[1:] or each for path, each in parts.items()}
    return parts


def _without_inner_wrapper(parts: Paths, tops: dict[str, str | None]) -> Paths:
    """The paths without the folder that contains everything else of its split, if each has one: train/train/CLASS/…"""
    inside = {path: each for path, each in parts.items() if tops.get(each[0]) and len(each) > 2}
    wrapped = len({each[:2] for each in inside.values()}) == len(set(filter(tops.get, tops)))
    if not wrapped or sum(len(each) > 3 for each in inside.values()) <= len(inside) / 2:
        return parts
    return {path: (each[0], *each[2:]) if path in inside else each for path, each in parts.items()}


def _drawn(digests: dict[str, str], labels: dict[str, str], seed: int) -> dict[str, str]:
    different = Counter(label for label, _ in {(labels[path], digest) for path, digest in digests.items()})
    for label, count in different.items():
        if count < 2:
            raise ValueError(
                f"The class {label} has {count} different image, but needs two, to train and to test with: "
                "add another one."
            )
    chosen = held_out(list(digests.values()), [labels[path] for path in digests], TEST_SHARE, seed)
    return {path: "test" if test else "train" for path, test in zip(digests, chosen, strict=True)}
