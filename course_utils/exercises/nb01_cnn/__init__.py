"""Notebook 01: self-attention over the places of a map, and how it joins a CNN."""

from course_utils.exercises.nb01_cnn.attention import ATTEND_2D, DOT_PRODUCT, FLATTEN_POSITIONS, attend_2d
from course_utils.exercises.nb01_cnn.network import GATED_RESIDUAL, RECEPTIVE_FIELD

__all__ = ["EXERCISES", "attend_2d"]

EXERCISES = (RECEPTIVE_FIELD, FLATTEN_POSITIONS, ATTEND_2D, DOT_PRODUCT, GATED_RESIDUAL)
