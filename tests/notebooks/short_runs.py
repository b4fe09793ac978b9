"""Trainings and scores cut short in a notebook's kernel: every cell runs as it stands, but no cell takes minutes.

What the notebooks reach when they train in full is measured by ``course bench notebooks``, and read by people.
"""

import warnings
from pathlib import Path
from typing import Any

import torch
from sklearn.linear_model import LogisticRegression

from course_utils.few_shot import stored
from course_utils.training import keeper, score
from course_utils.training.batches import Batches
from course_utils.training.recipe import Recipe

EPOCHS, STEPS, PICTURES = 2, 2, 512
ENCODED = 16  # images

# What the kernel runs before the notebook's first cell; no name of it is left for the notebook.
STARTUP = """\
import sys
sys.path.append({folder!r})
import short_runs
short_runs.cut()
del sys, short_runs
"""


def cut_in(folder: Path) -> None:
    """Cut the trainings of the kernels that begin with ``calls.recording(folder)``."""
    startup = folder / "profile_default" / "startup" / "cut.py"
    startup.write_text(STARTUP.format(folder=str(Path(__file__).parent)))


def cut() -> None:
    """From here on, a training takes at most EPOCHS epochs of STEPS steps each, and a score at most PICTURES.

    Of many images, an encoder sees the first ENCODED only; the others get the same features.
    """
    checked, made, probed = Recipe.__post_init__, Batches.__init__, LogisticRegression.fit
    scored, all_encoded = score.measure, stored.encoded

    def short_recipe(recipe: Recipe) -> None:
        checked(recipe)
        object.__setattr__(recipe, "epochs", min(recipe.epochs, EPOCHS))

    def short_batches(batches: Batches, tensors: Any, recipe: Recipe, *rest: Any) -> None:
        made(batches, tuple(tensor[: STEPS * recipe.batch_size] for tensor in tensors), recipe, *rest)

    def short_probe(regression: LogisticRegression, *data: Any) -> LogisticRegression:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it has not converged
            return probed(regression.set_params(max_iter=STEPS), *data)

    def short_score(model: Any, task: Any, data: Any, *rest: Any) -> score.Score:
        return scored(model, task, tuple(tensor[:PICTURES] for tensor in data), *rest)

    def short_encoded(encode: Any, images: torch.Tensor, *rest: Any, **options: Any) -> torch.Tensor:
        return all_encoded(encode, images[:ENCODED], *rest, **options)[torch.arange(len(images)) % ENCODED]

    stored.encoded = short_encoded
    score.measure = keeper.measure = short_score
    Recipe.__post_init__, Batches.__init__ = short_recipe, short_batches  # type: ignore[method-assign]
    LogisticRegression.fit = short_probe
