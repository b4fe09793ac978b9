"""What happened during training: one row per epoch. All notebooks that train."""

import csv
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

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
    """The epochs of a run, and how it ended."""

    epochs: list[Epoch] = field(default_factory=list)
    seconds: float = 0.0  # of all work, including the time before an interruption
    interrupted: bool = False

    @property
    def best(self) -> Epoch:
        """The epoch with the highest validation accuracy. Raises ValueError before the first epoch has ended."""
        if not self.epochs:
            raise ValueError("No epoch has ended yet, so there is no best one: train longer.")
        return max(
            self.epochs, key=lambda row: -1.0 if math.isnan(row.validation_accuracy) else row.validation_accuracy
        )

    def to_csv(self, path: str | Path) -> Path:
        """Write a header and one line per epoch; → the path."""
        path = Path(path)
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, [column.name for column in fields(Epoch)])
            writer.writeheader()
            writer.writerows(asdict(row) for row in self.epochs)
        return path

    def plot(self) -> "Figure":
        """Loss and accuracy over the epochs."""
        return draw_curves(self.epochs)


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
