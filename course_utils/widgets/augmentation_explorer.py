"""AugmentationExplorer: MixUp with a slider for λ, and RandAugment's N and M on real images. Notebook 06."""

from collections.abc import Sequence
from typing import Any

import anywidget
import torch
import traitlets

from course_utils.widgets.front_end import script, style
from course_utils.widgets.tensors import as_image, as_tensor


class AugmentationExplorer(anywidget.AnyWidget):
    """Two images mixed by λ, and one image changed by RandAugment for every N and M, with the same random draws.

    images: (count, 3 or 1, height, width) in [0, 1], at least two. names: their labels. changed: (count, numbers,
    magnitudes, samples, channels, height, width): the images after N = 0, 1, … transforms of each magnitude.
    magnitudes: the values of M. transforms: for each sample, the names of its transforms in order, as many as the
    largest N. Raises ValueError for tensors and names that do not match.
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
        images: Any,
        names: Sequence[str],
        changed: Any,
        magnitudes: Sequence[int],
        transforms: Sequence[Sequence[str]],
    ) -> None:
        originals = as_tensor(images, "The batch of images")
        if originals.ndim != 4 or len(originals) < 2:
            raise ValueError(
                f"The images have shape {tuple(originals.shape)}, but must be (count, channels, height, width) with "
                "at least two, because MixUp mixes two images: pass a batch."
            )
        for image in originals:
            as_image(image)
        results = as_tensor(changed, "The tensor of changed images")
        count, samples, largest = len(originals), len(transforms), len(transforms[0]) if transforms else 0
        expected = (count, largest + 1, len(magnitudes), samples, *originals.shape[1:])
        if results.shape != expected:
            raise ValueError(
                f"The changed images have shape {tuple(results.shape)}, but must be {expected}: (images, N from "
                "0 to the largest, magnitudes, samples, channels, height, width)."
            )
        if results.min() < 0 or results.max() > 1:
            raise ValueError("The changed images have values outside [0, 1]: pass them as RandAugment returns them.")
        if len(names) != count:
            raise ValueError(f"There are {len(names)} names for {count} images: pass one name per image.")
        if any(len(each) != largest for each in transforms):
            raise ValueError(
                f"The first sample has {largest} transforms, but another has more or fewer: pass {largest} names for "
                "each sample."
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


def rgb(images: torch.Tensor) -> bytes:
    """The pixels of (…, 1 or 3, height, width) in [0, 1], three bytes each, row by row."""
    coloured = images.expand(*images.shape[:-3], 3, -1, -1)
    return (coloured.movedim(-3, -1) * 255).round().byte().contiguous().numpy().tobytes()
