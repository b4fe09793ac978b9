"""After which block of a pixel transformer does a linear probe do best? Notebook 03.

Eight blocks, trained by next-pixel prediction, and the same untrained: ``course train sweep-pixel-layers``.
"""

import math
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.data import LabelledImages, load
from course_utils.data.splits import drawn
from course_utils.experiments.sweep import Sweep
from course_utils.models import PixelTransformer, PixelTransformerConfig, build
from course_utils.models.pixel_transformer import bits_per_pixel
from course_utils.models.refusals import look_up
from course_utils.modes import evaluating
from course_utils.training.pretrain import pretrain
from course_utils.training.recipe import Recipe
from course_utils.training.score import Score

PICTURES = 55_000  # of Fashion-MNIST that the model reads, without labels: all that are not for validation or test
LABELLED = 2_000  # the first of them, from which each probe learns; of the digits, all that the model reads
TESTED = {"digits": 360, "fashion_mnist": 4_000}  # images on which each probe is tested
CLOTHES = PixelTransformerConfig(image_size=7, channels=1, colours=8, dim=48, layers=8, heads=4, mlp_dim=192)
CONFIGS = {"digits": replace(CLOTHES, image_size=8, colours=17), "fashion_mnist": CLOTHES}  # dataset → the model's
# Chosen before the runs. Digits: the notebook's recipe for six blocks. Fashion-MNIST: every picture once, and of the
# learning rates 2e-3 and 4e-3 the one with fewer bits per pixel on validation images, after 8,000 pictures with seed
# 20, which no run of the sweep uses. No probe took part in a choice.
RECIPES = {"digits": Recipe(6, 16, 4e-3), "fashion_mnist": Recipe(1, 32, 4e-3)}
WEIGHTS = ("next pixel", "untrained")  # what a probe's features come from
BLOCKS = tuple(f"block_{number}" for number in range(CLOTHES.layers + 1))  # columns of the table; 0: the embeddings
# Ten of each at first; the power calculation of the ledger then asked for 48 of the digits. Seed 20 chose the rate
# above.
SEEDS = {"digits": [seed for seed in range(49) if seed != 20], "fashion_mnist": range(10)}
MIDDLE = CLOTHES.layers // 2  # the block that is compared with the first and the last: fixed before the runs


def drawn_by(seed: int, dataset: str) -> tuple[LabelledImages, LabelledImages, LabelledImages]:
    """Images (count, 1, 8, 8) of digits, or (count, 1, 7, 7) of Fashion-MNIST, each 4 × 4 pixels averaged.

    → those that the model reads, those from which a probe learns, and those on which it is tested, which the model has
    not read. Raises DataNotFound without Fashion-MNIST.
    """
    count = TESTED[dataset]
    if dataset == "digits":
        parts = load(dataset, "train"), load(dataset, "test")
        images, labels = (torch.cat([getattr(part, name) for part in parts]) for name in ("images", "labels"))
        whole = drawn(replace(parts[0], images=images, labels=labels), len(labels), seed)
        read = whole.select(slice(count, None))
        return read, read, whole.select(slice(0, count))
    read, tested = load(dataset, "fit", PICTURES, seed), load(dataset, "test", count, seed)
    read, tested = (replace(each, images=F.avg_pool2d(each.images, 4)) for each in (read, tested))
    return read, read.select(slice(0, LABELLED)), tested


def model_of(weights: str, dataset: str, seed: int, images: Tensor, quiet: bool = True) -> PixelTransformer:
    """The model of that seed for the images of a dataset, untrained or after next-pixel prediction on these images.

    Raises UnknownName for weights that are not in WEIGHTS.
    """
    look_up(dict.fromkeys(WEIGHTS), weights, "kind of weights")
    model = build(CONFIGS[dataset], seed)
    if weights == "next pixel":
        pretrain(model, images, replace(RECIPES[dataset], seed=seed), quiet=quiet)
    return model


@torch.no_grad()
def pooled(model: PixelTransformer, images: Tensor) -> Tensor:
    """(count, channels, height, width) → (layers + 1, count, dim): the embeddings and every block's features, each
    normalised and averaged over the tokens, in evaluation mode. Chen et al. 2020, section 2.4."""
    with evaluating(model):
        parts = [torch.stack([each.mean(dim=1) for each in model.features(part)]) for part in images.split(50)]
    return torch.cat(parts, dim=1)


def probe(train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor) -> Score:
    """The accuracy of a logistic regression on standardised features, (count, dim) each; its loss is NaN."""
    from sklearn import linear_model, pipeline, preprocessing  # only here: importing it takes long

    regression = linear_model.LogisticRegression(max_iter=500)
    classifier = pipeline.make_pipeline(preprocessing.StandardScaler(), regression)
    classifier.fit(train.cpu().numpy(), train_labels.cpu().numpy())
    return Score(float(classifier.score(test.cpu().numpy(), test_labels.cpu().numpy())), math.nan, len(test))


def probe_layers(model: PixelTransformer, train: LabelledImages, test: LabelledImages) -> list[Score]:
    """The scores of probes on the :func:`pooled` features after block 0 (the embeddings), 1, 2, …"""
    layers = zip(pooled(model, train.images), pooled(model, test.images), strict=True)
    return [probe(one, train.labels, other, test.labels) for one, other in layers]


def run(dataset: str, weights: str, seed: int) -> dict[str, float]:
    """One point of the sweep: bits per pixel on at most 1,000 test images,
    and the accuracy of a probe after each block.

    Raises DataNotFound without Fashion-MNIST.
    """
    read, labelled, tested = drawn_by(seed, dataset)
    model = model_of(weights, dataset, seed, read.images)
    some = tested.images[:1000]
    with torch.no_grad(), evaluating(model):
        bits = bits_per_pixel(model(some), model.encode(some)).item()
    accuracies = zip(BLOCKS, probe_layers(model, labelled, tested), strict=True)
    return {"bits": round(bits, 4)} | {block: round(score.accuracy, 4) for block, score in accuracies}


SWEEP = Sweep(
    points=[
        {"dataset": dataset, "weights": weights, "seed": seed}
        for dataset, seeds in SEEDS.items()
        for seed in seeds
        for weights in WEIGHTS
    ],
    run=run,
    data="digits, fashion_mnist",
)
