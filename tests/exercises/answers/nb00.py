"""Answers to notebook 00's exercises as students write them: right, wrong, and right only on ordinary inputs."""

import functools
import math
from typing import NamedTuple

import torch
from einops import rearrange
from torch import nn
from torch.nn import functional as F

from course_utils.attention import attend

# 00.attend, right


def _attend_fill_twice(query, key, value, mask=None):
    dim = query.size(-1)
    scores = torch.matmul(query, key.transpose(-2, -1)) / dim**0.5
    if mask is None:
        weights = torch.softmax(scores, dim=-1)
    else:
        weights = torch.softmax(scores.masked_fill(mask == 0, -1e9), dim=-1).masked_fill(mask == 0, 0.0)
    return torch.matmul(weights, value), weights


def _attend_einsum(query, key, value, mask=None):
    scores = torch.einsum("...qd,...kd->...qk", query, key) * query.shape[-1] ** -0.5
    if mask is not None:
        blind = ~mask.any(dim=-1, keepdim=True)
        scores = torch.where(mask | blind, scores, float("-inf"))
    weights = F.softmax(scores, dim=-1)
    if mask is not None:
        weights = torch.where(blind, 0.0, weights)
    return torch.einsum("...qk,...kv->...qv", weights, value), weights


def _attend_by_hand(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    allowed = torch.ones_like(scores, dtype=torch.bool) if mask is None else mask.expand(scores.shape)
    scores = torch.where(allowed, scores, -1e30)
    shares = torch.exp(scores - scores.amax(dim=-1, keepdim=True)) * allowed
    weights = shares / shares.sum(dim=-1, keepdim=True).clamp(min=1e-12)
    return weights @ value, weights


def _attend_loop(query, key, value, mask=None):
    outputs, weights = [], []
    for i in range(query.shape[-2]):
        scores = (key * query[..., i : i + 1, :]).sum(dim=-1) / math.sqrt(query.shape[-1])
        if mask is not None:
            row = mask[..., i if mask.shape[-2] > 1 else 0, :].expand(scores.shape)
            share = scores.masked_fill(~row, torch.finfo(scores.dtype).min).softmax(-1) * row
        else:
            share = scores.softmax(-1)
        weights.append(share)
        outputs.append((share[..., None] * value).sum(dim=-2))
    return torch.stack(outputs, dim=-2), torch.stack(weights, dim=-2)


class _AttendModule(nn.Module):
    def forward(self, query, key, value, mask=None):
        bias = 0 if mask is None else torch.zeros(mask.shape).masked_fill(mask.logical_not(), -1e9)
        weights = nn.Softmax(dim=-1)(query @ key.mT / math.sqrt(key.shape[-1]) + bias)
        weights = weights if mask is None else weights * mask
        return weights @ value, weights


def _attend_log_space(query, key, value, mask=None, scale=None):
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = (query * scale) @ key.mT
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e20)
    weights = F.log_softmax(scores, dim=-1).exp()
    if mask is not None:
        weights = weights.where(mask, torch.zeros(()))
    return [weights @ value, weights]


class _Attention:
    class Result(NamedTuple):
        output: torch.Tensor
        weights: torch.Tensor

    def __call__(self, query, key, value, mask=None):
        scores = query.double() @ key.double().mT / math.sqrt(query.shape[-1])
        if mask is not None:
            scores = scores - 1e12 * (~mask).double()
        weights = scores.softmax(-1) * (1 if mask is None else mask)
        weights = weights.to(query.dtype)
        return self.Result(weights @ value, weights)


def _attend_nan_to_num(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(-1).nan_to_num(0)
    return weights @ value, weights


# 00.attend, wrong


def _attend_unscaled(query, key, value, mask=None):
    scores = query @ key.mT
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights * mask
    return weights @ value, weights


def _attend_over_dim(query, key, value, mask=None):
    scores = query @ key.mT / query.shape[-1]
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)
    return weights @ value, weights


def _attend_times_root(query, key, value, mask=None):
    scores = query @ key.mT * math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = scores.softmax(-1)
    return (weights if mask is None else weights * mask) @ value, weights if mask is None else weights * mask


