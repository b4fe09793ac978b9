"""Notebook 09: new classes from a few pictures, and few bits."""

from course_utils.exercises.nb09_few_shot.bits import AFFINE_PARAMETERS, FAKE_QUANTISE
from course_utils.exercises.nb09_few_shot.lora import LORA_LINEAR
from course_utils.exercises.nb09_few_shot.prototypes import PROTOTYPE_LOGITS, PROTOTYPES

EXERCISES = (PROTOTYPES, PROTOTYPE_LOGITS, LORA_LINEAR, AFFINE_PARAMETERS, FAKE_QUANTISE)
