"""A ViT and a ResNet of the same size and cost, trained on few and on many images: notebook 05.

``course train sweep-data-size`` makes data/results/sweep-data-size.csv.
"""

import zlib
from dataclasses import replace

import torch
from torch import Tensor, nn

from course_utils.analysis.probes import shuffle_patches
from course_utils.data import LabelledImages, ShapesConfig, load, make_shapes
from course_utils.experiments.inputs import of_images
from course_utils.experiments.sweep import Sweep
from course_utils.models import ResNetConfig, ViTConfig, build
from course_utils.models.refusals import look_up
from course_utils.modes import on_cpu
from course_utils.training.inputs import Examples
from course_utils.training.loop import fit
from course_utils.training.recipe import Recipe
from course_utils.training.score import evaluate

_VIT = ViTConfig(patch_size=4, dim=48, layers=3, heads=3, mlp_dim=96, **of_images("fashion_mnist", ViTConfig))
# Each about 61,000 parameters and 3.5 million multiply-adds per 1 × 28 × 28 image; the tests allow 10 %.
PAIR: dict[str, ViTConfig | ResNetConfig] = {
    "ViT": _VIT,
    "ResNet": ResNetConfig(
        block="basic", blocks=(1, 1, 1), widths=(25, 32, 44), stem_kernel=3, stem_stride=2, max_pool=False,
        **of_images("fashion_mnist", ResNetConfig),
    ),
}  # fmt: skip

# The best of 0.003, 0.01 and 0.03 on 2,000 validation images, after 600 steps on 2,000 images with seed 9; the same
# on Fashion-MNIST and on the shapes.
LEARNING_RATES = {"ViT": 0.01, "ResNet": 0.03}

BATCH = 64
STEPS = 600  # the same for every size of the training set; a small one is repeated more often
PATCH = _VIT.patch_size  # pixels per side of a patch, the piece that is shuffled


def draw(dataset: str, split: str, size: int | None = None, seed: int = 0) -> LabelledImages:
    """Images 1 × 28 × 28 for the pair, from ``"fashion_mnist"``, or from ``"shapes"`` or ``"night shapes"`` made grey.

    Without Fashion-MNIST, it uses digits and warns. Raises ValueError for another dataset.
    """
    if dataset == "fashion_mnist":
        return load("fashion_mnist", split, size, seed, fallback="digits")
    if dataset not in ("shapes", "night shapes"):
        raise ValueError(f"The pair is trained on fashion_mnist, shapes or night shapes, not on {dataset!r}.")
    night = dataset == "night shapes"
    scenes = zlib.crc32(f"{split} {seed}{' by night' if night else ''}".encode())  # by night others than by day
    coloured = make_shapes(size or 5_000, ShapesConfig(size=28, night=night), seed=scenes)
    return replace(coloured, images=coloured.images.mean(1, keepdim=True))


@on_cpu()
def repeated(count: int, wanted: int, seed: int) -> Tensor:
    """→ (wanted,): indices into a set of count images; every image equally often, to within one."""
    generator = torch.Generator().manual_seed(seed)
    rounds = [torch.randperm(count, generator=generator) for _ in range(-(-wanted // count))]
    return torch.cat(rounds)[:wanted]


def train_one(
    model: nn.Module, examples: LabelledImages, steps: int, learning_rate: float, seed: int, quiet: bool = False
) -> float:
    """Train in place for exactly that many steps of 64 images, for any number of images; → seconds."""
    stream = examples.select(repeated(len(examples), steps * BATCH, seed))
    recipe = Recipe(epochs=1, batch_size=BATCH, learning_rate=learning_rate, seed=seed)
    bare = Examples(stream.images, stream.labels)  # the pair always has ten classes
    return fit(model, bare, None, recipe, quiet=quiet).seconds


def train_and_test(
    dataset: str, pictures: int, patches: str, model: str, seed: int, steps: int, quiet: bool = False
) -> tuple[nn.Module, dict[str, float]]:
    """One point: → the trained model, its accuracies in [0, 1] on training and test images, and the seconds.

    patches: ``"in place"``, or ``"shuffled"`` for one fixed permutation of the 49 patches of every image. Raises
    ValueError for any other value.
    """
    if patches not in ("in place", "shuffled"):
        raise ValueError(f"patches is {patches!r}, but must be 'in place' or 'shuffled'.")
    train, test = draw(dataset, "fit", pictures, seed), draw(dataset, "test")
    if patches == "shuffled":
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(_VIT.patches, generator=generator, device="cpu")
        train, test = (replace(part, images=shuffle_patches(part.images, PATCH, order)) for part in (train, test))
    network = build(look_up(PAIR, model, "model of the pair"), seed)
    seconds = train_one(network, train, steps, LEARNING_RATES[model], seed, quiet)
    on_train = evaluate(network, train.select(slice(0, 2000))).accuracy
    on_test = evaluate(network, test).accuracy
    return network.eval(), {
        "train_accuracy": round(on_train, 4),
        "accuracy": round(on_test, 4),
        "training_seconds": round(seconds, 1),
    }


def run(dataset: str, pictures: int, patches: str, model: str, seed: int, steps: int) -> dict[str, float]:
    """One point of the sweep, without its model."""
    return train_and_test(dataset, pictures, patches, model, seed, steps, quiet=True)[1]


SIZES = (200, 1000, 5000, 25000)  # training images
# In place, shuffled, and once with four times the steps, to see whether a model lacks images or steps.
RUNS = [("fashion_mnist", "in place", size, STEPS, seed) for seed in range(3) for size in SIZES]
RUNS += [("fashion_mnist", "shuffled", 5000, STEPS, seed) for seed in range(3)]
RUNS += [("fashion_mnist", "in place", 25000, 4 * STEPS, 0)]
RUNS += [("shapes", "in place", size, STEPS, seed) for seed in range(3) for size in SIZES]
RUNS += [("shapes", "in place", 25000, 4 * STEPS, 0)]

SWEEP = Sweep(
    points=[
        {"dataset": dataset, "pictures": pictures, "patches": patches, "seed": seed, "model": model, "steps": steps}
        for dataset, patches, pictures, steps, seed in RUNS
        for model in PAIR
    ],
    run=run,
    data="fashion_mnist, shapes",
)
