"""A ViT for the engine in the page: which models it takes, their configuration, and their weights as bytes.
Notebook 04.
"""

import math
from collections.abc import Callable, Mapping
from contextvars import Context
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call

from course_utils.models import DistilledViT, RegisterViT, ViT
from course_utils.modes import evaluating
from course_utils.settings import by_text, shown
from course_utils.widgets.tensors import as_tensor, half_floats
from course_utils.widgets.vit_kernel import answer

KINDS = (ViT, DistilledViT, RegisterViT)  # whose forward pass vit_engine.js has
MOST_WEIGHTS = 4_000_000  # two bytes each: more would make the page slow to load
MOST_PRODUCTS = 500_000_000  # of a forward pass: more would make the page slow to respond


def as_models(value: Any) -> tuple[dict[str, torch.nn.Module], int, bool]:
    """One ViT, or a dict from names to models of which the first is one → the models by name; how many of them, which
    come first, are built like the first; and whether the engine computes what the first does. Raises ValueError for an
    empty dict, for names that are equal as text and for what is no model.
    """
    named = by_text(value, "The dict of models") if isinstance(value, Mapping) else {"": value}
    if not named:
        raise ValueError("The dict of models is empty, but it needs at least one: pass {name: model}.")
    first, plain = as_vit(next(iter(named.values())))
    alike: dict[str, torch.nn.Module] = {}
    others: dict[str, torch.nn.Module] = {}
    for name, each in named.items():
        model = getattr(each, "_orig_mod", each)
        if not isinstance(model, torch.nn.Module):
            raise ValueError(
                f"The model {name} is {shown(model)}, but must be a module that turns images into logits."
            )
        kin = type(model) is type(first) and configuration(model) == configuration(first)
        (alike if model is first or (kin and is_plain(model)) else others)[name] = model
    return {**alike, **others}, len(alike), plain


def as_vit(model: Any) -> tuple[ViT, bool]:
    """The model, and whether the engine computes what it computes; else the kernel does, part by part. Raises
    ValueError, with advice, for a model of another kind, and for one that computes something else than its parts.
    """
    model = getattr(model, "_orig_mod", model)  # of torch.compile
    taken = " or ".join([", ".join(kind.__name__ for kind in KINDS[:-1]), KINDS[-1].__name__])
    if type(model) not in KINDS:
        found = f"a {type(model).__name__}" if isinstance(model, torch.nn.Module) else shown(model)
        raise ValueError(
            f"model is {found}, but the widget computes the forward pass of the course's {taken}: pass one of these, "
            "or convert a torchvision or timm ViT with from_torchvision or from_timm of course_utils.models.convert "
            "first."
        )
    plain = is_plain(model)
    if not plain and not is_sum_of_its_parts(model):
        raise ValueError(
            f"This {type(model).__name__} computes something else than its configuration and its layers say, but the "
            "widget shows them one by one: undo the hook, or whatever replaced a layer or the forward pass, or pass it "
            "in a dict after an unchanged model."
        )
    return model, plain


def is_plain(model: Any) -> bool:
    """Whether the model computes what a new one of its configuration does with its weights: no hook, no other layer."""
    new, weights = _new(KINDS.index(type(model)), model.config), model.state_dict()
    mine, expected = ({name: each.shape for name, each in of.items()} for of in (weights, new.state_dict()))
    if mine != expected:
        return False
    plainly = _tried(model, lambda images: functional_call(new, weights, images))
    return model.positions.is_meta or _same(_tried(model, model), plainly, 1e-5)


@lru_cache(maxsize=16)
def _new(kind: int, config: Any) -> ViT:
    """A model of the kind with this number, without weights."""
    with torch.device("meta"):
        return KINDS[kind](config).eval()


def is_sum_of_its_parts(model: ViT) -> bool:
    """Whether the model computes what the kernel makes of its parts, in the number that its configuration says."""
    c, tokens = model.config, model.positions.shape[1]
    found = _tried(model, lambda images: answer(model, images[0], {}, []))
    shapes = {"attention": (c.layers, c.heads, tokens, tokens), "lens": (c.layers + 1, c.classes)}
    if found is None or any(found[name].shape != shape for name, shape in shapes.items()):
        return False
    whole = found["logits"] if c.classes else found["final"][0]
    return _same(_tried(model, model), whole[None], max(5e-3, torch.finfo(whole.dtype).eps ** 0.5))


def _tried(model: ViT, function: Callable[[Tensor], Any]) -> Any:
    """What the function makes of an image, by itself: nothing that goes on in this thread learns of it.
    None if it fails.
    """
    c = model.config
    numbers = torch.arange(c.channels * math.prod(c.height_and_width), dtype=torch.float32, device="cpu")
    images = numbers.sin().reshape(1, c.channels, *c.height_and_width).to(model.positions)
    try:
        with torch.no_grad(), evaluating(model):
            return Context().run(function, images)
    except Exception:  # of any layer
        return None


def _same(one: Any, other: Any, within: float) -> bool:
    """Whether two tensors differ by at most this share of the largest number, or both are missing."""
    if not isinstance(one, Tensor) or not isinstance(other, Tensor):
        return one is other
    one, other = one.float(), other.float()
    most = other.nan_to_num(0, 0, 0).abs().max().item() if other.numel() else 0
    return one.shape == other.shape and torch.allclose(one, other, rtol=0, atol=within * most, equal_nan=True)


def fits_the_page(model: ViT) -> bool:
    """Whether the page can show its predictions, and is loaded and responds fast enough with it."""
    c = model.config
    tokens, linear = c.patches + model.special_tokens.shape[1], c.channels * c.patch_size**2 * c.dim
    weights = linear + tokens * c.dim + c.layers * (4 * c.dim**2 + 2 * c.dim * c.mlp_dim) + c.dim * c.classes
    products = tokens * (weights + 2 * c.layers * tokens * c.dim)
    return c.classes > 0 and weights <= MOST_WEIGHTS and products <= MOST_PRODUCTS


def configuration(model: ViT) -> dict[str, Any]:
    """What the engine needs to know of a model, besides its weights."""
    (height, width), (rows, columns) = model.config.height_and_width, model.config.grid
    grid = {"height": height, "width": width, "rows": rows, "columns": columns}
    special = {"special": model.special_tokens.shape[1], "fused": isinstance(model, DistilledViT)}
    return {**asdict(model.config), **grid, **special}


def packed(*models: Any, only: str | None = None) -> tuple[str, list[list[Any]], bytes]:
    """ViTs of one configuration → the number format, [name, how many] of each parameter in order, and the bytes of all
    of them, or of only one, of one model after the other.

    Half floats, or float32 if a weight is too large for them. The special tokens are one parameter. Raises ValueError
    for weights that are NaN or infinite.
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


def with_channels(images: Tensor, channels: int) -> Tensor:
    """Images (count, 1 or 3, height, width) → (count, channels, height, width), 1 or 3 channels: what a model reads.

    One channel is the luminance (ITU-R BT.601), as in the page. Raises ValueError for another number of channels.
    """
    if channels not in (1, 3):
        raise ValueError(
            f"The model reads images of {channels} channels, but the widget shows grey and coloured ones: pass a model "
            "that reads 1 or 3 channels."
        )
    if channels == 1 < images.shape[1]:
        return (images * images.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)
    return images.expand(-1, channels, -1, -1)
