"""Notebook 08: windows, shifted windows and merged patches."""

from course_utils.exercises.nb08_swin.bias import RELATIVE_POSITION_INDEX
from course_utils.exercises.nb08_swin.merging import MERGE_PATCHES
from course_utils.exercises.nb08_swin.partition import PARTITION
from course_utils.exercises.nb08_swin.shift import SHIFT_MASK
from course_utils.exercises.nb08_swin.unpartition import UNPARTITION

EXERCISES = (PARTITION, UNPARTITION, SHIFT_MASK, RELATIVE_POSITION_INDEX, MERGE_PATCHES)
