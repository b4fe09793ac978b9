"""Answers that students could write to the exercises of notebook 06: right, wrong and fragile ones."""

import functools
import math

import torch
from einops import rearrange, repeat
from torch import nn
from torch.nn import functional as F

# 06.stochastic_depth


def _depth_where(branch, survival, draws):
    kept = draws < survival
    while kept.ndim < branch.ndim:
        kept = kept.unsqueeze(-1)
    return torch.where(kept, branch / survival, 0.0)


def _depth_loop(branch, survival, draws):
    results = []
    for i in range(len(branch)):
        draw = draws[i] if len(draws) > 1 else draws[0]
        if draw < survival:
            results.append(branch[i] / survival)
        else:
            results.append(torch.zeros_like(branch[i]))
    return torch.stack(results)


def _depth_factor(branch, survival, draws):
    factor = (draws < survival) / survival
    factor = factor.expand(len(branch)).to(branch)
    return torch.einsum("b,b...->b...", factor, branch)


def _depth_flat(branch, survival, draws):
    flat = branch.reshape(len(branch), -1)
    return (flat * (draws < survival)[:, None] / survival).reshape(branch.shape)


def _depth_index(branch, survival, draws):
    kept = (draws < survival).expand(branch.shape[0])
    result = torch.zeros_like(branch)
    result[kept] = branch[kept] / survival
    return result


def _depth_masked_fill(branch, survival, draws):
    left_out = (draws >= survival).view([-1] + (branch.dim() - 1) * [1])
    return branch.masked_fill(left_out, 0).div(survival)


def _depth_in_place(branch, survival, draws):
    left_out = (draws >= survival).expand(len(branch))
    branch[left_out] = 0
    branch /= survival
    return branch


def _depth_mul_in_place(branch, survival, draws):
    mask = (draws < survival).float().view(-1, *[1] * (branch.ndim - 1))
    return branch.mul_(mask).div_(survival)


def _depth_no_grad(branch, survival, draws):
    with torch.no_grad():
        mask = (draws < survival).reshape(-1, *[1] * (branch.ndim - 1))
        return branch * mask / survival


def _depth_fresh(branch, survival, draws):
    mask = torch.rand(branch.shape[0], *[1] * (branch.ndim - 1)) < survival
    return branch * mask / survival


def _depth_floor(branch, survival, draws):
    mask = torch.floor(survival + draws).reshape(-1, *[1] * (branch.ndim - 1))
    return branch / survival * mask


def _depth_zip(branch, survival, draws):
    return torch.stack([b / survival if d < survival else 0 * b for b, d in zip(branch, draws, strict=False)])


def _depth_rows(branch, survival, draws):
    result = torch.zeros_like(branch)
    rows = (draws < survival).nonzero().flatten()
    result[rows] = branch[rows] / survival
    return result


def _depth_boolean_rows(branch, survival, draws):
    result = branch / survival
    result[draws >= survival] = 0
    return result


def _depth_mean_of_kept(branch, survival, draws):
    mask = (draws < survival).float().reshape(-1, *[1] * (branch.ndim - 1))
    return branch * mask / mask.mean().clamp(min=1e-6)


# 06.linear_rule


def _rule_loop(layers, last):
    values = []
    for layer in range(1, layers + 1):
        values.append(1 - layer / layers * (1 - last))
    return torch.tensor(values)


def _rule_recursive(layers, last):
    step = (1 - last) / layers

    def after(survival, left):
        return [] if left == 0 else [survival - step, *after(survival - step, left - 1)]

    return torch.tensor(after(1.0, layers))


def _rule_geometric(layers, last):
    return last ** (torch.arange(1, layers + 1) / layers)


def _rule_geometric_by_steps(layers, last):
    factor, values = last ** (1 / layers), []
    for _ in range(layers):
        values.append((values[-1] if values else 1.0) * factor)
    return torch.tensor(values)


def _rule_from_zero(layers, last):
    return torch.tensor([1 - layer / layers * (1 - last) for layer in range(layers)])


def _rule_arange(layers, last):
    step = (1 - last) / layers
    return torch.arange(1 - step, last - step, -step)


def _rule_arange_to_half_a_step(layers, last):
    step = (1 - last) / layers
    return torch.arange(1 - step, last - step / 2, -step)


def _rule_from_first_to_last(layers, last):
    first = 1 - (1 - last) / layers
    step = (first - last) / (layers - 1)
    return torch.tensor([first - layer * step for layer in range(layers)])


# 06.smooth_labels


def _smooth_full(labels, classes, smoothing):
    targets = torch.full((len(labels), classes), smoothing / classes)
    for row, label in enumerate(labels):
        targets[row, label] += 1 - smoothing
    return targets


def _smooth_scatter(labels, classes, smoothing):
    targets = torch.zeros(labels.shape[0], classes)
    targets.scatter_(1, labels.unsqueeze(1), 1 - smoothing)
    return targets + smoothing / classes


def _smooth_arange(labels, classes, smoothing):
    is_right = labels.unsqueeze(-1) == torch.arange(classes)
    return torch.where(is_right, 1 - smoothing + smoothing / classes, smoothing / classes)


def _smooth_lerp(labels, classes, smoothing):
    even = torch.full((classes,), 1 / classes)
    return torch.lerp(torch.eye(classes)[labels], even.expand(len(labels), -1), smoothing)


def _smooth_double(labels, classes, smoothing):
    hard = F.one_hot(labels, num_classes=classes).double()
    return hard * (1 - smoothing) + torch.ones_like(hard) / classes * smoothing


