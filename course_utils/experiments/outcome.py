"""The end of a named run: weights and card, or the command that continues it. Notebooks 04, 05, 09 and 10."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from course_utils.models.model import Model
from course_utils.training.device import machine
from course_utils.training.history import History
from course_utils.training.weights import Card, save_checkpoint_card, save_weights


@contextmanager
def continued_by(command: str, folder: Path) -> Iterator[None]:
    """On an interruption or a full disk, print how to continue and raise it again."""
    try:
        yield
    except (KeyboardInterrupt, OSError):
        if any(folder.glob("epoch-*-step-*")):
            print(f"Run `{command}` again to continue from the last checkpoint in {folder}.", flush=True)
        raise


def keep_model(
    model: Model, history: History, folder: Path, name: str, half: bool = False, number_format: str = "", **about: Any
) -> Path:
    """Write the weights, their card and the epochs to folder; → the path of the weights.

    about: the other fields of the :class:`Card`, such as command, seed and accuracy. half: store the weights in
    float16. If the folder's disk is full, they go to a temporary folder, which is printed, before the OSError is
    raised.
    """
    about["machine"] = machine(number_format)
    try:
        return _written(model, history, folder, name, half, about)
    except OSError:
        with suppress(OSError):
            rescued = _written(model, history, Path(tempfile.mkdtemp(prefix=f"{name}-")), name, half, about)
            print(f"The weights could not be written to {folder}, so they are in {rescued}.", flush=True)
        raise


def _written(model: Model, history: History, folder: Path, name: str, half: bool, about: Mapping[str, Any]) -> Path:
    history.to_csv(folder / "history.csv")
    weights = folder / f"{name}.safetensors"
    kept = {"command": about["command"], "test_accuracy": f"{about['accuracy']:.4f}"}
    found: dict[str, Any] = {"sha256": save_weights(model, weights, kept, half), "date": date.today().isoformat()}
    save_checkpoint_card(Card(name, type(model).__name__, asdict(model.config), **about, **found), folder)
    return weights
