"""Answers to notebook 01's exercises as students write them: right, wrong, and right only on ordinary inputs."""

import functools
import itertools
import math

import torch
from einops import einsum, rearrange, reduce
from torch import nn
from torch.nn import functional as F

from course_utils.attention import attend

# 01.receptive_field


def _field_from_the_end(layers):
    field = 1
    for kernel, stride in reversed(layers):
        field = (field - 1) * stride + kernel
    return field


def _field_products(layers):
    strides = [stride for _, stride in layers]
    return 1 + sum((kernel - 1) * math.prod(strides[:i]) for i, (kernel, _) in enumerate(layers))


def _field_recursive(layers):
    if not layers:
        return 1
    (kernel, stride), *later = layers
    return kernel + stride * (_field_recursive(later) - 1)


def _field_accumulate(layers):
    steps = itertools.accumulate((stride for _, stride in layers), lambda a, b: a * b, initial=1)
    return sum((kernel - 1) * step for (kernel, _), step in zip(layers, steps, strict=False)) + 1


def _field_by_walking(layers):
    first = last = 0
    for kernel, stride in layers[::-1]:
        first = first * stride
        last = last * stride + kernel - 1
    return last - first + 1


def _field_tensor(layers):
    kernels = torch.tensor([kernel for kernel, _ in layers], dtype=torch.int64)
    strides = torch.tensor([1] + [stride for _, stride in layers], dtype=torch.int64)
    return ((kernels - 1) * strides.cumprod(0)[:-1]).sum() + 1


def _field_sum_of_kernels(layers):
    return sum(kernel for kernel, _ in layers)


def _field_without_strides(layers):
    return 1 + sum(kernel - 1 for kernel, _ in layers)


