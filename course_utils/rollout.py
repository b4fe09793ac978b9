"""What many layers of attention amount to: rollout, and how far a head looks."""

import torch
from torch import Tensor


def attention_rollout(attention_maps: list[Tensor]) -> list[Tensor]:
    """Attention maps of each layer, (batch, heads, tokens, tokens), first layer first → (batch, tokens, tokens) each.

    Map i says how much of each input token has reached each token after layer i: heads are averaged, the residual
    connection counts as half (½A + ½I), layers are multiplied. Rows sum to one. Abnar & Zuidema 2020, section 3.
    """
    identity = torch.eye(attention_maps[0].shape[-1]).to(attention_maps[0])
    rollout, cumulative = identity, []
    for weights in attention_maps:
        rollout = (weights.mean(dim=1) + identity) / 2 @ rollout
        cumulative.append(rollout)
    return cumulative
