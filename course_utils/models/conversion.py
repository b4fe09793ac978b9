"""How another library's model becomes ours: renamed weights, and a proof that both compute the same.

The proof runs both models in float64 with the same random weights, so it does not depend on the weights: no zeros hide
a difference, and no rounding looks like one. Notebooks 01 and 04 to 09.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from course_utils.attention.window import WindowAttention, relative_position_index
from course_utils.console import first_line
from course_utils.models.model import Config, Model

Weights = Mapping[str, Tensor]

TOLERANCE = 1e-8  # of the largest logit; rounding in float64 makes about 1e-14
STEP = 13  # every random weight begins that many numbers after the one before it
SETTINGS = "kernel_size", "stride", "padding", "dilation", "groups", "padding_mode", "eps"
WITH_SETTINGS = nn.Conv2d, nn.LayerNorm, nn.BatchNorm2d
WITHOUT_WEIGHTS = nn.GELU, nn.MaxPool2d


@dataclass(frozen=True)
class Form:
    """A form of another library's models, and how such a model becomes ours."""

    kind: type[Model]
    name: Callable[[str], str]  # of a parameter: theirs → ours
    config: Callable[[Any, Weights], Config[Any]]  # of their model and its weights under our names
    advice: str  # the end of an error: what to convert instead
    value: Callable[[str, Tensor], Tensor] = lambda name, value: value  # of a parameter with our name
    smaller: Callable[[Any], object] = lambda model: None  # changes their model so that it reads small images
    logits: Callable[[Any, Tensor], Any] = lambda model, images: model(images)  # ours, equal to what theirs returns
    weights: Callable[[Any, Weights], Weights] = lambda model, weights: weights  # theirs → so that ours needs no more
    heads: tuple[str, ...] = ("head.weight", "vit.head.weight")  # of which ours needs one; () if it may lack a head


def with_parts_renamed(name: str, parts: Mapping[str, str]) -> str:
    """A parameter's name with each part that is in the table replaced, in the table's order."""
    for theirs, ours in parts.items():
        name = name.replace(theirs, ours)
    return name


def flat_kernel(name: str, value: Tensor) -> Tensor:
    """A convolution whose stride is its kernel is a linear layer on patches: flatten its kernel."""
    return rearrange(value, "dim c p q -> dim (c p q)") if name.endswith("project.weight") else value


def converted(model: nn.Module, form: Form) -> Any:
    """Our model with a copy of their weights: on the same device, in the same types, with the same frozen parts.

    Raises ValueError for a model of another form, or one that computes something else with the same weights.
    """
    for name, module in model.named_modules():
        if module._forward_hooks or module._forward_pre_hooks:
            raise refused(model, form, f"ours would not call the hooks of its {name or 'forward'}: remove them")
    ours, names = renamed(model, form)
    prove(model, form)
    ours.load_state_dict({name: value.clone() for name, value in ours.state_dict().items()}, assign=True)
    ours.train(model.training)
    for name, mine, their in pairs(ours, model, names):
        mine.training = their.training
        if isinstance(source := getattr(their, names[name].rpartition(".")[2]), nn.Parameter):
            ours.get_parameter(name).requires_grad_(source.requires_grad)
    return ours


def refused(model: nn.Module, form: Form, reason: str) -> ValueError:
    """The error for a model that cannot be converted."""
    kind = type(model).__name__
    return ValueError(f"This {kind} cannot become our {form.kind.__name__}, because {reason}; {form.advice}.")


def unknown(model: object, function: str, takes: str) -> TypeError:
    """The error for a model of a class that function does not convert."""
    inside = next((name for name in ("module", "_orig_mod") if isinstance(getattr(model, name, None), nn.Module)), "")
    advice = f"pass {function} the model inside it, model.{inside}" if inside else f"pass {function} {takes}"
    return TypeError(f"Cannot convert a {type(model).__name__}: {advice}.")


def renamed(model: nn.Module, form: Form) -> tuple[Model, dict[str, str]]:
    """Our model, which shares the memory of their weights, and our name of each → theirs."""
    stored = {name: value for name, value in model.state_dict().items() if not name.endswith("position_index")}
    source = form.weights(model, stored)
    names: dict[str, str] = {}
    for their in source:
        other = names.setdefault(mine := form.name(their), their)
        if other != their:
            raise refused(model, form, f"both its {other} and its {their} would become our {mine}")
    if form.heads and not any(head in names for head in form.heads):
        reason = "its head (fc, heads or head) is not one linear layer: give it one, as num_classes=10 does"
        raise refused(model, form, reason)
    try:
        weights = {mine: form.value(mine, source[their]) for mine, their in names.items()}
        config = form.config(model, weights)
    except Exception as error:
        raise refused(model, form, f"its form cannot be read ({first_line(error)})") from error
    with torch.device("meta"):  # needs no memory and no random numbers for weights that are replaced anyway
        ours = form.kind(config)
    expected = {name: tuple(value.shape) for name, value in ours.state_dict().items()}
    for mine in [*weights, *expected]:
        if mine not in expected:
            raise refused(model, form, f"ours has no place for its {names[mine]}")
        if mine not in weights:
            raise refused(model, form, f"it has no weights for our {mine}")
        if (shape := tuple(weights[mine].shape)) != expected[mine]:
            raise refused(model, form, f"its {names[mine]} has the shape {shape}, and ours has {expected[mine]}")
    ours.load_state_dict(weights, assign=True)
    for module in ours.modules():  # the only tensor that is not a weight
        if isinstance(module, WindowAttention):
            with torch.device("cpu"):
                index = relative_position_index(module.window)
            module.bias_index = index.to(module.bias.device)
    return ours, names


