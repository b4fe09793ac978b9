"""The ViT and the ResNet of notebook 05 on images that never run out, as they are and shuffled: where their curves cross.

``course train sweep-crossing`` makes data/results/sweep-crossing.csv. Every step has fresh images, so what varies is
the length of training. Each length is a run of its own, with a warm-up and a cosine that ends where it ends.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from course_utils.analysis.probes import shuffle_patches
from course_utils.data import LabelledImages
from course_utils.experiments.nb05_data_size import BATCH, PAIR, PATCH
from course_utils.experiments.sweep import Sweep
from course_utils.models import build
from course_utils.models.refusals import look_up
from course_utils.training.loop import fit
from course_utils.training.recipe import Recipe
from course_utils.training.score import evaluate
from course_utils.training.task import Batch, Classification

SIDE = 28  # pixels of an image
NOISE = 0.25  # its standard deviation; a mark is 0.4 to 1 brighter than the ground
MARKS = {
    "frame": "#### #..# #..# ####",
    "square": ".... .##. .##. ....",
    "slash": "...# ..#. .#.. #...",
    "backslash": "#... .#.. ..#. ...#",
    "cross": "#..# .##. .##. #..#",
    "plus": ".##. #### #### .##.",
    "rows": "#### .... #### ....",
    "columns": "#.#. #.#. #.#. #.#.",
}
DRAWN = torch.tensor([[[dot == "#" for dot in row] for row in mark.split()] for mark in MARKS.values()])

# The best of 0.001, 0.003, 0.01 (ViT) and 0.003, 0.01, 0.03 (ResNet, shuffled) after 600 steps, with seed 9 on 5,000
# validation images. The marks, the noise and the lengths were chosen with seed 9 too, and no run of the table has it.
LEARNING_RATES = {"ViT": 0.003, "ResNet": 0.01}

TEST = -1  # the seed of the test images; a step's is never negative


def marks_anywhere(count: int, seed: int, noise: float = NOISE) -> LabelledImages:
    """Images 1 × 28 × 28 with one mark of 4 × 4 pixels at any place, bright or pale, in noise; labelled by its kind."""
    generator = torch.Generator().manual_seed(seed)
    kinds = torch.randint(len(MARKS), (count,), generator=generator)
    size = DRAWN.shape[-1]
    top, left = torch.randint(SIDE - size + 1, (2, count, 1, 1), generator=generator)
    brightness = 0.4 + 0.6 * torch.rand(count, 1, 1, generator=generator)
    images = noise * torch.randn(count, 1, SIDE, SIDE, generator=generator)
    down, right = torch.arange(size)[:, None], torch.arange(size)
    images[torch.arange(count)[:, None, None], 0, top + down, left + right] += brightness * DRAWN[kinds]
    return LabelledImages(images.clamp(0, 1), kinds, tuple(MARKS), "marks", f"marks made in memory (seed {seed})")


def orders(seed: int) -> tuple[Tensor, Tensor]:
    """→ (49,), (16,): an order of the patches, and one of the pixels inside a patch, the same in each."""
    generator = torch.Generator().manual_seed(seed)
    places, pixels = (SIDE // PATCH) ** 2, PATCH**2
    return torch.randperm(places, generator=generator), torch.randperm(pixels, generator=generator)


def shuffle_pixels(images: Tensor, places: Tensor, pixels: Tensor) -> Tensor:
    """(batch, 1, 28, 28) → the same shape: the patches in another order, and inside each patch its pixels."""
    moved = rearrange(shuffle_patches(images, PATCH, places), "b c (h p) (w q) -> b c h w (p q)", p=PATCH, q=PATCH)
    return rearrange(moved[..., pixels], "b c h w (p q) -> b c (h p) (w q)", p=PATCH)


def arrangement(pixels: str, seed: int) -> Callable[[LabelledImages], LabelledImages]:
    """→ what a run does with all its images: ``"in place"`` nothing; ``"shuffled"`` shuffle their pixels in one way.

    Raises ValueError for any other value.
    """
    if pixels not in ("in place", "shuffled"):
        raise ValueError(f"pixels is {pixels!r}, but must be 'in place' or 'shuffled'.")
    if pixels == "in place":
        return lambda drawn: drawn
    mixed = orders(seed)
    return lambda drawn: replace(drawn, images=shuffle_pixels(drawn.images, *mixed))


class FreshImages(Classification):
    """Each step's images are drawn from its generator, which depends on seed and step: none is seen twice.

    draw: (count, seed) → images. In place of the training data, pass the number of images in all.
    """

    def __init__(self, draw: Callable[[int, int], LabelledImages]) -> None:
        super().__init__()
        self.draw = draw

    def check(self, model: nn.Module, data: Any, role: str) -> Batch:
        return (torch.arange(data),)

    def step(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        (numbers,) = batch
        fresh = self.draw(len(numbers), generator.initial_seed())
        return super().step(model, (fresh.images.to(numbers.device), fresh.labels.to(numbers.device)), generator)


def train_on_marks(
    pixels: str, model: str, seed: int, steps: int, quiet: bool = False
) -> tuple[nn.Module, dict[str, float]]:
    """→ the trained model, its accuracy in [0, 1] on 5,000 other images, and the seconds.

    Raises ValueError for pixels that are neither ``"in place"`` nor ``"shuffled"``, and for an unknown model.
    """
    arranged = arrangement(pixels, seed)
    network = build(look_up(PAIR, model, "model of the pair"), seed)
    task = FreshImages(lambda count, number: arranged(marks_anywhere(count, number)))
    recipe = Recipe(epochs=1, batch_size=BATCH, learning_rate=LEARNING_RATES[model], seed=seed)
    seconds = fit(network, steps * BATCH, None, recipe, task=task, quiet=quiet).seconds
    accuracy = evaluate(network, arranged(marks_anywhere(5_000, TEST))).accuracy
    return network.eval(), {"accuracy": round(accuracy, 4), "training_seconds": round(seconds, 1)}


def run(pixels: str, model: str, seed: int, steps: int) -> dict[str, float]:
    """One point of the sweep, without its model."""
    return train_on_marks(pixels, model, seed, steps, quiet=True)[1]


LENGTHS = (300, 600, 1200, 2400)  # steps
SEEDS = range(10, 20)

SWEEP = Sweep(
    points=[
        {"pixels": pixels, "seed": seed, "model": model, "steps": steps}
        for seed in SEEDS
        for pixels in ("in place", "shuffled")
        for model in PAIR
        for steps in LENGTHS
    ],
    run=run,
    data="marks",
)
