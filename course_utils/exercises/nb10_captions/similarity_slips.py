"""Cosines that are none, and temperatures in the wrong place."""

from course_utils.exercises.nb10_captions.similarity_forms import FORMS
from course_utils.exercises.nb10_captions.similarity_lengths import LENGTHS

SLIPS = (*LENGTHS, *FORMS)
