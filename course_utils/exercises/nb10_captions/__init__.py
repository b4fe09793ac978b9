"""Notebook 10: images and captions, from the joint space to an attack on it."""

from course_utils.exercises.nb10_captions.attack import PGD_STEP
from course_utils.exercises.nb10_captions.loss import CONTRASTIVE_LOSS
from course_utils.exercises.nb10_captions.ranks import RETRIEVAL_RANKS
from course_utils.exercises.nb10_captions.similarities import SIMILARITIES

EXERCISES = (SIMILARITIES, CONTRASTIVE_LOSS, RETRIEVAL_RANKS, PGD_STEP)
