"""Which regularisers help: each of five alone, and each left out of all five. Notebook 06.

Twelve arms of one small ViT, trained short and long on the same few images: ``course train sweep-regularisers``. On
photographs: ``nb06_photographs``.
"""

from dataclasses import dataclass, replace
from typing import Annotated

from course_utils.data import LabelledImages, load
from course_utils.experiments.inputs import of_images
from course_utils.experiments.sweep import Sweep
from course_utils.models import ViT, ViTConfig, build
from course_utils.models.refusals import look_up
from course_utils.settings import Probability, Settings, at_least, between
from course_utils.training.history import History
from course_utils.training.inputs import Labelled
from course_utils.training.loop import fit
from course_utils.training.rand_augment import STRONGEST, RandAugment
from course_utils.training.recipe import Recipe
from course_utils.training.regularise import mixup_loss
from course_utils.training.score import evaluate

PICTURES = 500  # to train on
EPOCHS = {"short": 5, "long": 40}  # ten steps each
# Chosen before the runs, on the 5,000 validation images with seed 20, which no run of the sweep uses: what had the
# higher accuracy in the mean of both lengths. The rate was chosen of 6e-3 and 1e-2, in the mean of "none" and "all"
# (with other strengths, those on the left below); then each strength, alone. On the 4,166 of CIFAR-10, the same
# procedure chose the same (MixUp's two were exactly level: 0.5 as on clothes).
LEARNING_RATE = 6e-3


def student(dataset: str) -> ViTConfig:
    """The same ViT for each dataset, with 4 × 4 patches: 7 × 7 pixels of Fashion-MNIST, 8 × 8 of CIFAR-10."""
    seen = of_images(dataset, ViTConfig)
    return ViTConfig(patch_size=seen["image_size"] // 4, dim=32, layers=3, heads=2, mlp_dim=64, **seen)


CONFIG = student("fashion_mnist")


@dataclass(frozen=True)
class Strengths(Settings):
    """The strength of each regulariser; zero means off."""

    weight_decay: Annotated[float, at_least(0)] = 0.0
    stochastic_depth: Probability = 0.0  # of dropping a branch of the last layer
    dropout: Probability = 0.0
    mixup: Annotated[float, at_least(0)] = 0.0  # α
    magnitude: Annotated[int, between(0, STRONGEST)] = 0  # of RandAugment, with N = 2


FIELDS = {  # name of a regulariser → its strength in Strengths
    "weight decay": "weight_decay",
    "stochastic depth": "stochastic_depth",
    "dropout": "dropout",
    "MixUp": "mixup",
    "RandAugment": "magnitude",
}
NONE = Strengths()
ALL = Strengths(
    weight_decay=0.5,  # of 0.1 and 0.5
    stochastic_depth=0.1,  # of 0.1 and 0.2
    dropout=0.1,  # of 0.1 and 0.2
    mixup=0.5,  # of 0.2 and 0.5
    magnitude=5,  # of 10 and 5
)
# Name of the arm → what it trains with.
ARMS = {
    "none": NONE,
    **{name: replace(NONE, **{field: getattr(ALL, field)}) for name, field in FIELDS.items()},
    **{f"all but {name}": replace(ALL, **{field: getattr(NONE, field)}) for name, field in FIELDS.items()},
    "all": ALL,
}


def train_arm(arm: str, seed: int, train: Labelled, epochs: int, config: ViTConfig = CONFIG) -> tuple[ViT, History]:
    """Build the ViT from the seed and train it with the regularisers of that arm; → the model and its history.

    Raises UnknownName for an arm that is not in ARMS.
    """
    use = look_up(ARMS, arm, "arm")
    model = build(replace(config, dropout=use.dropout, stochastic_depth=use.stochastic_depth), seed)
    recipe = Recipe(
        epochs,
        batch_size=50,
        learning_rate=LEARNING_RATE,
        weight_decay=use.weight_decay,
        seed=seed,
        augment=RandAugment(2, use.magnitude) if use.magnitude else None,
    )
    loss = mixup_loss(use.mixup, config.classes) if use.mixup else None
    return model, fit(model, train, None, recipe, loss=loss, quiet=True)


def measure(
    arm: str, epochs: int, seed: int, train: LabelledImages, test: LabelledImages, config: ViTConfig = CONFIG
) -> dict[str, float]:
    """Accuracy in [0, 1] on the test images, and on the training images without augmentation."""
    model, _ = train_arm(arm, seed, train, epochs, config=config)
    measured = {"accuracy": evaluate(model, test).accuracy, "train_accuracy": evaluate(model, train).accuracy}
    return {name: round(value, 4) for name, value in measured.items()}


def run(arm: str, epochs: int, seed: int) -> dict[str, float]:
    """One point of the sweep, on all test images. Raises DataNotFound without Fashion-MNIST."""
    return measure(arm, epochs, seed, load("fashion_mnist", "fit", PICTURES, seed), load("fashion_mnist", "test"))


SWEEP = Sweep(
    points=[
        {"arm": arm, "epochs": epochs, "seed": seed}
        for seed in range(10)
        for epochs in EPOCHS.values()
        for arm in ARMS
    ],
    run=run,
    data="fashion_mnist",
)
