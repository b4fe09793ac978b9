"""ViTExplorer: a whole ViT on any picture, with everything on its way and parts to switch off. Notebooks 04 to 07."""

import json
import warnings
from collections.abc import Sequence
from typing import Any

import torch
import traitlets

from course_utils.analysis.erasing import border
from course_utils.data.pixels import covered
from course_utils.front_end import FOLDER, script, style
from course_utils.widgets.images import as_images, rgb
from course_utils.widgets.tensors import as_names, as_setting, as_start
from course_utils.widgets.vit_kernel import Answering, Prepare, check_prepare
from course_utils.widgets.vit_weights import (
    MOST_PRODUCTS,
    MOST_WEIGHTS,
    as_models,
    configuration,
    fits_the_page,
    packed,
    with_channels,
)
from course_utils.widgets.widget import Widget

WALK = json.loads((FOLDER / "vit_walk.json").read_text(encoding="utf-8"))  # the texts of the guided walk


class ViTExplorer(Widget):
    """Runs a ViT under the hand: picture, tokens, attention, the prediction after every layer, and what changes it.

    model: a ViT, DistilledViT or RegisterViT of the course, trained or not, in evaluation mode; or a dict from names to
    models, of which the first is one: each answers to the same picture, those that are built like the first can be
    looked into instead of it, and others, any modules that turn images into logits, run in the kernel. The model runs
    in the page, with weights that are sent once, as half floats: rounding them moves the stored ViT's logits, which
    reach 13.5, by up to 0.005, so the page is compared with PyTorch by shares of the largest number, 10⁻⁵ with the
    rounded weights and 5 · 10⁻³ with exact ones. A model that is too large for a page, that has no classes or changed
    layers, or that needs prepare runs in the kernel instead, in its own precision; in_kernel=True asks for that.
    Without classes, the widget shows how much changes move the tokens. prepare: what images get before the model reads
    them, (…, channels, height, width) → the same shape; for example ``prepared`` of ``load_pretrained``. images: a
    batch as a tensor or an array, or a list of images, also of Pillow, in [0, 1] or bytes; those of another size are
    cropped and resized, with a warning, and colours become grey for a model of one channel. classes: the names of the
    model's classes, none for a model without. names: what the images are called, by default numbers. start: row and
    column of the patch that asks first; by default the middle. guided: whether to begin with the guided walk. What is
    drawn or opened stays in the page and its kernel. Raises ValueError for a model of another kind and for names that
    do not match it.
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
    model_names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    same = traitlets.Int().tag(sync=True)  # how many models, from the first on, are built like the first
    in_kernel = traitlets.Bool().tag(sync=True)  # whether the kernel computes these; the others are always there

    def __init__(
        self,
        model: Any,
        images: Any,
        classes: Sequence[str] = (),
        *,
        names: Sequence[str] | None = None,
        start: tuple[int, int] | None = None,
        guided: bool = False,
        prepare: Prepare | None = None,
        in_kernel: bool | None = None,
    ) -> None:
        models, same, plain = as_models(model)
        model = next(iter(models.values()))
        c = model.config
        pictures = as_images(images)
        height, width = c.height_and_width
        if tuple(pictures.shape[-2:]) != (height, width):
            warnings.warn(
                f"The images are {pictures.shape[-2]} × {pictures.shape[-1]} pixels, but this {type(model).__name__} "
                f"reads {height} × {width}: it gets the largest central part of that shape, resized.",
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
        if guided and not c.classes:
            raise ValueError(
                f"guided is True, but the walk asks about predictions, and this {type(model).__name__} has no classes: "
                "leave guided out."
            )
        read = with_channels(pictures, c.channels)
        check_prepare(prepare, read[:1].clone())
        asked = as_setting(in_kernel, "in_kernel", bool | None)
        kernel = bool(asked) or prepare is not None or not plain or not fits_the_page(model)
        if asked is False and kernel:
            raise ValueError(
                f"in_kernel is False, but this {type(model).__name__} cannot run in the page, which computes up to "
                f"{MOST_WEIGHTS / 1e6:.0f} million weights and {MOST_PRODUCTS / 1e6:.0f} million products per pass, "
                "and needs classes, unchanged layers and no prepare: leave in_kernel out."
            )
        blank = border(read).tolist()
        answering = Answering(models, same, blank, prepare)
        answering.check(read[:1].clone())
        form, layout, weights = packed(*list(models.values())[:same], only="positions" if kernel else None)
        super().__init__(
            pixels=rgb(pictures),
            height=height,
            width=width,
            names=[f"image {label}" for label in labels] if names is None else labels,
            classes=known,
            config={**configuration(model), "blank": blank},
            format=form,
            layout_of_weights=layout,
            weights=weights,
            start=special + row * columns + column,
            guided=guided,
            walk=WALK,
            model_names=list(models),
            same=same,
            in_kernel=kernel,
        )
        if kernel or len(models) > same:
            self.on_msg(lambda _, request, buffers: self.send(*answering.reply(request, buffers)))
