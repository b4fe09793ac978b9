"""What identifies a run; compared before training continues from its checkpoint. All notebooks that train."""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from types import CodeType, FunctionType, MethodType
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.training.recipe import Recipe
from course_utils.training.task import Batch

CODE = "code of the "  # begins the name of a fingerprint


def identity(model: nn.Module, data: Batch, recipe: Recipe, learned: Any) -> dict[str, Any]:
    """Name → value (JSON) of everything that determines the trained weights, except the initial weights.

    learned: the loss or the task, None for plain cross-entropy. Functions are distinguished by their names, and
    versions of one function by its :func:`fingerprint`.
    """
    about: dict[str, Any] = {"model": type(model).__name__}
    config = getattr(model, "config", None)
    if is_dataclass(config) and not isinstance(config, type):
        about |= {f"model {name}": value if _plain(value) else repr(value) for name, value in asdict(config).items()}
    shapes = [(name, tuple(value.shape)) for name, value in model.state_dict().items()]
    about["parameter shapes"] = hashlib.sha256(repr(shapes).encode()).hexdigest()[:16]
    for column in fields(recipe):
        value = getattr(recipe, column.name)
        about[column.name] = value if _plain(value) else name_of(value)
    about["loss"] = "cross-entropy" if learned is None else name_of(learned)
    about |= {f"{CODE}{role}": fingerprint(value) for role, value in (("loss", learned), ("augment", recipe.augment))}
    about["pictures"] = list(data[0].shape)
    digest = hashlib.sha256()
    for tensor in reversed(data):
        digest.update(_bytes(tensor))
    about["data SHA-256"] = digest.hexdigest()[:16]
    return about


def name_of(function: Any) -> str:
    """A name that identifies a function in a later process: its place in the source, with bound arguments."""
    if isinstance(function, functools.partial):
        return f"{name_of(function.func)} with {function.args}, {function.keywords}"
    if is_dataclass(function):
        return repr(function)
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"


def fingerprint(value: Any) -> str:
    """16 hexadecimal digits that change when a function is edited, or a value that it uses.

    They depend on its byte code, but not on comments or names of local variables; on what it closes over (a teacher's
    weights, a temperature); on its defaults; and on the functions and numbers that it uses from its own module.
    """
    digest = hashlib.sha256()
    for part in _parts(value, set()):
        digest.update(part)
    return digest.hexdigest()[:16]


def _parts(value: Any, seen: set[int]) -> list[bytes]:
    if _plain(value) or isinstance(value, bytes | complex | torch.dtype | torch.device):
        return [repr(value).encode()]
    if id(value) in seen:
        return [b"again"]
    seen.add(id(value))
    inside: list[Any]
    if isinstance(value, Tensor):
        return [repr(tuple(value.shape)).encode(), _bytes(value)]
    if isinstance(value, CodeType):
        inside = [value.co_code, value.co_names, *value.co_consts]
    elif isinstance(value, FunctionType):
        code, own = value.__code__, value.__globals__
        named = (own.get(name) for name in _names(code))
        inside = [
            *(code.co_code, code.co_names, *(part for part in code.co_consts if part != value.__doc__)),
            *(value.__defaults__, value.__kwdefaults__),
            *(_content(cell) for cell in value.__closure__ or ()),
            *(part for part in named if _plain(part) or getattr(part, "__module__", None) == value.__module__),
        ]
    elif isinstance(value, MethodType):
        inside = [value.__func__, value.__self__]
    elif isinstance(value, functools.partial):
        inside = [value.func, value.args, value.keywords]
    elif isinstance(value, nn.Module):
        inside = [type(value).__qualname__, value.state_dict()]
    elif isinstance(value, Mapping):
        inside = [part for pair in value.items() for part in pair]
    elif isinstance(value, Sequence):
        inside = [len(value), *value]
    elif isinstance(value, set | frozenset):
        inside = sorted(value, key=repr)
    elif isinstance(value, type):
        own_functions = (part for part in vars(value).values() if isinstance(part, FunctionType))
        inside = [value.__module__, value.__qualname__, *own_functions]
    else:
        inside = [type(value), getattr(value, "__dict__", {})]
    return [type(value).__name__.encode(), *(part for one in inside for part in _parts(one, seen))]


def _names(code: CodeType) -> list[str]:
    nested = (part for part in code.co_consts if isinstance(part, CodeType))
    return [*code.co_names, *(name for part in nested for name in _names(part))]


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # still empty
        return None


def _bytes(tensor: Tensor) -> bytes:
    raw: bytes = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    return raw


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)
