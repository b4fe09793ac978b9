"""Misconceptions about cosine similarities and the temperature."""

from course_utils.exercises.nb10_captions.similarity_forms import FORMS
from course_utils.exercises.nb10_captions.similarity_lengths import LENGTHS

SLIPS = (*LENGTHS, *FORMS)
