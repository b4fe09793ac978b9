"""Figures of the course: tensors as pictures, and block diagrams. All notebooks."""

from course_utils.plots.tensors import (
    COLOUR_MAP,
    show_attention_over,
    show_image,
    show_images,
    show_matrices,
    show_position_similarity,
)
from course_utils.plots.text import always_readable

__all__ = [
    "COLOUR_MAP",
    "show_attention_over",
    "show_image",
    "show_images",
    "show_matrices",
    "show_position_similarity",
]

always_readable()
