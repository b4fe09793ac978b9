"""Notebook 02: local attention, from the neighbourhood to what a layer costs."""

from course_utils.exercises.nb02_local_attention.attend import LOCAL_ATTEND
from course_utils.exercises.nb02_local_attention.mask import NEIGHBOURHOOD_MASK
from course_utils.exercises.nb02_local_attention.neighbourhoods import NEIGHBOURHOODS
from course_utils.exercises.nb02_local_attention.parameters import LOCAL_PARAMETERS
from course_utils.exercises.nb02_local_attention.positions import RELATIVE_POSITIONS

EXERCISES = (NEIGHBOURHOODS, LOCAL_ATTEND, RELATIVE_POSITIONS, NEIGHBOURHOOD_MASK, LOCAL_PARAMETERS)
