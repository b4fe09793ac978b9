"""Answers to the exercises of notebook 09 as students would write them: right, wrong, and right only at first sight."""

from collections import defaultdict

import einops
import torch
import torch.nn.functional as F
from torch import nn

# 09.prototypes


def prototypes_stacked(features, labels, ways):
    return torch.stack([features[labels == way].mean(dim=0) for way in range(ways)])


def prototypes_index_add(features, labels, ways):
    total = features.new_zeros(ways, features.shape[1]).index_add(0, labels, features)
    return total / labels.bincount(minlength=ways).unsqueeze(1)


def prototypes_scatter_reduce(features, labels, ways):
    start = torch.zeros(ways, features.size(-1), dtype=features.dtype)
    where = labels[:, None].expand_as(features)
    return start.scatter_reduce(0, where, features, reduce="mean", include_self=False)


def prototypes_einsum(features, labels, ways):
    member = torch.nn.functional.one_hot(labels, num_classes=ways).to(features)
    return torch.einsum("pw,pd->wd", member / member.sum(0), features)


def prototypes_masked_sum(features, labels, ways):
    member = torch.arange(ways)[:, None] == labels[None, :]
    kept = torch.where(member[..., None], features[None], 0.0)
    return kept.sum(1) / member.sum(1, keepdim=True).clamp(min=1)


def prototypes_verbose(features, labels, ways):
    sums = [torch.zeros(features.shape[1], dtype=features.dtype) for _ in range(ways)]
    counts = [0] * ways
    for feature, label in zip(features, labels.tolist(), strict=True):
        sums[label] = sums[label] + feature
        counts[label] += 1
    return torch.cat([(total / count)[None] for total, count in zip(sums, counts, strict=True)], dim=0)


def prototypes_sorted_and_split(features, labels, ways):
    order = labels.argsort()
    sizes = torch.bincount(labels, minlength=ways).tolist()
    return torch.stack([part.mean(0) for part in features[order].split(sizes)])


def prototypes_double(features, labels, ways):
    rows = [features[labels.eq(k)].double().sum(0) / int((labels == k).sum()) for k in range(ways)]
    return torch.vstack(rows)


def prototypes_last_wins(features, labels, ways):
    result = features.new_zeros(ways, features.shape[1])
    result[labels] = features
    return result


def prototypes_accumulated_without_accumulate(features, labels, ways):
    result = features.new_zeros(ways, features.shape[1])
    result[labels] += features
    return result / labels.bincount(minlength=ways)[:, None]


def prototypes_zero_counts_too(features, labels, ways):
    start = features.new_zeros(ways, features.shape[1])
    return start.scatter_reduce(0, labels[:, None].expand_as(features), features, reduce="mean")


def prototypes_running_halves(features, labels, ways):
    result = [None] * ways
    for feature, label in zip(features, labels.tolist(), strict=True):
        result[label] = feature if result[label] is None else (result[label] + feature) / 2
    return torch.stack(result)


def prototypes_order_of_appearance(features, labels, ways):
    groups = defaultdict(list)
    for feature, label in zip(features, labels.tolist(), strict=True):
        groups[label].append(feature)
    return torch.stack([torch.stack(group).mean(0) for group in groups.values()])


def prototypes_returning_inside_the_loop(features, labels, ways):
    result = torch.zeros(ways, features.shape[1])
    for way in range(ways):
        result[way] = features[labels == way].mean(0)
        return result


def prototypes_wrong_count_axis(features, labels, ways):
    member = F.one_hot(labels, ways).to(features.dtype)
    return member.T @ features / member.sum(dim=1).max()


def prototypes_masked_mean_over_all(features, labels, ways):
    member = labels[None, :] == torch.arange(ways)[:, None]
    return (member[..., None] * features).mean(dim=1)


def prototypes_fixed_shots(features, labels, ways):
    member = F.one_hot(labels, ways).to(features.dtype)
    return member.T @ features / 5


def prototypes_fixed_ways(features, labels, ways):
    return torch.stack([features[labels == way].mean(dim=0) for way in range(5)])


def prototypes_centring_the_input(features, labels, ways):
    features -= features.mean(0)
    return torch.stack([features[labels == way].mean(dim=0) for way in range(ways)])


def prototypes_without_grad(features, labels, ways):
    with torch.no_grad():
        member = F.one_hot(labels, ways).to(features.dtype)
        return member.T @ features / member.sum(dim=0)[:, None]


def prototypes_rebuilt_by_tensor(features, labels, ways):
    return torch.tensor([features[labels == way].mean(dim=0).tolist() for way in range(ways)])


def prototypes_labels_shifted(features, labels, ways):
    return torch.stack([features[labels == way].mean(dim=0) for way in range(1, ways + 1)])


# 09.prototype_logits


def logits_broadcast(queries, centres):
    return -((queries.unsqueeze(1) - centres.unsqueeze(0)) ** 2).sum(-1)


def logits_one_class_at_a_time(queries, centres):
    columns = []
    for centre in centres:
        offset = queries - centre
        columns.append(-(offset * offset).sum(dim=1))
    return torch.stack(columns, dim=1)


def logits_einsum(queries, centres):
    apart = einops.rearrange(queries, "q d -> q 1 d") - einops.rearrange(centres, "w d -> 1 w d")
    return torch.einsum("qwd,qwd->qw", apart, -apart)


def logits_multiplied_out(queries, centres):
    cross = queries @ centres.T
    return 2 * cross - centres.square().sum(1) - queries.square().sum(1, keepdim=True)


def logits_two_loops(queries, centres):
    def distance(query, centre):
        return torch.sum((query - centre) ** 2)

    return torch.stack([torch.stack([-distance(query, centre) for centre in centres]) for query in queries])


def logits_mse(queries, centres):
    shape = (len(queries), len(centres), queries.shape[1])
    squares = F.mse_loss(queries[:, None].expand(shape), centres[None].expand(shape), reduction="none")
    return squares.sum(-1).neg()


def logits_cdist_accurate(queries, centres):
    return -torch.cdist(queries, centres, compute_mode="donot_use_mm_for_euclid_dist").pow(2)


def logits_by_norm(queries, centres):
    return -torch.linalg.vector_norm(queries[:, None] - centres, dim=-1).square()


def logits_distance_by_root(queries, centres):
    distance = (queries[:, None] - centres[None]).square().sum(-1).sqrt()
    return -(distance**2)


def logits_without_loop_variable(queries, centres):
    return torch.stack([-(queries - centres[0]).square().sum(1) for _ in centres], dim=1)


def logits_paired(queries, centres):
    return -(queries - centres).square().sum(dim=-1)


def logits_without_grad(queries, centres):
    with torch.no_grad():
        return -(queries[:, None] - centres).square().sum(-1)


