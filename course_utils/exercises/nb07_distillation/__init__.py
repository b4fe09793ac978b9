"""Notebook 07: distillation."""

from course_utils.exercises.nb07_distillation.fuse import FUSE
from course_utils.exercises.nb07_distillation.hard import HARD_DISTILLATION
from course_utils.exercises.nb07_distillation.soft import SOFT_DISTILLATION
from course_utils.exercises.nb07_distillation.token import TOKEN_DISTILLATION

EXERCISES = (SOFT_DISTILLATION, HARD_DISTILLATION, TOKEN_DISTILLATION, FUSE)
