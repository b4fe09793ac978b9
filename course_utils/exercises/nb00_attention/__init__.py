"""Notebook 00: attention from the dot product to the encoder block."""

from course_utils.exercises.nb00_attention.attend import ATTEND
from course_utils.exercises.nb00_attention.blocks import ENCODER_BLOCK
from course_utils.exercises.nb00_attention.cross import CROSS_ATTENTION
from course_utils.exercises.nb00_attention.heads import SPLIT_HEADS
from course_utils.exercises.nb00_attention.mask import CAUSAL_MASK

EXERCISES = (ATTEND, CAUSAL_MASK, SPLIT_HEADS, ENCODER_BLOCK, CROSS_ATTENTION)
