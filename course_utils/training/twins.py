"""A small ResNet and its twins without convolutions, trained alike: notebook 02.

``python -m course_utils.training.twins --pictures 8000 --epochs 1`` writes data/results/local_attention_twins.csv, or
adds its rows to it.
"""

import argparse
import csv
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from course_utils import data
from course_utils.models.lr_net import TWINS, LRNet
from course_utils.paths import ROOT
from course_utils.training.inputs import Labelled
from course_utils.training.loop import fit
from course_utils.training.recipe import Recipe
from course_utils.training.score import evaluate

RESULTS = ROOT / "data" / "results" / "local_attention_twins.csv"

# The best of 0.003, 0.01 and 0.03 on 2,000 validation pictures, after one epoch of 8,000 pictures with seed 9.
LEARNING_RATES = {"ResNet": 0.03, "local attention": 0.01, "LR-Net": 0.03}


@dataclass(frozen=True)
class Row:
    """One training run: test accuracy in [0, 1], seconds of training on one thread."""

    network: str
    seed: int
    pictures: int
    epochs: int
    accuracy: float
    test_pictures: int
    seconds: float


def train_twin(
    name: str, seed: int, train: Labelled, test: Labelled, epochs: int = 1, quiet: bool = False
) -> tuple[LRNet, Row]:
    """Build the twin of that name from the seed and train it; → the network and how it does on the test pictures."""
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        network = LRNet(TWINS[name])
    recipe = Recipe(epochs=epochs, batch_size=64, learning_rate=LEARNING_RATES[name], seed=seed)
    seconds = fit(network, train, None, recipe, quiet=quiet).seconds
    score = evaluate(network, test)
    row = Row(name, seed, len(train.images), epochs, round(score.accuracy, 4), score.count, round(seconds, 1))
    return network.eval(), row


def append(row: Row, path: Path = RESULTS) -> None:
    """Add a row to the table, which gets its head when it is new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(asdict(row)), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(asdict(row))


def main() -> None:
    """Train every twin with several seeds and add a row each to the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=8000)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    asked = parser.parse_args()
    torch.set_num_threads(1)
    test = data.load("fashion_mnist", "test")
    for seed in asked.seeds:
        train = data.load("fashion_mnist", "fit", asked.pictures, seed)
        for name in TWINS:
            row = train_twin(name, seed, train, test, asked.epochs)[1]
            append(row)
            print(row, flush=True)


if __name__ == "__main__":
    main()
