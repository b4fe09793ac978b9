"""A trained image encoder, locked, under a caption head: notebook 10. ``course train sweep-frozen-encoder``.

Zhai et al. 2022 (LiT): only the text encoder and one linear layer learn.
"""

from dataclasses import replace
from typing import Any

from torch import nn

from course_utils.data.captions import CAPTIONS, caption_numbers, with_pairs
from course_utils.data.shapes import Shapes, make_shapes
from course_utils.experiments.nb10_captions import UNSEEN_PAIRS, measured
from course_utils.experiments.runs_captions import CONFIG, captioned
from course_utils.experiments.sweep import Sweep
from course_utils.few_shot.stored import encoded, imagenet_cnn
from course_utils.models import ImageText, build
from course_utils.models.model import seeded
from course_utils.training.batches import mixed_seed
from course_utils.training.contrast import train_pairs
from course_utils.training.recipe import Recipe

STEPS = 192
SCRATCH, FROZEN = "trained from scratch", "ImageNet CNN, frozen"  # the image encoder
PAIRS = (250, 1000)  # to train on
TEST = 1000  # images


def as_features(shapes: Shapes, quiet: bool = False) -> Shapes:
    """The same scenes, with the frozen encoder's features (count, dim, 1, 1) in place of the images."""
    return replace(shapes, images=encoded(imagenet_cnn(), shapes.images, quiet=quiet)[:, :, None, None])


def training_shapes(pairs: int, seed: int) -> Shapes:
    """That many images, none with one of the pairs of colour and shape that are held out."""
    made = make_shapes(2 * pairs, seed=mixed_seed(seed, 11) % 2**40)
    return with_pairs(made, UNSEEN_PAIRS, wanted=False).select(slice(0, pairs))


def held_out(kind: str) -> Shapes:
    """Test images, or their features."""
    test = captioned("test", TEST)[0]
    return as_features(test) if kind == FROZEN else test


def new_model(kind: str, seed: int) -> ImageText:
    """The course's image–text model; with a frozen encoder,
    one linear layer reads its features in place of a ResNet."""
    model: Any = build(CONFIG, seed)
    if kind == FROZEN:
        cnn: Any = imagenet_cnn().network
        with seeded(seed):
            model.pictures = nn.Sequential(nn.Flatten(), nn.Linear(cnn.dim, CONFIG.dim))
    return model


def train(kind: str, shapes: Shapes, seed: int, quiet: bool = True) -> ImageText:
    """→ a model after STEPS steps on images or, with a frozen encoder, on their features, in evaluation mode."""
    model = new_model(kind, seed)
    recipe = Recipe(STEPS // -(-len(shapes) // 128), batch_size=128, learning_rate=5e-3, seed=seed)
    captions = model.tokenise(CAPTIONS)
    train_pairs(model, shapes.images, caption_numbers(shapes), captions, recipe, quiet=quiet)
    return model.eval()


def run(kind: str, pairs: int, seed: int) -> dict[str, float]:
    """One point: right captions of test images with seen and with unseen pairs of colour and shape, and more."""
    shapes = training_shapes(pairs, seed)
    model = train(kind, as_features(shapes) if kind == FROZEN else shapes, seed)
    return measured(model, held_out(kind))


SWEEP = Sweep(
    points=[
        {"kind": kind, "pairs": pairs, "seed": seed}
        for pairs in PAIRS
        for seed in range(3)
        for kind in (SCRATCH, FROZEN)
    ],
    run=run,
    data="captioned shapes",
)
