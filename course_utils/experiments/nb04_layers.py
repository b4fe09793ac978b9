"""Which layers of a trained ViT tell classes apart? Notebook 04, and the card of its weights.

``course train sweep-vit-layers`` makes data/results/sweep-vit-layers.csv.
"""

from functools import cache

from torch import Tensor

from course_utils.analysis.layers import TOKENS, features_by_layer, nearest_neighbour_accuracy
from course_utils.data import LabelledImages, load
from course_utils.experiments.sweep import Sweep
from course_utils.few_shot.stored import encoded
from course_utils.models import ViT
from course_utils.models.convert import from_timm
from course_utils.models.encoder import Encoder
from course_utils.models.pretrained import Pretrained, load_pretrained

IMAGES = 400  # test images of each dataset; the digits are 360
SIDE = 112  # pixels, 8 × 8 patches
DATASETS = ("fashion_mnist", "digits")


def load_images(dataset: str, count: int = IMAGES) -> LabelledImages:
    """Test images, drawn at random. Raises DataNotFound without them."""
    if dataset == "digits":
        return load(dataset, "test")
    return load(dataset, "test", count)


def features(model: ViT, found: Pretrained, images: Tensor, side: int = SIDE, quiet: bool = False) -> Tensor:
    """(count, 1 or 3, height, width) in [0, 1] → (count, 2, layers, dim), of the images resized to side × side.

    model: the ViT with the weights of found, for any image size.
    """
    prepared, resized = Encoder(found, side).prepared, model.resized(side)
    return encoded(lambda part: features_by_layer(resized, prepared(part)), images, quiet=quiet)


@cache
def stored(dataset: str) -> Tensor:
    """Features of all layers of the trained ViT-S/14."""
    found = load_pretrained("vit_small_patch14_dinov2")
    model = from_timm(found.model)
    assert isinstance(model, ViT)
    return features(model, found, load_images(dataset).images)


def run(dataset: str, token: str) -> dict[str, str]:
    """One point: after each layer, the share of images whose nearest other image has the same label; the images."""
    examples, of_token = load_images(dataset), stored(dataset)[:, TOKENS.index(token)]
    found = (nearest_neighbour_accuracy(each, examples.labels) for each in of_token.unbind(dim=1))
    images = f"{len(examples):,} of {examples.source}"
    return {"images": images, "accuracies": " ".join(f"{value:.4f}" for value in found)}


SWEEP = Sweep(
    points=[{"dataset": dataset, "token": token} for dataset in DATASETS for token in TOKENS],
    run=run,
    data="fashion_mnist, digits",
)
