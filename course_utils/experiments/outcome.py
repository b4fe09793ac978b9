"""How a training run with a name ends: its weights and their card in its folder, or the command that continues it.

Notebooks 04, 05, 09 and 10.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from torch import nn

from course_utils.training.device import machine
from course_utils.training.history import History
from course_utils.training.weights import Card, save_checkpoint_card, save_weights


@contextmanager
def continued_by(command: str, folder: Path) -> Iterator[None]:
    """An interruption inside says how to go on, and is raised again."""
    try:
        yield
    except KeyboardInterrupt:
        if any(folder.glob("epoch-*")):
            print(f"Run `{command}` again to go on from the last checkpoint in {folder}.")
        raise


def keep_model(
    name: str,
    model: nn.Module,
    config: Any,
    history: History,
    folder: Path,
    *,
    command: str,
    seed: int,
    dataset: str,
    accuracy: float,
    test_count: int,
) -> Path:
    """Write the weights, their card and the epochs to folder; → the weights' path."""
    history.to_csv(folder / "history.csv")
    weights = folder / f"{name}.safetensors"
    sha256 = save_weights(model, weights, {"command": command, "test_accuracy": f"{accuracy:.4f}"})
    card = Card(
        name=name,
        model=type(model).__name__,
        config=asdict(config),
        command=command,
        seed=seed,
        dataset=dataset,
        accuracy=accuracy,
        test_count=test_count,
        machine=machine(),
        date=date.today().isoformat(),
        sha256=sha256,
    )
    save_checkpoint_card(card, folder)
    return weights