def pairs(ours: Model, theirs: nn.Module, names: Mapping[str, str]) -> Iterator[tuple[str, nn.Module, nn.Module]]:
    """Every name of a weight in ours, with the module that has it in ours and in theirs."""
    for mine, their in names.items():
        yield mine, ours.get_submodule(mine.rpartition(".")[0]), theirs.get_submodule(their.rpartition(".")[0])


def prove(model: nn.Module, form: Form) -> None:
    """Raise ValueError, with the cause if it can be told, unless both models return the same logits in evaluation."""
    try:
        with torch.device("cpu"), torch.no_grad(), torch.autocast("cpu", enabled=False):
            twin = random_twin(model)
            form.smaller(twin)
            ours, names = renamed(twin, form)
            c = ours.config
            size = getattr(c, "image_size", max(64, 2 * getattr(c, "patch_size", 1) * getattr(c, "window", 1)))
            sides = size if isinstance(size, tuple) else (size, size)
            generator = torch.Generator().manual_seed(1)
            images = torch.randn(2, c.channels, *sides, generator=generator, dtype=torch.float64)
            images *= 10  # far into both tails of an activation function
            expected, logits = twin(images), form.logits(ours.eval(), images)
        gap = ((logits - expected).abs().max() / expected.abs().max()).item()
    except Exception as error:
        reason = f"a copy of it with random weights cannot be compared ({first_line(error)})"
        raise refused(model, form, reason) from error
    if not gap <= TOLERANCE:
        cause = difference(ours, twin, names) or "the order of its layers, or a forward of its own, must be the cause"
        raise refused(model, form, f"with equal weights the logits differ by {gap:.1g} of the largest: {cause}")


def difference(ours: Model, theirs: nn.Module, names: Mapping[str, str]) -> str:
    """What is likely to make two models with the same weights differ, in words; empty if nothing is found."""
    for name, mine, their in pairs(ours, theirs, names):
        where = names[name].rpartition(".")[0]
        if type(mine) in WITH_SETTINGS:
            if not isinstance(their, type(mine)):
                return f"its {where} is a {type(their).__name__}, and ours a {type(mine).__name__}"
            for setting in SETTINGS:
                found, wanted = getattr(their, setting, None), getattr(mine, setting, None)
                if found != wanted:
                    return f"its {where} has {setting} {found}, and ours {wanted}"
    layers = [
        Counter(repr(each) for each in model.modules() if isinstance(each, WITHOUT_WEIGHTS))
        for model in (ours, theirs)
    ]
    for layer, count in layers[0].items():
        if count > layers[1][layer]:
            return f"it has {layers[1][layer]} of {layer}, and ours {count}"
    return ""


def random_twin(model: nn.Module) -> nn.Module:
    """A copy of the model in evaluation mode on the CPU, with random weights in float64 in place of its own.

    The weights of the model are not copied, so it may be large, or on the meta device.
    """
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    values = _random_values({name: tensor for name, tensor in tensors.items() if tensor.is_floating_point()})
    copies: dict[int, Any] = {}
    for name, tensor in tensors.items():
        value = values[name] if name in values else torch.zeros_like(tensor, device="cpu")
        if name not in values and not tensor.is_meta:
            value.copy_(tensor)
        is_parameter = isinstance(tensor, nn.Parameter)
        copies[id(tensor)] = nn.Parameter(value, requires_grad=False) if is_parameter else value
    return deepcopy(model, copies).eval()


def _random_values(weights: Weights) -> dict[str, Tensor]:
    """Random values for weights with these names and shapes, in float64: they keep the variance of what they read.

    Weights of one scale are overlapping parts of the same numbers, which saves most of the time and the memory.
    """
    generator = torch.Generator().manual_seed(0)
    scales: dict[tuple[float, float], list[str]] = {}
    for name, weight in weights.items():
        scale = (0.0, 0.5)
        if weight.ndim > 1:
            scale = (0.0, math.sqrt(6 / max(weight[0].numel(), 1)))  # He et al. 2015, eq. 10
        elif name.endswith(("weight", "var")):
            scale = (1.0, 0.5)
        scales.setdefault(scale, []).append(name)
    values = {}
    for (centre, reach), group in scales.items():
        count = max(weights[name].numel() for name in group) + STEP * len(group)
        numbers = centre + reach * (2 * torch.rand(count, generator=generator, dtype=torch.float64) - 1)
        for number, name in enumerate(group):
            shape = weights[name].shape
            values[name] = numbers[STEP * number :][: shape.numel()].view(shape)
    return values
