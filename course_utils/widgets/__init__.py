"""Widgets that need no kernel once shown: all data is sent to the page once. All notebooks."""

from course_utils.widgets.attention_explorer import AttentionExplorer
from course_utils.widgets.augmentation_explorer import AugmentationExplorer
from course_utils.widgets.augreg_grid import AugRegGrid
from course_utils.widgets.caption_explorer import CaptionExplorer
from course_utils.widgets.distillation_explorer import DistillationExplorer
from course_utils.widgets.local_attention_explorer import LocalAttentionExplorer
from course_utils.widgets.memory_explorer import MemoryExplorer
from course_utils.widgets.patch_explorer import PatchExplorer
from course_utils.widgets.predict import Predict
from course_utils.widgets.quantisation_explorer import QuantisationExplorer
from course_utils.widgets.quiz import Quiz
from course_utils.widgets.vit_explorer import ViTExplorer
from course_utils.widgets.window_explorer import WindowExplorer

__all__ = [
    "AttentionExplorer",
    "AugRegGrid",
    "AugmentationExplorer",
    "CaptionExplorer",
    "DistillationExplorer",
    "LocalAttentionExplorer",
    "MemoryExplorer",
    "PatchExplorer",
    "Predict",
    "QuantisationExplorer",
    "Quiz",
    "ViTExplorer",
    "WindowExplorer",
]
