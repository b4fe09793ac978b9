"""AttentionExplorer: what a query attends to, by layer and head. Notebooks 00, 01, 03, 04 and 05."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import traitlets

from course_utils.analysis.rollout import attention_rollout
from course_utils.front_end import script, style
from course_utils.settings import by_text, checked, shown
from course_utils.widgets.images import as_image, cropped, rgba
from course_utils.widgets.tensors import as_names, as_start, half_floats
from course_utils.widgets.weights import as_attention, on_grid, shown_part
from course_utils.widgets.widget import Widget


class AttentionExplorer(Widget):
    """Highlights what the patch under the pointer attends to in the image; several models appear side by side.

    image: a tensor, an array or an image of Pillow, with channels first, last or none, in [0, 1] or bytes; an oblong
    one is cropped, with a warning, to the square that the patches form. attention: what ``model.attention_maps``
    returns for it, a list of (1, heads, tokens, tokens), (heads, tokens, tokens) or (tokens, tokens), one per layer; or
    one tensor (layers, heads, tokens, tokens); or a dict from model names to such attention. special_tokens: number of
    tokens before the patches (by default 1, the class token), or a dict with one number per model. head_names: shown
    instead of the heads' numbers. special_name: what the first of the special tokens is called. start: row and column
    of the patch that asks first, in the grid of the first model; by default the middle. Rollout: Abnar & Zuidema 2020.
    In the book, more than 1 MB of weights are rounded, each to 1/63 of the largest in its row.
    Raises ValueError for tensors that cannot be shown and for a start outside the grid.
    """

    _esm = script("attention_explorer")
    _css = style("attention_explorer")
    pixels = traitlets.Bytes().tag(sync=True)
    height = traitlets.Int().tag(sync=True)
    width = traitlets.Int().tag(sync=True)
    models = traitlets.List(traitlets.Dict()).tag(sync=True)
    head_names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    weights = traitlets.Bytes().tag(sync=True)
    start = traitlets.List(traitlets.Float()).tag(sync=True)  # fractions of the width and of the height

    def __init__(
        self,
        image: Any,
        attention: Any,
        *,
        special_tokens: int | Mapping[Any, int] | None = None,
        special_name: str = "class token",
        head_names: Sequence[str] | None = None,
        start: tuple[int, int] | None = None,
    ) -> None:
        image = as_image(image)
        named = (
            by_text(attention, "The dict of attention weights") if isinstance(attention, Mapping) else {"": attention}
        )
        if not named:
            raise ValueError(
                "The dict of attention weights is empty, but it needs at least one model: pass {name: "
                "model.attention_maps(image)}."
            )
        alike = dict.fromkeys(named, special_tokens)
        special = by_text(special_tokens, "special_tokens") if isinstance(special_tokens, Mapping) else alike
        if unknown := [name for name in special if name not in named]:
            raise ValueError(
                f"special_tokens has a number for {shown(unknown[0])}, but there is no attention of that name: use the "
                "names of the dict of attention weights, or pass one number."
            )
        special_name = checked("special_name", special_name, str)
        called = {name: f"The attention of {name}" if name != "" else "The attention" for name in named}
        every = {name: as_attention(value, called[name]) for name, value in named.items()}
        for name, maps in every.items():  # first for all models: they share one image
            tokens = maps.shape[-1]
            height, width = shown_part(image, tokens, special.get(name))
            image = cropped(image, height, width, f"the patches of {tokens} tokens form a square")
        models: list[dict[str, Any]] = []
        packed, position = [], 0
        for name, maps in every.items():
            layers, heads, tokens, _ = maps.shape
            before, rows, columns = on_grid(tokens, image, special.get(name), called[name])
            with torch.device("cpu"):  # whatever the notebook's default is
                rollout = torch.cat(attention_rollout(list(maps[:, None])))
            models.append(
                {
                    "name": name,
                    "layers": layers,
                    "heads": heads,
                    "tokens": tokens,
                    "special": before,
                    "special_name": special_name,
                    "rows": rows,
                    "columns": columns,
                    "attention": position,  # index of its first weight in the packed weights
                    "rollout": position + maps.numel(),
                    "seen": (maps > 0).any(0).any(0).sum(-1).tolist(),  # of each query, the keys with any weight
                }
            )
            packed += [half_floats(maps), half_floats(rollout)]
            position += maps.numel() + rollout.numel()
        most = max(model["heads"] for model in models)
        names = [] if head_names is None else as_names(head_names, "head_names", most, "head")
        rows, columns = models[0]["rows"], models[0]["columns"]
        row, column = as_start(start, rows, columns, "patches")
        super().__init__(
            pixels=rgba(image),
            height=image.shape[1],
            width=image.shape[2],
            models=models,
            head_names=names,
            weights=b"".join(packed),
            start=[(column + 0.5) / columns, (row + 0.5) / rows],
        )
