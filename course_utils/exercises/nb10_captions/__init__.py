"""Notebook 10: pictures and captions, from the joint space to an attack on it."""

from course_utils.exercises.nb10_captions.attack import PGD_STEP
from course_utils.exercises.nb10_captions.contrast import CONTRASTIVE_LOSS, RETRIEVAL_RANKS, SIMILARITIES

EXERCISES = (SIMILARITIES, CONTRASTIVE_LOSS, RETRIEVAL_RANKS, PGD_STEP)
