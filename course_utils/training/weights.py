"""Weights in a file: safetensors, with a card that says where they came from. All notebooks that train."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from course_utils.files import atomic
from course_utils.paths import CHECKPOINTS


@dataclass(frozen=True)
class Card:
    """What stands beside a shipped file of weights, in a JSON file of the same name."""

    name: str
    model: str  # class in course_utils.models
    config: Mapping[str, Any]  # the fields of its configuration
    command: str  # that made the weights
    seed: int
    dataset: str
    accuracy: float  # on the test pictures, in [0, 1]
    test_count: int
    machine: str
    date: str
    sha256: str  # of the .safetensors file


def save_weights(model: nn.Module, path: str | Path, metadata: Mapping[str, str] | None = None) -> str:
    """Write the model's weights, and its config as JSON, to path; → the file's SHA-256.

    A file that is there already is replaced in one move, so that no moment leaves half a file.
    """
    path = Path(path)
    config = getattr(model, "config", None)
    about = {"model": type(model).__name__, **(metadata or {})}
    if is_dataclass(config) and not isinstance(config, type):
        about["config"] = json.dumps(asdict(config))
    with atomic(path) as partial:
        save_file(copied(model), partial, about)
        return hash_file(partial)


def load_weights(model: nn.Module, path: str | Path) -> dict[str, str]:
    """Put the weights of path into the model; → the file's metadata.

    Raises FileNotFoundError when there is no such file and ValueError when it is damaged or of another model.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There are no weights at {path}: train the model first or correct the path.")
    try:
        weights = load_file(path)
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged or no safetensors file ({error}): make or fetch it again.") from error
    if difference := first_difference(weights, model.state_dict()):
        raise ValueError(
            f"{path} does not fit this {type(model).__name__}: {difference}; build the model with the "
            f"file's own configuration, {metadata.get('config', 'which it does not record')}."
        )
    model.load_state_dict(weights)
    return metadata


def first_difference(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str:
    """In words, where two sets of weights first differ in names or shapes; empty when they do not."""
    for name, value in wanted.items():
        if name not in found:
            return f"it lacks {name}"
        if found[name].shape != value.shape:
            return f"its {name} is {tuple(found[name].shape)} and the model's is {tuple(value.shape)}"
    extra = [name for name in found if name not in wanted]
    return f"it has {extra[0]}, which the model lacks" if extra else ""


def save_checkpoint_card(card: Card, folder: Path = CHECKPOINTS) -> Path:
    """Write the card as ``folder/name.json``; → its path."""
    path = folder / f"{card.name}.json"
    with atomic(path) as partial:
        partial.write_text(json.dumps(asdict(card), indent=2) + "\n")
    return path


def verify(name: str, folder: Path = CHECKPOINTS) -> Card:
    """The card of ``folder/name.safetensors``, after its hash has been compared with the file.

    Raises FileNotFoundError when one of the two files is missing and ValueError when they do not belong together.
    """
    path, described = folder / f"{name}.safetensors", folder / f"{name}.json"
    if not path.exists() or not described.exists():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.json"))) or "none"
        raise FileNotFoundError(
            f"There is no checkpoint {name!r} with its card in {folder} (there: {known}): run `course train {name}`."
        )
    try:
        card = Card(**json.loads(described.read_text()))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{described} is no checkpoint card ({error}): restore it with git.") from error
    if hash_file(path) != card.sha256:
        raise ValueError(f"{path} is not the file that its card describes (SHA-256 differs): restore it with git.")
    return card


def load_checkpoint(name: str, folder: Path = CHECKPOINTS) -> tuple[nn.Module, Card]:
    """A shipped model with its weights, in evaluation mode, and its card. Raises what :func:`verify` raises."""
    from course_utils.models.model import build, config_of

    card = verify(name, folder)
    model = build(config_of(card.model, card.config))
    load_weights(model, folder / f"{name}.safetensors")
    return model.eval(), card


def copied(model: nn.Module) -> dict[str, Tensor]:
    """The model's weights as they are now, on the CPU, independent of the model."""
    return {
        name: value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, value in model.state_dict().items()
    }


def hash_file(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
