"""Notebook 06: stochastic depth, label smoothing, MixUp and RandAugment."""

from course_utils.exercises.nb06_augmentation.depth import STOCHASTIC_DEPTH
from course_utils.exercises.nb06_augmentation.labels import SMOOTH_LABELS
from course_utils.exercises.nb06_augmentation.mixup import MIXUP
from course_utils.exercises.nb06_augmentation.pictures import APPLY_EACH
from course_utils.exercises.nb06_augmentation.rule import LINEAR_RULE

EXERCISES = (STOCHASTIC_DEPTH, LINEAR_RULE, SMOOTH_LABELS, MIXUP, APPLY_EACH)
