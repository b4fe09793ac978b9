"""Attention over several layers combined: rollout. Notebook 04."""

import torch
from torch import Tensor


def attention_rollout(attention_maps: list[Tensor]) -> list[Tensor]:
    """A list of each layer's attention weights (batch, heads, tokens, tokens), first layer first → a list with one
    map (batch, tokens, tokens) per layer.

    In a layer's weights, row q says what token q attends to. In map i, row q has the share of every input token in
    token q after layer i, counting from 0, so each row sums to one. Heads are averaged, and the residual connection
    counts as half (½A + ½I). Abnar & Zuidema 2020, section 3.
    """
    identity = torch.eye(attention_maps[0].shape[-1]).to(attention_maps[0])
    rollout, cumulative = identity, []
    for weights in attention_maps:
        rollout = (weights.mean(dim=1) + identity) / 2 @ rollout
        cumulative.append(rollout)
    return cumulative