def _smooth_others_only(labels, classes, smoothing):
    targets = torch.full((len(labels), classes), smoothing / (classes - 1))
    targets[torch.arange(len(labels)), labels] = 1 - smoothing
    return targets


def _smooth_right_overwritten(labels, classes, smoothing):
    targets = torch.full((len(labels), classes), smoothing / classes)
    targets[torch.arange(len(labels)), labels] = 1 - smoothing
    return targets


def _smooth_right_overwritten_by_scatter(labels, classes, smoothing):
    targets = torch.full((len(labels), classes), smoothing / classes)
    return targets.scatter(1, labels[:, None], 1.0 - smoothing)


def _smooth_every_column(labels, classes, smoothing):
    targets = torch.full((len(labels), classes), smoothing / classes)
    targets[:, labels] += 1 - smoothing
    return targets


def _smooth_first_label(labels, classes, smoothing):
    targets = torch.full((len(labels), classes), smoothing / classes)
    targets[:, labels[0]] += 1 - smoothing
    return targets


# 06.mixup


def _mixup_roll(images, targets, share):
    s = share.view(-1, 1, 1, 1)
    mixed = s * images + (1 - s) * torch.roll(images, 1, dims=0)
    s = share.view(-1, 1)
    return mixed, s * targets + (1 - s) * torch.roll(targets, shifts=1, dims=0)


def _mixup_loop(images, targets, share):
    share = share.expand(len(images))
    pictures, labels = [], []
    for i in range(len(images)):
        pictures.append(share[i] * images[i] + (1 - share[i]) * images[i - 1])
        labels.append(share[i] * targets[i] + (1 - share[i]) * targets[i - 1])
    return [torch.stack(pictures), torch.stack(labels)]


def _mixup_cat(images, targets, share):
    def blend(values):
        before = torch.cat([values[-1:], values[:-1]])
        weight = share.reshape([len(share)] + [1] * (values.ndim - 1))
        return before + weight * (values - before)

    return blend(images), blend(targets)


def _mixup_matrix(images, targets, share):
    n = len(images)
    mixing = torch.zeros(n, n, dtype=images.dtype)
    for i in range(n):
        own = share[i % len(share)]
        mixing[i, i] += own
        mixing[i, i - 1] += 1 - own
    return torch.einsum("ij,jchw->ichw", mixing, images), mixing.to(targets.dtype) @ targets


def _mixup_index(images, targets, share):
    before = (torch.arange(len(images)) - 1) % len(images)
    one, two = repeat(share, "b -> b 1 1 1"), rearrange(share, "b -> b 1")
    return torch.lerp(images[before], images, one.to(images)), torch.lerp(targets[before], targets, two.to(targets))


def _mixup(partner, images, targets, share):
    before = partner(len(images))
    s, t = share[:, None, None, None], share[:, None]
    return s * images + (1 - s) * images[before], t * targets + (1 - t) * targets[before]


def _mixup_next(images, targets, share):
    s, t = share.view(-1, 1, 1, 1), share.view(-1, 1)
    return s * images + (1 - s) * images.roll(-1, 0), t * targets + (1 - t) * targets.roll(-1, 0)


def _mixup_reversed(images, targets, share):
    s, t = share.view(-1, 1, 1, 1), share.view(-1, 1)
    return s * images + (1 - s) * images.flip(0), t * targets + (1 - t) * targets.flip(0)


def _mixup_shares_swapped(images, targets, share):
    s, t = share.view(-1, 1, 1, 1), share.view(-1, 1)
    return (1 - s) * images + s * images.roll(1, 0), (1 - t) * targets + t * targets.roll(1, 0)


def _mixup_target_shares_swapped(images, targets, share):
    s, t = share.view(-1, 1, 1, 1), share.view(-1, 1)
    return s * images + (1 - s) * images.roll(1, 0), (1 - t) * targets + t * targets.roll(1, 0)


def _mixup_hard_targets(images, targets, share):
    s = share.view(-1, 1, 1, 1)
    return s * images + (1 - s) * images.roll(1, 0), targets


def _mixup_stronger_label(images, targets, share):
    s, t = share.view(-1, 1, 1, 1), share.view(-1, 1)
    return s * images + (1 - s) * images.roll(1, 0), torch.where(t >= 0.5, targets, targets.roll(1, 0))


def _mixup_targets_only(images, targets, share):
    t = share.view(-1, 1)
    return images, t * targets + (1 - t) * targets.roll(1, 0)


def _mixup_roll_flat(images, targets, share):
    s, t = share.view(-1, 1, 1, 1), share.view(-1, 1)
    return s * images + (1 - s) * images.roll(1), t * targets + (1 - t) * targets.roll(1)


def _mixup_roll_channels(images, targets, share):
    s, t = share.view(-1, 1, 1, 1), share.view(-1, 1)
    return s * images + (1 - s) * images.roll(1, 1), t * targets + (1 - t) * targets.roll(1, 1)


def _mixup_targets_roll_classes(images, targets, share):
    s, t = share.view(-1, 1, 1, 1), share.view(-1, 1)
    return s * images + (1 - s) * images.roll(1, 0), t * targets + (1 - t) * targets.roll(1, -1)


def _mixup_opposite_partners(images, targets, share):
    s, t = share.view(-1, 1, 1, 1), share.view(-1, 1)
    return s * images + (1 - s) * images.roll(1, 0), t * targets + (1 - t) * targets.roll(-1, 0)


