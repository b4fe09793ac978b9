"""Notebook 04: the vision transformer, from patches to rollout, and what it costs."""

from course_utils.exercises.nb04_vit.memory import ATTENTION_BYTES, matrix_bytes
from course_utils.exercises.nb04_vit.parameter_slips import vit_parameters
from course_utils.exercises.nb04_vit.parameters import PARAMETERS
from course_utils.exercises.nb04_vit.patchify import PATCHIFY
from course_utils.exercises.nb04_vit.projection import PROJECTION_KERNEL
from course_utils.exercises.nb04_vit.rollout import ATTENTION_ROLLOUT
from course_utils.exercises.nb04_vit.tokens import SEQUENCE

__all__ = ["EXERCISES", "matrix_bytes", "vit_parameters"]

EXERCISES = (PATCHIFY, PROJECTION_KERNEL, SEQUENCE, ATTENTION_BYTES, PARAMETERS, ATTENTION_ROLLOUT)
