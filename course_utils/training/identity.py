"""What makes a run this run and no other: compared before a folder's checkpoint is continued."""

import functools
import hashlib
from collections.abc import Callable
from dataclasses import asdict, fields, is_dataclass
from typing import Any

import torch
from torch import nn

from course_utils.training.inputs import Examples
from course_utils.training.recipe import Recipe


def identity(model: nn.Module, train: Examples, recipe: Recipe, loss: Callable[..., Any] | None) -> dict[str, Any]:
    """Name → value, as JSON can hold it, of everything that decides the weights but the initial ones."""
    about: dict[str, Any] = {"model": type(model).__name__}
    config = getattr(model, "config", None)
    if is_dataclass(config) and not isinstance(config, type):
        about |= {f"model {name}": value if _plain(value) else repr(value) for name, value in asdict(config).items()}
    shapes = [(name, tuple(value.shape)) for name, value in model.state_dict().items()]
    about["parameter shapes"] = hashlib.sha256(repr(shapes).encode()).hexdigest()[:16]
    for column in fields(recipe):
        value = getattr(recipe, column.name)
        about[column.name] = value if _plain(value) else name_of(value)
    about["loss"] = "cross entropy" if loss is None else name_of(loss)
    about["pictures"] = list(train.images.shape)
    data = hashlib.sha256()
    for tensor in (train.labels, train.images):
        data.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().data)
    about["data SHA-256"] = data.hexdigest()[:16]
    return about


def name_of(function: Callable[..., Any]) -> str:
    """How to tell one function from another in a later process: its place in the source, with bound arguments."""
    if isinstance(function, functools.partial):
        return f"{name_of(function.func)} with {function.args}, {function.keywords}"
    if is_dataclass(function):
        return repr(function)
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)
