"""A ViT for the engine in the page: which models it takes, their configuration, and their weights as bytes. Notebook 04."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from course_utils.analysis import erasing
from course_utils.models import DistilledViT, RegisterViT, ViT
from course_utils.settings import shown
from course_utils.widgets.tensors import as_tensor, half_floats

KINDS = (ViT, DistilledViT, RegisterViT)  # whose forward pass vit_engine.js has
MOST_WEIGHTS = 4_000_000  # two bytes each: more would make the page slow to load
MOST_PRODUCTS = 500_000_000  # of a forward pass: more would make the page slow to respond


def as_models(value: Any) -> tuple[dict[str, torch.nn.Module], int]:
    """One ViT, or a dict from names to models of which the first is one → the models by name, and how many of them, which
    come first, are built like the first. Raises ValueError for an empty dict and for what is no model.
    """
    named = value if isinstance(value, Mapping) else {"": value}
    if not named:
        raise ValueError("The dict of models is empty, but it needs at least one: pass {name: model}.")
    first = as_vit(next(iter(named.values())))
    alike: dict[str, torch.nn.Module] = {}
    others: dict[str, torch.nn.Module] = {}
    for name, each in named.items():
        model = getattr(each, "_orig_mod", each)
        if not isinstance(model, torch.nn.Module):
            raise ValueError(
                f"The model {name} is {shown(model)}, but must be a module that turns images into logits."
            )
        same = type(model) is type(first) and configuration(model) == configuration(first)
        (alike if same else others)[str(name)] = as_vit(model) if same else model
    return {**alike, **others}, len(alike)


def as_vit(model: Any) -> ViT:
    """The model, if the engine could compute what it computes. Raises ValueError, with advice, for any other."""
    model = getattr(model, "_orig_mod", model)  # of torch.compile
    taken = " or ".join([", ".join(kind.__name__ for kind in KINDS[:-1]), KINDS[-1].__name__])
    if type(model) not in KINDS:
        found = f"a {type(model).__name__}" if isinstance(model, torch.nn.Module) else shown(model)
        raise ValueError(
            f"model is {found}, but the widget computes the forward pass of the course's {taken}: pass one of these, or "
            "convert a torchvision or timm ViT with from_torchvision or from_timm of course_utils.models.convert first."
        )
    with torch.device("meta"):
        expected = _shapes(type(model)(model.config))
    if other := sorted(set(_shapes(model).items()) ^ set(expected.items())):
        raise ValueError(
            f"The parameter {other[0][0]} of this model is not as its configuration says, but the widget computes an "
            "unchanged model: undo what replaced its layers, or copy its weights into a new one."
        )
    return model


def fits_the_page(model: ViT) -> bool:
    """Whether the page can show its predictions, and is loaded and responds fast enough with it."""
    c = model.config
    tokens, linear = c.patches + model.special_tokens.shape[1], c.channels * c.patch_size**2 * c.dim
    weights = linear + tokens * c.dim + c.layers * (4 * c.dim**2 + 2 * c.dim * c.mlp_dim) + c.dim * c.classes
    products = tokens * (weights + 2 * c.layers * tokens * c.dim)
    return c.classes > 0 and weights <= MOST_WEIGHTS and products <= MOST_PRODUCTS


def _shapes(model: ViT) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in model.state_dict().items()}


def configuration(model: ViT) -> dict[str, Any]:
    """What the engine needs to know of a model, besides its weights."""
    (height, width), (rows, columns) = model.config.height_and_width, model.config.grid
    grid = {"height": height, "width": width, "rows": rows, "columns": columns}
    special = {"special": model.special_tokens.shape[1], "pool": "class", "fused": isinstance(model, DistilledViT)}
    return {**asdict(model.config), **grid, **special}


def packed(*models: Any, only: str | None = None) -> tuple[str, list[list[Any]], bytes]:
    """ViTs of one configuration → the number format, [name, how many] of each parameter in order, and the bytes of all of
    them, or of only one, of one model after the other.

    Half floats, or float32 if a weight is too large for them. The special tokens are one parameter. Raises ValueError for
    weights that are NaN or infinite.
    """
    single = ("class_token", "distillation_token", "registers")
    every: list[Tensor] = []
    for model in models:
        named = {"special_tokens": model.special_tokens, **model.state_dict()}
        named = {name: value for name, value in named.items() if name not in single and only in (None, name)}
        weights = {name: as_tensor(value, f"The parameter {name}") for name, value in named.items()}
        every += [value.flatten() for value in weights.values()]
    layout = [[name, value.numel()] for name, value in weights.items()]
    whole = torch.cat(every)
    if whole.abs().max() > torch.finfo(torch.float16).max:
        return "float32", layout, whole.numpy().astype("<f4").tobytes()
    return "float16", layout, half_floats(whole)


def border(images: Tensor, channels: int) -> list[float]:
    """Images (count, 1 or 3, height, width) → of each channel of the model, the median of the outermost pixels: what a
    patch becomes when it is erased. One channel is the luminance (ITU-R BT.601), as in the page.
    """
    if channels == 1 < images.shape[1]:
        images = (images * images.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    return erasing.border(images.expand(-1, channels, -1, -1)).tolist()