def _mixup_other_share(images, targets, share):
    s, t = share.view(-1, 1, 1, 1), share.view(-1, 1)
    other_s, other_t = (1 - s).roll(1, 0), (1 - t).roll(1, 0)
    return s * images + other_s * images.roll(1, 0), t * targets + other_t * targets.roll(1, 0)


def _mixup_first_alone(images, targets, share):
    s, t = share.expand(len(images)).view(-1, 1, 1, 1), share.expand(len(images)).view(-1, 1)
    mixed, soft = images.clone(), targets.clone()
    mixed[1:] = s[1:] * images[1:] + (1 - s[1:]) * images[:-1]
    soft[1:] = t[1:] * targets[1:] + (1 - t[1:]) * targets[:-1]
    return mixed, soft


def _mixup_already_mixed(images, targets, share):
    share = share.expand(len(images))
    images, targets = images.clone(), targets.clone()
    for i in range(len(images)):
        images[i] = share[i] * images[i] + (1 - share[i]) * images[i - 1]
        targets[i] = share[i] * targets[i] + (1 - share[i]) * targets[i - 1]
    return images, targets


def _mixup_in_place(images, targets, share):
    s, t = share.view(-1, 1, 1, 1), share.view(-1, 1)
    partner, other = images.roll(1, 0), targets.roll(1, 0)
    images.mul_(s).add_((1 - s) * partner)
    targets.mul_(t).add_((1 - t) * other)
    return images, targets


def _mixup_first_share(images, targets, share):
    s = share[0]
    return s * images + (1 - s) * images.roll(1, 0), s * targets + (1 - s) * targets.roll(1, 0)


def _mixup_mean_share(images, targets, share):
    s = share.mean()
    return torch.lerp(images.roll(1, 0), images, s), torch.lerp(targets.roll(1, 0), targets, s)


def _mixup_halves(images, targets, share):
    return (images + images.roll(1, 0)) / 2, (targets + targets.roll(1, 0)) / 2


def _mixup_larger_share(images, targets, share):
    share = torch.maximum(share, 1 - share)
    s, t = share.view(-1, 1, 1, 1), share.view(-1, 1)
    return s * images + (1 - s) * images.roll(1, 0), t * targets + (1 - t) * targets.roll(1, 0)


def _mixup_random_partner(images, targets, share):
    order = torch.randperm(len(images))
    s, t = share.view(-1, 1, 1, 1), share.view(-1, 1)
    return s * images + (1 - s) * images[order], t * targets + (1 - t) * targets[order]


def _mixup_targets_first(images, targets, share):
    s, t = share.view(-1, 1, 1, 1), share.view(-1, 1)
    return t * targets + (1 - t) * targets.roll(1, 0), s * images + (1 - s) * images.roll(1, 0)


def _mixup_both_targets(images, targets, share):
    s = share.view(-1, 1, 1, 1)
    return s * images + (1 - s) * images.roll(1, 0), targets, targets.roll(1, 0)


def _mixup_share_along_the_width(images, targets, share):
    mixed = share * images + (1 - share) * images.roll(1, 0)
    return mixed, share * targets + (1 - share) * targets.roll(1, 0)


def _mixup_added(images, targets, share):
    s, t = share.view(-1, 1, 1, 1), share.view(-1, 1)
    return images + (1 - s) * images.roll(1, 0), targets + (1 - t) * targets.roll(1, 0)


def _mixup_integer_targets(images, targets, share):
    s, t = share.view(-1, 1, 1, 1), share.view(-1, 1)
    return s * images + (1 - s) * images.roll(1, 0), (t * targets + (1 - t) * targets.roll(1, 0)).argmax(-1)


def _mixup_one_share_only(images, targets, share):
    s = share.item()
    return s * images + (1 - s) * images.roll(1, 0), s * targets + (1 - s) * targets.roll(1, 0)


def _mixup_a_share_each(images, targets, share):
    n = len(images)
    mixed = torch.stack([share[i] * images[i] + (1 - share[i]) * images[i - 1] for i in range(n)])
    return mixed, torch.stack([share[i] * targets[i] + (1 - share[i]) * targets[i - 1] for i in range(n)])


def _mixup_zip(images, targets, share):
    rows = list(zip(share, images, images.roll(1, 0), targets, targets.roll(1, 0), strict=False))
    mixed = torch.stack([s * a + (1 - s) * b for s, a, b, _, _ in rows])
    return mixed, torch.stack([s * a + (1 - s) * b for s, _, _, a, b in rows])


# 06.apply_each


def _each_grouped(images, transforms, chosen):
    result = images.clone()
    for r in range(chosen.shape[0]):
        for k in set(chosen[r].tolist()):
            rows = torch.where(chosen[r] == k)[0]
            result[rows] = transforms[k](result[rows])
    return result


def _each_sorted(images, transforms, chosen):
    for choice in chosen:
        order = choice.argsort()
        numbers, counts = choice[order].unique_consecutive(return_counts=True)
        groups = images[order].split(counts.tolist())
        done = torch.cat([transforms[k](group) for k, group in zip(numbers.tolist(), groups, strict=True)])
        images = done[order.argsort()]
    return images


def _each_recursive(images, transforms, chosen):
    if len(chosen) == 0:
        return images.clone()
    first, *rest = chosen
    result = torch.empty_like(images)
    for number in first.unique():
        result[first == number] = transforms[int(number)](images[first == number])
    return _each_recursive(result, transforms, rest)


