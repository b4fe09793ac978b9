"""Weights in a safetensors file, with a card that describes their origin. All notebooks that train."""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from course_utils.console import first_line
from course_utils.files import Refused, atomic, reason
from course_utils.models.model import build, config_of
from course_utils.paths import CHECKPOINTS
from course_utils.settings import Settings, at_least, between, checked, shown


@dataclass(frozen=True)
class Card(Settings):
    """The description of a shipped file of weights, stored as a JSON file of the same name."""

    name: str
    model: str  # class in course_utils.models
    config: Mapping[str, Any]  # the fields of its configuration
    command: str  # that trained the weights
    seed: Annotated[int, at_least(0)]
    dataset: str
    accuracy: Annotated[float, between(0, 1)]  # on the test images, in [0, 1]
    test_count: Annotated[int, at_least(1)]
    machine: str
    date: str
    sha256: str  # of the .safetensors file


def save_weights(
    model: nn.Module, path: str | Path, metadata: Mapping[str, str] | None = None, half: bool = False
) -> str:
    """Write the model's weights, and its config as JSON, to path; → the file's SHA-256.

    half: in float16, which takes half the space; :func:`halved` rounds the model's own weights in the same way.

    An existing file is replaced in one step, so there is never half a file. A compiled model's weights are written
    under the names that they have without ``torch.compile``. Raises :class:`~course_utils.files.Refused`, an OSError,
    if the disk is full, and ValueError for weights that are too large for float16 or no tensors, and for metadata
    that is not text.
    """
    place: Path = checked("path", path, Path)
    plain = getattr(model, "_orig_mod", model)
    config = getattr(plain, "config", None)
    about = {"model": type(plain).__name__}
    for name, value in (metadata or {}).items():
        about[checked("A name in the metadata", name, str)] = checked(f"metadata[{shown(name)}]", value, str)
    if is_dataclass(config) and not isinstance(config, type):
        about["config"] = json.dumps(asdict(config))
    try:
        with atomic(place) as partial:
            weights = _uncompiled(copied(model))
            save_file(
                {name: _half(name, value) for name, value in weights.items()} if half else weights, partial, about
            )
            return hash_file(partial)
    except (OSError, SafetensorError) as error:
        raise Refused(
            f"The weights could not be written to {place} ({reason(error)}): free some space there, or choose another "
            "folder that you can write to."
        ) from error


def halved(model: nn.Module) -> None:
    """Round the model's weights to float16; their type stays the same. Raises ValueError if some are too large."""
    for value, rounded in [(value, _half(name, value)) for name, value in state_of(model).items()]:
        value.copy_(rounded)


def _half(name: str, value: Tensor) -> Tensor:
    if not value.is_floating_point():
        return value
    if (rounded := value.half()).isinf().sum() > value.isinf().sum():
        raise ValueError(
            f"{name} has the number {value.abs().max():.4g}, but float16 ends at 65504: keep these weights in float32."
        )
    return rounded


