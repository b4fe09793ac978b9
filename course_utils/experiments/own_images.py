"""A named run on a folder of images instead of its own dataset: ``course train NAME --data PATH``.
Notebooks 04 and 05."""

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from course_utils.data import DATASETS, LabelledImages, load_folder
from course_utils.data.folder import common_size
from course_utils.experiments.inputs import fields_of
from course_utils.experiments.recipes import NamedRun
from course_utils.training.identity import DATA, sha256_of

LARGEST = 64  # pixels per side: the recipes are for small images
STEP = 4  # the side is a multiple of it, for patches


def on_folder(run: NamedRun, path: Path) -> tuple[NamedRun, LabelledImages, LabelledImages, LabelledImages]:
    """The run with the image size and the classes of a folder, and the folder's fit, validation and test split.

    The images are squares; their side is the shorter one of the folder's most common size, at most 64 pixels, rounded
    down to a multiple of 4. Raises the errors of :func:`~course_utils.data.load_folder`.
    """
    side = max(STEP, min(LARGEST, *common_size(path)) // STEP * STEP)
    fit, validation, test = (load_folder(path, split, image_size=side) for split in ("fit", "validation", "test"))
    seen = {"image_size": side, "channels": 3, "classes": len(fit.classes)}
    config: Any = replace(run.config, **fields_of(run.config, seen))
    return replace(run, config=config, dataset=described(run.dataset, test)), fit, validation, test


def check_teacher(folder: Path, train: LabelledImages) -> None:
    """Raise ValueError if the description of the teacher's run in this folder says that it learned from other
    images."""
    learned = None
    with suppress(OSError, ValueError, AttributeError):  # without a description, nobody knows
        learned = json.loads((folder / "run.json").read_text(encoding="utf-8")).get(DATA)
    if learned not in (None, sha256_of((train.images, train.labels))):
        raise ValueError(
            f"The teacher in {folder} learned from other images than those of {train.name}, or before they changed: "
            "train one on the same images, and pass its folder with --teacher."
        )


def described(dataset: str, images: LabelledImages) -> str:
    """A folder's images for the card: where they came from and, if they have the classes of the dataset, that too."""
    text = f"{images.name}: {images.source}"
    own = DATASETS.get(dataset)
    if own is not None and own.classes == images.classes:
        text += f", copies of {dataset}, so figures can differ slightly from those on its own files"
    return text
