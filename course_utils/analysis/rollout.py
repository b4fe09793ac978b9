"""What many layers of attention amount to: rollout, and how far a head looks. Notebook 04."""

import torch
from torch import Tensor


def attention_rollout(attention_maps: list[Tensor]) -> list[Tensor]:
    """A list with the attention weights of each layer, first layer first, (batch, heads, tokens, tokens) each
    → a list of as many maps, (batch, tokens, tokens) each.

    In a layer's weights row q says where token q looks. In map i, row q says what token q is made of after the layers
    up to number i, counted from 0: the share of every input token. So its rows sum to one. Heads are averaged, and
    the residual connection counts as half (½A + ½I). Abnar & Zuidema 2020, section 3.
    """
    identity = torch.eye(attention_maps[0].shape[-1]).to(attention_maps[0])
    rollout, cumulative = identity, []
    for weights in attention_maps:
        rollout = (weights.mean(dim=1) + identity) / 2 @ rollout
        cumulative.append(rollout)
    return cumulative
