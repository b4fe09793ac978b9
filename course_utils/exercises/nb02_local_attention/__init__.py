"""Notebook 02: local attention, from the neighbourhood to what a layer costs."""

from course_utils.exercises.nb02_local_attention.attend import LOCAL_ATTEND
from course_utils.exercises.nb02_local_attention.costs import PARAMETERS, local_parameters
from course_utils.exercises.nb02_local_attention.mask import NEIGHBOURHOOD_MASK
from course_utils.exercises.nb02_local_attention.neighbourhoods import NEIGHBOURHOODS
from course_utils.exercises.nb02_local_attention.positions import RELATIVE_POSITIONS

__all__ = ["EXERCISES", "local_parameters"]

EXERCISES = (NEIGHBOURHOODS, LOCAL_ATTEND, RELATIVE_POSITIONS, NEIGHBOURHOOD_MASK, PARAMETERS)
