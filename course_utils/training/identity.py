"""What identifies a run; compared before training continues from its checkpoint. All notebooks that train."""

import dis
import functools
import hashlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from types import CodeType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course_utils.training.recipe import Recipe
from course_utils.training.task import Batch

CODE = "code of the "  # begins the name of a fingerprint
DATA = "data SHA-256"
TRAINED = "trained parameters"  # how many, and a digest of their names
NUMBERS = "number format"  # of the matrix products: a run that is continued in another one is neither of the two


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
    trained = [name for name, value in model.named_parameters() if value.requires_grad]
    about[TRAINED] = f"{len(trained)}, {hashlib.sha256(repr(trained).encode()).hexdigest()[:16]}"
    for column in fields(recipe):
        value = getattr(recipe, column.name)
        about[column.name] = value if _plain(value) else name_of(value)
    about["loss"] = "cross-entropy" if learned is None else name_of(learned)
    about |= {
        f"{CODE}{role}": fingerprint(value, model) for role, value in (("loss", learned), ("augment", recipe.augment))
    }
    about["pictures"] = list(data[0].shape)
    about[DATA] = sha256_of(data)
    return about


def sha256_of(data: Batch) -> str:
    """The first digits of a digest of the training data."""
    digest = hashlib.sha256()
    for tensor in reversed(data):
        digest.update(_bytes(tensor))
    return digest.hexdigest()[:16]


def name_of(function: Any) -> str:
    """A name that identifies a function in a later process: its place in the source, with bound arguments."""
    if isinstance(function, functools.partial):
        return _without_addresses(f"{name_of(function.func)} with {function.args}, {function.keywords}")
    if is_dataclass(function):
        return _without_addresses(repr(function))
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"


def _without_addresses(text: str) -> str:
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)


def fingerprint(value: Any, trained: nn.Module | None = None) -> str:
    """16 hexadecimal digits that change when a function is edited, or a value that it uses.

    They depend on its byte code, but not on comments or names of local variables; on what it closes over (a teacher's
    weights, a temperature); on its defaults; and on what it uses from its own module and from the student's other
    modules. Libraries count as fixed, and so does the course itself beyond the function's own module. trained: the
    model that is trained, whose weights do not count.
    """
    digest = hashlib.sha256()
    for part in _parts(value, {id(trained): trained}):
        digest.update(part)
    return digest.hexdigest()[:16]


def _parts(value: Any, seen: dict[int, Any]) -> list[bytes]:
    """seen: the objects so far, by id; it keeps them alive, so that no two of them have the same id."""
    if _plain(value) or isinstance(value, bytes | complex | torch.dtype | torch.device | np.generic):
        return [repr(value).encode()]
    if id(value) in seen:
        return [b"again"]
    seen[id(value)] = value
    inside: list[Any]
    if isinstance(value, Tensor):
        return [repr(tuple(value.shape)).encode(), _bytes(value)]
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return [f"{value.shape} {value.dtype}".encode(), value.tobytes()]
    if isinstance(value, CodeType):
        inside = [value.co_code, value.co_names, *value.co_consts]
    elif isinstance(value, FunctionType):
        code = value.__code__
        inside = [
            *(code.co_code, code.co_names, *(part for part in code.co_consts if part != value.__doc__)),
            *(value.__defaults__, value.__kwdefaults__),
            *(_content(cell) for cell in value.__closure__ or ()),
            *_used(value),
        ]
    elif isinstance(value, MethodType):
        inside = [value.__func__, value.__self__]
    elif isinstance(value, functools.partial):
        inside = [value.func, value.args, value.keywords]
    elif isinstance(value, nn.Module):
        own = ((name, part) for name, part in vars(value).items() if not name.startswith("_") and name != "training")
        kind = type(value)
        name = f"{kind.__module__}.{kind.__qualname__}"
        inside = [name if _fixed(kind.__module__) else kind, dict(own)]
        inside += [value._parameters, value._buffers, value._modules]
    elif isinstance(value, np.ndarray):  # of objects: its bytes are addresses
        inside = [value.shape, value.ravel().tolist()]
    elif isinstance(value, Mapping):
        inside = [part for pair in value.items() for part in pair]
    elif isinstance(value, Sequence):
        inside = [len(value), *value]
    elif isinstance(value, set | frozenset):
        inside = sorted(value, key=repr)
    elif isinstance(value, type):
        inside = [value.__module__, value.__qualname__, *_of_class(value)]
    else:
        inside = [type(value), _of_instance(value)]
    return [type(value).__name__.encode(), *(part for one in inside for part in _parts(one, seen))]


def _used(function: FunctionType) -> Iterator[Any]:
    """The global values that a function uses and that may have changed between two runs."""
    names = _names(function.__code__)
    loaded = set(_loaded(function.__code__))
    for name in names:
        part = function.__globals__.get(name)
        if _plain(part) or getattr(part, "__module__", None) == function.__module__:
            yield part
        elif isinstance(part, ModuleType):
            if not _fixed(part.__name__):
                yield {each: vars(part).get(each) for each in names if each in vars(part)}
        elif name in loaded and _may_change(part):
            yield part


def _may_change(part: Any) -> bool:
    """Whether a global value is data, a model, or made by code that is not a library's."""
    if isinstance(part, Tensor | np.ndarray | np.generic | nn.Module | functools.partial) or is_dataclass(part):
        return True
    if isinstance(part, Mapping | Sequence | set | frozenset | SimpleNamespace):
        return True
    kind = part if isinstance(part, type | FunctionType) else type(part)
    return not _fixed(kind.__module__)


def _fixed(module: str) -> bool:
    """Whether a module is a library's or the course's."""
    if module == "__main__":
        return False
    if module.partition(".")[0] in {"course_utils", *sys.stdlib_module_names}:
        return True
    return "site-packages" in (getattr(sys.modules.get(module), "__file__", None) or "")


def _of_class(kind: type) -> list[Any]:
    """The functions of a class and, if it is not a library's, its values and those of its bases."""
    own: list[Any] = [part for part in vars(kind).values() if isinstance(part, FunctionType)]
    if _fixed(kind.__module__):
        return own
    for part in vars(kind).values():
        if isinstance(part, staticmethod | classmethod):
            own.append(part.__func__)
        elif isinstance(part, property):
            own.append(part.fget)
    values = {name: part for name, part in vars(kind).items() if not name.startswith("__") and not callable(part)}
    own.append({name: part for name, part in values.items() if _plain(part) or _may_change(part)})
    return [*own, *(base for base in kind.__bases__ if not _fixed(base.__module__))]


def _of_instance(value: Any) -> Any:
    """The attributes of an object; its text if it has none."""
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ()) if hasattr(value, name)]
    if not hasattr(value, "__dict__") and not slots:
        return _without_addresses(repr(value))
    return {**getattr(value, "__dict__", {}), **{name: getattr(value, name) for name in slots}}


def _names(code: CodeType) -> list[str]:
    nested = (part for part in code.co_consts if isinstance(part, CodeType))
    return [*code.co_names, *(name for part in nested for name in _names(part))]


def _loaded(code: CodeType) -> list[str]:
    """The names that are looked up as global values, not as attributes."""
    own = [step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")]
    return [*own, *(name for part in code.co_consts if isinstance(part, CodeType) for name in _loaded(part))]


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # still empty
        return None


def _bytes(tensor: Tensor) -> bytes:
    plain = tensor.detach().cpu().to_dense()
    raw: bytes = plain.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    return raw


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)