def _field_own_stride(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        step *= stride
        field += (kernel - 1) * step
    return field


def _field_starts_at_zero(layers):
    field, step = 0, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field


def _field_whole_kernel(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += kernel * step
        step *= stride
    return field


def _field_whole_kernel_from_zero(layers):
    field, step = 0, 1
    for kernel, stride in layers:
        field += kernel * step
        step *= stride
    return field


def _field_one_side(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += kernel // 2 * step
        step *= stride
    return field


def _field_last_stride(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step = stride
    return field


def _field_strides_added(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step += stride
    return field


def _field_reversed(layers):
    field, step = 1, 1
    for kernel, stride in reversed(layers):
        field += (kernel - 1) * step
        step *= stride
    return field


def _field_all_strides(layers):
    step = math.prod(stride for _, stride in layers)
    return 1 + sum((kernel - 1) * step for kernel, _ in layers)


def _field_product_of_kernels(layers):
    return math.prod(kernel for kernel, _ in layers)


def _field_of_widest(layers):
    return max((kernel for kernel, _ in layers), default=1)


def _field_unpacked_backwards(layers):
    field, step = 1, 1
    for stride, kernel in layers:
        field += (kernel - 1) * step
        step *= stride
    return field


def _field_times_stride_of_layer(layers):
    return 1 + sum((kernel - 1) * stride for kernel, stride in layers)


def _field_returns_in_loop(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
        return field
    return field


def _field_and_step(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field, step


def _field_area(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field**2


def _field_pops(layers):
    field, step = 1, 1
    while layers:
        kernel, stride = layers.pop(0)
        field += (kernel - 1) * step
        step *= stride
    return field


def _field_reverses_its_input(layers):
    layers.reverse()
    field = 1
    for kernel, stride in layers:
        field = (field - 1) * stride + kernel
    return field


def _field_skips_first(layers):
    field, step = 1, 1
    for kernel, stride in layers[1:]:
        field += (kernel - 1) * step
        step *= stride
    return field


def _field_stride_before_kernel(layers):
    field = 1
    for kernel, stride in layers:
        field = (field - 1) * stride + kernel
    return field


_SEEN = {"field": 1, "step": 1}


def _field_remembers(layers):
    for kernel, stride in layers:
        _SEEN["field"] += (kernel - 1) * _SEEN["step"]
        _SEEN["step"] *= stride
    return _SEEN["field"]


# 01.flatten_positions


def _flatten_loops(features):
    _, _, height, width = features.shape
    places = []
    for row in range(height):
        for column in range(width):
            places.append(features[:, :, row, column])
    return torch.stack(places, dim=1)


def _flatten_verbose(features):
    batch, channels, height, width = features.shape
    channels_last = features.permute(0, 2, 3, 1)
    return channels_last.reshape(batch, height * width, channels)


def _flatten_gather(features):
    height, width = features.shape[2:]
    rows = torch.arange(height).repeat_interleave(width)
    columns = torch.arange(width).repeat(height)
    return features[:, :, rows, columns].transpose(1, 2)


def _flatten_rows(features):
    return torch.cat([row.transpose(1, 2) for row in features.unbind(dim=2)], dim=1)


def _flatten_reshape(features):
    batch, channels, height, width = features.shape
    return features.reshape(batch, height * width, channels)


def _flatten_square(features):
    batch, channels, height, _ = features.shape
    return features.permute(0, 2, 3, 1).reshape(batch, height * height, channels)


def _flatten_loops_columns(features):
    _, _, height, width = features.shape
    return torch.stack([features[:, :, y, x] for x in range(width) for y in range(height)], dim=1)


def _flatten_with_class_token(features):
    tokens = features.flatten(2).mT
    return torch.cat([torch.zeros_like(tokens[:, :1]), tokens], dim=1)


# 01.attend_2d


def _attend_2d_by_hand(query, key, value):
    batch, dim, height, width = query.shape
    q, k, v = query.flatten(2), key.flatten(2), value.flatten(2)
    weights = torch.softmax(torch.bmm(q.transpose(1, 2), k) / math.sqrt(dim), dim=-1)
    mixed = torch.bmm(v, weights.transpose(1, 2))
    return mixed.reshape(batch, -1, height, width), weights


def _attend_2d_einsum(query, key, value):
    scores = einsum(query, key, "b c h w, b c y x -> b h w y x") / query.shape[1] ** 0.5
    weights = scores.flatten(3).softmax(dim=-1)
    mixed = einsum(weights, value.flatten(2), "b h w n, b c n -> b c h w")
    return mixed, weights.flatten(1, 2)


def _attend_2d_helper(query, key, value):
    def tokens(x):
        return x.permute(0, 2, 3, 1).flatten(1, 2)

    output, weights = attend(tokens(query), tokens(key), tokens(value))
    return output.mT.unflatten(-1, query.shape[-2:]), weights


def _attend_2d_loop(query, key, value):
    outputs, maps = [], []
    for q, k, v in zip(query, key, value, strict=True):
        output, weights = attend(q.flatten(1).T, k.flatten(1).T, v.flatten(1).T)
        outputs.append(output.T.reshape(v.shape))
        maps.append(weights)
    return [torch.stack(outputs), torch.stack(maps)]


def _attend_2d_fused(query, key, value):
    q, k, v = (rearrange(x, "b c h w -> b (h w) c") for x in (query, key, value))
    height, width = query.shape[2:]
    weights = F.softmax(q @ k.mT / math.sqrt(q.shape[-1]), -1)
    output = rearrange(F.scaled_dot_product_attention(q, k, v), "b (h w) c -> b c h w", h=height, w=width)
    return output, weights


class _Attend2d(nn.Module):
    def forward(self, query, key, value):
        scores = einsum(query.flatten(2), key.flatten(2), "b d q, b d k -> b q k")
        weights = nn.functional.softmax(scores * query.shape[1] ** -0.5, dim=2)
        return (value.flatten(2) @ weights.mT).view(value.shape), weights


def _attend_2d_output_as_tokens(query, key, value):
    query, key, value = (rearrange(part, "b c h w -> b (h w) c") for part in (query, key, value))
    return attend(query, key, value)


def _attend_2d_reshaped_back(query, key, value):
    mixed, weights = attend(*(part.flatten(2).mT for part in (query, key, value)))
    return mixed.reshape(value.shape), weights


def _attend_2d_width_for_height(query, key, value):
    tokens = (rearrange(part, "b c h w -> b (h w) c") for part in (query, key, value))
    mixed, weights = attend(*tokens)
    return rearrange(mixed, "b (h w) c -> b c h w", h=query.shape[3]), weights


def _attend_2d_columns_back(query, key, value):
    tokens = (rearrange(part, "b c h w -> b (h w) c") for part in (query, key, value))
    mixed, weights = attend(*tokens)
    return rearrange(mixed, "b (w h) c -> b c h w", h=query.shape[2]), weights


def _attend_2d_columns_both_ways(query, key, value):
    tokens = (rearrange(part, "b c h w -> b (w h) c") for part in (query, key, value))
    mixed, weights = attend(*tokens)
    return rearrange(mixed, "b (w h) c -> b c h w", h=query.shape[2]), weights


def _attend_2d_unscaled(query, key, value):
    weights = (query.flatten(2).mT @ key.flatten(2)).softmax(-1)
    return (value.flatten(2) @ weights.mT).reshape(value.shape), weights


def _attend_2d_scaled_by_places(query, key, value):
    query, key, values = query.flatten(2).mT, key.flatten(2).mT, value.flatten(2).mT
    weights = (query @ key.mT / math.sqrt(query.shape[1])).softmax(-1)
    return (weights @ values).mT.reshape(value.shape), weights


def _attend_2d_scaled_twice(query, key, value):
    tokens = [rearrange(part, "b c h w -> b (h w) c") for part in (query, key, value)]
    mixed, weights = attend(tokens[0] / math.sqrt(query.shape[1]), *tokens[1:])
    return rearrange(mixed, "b (h w) c -> b c h w", h=query.shape[2]), weights


def _attend_2d_over_queries(query, key, value):
    weights = (query.flatten(2).mT @ key.flatten(2) / math.sqrt(query.shape[1])).softmax(dim=1)
    return (value.flatten(2) @ weights.mT).reshape(value.shape), weights


def _attend_2d_five_axes(query, key, value):
    tokens = (rearrange(part, "b c h w -> b (h w) c") for part in (query, key, value))
    mixed, weights = attend(*tokens)
    height, width = query.shape[2:]
    maps = weights.unflatten(2, (height, width)).unflatten(1, (height, width))
    return rearrange(mixed, "b (h w) c -> b c h w", h=height), maps


def _attend_2d_output_only(query, key, value):
    tokens = (rearrange(part, "b c h w -> b (h w) c") for part in (query, key, value))
    mixed, _ = attend(*tokens)
    return rearrange(mixed, "b (h w) c -> b c h w", h=query.shape[2])


def _attend_2d_parts_swapped(query, key, value):
    tokens = (rearrange(part, "b c h w -> b (h w) c") for part in (query, key, value))
    mixed, weights = attend(*tokens)
    return weights, rearrange(mixed, "b (h w) c -> b c h w", h=query.shape[2])


def _attend_2d_shaped_like_query(query, key, value):
    mixed, weights = attend(*(part.flatten(2).mT for part in (query, key, value)))
    return mixed.mT.reshape(query.shape), weights


def _attend_2d_weights_transposed(query, key, value):
    mixed, weights = attend(*(part.flatten(2).mT for part in (query, key, value)))
    return mixed.mT.reshape(value.shape), weights.mT


def _attend_2d_mixes_transposed(query, key, value):
    weights = (query.flatten(2).mT @ key.flatten(2) / math.sqrt(query.shape[1])).softmax(-1)
    return (value.flatten(2) @ weights).reshape(value.shape), weights


def _attend_2d_channels(query, key, value):
    mixed, weights = attend(query.flatten(2), key.flatten(2), value.flatten(2))
    return mixed.reshape(value.shape), weights


def _attend_2d_directly(query, key, value):
    return attend(query, key, value)


def _attend_2d_rows_only(query, key, value):
    rows = (rearrange(part, "b c h w -> b h w c") for part in (query, key, value))
    mixed, weights = attend(*rows)
    return rearrange(mixed, "b h w c -> b c h w"), weights


def _attend_2d_across_the_batch(query, key, value):
    batch, _, height, width = query.shape
    tokens = (rearrange(part, "b c h w -> (b h w) c") for part in (query, key, value))
    mixed, weights = attend(*tokens)
    return rearrange(mixed, "(b h w) c -> b c h w", b=batch, h=height, w=width), weights


def _attend_2d_detached(query, key, value):
    tokens = (rearrange(part, "b c h w -> b (h w) c") for part in (query.detach(), key.detach(), value))
    mixed, weights = attend(*tokens)
    return rearrange(mixed, "b (h w) c -> b c h w", h=query.shape[2]), weights


def _attend_2d_residual(query, key, value):
    mixed, weights = attend(*(part.flatten(2).mT for part in (query, key, value)))
    return value + mixed.mT.reshape(value.shape), weights


def _attend_2d_head_axis(query, key, value):
    tokens = (rearrange(part, "b c h w -> b 1 (h w) c") for part in (query, key, value))
    mixed, weights = attend(*tokens)
    return rearrange(mixed, "b 1 (h w) c -> b c h w", h=query.shape[2]), weights


def _attend_2d_query_key_swapped(query, key, value):
    tokens = (rearrange(part, "b c h w -> b (h w) c") for part in (key, query, value))
    mixed, weights = attend(*tokens)
    return rearrange(mixed, "b (h w) c -> b c h w", h=query.shape[2]), weights


def _attend_2d_square(query, key, value):
    tokens = (rearrange(part, "b c h w -> b (h w) c") for part in (query, key, value))
    mixed, weights = attend(*tokens)
    side = math.isqrt(mixed.shape[1])
    return mixed.mT.unflatten(-1, (side, side)), weights


def _attend_2d_tokens_by_reshape(query, key, value):
    batch, _, height, width = query.shape
    tokens = (part.reshape(batch, height * width, -1) for part in (query, key, value))
    mixed, weights = attend(*tokens)
    return mixed.mT.reshape(value.shape), weights


def _attend_2d_one_softmax_for_all(query, key, value):
    scores = query.flatten(2).mT @ key.flatten(2) / math.sqrt(query.shape[1])
    weights = scores.flatten(1).softmax(-1).view_as(scores)
    return (value.flatten(2) @ weights.mT).reshape(value.shape), weights


def _attend_2d_no_softmax(query, key, value):
    weights = query.flatten(2).mT @ key.flatten(2) / math.sqrt(query.shape[1])
    return (value.flatten(2) @ weights.mT).reshape(value.shape), weights


def _attend_2d_scores(query, key, value):
    scores = query.flatten(2).mT @ key.flatten(2) / math.sqrt(query.shape[1])
    return (value.flatten(2) @ scores.softmax(-1).mT).reshape(value.shape), scores


def _attend_2d_exp(query, key, value):
    scores = query.flatten(2).mT @ key.flatten(2) / math.sqrt(query.shape[1])
    weights = scores.exp() / scores.exp().sum(dim=-1, keepdim=True)
    return (value.flatten(2) @ weights.mT).reshape(value.shape), weights


# 01.attend_by_dot_product


def _dot_verbose(query, key, value):
    keys = key.size(-2)
    scores = torch.matmul(query, key.transpose(-1, -2))
    weights = scores / keys
    return torch.matmul(weights, value), weights


def _dot_einsum(query, key, value):
    weights = torch.einsum("...qd,...kd->...qk", query, key).div(key.shape[-2])
    return torch.einsum("...qk,...kv->...qv", weights, value), weights


def _dot_other_order(query, key, value):
    count = value.shape[-2]
    return query @ (key.mT @ value) / count, query @ (key / count).mT


def _dot_loop(query, key, value):
    count = key.shape[-2]
    columns = [(query * key[..., j : j + 1, :]).sum(-1) / count for j in range(count)]
    output = sum(columns[j][..., None] * value[..., j : j + 1, :] for j in range(count))
    return [output, torch.stack(columns, dim=-1)]


def _dot_mean(query, key, value):
    scores = (query[..., :, None, :] * key[..., None, :, :]).sum(-1)
    output = (scores[..., None] * value[..., None, :, :]).mean(dim=-2)
    return output, scores / scores.shape[-1]


def _dot_double(query, key, value):
    weights = query.double() @ key.double().mT / key.shape[-2]
    return weights @ value.double(), weights


def _dot_softmax(query, key, value):
    weights = (query @ key.mT / key.shape[-2]).softmax(-1)
    return weights @ value, weights


def _dot_root_of_dim(query, key, value):
    weights = query @ key.mT / math.sqrt(query.shape[-1])
    return weights @ value, weights


def _dot_bare(query, key, value):
    weights = query @ key.mT
    return weights @ value, weights


def _dot_over_queries(query, key, value):
    weights = query @ key.mT / query.shape[-2]
    return weights @ value, weights


def _dot_over_dim(query, key, value):
    weights = query @ key.mT / key.shape[-1]
    return weights @ value, weights


def _dot_both_divisions(query, key, value):
    weights = query @ key.mT / math.sqrt(query.shape[-1]) / key.shape[-2]
    return weights @ value, weights


def _dot_root_of_keys(query, key, value):
    weights = query @ key.mT / math.sqrt(key.shape[-2])
    return weights @ value, weights


def _dot_rows_sum_to_one(query, key, value):
    scores = query @ key.mT
    weights = scores / scores.sum(-1, keepdim=True)
    return weights @ value, weights


def _dot_absolute_rows(query, key, value):
    weights = F.normalize(query @ key.mT, p=1, dim=-1)
    return weights @ value, weights


def _dot_output_divided_only(query, key, value):
    weights = query @ key.mT
    return weights @ value / key.shape[-2], weights


def _dot_weights_divided_only(query, key, value):
    scores = query @ key.mT
    return scores @ value, scores / key.shape[-2]


def _dot_divided_twice(query, key, value):
    weights = query @ key.mT / key.shape[-2]
    return weights @ value / key.shape[-2], weights


def _dot_softmax_of_bare(query, key, value):
    weights = F.softmax(query @ key.mT, dim=-1) / key.shape[-2]
    return weights @ value, weights


def _dot_relu(query, key, value):
    weights = (query @ key.mT).relu() / key.shape[-2]
    return weights @ value, weights


def _dot_magnitude(query, key, value):
    weights = (query @ key.mT).abs() / key.shape[-2]
    return weights @ value, weights


def _dot_over_batch(query, key, value):
    weights = query @ key.mT / len(key)
    return weights @ value, weights


def _dot_over_all_numbers(query, key, value):
    weights = query @ key.mT / key.numel()
    return weights @ value, weights


def _dot_output_only(query, key, value):
    return query @ key.mT @ value / key.shape[-2]


def _dot_parts_swapped(query, key, value):
    weights = query @ key.mT / key.shape[-2]
    return weights, weights @ value


def _dot_mixes_keys(query, key, value):
    weights = query @ key.mT / key.shape[-2]
    return weights @ key, weights


def _dot_floor(query, key, value):
    weights = query @ key.mT // key.shape[-2]
    return weights @ value, weights


def _dot_cosine(query, key, value):
    weights = F.normalize(query, dim=-1) @ F.normalize(key, dim=-1).mT / key.shape[-2]
    return weights @ value, weights


def _dot_transposed(query, key, value):
    weights = query @ key.mT / key.shape[-2]
    return weights @ value, weights.mT


def _dot_detached(query, key, value):
    weights = (query @ key.mT / key.shape[-2]).detach()
    return weights @ value, weights


def _dot_query_in_place(query, key, value):
    query /= key.shape[-2]
    weights = query @ key.mT
    return weights @ value, weights


def _dot_whole_mean(query, key, value):
    scores = query @ key.mT
    weights = scores.mean(-1, keepdim=True).expand_as(scores)
    return weights @ value, weights


def _dot_key_reshaped(query, key, value):
    weights = query @ key.reshape(*key.shape[:-2], key.shape[-1], key.shape[-2]) / key.shape[-2]
    return weights @ value, weights


def _dot_bmm(query, key, value):
    weights = torch.bmm(query, key.transpose(1, 2)) / key.shape[1]
    return torch.bmm(weights, value), weights


def _dot_axis_one(query, key, value):
    weights = query @ key.mT / key.shape[1]
    return weights @ value, weights


def _dot_three_letters(query, key, value):
    weights = einsum(query, key, "b q d, b k d -> b q k") / key.shape[-2]
    return einsum(weights, value, "b q k, b k v -> b q v"), weights


def _dot_unpacked(query, key, value):
    _, count, _ = key.shape
    weights = query @ key.transpose(-2, -1) / count
    return weights @ value, weights


# 01.gated_residual


def _gated_verbose(features, update, gate):
    scaled = torch.mul(update, gate)
    return torch.add(features, scaled)


def _gated_helper(features, update, gate):
    def opened(x, by):
        return by.reshape(1, 1, 1, 1) * x

    return opened(update, gate) + features


def _gated_loop(features, update, gate):
    return torch.stack([one + other * gate for one, other in zip(features, update, strict=True)])


def _gated_clone(features, update, gate):
    result = features.clone()
    result += gate * update
    return result


class _Gated:
    def __call__(self, features, update, gate):
        return features + gate * update


def _gated_in_place(features, update, gate):
    features += gate * update
    return features


def _gated_update_in_place(features, update, gate):
    update *= gate
    return features + update


def _gated_add_underscore(features, update, gate):
    return features.add_(update * gate)


def _gated_no_grad(features, update, gate):
    with torch.no_grad():
        return features + gate * update


def _gated_if_open(features, update, gate):
    if gate == 0:
        return features
    return features + gate * update


def _gated_if_truth(features, update, gate):
    return features + gate * update if gate else features


def _flatten_by_the_shorter_side(features):
    """Right for maps that are wider than high."""
    height, width = features.shape[2:]
    return (features.mT if height > width else features).flatten(2).mT


RIGHT = {
    "01.receptive_field": [
        _field_from_the_end,
        _field_products,
        _field_recursive,
        _field_accumulate,
        _field_by_walking,
        _field_tensor,
        lambda layers: functools.reduce(lambda field, layer: (field - 1) * layer[1] + layer[0], layers[::-1], 1),
    ],
    "01.flatten_positions": [
        _flatten_loops,
        _flatten_verbose,
        _flatten_gather,
        _flatten_rows,
        lambda features: features.flatten(start_dim=2).transpose(1, 2),
        lambda features: torch.einsum("bchw->bhwc", features).flatten(1, 2),
        lambda features: F.unfold(features, kernel_size=1).mT,
        lambda features: features.movedim(1, -1).flatten(1, -2),
    ],
    "01.attend_2d": [
        _attend_2d_by_hand,
        _attend_2d_einsum,
        _attend_2d_helper,
        _attend_2d_loop,
        _attend_2d_fused,
        _Attend2d(),
    ],
    "01.attend_by_dot_product": [
        _dot_verbose,
        _dot_einsum,
        _dot_other_order,
        _dot_loop,
        _dot_mean,
        _dot_double,
        lambda query, key, value: ((weights := query @ key.mT / key.shape[-2]) @ value, weights),
    ],
    "01.gated_residual": [
        _gated_verbose,
        _gated_helper,
        _gated_loop,
        _gated_clone,
        _Gated(),
        lambda features, update, gate: torch.addcmul(features, update, gate),
        lambda features, update, gate: features.lerp(features + update, gate),
        lambda features, update, gate: sum((features, update * gate)),
    ],
}

WRONG = {
    "01.receptive_field": [
        ("sum of the kernels", _field_sum_of_kernels),
        ("strides forgotten", _field_without_strides),
        ("a layer's own stride counts for it", _field_own_stride),
        ("starts at zero", _field_starts_at_zero),
        ("kernel instead of kernel − 1", _field_whole_kernel),
        ("kernel instead of kernel − 1, from zero", _field_whole_kernel_from_zero),
        ("one side only, kernel // 2", _field_one_side),
        ("the last stride only", _field_last_stride),
        ("strides added", _field_strides_added),
        ("last layer first", _field_reversed),
        ("the product of all strides for every layer", _field_all_strides),
        ("product of the kernels", _field_product_of_kernels),
        ("the widest kernel", _field_of_widest),
        ("stride and kernel unpacked the wrong way round", _field_unpacked_backwards),
        ("only the layer's own stride, no product", _field_times_stride_of_layer),
        ("return inside the loop", _field_returns_in_loop),
        ("step returned too", _field_and_step),
        ("area instead of a side", _field_area),
        ("empties the list it was given", _field_pops),
        ("turns round the list it was given", _field_reverses_its_input),
        ("the first layer left out", _field_skips_first),
        ("the recursion from the end, run from the front", _field_stride_before_kernel),
        ("steps kept from one call to the next", _field_remembers),
        ("side of a map, not of the view", lambda layers: 48 // math.prod(stride for _, stride in layers)),
        ("the example's answer", lambda layers: 13),
    ],
    "01.flatten_positions": [
        ("tall maps turned on their side", _flatten_by_the_shorter_side),
        ("reshape alone", _flatten_reshape),
        ("reshape alone, view", lambda features: features.contiguous().view(len(features), -1, features.shape[1])),
        ("column by column", lambda features: rearrange(features, "b c h w -> b (w h) c")),
        ("column by column, transpose", lambda features: features.transpose(1, 3).flatten(1, 2)),
        (
            "column by column, permute",
            lambda features: features.permute(0, 3, 2, 1).reshape(len(features), -1, features.shape[1]),
        ),
        ("column by column, loops", _flatten_loops_columns),
        ("channels left in front", lambda features: features.flatten(2)),
        ("channels left in front, einops", lambda features: rearrange(features, "b c h w -> b c (h w)")),
        ("everything in one axis", lambda features: features.flatten(1)),
        ("height and width left apart", lambda features: features.permute(0, 2, 3, 1)),
        ("channels and height merged", lambda features: features.flatten(1, 2)),
        (
            "rows mixed with channels",
            lambda features: features.transpose(1, 2).reshape(len(features), -1, features.shape[1]),
        ),
        ("batch in the tokens", lambda features: rearrange(features, "b c h w -> (b h w) c")),
        ("tokens first", lambda features: rearrange(features, "b c h w -> (h w) b c")),
        ("batch of one", lambda features: features[0].flatten(1).T[None]),
        ("batch of one, squeezed", lambda features: features.squeeze(0).flatten(-2).mT),
        ("square maps only", _flatten_square),
        ("mean over the places", lambda features: features.mean((2, 3))[:, None]),
        ("mean over the rows", lambda features: features.mean(2).mT),
        ("detached", lambda features: features.detach().flatten(2).mT),
        ("through numpy", lambda features: torch.from_numpy(features.detach().numpy()).flatten(2).mT),
        ("last place first", lambda features: features.flatten(2).mT.flip(1)),
        ("144 places written in", lambda features: rearrange(features, "b c h w -> b (h w) c", h=12, w=12)),
        ("a class token added", _flatten_with_class_token),
        ("height and width swapped first", lambda features: features.mT.flatten(2).mT),
    ],
    "01.attend_2d": [
        ("output left as tokens", _attend_2d_output_as_tokens),
        ("tokens reshaped to a map without a transpose", _attend_2d_reshaped_back),
        ("width taken for the height", _attend_2d_width_for_height),
        ("laid out column by column on the way back", _attend_2d_columns_back),
        ("column by column both ways: weights in another order", _attend_2d_columns_both_ways),
        ("no division by √dim", _attend_2d_unscaled),
        ("root of the number of places", _attend_2d_scaled_by_places),
        ("divided by √dim before attend does it again", _attend_2d_scaled_twice),
        ("softmax over the queries", _attend_2d_over_queries),
        ("weights as maps of maps", _attend_2d_five_axes),
        ("weights not returned", _attend_2d_output_only),
        ("weights first", _attend_2d_parts_swapped),
        ("output in the query's shape", _attend_2d_shaped_like_query),
        ("weights transposed", _attend_2d_weights_transposed),
        ("values mixed by the transposed weights", _attend_2d_mixes_transposed),
        ("channels attend to channels", _attend_2d_channels),
        ("attend on the maps as they are", _attend_2d_directly),
        ("places of a row only", _attend_2d_rows_only),
        ("places of the whole batch", _attend_2d_across_the_batch),
        ("query and key detached", _attend_2d_detached),
        ("value added", _attend_2d_residual),
        ("an axis for heads in the weights", _attend_2d_head_axis),
        ("query and key exchanged", _attend_2d_query_key_swapped),
        ("square maps only", _attend_2d_square),
        ("tokens made by reshape", _attend_2d_tokens_by_reshape),
        ("one softmax over all pairs", _attend_2d_one_softmax_for_all),
        ("no softmax", _attend_2d_no_softmax),
        ("scores returned", _attend_2d_scores),
    ],
    "01.attend_by_dot_product": [
        ("softmax all the same", _dot_softmax),
        ("softmax, then divided by the number of keys", _dot_softmax_of_bare),
        ("root of dim instead of the number of keys", _dot_root_of_dim),
        ("not divided", _dot_bare),
        ("number of queries", _dot_over_queries),
        ("divided by dim", _dot_over_dim),
        ("divided by √dim too", _dot_both_divisions),
        ("root of the number of keys", _dot_root_of_keys),
        ("rows made to sum to one", _dot_rows_sum_to_one),
        ("absolute rows made to sum to one", _dot_absolute_rows),
        ("weights returned without the division", _dot_output_divided_only),
        ("output without the division", _dot_weights_divided_only),
        ("output divided twice", _dot_divided_twice),
        ("negative weights cut off", _dot_relu),
        ("sign lost", _dot_magnitude),
        ("divided by the batch", _dot_over_batch),
        ("divided by all numbers of the keys", _dot_over_all_numbers),
        ("weights not returned", _dot_output_only),
        ("weights first", _dot_parts_swapped),
        ("keys mixed instead of values", _dot_mixes_keys),
        ("floor division", _dot_floor),
        ("cosine instead of the dot product", _dot_cosine),
        ("weights transposed", _dot_transposed),
        ("weights detached", _dot_detached),
        ("query divided in place", _dot_query_in_place),
        ("mean of the scores for every key", _dot_whole_mean),
        ("keys reshaped instead of transposed", _dot_key_reshaped),
    ],
    "01.gated_residual": [
        ("gate forgotten", lambda features, update, gate: features + update),
        ("gate on the features", lambda features, update, gate: gate * features + update),
        ("blend: the features fade", lambda features, update, gate: (1 - gate) * features + gate * update),
        ("blend, lerp", lambda features, update, gate: torch.lerp(features, update, gate)),
        ("gate on the sum", lambda features, update, gate: gate * (features + update)),
        ("no residual", lambda features, update, gate: gate * update),
        ("subtracted", lambda features, update, gate: features - gate * update),
        ("gate added", lambda features, update, gate: features + update + gate),
        ("gate taken as a number", lambda features, update, gate: features + gate.item() * update),
        ("gate taken as a number, float", lambda features, update, gate: features + float(gate) * update),
        ("gate detached", lambda features, update, gate: features + gate.detach() * update),
        ("gate.data", lambda features, update, gate: features + gate.data * update),
        (
            "a new tensor made of the gate",
            lambda features, update, gate: features + torch.tensor(gate.tolist()) * update,
        ),
        ("gate as alpha", lambda features, update, gate: torch.add(features, update, alpha=gate.item())),
        ("tanh of the gate", lambda features, update, gate: features + gate.tanh() * update),
        ("sigmoid of the gate", lambda features, update, gate: features + torch.sigmoid(gate) * update),
        ("gate kept between 0 and 1", lambda features, update, gate: features + gate.clamp(0, 1) * update),
        ("sign of the gate lost", lambda features, update, gate: features + gate.abs() * update),
        ("gate squared", lambda features, update, gate: features + gate**2 * update),
        ("features in place", _gated_in_place),
        ("features in place, add_", _gated_add_underscore),
        ("update in place", _gated_update_in_place),
        ("no gradients", _gated_no_grad),
        ("update detached", lambda features, update, gate: features + gate * update.detach()),
        ("features detached", lambda features, update, gate: features.detach() + gate * update),
        ("multiplied: a gate for the features", lambda features, update, gate: features * (1 + gate * update)),
        ("a gate for every channel", lambda features, update, gate: features + gate[:, None, None] * update),
        ("the first of several gates", lambda features, update, gate: features + gate[0] * update),
        ("ReLU of the sum", lambda features, update, gate: F.relu(features + gate * update)),
        ("both parts returned", lambda features, update, gate: (features, gate * update)),
        ("mean of the update", lambda features, update, gate: features + gate * update.mean((2, 3), keepdim=True)),
        (
            "mean of the update, einops",
            lambda features, update, gate: features + gate * reduce(update, "b c h w -> b c 1 1", "mean"),
        ),
    ],
}

FRAGILE = {
    "01.flatten_positions": [
        (
            "height and width merged by a view: fails on a map that is cut out of another",
            lambda features: features.view(*features.shape[:2], -1).mT,
        )
    ],
    "01.attend_2d": [
        ("exp without the maximum: overflows at large scores; 'scaled dot-product attention'", _attend_2d_exp)
    ],
    "01.attend_by_dot_product": [
        ("bmm: only with one axis before; 'query (..., queries, dim)'", _dot_bmm),
        ("keys counted on axis 1; 'key (..., keys, dim)'", _dot_axis_one),
        ("one letter for the batch; 'query (..., queries, dim)'", _dot_three_letters),
        ("three axes unpacked; 'key (..., keys, dim)'", _dot_unpacked),
    ],
    "01.gated_residual": [
        (
            "returned early while the gate is zero: it never learns ('What gets a gradient at the first step?' under "
            "5)",
            _gated_if_open,
        ),
        ("returned early, by the gate's truth ('What gets a gradient at the first step?' under 5)", _gated_if_truth),
    ],
}
