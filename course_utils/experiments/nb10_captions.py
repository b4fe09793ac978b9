"""A small image–text model, and the effect of each of its parts: notebook 10.

``course train sweep-captions`` makes data/results/sweep-captions.csv.
"""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from course_utils.data.captions import CAPTIONS, FIELDS, caption_numbers, field_numbers, with_pairs
from course_utils.data.shapes import Shapes, make_shapes
from course_utils.experiments.runs_captions import CONFIG, captioned, ranks_of
from course_utils.experiments.sweep import Sweep
from course_utils.models import ImageText, build
from course_utils.models.image_text import contrastive_loss
from course_utils.models.refusals import look_up
from course_utils.modes import evaluating
from course_utils.training.batches import mixed_seed
from course_utils.training.contrast import PairLoss, train_pairs
from course_utils.training.recipe import Recipe

IMAGES = 8000  # for training
EPOCHS = 3

# Each shape once, in one colour; training never uses them if they are held out.
UNSEEN_PAIRS = (
    ("red", "circle"),
    ("orange", "square"),
    ("yellow", "triangle"),
    ("green", "cross"),
    ("blue", "ring"),
    ("purple", "star"),
    ("red", "bar"),
    ("orange", "crescent"),
)

# Differences from the model of the course.
VARIANTS: dict[str, dict[str, Any]] = {
    "the course's model": {},
    "twins count as mistakes": {"know_twins": False},
    "temperature stays 1": {"temperature": 1.0, "learn_temperature": False},
    "temperature stays 0.01": {"temperature": 0.01, "learn_temperature": False},
    "8 pairs never seen": {"hold_out": True},
    "8 pairs never seen, bag of words": {"hold_out": True, "text_layers": 0},
}


def train_variant(variant: str, seed: int, quiet: bool = False, loss_of: PairLoss = contrastive_loss) -> ImageText:
    """One row of VARIANTS, trained on its own IMAGES images with this pair loss.

    Raises UnknownName for a name that is not in the table.
    """
    changes = dict(look_up(VARIANTS, variant, "variant"))
    hold_out = changes.pop("hold_out", False)
    training = {name: changes.pop(name) for name in ("know_twins", "learn_temperature") if name in changes}
    model = build(replace(CONFIG, **changes), seed)
    shapes = make_shapes(IMAGES + 2000, seed=mixed_seed(seed, 10) % 2**40)
    if hold_out:  # as many images as the other variants
        shapes = with_pairs(shapes, UNSEEN_PAIRS, wanted=False)
    shapes = shapes.select(slice(0, IMAGES))
    recipe = Recipe(epochs=EPOCHS, batch_size=128, learning_rate=5e-3, seed=seed)
    captions = model.tokenise(CAPTIONS)
    train_pairs(
        model, shapes.images, caption_numbers(shapes), captions, recipe, quiet=quiet, loss_of=loss_of, **training
    )
    return model.eval()


@torch.no_grad()
def zero_shot(model: ImageText, images: Tensor, field: str, mean_of_prompts: bool = True) -> Tensor:
    """→ (images,): the index of the best word of one field, using only captions as labels.

    A word's prompt is the mean embedding of all captions that contain it (Radford et al. 2021, section 3.1.4), or,
    without mean_of_prompts, the embedding of "a red" alone, which is no training caption.
    """
    with evaluating(model):
        if mean_of_prompts:
            embedded = model.embed_captions(model.tokenise(CAPTIONS))
            word = field_numbers(torch.arange(len(CAPTIONS), device=embedded.device), field)
            prompts = torch.stack([embedded[word == index].mean(dim=0) for index in range(len(FIELDS[field]))])
        else:
            prompts = model.embed_captions(model.tokenise([f"a {word}" for word in FIELDS[field]]))
        prompts = prompts / prompts.norm(dim=-1, keepdim=True)
        return torch.cat([(model.embed_images(batch) @ prompts.mT).argmax(dim=1) for batch in images.split(500)])


def measured(model: ImageText, test: Shapes) -> dict[str, float]:
    """Shares of right captions in [0, 1] over all test images, and over those with a seen or an unseen pair."""
    results = {"temperature": round(model.temperature.item(), 4)}
    for name, shapes in {
        "all": test,
        "seen": with_pairs(test, UNSEEN_PAIRS, wanted=False),
        "unseen": with_pairs(test, UNSEEN_PAIRS),
    }.items():
        ranks = ranks_of(model, shapes.images, caption_numbers(shapes))
        results[f"top1_{name}"] = round((ranks == 1).float().mean().item(), 4)
        results[f"median_rank_{name}"] = int(ranks.median())
    numbers = caption_numbers(test)
    for field in FIELDS:
        for kind, whole in (("zero_shot", True), ("two_words", False)):
            right = zero_shot(model, test.images, field, whole) == field_numbers(numbers, field)
            results[f"{kind}_{field}"] = round(right.float().mean().item(), 4)
    return results


def run(variant: str, seed: int) -> dict[str, float]:
    """One point of the sweep."""
    return measured(train_variant(variant, seed, quiet=True), captioned("test")[0])


SWEEP = Sweep(
    points=[{"variant": variant, "seed": seed} for seed in range(3) for variant in VARIANTS],
    run=run,
    data="captioned shapes",
)