def _each_dictionary(images, transforms, chosen):
    for choice in chosen.tolist():
        members = {}
        for picture, number in enumerate(choice):
            members.setdefault(number, []).append(picture)
        result = torch.zeros_like(images)
        for number, pictures in members.items():
            result[pictures] = transforms[number](images[pictures])
        images = result
    return images


def _each_present(images, transforms, chosen):
    out = images
    for choice in chosen:
        new = torch.zeros_like(out)
        for k, transform in enumerate(transforms):
            who = (choice == k).nonzero(as_tuple=True)[0]
            if len(who):
                new = new.index_copy(0, who, transform(out[who]))
        out = new
    return out


def _each_all_groups(images, transforms, chosen):
    for r in range(len(chosen)):
        after = images.clone()
        for k in range(len(transforms)):
            after[chosen[r] == k] = transforms[k](images[chosen[r] == k])
        images = after
    return images


def _each_reversed(images, transforms, chosen):
    for choice in chosen.flip(0):
        result = images.clone()
        for number in choice.unique().tolist():
            result[choice == number] = transforms[number](images[choice == number])
        images = result
    return images


def _each_from_the_originals(images, transforms, chosen):
    result = images.clone()
    for choice in chosen:
        for number in choice.unique().tolist():
            result[choice == number] = transforms[number](images[choice == number])
    return result


def _each_first_round(images, transforms, chosen):
    result = images.clone()
    if len(chosen):
        for number in chosen[0].unique().tolist():
            mine = chosen[0] == number
            result[mine] = transforms[number](images[mine])
    return result


def _each_returns_in_first_round(images, transforms, chosen):
    for choice in chosen:
        result = images.clone()
        for number in choice.unique().tolist():
            result[choice == number] = transforms[number](images[choice == number])
        return result
    return images


def _each_last_round(images, transforms, chosen):
    result = images.clone()
    for number in chosen[-1:].unique().tolist():
        mine = chosen[-1] == number
        result[mine] = transforms[number](images[mine])
    return result


def _each_in_place(images, transforms, chosen):
    for choice in chosen:
        for number in choice.unique().tolist():
            images[choice == number] = transforms[number](images[choice == number])
    return images


def _each_alias(images, transforms, chosen):
    result = images
    for choice in chosen:
        for k, transform in enumerate(transforms):
            mine = choice == k
            if mine.any():
                result[mine] = transform(result[mine])
    return result


def _each_transposed(images, transforms, chosen):
    for choice in chosen.reshape(chosen.shape[::-1]).T:
        result = images.clone()
        for number in choice.unique().tolist():
            result[choice == number] = transforms[number](images[choice == number])
        images = result
    return images


def _each_first_picture_decides(images, transforms, chosen):
    for choice in chosen:
        images = transforms[int(choice[0])](images)
    return images


def _each_all_pictures(images, transforms, chosen):
    for choice in chosen:
        for number in choice.unique().tolist():
            images = transforms[number](images)
    return images


def _each_groups_in_a_row(images, transforms, chosen):
    for choice in chosen:
        images = torch.cat([transforms[k](images[choice == k]) for k in choice.unique().tolist()])
    return images


def _each_sorted_twice(images, transforms, chosen):
    for choice in chosen:
        order = choice.argsort(stable=True)
        groups = [transforms[k](images[choice == k]) for k in choice.unique().tolist()]
        images = torch.cat(groups)[order]
    return images


def _each_not_transform_zero(images, transforms, chosen):
    for choice in chosen:
        result = images.clone()
        for number in range(1, len(transforms)):
            mine = choice == number
            if mine.any():
                result[mine] = transforms[number](images[mine])
        images = result
    return images


def _each_not_the_last_transform(images, transforms, chosen):
    for choice in chosen:
        result = images.clone()
        for number in range(len(transforms) - 1):
            mine = choice == number
            if mine.any():
                result[mine] = transforms[number](images[mine])
        images = result
    return images


def _each_counted_from_one(images, transforms, chosen):
    for choice in chosen:
        result = images.clone()
        for number in choice.unique().tolist():
            result[choice == number] = transforms[number - 1](images[choice == number])
        images = result
    return images


def _each_index_among_unique(images, transforms, chosen):
    for choice in chosen:
        result = images.clone()
        for k, number in enumerate(choice.unique()):
            result[choice == number] = transforms[k](images[choice == number])
        images = result
    return images


def _each_picture_number(images, transforms, chosen):
    result = images.clone()
    for choice in chosen:
        for picture, number in enumerate(choice.tolist()):
            result[picture] = transforms[picture % len(transforms)](result[picture : picture + 1])[0] + 0 * number
    return result


def _each_mask_of_first_round(images, transforms, chosen):
    for choice in chosen:
        result = images.clone()
        for number in choice.unique().tolist():
            mine = chosen[0] == number
            if mine.any():
                result[mine] = transforms[number](images[mine])
        images = result
    return images


def _each_rest_is_black(images, transforms, chosen):
    result = torch.zeros_like(images)
    for choice in chosen:
        for number in choice.unique().tolist():
            result[choice == number] = transforms[number](images[choice == number])
    return result


def _each_mean_of_rounds(images, transforms, chosen):
    total = torch.zeros_like(images)
    for choice in chosen:
        for number in choice.unique().tolist():
            total[choice == number] += transforms[number](images[choice == number])
    return total / max(len(chosen), 1)


def _each_once_each(images, transforms, chosen):
    for number in chosen.unique().tolist():
        mine = (chosen == number).any(0)
        images = images.clone()
        images[mine] = transforms[number](images[mine])
    return images


