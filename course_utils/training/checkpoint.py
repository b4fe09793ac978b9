"""The folder of a run: everything needed to continue exactly where it was killed. All notebooks that train.

    folder/run.json                 the model, data and recipe, to refuse a different run
    folder/epoch-0002-step-000000/  a checkpoint: model, average and best .safetensors, optimiser.pt, position.json

A checkpoint is written to a temporary folder and then renamed; the previous one stays until the new one is complete.
"""

import json
import pickle
import re
import shutil
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from course_utils import files
from course_utils.settings import checked
from course_utils.training.history import Epoch
from course_utils.training.identity import CODE, NUMBERS, TRAINED
from course_utils.training.weights import checksum, hash_file

NAME = re.compile(r"epoch-(\d{4,})-step-(\d{6,})")  # of a checkpoint
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
    """The checkpoints of one run, whose folder is locked until :meth:`close` or the end of a ``with`` block.

    mebibytes: the space that a run will need. shared: several processes train this run, and this is not the one that
    writes. Raises ValueError when the folder belongs to another run, naming the difference, and
    :class:`~course_utils.files.Refused`, a ValueError and OSError, when nothing can be written to it, or while
    another process trains there.
    """

    def __init__(
        self, path: str | Path, identity: Mapping[str, Any], mebibytes: int = 1, shared: bool = False
    ) -> None:
        self.path = checked("folder", path, Path)
        files.prepare(self.path, mebibytes, "choose another folder with --folder, folder=… or COURSE_STATE")
        with ExitStack() as held:
            if not shared:
                held.enter_context(files.locked(self.path / ".lock", f"{self.path} is being trained in"))
                files.clear(self.path)
            self._identify(json.loads(json.dumps(identity)))
            self._held = held.pop_all()

    def close(self) -> None:
        """Let another process train in the folder."""
        self._held.close()

    def __enter__(self) -> "RunFolder":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _identify(self, wanted: dict[str, Any]) -> None:
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
                elif found.get(name) != wanted.get(name) and not (name in (NUMBERS, TRAINED) and name not in found):
                    raise ValueError(
                        f"{self.path} holds a run with {name} {found.get(name)!r}, but this one has "
                        f"{wanted.get(name)!r}: choose another folder, or delete this one to start again."
                    )
        elif self._checkpoints():
            raise ValueError(
                f"{self.path} holds checkpoints, but no {described.name}, which says of which run: choose another "
                "folder, or delete this one to start again."
            )
        else:
            with files.atomic(described) as partial:
                partial.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")

    def _read_identity(self, described: Path) -> dict[str, Any]:
        try:
            found = json.loads(described.read_text(encoding="utf-8"))
            if isinstance(found, dict):
                return found
        except (OSError, ValueError, RecursionError):
            pass
        raise ValueError(f"{described} is damaged, so the run in this folder is unknown: choose another folder.")

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, then delete all but the last two. If the disk is full, warn and keep the earlier ones."""
        try:
            self._write(checkpoint)
        except (OSError, RuntimeError, SafetensorError) as error:  # RuntimeError: from torch.save
            why = files.reason(error).splitlines()[0]
            warnings.warn(
                f"The checkpoint could not be written to {self.path} ({why}), so the training goes on without it: "
                "free some space there.",
                stacklevel=3,
            )

    def _write(self, checkpoint: Checkpoint) -> None:
        at = checkpoint.position
        with files.atomic(self.path / f"epoch-{at.epoch:04d}-step-{at.step:06d}") as partial:
            partial.mkdir()
            save_file(checkpoint.model, partial / "model.safetensors")
            torch.save(checkpoint.optimiser, partial / "optimiser.pt")
            for name, weights in (("best", checkpoint.best), ("average", checkpoint.average)):
                if weights is not None:
                    save_file(weights, partial / f"{name}.safetensors")
            about = {"position": asdict(at), "sha256": {file.name: hash_file(file) for file in partial.iterdir()}}
            (partial / "position.json").write_text(
                json.dumps({**about, "checksum": checksum(about)}), encoding="utf-8"
            )
        for old in self._checkpoints()[:-KEPT]:
            files.remove(old)

    def forget(self) -> None:
        """Remove the description of a run without a checkpoint, so that a corrected run may use the folder."""
        if not self._checkpoints():
            (self.path / "run.json").unlink(missing_ok=True)

    def load(self) -> Checkpoint | None:
        """The last complete checkpoint, or None. A damaged one is renamed to ``….damaged``, with a warning."""
        for place in reversed(self._checkpoints()):
            try:
                return _read(place)
            except (*_DAMAGE, OSError) as error:
                aside = place.with_name(place.name + ".damaged")
                shutil.rmtree(aside, ignore_errors=True)
                files.replace(place, aside)
                warnings.warn(
                    f"The checkpoint {place} is damaged ({error}); it was renamed to {aside.name}, and the one "
                    "before is used.",
                    stacklevel=3,
                )
        return None

    def _checkpoints(self) -> list[Path]:
        """From the first to the last; other folders and files, whatever their names, are somebody else's."""
        found = {place: NAME.fullmatch(place.name) for place in self.path.glob("epoch-*") if place.is_dir()}
        at = {place: tuple(map(int, name.groups())) for place, name in found.items() if name}
        return sorted(at, key=at.__getitem__)


# What a changed byte can raise in the readers of JSON, safetensors and PyTorch.
_DAMAGE = (
    *(ValueError, LookupError, TypeError, AttributeError, RuntimeError, EOFError),
    *(pickle.UnpicklingError, SafetensorError),
)


def _read(place: Path) -> Checkpoint:
    about = json.loads((place / "position.json").read_text(encoding="utf-8"))
    stored = about.pop("checksum", None)
    if set(about) != {"position", "sha256"} or stored != checksum(about):
        raise ValueError("position.json has changed since it was written")
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


def mebibytes(model: nn.Module) -> int:
    """The space for the checkpoints of a model: its weights, their best, their average, and Adam's two moments."""
    size = sum(getattr(value, "nbytes", 0) for value in model.state_dict().values())
    return 1 + 5 * (KEPT + 1) * size // 2**20
