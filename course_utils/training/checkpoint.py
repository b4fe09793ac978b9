"""The folder of a run: everything needed to continue exactly where it was killed. All notebooks that train.

    folder/run.json                 the model, data and recipe, to refuse a different run
    folder/epoch-0002-step-000000/  a checkpoint: model, average and best .safetensors, optimiser.pt, position.json

A checkpoint is written to a temporary folder and then renamed; the previous one stays until the new one is complete.
"""

import json
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from course_utils import files
from course_utils.training.history import Epoch
from course_utils.training.identity import CODE
from course_utils.training.weights import hash_file

KEPT = 2  # checkpoints: the last one and the one before, in case the last is damaged


@dataclass
class Position:
    """Where a run is: the epoch (from 0), the steps done in it, and the results so far."""

    epoch: int = 0
    step: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])  # of this epoch: loss, correct answers, images
    epoch_seconds: float = 0.0
    seconds: float = 0.0
    best_accuracy: float | None = None
    rows: list[Epoch] = field(default_factory=list)


@dataclass(frozen=True)
class Checkpoint:
    """A position, its weights and optimiser state, and, if there are any, the averaged and the best weights."""

    position: Position
    model: dict[str, Tensor]
    optimiser: dict[str, Any]
    best: dict[str, Tensor] | None
    average: dict[str, Tensor] | None = None


class RunFolder:
    """The checkpoints of one run. Raises ValueError when the folder belongs to another run, naming the difference."""

    def __init__(self, path: str | Path, identity: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        files.clear(self.path)
        wanted = json.loads(json.dumps(identity))
        described = self.path / "run.json"
        if described.exists():
            found = self._read_identity(described)
            for name in {**wanted, **found}:
                if name.startswith(CODE):  # earlier versions did not record it
                    if found.get(name, wanted[name]) != wanted[name]:
                        role = name.removeprefix(CODE)
                        raise ValueError(
                            f"{self.path} holds a run whose {role}, or a value that it uses, has changed since "
                            f"({wanted[role]}): choose another folder, or delete this one to start again."
                        )
                elif found.get(name) != wanted.get(name):
                    raise ValueError(
                        f"{self.path} holds a run with {name} {found.get(name)!r}, but this one has "
                        f"{wanted.get(name)!r}: choose another folder, or delete this one to start again."
                    )
        else:
            with files.atomic(described) as partial:
                partial.write_text(json.dumps(wanted, indent=2) + "\n")

    def _read_identity(self, described: Path) -> dict[str, Any]:
        try:
            found = json.loads(described.read_text())
            if isinstance(found, dict):
                return found
        except ValueError:
            pass
        raise ValueError(f"{described} is damaged, so the run in this folder is unknown: choose another folder.")

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, then delete all but the last two."""
        at = checkpoint.position
        with files.atomic(self.path / f"epoch-{at.epoch:04d}-step-{at.step:06d}") as partial:
            partial.mkdir()
            save_file(checkpoint.model, partial / "model.safetensors")
            torch.save(checkpoint.optimiser, partial / "optimiser.pt")
            for name, weights in (("best", checkpoint.best), ("average", checkpoint.average)):
                if weights is not None:
                    save_file(weights, partial / f"{name}.safetensors")
            hashes = {file.name: hash_file(file) for file in partial.iterdir()}
            position = json.dumps({"position": asdict(at), "sha256": hashes})
            (partial / "position.json").write_text(position)
        for old in self._checkpoints()[:-KEPT]:
            files.remove(old)

    def load(self) -> Checkpoint | None:
        """The last complete checkpoint, or None. A damaged one is renamed to ``….damaged``, with a warning."""
        for place in reversed(self._checkpoints()):
            try:
                return _read(place)
            except (OSError, ValueError, KeyError, TypeError) as error:
                aside = place.with_name(place.name + ".damaged")
                shutil.rmtree(aside, ignore_errors=True)
                place.rename(aside)
                warnings.warn(
                    f"The checkpoint {place} is damaged ({error}); it was renamed to {aside.name}, and the one "
                    "before is used.",
                    stacklevel=3,
                )
        return None

    def _checkpoints(self) -> list[Path]:
        return sorted(place for place in self.path.glob("epoch-*") if place.suffix != ".damaged")


def _read(place: Path) -> Checkpoint:
    about = json.loads((place / "position.json").read_text())
    for name, sha256 in about["sha256"].items():
        if hash_file(place / name) != sha256:
            raise ValueError(f"{name} has changed since it was written")
    position = Position(**about["position"])
    position.rows = [Epoch(**row) for row in about["position"]["rows"]]
    best, average = (
        load_file(place / name) if name in about["sha256"] else None
        for name in ("best.safetensors", "average.safetensors")
    )
    optimiser = torch.load(place / "optimiser.pt", map_location="cpu", weights_only=True)
    return Checkpoint(position, load_file(place / "model.safetensors"), optimiser, best, average)