def _each_index_is_a_mask(images, transforms, chosen):
    for choice in chosen:
        result = images.clone()
        for number in choice.unique().tolist():
            result[number % len(images)] = transforms[number](images[number % len(images)][None])[0]
        images = result
    return images


def _each_clamped(images, transforms, chosen):
    for choice in chosen:
        result = images.clone()
        for number in choice.unique().tolist():
            result[choice == number] = transforms[number](images[choice == number]).clamp(0.25, 0.75)
        images = result
    return images


def _each_one_by_one(images, transforms, chosen):
    for choice in chosen:
        pairs = zip(images, choice.tolist(), strict=True)
        images = torch.cat([transforms[number](image[None]) for image, number in pairs])
    return images


def _each_single_pictures(images, transforms, chosen):
    result = images.clone()
    for choice in chosen.tolist():
        for i, number in enumerate(choice):
            result[i] = transforms[number](result[i])
    return result


def _each_everything_then_choose(images, transforms, chosen):
    for choice in chosen:
        everything = torch.stack([transform(images) for transform in transforms])
        images = everything[choice, torch.arange(len(images))]
    return images


def _each_no_rounds(images, transforms, chosen):
    current = images
    for choice in chosen:
        result = current.clone()
        for number in choice.unique().tolist():
            result[choice == number] = transforms[number](current[choice == number])
        current = result
    return result


def _each_stacked_rounds(images, transforms, chosen):
    rounds = [images]
    for choice in chosen:
        result = rounds[-1].clone()
        for number in choice.unique().tolist():
            result[choice == number] = transforms[number](rounds[-1][choice == number])
        rounds.append(result)
    return torch.stack(rounds[1:])[-1]


def _each_neighbours_grouped(images, transforms, chosen):
    for choice in chosen:
        numbers, counts = choice.unique_consecutive(return_counts=True)
        groups = images.split(counts.tolist())
        images = torch.cat([transforms[k](group) for k, group in zip(numbers.tolist(), groups, strict=True)])
    return images


class _StochasticDepth(nn.Module):
    def forward(self, branch, survival, draws):
        kept = (draws < survival).type_as(branch)
        return branch * kept.view(-1, *(1,) * (branch.dim() - 1)) / survival


class _LinearRule:
    def __call__(self, layers, last):
        return 1 - (1 - last) * torch.linspace(1 / layers, 1, layers)


def _depth_numpy(branch, survival, draws):
    kept = torch.from_numpy(draws.numpy() < survival).float()
    return branch * kept.reshape(-1, *[1] * (branch.ndim - 1)) / survival


def _depth_step(branch, survival, draws):
    kept = torch.heaviside(survival - draws, torch.zeros(1))
    return branch * kept.reshape(-1, *[1] * (branch.ndim - 1)) / survival


def _each_list_turned(images, transforms, chosen):
    result = _each_grouped(images, transforms, chosen)
    transforms.reverse()
    return result


RIGHT = {
    "06.stochastic_depth": [
        _depth_step,
        _depth_numpy,
        _depth_where,
        _depth_loop,
        _depth_factor,
        _depth_flat,
        _depth_index,
        _depth_masked_fill,
        _StochasticDepth(),
    ],
    "06.linear_rule": [
        _rule_loop,
        _rule_recursive,
        _LinearRule(),
        lambda layers, last: torch.linspace(1, last, layers + 1)[1:],
        lambda layers, last: torch.linspace(1, last, layers + 1, dtype=torch.double)[1:],
        lambda layers, last: 1 - torch.full((layers,), (1 - last) / layers).cumsum(0),
    ],
    "06.smooth_labels": [
        _smooth_full,
        _smooth_scatter,
        _smooth_arange,
        _smooth_lerp,
        _smooth_double,
        lambda labels, classes, smoothing: ((1 - smoothing) * torch.eye(classes) + smoothing / classes)[labels],
    ],
    "06.mixup": [
        _mixup_roll,
        _mixup_loop,
        _mixup_cat,
        _mixup_matrix,
        _mixup_index,
        functools.partial(_mixup, lambda n: torch.arange(n).roll(1)),
    ],
    "06.apply_each": [
        _each_grouped,
        _each_sorted,
        _each_recursive,
        _each_dictionary,
        _each_present,
        _each_all_groups,
    ],
}

