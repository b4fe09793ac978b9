"""AugmentationExplorer: MixUp under a slider, and RandAugment's N and M on real pictures. Notebook 06."""

from collections.abc import Sequence
from typing import Any

import anywidget
import torch
import traitlets

from course_utils.widgets.front_end import script, style
from course_utils.widgets.tensors import as_picture, as_tensor


class AugmentationExplorer(anywidget.AnyWidget):
    """Two pictures mixed by λ, live; and one changed by RandAugment, for every N and M, the same draws throughout.

    pictures: (count, 3 or 1, height, width) in [0, 1], at least two. names: their labels. changed: (count, numbers,
    magnitudes, samples, channels, height, width): the pictures as N = 0, 1, … transforms of each magnitude leave
    them. magnitudes: the M of each. transforms: for each sample, the names of its transforms in order, as many as the
    largest N. Raises ValueError, in one sentence, for tensors and names that do not fit.
    """

    _esm = script("augmentation_explorer")
    _css = style("augmentation_explorer")
    pixels = traitlets.Bytes().tag(sync=True)
    changed = traitlets.Bytes().tag(sync=True)
    height = traitlets.Int().tag(sync=True)
    width = traitlets.Int().tag(sync=True)
    numbers = traitlets.Int().tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    magnitudes = traitlets.List(traitlets.Int()).tag(sync=True)
    transforms = traitlets.List(traitlets.List(traitlets.Unicode())).tag(sync=True)

    def __init__(
        self,
        pictures: Any,
        names: Sequence[str],
        changed: Any,
        magnitudes: Sequence[int],
        transforms: Sequence[Sequence[str]],
    ) -> None:
        originals = as_tensor(pictures, "The set of pictures")
        if originals.ndim != 4 or len(originals) < 2:
            raise ValueError(
                f"The pictures have shape {tuple(originals.shape)}, but must be (count, channels, height, width) "
                "with at least two: MixUp mixes one with another."
            )
        for picture in originals:
            as_picture(picture)
        results = as_tensor(changed, "The set of changed pictures")
        count, samples, largest = len(originals), len(transforms), len(transforms[0]) if transforms else 0
        expected = (count, largest + 1, len(magnitudes), samples, *originals.shape[1:])
        if results.shape != expected:
            raise ValueError(
                f"The changed pictures have shape {tuple(results.shape)}, but must be {expected}: (pictures, N from "
                "0 to the largest, magnitudes, samples, channels, height, width)."
            )
        if results.min() < 0 or results.max() > 1:
            raise ValueError(
                "The changed pictures have values outside [0, 1]: pass them as RandAugment returns them."
            )
        if len(names) != count:
            raise ValueError(f"There are {len(names)} names for {count} pictures: give one each.")
        if any(len(each) != largest for each in transforms):
            raise ValueError(
                f"Every sample must have {largest} transforms, as the first has: pass as many names each."
            )
        super().__init__(
            pixels=rgb(originals),
            changed=rgb(results),
            height=originals.shape[-2],
            width=originals.shape[-1],
            numbers=largest,
            names=list(names),
            magnitudes=list(magnitudes),
            transforms=[list(each) for each in transforms],
        )


def rgb(pictures: torch.Tensor) -> bytes:
    """(…, 1 or 3, height, width) in [0, 1] → their pixels, three bytes each, row by row."""
    coloured = pictures.expand(*pictures.shape[:-3], 3, -1, -1)
    return (coloured.movedim(-3, -1) * 255).round().byte().contiguous().numpy().tobytes()
