"""What the paths of image files say: which split and which class each belongs to. Notebooks 04, 05 and 10."""

from collections import Counter
from dataclasses import dataclass

from course_utils.data.splits import held_out

TEST_SHARE = 0.2  # of the images of a folder without a test split
NAMES = {"train": "train", "training": "train", "test": "test", "testing": "test"}
NAMES |= dict.fromkeys(("val", "valid", "validation", "dev"), "validation")


@dataclass(frozen=True)
class Layout:
    """The split and the class of each image, or, in faults, why it has none."""

    splits: dict[str, str]  # path → "train", "validation" or "test"
    labels: dict[str, str]  # path → class
    faults: dict[str, str]
    seeded: bool  # whether the test split was drawn


def arranged(digests: dict[str, str], seed: int) -> Layout:
    """The layout of a folder's images. digests: path, with / between its parts → a digest of the image's content.

    See :func:`~course_utils.data.folder.load_folder` for the rules. Raises ValueError for a class with one image that
    would have to be divided.
    """
    parts = _without_wrapper({path: tuple(path.split("/")) for path in digests})
    tops = {NAMES.get(each[0].lower()) for each in parts.values() if len(each) > 1}
    split_names = {"train", "test"} <= tops or {"train", "validation"} <= tops
    splits, labels, faults = {}, {}, {}
    for path, each in parts.items():
        split = NAMES.get(each[0].lower()) if split_names else "train"
        folders = each[1:-1] if split_names else each[:-1]
        if split is None:
            faults[path] = f"{path} is in neither of the splits"
        elif not folders:
            faults[path] = f"{path} is not in the folder of a class"
        else:
            splits[path], labels[path] = split, folders[0]
    if split_names and "test" not in tops:
        splits = {path: "test" if split == "validation" else split for path, split in splits.items()}
    if not split_names and splits:
        splits = _drawn({path: digests[path] for path in splits}, labels, seed)
    return Layout(splits, labels, faults, not split_names)


def _without_wrapper(parts: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The paths below the folder that contains everything else, if there is one."""
    while (
        sum(len(each) > 2 for each in parts.values()) > len(parts) / 2
        and len({each[0] for each in parts.values() if len(each) > 1}) == 1
    ):
        parts = {path: each[1:] or each for path, each in parts.items()}
    return parts


def _drawn(digests: dict[str, str], labels: dict[str, str], seed: int) -> dict[str, str]:
    different = Counter(label for label, _ in {(labels[path], digest) for path, digest in digests.items()})
    for label, count in different.items():
        if count < 2:
            raise ValueError(
                f"The class {label} has {count} different image, but needs two, to train and to test with: add another one."
            )
    chosen = held_out(list(digests.values()), [labels[path] for path in digests], TEST_SHARE, seed)
    return {path: "test" if test else "train" for path, test in zip(digests, chosen, strict=True)}