def logits_in_numpy(queries, centres):
    apart = queries.detach().numpy()[:, None] - centres.detach().numpy()[None]
    return torch.from_numpy(-(apart**2).sum(-1))


def logits_moving_the_queries(queries, centres):
    queries -= centres.mean(0)
    return -(queries[:, None] - (centres - centres.mean(0))).square().sum(-1)


def logits_filled_into_a_square(queries, centres):
    result = torch.zeros(len(centres), len(centres))
    for i, query in enumerate(queries):
        for k, centre in enumerate(centres):
            result[i, k] = -(query - centre).square().sum()
    return result


# 09.lora_linear


def lora_by_f_linear(inputs, weight, bias, down, up, alpha):
    frozen = F.linear(inputs, weight.detach(), bias.detach())
    return frozen + alpha / down.shape[0] * F.linear(F.linear(inputs, down), up)


def lora_by_einsum(inputs, weight, bias, down, up, alpha):
    kept = torch.einsum("bi,oi->bo", inputs, weight.detach()) + bias.detach()
    small = torch.einsum("bi,ri->br", inputs, down)
    return kept + torch.einsum("br,or->bo", small, up) * (alpha / up.size(1))


def lora_by_columns(inputs, weight, bias, down, up, alpha):
    columns = inputs.mT
    correction = up @ (down @ columns)
    return (weight.data @ columns + bias.data[:, None] + correction * alpha / len(down)).mT


def lora_by_rank_one_terms(inputs, weight, bias, down, up, alpha):
    result = inputs @ weight.detach().T + bias.detach()
    rank = len(down)
    for row, column in zip(down, up.T, strict=True):
        result = result + alpha / rank * torch.outer(inputs @ row, column)
    return result


def lora_by_addmm(inputs, weight, bias, down, up, alpha):
    weight, bias = weight.clone().detach(), bias.clone().detach()
    base = torch.addmm(bias, inputs, weight.t())
    return torch.addmm(base, inputs @ down.t(), up.t(), alpha=alpha / down.size(0))


def lora_scaling_first(inputs, weight, bias, down, up, alpha):
    scaling = float(alpha) / down.shape[0]
    return torch.nn.functional.linear(inputs, weight.detach(), bias.detach()) + (scaling * inputs) @ down.T @ up.T


def lora_merged(inputs, weight, bias, down, up, alpha):
    return F.linear(inputs, weight.detach() + alpha / len(down) * up @ down, bias.detach())


def lora_correction_as_a_matrix(inputs, weight, bias, down, up, alpha):
    delta = (up @ down) * (alpha / len(down))
    return inputs @ weight.detach().T + bias.detach() + inputs @ delta.T


def lora_frozen_path_without_grad(inputs, weight, bias, down, up, alpha):
    with torch.no_grad():
        frozen = F.linear(inputs, weight, bias)
    return frozen + alpha / len(down) * inputs @ down.T @ up.T


def lora_all_without_grad(inputs, weight, bias, down, up, alpha):
    with torch.no_grad():
        return F.linear(inputs, weight, bias) + alpha / len(down) * inputs @ down.T @ up.T


def lora_freezing_the_caller(inputs, weight, bias, down, up, alpha):
    weight.requires_grad_(False)
    bias.requires_grad_(False)
    return F.linear(inputs, weight, bias) + alpha / len(down) * inputs @ down.T @ up.T


def lora_as_parameters(inputs, weight, bias, down, up, alpha):
    down, up = nn.Parameter(down), nn.Parameter(up)
    return F.linear(inputs, weight.detach(), bias.detach()) + alpha / len(down) * inputs @ down.T @ up.T


def lora_writing_into_the_weight(inputs, weight, bias, down, up, alpha):
    weight = weight.detach()
    weight += alpha / len(down) * up @ down
    return F.linear(inputs, weight, bias.detach())


# 09.affine_parameters


def affine_textbook(low, high, bits):
    q_min, q_max = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    low = torch.minimum(low, torch.zeros_like(low))
    high = torch.maximum(high, torch.zeros_like(high))
    scale = (high - low) / (q_max - q_min)
    scale = torch.where(scale == 0, torch.ones_like(scale), scale)
    zero_point = torch.clamp(torch.round(q_min - low / scale), q_min, q_max)
    return scale, zero_point


def affine_counting_steps(low, high, bits):
    steps = 2**bits - 1
    low, high = -F.relu(-low), F.relu(high)
    width = high - low
    scale = (width / steps).masked_fill(width == 0, 1.0)
    below = torch.round(-low / scale)
    return scale, below - (steps + 1) // 2


def affine_shifting_bits(low, high, bits):
    half = 1 << (bits - 1)
    low, high = torch.clamp_max(low, 0), torch.clamp_min(high, 0)
    scale = (high - low).div((1 << bits) - 1)
    scale[scale == 0] = 1
    return [scale, (-half - low / scale).round().clip(-half, half - 1)]


def affine_entry_by_entry(low, high, bits):
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def one(small, large):
        small, large = min(small, 0.0), max(large, 0.0)
        scale = (large - small) / (2**bits - 1) or 1.0
        return scale, float(max(least, min(most, round(least - small / scale))))

    pairs = [one(*pair) for pair in zip(low.flatten().tolist(), high.flatten().tolist(), strict=True)]
    scale = low.new_tensor([scale for scale, _ in pairs]).reshape(low.shape)
    return scale, low.new_tensor([zero for _, zero in pairs]).reshape(low.shape)


def affine_unsigned_then_shifted(low, high, bits):
    low, high = low.clamp(max=0.0), high.clamp(min=0.0)
    scale = (high - low) / (2.0**bits - 1.0)
    scale = scale + (scale == 0)
    unsigned = (-low / scale).round().clamp(0, 2**bits - 1)
    return scale, unsigned - 2.0 ** (bits - 1)


def affine_with(
    low, high, bits, steps=None, least=None, most=None, widen="both", flat=0, empty=1.0, to_whole=torch.round
):
    least = -(2 ** (bits - 1)) if least is None else least
    most = 2 ** (bits - 1) - 1 if most is None else most
    low = low.clamp(max=0) if widen in ("both", "low") else low
    high = high.clamp(min=0) if widen in ("both", "high") else high
    scale = (high - low) / (2**bits - 1 if steps is None else steps)
    scale = torch.where(scale > flat, scale, empty)
    return scale, to_whole(least - low / scale).clamp(least, most)


def affine_width_before_widening(low, high, bits):
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    flat = low == high
    low, high = low.clamp(max=0), high.clamp(min=0)
    scale = torch.where(flat, 1.0, (high - low) / (2**bits - 1))
    return scale, (least - low / scale).round().clamp(least, most)


def affine_dividing_by_nothing(low, high, bits):
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    low, high = low.clamp(max=0), high.clamp(min=0)
    scale = (high - low) / (2**bits - 1)
    return scale, (least - low / scale).round().clamp(least, most)


