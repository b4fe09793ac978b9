"""Pre-train on drawn shapes, fine-tune on few real images: notebook 05.

``course train sweep-pretraining`` makes data/results/sweep-pretraining.csv.
"""

from torch import nn

from course_utils.experiments.nb05_data_size import LEARNING_RATES, PAIR, draw, train_one
from course_utils.experiments.sweep import Sweep
from course_utils.models import build
from course_utils.models.refusals import look_up
from course_utils.training.batches import mixed_seed
from course_utils.training.score import evaluate

PRETRAINING_STEPS = 300  # the same for any number of shapes
FINE_TUNING_STEPS = 150


def pretrain_and_fine_tune(
    shapes: int, labelled: int, model: str, seed: int, quiet: bool = False
) -> tuple[nn.Module, dict[str, float]]:
    """Train a model of the pair on grey shapes (0: none), replace its head, and train it on labelled images of
    Fashion-MNIST; → the model, and its accuracies in [0, 1] on new shapes and on test images.

    Both stages use the learning rate of the pair. The accuracy on shapes is NaN without pre-training. Raises
    ValueError for a negative number of shapes.
    """
    if shapes < 0:
        raise ValueError(f"shapes is {shapes}, but must be 0 (no pre-training) or more.")
    config, on_shapes = look_up(PAIR, model, "model of the pair"), float("nan")
    network = build(config, seed)
    if shapes:
        examples = draw("shapes", "fit", shapes, seed)
        train_one(network, examples, PRETRAINING_STEPS, LEARNING_RATES[model], seed, quiet)
        on_shapes = evaluate(network, draw("shapes", "test", 2000)).accuracy
        network.head = build(config, mixed_seed(seed, 1)).head  # the classes of the shapes are not used here
    few = draw("fashion_mnist", "fit", labelled, seed)
    train_one(network, few, FINE_TUNING_STEPS, LEARNING_RATES[model], seed, quiet)
    accuracy = evaluate(network, draw("fashion_mnist", "test")).accuracy
    return network.eval(), {"shapes_accuracy": round(on_shapes, 4), "accuracy": round(accuracy, 4)}


def run(shapes: int, labelled: int, model: str, seed: int) -> dict[str, float]:
    """One point of the sweep, without its model."""
    return pretrain_and_fine_tune(shapes, labelled, model, seed, quiet=True)[1]


SWEEP = Sweep(
    points=[
        {"shapes": shapes, "labelled": 500, "model": model, "seed": seed}
        for seed in range(10)
        for shapes in ((0, 2000, 20000) if seed < 3 else (0, 20000))  # the ledger compares 20,000 with none
        for model in PAIR
    ],
    run=run,
    data="shapes, then fashion_mnist",
)
