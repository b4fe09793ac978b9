"""Learning from a few images: episodes, low-rank adapters, fine-tuning. Notebook 09."""

from course_utils.few_shot.episodes import EpisodeConfig, checked_prototypes, draw_episode, fit_head, prototype_head
from course_utils.few_shot.fine_tune import adapt, features_of
from course_utils.few_shot.lora import LoRA, add_lora, merge_lora

__all__ = [
    "EpisodeConfig",
    "LoRA",
    "adapt",
    "add_lora",
    "checked_prototypes",
    "draw_episode",
    "features_of",
    "fit_head",
    "merge_lora",
    "prototype_head",
]