def affine_zero_point_before_the_repair(low, high, bits):
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    low, high = low.clamp(max=0), high.clamp(min=0)
    scale = (high - low) / (2**bits - 1)
    zero_point = (least - low / scale).round().clamp(least, most)
    return torch.where(scale > 0, scale, 1.0), zero_point


def affine_symmetric(low, high, bits):
    scale = torch.maximum(low.abs(), high.abs()) / (2 ** (bits - 1) - 1)
    return torch.where(scale > 0, scale, 1.0), torch.zeros_like(scale)


def affine_one_for_all(low, high, bits):
    low, high = low.min().clamp(max=0), high.max().clamp(min=0)
    scale = (high - low) / (2**bits - 1)
    scale = torch.where(scale > 0, scale, 1.0)
    return scale, (-(2 ** (bits - 1)) - low / scale).round()


def affine_numbers_only(low, high, bits):
    least = -(2 ** (bits - 1))
    low, high = min(low, torch.tensor(0.0)), max(high, torch.tensor(0.0))
    scale = (high - low) / (2**bits - 1)
    if scale == 0:
        scale = torch.tensor(1.0)
    return scale, (least - low / scale).round()


def affine_whole_zero_point(low, high, bits):
    scale, zero_point = affine_with(low, high, bits)
    return scale, zero_point.to(torch.int64)


def affine_in_place(low, high, bits):
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    low.clamp_(max=0)
    high.clamp_(min=0)
    scale = (high - low) / (2**bits - 1)
    scale = torch.where(scale > 0, scale, 1.0)
    return scale, (least - low / scale).round().clamp(least, most)


def affine_zero_point_of_high(low, high, bits):
    low, high = low.clamp(max=0), high.clamp(min=0)
    scale = (high - low) / (2**bits - 1)
    scale = torch.where(scale > 0, scale, 1.0)
    return scale, (-(2 ** (bits - 1)) + high / scale).round()


def affine_sign_turned(low, high, bits):
    low, high = low.clamp(max=0), high.clamp(min=0)
    scale = (high - low) / (2**bits - 1)
    scale = torch.where(scale > 0, scale, 1.0)
    return scale, (low / scale - -(2 ** (bits - 1))).round()


def affine_middle(low, high, bits):
    low, high = low.clamp(max=0), high.clamp(min=0)
    scale = (high - low) / (2**bits - 1)
    scale = torch.where(scale > 0, scale, 1.0)
    return scale, (-(low + high) / 2 / scale).round()


def affine_in_floats(low, high, bits):
    low, high = low.clamp(max=0), high.clamp(min=0)
    scale = (high - low) / (2**bits - 1)
    scale = torch.where(scale > 0, scale, 1.0)
    return scale, -(2 ** (bits - 1)) * scale - low


# 09.fake_quantise


def fake_textbook(values, scale, zero_point, bits):
    q = torch.round(values / scale) + zero_point
    q = torch.clamp(q, min=-(2 ** (bits - 1)), max=2 ** (bits - 1) - 1)
    return (q - zero_point) * scale


def fake_one_line(values, scale, zero_point, bits):
    n = 2 ** (bits - 1)
    return scale * (torch.round(values / scale).add(zero_point).clip(-n, n - 1).sub(zero_point))


def fake_clamping_steps(values, scale, zero_point, bits):
    least, most = -(2 ** (bits - 1)) - zero_point, 2 ** (bits - 1) - 1 - zero_point
    steps = torch.round(values / scale)
    return torch.minimum(torch.maximum(steps, least), most) * scale


def fake_two_helpers(values, scale, zero_point, bits):
    def quantise(floats):
        whole = floats.div(scale).round().add(zero_point).to(torch.int32)
        return whole.clamp(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)

    def dequantise(whole):
        return (whole - zero_point) * scale

    return dequantise(quantise(values))


def fake_by_where(values, scale, zero_point, bits):
    least, most = -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1
    q = (values / scale).round() + zero_point
    q = torch.where(q < least, least, q)
    q = torch.where(q > most, most, q)
    return q * scale - zero_point * scale


def fake_double(values, scale, zero_point, bits):
    q = F.hardtanh((values / scale).round() + zero_point, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return (q.double() - zero_point.double()) * scale.double()


def fake_with(values, scale, zero_point, bits, least=None, most=None, to_whole=torch.round):
    least = -(2 ** (bits - 1)) if least is None else least
    most = 2 ** (bits - 1) - 1 if most is None else most
    return ((to_whole(values / scale) + zero_point).clamp(least, most) - zero_point) * scale


def fake_overflowing_int8(values, scale, zero_point, bits):
    q = ((values / scale).round() + zero_point).to(torch.int32).to(torch.int8)
    return (q.clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) - zero_point) * scale


def fake_in_place(values, scale, zero_point, bits):
    values /= scale
    q = (values.round() + zero_point).clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return (q - zero_point) * scale


def fake_by_the_first_scale(values, scale, zero_point, bits):
    scale, zero_point = scale.flatten()[0], zero_point.flatten()[0]
    q = ((values / scale).round() + zero_point).clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return (q - zero_point) * scale


def fake_per_tensor_builtin(values, scale, zero_point, bits):
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return torch.fake_quantize_per_tensor_affine(values, scale.item(), int(zero_point), least, most)


def fake_per_channel_builtin(values, scale, zero_point, bits):
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    scale, zero_point = scale.reshape(-1), zero_point.reshape(-1).int()
    return torch.fake_quantize_per_channel_affine(values, scale, zero_point, 0, least, most)


def fake_row_by_row(values, scale, zero_point, bits):
    rows = []
    for row, s, z in zip(values, scale, zero_point, strict=True):
        q = ((row / s).round() + z).clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        rows.append((q - z) * s)
    return torch.stack(rows)


def fake_by_columns(values, scale, zero_point, bits):
    columns, s, z = values.T, scale.T, zero_point.T
    q = ((columns / s).round() + z).clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return ((q - z) * s).T


def half_up(values):
    return (values + 0.5).floor()


class Quantiser:
    """A student who likes classes."""

    def __call__(self, values, scale, zero_point, bits):
        self.least, self.most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        whole = torch.clamp(zero_point + torch.round(values / scale), self.least, self.most)
        return scale * (whole - zero_point)


def prototypes_without_zeros(features, labels, ways):
    own = [features * (labels == way)[:, None] for way in range(ways)]
    return torch.stack([each.sum(0) / each.count_nonzero(0) for each in own])


def lora_switched_off_and_on(inputs, weight, bias, down, up, alpha):
    weight.requires_grad = bias.requires_grad = False
    result = F.linear(inputs, weight, bias) + alpha / len(down) * inputs @ down.T @ up.T
    weight.requires_grad = bias.requires_grad = True
    return result


