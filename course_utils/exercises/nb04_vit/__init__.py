"""Notebook 04: the vision transformer, from patches to rollout, and what it costs."""

from course_utils.exercises.nb04_vit.costs import ATTENTION_BYTES, PARAMETERS, matrix_bytes, vit_parameters
from course_utils.exercises.nb04_vit.patches import PATCHIFY, PROJECTION_KERNEL, SEQUENCE
from course_utils.exercises.nb04_vit.rollout import ATTENTION_ROLLOUT

__all__ = ["EXERCISES", "matrix_bytes", "vit_parameters"]

EXERCISES = (PATCHIFY, PROJECTION_KERNEL, SEQUENCE, ATTENTION_BYTES, PARAMETERS, ATTENTION_ROLLOUT)
