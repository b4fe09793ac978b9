"""What happened during training: one row per epoch. All notebooks that train."""

import csv
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from course_utils.console import duration
from course_utils.files import atomic
from course_utils.settings import checked

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Epoch:
    """One pass over the training images. Accuracies in [0, 1]; NaN where there was no validation data.

    The training figures are averages over the epoch, while the model was learning; the validation figures are from
    its end.
    """

    epoch: int  # 1 is the first
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    seconds: float  # training and validation
    images_per_second: float  # training only
    learning_rate: float  # of the last step


@dataclass
class History:
    """The epochs of a run, and how it ended. As text it is one sentence, in a notebook also a table."""

    epochs: list[Epoch] = field(default_factory=list)
    seconds: float = 0.0  # of all work, including the time before an interruption
    interrupted: bool = False

    def __str__(self) -> str:
        count = len(self.epochs)
        if self.interrupted:
            return f"stopped in epoch {count + 1}, after {duration(self.seconds)} of training"
        return f"{count} epoch{'s' * (count != 1)} in {duration(self.seconds)} of training"

    def _repr_html_(self) -> str:
        names = ("epoch", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "seconds")
        head = "".join(f"<th>{name.replace('_', ' ')}</th>" for name in names)
        rows = ("".join(f"<td>{getattr(row, name):.4g}</td>" for name in names) for row in self.epochs)
        table = "".join(f"<tr>{row}</tr>" for row in (head, *rows))
        return f"<table><caption>{self}</caption>{table}</table>"

    @property
    def best(self) -> Epoch:
        """The epoch with the highest validation accuracy. Raises ValueError before the first epoch has ended."""
        if not self.epochs:
            raise ValueError("No epoch has ended yet, so there is no best one: train longer.")
        return max(
            self.epochs, key=lambda row: -1.0 if math.isnan(row.validation_accuracy) else row.validation_accuracy
        )

    def to_csv(self, path: str | Path) -> Path:
        """Write a header and one line per epoch; → the path. The file appears only when it is complete."""
        place: Path = checked("path", path, Path)
        with atomic(place) as partial, partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [column.name for column in fields(Epoch)])
            writer.writeheader()
            writer.writerows(asdict(row) for row in self.epochs)
        return place

    def plot(self) -> "Figure":
        """Loss and accuracy over the epochs."""
        return draw_curves(self.epochs)


_last: list[History] = []


def remembered(history: History) -> History:
    """The same history, which :func:`last_history` then returns."""
    _last[:] = [history]
    return history


def last_history() -> History:
    """The history of this process's last training, however it ended, for example after its tab was closed.

    Raises LookupError if nothing was trained yet.
    """
    if not _last:
        raise LookupError("Nothing was trained in this kernel yet: call fit first.")
    return _last[0]


def draw_curves(epochs: Sequence[Epoch], running: Sequence[tuple[float, float]] = (), length: int = 0) -> "Figure":
    """Training and validation: loss on the left, accuracy on the right.

    running: (epochs done, loss) during training, instead of the average training loss per epoch. length: of the
    horizontal axis, in epochs, if it should extend beyond the epochs done.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    numbers = [row.epoch for row in epochs]
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        # Okabe & Ito's blue and vermilion: distinguishable for colour-blind readers too.
        for part, style in (("train", {"color": "#0072b2", "marker": "s"}), ("validation", {"color": "#d55e00"})):
            points = [(float(row.epoch), getattr(row, f"{part}_{name}")) for row in epochs]
            if running and part == "train" and name == "loss":
                points, style = list(running), {**style, "marker": ""}
            axes.plot(*zip(*points, strict=True), **{"marker": "o", "markersize": 3, "label": part, **style})
        axes.set(xlabel="epoch", ylabel=name, xlim=(0, 1.03 * max([length, *numbers])) if length or numbers else None)
        if axes.lines:
            axes.legend()
    return figure
