"""ViTExplorer: a whole ViT computed in the page, on any picture, with everything on its way and parts to switch off.

Notebook 04.
"""

import json
import warnings
from collections.abc import Sequence
from typing import Any

import torch
import traitlets

from course_utils.data.pixels import covered
from course_utils.front_end import FOLDER, script, style
from course_utils.widgets.images import as_images, rgb
from course_utils.widgets.tensors import as_names, as_setting, as_start
from course_utils.widgets.vit_weights import as_vit, border, configuration, packed
from course_utils.widgets.widget import Widget

WALK = json.loads((FOLDER / "vit_walk.json").read_text(encoding="utf-8"))  # the texts of the guided walk


class ViTExplorer(Widget):
    """Runs a ViT in the page: picture, tokens, attention, the prediction after every layer, and what changes it.

    model: a ViT, DistilledViT or RegisterViT of the course, trained or not; its weights are sent once, as half floats, and
    computed in evaluation mode. images: a batch as a tensor or an array, or a list of images, also of Pillow, in [0, 1] or
    bytes; those of another size are cropped and resized, with a warning, and colours become grey for a model of one
    channel. classes: the names of the model's classes. names: what the images are called, by default
    numbers. start: row and column of the patch that asks first; by default the middle. guided: whether to begin with the
    guided walk. Nothing that is drawn or opened leaves the page. Raises ValueError for a model that the page cannot compute
    and for names that do not match it.
    """

    _esm = script("vit_explorer")
    _css = style("vit_explorer")
    _channels = 3
    pixels = traitlets.Bytes().tag(sync=True)
    height = traitlets.Int().tag(sync=True)
    width = traitlets.Int().tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    classes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    config = traitlets.Dict().tag(sync=True)
    format = traitlets.Unicode().tag(sync=True)  # of the weights: "float16" or "float32"
    layout_of_weights: "traitlets.List[Any]" = traitlets.List().tag(sync=True)  # name and count of each parameter
    weights = traitlets.Bytes().tag(sync=True)
    start = traitlets.Int().tag(sync=True)  # the token that asks first
    guided = traitlets.Bool().tag(sync=True)
    walk = traitlets.List(traitlets.Dict()).tag(sync=True)
    changes = traitlets.Dict().tag(sync=True)  # to the model and its input, at the beginning

    def __init__(
        self,
        model: Any,
        images: Any,
        classes: Sequence[str],
        *,
        names: Sequence[str] | None = None,
        start: tuple[int, int] | None = None,
        guided: bool = False,
    ) -> None:
        model = as_vit(model)
        c = model.config
        pictures = as_images(images)
        height, width = c.height_and_width
        if tuple(pictures.shape[-2:]) != (height, width):
            warnings.warn(
                f"The images are {pictures.shape[-2]} × {pictures.shape[-1]} pixels, but this {type(model).__name__} reads "
                f"{height} × {width}: it gets the largest central part of that shape, resized.",
                stacklevel=2,
            )
            pictures = torch.stack([covered(picture, (height, width)) for picture in pictures])
        rows, columns = c.grid
        row, column = as_start(start, rows, columns, "patches")
        special = model.special_tokens.shape[1]
        count = len(pictures)
        labels = as_names(range(count) if names is None else names, "names", count, "image")
        known = as_names(classes, "classes", c.classes, "output")
        guided = as_setting(guided, "guided", bool)
        form, layout, weights = packed(model)
        super().__init__(
            pixels=rgb(pictures),
            height=height,
            width=width,
            names=[f"image {label}" for label in labels] if names is None else labels,
            classes=known,
            config={**configuration(model), "blank": border(pictures, c.channels)},
            format=form,
            layout_of_weights=layout,
            weights=weights,
            start=special + row * columns + column,
            guided=guided,
            walk=WALK,
        )