def load_weights(model: nn.Module, path: str | Path) -> dict[str, str]:
    """Load the weights of path into the model; → the file's metadata.

    Raises FileNotFoundError if there is no such file and ValueError if it is damaged or of another model.
    """
    place: Path = checked("path", path, Path)
    if not os.path.isfile(place):
        raise FileNotFoundError(f"There are no weights at {place}: train the model first or correct the path.")
    with _opened(place) as file:
        weights = _uncompiled({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 – no mapping
        metadata = file.metadata() or {}
    own = state_of(model)
    if difference := first_difference(weights, _uncompiled(own)):
        plain = getattr(model, "_orig_mod", model)
        raise ValueError(
            f"{place} does not fit this {type(plain).__name__}: {difference}; build the model with the "
            f"file's own configuration, {metadata.get('config', 'which it does not record')}."
        )
    model.load_state_dict(dict(zip(own, (weights[name] for name in _uncompiled(own)), strict=True)))
    return metadata


def _uncompiled(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same weights under their names before ``torch.compile``, which puts a word in front of each."""
    return {name.replace("_orig_mod.", ""): value for name, value in weights.items()}


def first_difference(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str:
    """The first difference in names or shapes between two sets of weights, in words; empty if there is none."""
    for name, value in wanted.items():
        if name not in found:
            return f"it lacks {name}"
        if found[name].shape != value.shape:
            return f"its {name} is {tuple(found[name].shape)} and the model's is {tuple(value.shape)}"
    extra = [name for name in found if name not in wanted]
    return f"it has {extra[0]}, which the model lacks" if extra else ""


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The safetensors file. Raises ValueError if it is damaged."""
    try:
        with safe_open(path, "pt") as file:
            yield file
    except SafetensorError as error:
        raise ValueError(
            f"{path} is damaged or not a safetensors file ({error}): train or fetch it again."
        ) from error


def save_checkpoint_card(card: Card, folder: Path = CHECKPOINTS) -> Path:
    """Write the card and the checksum of its fields as ``folder/name.json``; → its path."""
    path, described = folder / f"{card.name}.json", asdict(card)
    with atomic(path) as partial:
        whole = {**described, "checksum": checksum(described)}
        partial.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    return path


def checksum(described: Mapping[str, Any]) -> str:
    """SHA-256 of what JSON describes, such as a card's fields, in hexadecimal; their order does not matter."""
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def verify(name: str, folder: str | Path = CHECKPOINTS) -> Card:
    """The card of ``folder/name.safetensors``, after comparing it with its own checksum and its hash with the file.

    Raises FileNotFoundError if one of the two files is missing and ValueError if one is damaged, if they do not match,
    and for a name or folder of another type.
    """
    name, place = checked("name", name, str), checked("folder", folder, Path)
    path, described = place / f"{name}.safetensors", place / f"{name}.json"
    if not os.path.isfile(path) or not os.path.isfile(described):  # unlike Path.is_file, False for too long a name
        known = ", ".join(sorted(file.stem for file in place.glob("*.json"))) or "none"
        remedy = f"run `course train {name}`" if re.fullmatch(r"[\w.-]{1,60}", name) else "choose one of these"
        raise FileNotFoundError(
            f"There is no checkpoint {shown(name)} with its card in {place} (there: {known}): {remedy}."
        )
    card = _read_card(described)
    if hash_file(path) != card.sha256:
        raise ValueError(f"{path} is not the file that its card describes (SHA-256 differs): restore it with git.")
    return card


def _read_card(path: Path) -> Card:
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(described, dict):
            raise ValueError("it has no named fields")
        stored = described.pop("checksum", None)
        card = Card.from_fields(described)
    except (OSError, ValueError, RecursionError) as error:
        reason = str(error).rstrip(".")
        raise ValueError(f"{path} is not a checkpoint card ({reason}): restore it with git.") from error
    if stored != checksum(described):
        raise ValueError(f"{path} was changed after it was written (its checksum differs): restore it with git.")
    return card


def load_checkpoint(name: str, folder: str | Path = CHECKPOINTS) -> tuple[nn.Module, Card]:
    """A shipped model with its weights, in evaluation mode, and its card.

    Before the model is built, the card is compared with what the file of weights records and with the shapes of its
    tensors. Raises the errors of :func:`verify`, and ValueError if they differ.
    """
    card, path = verify(name, folder), Path(folder, f"{name}.safetensors")
    with _opened(path) as file:
        metadata = file.metadata() or {}
        shapes = {each: torch.empty(file.get_slice(each).get_shape(), device="meta") for each in file.keys()}  # noqa: SIM118
    if difference := _contradiction(card, metadata):
        raise ValueError(f"The card of {path} {difference}: restore both files with git.")
    try:
        config = config_of(card.model, card.config)
        with torch.device("meta"):
            difference = first_difference(shapes, build(config).state_dict())
    except (ValueError, TypeError, RuntimeError) as error:
        raise ValueError(
            f"The card of {path} describes no model ({first_line(error)}): restore both files with git."
        ) from error
    if difference:
        raise ValueError(f"{path} does not fit its card: {difference}; restore both files with git.")
    model = build(config)
    load_weights(model, path)
    return model.eval(), card


def _contradiction(card: Card, metadata: Mapping[str, str]) -> str:
    """The first difference between a card and what its file of weights records, in words; empty if there is none."""
    said: dict[str, Any] = {"model": card.model, "command": card.command, "test_accuracy": f"{card.accuracy:.4f}"}
    recorded = {name: metadata.get(name, value) for name, value in said.items()}
    if "config" in metadata:
        said, recorded = {**said, **card.config}, {**recorded, **json.loads(metadata["config"])}
    for name in {**said, **recorded}:
        if said.get(name) != recorded.get(name):
            was, now = shown(recorded.get(name)), shown(said.get(name))
            return f"says that {name} is {now}, but the weights were saved with {was}"
    return ""


def state_of(model: nn.Module) -> dict[str, Tensor]:
    """The model's weights and buffers.
    Raises ValueError if its state, with ``get_extra_state``, is more than tensors.
    """
    state: dict[str, Any] = model.state_dict()
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise ValueError(
                f"{name} in the state of this {type(model).__name__} is a {type(value).__name__}, but files of weights "
                "hold tensors alone: return one from get_extra_state, or keep it in a buffer."
            )
    return state


def copied(model: nn.Module) -> dict[str, Tensor]:
    """A copy of the model's current weights, on the CPU."""
    return {
        name: value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, value in state_of(model).items()
    }


def hash_file(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