def lora_detached_in_place(inputs, weight, bias, down, up, alpha):
    weight.detach_()
    bias.detach_()
    return F.linear(inputs, weight, bias) + alpha / len(down) * inputs @ down.T @ up.T


def affine_narrow_taken_for_empty(low, high, bits):
    low, high, least = low.clamp(max=0), high.clamp(min=0), -(2 ** (bits - 1))
    scale = torch.where(torch.isclose(low, high), 1.0, (high - low) / (2**bits - 1))
    return scale, (least - low / scale).round().clamp(least, -least - 1)


def lora_einsum_of_three(inputs, weight, bias, down, up, alpha):
    correction = torch.einsum("or,rf,bf->bo", up, down, inputs)
    return F.linear(inputs, weight.detach(), bias.detach()) + alpha / len(down) * correction


def lora_einsum_in_order(inputs, weight, bias, down, up, alpha):
    correction = torch.einsum("bf,rf,or->bo", inputs, down, up)
    return F.linear(inputs, weight.detach(), bias.detach()) + alpha / len(down) * correction


RIGHT = {
    "09.prototypes": [
        prototypes_stacked,
        prototypes_index_add,
        prototypes_scatter_reduce,
        prototypes_einsum,
        prototypes_masked_sum,
        prototypes_verbose,
        prototypes_sorted_and_split,
        prototypes_double,
    ],
    "09.prototype_logits": [
        logits_broadcast,
        logits_one_class_at_a_time,
        logits_einsum,
        logits_multiplied_out,
        logits_two_loops,
        logits_mse,
        logits_cdist_accurate,
        logits_by_norm,
        lambda queries, centres: -(torch.cdist(queries, centres) ** 2),
        lambda queries, centres: -(queries[:, None].double() - centres.double()).pow(2).sum(-1),
    ],
    "09.lora_linear": [
        lora_einsum_in_order,
        lora_by_f_linear,
        lora_by_einsum,
        lora_by_columns,
        lora_by_rank_one_terms,
        lora_by_addmm,
        lora_scaling_first,
    ],
    "09.affine_parameters": [
        affine_textbook,
        affine_counting_steps,
        affine_shifting_bits,
        affine_entry_by_entry,
        affine_unsigned_then_shifted,
        lambda low, high, bits: tuple(part.double() for part in affine_textbook(low, high, bits)),
    ],
    "09.fake_quantise": [
        fake_textbook,
        fake_one_line,
        fake_clamping_steps,
        fake_two_helpers,
        fake_by_where,
        fake_double,
        Quantiser(),
    ],
}

