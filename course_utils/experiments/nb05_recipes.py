"""The accuracy of the recipes after less than an hour each on two CPU cores: notebook 05.

``course train sweep-recipes`` makes data/results/sweep-recipes.csv. Each run equals ``course train NAME --epochs N
--seed S`` and saves checkpoints, so a kill costs only a minute. The column "minutes" counts all training of the run,
"seconds" only the last call.
"""

from pathlib import Path

from course_utils.experiments.runs import NAMED, run_named
from course_utils.experiments.sweep import Sweep
from course_utils.paths import run_folder
from course_utils.training.weights import verify

# These took 29 to 51 minutes on two cores with bf16 instructions; the learning rate falls to zero within them.
EPOCHS = {"fashion-resnet": 20, "fashion-vit": 24, "fashion-swin": 15, "fashion-distilled": 9}


def run(recipe: str, epochs: int, seed: int) -> dict[str, str | float]:
    """Train one of the recipes briefly; a distilled model learns from the teacher of the same sweep and seed.

    → minutes of training, the validation accuracies of all epochs, separated by spaces, the accuracy on the augmented
    training images in the last epoch, and the test accuracy, all in [0, 1]. Raises FileNotFoundError if the teacher
    has not been trained yet.
    """
    teacher = NAMED[recipe].teacher
    taught_in = folder_of(teacher, EPOCHS[teacher], seed) if teacher else None
    history = run_named(recipe, folder_of(recipe, epochs, seed), epochs, seed, taught_in)
    return {
        "minutes": round(history.seconds / 60, 2),
        "validation": " ".join(f"{row.validation_accuracy:.4f}" for row in history.epochs),
        "train_accuracy": round(history.epochs[-1].train_accuracy, 4),
        "accuracy": round(verify(recipe, folder_of(recipe, epochs, seed)).accuracy, 4),
    }


def folder_of(recipe: str, epochs: int, seed: int) -> Path:
    """The folder of checkpoints and weights of such a run."""
    return run_folder(recipe, f"{epochs}-epochs", f"{seed}-seed")


SWEEP = Sweep(
    points=[{"recipe": name, "epochs": epochs, "seed": 0} for name, epochs in EPOCHS.items()],
    run=run,
    data="fashion_mnist",
    cores="all",
)
