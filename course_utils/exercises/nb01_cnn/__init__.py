"""Notebook 01: self-attention over the positions of a map, and how to add it to a CNN."""

from course_utils.exercises.nb01_cnn.dot_product import DOT_PRODUCT
from course_utils.exercises.nb01_cnn.field import RECEPTIVE_FIELD
from course_utils.exercises.nb01_cnn.gate import GATED_RESIDUAL
from course_utils.exercises.nb01_cnn.places import FLATTEN_POSITIONS
from course_utils.exercises.nb01_cnn.whole_map import ATTEND_2D

EXERCISES = (RECEPTIVE_FIELD, FLATTEN_POSITIONS, ATTEND_2D, DOT_PRODUCT, GATED_RESIDUAL)
