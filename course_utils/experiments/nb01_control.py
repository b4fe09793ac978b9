"""Notebook 01's same/different task, with more controls: the deeper CNN tuned and longer, and an MLP for a head.

``course train sweep-deeper-cnn`` makes data/results/sweep-deeper-cnn.csv.
"""

from dataclasses import replace

from torch import nn

from course_utils.data import Shapes, ShapesConfig, make_shapes, same_different
from course_utils.experiments.sweep import Sweep
from course_utils.models import NonLocalResNet, ResNet, ResNetConfig, build
from course_utils.models.model import seeded
from course_utils.models.refusals import look_up
from course_utils.training.loop import fit
from course_utils.training.recipe import Recipe
from course_utils.training.score import evaluate

SMALL = ResNetConfig(blocks=(2,), widths=(16,), stem_kernel=5, stem_stride=4, max_pool=False, classes=2)
DEEPER = replace(SMALL, blocks=(6,), widths=(13,))
NETWORKS = {"CNN": SMALL, "CNN + MLP head": SMALL, "CNN + block": SMALL, "deeper CNN": DEEPER}
HIDDEN = 64  # units inside the MLP head: with them it has as many weights as the block, within 1 % of the network's
SPLITS = {"train": (6000, 1), "test": (2000, 2), "validation": (2000, 5)}  # pairs, seed
LEARNING_RATES = 1e-3, 3e-3, 1e-2  # of the second training; the first keeps the notebook's


def pairs(split: str) -> Shapes:
    """The notebook's pairs, images 3 × 48 × 48; validation pairs are new ones."""
    count, seed = look_up(SPLITS, split, "split")
    shapes = ("circle", "cross", "ring", "bar")
    return same_different(count, size=48, distance=0.72, scale=2, seed=seed, shapes=shapes)


def as_pair_network(network: str, recogniser: ResNet, seed: int) -> ResNet:
    """The recogniser's weights and a new head: images (batch, 3, height, width) → logits (batch, 2)."""
    weights = recogniser.state_dict()
    trained = {name: weights[name] for name in weights if not name.startswith("head")}
    with seeded(seed):
        model = ResNet(replace(recogniser.config, classes=2))
        model.load_state_dict({**model.state_dict(), **trained})
        if network == "CNN + block":
            return NonLocalResNet.from_resnet(model, after=((0, 0),), heads=4, reduction=4)
        if network == "CNN + MLP head":
            features = model.head.in_features
            model.add_module("head", nn.Sequential(nn.Linear(features, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2)))
    return model


def run(network: str, epochs: int, learning_rate: float, split: str, seed: int) -> dict[str, float]:
    """Accuracy in [0, 1] and cross entropy (nats) on the split and on the training pairs; and the seconds."""
    config = look_up(NETWORKS, network, "network")
    recogniser = build(replace(config, classes=8), seed)
    singles = make_shapes(10_000, ShapesConfig(size=24, scales=(4, 4)), seed=3)
    fit(recogniser, singles, None, Recipe(epochs=2, batch_size=32, learning_rate=5e-3, seed=seed), quiet=True)
    model = as_pair_network(network, recogniser, seed)
    recipe = Recipe(epochs=epochs, batch_size=32, learning_rate=learning_rate, seed=seed)
    seconds = fit(model, pairs("train"), None, recipe, quiet=True).seconds
    score, fitted = evaluate(model, pairs(split)), evaluate(model, pairs("train"))
    return {
        "accuracy": round(score.accuracy, 4),
        "loss": round(score.loss, 4),
        "train_accuracy": round(fitted.accuracy, 4),
        "training_seconds": round(seconds, 1),
    }


# The learning rate of the deeper CNN is chosen on validation pairs, with seeds that are not used again.
BEST = 1e-3


def point(network: str, epochs: int, learning_rate: float, split: str, seed: int) -> dict[str, str | int | float]:
    """The settings of one run, in the order of the table."""
    return {"network": network, "epochs": epochs, "learning_rate": learning_rate, "split": split, "seed": seed}


TUNING = [point("deeper CNN", 20, rate, "validation", seed) for rate in LEARNING_RATES for seed in (20, 21)]
# Epochs and networks that are run with ten seeds; the others have three.
TEN = [(1, "CNN + MLP head"), (1, "CNN + block"), (20, "CNN + block"), (20, "deeper CNN")]
FINAL = [
    point(network, epochs, BEST if network == "deeper CNN" else 3e-3, "test", seed)
    for seed in range(10, 20)
    for epochs in (1, 20)
    for network in NETWORKS
    if (epochs, network) in TEN or (seed < 13 and network != "CNN + MLP head")
]
SWEEP = Sweep(points=[*TUNING, *FINAL], run=run, data="shapes")
