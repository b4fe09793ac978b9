"""The runs behind the shipped checkpoints: ``course train fashion-vit-small`` makes one again."""

from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

import torch

from course_utils.data import load
from course_utils.models import ViT, ViTConfig
from course_utils.paths import state_dir
from course_utils.training.augment import shift_and_flip
from course_utils.training.device import machine
from course_utils.training.history import History
from course_utils.training.loop import fit
from course_utils.training.named_captions import CAPTION_RUNS, run_captions
from course_utils.training.recipe import Recipe
from course_utils.training.score import evaluate
from course_utils.training.sweep import SWEEPS
from course_utils.training.weights import Card, save_checkpoint_card, save_weights


@dataclass(frozen=True)
class NamedRun:
    """A model, its data and its recipe."""

    config: ViTConfig
    recipe: Recipe
    dataset: str = "fashion_mnist"


NAMED = {
    "fashion-vit-small": NamedRun(
        ViTConfig(
            image_size=28,
            patch_size=4,
            channels=1,
            dim=96,
            layers=4,
            heads=4,
            mlp_dim=192,
            classes=10,
            mean=0.286,
            std=0.353,
        ),
        Recipe(epochs=30, batch_size=128, learning_rate=2e-3, augment=shift_and_flip),
    ),
}


def run_named(name: str, folder: Path | None = None, epochs: int | None = None) -> History:
    """Train a named run on its fit split, then look once at the test pictures; say both.

    Checkpoints, and at the end the weights and their card, go to folder (``.course/runs/NAME`` when left out); the
    same call again continues there. Raises ValueError for a name that is not in the table and DataNotFound without
    the dataset.
    """
    if name in CAPTION_RUNS:
        return run_captions(name, folder, epochs)
    if name not in NAMED:
        known = ", ".join([*NAMED, *CAPTION_RUNS, *SWEEPS])
        raise ValueError(f"There is no training run called {name!r}: choose one of {known}.")
    run = NAMED[name]
    recipe = run.recipe if epochs is None else replace(run.recipe, epochs=epochs)
    command = f"course train {name}" + ("" if epochs is None else f" --epochs {epochs}")
    folder = Path(folder or state_dir() / "runs" / (name if epochs is None else f"{name}-{epochs}-epochs"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        model = ViT(run.config)
    train, validation, test = (load(run.dataset, split) for split in ("fit", "validation", "test"))
    history = fit(model, train, validation, recipe, folder=folder)
    if history.interrupted:
        print(f"Run `{command}` again to go on from the last checkpoint in {folder}.")
        return history
    history.to_csv(folder / "history.csv")
    score = evaluate(model, test)
    weights = folder / f"{name}.safetensors"
    sha256 = save_weights(model, weights, {"command": command, "test_accuracy": f"{score.accuracy:.4f}"})
    save_checkpoint_card(
        Card(
            name=name,
            model=type(model).__name__,
            config=asdict(run.config),
            command=command,
            seed=recipe.seed,
            dataset=run.dataset,
            accuracy=score.accuracy,
            test_count=score.count,
            machine=machine(),
            date=date.today().isoformat(),
            sha256=sha256,
        ),
        folder,
    )
    print(f"Test: {score}. The weights are in {weights}, with their card beside them.")
    return history
