"""Notebook 05: probes of inductive bias, and what a machine achieves."""

from course_utils.exercises.nb05_inductive_bias.distance import ATTENTION_DISTANCE
from course_utils.exercises.nb05_inductive_bias.shift import SHIFT_IMAGES
from course_utils.exercises.nb05_inductive_bias.shuffle import SHUFFLE_PATCHES
from course_utils.exercises.nb05_inductive_bias.speed import ACHIEVED_FLOPS

EXERCISES = (SHIFT_IMAGES, SHUFFLE_PATCHES, ATTENTION_DISTANCE, ACHIEVED_FLOPS)