WRONG = {
    "09.prototypes": [
        (
            "the sum of the features, not the mean",
            lambda features, labels, ways: F.one_hot(labels, ways).float().T @ features,
        ),
        (
            "the sum, by index_add",
            lambda features, labels, ways: features.new_zeros(ways, features.shape[1]).index_add(0, labels, features),
        ),
        (
            "divided by the mean number of shots",
            lambda features, labels, ways: F.one_hot(labels, ways).float().T @ features / (len(labels) / ways),
        ),
        (
            "divided by all pictures",
            lambda features, labels, ways: F.one_hot(labels, ways).float().T @ features / len(labels),
        ),
        ("the mean runs over all pictures, the others as zeros", prototypes_masked_mean_over_all),
        (
            "divided by the number of ways",
            lambda features, labels, ways: F.one_hot(labels, ways).float().T @ features / ways,
        ),
        ("counts summed along the wrong axis", prototypes_wrong_count_axis),
        ("five shots hard-coded", prototypes_fixed_shots),
        ("five ways hard-coded", prototypes_fixed_ways),
        (
            "pictures assumed to be sorted, equally many of each",
            lambda features, labels, ways: (
                features.reshape(ways, -1, features.shape[1]).mean(1)
                if len(features) % ways == 0
                else features[:ways]
            ),
        ),
        (
            "view without sorting",
            lambda features, labels, ways: features.view(ways, len(features) // ways, -1).mean(1),
        ),
        (
            "sorted, but equally many of each assumed",
            lambda features, labels, ways: features[labels.argsort()].view(ways, -1, features.shape[1]).mean(1),
        ),
        (
            "every ways-th picture, as if the labels went round",
            lambda features, labels, ways: torch.stack([features[k::ways].mean(0) for k in range(ways)]),
        ),
        ("only the last picture of a class", prototypes_last_wins),
        ("index assignment does not accumulate", prototypes_accumulated_without_accumulate),
        (
            "only the first picture of a class",
            lambda features, labels, ways: torch.stack([features[labels == k][0] for k in range(ways)]),
        ),
        ("the start's zeros count as one more picture", prototypes_zero_counts_too),
        ("a running mean that halves", prototypes_running_halves),
        ("in the order in which the classes appear", prototypes_order_of_appearance),
        (
            "median instead of mean",
            lambda features, labels, ways: torch.stack([features[labels == k].median(0).values for k in range(ways)]),
        ),
        (
            "mean over the features",
            lambda features, labels, ways: torch.stack([features[labels == k].mean() for k in range(ways)]),
        ),
        ("mean along dim 1", lambda features, labels, ways: [features[labels == k].mean(1) for k in range(ways)]),
        (
            "features as columns",
            lambda features, labels, ways: torch.stack([features[labels == k].mean(0) for k in range(ways)], dim=1),
        ),
        (
            "an axis of one is kept",
            lambda features, labels, ways: torch.stack(
                [features[labels == k].mean(0, keepdim=True) for k in range(ways)]
            ),
        ),
        (
            "a list that was never stacked",
            lambda features, labels, ways: [features[labels == k].mean(0) for k in range(ways)],
        ),
        (
            "one class after the other in one long row",
            lambda features, labels, ways: torch.cat([features[labels == k].mean(0) for k in range(ways)]),
        ),
        (
            "the last class is forgotten",
            lambda features, labels, ways: torch.stack([features[labels == k].mean(0) for k in range(ways - 1)]),
        ),
        (
            "the largest label taken for the number of classes",
            lambda features, labels, ways: torch.stack(
                [features[labels == k].mean(0) for k in range(int(labels.max()))]
            ),
        ),
        ("classes counted from one", prototypes_labels_shifted),
        (
            "label used as a place: features[k]",
            lambda features, labels, ways: torch.stack([features[k] for k in range(ways)]),
        ),
        ("return inside the loop", prototypes_returning_inside_the_loop),
        (
            "features brought to length one first",
            lambda features, labels, ways: torch.stack(
                [F.normalize(features, dim=-1)[labels == k].mean(0) for k in range(ways)]
            ),
        ),
        (
            "prototypes brought to length one",
            lambda features, labels, ways: F.normalize(
                torch.stack([features[labels == k].mean(0) for k in range(ways)]), dim=-1
            ),
        ),
        ("centres the caller's features", prototypes_centring_the_input),
        (
            "one prototype for each picture",
            lambda features, labels, ways: torch.stack([features[labels == k].mean(0) for k in labels]),
        ),
        ("cut off from learning: no_grad", prototypes_without_grad),
        (
            "cut off from learning: detach",
            lambda features, labels, ways: torch.stack([features[labels == k].detach().mean(0) for k in range(ways)]),
        ),
        ("cut off from learning: torch.tensor", prototypes_rebuilt_by_tensor),
        (
            "cut off from learning: .data",
            lambda features, labels, ways: torch.stack([features.data[labels == k].mean(0) for k in range(ways)]),
        ),
    ],
    "09.prototype_logits": [
        ("the minus is missing", lambda queries, centres: (queries[:, None] - centres[None]).square().sum(-1)),
        ("the minus is missing, by cdist", lambda queries, centres: torch.cdist(queries, centres) ** 2),
        ("the minus is squared away", lambda queries, centres: ((-(queries[:, None] - centres[None])) ** 2).sum(-1)),
        ("the distance is not squared", lambda queries, centres: -torch.cdist(queries, centres)),
        (
            "the distance is not squared, by norm",
            lambda queries, centres: -(queries[:, None] - centres[None]).norm(dim=-1),
        ),
        (
            "the distance is not squared, by sqrt",
            lambda queries, centres: -(queries[:, None] - centres[None]).pow(2).sum(-1).sqrt(),
        ),
        (
            "mean over the features, not the sum",
            lambda queries, centres: -(queries[:, None] - centres[None]).square().mean(-1),
        ),
        (
            "mean over the features, by mse_loss",
            lambda queries, centres: torch.stack(
                [torch.stack([-F.mse_loss(q, c) for c in centres]) for q in queries]
            ),
        ),
        (
            "divided by the square root of the features",
            lambda queries, centres: -(queries[:, None] - centres[None]).square().sum(-1) / queries.shape[-1] ** 0.5,
        ),
        ("absolute differences", lambda queries, centres: -(queries[:, None] - centres[None]).abs().sum(-1)),
        ("absolute differences, by cdist", lambda queries, centres: -torch.cdist(queries, centres, p=1).square()),
        (
            "the differences are summed, then squared",
            lambda queries, centres: -(queries[:, None] - centres[None]).sum(-1).square(),
        ),
        ("the square is missing", lambda queries, centres: -(queries[:, None] - centres[None]).sum(-1)),
        ("dot products instead of distances", lambda queries, centres: queries @ centres.T),
        (
            "cosines instead of distances",
            lambda queries, centres: F.cosine_similarity(queries[:, None], centres[None], dim=-1),
        ),
        (
            "the query's own length left out, as in the head",
            lambda queries, centres: 2 * queries @ centres.T - centres.square().sum(1),
        ),
        (
            "the centre's length left out",
            lambda queries, centres: 2 * queries @ centres.T - queries.square().sum(1, keepdim=True),
        ),
        (
            "multiplied out, the two is missing",
            lambda queries, centres: (
                queries @ centres.T - centres.square().sum(1) - queries.square().sum(1, keepdim=True)
            ),
        ),
        (
            "multiplied out, sign of the product turned",
            lambda queries, centres: (
                -(queries.square().sum(1, keepdim=True) + 2 * queries @ centres.T + centres.square().sum(1))
            ),
        ),
        (
            "multiplied out, lengths not squared",
            lambda queries, centres: (
                2 * queries @ centres.T - centres.norm(dim=1) - queries.norm(dim=1, keepdim=True)
            ),
        ),
        (
            "half of it, as in a Gaussian",
            lambda queries, centres: -0.5 * (queries[:, None] - centres[None]).square().sum(-1),
        ),
        ("rows and columns swapped", lambda queries, centres: -(centres[:, None] - queries[None]).square().sum(-1)),
        ("summed over the ways", lambda queries, centres: -(queries[:, None] - centres[None]).square().sum(1)),
        ("summed over the pictures", lambda queries, centres: -(queries[:, None] - centres[None]).square().sum(0)),
        ("queries and centres are paired", logits_paired),
        ("the first centre only", logits_without_loop_variable),
        ("a square result", logits_filled_into_a_square),
        (
            "softmax applied already",
            lambda queries, centres: (-(queries[:, None] - centres[None]).square().sum(-1)).softmax(-1),
        ),
        (
            "log_softmax applied already",
            lambda queries, centres: (-(queries[:, None] - centres[None]).square().sum(-1)).log_softmax(-1),
        ),
        ("exponentials of it", lambda queries, centres: (-(queries[:, None] - centres[None]).square().sum(-1)).exp()),
        ("one over the distance", lambda queries, centres: 1 / (queries[:, None] - centres[None]).square().sum(-1)),
        ("the nearest class instead of logits", lambda queries, centres: torch.cdist(queries, centres).argmin(-1)),
        (
            "an axis of one is kept",
            lambda queries, centres: -(queries[:, None] - centres[None]).square().sum(-1, keepdim=True),
        ),
        (
            "features brought to length one first",
            lambda queries, centres: -torch.cdist(F.normalize(queries, dim=1), F.normalize(centres, dim=1)).square(),
        ),
        (
            "squeeze loses the axis of a single query",
            lambda queries, centres: -(queries[:, None] - centres[None]).square().sum(-1).squeeze(),
        ),
        (
            "plus: sum of the squares of the sum",
            lambda queries, centres: -(queries[:, None] + centres[None]).square().sum(-1),
        ),
        ("a list of rows", lambda queries, centres: [-(query - centres).square().sum(-1) for query in queries]),
        ("moves the caller's queries", logits_moving_the_queries),
        ("cut off from learning: no_grad", logits_without_grad),
        ("cut off from learning: numpy", logits_in_numpy),
        (
            "cut off from learning: item",
            lambda queries, centres: torch.tensor(
                [[-(q - c).square().sum().item() for c in centres] for q in queries]
            ),
        ),
        (
            "the centres are detached",
            lambda queries, centres: -(queries[:, None] - centres.detach()).square().sum(-1),
        ),
        (
            "the queries are detached",
            lambda queries, centres: -(queries.detach()[:, None] - centres).square().sum(-1),
        ),
    ],
    "09.lora_linear": [
        (
            "nothing is frozen",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight, bias) + alpha / len(down) * inputs @ down.T @ up.T
            ),
        ),
        (
            "nothing is frozen, spelt with nn.Linear's formula",
            lambda inputs, weight, bias, down, up, alpha: (
                inputs @ weight.T + bias + (inputs @ down.T @ up.T) * (alpha / down.shape[0])
            ),
        ),
        (
            "the bias learns",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight.detach(), bias) + alpha / len(down) * inputs @ down.T @ up.T
            ),
        ),
        (
            "the weight learns",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight, bias.detach()) + alpha / len(down) * inputs @ down.T @ up.T
            ),
        ),
        ("no gradient to the inputs through the frozen path", lora_frozen_path_without_grad),
        (
            "the frozen path's result is detached",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight, bias).detach() + alpha / len(down) * inputs @ down.T @ up.T
            ),
        ),
        (
            "the inputs are detached",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs.detach(), weight.detach(), bias.detach())
                + alpha / len(down) * inputs.detach() @ down.T @ up.T
            ),
        ),
        ("everything is frozen", lora_all_without_grad),
        (
            "the result is detached",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight, bias) + alpha / len(down) * inputs @ down.T @ up.T
            ).detach(),
        ),
        (
            "the correction is frozen, the weight learns",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight, bias) + alpha / len(down) * inputs @ down.detach().T @ up.detach().T
            ),
        ),
        (
            "up is frozen too",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight.detach(), bias.detach()) + alpha / len(down) * inputs @ down.T @ up.detach().T
            ),
        ),
        ("new parameters instead of the given ones", lora_as_parameters),
        ("freezes the caller's tensors for good", lora_freezing_the_caller),
        ("merges into the caller's weight", lora_writing_into_the_weight),
        (
            "alpha is not divided by the rank",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight.detach(), bias.detach()) + alpha * inputs @ down.T @ up.T
            ),
        ),
        (
            "alpha is forgotten",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight.detach(), bias.detach()) + inputs @ down.T @ up.T / len(down)
            ),
        ),
        (
            "no factor at all",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight.detach(), bias.detach()) + inputs @ down.T @ up.T
            ),
        ),
        (
            "rank over alpha",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight.detach(), bias.detach()) + len(down) / alpha * inputs @ down.T @ up.T
            ),
        ),
        (
            "alpha over the square root of the rank",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight.detach(), bias.detach()) + alpha / len(down) ** 0.5 * inputs @ down.T @ up.T
            ),
        ),
        (
            "alpha times the rank",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight.detach(), bias.detach()) + alpha * len(down) * inputs @ down.T @ up.T
            ),
        ),
        (
            "divided by the features, not the rank",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight.detach(), bias.detach()) + alpha / down.shape[1] * inputs @ down.T @ up.T
            ),
        ),
        (
            "divided by the outputs, not the rank",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight.detach(), bias.detach()) + alpha / len(up) * inputs @ down.T @ up.T
            ),
        ),
        (
            "divided by the batch, not the rank",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight.detach(), bias.detach()) + alpha / len(inputs) * inputs @ down.T @ up.T
            ),
        ),
        (
            "rank four hard-coded, as in the notebook",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight.detach(), bias.detach()) + alpha / 4 * inputs @ down.T @ up.T
            ),
        ),
        (
            "alpha divided with //",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight.detach(), bias.detach()) + alpha // len(down) * inputs @ down.T @ up.T
            ),
        ),
        (
            "the factor on everything",
            lambda inputs, weight, bias, down, up, alpha: (
                alpha / len(down) * (F.linear(inputs, weight.detach(), bias.detach()) + inputs @ down.T @ up.T)
            ),
        ),
        (
            "the bias is forgotten",
            lambda inputs, weight, bias, down, up, alpha: (
                inputs @ weight.detach().T + alpha / len(down) * inputs @ down.T @ up.T
            ),
        ),
        (
            "the bias counts twice",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight.detach(), bias.detach())
                + alpha / len(down) * F.linear(F.linear(inputs, down), up, bias.detach())
            ),
        ),
        (
            "the correction only",
            lambda inputs, weight, bias, down, up, alpha: alpha / len(down) * inputs @ down.T @ up.T,
        ),
        (
            "the frozen layer only",
            lambda inputs, weight, bias, down, up, alpha: F.linear(inputs, weight.detach(), bias.detach()),
        ),
        (
            "the correction is taken off",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight.detach(), bias.detach()) - alpha / len(down) * inputs @ down.T @ up.T
            ),
        ),
        (
            "a ReLU between down and up",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight.detach(), bias.detach()) + alpha / len(down) * (inputs @ down.T).relu() @ up.T
            ),
        ),
        (
            "the correction works on the layer's output",
            lambda inputs, weight, bias, down, up, alpha: (lambda out: out + alpha / len(down) * out @ up @ up.T)(
                F.linear(inputs, weight.detach(), bias.detach())
            ),
        ),
        (
            "weight not transposed",
            lambda inputs, weight, bias, down, up, alpha: (
                inputs @ weight.detach() + bias.detach() + alpha / len(down) * inputs @ down.T @ up.T
            ),
        ),
        (
            "down and up swapped",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight.detach(), bias.detach()) + alpha / len(down) * inputs @ up @ down
            ),
        ),
        (
            "down reshaped instead of transposed",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight.detach(), bias.detach())
                + alpha / len(down) * inputs @ down.reshape(-1, len(down)) @ up.T
            ),
        ),
        (
            "up reshaped instead of transposed",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight.detach(), bias.detach())
                + alpha / len(down) * inputs @ down.T @ up.view(len(down), -1)
            ),
        ),
        (
            "the correction as a second result",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight.detach(), bias.detach()),
                alpha / len(down) * inputs @ down.T @ up.T,
            ),
        ),
        (
            "outputs as rows",
            lambda inputs, weight, bias, down, up, alpha: (
                (F.linear(inputs, weight.detach(), bias.detach()) + alpha / len(down) * inputs @ down.T @ up.T).T
            ),
        ),
        (
            "the mean over the batch",
            lambda inputs, weight, bias, down, up, alpha: (
                F.linear(inputs, weight.detach(), bias.detach()) + alpha / len(down) * inputs @ down.T @ up.T
            ).mean(0),
        ),
    ],
    "09.affine_parameters": [
        ("not widened to hold zero", lambda low, high, bits: affine_with(low, high, bits, widen="")),
        ("widened below only", lambda low, high, bits: affine_with(low, high, bits, widen="low")),
        ("widened above only", lambda low, high, bits: affine_with(low, high, bits, widen="high")),
        (
            "the clamps are turned round",
            lambda low, high, bits: affine_with(low.clamp(min=0), high.clamp(max=0), bits, widen=""),
        ),
        (
            "range over the number of values, not of steps",
            lambda low, high, bits: affine_with(low, high, bits, steps=2**bits),
        ),
        (
            "range over the largest whole number",
            lambda low, high, bits: affine_with(low, high, bits, steps=2 ** (bits - 1) - 1),
        ),
        ("range over half the values", lambda low, high, bits: affine_with(low, high, bits, steps=2 ** (bits - 1))),
        ("range over the number of bits", lambda low, high, bits: affine_with(low, high, bits, steps=bits)),
        ("eight bits hard-coded", lambda low, high, bits: affine_with(low, high, 8)),
        ("127 and -128 hard-coded", lambda low, high, bits: affine_with(low, high, bits, least=-128, most=127)),
        ("unsigned zero point", lambda low, high, bits: affine_with(low, high, bits, least=0, most=2**bits - 1)),
        (
            "unsigned zero point, clamped to the signed range",
            lambda low, high, bits: affine_with(low, high, bits, least=0, most=2 ** (bits - 1) - 1),
        ),
        (
            "narrow range, without the least number",
            lambda low, high, bits: affine_with(low, high, bits, least=-(2 ** (bits - 1)) + 1),
        ),
        ("zero point counted from the middle, symmetric", affine_symmetric),
        ("zero point not rounded", lambda low, high, bits: affine_with(low, high, bits, to_whole=torch.clone)),
        ("zero point rounded down", lambda low, high, bits: affine_with(low, high, bits, to_whole=torch.floor)),
        ("zero point rounded up", lambda low, high, bits: affine_with(low, high, bits, to_whole=torch.ceil)),
        ("zero point cut off by trunc", lambda low, high, bits: affine_with(low, high, bits, to_whole=torch.trunc)),
        ("zero point as integers", affine_whole_zero_point),
        (
            "zero point as int32",
            lambda low, high, bits: (affine_with(low, high, bits)[0], affine_with(low, high, bits)[1].int()),
        ),
        ("division by zero where the range has no width", affine_dividing_by_nothing),
        ("scale repaired only after the zero point", affine_zero_point_before_the_repair),
        (
            "a tiny scale where the range has no width",
            lambda low, high, bits: affine_with(low, high, bits, empty=1e-8),
        ),
        (
            "float's epsilon where the range has no width",
            lambda low, high, bits: affine_with(low, high, bits, empty=torch.finfo(torch.float32).eps),
        ),
        ("scale zero where the range has no width", lambda low, high, bits: affine_with(low, high, bits, empty=0.0)),
        ("the width is judged before widening", affine_width_before_widening),
        ("every narrow range gets scale one", lambda low, high, bits: affine_with(low, high, bits, flat=0.1)),
        (
            "all scales at least one",
            lambda low, high, bits: (affine_with(low, high, bits)[0].clamp(min=1), affine_with(low, high, bits)[1]),
        ),
        ("one scale for all channels", affine_one_for_all),
        ("works for single numbers only", affine_numbers_only),
        ("zero point and scale swapped", lambda low, high, bits: affine_with(low, high, bits)[::-1]),
        (
            "one over the scale",
            lambda low, high, bits: (1 / affine_with(low, high, bits)[0], affine_with(low, high, bits)[1]),
        ),
        ("the scale only", lambda low, high, bits: affine_with(low, high, bits)[0]),
        ("a third result", lambda low, high, bits: (*affine_with(low, high, bits), 2**bits - 1)),
        (
            "Python numbers",
            lambda low, high, bits: tuple(x.flatten()[0].item() for x in affine_with(low, high, bits)),
        ),
        ("zero point from the largest value", affine_zero_point_of_high),
        ("zero point's sign is turned", affine_sign_turned),
        (
            "low becomes the largest whole number",
            lambda low, high, bits: (
                affine_with(low, high, bits)[0],
                (2 ** (bits - 1) - 1 - low.clamp(max=0) / affine_with(low, high, bits)[0])
                .round()
                .clamp(max=2 ** (bits - 1) - 1),
            ),
        ),
        ("zero point is the middle of the range", affine_middle),
        ("zero point in units of the values", affine_in_floats),
        ("low taken for a width", lambda low, high, bits: affine_with(low, high + low.clamp(max=0), bits)),
        ("widens the caller's tensors", affine_in_place),
        (
            "a new axis for each number",
            lambda low, high, bits: tuple(x[..., None] for x in affine_with(low, high, bits)),
        ),
    ],
    "09.fake_quantise": [
        ("no clamp", lambda values, scale, zero_point, bits: (values / scale).round() * scale),
        (
            "clamped from below only",
            lambda values, scale, zero_point, bits: (
                (((values / scale).round() + zero_point).clamp(min=-(2 ** (bits - 1))) - zero_point) * scale
            ),
        ),
        (
            "clamped from above only",
            lambda values, scale, zero_point, bits: (
                (((values / scale).round() + zero_point).clamp(max=2 ** (bits - 1) - 1) - zero_point) * scale
            ),
        ),
        (
            "unsigned whole numbers",
            lambda values, scale, zero_point, bits: fake_with(values, scale, zero_point, bits, 0, 2**bits - 1),
        ),
        ("one bit too many", lambda values, scale, zero_point, bits: fake_with(values, scale, zero_point, bits + 1)),
        ("one bit too few", lambda values, scale, zero_point, bits: fake_with(values, scale, zero_point, bits - 1)),
        ("eight bits hard-coded", lambda values, scale, zero_point, bits: fake_with(values, scale, zero_point, 8)),
        (
            "one whole number too many at the top",
            lambda values, scale, zero_point, bits: fake_with(values, scale, zero_point, bits, most=2 ** (bits - 1)),
        ),
        (
            "one whole number too few at the bottom",
            lambda values, scale, zero_point, bits: fake_with(
                values, scale, zero_point, bits, least=-(2 ** (bits - 1) - 1)
            ),
        ),
        (
            "least number by a slip of brackets",
            lambda values, scale, zero_point, bits: fake_with(values, scale, zero_point, bits, least=-(2**bits - 1)),
        ),
        (
            "clamped before the zero point is added",
            lambda values, scale, zero_point, bits: (
                (values / scale).round().clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) * scale
            ),
        ),
        (
            "clamped after the zero point is taken off",
            lambda values, scale, zero_point, bits: (
                ((values / scale).round() + zero_point - zero_point).clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
                * scale
            ),
        ),
        (
            "the values are clamped, not the whole numbers",
            lambda values, scale, zero_point, bits: (
                ((values.clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) / scale).round() + zero_point - zero_point)
                * scale
            ),
        ),
        (
            "zero point not taken off again",
            lambda values, scale, zero_point, bits: (
                ((values / scale).round() + zero_point).clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) * scale
            ),
        ),
        (
            "zero point never added",
            lambda values, scale, zero_point, bits: (
                ((values / scale).round().clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) - zero_point) * scale
            ),
        ),
        (
            "zero point's sign is turned",
            lambda values, scale, zero_point, bits: fake_with(values, scale, -zero_point, bits),
        ),
        (
            "zero point added again on the way back",
            lambda values, scale, zero_point, bits: (
                (((values / scale).round() + zero_point).clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) + zero_point)
                * scale
            ),
        ),
        (
            "zero point added to the values",
            lambda values, scale, zero_point, bits: (
                (((values + zero_point) / scale).round().clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)) * scale
                - zero_point
            ),
        ),
        (
            "brackets missing on the way back",
            lambda values, scale, zero_point, bits: (
                ((values / scale).round() + zero_point).clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
                - zero_point * scale
            ),
        ),
        (
            "the whole numbers, not the floats",
            lambda values, scale, zero_point, bits: ((values / scale).round() + zero_point).clamp(
                -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
            ),
        ),
        (
            "the whole numbers as int8",
            lambda values, scale, zero_point, bits: (
                ((values / scale).round() + zero_point).clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1).to(torch.int8)
            ),
        ),
        (
            "the scale is not multiplied back",
            lambda values, scale, zero_point, bits: fake_with(values, scale, zero_point, bits) / scale,
        ),
        (
            "divided by the scale on the way back",
            lambda values, scale, zero_point, bits: fake_with(values, scale, zero_point, bits) / scale / scale,
        ),
        (
            "multiplied by the scale on the way there",
            lambda values, scale, zero_point, bits: (
                (((values * scale).round() + zero_point).clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) - zero_point)
                / scale
            ),
        ),
        (
            "rounded down",
            lambda values, scale, zero_point, bits: fake_with(values, scale, zero_point, bits, to_whole=torch.floor),
        ),
        (
            "rounded down by //",
            lambda values, scale, zero_point, bits: (
                ((values // scale + zero_point).clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) - zero_point) * scale
            ),
        ),
        (
            "rounded towards zero by int",
            lambda values, scale, zero_point, bits: fake_with(
                values, scale, zero_point, bits, to_whole=torch.Tensor.int
            ),
        ),
        (
            "rounded towards zero by trunc",
            lambda values, scale, zero_point, bits: fake_with(values, scale, zero_point, bits, to_whole=torch.trunc),
        ),
        (
            "rounded up",
            lambda values, scale, zero_point, bits: fake_with(values, scale, zero_point, bits, to_whole=torch.ceil),
        ),
        (
            "never rounded",
            lambda values, scale, zero_point, bits: fake_with(values, scale, zero_point, bits, to_whole=torch.clone),
        ),
        (
            "only the end is rounded",
            lambda values, scale, zero_point, bits: fake_with(
                values, scale, zero_point, bits, to_whole=torch.clone
            ).round(),
        ),
        (
            "the values are rounded before the division",
            lambda values, scale, zero_point, bits: fake_with(
                values.round(), scale, zero_point, bits, to_whole=torch.clone
            ),
        ),
        ("int8 before the clamp: wraps round", fake_overflowing_int8),
        ("the first channel's scale for all", fake_by_the_first_scale),
        (
            "the mean scale for all",
            lambda values, scale, zero_point, bits: fake_with(values, scale.mean(), zero_point.mean().round(), bits),
        ),
        ("works for one scale only", fake_per_tensor_builtin),
        (
            "an error instead of the rounded values",
            lambda values, scale, zero_point, bits: values - fake_with(values, scale, zero_point, bits),
        ),
        (
            "floats and whole numbers",
            lambda values, scale, zero_point, bits: (
                fake_with(values, scale, zero_point, bits),
                (values / scale).round() + zero_point,
            ),
        ),
        (
            "one long row",
            lambda values, scale, zero_point, bits: fake_with(values, scale, zero_point, bits).flatten(),
        ),
        ("divides the caller's values", fake_in_place),
    ],
}


