"""The runs that trained notebook 10's models: ``course train captions``, ``captions-robust``, ``captions-noisy``."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from course_utils.console import with_folder
from course_utils.data.captions import CAPTIONS, WORDS, caption_numbers
from course_utils.data.shapes import Shapes, make_shapes
from course_utils.experiments.outcome import continued_by, keep_model
from course_utils.models import ImageText, ImageTextConfig, build
from course_utils.models.image_text import retrieval_ranks
from course_utils.models.refusals import look_up
from course_utils.modes import evaluating
from course_utils.paths import run_folder
from course_utils.settings import Settings
from course_utils.training.contrast import PLAIN, Hardening, Noise, train_pairs
from course_utils.training.device import make_accelerator
from course_utils.training.history import History
from course_utils.training.recipe import Recipe

IMAGES = {"fit": 12_000, "validation": 1000, "test": 4000}
SEEDS = {"fit": 1_000_001, "validation": 1_000_002, "test": 1_000_003}  # of the scenes
CONFIG = ImageTextConfig(WORDS, length=4)  # of the course's model


@dataclass(frozen=True)
class CaptionRun(Settings):
    """A recipe, and how to change the images during training."""

    recipe: Recipe
    hardening: Hardening = PLAIN
    noise: Noise = 0.0  # in training and in the test
    config: ImageTextConfig = field(default=CONFIG)


RECIPE = Recipe(epochs=6, batch_size=128, learning_rate=5e-3)

CAPTION_RUNS = {
    "captions": CaptionRun(RECIPE),
    "captions-robust": CaptionRun(RECIPE, Hardening(radius=8 / 255, steps=3)),
    "captions-noisy": CaptionRun(RECIPE, Hardening(noise=0.12), noise=0.12),
}


def captioned(split: str, size: int | None = None) -> tuple[Shapes, Tensor]:
    """Single shapes of one split and the indices of their captions. Raises UnknownName for any other split."""
    count = look_up(IMAGES, split, "split")
    shapes = make_shapes(count if size is None else size, seed=SEEDS[split])
    return shapes, caption_numbers(shapes)


@torch.no_grad()
def ranks_of(model: ImageText, images: Tensor, numbers: Tensor, noise: float = 0.0) -> Tensor:
    """→ (images,): the rank of the right caption among all captions; with noise, one draw per image."""
    generator = torch.Generator().manual_seed(0)
    captions = model.tokenise(CAPTIONS)
    found = []
    with evaluating(model):
        for batch, right in zip(images.split(500), numbers.split(500), strict=True):
            seen = batch + noise * torch.randn(batch.shape, generator=generator).to(batch) if noise else batch
            found.append(retrieval_ranks(model(seen, captions), right))
    return torch.cat(found)


def run_captions(name: str, folder: Path | None = None, epochs: int | None = None) -> History:
    """Train one of CAPTION_RUNS, evaluate it once on the test images, write weights and card; → its history.

    folder is ``.course/runs/NAME`` by default; the same call continues an interrupted run there. Raises
    UnknownName for a name that is not in the table.
    """
    run = look_up(CAPTION_RUNS, name, "model")
    recipe = run.recipe if epochs is None else replace(run.recipe, epochs=epochs)
    command = f"course train {name}" + ("" if epochs is None else f" --epochs {epochs}")
    again = with_folder(command, folder)
    folder = Path(folder or run_folder(name, *([] if epochs is None else [f"{epochs}-epochs"])))
    model = build(run.config, recipe.seed)
    train, numbers = captioned("fit")
    captions = model.tokenise(CAPTIONS)
    with continued_by(again, folder):
        history = train_pairs(model, train.images, numbers, captions, recipe, hardening=run.hardening, folder=folder)
        test, right = captioned("test")
        accuracy = (ranks_of(model.eval(), test.images, right, run.noise) == 1).float().mean().item()
        if not make_accelerator(recipe.precision).is_main_process:
            return history
        print(f"Test: the right one of {len(CAPTIONS)} captions for {accuracy:.1%}.")
        tested: dict[str, Any] = {
            "dataset": f"captioned shapes, noise {run.noise:g}",
            "accuracy": accuracy,
            "test_count": len(test),
        }
        weights = keep_model(model, history, folder, name, command=command, seed=recipe.seed, **tested)
    print(f"The weights are in {weights}, next to their card.")
    return history
