"""Notebook 03: a transformer on pixels, from the palette to the cache."""

from course_utils.exercises.nb03_pixels.bits import BITS_PER_PIXEL
from course_utils.exercises.nb03_pixels.cache import CACHED_STEP
from course_utils.exercises.nb03_pixels.masked import MASKED_LOSS
from course_utils.exercises.nb03_pixels.pairs import NEXT_PIXEL_PAIRS
from course_utils.exercises.nb03_pixels.quantise import QUANTISE

__all__ = ["EXERCISES"]

EXERCISES = (QUANTISE, NEXT_PIXEL_PAIRS, BITS_PER_PIXEL, MASKED_LOSS, CACHED_STEP)
