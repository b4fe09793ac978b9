"""Misconceptions about the contrastive loss."""

from course_utils.exercises.nb10_captions.loss_directions import DIRECTIONS
from course_utils.exercises.nb10_captions.loss_forms import FORMS
from course_utils.exercises.nb10_captions.loss_targets import TARGETS

SLIPS = (*DIRECTIONS, *TARGETS, *FORMS)
