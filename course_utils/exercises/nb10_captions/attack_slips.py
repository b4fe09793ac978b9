"""Misconceptions about a PGD step: wrong steps and wrong projections."""

from course_utils.exercises.nb10_captions.attack_balls import BALLS
from course_utils.exercises.nb10_captions.attack_ranges import RANGES
from course_utils.exercises.nb10_captions.attack_steps import STEPS

SLIPS = (*STEPS, *BALLS, *RANGES)
