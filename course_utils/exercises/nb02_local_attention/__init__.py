"""Notebook 02: local attention, from the neighbourhood to what a layer costs."""

from course_utils.exercises.nb02_local_attention.attend import LOCAL_ATTEND, RELATIVE_POSITIONS
from course_utils.exercises.nb02_local_attention.costs import PARAMETERS, local_parameters
from course_utils.exercises.nb02_local_attention.places import NEIGHBOURHOOD_MASK, NEIGHBOURHOODS

__all__ = ["EXERCISES", "local_parameters"]

EXERCISES = (NEIGHBOURHOODS, LOCAL_ATTEND, RELATIVE_POSITIONS, NEIGHBOURHOOD_MASK, PARAMETERS)
