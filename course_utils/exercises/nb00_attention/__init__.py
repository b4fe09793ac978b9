"""Notebook 00: attention from the dot product to the encoder block."""

from course_utils.exercises.nb00_attention.attend import ATTEND
from course_utils.exercises.nb00_attention.blocks import CROSS_ATTENTION, ENCODER_BLOCK, cross_attention
from course_utils.exercises.nb00_attention.heads import CAUSAL_MASK, SPLIT_HEADS

__all__ = ["EXERCISES", "cross_attention"]

EXERCISES = (ATTEND, CAUSAL_MASK, SPLIT_HEADS, CROSS_ATTENTION, ENCODER_BLOCK)