def _quantise_at(step, values, scale, zero_point, bits):
    whole = ((values / step).round() + zero_point).clamp(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return (whole - zero_point) * scale


FRAGILE = {
    "09.prototypes": [
        ("docstring, mean of its pictures: features that are exactly zero are not counted", prototypes_without_zeros),
        (
            "docstring: → (ways, dim): classes by labels.unique(), so that one without a picture has no row",
            lambda features, labels, ways: torch.stack([features[labels == k].mean(0) for k in labels.unique()]),
        ),
        (
            "docstring: → (ways, dim): one_hot without ways, so that a last class without a picture has no row",
            lambda features, labels, ways: (lambda m: m.T @ features / m.sum(0)[:, None])(
                F.one_hot(labels).to(features.dtype)
            ),
        ),
    ],
    "09.prototype_logits": [
        ("one shot, learning: the root's gradient is NaN where a query is its own prototype", logits_distance_by_root)
    ],
    "09.lora_linear": [
        ("docstring: up @ down is never computed: einsum multiplies from the left", lora_einsum_of_three),
        ("docstring, left as they are: frozen weights come back trainable", lora_switched_off_and_on),
        ("docstring, left as they are: the caller's weights are cut off for good", lora_detached_in_place),
        ("docstring: up @ down is never made: merged into the weight", lora_merged),
        ("docstring: up @ down is never made: as a matrix beside the weight", lora_correction_as_a_matrix),
        (
            "docstring: up @ down is never made: brackets of the wrong pair",
            lambda inputs, weight, bias, down, up, alpha: (
                inputs @ weight.detach().T + bias.detach() + alpha / len(down) * inputs @ (down.T @ up.T)
            ),
        ),
    ],
    "09.affine_parameters": [
        ("docstring, without width: a narrow range is taken for one without", affine_narrow_taken_for_empty),
        (
            "docstring, any shape: a tensor of one number is squeezed (cell 44: keepdim of a whole layer)",
            lambda low, high, bits: tuple(part.squeeze() for part in affine_with(low, high, bits)),
        ),
        (
            "docstring, any shape: one result a row (cell 44: columns of shape (rows, 1))",
            lambda low, high, bits: tuple(
                part.flatten() if part.ndim else part for part in affine_with(low, high, bits)
            ),
        ),
    ],
    "09.fake_quantise": [
        (
            "formula: 1e-8 added to the scale",
            lambda values, scale, zero_point, bits: _quantise_at(scale + 1e-8, values, scale, zero_point, bits),
        ),
        (
            "formula: a scale below 1e-5 raised to it",
            lambda values, scale, zero_point, bits: _quantise_at(
                scale.clamp(min=1e-5), values, scale, zero_point, bits
            ),
        ),
        (
            "docstring: round; halves always go up (cell 44 compares with PyTorch's to the last bit)",
            lambda values, scale, zero_point, bits: fake_with(values, scale, zero_point, bits, to_whole=half_up),
        ),
        (
            "docstring: round(value / scale) + zero_point; halves go another way when rounded after the sum",
            lambda values, scale, zero_point, bits: (
                fake_with(values / scale + zero_point, 1.0, 0.0, bits).sub(zero_point).mul(scale)
            ),
        ),
        ("docstring, broadcast: only one scale for each row (cell 44: a single number)", fake_per_channel_builtin),
        ("docstring, broadcast: rows are zipped with scales", fake_row_by_row),
        ("docstring, broadcast: channels turned to the back, right for matrices only", fake_by_columns),
    ],
}
