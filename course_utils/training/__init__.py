"""Training: one readable loop and its parts. Start with :func:`fit` in ``loop.py``. All notebooks that train."""

from course_utils.training.history import Epoch, History, last_history
from course_utils.training.inputs import Examples
from course_utils.training.keeper import NotFinite
from course_utils.training.loop import fit
from course_utils.training.recipe import Recipe
from course_utils.training.score import Score, evaluate
from course_utils.training.weights import (
    Card,
    load_checkpoint,
    load_weights,
    save_checkpoint_card,
    save_weights,
    verify,
)

__all__ = [
    "Card",
    "Epoch",
    "Examples",
    "History",
    "NotFinite",
    "Recipe",
    "Score",
    "evaluate",
    "fit",
    "last_history",
    "load_checkpoint",
    "load_weights",
    "save_checkpoint_card",
    "save_weights",
    "verify",
]
