"""The images of a folder as one array, stored until the folder changes. Notebooks 04, 05 and 10."""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import files
from course_utils.paths import cache_dir

VERSION = 2  # increase it when the same files lead to other pixels or paths
KEPT = 4  # arrays: the last ones used


@dataclass(frozen=True)
class FolderImages:
    """What was read of a folder: one array, and for each image its path, its format and a digest of its content."""

    images: np.ndarray  # (count, 3, height, width), uint8
    paths: list[str]
    formats: list[str]
    digests: list[str]
    faults: dict[str, str]  # path of each file that was left out → a sentence


def cached(about: Any, read: Callable[[], FolderImages], lasting: Callable[[], bool]) -> FolderImages:
    """What read returns, from the cache if it was stored for the same content. about: what determines it, plain data.
    lasting: whether reading again would return the same.

    Without a folder to write to, or without space, nothing is stored.
    """
    path = None
    with suppress(OSError):
        key = hashlib.sha256(json.dumps([VERSION, about]).encode()).hexdigest()[:32]
        path = cache_dir() / f"{key}.npz"
        if (found := _loaded(path)) is not None:
            return found
    found = read()
    if path is not None and lasting():
        with suppress(OSError):
            _store(found, path)
    return found


def _loaded(path: Path) -> FolderImages | None:
    """The stored array; None if there is none, or it is damaged, which NumPy's checksums show."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            about = json.loads(archive["about"].tobytes())
            images = archive["images"]
        found = FolderImages(images, **about)
    except Exception:  # there is none, or it is damaged, which raises a dozen types
        return None
    with suppress(OSError):
        path.touch()
    return found


def _store(found: FolderImages, path: Path) -> None:
    files.prepare(path.parent, 1 + found.images.nbytes // 2**20, "nothing is stored")
    files.clear(path.parent)
    about = {name: value for name, value in vars(found).items() if name != "images"}
    with files.atomic(path) as partial, partial.open("wb") as file:
        np.savez(file, images=found.images, about=np.frombuffer(json.dumps(about).encode(), np.uint8))
    for old in sorted(path.parent.glob("*.npz"), key=lambda each: each.stat().st_mtime)[:-KEPT]:
        files.remove(old)
