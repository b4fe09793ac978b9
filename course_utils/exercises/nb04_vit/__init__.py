"""Notebook 04: the vision transformer, from patches to rollout, and what it costs."""

from course_utils.exercises.nb04_vit.memory import ATTENTION_BYTES
from course_utils.exercises.nb04_vit.parameters import VIT_PARAMETERS
from course_utils.exercises.nb04_vit.patchify import PATCHIFY
from course_utils.exercises.nb04_vit.projection import PROJECTION_KERNEL
from course_utils.exercises.nb04_vit.rollout import ATTENTION_ROLLOUT
from course_utils.exercises.nb04_vit.tokens import SEQUENCE

EXERCISES = (PATCHIFY, PROJECTION_KERNEL, SEQUENCE, ATTENTION_BYTES, VIT_PARAMETERS, ATTENTION_ROLLOUT)
