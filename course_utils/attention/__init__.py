"""Every kind of attention in the course. Notebooks 00 to 04 and 08; start with :func:`attend` in ``core.py``."""

from course_utils.attention.blocks import MLP, DecoderBlock, EncoderBlock, encoder_block
from course_utils.attention.core import (
    Layer,
    MultiHeadCrossAttention,
    MultiHeadSelfAttention,
    attend,
    causal_mask,
    cross_attention,
    merge_heads,
    split_heads,
    written_out_is_faster,
)
from course_utils.attention.local_layers import LocalAttention2d, LocalRelation2d
from course_utils.attention.maps import (
    SIMILARITIES,
    SelfAttention2d,
    attend_2d,
    attend_by_dot_product,
    flatten_positions,
    gated_residual,
    unflatten_positions,
)
from course_utils.attention.recording import RecordedAttention, attention_recorded, silenced
from course_utils.attention.stochastic_depth import StochasticDepth
from course_utils.attention.window import WindowAttention

__all__ = [
    "MLP",
    "SIMILARITIES",
    "DecoderBlock",
    "EncoderBlock",
    "Layer",
    "LocalAttention2d",
    "LocalRelation2d",
    "MultiHeadCrossAttention",
    "MultiHeadSelfAttention",
    "RecordedAttention",
    "SelfAttention2d",
    "StochasticDepth",
    "WindowAttention",
    "attend",
    "attend_2d",
    "attend_by_dot_product",
    "attention_recorded",
    "causal_mask",
    "cross_attention",
    "encoder_block",
    "flatten_positions",
    "gated_residual",
    "merge_heads",
    "silenced",
    "split_heads",
    "unflatten_positions",
    "written_out_is_faster",
]