WRONG = {
    "06.stochastic_depth": [
        (
            "what is kept is not divided",
            lambda branch, survival, draws: branch * (draws < survival).reshape(-1, *[1] * (branch.ndim - 1)),
        ),
        (
            "divided by the probability of dropping",
            lambda branch, survival, draws: (
                branch * (draws < survival).reshape(-1, *[1] * (branch.ndim - 1)) / (1 - survival)
            ),
        ),
        (
            "multiplied by survival, as the paper does in evaluation",
            lambda branch, survival, draws: (
                branch * (draws < survival).reshape(-1, *[1] * (branch.ndim - 1)) * survival
            ),
        ),
        (
            "keeps where the draw is above survival",
            lambda branch, survival, draws: (
                branch * (draws > survival).reshape(-1, *[1] * (branch.ndim - 1)) / survival
            ),
        ),
        (
            "keeps and drops exchanged, with torch.where",
            lambda branch, survival, draws: torch.where(
                (draws < survival).reshape(-1, *[1] * (branch.ndim - 1)), 0.0, branch / survival
            ),
        ),
        (
            "survival taken for the probability of dropping",
            lambda branch, survival, draws: (
                branch * (draws < 1 - survival).reshape(-1, *[1] * (branch.ndim - 1)) / (1 - survival)
            ),
        ),
        (
            "drops where the draw is below 1 - survival",
            lambda branch, survival, draws: (
                branch * (draws >= 1 - survival).reshape(-1, *[1] * (branch.ndim - 1)) / survival
            ),
        ),
        ("drops where the draw is below 1 - survival, with floor", _depth_floor),
        (
            "a draw equal to survival keeps",
            lambda branch, survival, draws: (
                branch * (draws <= survival).reshape(-1, *[1] * (branch.ndim - 1)) / survival
            ),
        ),
        (
            "the first draw decides for all",
            lambda branch, survival, draws: branch / survival if draws[0] < survival else torch.zeros_like(branch),
        ),
        (
            "one draw for all: draws.item()",
            lambda branch, survival, draws: branch * float(draws.item() < survival) / survival,
        ),
        (
            "the batch is kept when any draw keeps",
            lambda branch, survival, draws: branch * (draws < survival).any() / survival,
        ),
        ("draws along the last dimension", lambda branch, survival, draws: branch * (draws < survival) / survival),
        (
            "draws along the second dimension",
            lambda branch, survival, draws: (
                branch * (draws < survival).reshape(1, -1, *[1] * (branch.ndim - 2)) / survival
            ),
        ),
        ("draws its own numbers", _depth_fresh),
        (
            "a draw for every number",
            lambda branch, survival, draws: branch * (torch.rand_like(branch) < survival) / survival,
        ),
        ("dropout of single numbers", lambda branch, survival, draws: F.dropout(branch, 1 - survival)),
        ("dropped pictures are missing", lambda branch, survival, draws: branch[draws < survival] / survival),
        (
            "what is left out stays as it was",
            lambda branch, survival, draws: torch.where(
                (draws < survival).reshape(-1, *[1] * (branch.ndim - 1)), branch / survival, branch
            ),
        ),
        (
            "kept ones whole, dropped ones weakened",
            lambda branch, survival, draws: torch.where(
                (draws < survival).reshape(-1, *[1] * (branch.ndim - 1)), branch, branch * survival
            ),
        ),
        ("divided by the share that was kept in this batch", _depth_mean_of_kept),
        ("changes the branch: index assignment", _depth_in_place),
        ("changes the branch: mul_", _depth_mul_in_place),
        ("no_grad: nothing before it could learn", _depth_no_grad),
        (
            "detached",
            lambda branch, survival, draws: (
                branch.detach() * (draws < survival).reshape(-1, *[1] * (branch.ndim - 1)) / survival
            ),
        ),
        ("only ever the expectation", lambda branch, survival, draws: branch),
        (
            "divided by the square root",
            lambda branch, survival, draws: (
                branch * (draws < survival).reshape(-1, *[1] * (branch.ndim - 1)) / math.sqrt(survival)
            ),
        ),
        (
            "the residual is added here",
            lambda branch, survival, draws: (
                branch + branch * (draws < survival).reshape(-1, *[1] * (branch.ndim - 1)) / survival
            ),
        ),
        (
            "weighted by the draws themselves",
            lambda branch, survival, draws: (
                branch * (draws * (draws < survival)).reshape(-1, *[1] * (branch.ndim - 1)) / survival
            ),
        ),
    ],
    "06.linear_rule": [
        ("the first layer gets 1", lambda layers, last: torch.linspace(1, last, layers)),
        ("layers counted from 0", lambda layers, last: 1 - torch.arange(layers) / layers * (1 - last)),
        ("layers counted from 0, in a loop", _rule_from_zero),
        (
            "counted from 0, divided by layers - 1",
            lambda layers, last: 1 - torch.arange(layers) / max(layers - 1, 1) * (1 - last),
        ),
        ("the input's 1 is returned as well", lambda layers, last: torch.linspace(1, last, layers + 1)),
        ("the last step is cut off, not the first", lambda layers, last: torch.linspace(1, last, layers + 1)[:-1]),
        ("last layer first", lambda layers, last: torch.linspace(1, last, layers + 1)[1:].flip(0)),
        ("rising from last to 1", lambda layers, last: torch.linspace(last, 1, layers)),
        ("the probability of dropping", lambda layers, last: torch.arange(1, layers + 1) / layers * (1 - last)),
        ("falls by last instead of 1 - last", lambda layers, last: 1 - torch.arange(1, layers + 1) / layers * last),
        ("falls to zero", lambda layers, last: 1 - torch.arange(1, layers + 1) / layers),
        ("falls to zero, times last", lambda layers, last: last * (1 - torch.arange(1, layers + 1) / layers)),
        (
            "the bracket forgotten: 1 - l/L · 1 - last",
            lambda layers, last: 1 - torch.arange(1, layers + 1) / layers * 1 - last,
        ),
        ("the same for all layers", lambda layers, last: torch.full((layers,), float(last))),
        ("equal factors instead of equal steps", _rule_geometric),
        ("equal factors instead of equal steps, multiplied up", _rule_geometric_by_steps),
        ("each layer loses 1 - last", lambda layers, last: 1 - torch.arange(1, layers + 1) * (1 - last)),
        ("whole-number division", lambda layers, last: 1 - torch.arange(1, layers + 1) // layers * (1 - last)),
        ("twelve layers, always", lambda layers, last: 1 - torch.arange(1, 13) / 12 * (1 - last)),
        ("the last is 0.9, always", lambda layers, last: 1 - torch.arange(1, layers + 1) / layers * 0.1),
        ("a list", lambda layers, last: [1 - layer / layers * (1 - last) for layer in range(1, layers + 1)]),
        ("the last layer only", lambda layers, last: torch.tensor([1 - layers / layers * (1 - last)])),
        ("a column", lambda layers, last: torch.linspace(1, last, layers + 1)[1:, None]),
        ("divided by layers + 1", lambda layers, last: 1 - torch.arange(1, layers + 1) / (layers + 1) * (1 - last)),
        (
            "survival up to a layer, multiplied up",
            lambda layers, last: (1 - torch.arange(1, layers + 1) / layers * (1 - last)).cumprod(0),
        ),
        ("the range ends too early", lambda layers, last: 1 - torch.arange(1, layers) / layers * (1 - last)),
    ],
    "06.smooth_labels": [
        ("spread over the other classes only", _smooth_others_only),
        (
            "spread over the other classes only, with one_hot",
            lambda labels, classes, smoothing: torch.where(
                F.one_hot(labels, classes).bool(), 1 - smoothing, smoothing / (classes - 1)
            ),
        ),
        ("the right class loses its part of the share", _smooth_right_overwritten),
        ("the right class loses its part of the share, with scatter", _smooth_right_overwritten_by_scatter),
        (
            "the right class stays at 1",
            lambda labels, classes, smoothing: F.one_hot(labels, classes).float() + smoothing / classes,
        ),
        (
            "the share is not divided by the classes",
            lambda labels, classes, smoothing: (1 - smoothing) * F.one_hot(labels, classes).float() + smoothing,
        ),
        (
            "the share is missing",
            lambda labels, classes, smoothing: (1 - smoothing) * F.one_hot(labels, classes).float(),
        ),
        (
            "the two parts exchanged",
            lambda labels, classes, smoothing: (
                smoothing * F.one_hot(labels, classes).float() + (1 - smoothing) / classes
            ),
        ),
        ("not smoothed", lambda labels, classes, smoothing: F.one_hot(labels, classes).float()),
        ("not smoothed, and whole numbers", lambda labels, classes, smoothing: F.one_hot(labels, classes)),
        (
            "back to whole numbers",
            lambda labels, classes, smoothing: (
                (1 - smoothing) * F.one_hot(labels, classes) + smoothing / classes
            ).long(),
        ),
        (
            "as many classes as the batch happens to have",
            lambda labels, classes, smoothing: (1 - smoothing) * F.one_hot(labels).float() + smoothing / classes,
        ),
        (
            "divided by the classes that the batch happens to have",
            lambda labels, classes, smoothing: (
                (1 - smoothing) * F.one_hot(labels, classes) + smoothing / (labels.max() + 1)
            ),
        ),
        (
            "ten classes, always",
            lambda labels, classes, smoothing: (1 - smoothing) * F.one_hot(labels, 10).float() + smoothing / 10,
        ),
        (
            "the share is divided by ten, always",
            lambda labels, classes, smoothing: (1 - smoothing) * F.one_hot(labels, classes) + smoothing / 10,
        ),
        (
            "the share is 0.1, always",
            lambda labels, classes, smoothing: 0.9 * F.one_hot(labels, classes).float() + 0.1 / classes,
        ),
        (
            "classes and pictures exchanged",
            lambda labels, classes, smoothing: ((1 - smoothing) * F.one_hot(labels, classes) + smoothing / classes).T,
        ),
        (
            "divided by the batch",
            lambda labels, classes, smoothing: (1 - smoothing) * F.one_hot(labels, classes) + smoothing / len(labels),
        ),
        ("every row gets every label", _smooth_every_column),
        ("every row gets the first label", _smooth_first_label),
        (
            "labels counted from one",
            lambda labels, classes, smoothing: (
                (1 - smoothing) * F.one_hot((labels - 1) % classes, classes) + smoothing / classes
            ),
        ),
        (
            "a softmax to make rows sum to one",
            lambda labels, classes, smoothing: (
                F.one_hot(labels, classes).float() * (1 - smoothing) + smoothing / classes
            ).softmax(-1),
        ),
        (
            "normalised afterwards: one plus the share, divided",
            lambda labels, classes, smoothing: F.normalize(
                F.one_hot(labels, classes).float() + smoothing / classes, p=1, dim=-1
            ),
        ),
        (
            "random noise instead of an even share",
            lambda labels, classes, smoothing: (
                (1 - smoothing) * F.one_hot(labels, classes) + smoothing * torch.rand(len(labels), classes) / classes
            ),
        ),
        (
            "only the right class's number",
            lambda labels, classes, smoothing: torch.full((len(labels),), 1 - smoothing + smoothing / classes),
        ),
        (
            "lists of lists",
            lambda labels, classes, smoothing: (
                (1 - smoothing) * F.one_hot(labels, classes) + smoothing / classes
            ).tolist(),
        ),
    ],
    "06.mixup": [
        ("partner is the next picture", _mixup_next),
        ("partner is the next picture, by index", functools.partial(_mixup, lambda n: (torch.arange(n) + 1) % n)),
        ("partner is the batch turned round", _mixup_reversed),
        ("partner is a random picture", _mixup_random_partner),
        ("the shares exchanged", _mixup_shares_swapped),
        ("the shares exchanged in the targets only", _mixup_target_shares_swapped),
        ("targets not mixed", _mixup_hard_targets),
        ("targets of the stronger picture", _mixup_stronger_label),
        ("pictures not mixed", _mixup_targets_only),
        ("roll without a dimension", _mixup_roll_flat),
        ("rolled along channels and classes", _mixup_roll_channels),
        ("targets rolled along the classes", _mixup_targets_roll_classes),
        ("targets have another partner than pictures", _mixup_opposite_partners),
        ("the other's own share instead of 1 - share", _mixup_other_share),
        ("the first picture has no partner", _mixup_first_alone),
        ("mixed with what is already mixed", _mixup_already_mixed),
        ("changes the images and targets", _mixup_in_place),
        ("the first share for all", _mixup_first_share),
        ("the mean share for all", _mixup_mean_share),
        ("half and half", _mixup_halves),
        ("always the larger share for its own", _mixup_larger_share),
        ("targets and pictures exchanged in the result", _mixup_targets_first),
        ("both targets instead of the mixture", _mixup_both_targets),
        ("shares along the last dimension", _mixup_share_along_the_width),
        ("own picture at full strength", _mixup_added),
        ("class numbers as targets", _mixup_integer_targets),
        ("one share only: .item()", _mixup_one_share_only),
    ],
    "06.apply_each": [
        ("turns round the list it was given", _each_list_turned),
        ("last round first", _each_reversed),
        ("each round starts from the given pictures", _each_from_the_originals),
        ("the first round only", _each_first_round),
        ("return inside the loop", _each_returns_in_first_round),
        ("the last round only", _each_last_round),
        ("changes the given pictures", _each_in_place),
        ("changes the given pictures: result is images", _each_alias),
        ("rounds and pictures exchanged", _each_transposed),
        ("the first picture decides for all", _each_first_picture_decides),
        ("all transforms of the round on all pictures", _each_all_pictures),
        ("groups in a row, pictures out of order", _each_groups_in_a_row),
        ("put back with the order, not its inverse", _each_sorted_twice),
        ("transform 0 taken for none", _each_not_transform_zero),
        ("the last transform left out", _each_not_the_last_transform),
        ("transforms counted from one", _each_counted_from_one),
        ("position among the drawn ones instead of the number", _each_index_among_unique),
        ("the picture's number instead of the transform's", _each_picture_number),
        ("groups of the first round in every round", _each_mask_of_first_round),
        ("black where nothing is chosen, and no chain", _each_rest_is_black),
        ("mean of the rounds", _each_mean_of_rounds),
        ("all rounds at once: order lost, repeats lost", _each_once_each),
        ("the transform's number used as the picture's", _each_index_is_a_mask),
        ("clamped to a range nobody asked for", _each_clamped),
    ],
}

FRAGILE = {
    "06.stochastic_depth": [
        ("one draw leaves one picture (docstring: one draw decides for the whole batch)", _depth_zip),
        ("one draw keeps the first picture only (docstring: one draw for the whole batch)", _depth_rows),
        ("a mask of one draw does not fit the batch (docstring: shape (1,))", _depth_boolean_rows),
        (
            "three dimensions only: view(-1, 1, 1) (docstring: (batch, …))",
            lambda branch, survival, draws: branch * (draws < survival).view(-1, 1, 1) / survival,
        ),
        (
            "three dimensions only: einsum (docstring: (batch, …))",
            lambda branch, survival, draws: (
                torch.einsum("b,bnd->bnd", (draws < survival).to(branch), branch) / survival
            ),
        ),
        (
            "four dimensions only: None, None, None (cell 12 has three)",
            lambda branch, survival, draws: branch * (draws < survival)[:, None, None, None] / survival,
        ),
    ],
    "06.linear_rule": [
        ("rounding decides how many steps arange has (docstring: (layers,))", _rule_arange),
        ("a step of zero for arange where last is 1 (docstring: a probability)", _rule_arange_to_half_a_step),
        ("divided by layers - 1: one layer fails (docstring: (layers,))", _rule_from_first_to_last),
    ],
    "06.smooth_labels": [
        (
            "0/0 for smoothing 0: the share is divided by itself (cells 24, 28 and 49 have 0)",
            lambda labels, classes, smoothing: (
                (F.one_hot(labels, classes) * (1 - smoothing) / smoothing + 1 / classes)
                / (F.one_hot(labels, classes) * (1 - smoothing) / smoothing + 1 / classes).sum(-1, keepdim=True)
            ),
        ),
        (
            "`smoothing or 0.1`: zero taken for not given (cells 24, 28 and 49 have 0)",
            lambda labels, classes, smoothing: (
                (1 - (smoothing or 0.1)) * F.one_hot(labels, classes) + (smoothing or 0.1) / classes
            ),
        ),
    ],
    "06.mixup": [
        ("one share for all is not there for picture 1 (docstring: or (1,); cells 28 and 49)", _mixup_a_share_each),
        ("zip stops after one share (docstring: or (1,) for all pictures alike; cells 28 and 49)", _mixup_zip),
    ],
    "06.apply_each": [
        ("one call a picture (docstring: those that get the same one go together)", _each_one_by_one),
        ("pictures without their batch (docstring: functions from pictures to pictures)", _each_single_pictures),
        (
            "every transform on every picture (docstring: those that get the same go together)",
            _each_everything_then_choose,
        ),
        ("fails without rounds (docstring: (rounds, batch), level none has N = 0)", _each_no_rounds),
        ("fails without rounds, stacked (docstring: (rounds, batch), level none has N = 0)", _each_stacked_rounds),
        (
            "only neighbours go together (docstring: those that get the same one go together)",
            _each_neighbours_grouped,
        ),
    ],
}
