"""AugmentationExplorer: MixUp with a slider for λ, and RandAugment's N and M on real images. Notebook 06."""

from collections.abc import Sequence
from typing import Annotated, Any

import traitlets

from course_utils.front_end import script, style
from course_utils.settings import between, checked, shown
from course_utils.training.rand_augment import STRONGEST
from course_utils.widgets.images import as_images, as_pixels, rgb
from course_utils.widgets.tensors import as_list, as_names, as_setting
from course_utils.widgets.widget import Widget

Magnitudes = tuple[Annotated[int, between(0, STRONGEST)], ...]


class AugmentationExplorer(Widget):
    """Two images mixed by λ, and one image changed by RandAugment for every N and M, with the same random draws.

    images: a batch as a tensor or an array, or a list of images, also of Pillow, in [0, 1] or bytes; at least two.
    names: their labels. changed: (count, numbers, magnitudes, samples, channels, height, width): the images after N =
    0, 1, … transforms of each magnitude. magnitudes: the values of M. transforms: for each sample, the names of its
    transforms in order, as many as the largest N. number, magnitude: N and M at the beginning, by default 2 and the
    middle. Raises ValueError for tensors and names that do not match.
    """

    _esm = script("augmentation_explorer")
    _css = style("augmentation_explorer")
    _channels = 3
    pixels = traitlets.Bytes().tag(sync=True)
    changed = traitlets.Bytes().tag(sync=True)
    height = traitlets.Int().tag(sync=True)
    width = traitlets.Int().tag(sync=True)
    numbers = traitlets.Int().tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    magnitudes = traitlets.List(traitlets.Int()).tag(sync=True)
    transforms = traitlets.List(traitlets.List(traitlets.Unicode())).tag(sync=True)
    number = traitlets.Int().tag(sync=True)
    magnitude = traitlets.Int().tag(sync=True)

    def __init__(
        self,
        images: Any,
        names: Sequence[str],
        changed: Any,
        magnitudes: Sequence[int],
        transforms: Sequence[Sequence[str]],
        *,
        number: int | None = None,
        magnitude: int | None = None,
    ) -> None:
        originals = as_images(images)
        if len(originals) < 2:
            raise ValueError("There is one image, but MixUp mixes two: pass a batch of at least two images.")
        results = as_pixels(changed, "The tensor of changed images")
        levels = checked("magnitudes", as_list(magnitudes, "magnitudes"), Magnitudes)
        samples = [as_names(each, "transforms") for each in as_list(transforms, "transforms")]
        largest = len(samples[0]) if samples else 0
        expected = (len(originals), largest + 1, len(levels), len(samples), *originals.shape[1:])
        if results.shape != expected:
            raise ValueError(
                f"The changed images have shape {tuple(results.shape)}, but must be {expected}: (images, N from "
                "0 to the largest, magnitudes, samples, channels, height, width)."
            )
        if any(len(each) != largest for each in samples):
            raise ValueError(
                f"The first sample has {largest} transforms, but another has more or fewer: pass {largest} names for "
                "each sample."
            )
        labels = as_names(names, "names", len(originals), "image")
        first = (
            min(2, largest) if number is None else as_setting(number, "number", Annotated[int, between(0, largest)])
        )
        level = levels[len(levels) // 2] if magnitude is None else as_setting(magnitude, "magnitude", int)
        if level not in levels:
            raise ValueError(
                f"magnitude is {shown(level)}, but must be one of the magnitudes {', '.join(map(str, levels))}."
            )
        super().__init__(
            pixels=rgb(originals),
            changed=rgb(results),
            height=originals.shape[-2],
            width=originals.shape[-1],
            numbers=largest,
            names=labels,
            magnitudes=list(levels),
            transforms=samples,
            number=first,
            magnitude=level,
        )
