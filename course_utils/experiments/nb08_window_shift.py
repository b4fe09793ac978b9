"""A task that needs information from two windows, for a small Swin with and without the shift: notebook 08.

``course train sweep-window-shift`` makes data/results/sweep-window-shift.csv.
"""

from dataclasses import replace

from course_utils.data import Shapes, same_different
from course_utils.experiments.sweep import Sweep
from course_utils.models import Swin, SwinConfig, build
from course_utils.models.refusals import look_up
from course_utils.training.loop import fit
from course_utils.training.recipe import Recipe
from course_utils.training.score import evaluate

# 8 × 8 tokens in four windows; the objects lie in different halves of the image, and so never in the same window.
CONFIG = SwinConfig(
    patch_size=4, dim=32, depths=(2,), heads=(4,), window=4, mlp_ratio=2, classes=2, mean=0.25, std=0.25
)
# Three ways to cut the tokens into windows.
WINDOWS = {
    "fixed": replace(CONFIG, shifted=False),
    "shifted": CONFIG,
    "one for all": replace(CONFIG, window=8),  # ordinary attention between all tokens
}


def two_colours(count: int, seed: int) -> Shapes:
    """Images 3 × 32 × 32 with one object in each half; label 1 when both are red or both are blue."""
    return same_different(
        count, size=32, distance=0.5, scale=2, seed=seed, shapes=("circle", "square"), colours=("red", "blue")
    )


def train_with(windows: str, seed: int, quiet: bool = False) -> tuple[Swin, dict[str, float]]:
    """→ the trained model, its accuracy in [0, 1] and cross-entropy (nats) on 2,000 new images, and the seconds.

    windows: ``"fixed"``, ``"shifted"`` in every second block, or ``"one for all"``. Raises UnknownName for any other
    value.
    """
    config = look_up(WINDOWS, windows, "kind of windows")
    train, test = two_colours(6000, 1000 + seed), two_colours(2000, 5)
    model = build(config, seed)
    recipe = Recipe(epochs=4, batch_size=64, learning_rate=0.006, seed=seed)
    seconds = fit(model, train, None, recipe, quiet=quiet).seconds
    score = evaluate(model, test)
    return model.eval(), {
        "accuracy": round(score.accuracy, 4),
        "loss": round(score.loss, 4),
        "training_seconds": round(seconds, 1),
    }


def run(windows: str, seed: int) -> dict[str, float]:
    """One point of the sweep, without its model."""
    return train_with(windows, seed, quiet=True)[1]


SWEEP = Sweep(
    points=[{"windows": windows, "seed": seed} for seed in range(3) for windows in WINDOWS], run=run, data="shapes"
)
