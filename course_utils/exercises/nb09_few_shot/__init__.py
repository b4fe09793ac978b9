"""Notebook 09: new classes from a few images, and few bits."""

from course_utils.exercises.nb09_few_shot.affine import AFFINE_PARAMETERS
from course_utils.exercises.nb09_few_shot.logits import PROTOTYPE_LOGITS
from course_utils.exercises.nb09_few_shot.lora import LORA_LINEAR
from course_utils.exercises.nb09_few_shot.prototypes import PROTOTYPES
from course_utils.exercises.nb09_few_shot.rounding import FAKE_QUANTISE

EXERCISES = (PROTOTYPES, PROTOTYPE_LOGITS, LORA_LINEAR, AFFINE_PARAMETERS, FAKE_QUANTISE)
