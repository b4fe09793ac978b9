"""AttentionExplorer: where a query looks, by layer and head. Notebooks 00, 01, 03, 04 and 05."""

from typing import Any

import anywidget
import torch
import traitlets

from course_utils.analysis.rollout import attention_rollout
from course_utils.widgets.front_end import script, style
from course_utils.widgets.tensors import as_attention, as_picture, grid, half_floats, rgba


class AttentionExplorer(anywidget.AnyWidget):
    """Lights up, over the picture, what the patch under the pointer attends to; models side by side if several.

    image: (3 or 1, height, width) or (height, width), values in [0, 1]. attention: what ``model.attention_maps``
    returns for it, a list of (1, heads, tokens, tokens) or (heads, tokens, tokens), one per layer; or one tensor
    (layers, heads, tokens, tokens); or a dict of such, model name → attention. special_tokens: how many tokens
    before the patches (1 for the class token); with several models, a dict may give each its own. head_names: what to
    call the heads instead of their numbers.
    Rollout: Abnar & Zuidema 2020. Raises ValueError, in one sentence, for tensors that cannot be shown.
    """

    _esm = script("attention_explorer")
    _css = style("attention_explorer")
    pixels = traitlets.Bytes().tag(sync=True)
    height = traitlets.Int().tag(sync=True)
    width = traitlets.Int().tag(sync=True)
    models = traitlets.List(traitlets.Dict()).tag(sync=True)
    head_names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    weights = traitlets.Bytes().tag(sync=True)

    def __init__(
        self,
        image: Any,
        attention: Any,
        *,
        special_tokens: int | dict[str, int] = 1,
        head_names: list[str] | None = None,
    ) -> None:
        picture = as_picture(image)
        named = attention if isinstance(attention, dict) else {"": attention}
        if not named:
            raise ValueError("There is no attention to show: the dict of models is empty.")
        models, packed, start = [], [], 0
        for name, value in named.items():
            maps = as_attention(value, name)
            layers, heads, tokens, _ = maps.shape
            special = special_tokens.get(name, 1) if isinstance(special_tokens, dict) else special_tokens
            rows, columns = grid(tokens, picture, special, name)
            rollout = torch.cat(attention_rollout(list(maps[:, None])))
            models.append(
                {
                    "name": name,
                    "layers": layers,
                    "heads": heads,
                    "tokens": tokens,
                    "special": special,
                    "rows": rows,
                    "columns": columns,
                    "attention": start,  # where its numbers begin, counted in numbers
                    "rollout": start + maps.numel(),
                }
            )
            packed += [half_floats(maps), half_floats(rollout)]
            start += maps.numel() + rollout.numel()
        most = max(model["heads"] for model in models)
        if head_names is not None and len(head_names) != most:
            raise ValueError(f"There are {len(head_names)} head_names for {most} heads: give one name per head.")
        super().__init__(
            pixels=rgba(picture),
            height=picture.shape[1],
            width=picture.shape[2],
            models=models,
            head_names=head_names or [],
            weights=b"".join(packed),
        )
