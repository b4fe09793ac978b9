"""Notebook 03: a transformer on pixels, from colours to samples."""

from course_utils.exercises.nb03_pixels.cache import CACHED_STEP
from course_utils.exercises.nb03_pixels.losses import BITS_PER_PIXEL, MASKED_LOSS
from course_utils.exercises.nb03_pixels.words import NEXT_PIXEL_PAIRS, QUANTISE

__all__ = ["EXERCISES"]

EXERCISES = (QUANTISE, NEXT_PIXEL_PAIRS, BITS_PER_PIXEL, MASKED_LOSS, CACHED_STEP)
