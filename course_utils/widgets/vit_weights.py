"""A ViT for the engine in the page: which models it takes, their configuration, and their weights as bytes. Notebook 04."""

from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from course_utils.models import DistilledViT, RegisterViT, ViT
from course_utils.settings import shown
from course_utils.widgets.tensors import as_tensor, half_floats

KINDS = (ViT, DistilledViT, RegisterViT)  # whose forward pass vit_engine.js has
MOST_WEIGHTS = 4_000_000  # two bytes each: more would make the page slow to load
MOST_PRODUCTS = 500_000_000  # of a forward pass: more would make the page slow to respond


def as_vit(model: Any) -> ViT:
    """The model, if the engine computes what it computes. Raises ValueError, with advice, for any other."""
    model = getattr(model, "_orig_mod", model)  # of torch.compile
    taken = " or ".join([", ".join(kind.__name__ for kind in KINDS[:-1]), KINDS[-1].__name__])
    if type(model) not in KINDS:
        found = f"a {type(model).__name__}" if isinstance(model, torch.nn.Module) else shown(model)
        raise ValueError(
            f"model is {found}, but the page computes the forward pass of the course's {taken}: pass one of these, or "
            "convert a torchvision or timm ViT with from_torchvision or from_timm of course_utils.models.convert first."
        )
    c = model.config
    if not c.classes:
        raise ValueError(
            f"This {type(model).__name__} has no head (classes=0), but the widget shows its predictions: pass a model "
            "with classes."
        )
    tokens, linear = c.patches + model.special_tokens.shape[1], c.channels * c.patch_size**2 * c.dim
    weights = linear + tokens * c.dim + c.layers * (4 * c.dim**2 + 2 * c.dim * c.mlp_dim) + c.dim * c.classes
    products = tokens * (weights + 2 * c.layers * tokens * c.dim)
    if weights > MOST_WEIGHTS or products > MOST_PRODUCTS:
        raise ValueError(
            f"This {type(model).__name__} has {weights / 1e6:.1f} million weights and {products / 1e6:,.0f} million "
            f"products per pass, but a responsive page has room for {MOST_WEIGHTS / 1e6:.0f} and "
            f"{MOST_PRODUCTS / 1e6:.0f}: pass a smaller model, or show its attention_maps with AttentionExplorer."
        )
    with torch.device("meta"):
        expected = _shapes(type(model)(c))
    if other := sorted(set(_shapes(model).items()) ^ set(expected.items())):
        raise ValueError(
            f"The parameter {other[0][0]} of this model is not as its configuration says, but the page computes an "
            "unchanged model: undo what replaced its layers, or copy its weights into a new one."
        )
    return model


def _shapes(model: ViT) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in model.state_dict().items()}


def configuration(model: ViT) -> dict[str, Any]:
    """What the engine needs to know of a model, besides its weights."""
    (height, width), (rows, columns) = model.config.height_and_width, model.config.grid
    grid = {"height": height, "width": width, "rows": rows, "columns": columns}
    special = {"special": model.special_tokens.shape[1], "pool": "class", "fused": isinstance(model, DistilledViT)}
    return {**asdict(model.config), **grid, **special}


def packed(model: ViT) -> tuple[str, list[list[Any]], bytes]:
    """→ the number format, [name, how many] of each parameter in order, and the bytes of all.

    Half floats, or float32 if a weight is too large for them. The special tokens are one parameter. Raises ValueError for
    weights that are NaN or infinite.
    """
    single = ("class_token", "distillation_token", "registers")
    named = {"special_tokens": model.special_tokens, **model.state_dict()}
    weights = {name: as_tensor(value, f"The parameter {name}") for name, value in named.items() if name not in single}
    layout = [[name, value.numel()] for name, value in weights.items()]
    whole = torch.cat([value.flatten() for value in weights.values()])
    if whole.abs().max() > torch.finfo(torch.float16).max:
        return "float32", layout, whole.numpy().astype("<f4").tobytes()
    return "float16", layout, half_floats(whole)


def border(images: Tensor, channels: int) -> list[float]:
    """Images (count, 1 or 3, height, width) → of each channel of the model, the median of the outermost pixels: what a
    patch becomes when it is erased. One channel is the luminance (ITU-R BT.601), as in the page.
    """
    if channels == 1 < images.shape[1]:
        images = (images * images.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    images = images.expand(-1, channels, -1, -1)
    lines = (images[..., 0, :], images[..., -1, :], images[..., :, 0], images[..., :, -1])
    return torch.cat([line.movedim(1, 0).flatten(1) for line in lines], dim=1).median(dim=1).values.tolist()