def _attend_root_of_keys(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(key.shape[-2])
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = scores.softmax(-1)
    weights = weights if mask is None else weights.masked_fill(~mask, 0)
    return weights @ value, weights


def _attend_root_of_value_dim(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(value.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = scores.softmax(-1)
    weights = weights if mask is None else weights.masked_fill(~mask, 0)
    return weights @ value, weights


def _attend_root_of_three(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(3)
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = scores.softmax(-1)
    weights = weights if mask is None else weights.masked_fill(~mask, 0)
    return weights @ value, weights


def _attend_softmax_over_queries(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = scores.softmax(dim=-2)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)
    return weights @ value, weights


def _attend_softmax_dim_one(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = F.softmax(scores, dim=1)
    if mask is not None:
        weights = weights * mask
    return weights @ value, weights


def _attend_scaled_late(query, key, value, mask=None):
    scores = query @ key.mT
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = scores.softmax(-1) / math.sqrt(query.shape[-1])
    if mask is not None:
        weights = weights * mask
    return weights @ value, weights


def _attend_mask_turned_inf(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(mask, float("-inf"))
    weights = scores.softmax(-1)
    return weights @ value, weights


def _attend_mask_turned_1e9(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(mask, -1e9)
    weights = scores.softmax(-1)
    return weights @ value, weights


def _attend_mask_turned_where(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = torch.where(mask, -1e30, scores)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = torch.where(mask, 0.0, weights)
    return weights @ value, weights


def _attend_mask_turned_added(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores + mask.float() * -1e9
    weights = scores.softmax(-1)
    return weights @ value, weights


def _attend_mask_added(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores + mask
    weights = scores.softmax(-1)
    return weights @ value, weights


def _attend_mask_forgotten(query, key, value, mask=None):
    weights = (query @ key.mT / math.sqrt(query.shape[-1])).softmax(-1)
    return weights @ value, weights


def _attend_mask_times_scores(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores * mask
    weights = scores.softmax(-1)
    return weights @ value, weights


def _attend_mask_after_softmax(query, key, value, mask=None):
    weights = (query @ key.mT / math.sqrt(query.shape[-1])).softmax(-1)
    if mask is not None:
        weights = weights * mask
    return weights @ value, weights


def _attend_mask_renormalised(query, key, value, mask=None):
    weights = (query @ key.mT / math.sqrt(query.shape[-1])).softmax(-1)
    if mask is not None:
        weights = weights * mask
        weights = weights / weights.sum(-1, keepdim=True)
    return weights @ value, weights


def _attend_nan_for_blind(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(-1)
    return weights @ value, weights


def _attend_mean_for_blind(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = scores.softmax(-1)
    return weights @ value, weights


def _attend_output_zeroed_weights_nan(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(-1)
    return (weights @ value).nan_to_num(), weights


def _attend_if_mask(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask:
        scores = scores.masked_fill(~mask, -1e9)
    weights = scores.softmax(-1)
    return weights @ value, weights


def _attend_mask_indexed(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores[~mask] = -1e9
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights * mask
    return weights @ value, weights


def _attend_causal_by_default(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is None:
        mask = torch.ones(scores.shape[-2:]).tril().bool()
    weights = scores.masked_fill(~mask, -1e9).softmax(-1).masked_fill(~mask, 0)
    return weights @ value, weights


def _attend_output_only(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights * mask
    return weights @ value


def _attend_parts_swapped(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights * mask
    return weights, weights @ value


def _attend_scores_returned(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)
    return weights @ value, scores


def _attend_softmax_twice(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights * mask
    return weights.softmax(-1) @ value, weights


def _attend_no_grad(query, key, value, mask=None):
    with torch.no_grad():
        scores = query @ key.mT / math.sqrt(query.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(~mask, -1e9)
        weights = scores.softmax(-1)
        if mask is not None:
            weights = weights * mask
    return weights @ value, weights


def _attend_scores_as_data(query, key, value, mask=None):
    scores = torch.tensor((query @ key.mT).tolist()) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights * mask
    return weights @ value, weights


def _attend_query_in_place(query, key, value, mask=None):
    query /= math.sqrt(query.shape[-1])
    scores = query @ key.mT
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights * mask
    return weights @ value, weights


def _attend_mask_in_place(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        hidden = mask.logical_not_()
        scores = scores.masked_fill(hidden, -1e9)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(hidden, 0)
    return weights @ value, weights


def _attend_mixes_keys(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights * mask
    return weights @ key, weights


def _attend_key_reshaped(query, key, value, mask=None):
    turned = key.reshape(*key.shape[:-2], key.shape[-1], key.shape[-2])
    scores = query @ turned / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights * mask
    return weights @ value, weights


def _attend_three_axes(query, key, value, mask=None):
    scores = torch.bmm(query, key.transpose(1, 2)) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights * mask
    return torch.bmm(weights, value), weights


def _attend_mask_required(query, key, value, mask):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    weights = scores.masked_fill(~mask, -1e9).softmax(-1) * mask
    return weights @ value, weights


def _attend_forbidden_zero(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, 0)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)
    return weights @ value, weights


# 00.attend, right on ordinary inputs only


def _attend_exp_without_maximum(query, key, value, mask=None):
    shares = torch.exp(query @ key.mT / math.sqrt(query.shape[-1]))
    if mask is not None:
        shares = shares * mask
    weights = shares / shares.sum(-1, keepdim=True).clamp(min=1e-20)
    return weights @ value, weights


def _attend_one_maximum(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    shares = torch.exp(scores - scores.max())
    if mask is not None:
        shares = shares * mask
    weights = shares / (shares.sum(-1, keepdim=True) + 1e-20)
    return weights @ value, weights


def _attend_maximum_of_all_keys(query, key, value, mask=None):
    weights = (query @ key.mT / math.sqrt(query.shape[-1])).softmax(-1)
    if mask is not None:
        weights = weights * mask
        weights = weights / weights.sum(-1, keepdim=True).clamp(min=1e-20)
    return weights @ value, weights


def _attend_minus_hundred(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -100)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights * mask
    return weights @ value, weights


def _attend_flat_views(query, key, value, mask=None):
    *lead, queries, dim = query.shape
    keys = key.shape[-2]
    scores = torch.bmm(query.view(-1, queries, dim), key.view(-1, keys, dim).mT) / math.sqrt(dim)
    scores = scores.view(*lead, queries, keys)
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights * mask
    return weights @ value, weights


# 00.causal_mask


def _causal_loops(tokens):
    mask = torch.zeros(tokens, tokens, dtype=torch.bool)
    for i in range(tokens):
        mask[i, : i + 1] = True
    return mask


def _causal_indices(tokens):
    mask = torch.full((tokens, tokens), False)
    rows, columns = torch.tril_indices(tokens, tokens)
    mask[rows, columns] = True
    return mask


def _causal_recursive(tokens):
    if tokens == 0:
        return torch.ones(0, 0, dtype=torch.bool)
    smaller = F.pad(_causal_recursive(tokens - 1), (0, 1, 0, 1), value=False)
    smaller[-1] = True
    return smaller


@functools.cache
def _causal_cached(tokens):
    return torch.ones(tokens, tokens).tril() > 0


def _causal_range_short(tokens):
    mask = torch.zeros(tokens, tokens, dtype=torch.bool)
    for i in range(tokens):
        mask[i, :i] = True
    return mask


def _causal_columns_first(tokens):
    mask = torch.zeros(tokens, tokens, dtype=torch.bool)
    for i in range(tokens):
        mask[: i + 1, i] = True
    return mask


def _causal_returns_early(tokens):
    mask = torch.zeros(tokens, tokens, dtype=torch.bool)
    for i in range(tokens):
        mask[i, : i + 1] = True
        return mask


_TABLE = torch.ones(64, 64, dtype=torch.bool).tril()


# 00.split_heads


def _split_view(tokens, heads):
    batch, count, features = tokens.size()
    return tokens.view(batch, count, heads, features // heads).transpose(1, 2)


def _split_loop(tokens, heads):
    dim = tokens.shape[-1] // heads
    parts = []
    for head in range(heads):
        parts.append(tokens[:, :, head * dim : (head + 1) * dim])
    return torch.stack(parts, dim=1)


def _split_gather(tokens, heads):
    batch, count, features = tokens.shape
    index = torch.arange(features).reshape(heads, 1, -1).expand(batch, heads, count, -1)
    return tokens.unsqueeze(1).expand(-1, heads, -1, -1).gather(-1, index)


def _split_selectors(tokens, heads):
    chosen = torch.eye(tokens.shape[-1], dtype=tokens.dtype).unflatten(0, (heads, -1))
    return torch.einsum("bnf,hdf->bhnd", tokens, chosen)


def _split_preallocated(tokens, heads):
    batch, count, features = tokens.shape
    dim = features // heads
    result = tokens.new_zeros(batch, heads, count, dim)
    for head in range(heads):
        result[:, head] = tokens[..., head * dim : (head + 1) * dim]
    return result


def _split_by_heads(tokens, heads):
    return torch.stack(tokens.split(heads, dim=-1), dim=1)


def _split_dim_first(tokens, heads):
    batch, count, features = tokens.shape
    return tokens.reshape(batch, count, features // heads, heads).permute(0, 3, 1, 2)


def _split_reshape(tokens, heads):
    batch, count, features = tokens.shape
    return tokens.reshape(batch, heads, count, features // heads)


def _split_not_moved(tokens, heads):
    batch, count, features = tokens.shape
    return tokens.view(batch, count, heads, features // heads)


def _split_moved_reshaped(tokens, heads):
    batch, count, features = tokens.shape
    return tokens.transpose(1, 2).reshape(batch, heads, count, features // heads)


def _split_square_swap(tokens, heads):
    batch, count, features = tokens.shape
    return tokens.view(batch, count, heads, features // heads).permute(0, 2, 3, 1)


def _split_merged_batch(tokens, heads):
    batch, count, features = tokens.shape
    split = tokens.view(batch, count, heads, features // heads).transpose(1, 2)
    return split.reshape(batch * heads, count, features // heads)


def _split_flat_view(tokens, heads):
    batch, count, features = tokens.shape
    return tokens.view(-1).view(batch, count, heads, features // heads).transpose(1, 2)


def _split_strides(tokens, heads):
    batch, count, features = tokens.shape
    dim = features // heads
    return torch.as_strided(tokens, (batch, heads, count, dim), (count * features, dim, features, 1))


# 00.cross_attention


def _cross_by_hand(tokens, memory, to_query, to_key, to_value):
    query, key, value = to_query(tokens), to_key(memory), to_value(memory)
    scores = torch.bmm(query, key.transpose(1, 2)) / math.sqrt(query.shape[-1])
    return torch.bmm(F.softmax(scores, dim=2), value)


def _cross_fused(tokens, memory, to_query, to_key, to_value):
    return F.scaled_dot_product_attention(to_query(tokens), to_key(memory), to_value(memory))


def _cross_einsum(tokens, memory, to_query, to_key, to_value):
    q, k, v = to_query(tokens), to_key(memory), to_value(memory)
    weights = torch.einsum("bqd,bkd->bqk", q / q.shape[-1] ** 0.5, k).softmax(-1)
    return torch.einsum("bqk,bkv->bqv", weights, v)


def _cross_keywords(tokens, memory, to_query, to_key, to_value):
    result = attend(query=to_query(tokens), key=to_key(memory), value=to_value(memory), mask=None)
    return result[0]


def _cross_one_by_one(tokens, memory, to_query, to_key, to_value):
    queries, keys, values = to_query(tokens), to_key(memory), to_value(memory)
    return torch.stack([attend(q, k, v)[0] for q, k, v in zip(queries, keys, values, strict=True)])


def _cross_double(tokens, memory, to_query, to_key, to_value):
    query, key, value = (part.double() for part in (to_query(tokens), to_key(memory), to_value(memory)))
    return attend(query, key, value)[0]


def _cross_unscaled(tokens, memory, to_query, to_key, to_value):
    return (to_query(tokens) @ to_key(memory).mT).softmax(-1) @ to_value(memory)


def _cross_scaled_by_tokens(tokens, memory, to_query, to_key, to_value):
    scores = to_query(tokens) @ to_key(memory).mT / math.sqrt(tokens.shape[-1])
    return scores.softmax(-1) @ to_value(memory)


def _cross_scaled_by_memory(tokens, memory, to_query, to_key, to_value):
    scores = to_query(tokens) @ to_key(memory).mT / math.sqrt(memory.shape[1])
    return scores.softmax(-1) @ to_value(memory)


def _cross_wrong_axis(tokens, memory, to_query, to_key, to_value):
    query, key = to_query(tokens), to_key(memory)
    return (query @ key.mT / math.sqrt(query.shape[-1])).softmax(1) @ to_value(memory)


def _cross_everything(tokens, memory, to_query, to_key, to_value):
    both = torch.cat([tokens, memory], dim=1)
    return attend(to_query(tokens), to_key(both), to_value(both))[0]


def _cross_same_length(tokens, memory, to_query, to_key, to_value):
    memory = memory[:, : tokens.shape[1]]
    return attend(to_query(tokens), to_key(memory), to_value(memory))[0]


def _cross_causal(tokens, memory, to_query, to_key, to_value):
    mask = torch.ones(tokens.shape[1], memory.shape[1], dtype=torch.bool).tril()
    return attend(to_query(tokens), to_key(memory), to_value(memory), mask)[0]


def _cross_linear_weights(tokens, memory, to_query, to_key, to_value):
    query, key, value = tokens @ to_query.weight.T, memory @ to_key.weight.T, memory @ to_value.weight.T
    return attend(query, key, value)[0]


def _cross_keys_as_values(tokens, memory, to_query, to_key, to_value):
    key = value = to_key(memory)
    return attend(to_query(tokens), key, value)[0]


def _cross_exp(tokens, memory, to_query, to_key, to_value):
    query, key = to_query(tokens), to_key(memory)
    shares = torch.exp(query @ key.mT / math.sqrt(query.shape[-1]))
    return shares / shares.sum(-1, keepdim=True) @ to_value(memory)


def _cross_exp_over_sum(tokens, memory, to_query, to_key, to_value):
    query, key = to_query(tokens), to_key(memory)
    shares = torch.einsum("bqd,bkd->bqk", query, key).div(query.shape[-1] ** 0.5).exp()
    return shares @ to_value(memory) / shares.sum(2, keepdim=True)


# 00.encoder_block


def _block_verbose(tokens, norm1, attention, norm2, mlp):
    normed = norm1(tokens)
    exchanged = attention(normed)
    middle = tokens + exchanged
    normed = norm2(middle)
    return torch.add(middle, mlp(normed))


def _block_loop(tokens, norm1, attention, norm2, mlp):
    for norm, layer in ((norm1, attention), (norm2, mlp)):
        tokens = tokens + layer(norm(tokens))
    return tokens


def _block_reduce(tokens, norm1, attention, norm2, mlp):
    return functools.reduce(lambda z, step: z + step[1](step[0](z)), [(norm1, attention), (norm2, mlp)], tokens)


def _block_helper(tokens, norm1, attention, norm2, mlp):
    def residual(x, norm, layer):
        return layer(norm(x)) + x

    return residual(residual(tokens, norm1, attention), norm2, mlp)


def _block_post_norm(tokens, norm1, attention, norm2, mlp):
    tokens = norm1(tokens + attention(tokens))
    return norm2(tokens + mlp(tokens))


def _block_norm_of_update(tokens, norm1, attention, norm2, mlp):
    tokens = tokens + norm1(attention(tokens))
    return tokens + norm2(mlp(tokens))


def _block_first_sum_missing(tokens, norm1, attention, norm2, mlp):
    tokens = attention(norm1(tokens))
    return tokens + mlp(norm2(tokens))


def _block_second_sum_missing(tokens, norm1, attention, norm2, mlp):
    tokens = tokens + attention(norm1(tokens))
    return mlp(norm2(tokens))


def _block_sum_with_start(tokens, norm1, attention, norm2, mlp):
    middle = tokens + attention(norm1(tokens))
    return tokens + mlp(norm2(middle))


def _block_norms_swapped(tokens, norm1, attention, norm2, mlp):
    tokens = tokens + attention(norm2(tokens))
    return tokens + mlp(norm1(tokens))


def _block_mlp_first(tokens, norm1, attention, norm2, mlp):
    tokens = tokens + mlp(norm2(tokens))
    return tokens + attention(norm1(tokens))


def _block_one_norm(tokens, norm1, attention, norm2, mlp):
    tokens = tokens + attention(norm1(tokens))
    return tokens + mlp(norm1(tokens))


def _block_adds_normalised(tokens, norm1, attention, norm2, mlp):
    tokens = norm1(tokens)
    tokens = tokens + attention(tokens)
    tokens = norm2(tokens)
    return tokens + mlp(tokens)


def _block_parallel(tokens, norm1, attention, norm2, mlp):
    return tokens + attention(norm1(tokens)) + mlp(norm2(tokens))


def _block_mlp_of_start(tokens, norm1, attention, norm2, mlp):
    middle = tokens + attention(norm1(tokens))
    return middle + mlp(norm2(tokens))


def _block_mlp_without_norm(tokens, norm1, attention, norm2, mlp):
    tokens = tokens + attention(norm1(tokens))
    return tokens + mlp(tokens)


def _block_attention_without_norm(tokens, norm1, attention, norm2, mlp):
    tokens = tokens + attention(tokens)
    return tokens + mlp(norm2(tokens))


def _block_in_place(tokens, norm1, attention, norm2, mlp):
    tokens += attention(norm1(tokens))
    tokens += mlp(norm2(tokens))
    return tokens


def _block_first_step_in_place(tokens, norm1, attention, norm2, mlp):
    tokens.add_(attention(norm1(tokens)))
    return tokens + mlp(norm2(tokens))


def _block_mlp_forgotten(tokens, norm1, attention, norm2, mlp):
    return tokens + attention(norm1(tokens))


def _block_both(tokens, norm1, attention, norm2, mlp):
    middle = tokens + attention(norm1(tokens))
    return middle, middle + mlp(norm2(middle))


def _block_detached(tokens, norm1, attention, norm2, mlp):
    middle = tokens.detach() + attention(norm1(tokens.detach()))
    return middle + mlp(norm2(middle))


def _block_no_grad(tokens, norm1, attention, norm2, mlp):
    with torch.no_grad():
        middle = tokens + attention(norm1(tokens))
        return middle + mlp(norm2(middle))


def _block_three_inputs(tokens, norm1, attention, norm2, mlp):
    normed = norm1(tokens)
    tokens = tokens + attention(normed, normed, normed)[0]
    return tokens + mlp(norm2(tokens))


def _block_three_sums(tokens, norm1, attention, norm2, mlp):
    middle = tokens + attention(norm1(tokens))
    return tokens + middle + mlp(norm2(middle))


def _block_update_normalised(tokens, norm1, attention, norm2, mlp):
    update = attention(norm1(tokens))
    return tokens + update + mlp(norm2(update))


def _block_second_in_place(tokens, norm1, attention, norm2, mlp):
    tokens = tokens + attention(norm1(tokens))
    tokens += mlp(norm2(tokens))
    return tokens


def _block_clone_in_place(tokens, norm1, attention, norm2, mlp):
    z = tokens.clone()
    z += attention(norm1(z))
    z += mlp(norm2(z))
    return z


# 00.attend again


def attend_with(query, key, value, mask=None, scale=None, fill=None, dim=-1):
    scale = math.sqrt(query.shape[-1]) if scale is None else scale
    scores = query @ key.mT / scale
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min if fill is None else fill)
    weights = scores.softmax(dim=dim)
    if mask is not None and fill is None:
        weights = weights.masked_fill(~mask, 0)
    return weights @ value, weights


def attend_masking_weights_only(query, key, value, mask=None):
    weights = (query @ key.mT / math.sqrt(query.shape[-1])).softmax(-1)
    if mask is not None:
        weights = weights * mask
    return weights @ value, weights


def attend_mask_added(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores + mask
    weights = scores.softmax(-1)
    return weights @ value, weights


def attend_mask_multiplied(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores * mask
    weights = scores.softmax(-1)
    return weights @ value, weights


def attend_mask_turned_round(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(mask, -1e9)
    weights = scores.softmax(-1)
    return weights @ value, weights


def attend_mask_turned_round_by_where(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = torch.where(mask, -math.inf, scores)
    weights = scores.softmax(-1).nan_to_num(0)
    return weights @ value, weights


def attend_by_hand_exp(query, key, value, mask=None):
    grown = (query @ key.mT / math.sqrt(query.shape[-1])).exp()
    if mask is not None:
        grown = grown * mask
    weights = grown / grown.sum(-1, keepdim=True).clamp(min=1e-30)
    return weights @ value, weights


def attend_largest_over_forbidden_keys(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    grown = (scores - scores.amax(-1, keepdim=True)).exp()
    if mask is not None:
        grown = grown * mask
    weights = grown / grown.sum(-1, keepdim=True)
    return weights @ value, weights


def attend_dim_scaled_by_keys(query, key, value, mask=None):
    return attend_with(query, key, value, mask, scale=math.sqrt(key.shape[-2]))


def attend_zeros_only_in_the_output(query, key, value, mask=None):
    output, weights = attend_with(query, key, value, mask, fill=-1e30)
    if mask is not None:
        output = output * mask.any(-1, keepdim=True)
    return output, weights


def attend_twice_softmax(query, key, value, mask=None):
    weights = attend_with(query, key, value, mask)[1]
    return weights.softmax(-1) @ value, weights


def attend_clamped_scores(query, key, value, mask=None):
    scores = (query @ key.mT / math.sqrt(query.shape[-1])).clamp(-10, 10)
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = scores.softmax(-1)
    return (weights @ value, weights) if mask is None else (weights * mask @ value, weights * mask)


def attend_detached_weights(query, key, value, mask=None):
    weights = attend_with(query, key, value, mask)[1]
    return weights.detach() @ value, weights


def attend_flat_mask(query, key, value, mask=None):
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        scores[..., ~mask] = -math.inf
    weights = scores.softmax(-1).nan_to_num(0)
    return weights @ value, weights


def _attend_as_far_as_keys(query, key, value, mask=None):
    """A query behind the last key is left out."""
    output, weights = attend(query, key, value, mask)
    seen = torch.arange(query.shape[-2])[:, None] < key.shape[-2]
    return output * seen, weights * seen


RIGHT = {
    "00.attend": [
        _attend_fill_twice,
        _attend_einsum,
        _attend_by_hand,
        _attend_loop,
        _AttendModule(),
        _attend_log_space,
        _Attention(),
        _attend_nan_to_num,
    ],
    "00.causal_mask": [
        _causal_loops,
        _causal_indices,
        _causal_recursive,
        _causal_cached,
        lambda tokens: torch.arange(tokens) <= torch.arange(tokens)[:, None],
        lambda tokens: torch.eye(tokens).cumsum(dim=0).bool(),
        lambda tokens: ~torch.ones(tokens, tokens, dtype=torch.bool).triu(diagonal=1),
        lambda tokens: torch.tensor([[column <= row for column in range(tokens)] for row in range(tokens)]),
        lambda tokens: torch.triu(torch.ones(tokens, tokens)).T == 1,
    ],
    "00.split_heads": [
        _split_view,
        _split_loop,
        _split_gather,
        _split_selectors,
        _split_preallocated,
        lambda tokens, heads: tokens.unflatten(-1, (heads, -1)).movedim(2, 1),
        lambda tokens, heads: torch.stack(tokens.chunk(heads, dim=-1), dim=1),
        lambda tokens, heads: rearrange(tokens, "b n (a d) -> b a n d", a=heads).contiguous(),
        lambda tokens, heads: tokens.mT.unflatten(1, (heads, -1)).mT,
    ],
    "00.cross_attention": [
        _cross_by_hand,
        _cross_fused,
        _cross_einsum,
        _cross_keywords,
        _cross_one_by_one,
        _cross_double,
    ],
    "00.encoder_block": [
        _block_verbose,
        _block_loop,
        _block_reduce,
        _block_helper,
        lambda tokens, norm1, attention, norm2, mlp: (
            (middle := tokens + attention(norm1(tokens))) + mlp(norm2(middle))
        ),
    ],
}

WRONG = {
    "00.attend": [
        ("a query for each key, no more", _attend_as_far_as_keys),
        ("no division by √d", _attend_unscaled),
        ("divided by d, not by its root", _attend_over_dim),
        ("multiplied by √d", _attend_times_root),
        ("root of the number of keys", _attend_root_of_keys),
        ("root of the values' dim", _attend_root_of_value_dim),
        ("root of three, the colours' dim, written in", _attend_root_of_three),
        ("softmax over the queries", _attend_softmax_over_queries),
        ("softmax over axis 1, whatever the number of axes", _attend_softmax_dim_one),
        ("divided by √d after the softmax", _attend_scaled_late),
        ("mask turned round, −inf", _attend_mask_turned_inf),
        ("mask turned round, −1e9", _attend_mask_turned_1e9),
        ("mask turned round, where", _attend_mask_turned_where),
        ("mask turned round, added", _attend_mask_turned_added),
        ("mask added to the scores as zeros and ones", _attend_mask_added),
        ("mask forgotten", _attend_mask_forgotten),
        ("mask multiplied with the scores", _attend_mask_times_scores),
        ("mask after the softmax, rows no longer sum to one", _attend_mask_after_softmax),
        ("mask after the softmax, renormalised: 0 / 0 for a blind query", _attend_mask_renormalised),
        ("−inf: NaN for a blind query", _attend_nan_for_blind),
        ("a blind query gets the mean of all values", _attend_mean_for_blind),
        ("a blind query's output is zero, its weights are NaN", _attend_output_zeroed_weights_nan),
        ("if mask: the truth of a tensor", _attend_if_mask),
        ("indexing with a mask that would have to be broadcast", _attend_mask_indexed),
        ("causal when no mask is given", _attend_causal_by_default),
        ("weights not returned", _attend_output_only),
        ("weights first, then the output", _attend_parts_swapped),
        ("scores returned instead of weights", _attend_scores_returned),
        ("softmax twice", _attend_softmax_twice),
        ("weights made without gradients", _attend_no_grad),
        ("scores taken through a list: no gradient", _attend_scores_as_data),
        ("query scaled in place", _attend_query_in_place),
        ("mask negated in place", _attend_mask_in_place),
        ("keys mixed instead of values", _attend_mixes_keys),
        ("keys reshaped instead of transposed", _attend_key_reshaped),
        ("only for three axes", _attend_three_axes),
        ("forbidden scores set to zero", _attend_forbidden_zero),
        ("mask without a default", _attend_mask_required),
        ("mask after the softmax, rows no longer sum to one, once more", attend_masking_weights_only),
        ("the boolean mask is added to the scores", attend_mask_added),
        ("scores times mask: forbidden keys score zero", attend_mask_multiplied),
        ("mask turned round, with -1e9", attend_mask_turned_round),
        ("mask turned round, with where and -inf", attend_mask_turned_round_by_where),
        ("filled with zero", lambda query, key, value, mask=None: attend_with(query, key, value, mask, fill=0.0)),
        (
            "filled with -1, not low enough",
            lambda query, key, value, mask=None: attend_with(query, key, value, mask, fill=-1.0),
        ),
        (
            "filled with the smallest positive number",
            lambda query, key, value, mask=None: attend_with(
                query, key, value, mask, fill=torch.finfo(query.dtype).tiny
            ),
        ),
        ("the mask is ignored", lambda query, key, value, mask=None: attend_with(query, key, value)),
        ("scaled by the number of keys", attend_dim_scaled_by_keys),
        (
            "scaled by dim, not its root",
            lambda query, key, value, mask=None: attend_with(query, key, value, mask, scale=query.shape[-1]),
        ),
        (
            "scaled by the value's dim",
            lambda query, key, value, mask=None: attend_with(
                query, key, value, mask, scale=math.sqrt(value.shape[-1])
            ),
        ),
        (
            "scaled by the length of the whole query",
            lambda query, key, value, mask=None: attend_with(query, key, value, mask, scale=query.norm()),
        ),
        (
            "softmax over the queries, once more",
            lambda query, key, value, mask=None: attend_with(query, key, value, mask, dim=-2),
        ),
        (
            "softmax over axis 1 whatever the batch",
            lambda query, key, value, mask=None: attend_with(query, key, value, mask, dim=1),
        ),
        ("softmax twice, once more", attend_twice_softmax),
        ("weights detached", attend_detached_weights),
        ("mask used as an index: matrices only", attend_flat_mask),
        (
            "key.T instead of key.mT",
            lambda query, key, value, mask=None: attend_with(
                query, key.permute(*range(key.ndim - 1, -1, -1)).mT, value, mask
            ),
        ),
        (
            "transposed by numbers: right for a batch only",
            lambda query, key, value, mask=None: attend_with(query, key.transpose(1, 2).mT, value, mask),
        ),
        ("weights first", lambda query, key, value, mask=None: attend_with(query, key, value, mask)[::-1]),
    ],
    "00.causal_mask": [
        ("upper triangle", lambda tokens: torch.ones(tokens, tokens, dtype=torch.bool).triu()),
        ("the future instead of the past", lambda tokens: ~torch.ones(tokens, tokens, dtype=torch.bool).tril()),
        ("the future, strictly above the diagonal", lambda tokens: torch.ones(tokens, tokens).triu(1).bool()),
        ("without itself", lambda tokens: torch.ones(tokens, tokens, dtype=torch.bool).tril(-1)),
        ("without itself, compared", lambda tokens: torch.arange(tokens)[:, None] > torch.arange(tokens)),
        ("without itself, loop", _causal_range_short),
        ("one token of the future", lambda tokens: torch.ones(tokens, tokens, dtype=torch.bool).tril(1)),
        ("rows and columns swapped, compared", lambda tokens: torch.arange(tokens)[:, None] <= torch.arange(tokens)),
        ("rows and columns swapped, loop", _causal_columns_first),
        ("floating point", lambda tokens: torch.ones(tokens, tokens).tril()),
        ("integers", lambda tokens: torch.ones(tokens, tokens, dtype=torch.int64).tril()),
        ("bytes", lambda tokens: torch.tril(torch.ones(tokens, tokens, dtype=torch.uint8))),
        ("a mask to be added, 0 and −inf", nn.Transformer.generate_square_subsequent_mask),
        ("everything allowed", lambda tokens: torch.ones(tokens, tokens, dtype=torch.bool)),
        ("only itself", lambda tokens: torch.eye(tokens, dtype=torch.bool)),
        (
            "only itself and the one before",
            lambda tokens: torch.ones(tokens, tokens, dtype=torch.bool).tril().triu(-1),
        ),
        ("mirrored", lambda tokens: torch.ones(tokens, tokens, dtype=torch.bool).tril().flip(1)),
        ("axes for batch and heads", lambda tokens: torch.ones(1, 1, tokens, tokens, dtype=torch.bool).tril()),
        ("eight tokens, as in the example", lambda tokens: torch.ones(8, 8, dtype=torch.bool).tril()),
        ("a list of lists", lambda tokens: [[j <= i for j in range(tokens)] for i in range(tokens)]),
        ("a row only", lambda tokens: torch.ones(tokens, dtype=torch.bool)),
        ("a tensor of one axis has no triangle", lambda tokens: torch.ones(tokens).tril().bool()),
        ("the shape given as one number", lambda tokens: torch.tril(tokens)),
        ("returned inside the loop", _causal_returns_early),
        ("a numpy array", lambda tokens: torch.ones(tokens, tokens, dtype=torch.bool).tril().numpy()),
    ],
    "00.split_heads": [
        ("reshape alone", _split_reshape),
        ("reshape alone, view", lambda tokens, heads: tokens.view(len(tokens), heads, tokens.shape[1], -1)),
        (
            "reshape alone, einops",
            lambda tokens, heads: rearrange(
                rearrange(tokens, "b n f -> b (n f)"), "b (h n d) -> b h n d", h=heads, n=tokens.shape[1]
            ),
        ),
        ("every heads-th feature", lambda tokens, heads: rearrange(tokens, "b n (d a) -> b a n d", a=heads)),
        (
            "every heads-th feature, slices",
            lambda tokens, heads: torch.stack([tokens[..., h::heads] for h in range(heads)], dim=1),
        ),
        ("every heads-th feature, permute", _split_dim_first),
        ("heads left behind the tokens", _split_not_moved),
        (
            "heads left behind the tokens, einops",
            lambda tokens, heads: rearrange(tokens, "b n (a d) -> b n a d", a=heads),
        ),
        ("features before tokens", _split_square_swap),
        ("tokens and features transposed, then reshaped", _split_moved_reshaped),
        ("heads merged into the batch", _split_merged_batch),
        ("heads of the size heads", _split_by_heads),
        ("sizes of heads and dim swapped", lambda tokens, heads: rearrange(tokens, "b n (a d) -> b a n d", d=heads)),
        ("heads in front of the batch", lambda tokens, heads: torch.stack(tokens.chunk(heads, -1))),
        ("heads stacked last", lambda tokens, heads: torch.stack(tokens.chunk(heads, -1), -1)),
        ("a tuple of heads", lambda tokens, heads: tokens.chunk(heads, dim=-1)),
        ("heads one after another along the tokens", lambda tokens, heads: torch.cat(tokens.chunk(heads, -1), 1)),
        ("tokens cut into groups", lambda tokens, heads: torch.stack(tokens.chunk(heads, dim=1), dim=1)),
        ("last head first", lambda tokens, heads: torch.stack(tokens.chunk(heads, -1)[::-1], dim=1)),
        ("first head only", lambda tokens, heads: tokens[:, None, :, : tokens.shape[-1] // heads]),
        ("batch of one", lambda tokens, heads: rearrange(tokens[0], "n (a d) -> 1 a n d", a=heads)),
        ("four heads written in", lambda tokens, heads: rearrange(tokens, "b n (a d) -> b a n d", a=4)),
        ("16 features a head written in", lambda tokens, heads: rearrange(tokens, "b n (a d) -> b a n d", d=16)),
        ("detached", lambda tokens, heads: rearrange(tokens.detach(), "b n (a d) -> b a n d", a=heads)),
        (
            "through a list",
            lambda tokens, heads: rearrange(torch.tensor(tokens.tolist()), "b n (a d) -> b a n d", a=heads),
        ),
        ("every head gets all features", lambda tokens, heads: tokens[:, None].repeat(1, heads, 1, 1)),
    ],
    "00.cross_attention": [
        (
            "the memory asks, the tokens answer",
            lambda tokens, memory, to_query, to_key, to_value: attend(
                to_query(memory), to_key(tokens), to_value(tokens)
            )[0],
        ),
        (
            "keys from the tokens",
            lambda tokens, memory, to_query, to_key, to_value: attend(
                to_query(tokens), to_key(tokens), to_value(memory)
            )[0],
        ),
        (
            "values from the tokens",
            lambda tokens, memory, to_query, to_key, to_value: attend(
                to_query(tokens), to_key(memory), to_value(tokens)
            )[0],
        ),
        (
            "self-attention of the tokens",
            lambda tokens, memory, to_query, to_key, to_value: attend(
                to_query(tokens), to_key(tokens), to_value(tokens)
            )[0],
        ),
        (
            "self-attention of the memory",
            lambda tokens, memory, to_query, to_key, to_value: attend(
                to_query(memory), to_key(memory), to_value(memory)
            )[0],
        ),
        (
            "keys and values exchanged",
            lambda tokens, memory, to_query, to_key, to_value: attend(
                to_query(tokens), to_value(memory), to_key(memory)
            )[0],
        ),
        ("keys used as values", _cross_keys_as_values),
        (
            "output and weights returned",
            lambda tokens, memory, to_query, to_key, to_value: attend(
                to_query(tokens), to_key(memory), to_value(memory)
            ),
        ),
        (
            "weights returned",
            lambda tokens, memory, to_query, to_key, to_value: attend(
                to_query(tokens), to_key(memory), to_value(memory)
            )[1],
        ),
        ("nothing projected", lambda tokens, memory, to_query, to_key, to_value: attend(tokens, memory, memory)[0]),
        (
            "values not projected",
            lambda tokens, memory, to_query, to_key, to_value: attend(to_query(tokens), to_key(memory), memory)[0],
        ),
        (
            "queries not projected",
            lambda tokens, memory, to_query, to_key, to_value: attend(tokens, to_key(memory), to_value(memory))[0],
        ),
        ("no division by √d", _cross_unscaled),
        ("root of the tokens' dim, not of the queries'", _cross_scaled_by_tokens),
        ("root of the memory's length", _cross_scaled_by_memory),
        ("softmax over the queries", _cross_wrong_axis),
        ("tokens and memory both answer", _cross_everything),
        ("memory cut to the tokens' length", _cross_same_length),
        ("causal mask", _cross_causal),
        ("only for nn.Linear", _cross_linear_weights),
        (
            "tokens added",
            lambda tokens, memory, to_query, to_key, to_value: (
                tokens + attend(to_query(tokens), to_key(memory), to_value(memory))[0]
            ),
        ),
        (
            "memory detached",
            lambda tokens, memory, to_query, to_key, to_value: attend(
                to_query(tokens), to_key(memory.detach()), to_value(memory.detach())
            )[0],
        ),
        (
            "queries detached",
            lambda tokens, memory, to_query, to_key, to_value: attend(
                to_query(tokens).detach(), to_key(memory), to_value(memory)
            )[0],
        ),
        (
            "first of the batch only",
            lambda tokens, memory, to_query, to_key, to_value: attend(
                to_query(tokens)[0], to_key(memory)[0], to_value(memory)[0]
            )[0],
        ),
    ],
    "00.encoder_block": [
        ("norm after the sum", _block_post_norm),
        ("norm of the update", _block_norm_of_update),
        ("first sum missing", _block_first_sum_missing),
        ("second sum missing", _block_second_sum_missing),
        ("both sums missing", lambda tokens, norm1, attention, norm2, mlp: mlp(norm2(attention(norm1(tokens))))),
        (
            "one sum around everything",
            lambda tokens, norm1, attention, norm2, mlp: tokens + mlp(norm2(attention(norm1(tokens)))),
        ),
        ("second sum with the first input", _block_sum_with_start),
        ("norms swapped", _block_norms_swapped),
        ("MLP first", _block_mlp_first),
        ("the first norm twice", _block_one_norm),
        ("normalised tokens carried on", _block_adds_normalised),
        ("both steps side by side", _block_parallel),
        ("MLP of the input, attention added", _block_mlp_of_start),
        ("MLP without its norm", _block_mlp_without_norm),
        ("attention without its norm", _block_attention_without_norm),
        ("both sums in place", _block_in_place),
        ("first sum in place", _block_first_step_in_place),
        ("MLP forgotten", _block_mlp_forgotten),
        ("both steps returned", _block_both),
        ("tokens detached", _block_detached),
        ("no gradients", _block_no_grad),
        ("attention called with query, key and value", _block_three_inputs),
        ("input added twice", _block_three_sums),
        ("MLP of the update alone", _block_update_normalised),
        (
            "mean instead of sum",
            lambda tokens, norm1, attention, norm2, mlp: (
                ((middle := (tokens + attention(norm1(tokens))) / 2) + mlp(norm2(middle))) / 2
            ),
        ),
        (
            "subtracted",
            lambda tokens, norm1, attention, norm2, mlp: (
                (middle := tokens - attention(norm1(tokens))) - mlp(norm2(middle))
            ),
        ),
    ],
}


FRAGILE = {
    "00.attend": [
        (
            "exp without the maximum: overflows at queries × 2000 (the cell of `loudness`)",
            _attend_exp_without_maximum,
        ),
        ("one maximum for all rows: quiet rows vanish; 'each row of weights sums to one'", _attend_one_maximum),
        (
            "softmax over forbidden keys too: vanishes if one of them is far ahead; 'each row of weights sums to one'",
            _attend_maximum_of_all_keys,
        ),
        ("−100 is not very negative at loud queries; 'False where it may not' look", _attend_minus_hundred),
        ("view on memory that split_heads left permuted (the cell of two heads, two jobs)", _attend_flat_views),
        (
            "NaN where a query may look nowhere",
            lambda query, key, value, mask=None: attend_with(query, key, value, mask, fill=-math.inf),
        ),
        (
            "uniform where a query may look nowhere",
            lambda query, key, value, mask=None: attend_with(query, key, value, mask, fill=-1e9),
        ),
        ("output zero but weights uniform where a query may look nowhere", attend_zeros_only_in_the_output),
        ("exp by hand overflows", attend_by_hand_exp),
        ("divided by zero where a query may look nowhere", attend_largest_over_forbidden_keys),
        ("scores cut to ten", attend_clamped_scores),
    ],
    "00.causal_mask": [
        (
            "cut from a table of 64 tokens: too small for causal_mask(100) (the cell of permutation-equivariance)",
            lambda tokens: _TABLE[:tokens, :tokens],
        )
    ],
    "00.split_heads": [
        ("flat view of a chunk (the cell of `to_qkv(tokens).chunk(3)`)", _split_flat_view),
        ("strides written in for contiguous tokens (the cell of `to_qkv(tokens).chunk(3)`)", _split_strides),
        (
            "batch and tokens merged by a view: fails on a slice",
            lambda tokens, heads: (
                tokens.view(-1, heads, tokens.shape[2] // heads).unflatten(0, tokens.shape[:2]).transpose(1, 2)
            ),
        ),
    ],
    "00.cross_attention": [
        ("exp without the maximum: overflows at 2000 × colours (the cell of `ask`)", _cross_exp),
        ("exp without the maximum, divided last (the cell of `ask`)", _cross_exp_over_sum),
    ],
    "00.encoder_block": [
        ("+= writes into what the norm keeps for its gradient: training fails", _block_second_in_place),
        ("+= on a copy that the norm keeps for its gradient: training fails", _block_clone_in_place),
        (
            "the correction squeezed: adds up wrongly when each sequence is a single token",
            lambda tokens, norm1, attention, norm2, mlp: (
                (middle := tokens + attention(norm1(tokens)).squeeze()) + mlp(norm2(middle)).squeeze()
            ),
        ),
        (
            "a batch of one loses its axis",
            lambda tokens, norm1, attention, norm2, mlp: (
                (middle := tokens + attention(norm1(tokens))) + mlp(norm2(middle))
            ).squeeze(0),
        ),
    ],
}
