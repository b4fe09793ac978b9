"""Answers to notebook 02's exercises as students write them: right, wrong, and right only on ordinary inputs."""

import functools
import math

import numpy as np
import torch
from einops import einsum, rearrange, repeat
from torch import nn
from torch.nn import functional as F

# 02.neighbourhoods


def _near_view(maps, size, stride=1):
    batch, channels = maps.shape[:2]
    columns = F.unfold(maps, kernel_size=size, stride=stride, padding=(size - 1) // 2)
    return columns.view(batch, channels, size * size, -1).transpose(2, 3)


def _near_windows(maps, size, stride=1):
    margin = size // 2
    padded = F.pad(maps, (margin, margin, margin, margin))
    windows = padded.unfold(2, size, stride).unfold(3, size, stride)
    return rearrange(windows, "b c y x i j -> b c (y x) (i j)")


def _near_offsets(maps, size, stride=1):
    height, width = maps.shape[-2:]
    padded = F.pad(maps, [size // 2] * 4)
    shifted = []
    for i in range(size):
        for j in range(size):
            shifted.append(padded[:, :, i : i + height : stride, j : j + width : stride].flatten(2))
    return torch.stack(shifted, dim=-1)


def _near_gather(maps, size, stride=1):
    height, width = maps.shape[-2:]
    reach = torch.arange(size)
    rows = torch.arange(0, height, stride)[:, None, None, None] + reach[:, None]
    columns = torch.arange(0, width, stride)[:, None, None] + reach
    near = F.pad(maps, (size // 2,) * 4)[:, :, rows, columns]
    return near.flatten(4).flatten(2, 3)


def _near_convolution(maps, size, stride=1):
    one_hot = torch.eye(size**2, dtype=maps.dtype).view(size**2, 1, size, size)
    channels = maps.shape[1]
    near = F.conv2d(maps, one_hot.repeat(channels, 1, 1, 1), stride=stride, padding=size // 2, groups=channels)
    return near.unflatten(1, (channels, -1)).flatten(3).mT


def _near_positions(maps, size, stride=1):
    padded = F.pad(maps, (size // 2, size // 2, size // 2, size // 2))
    return torch.stack(
        [
            padded[:, :, y : y + size, x : x + size].flatten(2)
            for y in range(0, maps.shape[2], stride)
            for x in range(0, maps.shape[3], stride)
        ],
        dim=2,
    )


def _near_unpadded(maps, size, stride=1):
    columns = F.unfold(maps, size, stride=stride)
    return rearrange(columns, "b (c n) p -> b c p n", n=size**2)


def _near_split_wrong(maps, size, stride=1):
    columns = F.unfold(maps, size, padding=size // 2, stride=stride)
    return rearrange(columns, "b (n c) p -> b c p n", n=size**2)


def _near_split_wrong_view(maps, size, stride=1):
    batch, channels = maps.shape[:2]
    columns = F.unfold(maps, size, padding=size // 2, stride=stride)
    return columns.view(batch, size**2, channels, -1).permute(0, 2, 3, 1)


def _near_reshaped(maps, size, stride=1):
    batch, channels = maps.shape[:2]
    columns = F.unfold(maps, size, padding=size // 2, stride=stride)
    return columns.reshape(batch, channels, -1, size**2)


def _near_before_positions(maps, size, stride=1):
    columns = F.unfold(maps, size, padding=size // 2, stride=stride)
    return columns.unflatten(1, (maps.shape[1], size**2))


def _near_channels_last(maps, size, stride=1):
    columns = F.unfold(maps, size, padding=size // 2, stride=stride)
    return rearrange(columns, "b (c n) p -> b p n c", n=size**2)


def _near_unfold_only(maps, size, stride=1):
    return F.unfold(maps, size, padding=size // 2, stride=stride)


def _near_no_stride(maps, size, stride=1):
    columns = F.unfold(maps, size, padding=size // 2)
    return rearrange(columns, "b (c n) p -> b c p n", n=size**2)


def _near_dilated(maps, size, stride=1):
    columns = F.unfold(maps, size, dilation=stride, padding=stride * (size // 2))
    return rearrange(columns, "b (c n) p -> b c p n", n=size**2)


def _near_padded_by_size(maps, size, stride=1):
    columns = F.unfold(maps, size, padding=size, stride=stride)
    return rearrange(columns, "b (c n) p -> b c p n", n=size**2)


def _near_padded_by_one(maps, size, stride=1):
    columns = F.unfold(maps, size, padding=1, stride=stride)
    return rearrange(columns, "b (c n) p -> b c p n", n=size**2)


def _near_nine(maps, size, stride=1):
    columns = F.unfold(maps, size, padding=size // 2, stride=stride)
    return rearrange(columns, "b (c n) p -> b c p n", n=9)


def _near_replicated(maps, size, stride=1):
    padded = F.pad(maps, (size // 2,) * 4, mode="replicate")
    return rearrange(F.unfold(padded, size, stride=stride), "b (c n) p -> b c p n", n=size**2)


def _near_reflected(maps, size, stride=1):
    padded = F.pad(maps, (size // 2,) * 4, mode="reflect")
    return rearrange(F.unfold(padded, size, stride=stride), "b (c n) p -> b c p n", n=size**2)


def _near_rolled(maps, size, stride=1):
    reach = range(-(size // 2), size // 2 + 1)
    shifted = [maps.roll((-i, -j), dims=(2, 3))[..., ::stride, ::stride].flatten(2) for i in reach for j in reach]
    return torch.stack(shifted, dim=-1)


def _near_neighbour_columns(maps, size, stride=1):
    columns = F.unfold(maps, size, padding=size // 2, stride=stride)
    return rearrange(columns, "b (c i j) p -> b c p (j i)", i=size, j=size)


def _near_position_columns(maps, size, stride=1):
    windows = F.pad(maps, (size // 2,) * 4).unfold(2, size, stride).unfold(3, size, stride)
    return rearrange(windows, "b c y x i j -> b c (x y) (i j)")


def _near_flipped(maps, size, stride=1):
    columns = F.unfold(maps, size, padding=size // 2, stride=stride)
    return rearrange(columns, "b (c n) p -> b c p n", n=size**2).flip(-1)


def _near_without_centre(maps, size, stride=1):
    columns = F.unfold(maps, size, padding=size // 2, stride=stride)
    near = rearrange(columns, "b (c n) p -> b c p n", n=size**2)
    return torch.cat([near[..., : size**2 // 2], near[..., size**2 // 2 + 1 :]], dim=-1)


def _near_stride_on_positions(maps, size, stride=1):
    columns = F.unfold(maps, size, padding=size // 2)
    return rearrange(columns, "b (c n) p -> b c p n", n=size**2)[:, :, ::stride]


def _near_stride_on_rows(maps, size, stride=1):
    columns = F.unfold(maps, size, padding=size // 2, stride=(stride, 1))
    return rearrange(columns, "b (c n) p -> b c p n", n=size**2)


def _near_stride_starts_late(maps, size, stride=1):
    shifted = F.pad(maps, (size // 2,) * 4)[:, :, stride - 1 :, stride - 1 :]
    return rearrange(F.unfold(shifted, size, stride=stride), "b (c n) p -> b c p n", n=size**2)


def _near_thinned_first(maps, size, stride=1):
    columns = F.unfold(maps[:, :, ::stride, ::stride], size, padding=size // 2)
    return rearrange(columns, "b (c n) p -> b c p n", n=size**2)


def _near_blocks_by_default(maps, size, stride=None):
    columns = F.unfold(maps, size, padding=size // 2, stride=stride or size)
    return rearrange(columns, "b (c n) p -> b c p n", n=size**2)


def _near_every_other_by_default(maps, size, stride=2):
    columns = F.unfold(maps, size, padding=size // 2, stride=stride)
    return rearrange(columns, "b (c n) p -> b c p n", n=size**2)


def _near_stride_required(maps, size, stride):
    columns = F.unfold(maps, size, padding=size // 2, stride=stride)
    return rearrange(columns, "b (c n) p -> b c p n", n=size**2)


def _near_four_axes(maps, size, stride=1):
    columns = F.unfold(maps, size, padding=size // 2, stride=stride)
    return rearrange(columns, "b (c i j) p -> b c p i j", i=size, j=size)


def _near_detached(maps, size, stride=1):
    columns = F.unfold(maps.detach(), size, padding=size // 2, stride=stride)
    return rearrange(columns, "b (c n) p -> b c p n", n=size**2)


def _near_one_side(maps, size, stride=1):
    padded = F.pad(maps, (size - 1, 0, size - 1, 0))
    return rearrange(F.unfold(padded, size, stride=stride), "b (c n) p -> b c p n", n=size**2)


def _near_ones_outside(maps, size, stride=1):
    padded = F.pad(maps, (size // 2,) * 4, value=1.0)
    return rearrange(F.unfold(padded, size, stride=stride), "b (c n) p -> b c p n", n=size**2)


def _near_nothing_outside(maps, size, stride=1):
    padded = F.pad(maps, (size // 2,) * 4, value=-math.inf)
    return rearrange(F.unfold(padded, size, stride=stride), "b (c n) p -> b c p n", n=size**2)


def _near_square_maps(maps, size, stride=1):
    side = maps.shape[2]
    padded = F.pad(maps, (size // 2,) * 4)
    rows = [
        padded[:, :, y : y + size, x : x + size].flatten(2)
        for y in range(0, side, stride)
        for x in range(0, side, stride)
    ]
    return torch.stack(rows, dim=2)


def _near_last_row_lost(maps, size, stride=1):
    rows, columns = maps.shape[2] // stride, maps.shape[3] // stride
    windows = F.pad(maps, (size // 2,) * 4).unfold(2, size, stride).unfold(3, size, stride)
    return rearrange(windows[:, :, :rows, :columns], "b c y x i j -> b c (y x) (i j)")


# 02.local_attend, right


def _local_matmul(query, key, value, inside, prior=0.0):
    scores = (key @ query.unsqueeze(-1)).squeeze(-1) / math.sqrt(query.size(-1))
    scores = (scores + prior).masked_fill(inside.logical_not(), float("-inf"))
    weights = F.softmax(scores, dim=-1)
    return (weights.unsqueeze(-2) @ value).squeeze(-2), weights


def _local_sums(query, key, value, inside, prior=0.0):
    scores = (query[..., None, :] * key).sum(-1) * query.shape[-1] ** -0.5
    weights = torch.where(inside, scores + prior, -1e9).softmax(-1)
    return (weights[..., None] * value).sum(-2), weights


def _local_log_of_inside(query, key, value, inside, prior=0.0):
    scores = torch.einsum("...pd,...pnd->...pn", query / math.sqrt(query.shape[-1]), key) + prior
    weights = torch.softmax(scores + inside.float().log(), dim=-1)
    return torch.einsum("...pn,...pnd->...pd", weights, value), weights


def _local_assigned(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    scores[..., ~inside] = -math.inf
    weights = scores.softmax(dim=-1)
    return [einsum(weights, value, "... p n, ... p n v -> ... p v"), weights]


def _local_loop(query, key, value, inside, prior=0.0):
    prior = torch.as_tensor(prior).expand(key.shape[:-1])
    outputs, weights = [], []
    for p in range(query.shape[-2]):
        scores = torch.matmul(key[..., p, :, :], query[..., p, :, None])[..., 0] / math.sqrt(query.shape[-1])
        share = (scores + prior[..., p, :]).masked_fill(~inside[p], -math.inf).softmax(-1)
        outputs.append((share[..., None, :] @ value[..., p, :, :])[..., 0, :])
        weights.append(share)
    return torch.stack(outputs, -2), torch.stack(weights, -2)


def _local_fused(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1])
    hidden = torch.zeros(inside.shape, dtype=query.dtype).masked_fill(~inside, -math.inf)
    bias = hidden + prior
    weights = (scores + bias).softmax(-1)
    bias = bias.expand_as(scores)[..., None, :]
    return F.scaled_dot_product_attention(query[..., None, :], key, value, attn_mask=bias)[..., 0, :], weights


class _LocalModule(nn.Module):
    def forward(self, query, key, value, inside, prior=0.0):
        scores = (query.unsqueeze(-2) @ key.mT).squeeze(-2).div(query.shape[-1] ** 0.5).add(prior)
        shares = (scores - scores.masked_fill(~inside, -math.inf).amax(-1, keepdim=True)).clamp(max=0).exp() * inside
        weights = shares / shares.sum(-1, keepdim=True)
        return torch.einsum("...pn,...pnv->...pv", weights, value), weights


# 02.local_attend, wrong


def _local_prior_ignored(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1])
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_prior_scaled(query, key, value, inside, prior=0.0):
    scores = (einsum(query, key, "... p d, ... p n d -> ... p n") + prior) / math.sqrt(query.shape[-1])
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_prior_after_softmax(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1])
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1) + prior
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_prior_multiplied(query, key, value, inside, prior=1.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) * prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_prior_subtracted(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) - prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_if_prior(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1])
    if prior:
        scores = scores + prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_prior_in_place(query, key, value, inside, prior=0.0):
    prior += einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1])
    weights = prior.masked_fill(~inside, -math.inf).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_prior_viewed(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1])
    scores = scores + prior.expand(scores.shape)
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_prior_required(query, key, value, inside, prior):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_prior_for_all(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1])
    scores = scores + torch.as_tensor(prior).mean()
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_no_border(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    weights = scores.softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_inside_turned(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    weights = scores.masked_fill(inside, -math.inf).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_inside_turned_1e9(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    weights = scores.masked_fill(inside, -1e9).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_inside_turned_where(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    weights = torch.where(inside, -1e30, scores).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_inside_turned_added(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    weights = (scores - 1e9 * inside.float()).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_inside_added(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior + inside
    weights = scores.softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_inside_after_softmax(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    weights = scores.softmax(-1) * inside
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_inside_times_scores(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    weights = (scores * inside).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_outside_zero(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    weights = scores.masked_fill(~inside, 0).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_values_hidden_only(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    weights = scores.softmax(-1)
    return einsum(weights, value * inside[..., None], "... p n, ... p n d -> ... p d"), weights


def _local_unscaled(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") + prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_over_dim(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / query.shape[-1] + prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_root_of_neighbours(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(key.shape[-2]) + prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_root_of_value_dim(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(value.shape[-1]) + prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_root_of_eight(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(8) + prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_over_positions(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(-2)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_softmax_dim_two(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(dim=2)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_output_only(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d")


def _local_parts_swapped(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return weights, einsum(weights, value, "... p n, ... p n d -> ... p d")


def _local_scores_returned(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    scores = scores.masked_fill(~inside, -math.inf)
    return einsum(scores.softmax(-1), value, "... p n, ... p n d -> ... p d"), scores


def _local_mixes_keys(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return einsum(weights, key, "... p n, ... p n d -> ... p d"), weights


def _local_asks_values(query, key, value, inside, prior=0.0):
    scores = einsum(query, value, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_axis_kept(query, key, value, inside, prior=0.0):
    scores = (query[..., None, :] @ key.mT)[..., 0, :] / math.sqrt(query.shape[-1]) + prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return weights[..., None, :] @ value, weights


def _local_plain_matmul(query, key, value, inside, prior=0.0):
    scores = query @ key.mT / math.sqrt(query.shape[-1]) + prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return weights @ value, weights


def _local_one_batch_axis(query, key, value, inside, prior=0.0):
    scores = torch.einsum("bpd,bpnd->bpn", query, key) / math.sqrt(query.shape[-1]) + prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return torch.einsum("bpn,bpnd->bpd", weights, value), weights


def _local_detached(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1).detach()
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_softmax_twice(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1])
    weights = (scores.softmax(-1) + prior).masked_fill(~inside, -math.inf).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_mean_of_values(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return (weights[..., None] * value).mean(-2), weights


def _local_query_in_place(query, key, value, inside, prior=0.0):
    query /= math.sqrt(query.shape[-1])
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") + prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


# 02.local_attend, right on ordinary inputs only


def _local_views(query, key, value, inside, prior=0.0):
    neighbours, dim = key.shape[-2:]
    scores = torch.bmm(key.view(-1, neighbours, dim), query.reshape(-1, dim, 1)).view(key.shape[:-1])
    scores = scores / math.sqrt(dim) + prior
    weights = scores.masked_fill(~inside, -math.inf).softmax(-1)
    mixed = torch.bmm(weights.view(-1, 1, neighbours), value.view(-1, neighbours, value.shape[-1]))
    return mixed.view(*query.shape[:-1], -1), weights


def _local_exp(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    shares = scores.exp() * inside
    weights = shares / shares.sum(-1, keepdim=True)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_renormalised(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    weights = scores.softmax(-1) * inside
    weights = weights / weights.sum(-1, keepdim=True)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


def _local_minus_hundred(query, key, value, inside, prior=0.0):
    scores = einsum(query, key, "... p d, ... p n d -> ... p n") / math.sqrt(query.shape[-1]) + prior
    weights = scores.masked_fill(~inside, -100).softmax(-1)
    return einsum(weights, value, "... p n, ... p n d -> ... p d"), weights


# 02.relative_positions


def _positions_expand(rows, columns):
    size, dim = rows.shape
    by_row = rows[:, None, :].expand(size, size, dim)
    by_column = columns[None, :, :].expand(size, size, dim)
    return torch.cat((by_row, by_column), dim=2).reshape(size * size, 2 * dim)


def _positions_loops(rows, columns):
    vectors = []
    for row in rows:
        for column in columns:
            vectors.append(torch.cat([row, column]))
    return torch.stack(vectors)


def _positions_divmod(rows, columns):
    number = torch.arange(len(rows) ** 2)
    return torch.hstack([rows[number // len(rows)], columns[number % len(rows)]])


def _positions_preallocated(rows, columns):
    size, dim = rows.shape
    table = rows.new_empty(size, size, 2 * dim)
    table[..., :dim] = rows.unsqueeze(1)
    table[..., dim:] = columns.unsqueeze(0)
    return table.flatten(0, 1)


def _positions_meshgrid(rows, columns):
    i, j = torch.meshgrid(torch.arange(len(rows)), torch.arange(len(columns)), indexing="ij")
    return torch.cat([rows[i.flatten()], columns[j.flatten()]], dim=-1)


def _positions_columns_first(rows, columns):
    size = len(rows)
    return torch.cat([columns.repeat(size, 1), rows.repeat_interleave(size, 0)], dim=-1)


def _positions_column_order(rows, columns):
    size = len(rows)
    return torch.cat([rows.repeat(size, 1), columns.repeat_interleave(size, 0)], dim=-1)


def _positions_column_order_loops(rows, columns):
    return torch.stack([torch.cat([row, column]) for column in columns for row in rows])


def _positions_meshgrid_xy(rows, columns):
    i, j = torch.meshgrid(torch.arange(len(rows)), torch.arange(len(columns)), indexing="xy")
    return torch.cat([rows[i.flatten()], columns[j.flatten()]], dim=-1)


def _positions_added(rows, columns):
    return (rows[:, None] + columns[None]).flatten(0, 1)


def _positions_multiplied(rows, columns):
    return (rows[:, None] * columns[None]).flatten(0, 1)


def _positions_both_interleaved(rows, columns):
    size = len(rows)
    return torch.cat([rows.repeat_interleave(size, 0), columns.repeat_interleave(size, 0)], dim=-1)


def _positions_both_repeated(rows, columns):
    size = len(rows)
    return torch.cat([rows.repeat(size, 1), columns.repeat(size, 1)], dim=-1)


def _positions_not_flat(rows, columns):
    size = len(rows)
    return torch.cat([repeat(rows, "i d -> i j d", j=size), repeat(columns, "j d -> i j d", i=size)], dim=-1)


def _positions_stacked_features(rows, columns):
    size = len(rows)
    by_row, by_column = rows.repeat_interleave(size, 0), columns.repeat(size, 1)
    return torch.stack([by_row, by_column], dim=-1).flatten(1)


def _positions_stacked(rows, columns):
    size = len(rows)
    return torch.stack([rows.repeat_interleave(size, 0), columns.repeat(size, 1)], dim=1)


def _positions_beneath(rows, columns):
    size = len(rows)
    return torch.cat([rows.repeat_interleave(size, 0), columns.repeat(size, 1)], dim=0)


def _positions_transposed(rows, columns):
    size = len(rows)
    return torch.cat([rows.repeat_interleave(size, 0), columns.repeat(size, 1)], dim=-1).T


def _positions_five(rows, columns):
    return torch.cat([repeat(rows, "i d -> (i j) d", j=5), repeat(columns, "j d -> (i j) d", i=5)], dim=-1)


def _positions_by_dim(rows, columns):
    count = rows.shape[1]
    return torch.cat([rows.repeat_interleave(count, 0), columns.repeat(count, 1)], dim=-1)


def _positions_rows_twice(rows, columns):
    size = len(rows)
    return torch.cat([rows.repeat_interleave(size, 0), rows.repeat(size, 1)], dim=-1)


def _positions_list(rows, columns):
    return [torch.cat([row, column]) for row in rows for column in columns]


def _positions_as_data(rows, columns):
    return torch.tensor([row + column for row in rows.tolist() for column in columns.tolist()])


def _positions_data(rows, columns):
    size = len(rows)
    return torch.cat([rows.data.repeat_interleave(size, 0), columns.data.repeat(size, 1)], dim=-1)


def _positions_view(rows, columns):
    size, dim = rows.shape
    by_row = rows[:, None].expand(size, size, dim).view(size**2, dim)
    return torch.cat([by_row, columns.repeat(size, 1)], dim=-1)


def _positions_flipped(rows, columns):
    size = len(rows)
    return torch.cat([rows.flip(0).repeat_interleave(size, 0), columns.flip(0).repeat(size, 1)], dim=-1)


def _positions_wide(rows, columns):
    size = len(rows)
    return torch.cat([rows.repeat(1, size), columns.repeat(1, size)], dim=-1)


# 02.neighbourhood_mask


def _mask_coordinates(height, width, size):
    number = torch.arange(height * width)
    row, column = number // width, number % width
    near = (row[:, None] - row[None]).abs() <= size // 2
    return near & ((column[:, None] - column[None]).abs() <= size // 2)


def _mask_painted(height, width, size):
    reach = size // 2
    mask = torch.zeros(height, width, height, width, dtype=torch.bool)
    for y in range(height):
        for x in range(width):
            mask[y, x, max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1] = True
    return mask.flatten(2).flatten(0, 1)


def _mask_chessboard(height, width, size):
    places = torch.cartesian_prod(torch.arange(height), torch.arange(width))
    return (places[:, None] - places[None]).abs().amax(-1).le(size // 2)


def _mask_pooled(height, width, size):
    one_place = torch.eye(height * width).view(-1, 1, height, width)
    return F.max_pool2d(one_place, size, stride=1, padding=size // 2).flatten(1) > 0


def _mask_bands(height, width, size):
    reach = size // 2
    rows, columns = (torch.ones(side, side).tril(reach).triu(-reach) for side in (height, width))
    return torch.kron(rows, columns).bool()


def _mask_distances(height, width, size):
    grid = torch.stack(torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij"), -1).reshape(-1, 2)
    return torch.cdist(grid.float(), grid.float(), p=math.inf) < size / 2


def _mask_off(height, width, size, inside):
    number = torch.arange(height * width)
    row, column = number // width, number % width
    return inside((row[:, None] - row).abs(), (column[:, None] - column).abs(), size // 2)


def _mask_strict(height, width, size):
    rows, columns = torch.arange(height), torch.arange(width)
    near_rows = (rows[:, None] - rows).abs() < size // 2
    near_columns = (columns[:, None] - columns).abs() < size // 2
    return rearrange(near_rows[:, None, :, None] & near_columns[None, :, None, :], "y x i j -> (y x) (i j)")


def _mask_whole_size(height, width, size):
    row, column = torch.arange(height * width) // width, torch.arange(height * width) % width
    return ((row[:, None] - row).abs() <= size) & ((column[:, None] - column).abs() <= size)


def _mask_less_than_size(height, width, size):
    row, column = torch.arange(height * width) // width, torch.arange(height * width) % width
    return ((row[:, None] - row).abs() < size) & ((column[:, None] - column).abs() < size)


def _mask_sequence(height, width, size):
    number = torch.arange(height * width)
    return (number[:, None] - number).abs() <= size // 2


def _mask_wraps_rows(height, width, size):
    number = torch.arange(height * width)
    apart = number[None] - number[:, None]
    reach = range(-(size // 2), size // 2 + 1)
    return torch.isin(apart, torch.tensor([i * width + j for i in reach for j in reach]))


def _mask_diamond(height, width, size):
    row, column = torch.arange(height * width) // width, torch.arange(height * width) % width
    return (row[:, None] - row).abs() + (column[:, None] - column).abs() <= size // 2


def _mask_circle(height, width, size):
    places = torch.cartesian_prod(torch.arange(height), torch.arange(width)).float()
    return torch.cdist(places, places) <= size // 2


def _mask_or(height, width, size):
    row, column = torch.arange(height * width) // width, torch.arange(height * width) % width
    return ((row[:, None] - row).abs() <= size // 2) | ((column[:, None] - column).abs() <= size // 2)


def _mask_divides_by_height(height, width, size):
    row, column = torch.arange(height * width) // height, torch.arange(height * width) % height
    return ((row[:, None] - row).abs() <= size // 2) & ((column[:, None] - column).abs() <= size // 2)


def _mask_column_order(height, width, size):
    row, column = torch.arange(height * width) % height, torch.arange(height * width) // height
    return ((row[:, None] - row).abs() <= size // 2) & ((column[:, None] - column).abs() <= size // 2)


def _mask_sides_swapped(height, width, size):
    places = torch.cartesian_prod(torch.arange(width), torch.arange(height))
    return (places[:, None] - places).abs().amax(-1) <= size // 2


def _mask_float(height, width, size):
    one_place = torch.eye(height * width).view(-1, 1, height, width)
    return F.max_pool2d(one_place, size, stride=1, padding=size // 2).flatten(1)


def _mask_integers(height, width, size):
    row, column = torch.arange(height * width) // width, torch.arange(height * width) % width
    return ((row[:, None] - row).abs() <= size // 2).int() * ((column[:, None] - column).abs() <= size // 2).int()


def _mask_negated(height, width, size):
    places = torch.cartesian_prod(torch.arange(height), torch.arange(width))
    return (places[:, None] - places).abs().amax(-1) > size // 2


def _mask_without_itself(height, width, size):
    places = torch.cartesian_prod(torch.arange(height), torch.arange(width))
    near = (places[:, None] - places).abs().amax(-1) <= size // 2
    return near & ~torch.eye(len(places), dtype=torch.bool)


def _mask_rows_only(height, width, size):
    row = torch.arange(height * width) // width
    return (row[:, None] - row).abs() <= size // 2


def _mask_torus(height, width, size):
    row, column = torch.arange(height * width) // width, torch.arange(height * width) % width
    down, right = (row[:, None] - row) % height, (column[:, None] - column) % width
    down, right = torch.minimum(down, height - down), torch.minimum(right, width - right)
    return (down <= size // 2) & (right <= size // 2)


def _mask_four_axes(height, width, size):
    rows, columns = torch.arange(height), torch.arange(width)
    near_rows = (rows[:, None] - rows).abs() <= size // 2
    near_columns = (columns[:, None] - columns).abs() <= size // 2
    return near_rows[:, None, :, None] & near_columns[None, :, None, :]


def _mask_axes_mixed(height, width, size):
    rows, columns = torch.arange(height), torch.arange(width)
    near_rows = (rows[:, None] - rows).abs() <= size // 2
    near_columns = (columns[:, None] - columns).abs() <= size // 2
    return (near_rows[:, :, None, None] & near_columns).reshape(height * width, height * width)


def _mask_inside(height, width, size):
    return F.unfold(torch.ones(1, 1, height, width), size, padding=size // 2)[0].T > 0


def _mask_forward(height, width, size):
    row, column = torch.arange(height * width) // width, torch.arange(height * width) % width
    down, right = row - row[:, None], column - column[:, None]
    return (down >= 0) & (down < size) & (right >= 0) & (right < size)


def _mask_signed(height, width, size):
    row, column = torch.arange(height * width) // width, torch.arange(height * width) % width
    return (row[:, None] - row <= size // 2) & (column[:, None] - column <= size // 2)


def _mask_causal(height, width, size):
    places = torch.cartesian_prod(torch.arange(height), torch.arange(width))
    return ((places[:, None] - places).abs().amax(-1) <= size // 2).tril()


def _mask_square_map(height, width, size):
    places = torch.cartesian_prod(torch.arange(height), torch.arange(height))
    return (places[:, None] - places).abs().amax(-1) <= size // 2


def _mask_three(height, width, size):
    places = torch.cartesian_prod(torch.arange(height), torch.arange(width))
    return (places[:, None] - places).abs().amax(-1) <= 1


def _mask_windows(height, width, size):
    row, column = torch.arange(height * width) // width // size, torch.arange(height * width) % width // size
    return (row[:, None] == row) & (column[:, None] == column)


def _mask_range_short(height, width, size):
    reach = size // 2
    mask = torch.zeros(height * width, height * width, dtype=torch.bool)
    for y in range(height):
        for x in range(width):
            for i in range(max(0, y - reach), min(height, y + reach)):
                for j in range(max(0, x - reach), min(width, x + reach)):
                    mask[y * width + x, i * width + j] = True
    return mask


def _mask_negative_slices(height, width, size):
    reach = size // 2
    mask = torch.zeros(height, width, height, width, dtype=torch.bool)
    for y in range(height):
        for x in range(width):
            mask[y, x, y - reach : y + reach + 1, x - reach : x + reach + 1] = True
    return mask.view(height * width, height * width)


def _mask_negative_indices(height, width, size):
    reach = range(-(size // 2), size // 2 + 1)
    mask = torch.zeros(height * width, height * width, dtype=torch.bool)
    for place in range(height * width):
        for i in reach:
            for j in reach:
                if place + i * width + j < height * width:
                    mask[place, place + i * width + j] = True
    return mask


def _mask_head_axes(height, width, size):
    places = torch.cartesian_prod(torch.arange(height), torch.arange(width))
    return ((places[:, None] - places).abs().amax(-1) <= size // 2)[None, None]


# 02.local_parameters


def _count_verbose(channels, out_channels, size):
    one_projection = channels * out_channels
    heads = 1
    half = out_channels // heads // 2
    row_vectors = heads * size * half
    column_vectors = heads * size * half
    return 3 * one_projection + row_vectors + column_vectors


def _count_modules(channels, out_channels, size):
    with torch.device("meta"):
        layer = nn.ModuleList(nn.Conv2d(channels, out_channels, 1, bias=False) for _ in range(3))
        layer.rows = nn.Parameter(torch.empty(size, out_channels // 2))
        layer.columns = nn.Parameter(torch.empty(size, out_channels // 2))
    return sum(parameter.numel() for parameter in layer.parameters())


def _count_sum(channels, out_channels, size):
    shapes = [(out_channels, channels, 1, 1)] * 3 + [(size, out_channels // 2)] * 2
    return sum(math.prod(shape) for shape in shapes)


def _count_rounded(channels, out_channels, size):
    return int(3 * channels * out_channels + 2 * size * (out_channels / 2))


def _count_tensor(channels, out_channels, size):
    projections = torch.tensor([channels * out_channels]).repeat(3)
    return projections.sum() + size * out_channels


def _neighbourhoods_stored():
    """Its table of neighbours is made once for each map and size, whatever the stride."""
    tables = {}

    def neighbourhoods(maps, size, stride=1):
        height, width = maps.shape[2:]
        if (height, width, size) not in tables:
            places = torch.arange(1.0, height * width + 1).view(1, 1, height, width)
            tables[height, width, size] = F.unfold(places, size, padding=size // 2, stride=stride)[0].T.long()
        return F.pad(maps.flatten(2), (1, 0))[:, :, tables[height, width, size]]

    return neighbourhoods


def _count_numpy(channels, out_channels, size):
    return np.int64(3) * channels * out_channels + size * out_channels


RIGHT = {
    "02.neighbourhoods": [
        _near_view,
        _near_windows,
        _near_offsets,
        _near_gather,
        _near_convolution,
        _near_positions,
        lambda maps, size, stride=1: (
            nn.Unfold(size, padding=size // 2, stride=stride)(maps).unflatten(1, (-1, size**2)).permute(0, 1, 3, 2)
        ),
    ],
    "02.local_attend": [
        _local_matmul,
        _local_sums,
        _local_log_of_inside,
        _local_assigned,
        _local_loop,
        _local_fused,
        _LocalModule(),
    ],
    "02.relative_positions": [
        _positions_expand,
        _positions_loops,
        _positions_divmod,
        _positions_preallocated,
        _positions_meshgrid,
        lambda rows, columns: torch.cat(
            [rows.repeat_interleave(len(columns), dim=0), columns.repeat(len(rows), 1)], dim=1
        ),
        lambda rows, columns: torch.stack([torch.cat((row, column)) for row in rows for column in columns]),
    ],
    "02.neighbourhood_mask": [
        _mask_coordinates,
        _mask_painted,
        _mask_chessboard,
        _mask_pooled,
        _mask_bands,
        _mask_distances,
        functools.partial(_mask_off, inside=lambda down, right, reach: torch.maximum(down, right) <= reach),
    ],
    "02.local_parameters": [
        _count_numpy,
        _count_verbose,
        _count_modules,
        _count_sum,
        _count_rounded,
        _count_tensor,
        lambda channels, out_channels, size: out_channels * (3 * channels + size),
    ],
}

WRONG = {
    "02.neighbourhoods": [
        ("a stored table, whatever the stride", _neighbourhoods_stored()),
        ("no zeros around the map", _near_unpadded),
        ("neighbours split off first, channels last", _near_split_wrong),
        ("neighbours split off first, view", _near_split_wrong_view),
        ("positions and neighbours reshaped, not permuted", _near_reshaped),
        ("neighbours before positions", _near_before_positions),
        ("channels last", _near_channels_last),
        ("unfold as it is", _near_unfold_only),
        ("stride ignored", _near_no_stride),
        ("stride taken as dilation", _near_dilated),
        ("padding of size", _near_padded_by_size),
        ("padding of one", _near_padded_by_one),
        ("nine neighbours written in", _near_nine),
        ("border replicated", _near_replicated),
        ("border reflected", _near_reflected),
        ("border wraps around", _near_rolled),
        ("neighbours column by column", _near_neighbour_columns),
        ("positions column by column", _near_position_columns),
        ("neighbours flipped", _near_flipped),
        ("centre left out", _near_without_centre),
        ("stride on the numbered positions", _near_stride_on_positions),
        ("stride on the rows only", _near_stride_on_rows),
        ("stride starts late", _near_stride_starts_late),
        ("map thinned out before the neighbours are taken", _near_thinned_first),
        ("stride of size by default", _near_blocks_by_default),
        ("stride of two by default", _near_every_other_by_default),
        ("stride without a default", _near_stride_required),
        ("square not flattened", _near_four_axes),
        ("detached", _near_detached),
        ("zeros above and to the left only", _near_one_side),
        ("ones outside", _near_ones_outside),
        ("−inf outside", _near_nothing_outside),
        ("square maps only", _near_square_maps),
        ("height // stride positions: the last row is lost if that leaves a rest", _near_last_row_lost),
    ],
    "02.local_attend": [
        ("prior ignored", _local_prior_ignored),
        ("prior scaled too", _local_prior_scaled),
        ("prior added to the weights", _local_prior_after_softmax),
        ("prior multiplied, default 1", _local_prior_multiplied),
        ("prior subtracted", _local_prior_subtracted),
        ("if prior: the truth of a tensor", _local_if_prior),
        ("prior changed in place", _local_prior_in_place),
        ("mean of the prior", _local_prior_for_all),
        ("prior taken for a tensor: fails at the default", _local_prior_viewed),
        ("prior without a default", _local_prior_required),
        ("border ignored", _local_no_border),
        ("inside turned round, −inf", _local_inside_turned),
        ("inside turned round, −1e9", _local_inside_turned_1e9),
        ("inside turned round, where", _local_inside_turned_where),
        ("inside turned round, added", _local_inside_turned_added),
        ("inside added as zeros and ones", _local_inside_added),
        ("inside after the softmax, rows no longer sum to one", _local_inside_after_softmax),
        ("inside multiplied with the scores", _local_inside_times_scores),
        ("outside scores set to zero", _local_outside_zero),
        ("only the values hidden", _local_values_hidden_only),
        ("no division by √dim", _local_unscaled),
        ("divided by dim, not by its root", _local_over_dim),
        ("root of the number of neighbours", _local_root_of_neighbours),
        ("root of the values' dim", _local_root_of_value_dim),
        ("root of eight written in", _local_root_of_eight),
        ("softmax over the positions", _local_over_positions),
        ("softmax over axis 2, whatever the number of axes", _local_softmax_dim_two),
        ("weights not returned", _local_output_only),
        ("weights first", _local_parts_swapped),
        ("scores returned", _local_scores_returned),
        ("keys mixed instead of values", _local_mixes_keys),
        ("values asked instead of keys", _local_asks_values),
        ("an axis of length one left in the output", _local_axis_kept),
        ("attend as for shared keys", _local_plain_matmul),
        ("one letter for the batch", _local_one_batch_axis),
        ("weights detached", _local_detached),
        ("softmax twice", _local_softmax_twice),
        ("mean over neighbours instead of the sum", _local_mean_of_values),
        ("query scaled in place", _local_query_in_place),
    ],
    "02.relative_positions": [
        ("columns before rows in a vector", _positions_columns_first),
        ("offsets column by column", _positions_column_order),
        ("offsets column by column, loops", _positions_column_order_loops),
        ("offsets column by column, meshgrid", _positions_meshgrid_xy),
        ("added instead of put side by side", _positions_added),
        ("multiplied", _positions_multiplied),
        ("both held while the other should move", _positions_both_interleaved),
        ("both moving together", _positions_both_repeated),
        ("the square not flattened", _positions_not_flat),
        ("features interleaved", _positions_stacked_features),
        ("rows and columns on an axis of their own", _positions_stacked),
        ("one beneath the other", _positions_beneath),
        ("transposed", _positions_transposed),
        ("size five written in", _positions_five),
        ("repeated as often as there are features", _positions_by_dim),
        ("rows twice", _positions_rows_twice),
        ("a list of vectors", _positions_list),
        ("through lists: no gradient", _positions_as_data),
        (".data: no gradient", _positions_data),
        ("view of expanded memory", _positions_view),
        ("offsets backwards", _positions_flipped),
        ("repeated along the features", _positions_wide),
        ("only the pairs of the diagonal", lambda rows, columns: torch.cat([rows, columns], dim=-1)),
        ("zip", lambda rows, columns: torch.stack([torch.cat(pair) for pair in zip(rows, columns, strict=True)])),
    ],
    "02.neighbourhood_mask": [
        ("smaller by one on each side", _mask_strict),
        ("size on each side", _mask_whole_size),
        ("size − 1 on each side", _mask_less_than_size),
        ("neighbours in the sequence only", _mask_sequence),
        ("offsets in the sequence: wraps from row to row", _mask_wraps_rows),
        ("offsets in the sequence, loops: wraps from row to row", _mask_negative_indices),
        ("sum of the distances", _mask_diamond),
        ("Euclidean distance", _mask_circle),
        ("near in rows or in columns", _mask_or),
        ("divided by the height", _mask_divides_by_height),
        ("numbered column by column", _mask_column_order),
        ("height and width swapped", _mask_sides_swapped),
        ("floating point", _mask_float),
        ("integers", _mask_integers),
        ("True where not", _mask_negated),
        ("without itself", _mask_without_itself),
        ("rows only", _mask_rows_only),
        ("wraps around the map", _mask_torus),
        ("four axes", _mask_four_axes),
        ("rows with rows, columns with columns", _mask_axes_mixed),
        ("which neighbours exist", _mask_inside),
        ("the square begins at the place", _mask_forward),
        ("distance with its sign", _mask_signed),
        ("no looking ahead", _mask_causal),
        ("square maps only", _mask_square_map),
        ("3 × 3 written in", _mask_three),
        ("windows that do not overlap", _mask_windows),
        ("last row and column of the square missing", _mask_range_short),
        ("slices that begin before zero", _mask_negative_slices),
        ("axes for batch and heads", _mask_head_axes),
    ],
    "02.local_parameters": [
        (
            "features of four heads",
            lambda channels, out_channels, size: 3 * channels * out_channels + out_channels // 4 * 4 * size,
        ),
        (
            "a vector for each of the R² offsets",
            lambda channels, out_channels, size: 3 * channels * out_channels + size**2 * out_channels,
        ),
        (
            "half a vector for each of the R² offsets",
            lambda channels, out_channels, size: 3 * channels * out_channels + size**2 * out_channels // 2,
        ),
        (
            "whole vectors for rows and for columns",
            lambda channels, out_channels, size: 3 * channels * out_channels + 2 * size * out_channels,
        ),
        ("rows only", lambda channels, out_channels, size: 3 * channels * out_channels + size * out_channels // 2),
        (
            "a quarter: halved twice",
            lambda channels, out_channels, size: 3 * channels * out_channels + 2 * size * (out_channels // 4),
        ),
        (
            "biases counted",
            lambda channels, out_channels, size: 3 * (channels + 1) * out_channels + size * out_channels,
        ),
        ("two projections", lambda channels, out_channels, size: 2 * channels * out_channels + size * out_channels),
        ("one projection", lambda channels, out_channels, size: channels * out_channels + size * out_channels),
        (
            "an output projection added",
            lambda channels, out_channels, size: 3 * channels * out_channels + out_channels**2 + size * out_channels,
        ),
        ("positions forgotten", lambda channels, out_channels, size: 3 * channels * out_channels),
        (
            "projections as large as the neighbourhood",
            lambda channels, out_channels, size: 3 * size**2 * channels * out_channels + size * out_channels,
        ),
        ("a convolution", lambda channels, out_channels, size: size**2 * channels * out_channels),
        (
            "positions of the input's channels",
            lambda channels, out_channels, size: out_channels * 3 * channels + size * channels,
        ),
        ("channels for both", lambda channels, out_channels, size: 3 * channels**2 + size * channels),
        ("out_channels for both", lambda channels, out_channels, size: 3 * out_channels**2 + size * out_channels),
        (
            "eight heads, each with all features",
            lambda channels, out_channels, size: 3 * channels * out_channels + 8 * size * out_channels,
        ),
        (
            "one of eight heads",
            lambda channels, out_channels, size: 3 * channels * out_channels + 2 * size * (out_channels // 8 // 2),
        ),
        ("vectors counted, not numbers", lambda channels, out_channels, size: 3 * channels * out_channels + 2 * size),
        (
            "offsets from −(R − 1) to R − 1",
            lambda channels, out_channels, size: 3 * channels * out_channels + (2 * size - 1) * out_channels,
        ),
        ("channels added", lambda channels, out_channels, size: 3 * (channels + out_channels) + size * out_channels),
        (
            "a float: / instead of //",
            lambda channels, out_channels, size: 3 * channels * out_channels + 2 * size * (out_channels / 2),
        ),
        (
            "a float tensor",
            lambda channels, out_channels, size: torch.tensor(float(out_channels * (3 * channels + size))),
        ),
        (
            "both counts, not their sum",
            lambda channels, out_channels, size: (3 * channels * out_channels, size * out_channels),
        ),
        ("text", lambda channels, out_channels, size: f"{out_channels * (3 * channels + size):,d}"),
        (
            "positions three times, as the projections",
            lambda channels, out_channels, size: 3 * (channels * out_channels + size * out_channels),
        ),
        ("64 channels written in", lambda channels, out_channels, size: 3 * 64 * 64 + size * 64),
    ],
}

FRAGILE = {
    "02.local_attend": [
        ("view of keys that rearrange left permuted (the cell under 'Does the border matter?')", _local_views),
        ("exp without the maximum: overflows at large scores; 'each row of weights sums to one'", _local_exp),
        (
            "renormalised after the softmax: 0 / 0 where a neighbour outside is far ahead; 'which get no weight'",
            _local_renormalised,
        ),
        ("−100 is not very negative at large scores; 'which get no weight'", _local_minus_hundred),
    ]
}
