"""Misconceptions about the rank of the right caption."""

from course_utils.exercises.nb10_captions.rank_counts import COUNTS
from course_utils.exercises.nb10_captions.rank_places import PLACES

SLIPS = (*PLACES, *COUNTS)
