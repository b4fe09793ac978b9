"""How much augmentation and regularisation helps a model: notebook 06. ``course train sweep-augreg``.

A small version of the grid of Steiner et al. 2022: two models, with and without regularisation (dropout and
stochastic depth), four levels of augmentation. Weight decay is Recipe's 0.05 in every cell.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any

from course_utils.data import load
from course_utils.experiments.inputs import of_images
from course_utils.experiments.sweep import Sweep
from course_utils.models import ViT, ViTConfig, build
from course_utils.settings import Settings, at_least, between
from course_utils.training.history import History
from course_utils.training.inputs import Labelled
from course_utils.training.loop import fit
from course_utils.training.rand_augment import STRONGEST, RandAugment
from course_utils.training.recipe import Recipe
from course_utils.training.regularise import mixup_loss
from course_utils.training.score import evaluate

LEARNING_RATE = 3e-3  # better than 1e-3 for both models on 2,000 validation images, with seed 9
IMAGES: dict[str, Any] = of_images("fashion_mnist", ViTConfig)


@dataclass(frozen=True)
class Level(Settings):
    """The strength of augmentation: RandAugment's N and M, and MixUp's α; zero means off."""

    number: Annotated[int, at_least(0)] = 0
    magnitude: Annotated[int, between(0, STRONGEST)] = 0
    alpha: Annotated[float, at_least(0)] = 0.0


# Four of the seven of Steiner et al. 2022, section 3.3: none, light2, med2, heavy2. Their M counts to 10, ours to 30.
LEVELS = {"none": Level(), "light": Level(2, 10, 0.2), "medium": Level(2, 15, 0.5), "heavy": Level(2, 20, 0.8)}
# ViTs of two sizes.
SIZES = {
    "tiny": ViTConfig(patch_size=7, dim=24, layers=2, heads=2, mlp_dim=48, **IMAGES),
    "small": ViTConfig(patch_size=7, dim=64, layers=4, heads=4, mlp_dim=128, **IMAGES),
}


def train_augreg(
    size: str, regularisation: float, augmentation: str, seed: int, train: Labelled, epochs: int, quiet: bool = False
) -> tuple[ViT, History]:
    """Build the model of that size from the seed and train it; → the model and its history.

    regularisation: the probability of dropout and, at the last layer, of stochastic depth; weight decay is always
    Recipe's. augmentation: a name in LEVELS. The losses in the history are the training losses on augmented and mixed
    images.
    """
    config, level = SIZES[size], LEVELS[augmentation]
    model = build(replace(config, dropout=regularisation, stochastic_depth=regularisation), seed)
    recipe = Recipe(
        epochs=epochs,
        batch_size=64,
        learning_rate=LEARNING_RATE,
        seed=seed,
        augment=RandAugment(level.number, level.magnitude) if level.number else None,
    )
    loss = mixup_loss(level.alpha, config.classes) if level.alpha else None
    return model, fit(model, train, None, recipe, loss=loss, quiet=quiet)


def run(
    size: str, regularisation: float, augmentation: str, seed: int, pictures: int, epochs: int
) -> dict[str, float]:
    """One point of the sweep: accuracies in [0, 1] and losses on all test and training images, without augmentation.

    trained_loss is the mean training loss of the last epoch.
    """
    train, test = load("fashion_mnist", "fit", pictures, seed), load("fashion_mnist", "test")
    model, history = train_augreg(size, regularisation, augmentation, seed, train, epochs, quiet=True)
    on_test, on_train = evaluate(model, test), evaluate(model, train)
    measured = {
        "test_accuracy": on_test.accuracy,
        "train_accuracy": on_train.accuracy,
        "test_loss": on_test.loss,
        "train_loss": on_train.loss,
        "trained_loss": history.epochs[-1].train_loss,
    }
    return {name: round(value, 4) for name, value in measured.items()} | {
        "training_seconds": round(history.seconds, 1)
    }


def grid(
    sizes: tuple[str, ...], regularisations: tuple[float, ...], levels: tuple[str, ...], epochs: int
) -> list[dict[str, str | int | float]]:
    """Points for three seeds, on 2,000 images each."""
    return [
        {
            "size": size,
            "regularisation": regularisation,
            "augmentation": augmentation,
            "seed": seed,
            "pictures": 2000,
            "epochs": epochs,
        }
        for seed in range(3)
        for size in sizes
        for regularisation in regularisations
        for augmentation in levels
    ]


SWEEP = Sweep(
    points=[
        *grid(("tiny", "small"), (0.0, 0.1), tuple(LEVELS), epochs=40),
        # Does the result for the smaller model change with four times the training?
        *grid(("tiny",), (0.1,), ("none", "heavy"), epochs=160),
    ],
    run=run,
    data="fashion_mnist",
)
