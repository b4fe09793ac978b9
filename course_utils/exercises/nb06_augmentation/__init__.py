"""Notebook 06: stochastic depth, label smoothing, MixUp and RandAugment."""

from course_utils.exercises.nb06_augmentation.depth import LINEAR_RULE, STOCHASTIC_DEPTH
from course_utils.exercises.nb06_augmentation.pictures import APPLY_EACH
from course_utils.exercises.nb06_augmentation.targets import LABEL_SMOOTHING, MIXUP

EXERCISES = (STOCHASTIC_DEPTH, LINEAR_RULE, LABEL_SMOOTHING, MIXUP, APPLY_EACH)
