"""Answers to the exercises of notebook 10 as students would write them."""

import functools
import math

import torch
import torch.nn.functional as F
from einops import einsum

# 10.similarities


def similarities_normalised(images, captions, temperature):
    return F.normalize(images, dim=-1) @ F.normalize(captions, dim=-1).T / temperature


def similarities_cosine_similarity(images, captions, temperature):
    return F.cosine_similarity(images[:, None, :], captions[None, :, :], dim=-1) / temperature


def similarities_dividing_last(images, captions, temperature):
    dots = einsum(images, captions, "p d, c d -> p c")
    lengths = torch.outer(images.norm(dim=1), captions.norm(dim=1))
    return dots / (lengths * temperature)


def similarities_loops(images, captions, temperature):
    def cosine(one, other):
        return torch.dot(one, other) / (one.norm() * other.norm())

    return torch.stack([torch.stack([cosine(u, v) / temperature for v in captions]) for u in images])


def similarities_by_squares(images, captions, temperature):
    images = images * images.pow(2).sum(1, keepdim=True).rsqrt()
    captions = captions * captions.pow(2).sum(1, keepdim=True).rsqrt()
    return (images[:, None] * captions).sum(-1) / temperature


def similarities_einsum(images, captions, temperature):
    unit = [vectors / torch.linalg.vector_norm(vectors, dim=-1, keepdim=True) for vectors in (images, captions)]
    return torch.einsum("id,jd->ij", *unit) * (1 / temperature)


class Similarities:
    """A student who likes classes."""

    def unit(self, vectors):
        return torch.nn.functional.normalize(vectors, p=2, dim=1)

    def __call__(self, images, captions, temperature):
        return F.linear(self.unit(images), self.unit(captions)).div(temperature)


def similarities_in_place(images, captions, temperature):
    images /= images.norm(dim=-1, keepdim=True)
    captions /= captions.norm(dim=-1, keepdim=True)
    return images @ captions.T / temperature


def similarities_without_grad(images, captions, temperature):
    with torch.no_grad():
        return F.normalize(images, dim=-1) @ F.normalize(captions, dim=-1).T / temperature


def similarities_frozen_captions(images, captions, temperature):
    return F.normalize(images, dim=-1) @ F.normalize(captions, dim=-1).detach().T / temperature


def similarities_lengths_detached(images, captions, temperature):
    images = images / images.norm(dim=-1, keepdim=True).detach()
    captions = captions / captions.norm(dim=-1, keepdim=True).detach()
    return images @ captions.T / temperature


def similarities_by_item(images, captions, temperature):
    rows = [[(F.cosine_similarity(u, v, dim=0) / temperature).item() for v in captions] for u in images]
    return torch.tensor(rows, dtype=images.dtype)


def similarities_limited(images, captions, temperature):
    scale = min(1 / temperature, 10)
    return F.normalize(images, dim=-1) @ F.normalize(captions, dim=-1).T * scale


def similarities_clipped(images, captions, temperature):
    return (F.normalize(images, dim=-1) @ F.normalize(captions, dim=-1).T / temperature).clamp(-1, 1)


# 10.contrastive_loss


def contrastive_cross_entropy(logits, same):
    target = same.to(logits.dtype)
    target = target / target.sum(dim=1, keepdim=True)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def contrastive_logsumexp(logits, same):
    def one_way(scores, right):
        of_right = torch.where(right, scores, 0.0).sum(1) / right.sum(1)
        return (scores.logsumexp(1) - of_right).mean()

    return 0.5 * one_way(logits, same) + 0.5 * one_way(logits.T, same.T)


def contrastive_row_by_row(logits, same):
    total = 0.0
    for scores, right in zip([*logits, *logits.T], [*same, *same.T], strict=True):
        total = total - scores.log_softmax(dim=0)[right].mean()
    return total / (2 * len(logits))


def contrastive_without_turning_the_target(logits, same):
    target = same / same.sum(dim=1, keepdim=True)
    log_rows, log_columns = logits.log_softmax(dim=1), logits.log_softmax(dim=0)
    return -(target * (log_rows + log_columns)).sum() / (2 * len(logits))


def contrastive_einsum(logits, same):
    share = same.to(logits) / same.sum(0).to(logits)
    both = torch.log_softmax(logits, 0) + torch.log_softmax(logits, 1)
    return torch.einsum("ij,ij->", share, both).neg() / 2 / logits.shape[0]


def contrastive_kl_and_entropy(logits, same):
    target = same.to(logits.dtype) / same.sum(1, keepdim=True)
    entropy = torch.special.entr(target).sum(1).mean()
    ways = [F.kl_div(each.log_softmax(1), target, reduction="batchmean") for each in (logits, logits.mT)]
    return entropy + sum(ways) / 2


def contrastive_double(logits, same):
    shares = same.double() / same.sum(-1, keepdim=True)
    losses = [-(shares * F.log_softmax(each.double(), dim=-1)).sum(-1) for each in (logits, logits.t())]
    return torch.cat(losses).mean()


def contrastive_normalised_target(logits, same):
    target = F.normalize(same.float(), p=1, dim=1)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.mT, target)).mul(0.5)


def one_direction(logits, same, share=True, dim=1):
    target = same.to(logits.dtype)
    target = target / target.sum(dim=1, keepdim=True) if share else target
    return -(target * logits.log_softmax(dim=dim)).sum(dim=1).mean()


def both_directions(logits, same, of=one_direction):
    return (of(logits, same) + of(logits.T, same)) / 2


def contrastive_clip(logits, same):
    place = torch.arange(len(logits))
    return (F.cross_entropy(logits, place) + F.cross_entropy(logits.T, place)) / 2


def contrastive_first_true(logits, same):
    place = same.int().argmax(dim=1)
    return (F.cross_entropy(logits, place) + F.cross_entropy(logits.T, place)) / 2


def contrastive_twins_left_out(logits, same):
    logits = logits.masked_fill(same & ~torch.eye(len(same), dtype=torch.bool), -torch.inf)
    return contrastive_clip(logits, same)


def contrastive_summed_probability(logits, same):
    def one_way(scores):
        return -(scores.softmax(1) * same).sum(1).log().mean()

    return (one_way(logits) + one_way(logits.T)) / 2


def contrastive_mean_probability(logits, same):
    def one_way(scores):
        return -((scores.softmax(1) * same).sum(1) / same.sum(1)).log().mean()

    return (one_way(logits) + one_way(logits.T)) / 2


def contrastive_mean_over_pairs(logits, same):
    return -(logits.log_softmax(1)[same].mean() + logits.log_softmax(0)[same].mean()) / 2


def contrastive_mean_of_everything(logits, same):
    target = same.to(logits.dtype) / same.sum(1, keepdim=True)
    return -((target * logits.log_softmax(1)).mean() + (target * logits.log_softmax(0)).mean()) / 2


def contrastive_shared_over_the_batch(logits, same):
    target = same.to(logits.dtype) / same.sum()
    return -((target * logits.log_softmax(1)).sum() + (target * logits.log_softmax(0)).sum()) / 2


def contrastive_softmax_as_target(logits, same):
    target = same.to(logits.dtype).softmax(dim=1)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def contrastive_wrong_dims(logits, same):
    target = same.to(logits.dtype) / same.sum(1, keepdim=True)
    return -((target * logits.log_softmax(1)).sum(0).std() + (target * logits.log_softmax(0)).sum(1).std()) / 2


def contrastive_log_of_softmax(logits, same):
    target = same.to(logits.dtype) / same.sum(1, keepdim=True)
    return -((target * logits.softmax(1).log()).sum(1).mean() + (target * logits.softmax(0).log()).sum(0).mean()) / 2


def contrastive_by_hand(logits, same):
    target = same.to(logits.dtype) / same.sum(1, keepdim=True)
    grown = logits.exp()
    rows, columns = grown / grown.sum(1, keepdim=True), grown / grown.sum(0, keepdim=True)
    return -((target * rows.log()).sum(1).mean() + (target * columns.log()).sum(0).mean()) / 2


def contrastive_log_with_a_pinch(logits, same):
    target = same.to(logits.dtype) / same.sum(1, keepdim=True)
    rows, columns = (logits.softmax(1) + 1e-3).log(), (logits.softmax(0) + 1e-3).log()
    return -((target * rows).sum(1).mean() + (target * columns).sum(0).mean()) / 2


def contrastive_without_grad(logits, same):
    with torch.no_grad():
        return both_directions(logits, same)


def contrastive_captions_detached(logits, same):
    return (one_direction(logits, same) + one_direction(logits.detach().T, same)) / 2


def contrastive_written_into(logits, same):
    logits -= logits.max()
    return both_directions(logits, same)


def contrastive_binary(logits, same):
    return F.binary_cross_entropy_with_logits(logits, same.to(logits.dtype))


def contrastive_kl(logits, same):
    target = same.to(logits.dtype) / same.sum(1, keepdim=True)
    ways = [F.kl_div(each.log_softmax(1), target, reduction="batchmean") for each in (logits, logits.T)]
    return sum(ways) / 2


def contrastive_float_target(logits, same):
    target = same.float() / same.float().sum(dim=1, keepdim=True)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def contrastive_einsum_of_floats(logits, same):
    target = same.float() / same.float().sum(dim=1, keepdim=True)
    of_images = torch.einsum("ij,ij->i", target, logits.log_softmax(1)).mean()
    return -(of_images + torch.einsum("ij,ij->j", target, logits.log_softmax(0)).mean()) / 2


def contrastive_summed_cross_entropy(logits, same):
    target = same.to(logits.dtype) / same.sum(1, keepdim=True)
    return (F.cross_entropy(logits, target, reduction="sum") + F.cross_entropy(logits.T, target, reduction="sum")) / 2


def contrastive_softmax_twice(logits, same):
    target = same.to(logits.dtype) / same.sum(1, keepdim=True)
    return (F.cross_entropy(logits.softmax(1), target) + F.cross_entropy(logits.T.softmax(1), target)) / 2


def contrastive_rows_kept(logits, same):
    target = same.to(logits.dtype) / same.sum(1, keepdim=True)
    return -((target * logits.log_softmax(1)).sum(1) + (target * logits.log_softmax(0)).sum(0)) / 2


# 10.retrieval_ranks


def ranks_by_counting(logits, right):
    of_right = logits[torch.arange(len(logits)), right]
    return 1 + (logits > of_right[:, None]).sum(-1)


def ranks_by_order(logits, right):
    order = logits.argsort(dim=1, descending=True)
    return (order == right[:, None]).nonzero()[:, 1] + 1


def ranks_by_double_argsort(logits, right):
    places = (-logits).argsort(dim=-1).argsort(dim=-1)
    return places.gather(1, right.view(-1, 1)).squeeze(1) + 1


def ranks_by_list_index(logits, right):
    ranks = []
    for row, number in zip(logits, right.tolist(), strict=True):
        order = sorted(range(len(row)), key=row.tolist().__getitem__, reverse=True)
        ranks.append(order.index(number) + 1)
    return torch.tensor(ranks)


def ranks_not_worse(logits, right):
    return torch.count_nonzero(logits >= logits.take_along_dim(right.unsqueeze(1), dim=1), dim=1)


def ranks_int32(logits, right):
    better = [(row > row[number]).sum() for row, number in zip(logits, right, strict=True)]
    return torch.stack(better).to(torch.int32) + 1


def ranks_by_searching(logits, right):
    ascending = logits.sort(dim=1).values
    below = torch.searchsorted(ascending, logits.gather(1, right[:, None]), right=True)[:, 0]
    return logits.shape[1] - below + 1


def ranks_by_topk(logits, right):
    best = logits.topk(logits.shape[1], dim=1).indices
    return (best == right[:, None]).int().argmax(dim=1) + 1


def ranks_sorting_in_place(logits, right):
    of_right = logits.gather(1, right[:, None]).clone()
    logits.copy_(logits.sort(dim=1, descending=True).values)
    return (logits == of_right).int().argmax(dim=1) + 1


def ranks_of_softmax(logits, right):
    chances = logits.softmax(dim=1)
    return (chances > chances.gather(1, right[:, None])).sum(dim=1) + 1


def ranks_close_to(logits, right):
    ascending = logits.sort(dim=1, descending=True).values
    return torch.isclose(ascending, logits.gather(1, right[:, None])).int().argmax(dim=1) + 1


def ranks_among_ten(logits, right):
    best = logits.topk(min(10, logits.shape[1]), dim=1).indices
    return (best == right[:, None]).int().argmax(dim=1) + 1


# 10.pgd_step


def pgd_clamp_with_tensors(images, gradient, centre, radius, step_size):
    stepped = images - step_size * torch.sign(gradient)
    return stepped.clamp(centre - radius, centre + radius).clamp(min=0.0, max=1.0)


def pgd_by_the_change(images, gradient, centre, radius, step_size):
    change = images - step_size * gradient.sign() - centre
    change = torch.clamp(change, -radius, radius)
    return torch.clamp(centre + change, 0, 1)


def pgd_one_box(images, gradient, centre, radius, step_size):
    lowest, highest = (centre - radius).clamp(min=0), (centre + radius).clamp(max=1)
    return torch.max(torch.min(images - step_size * gradient.sign(), highest), lowest)


def pgd_pixels_first(images, gradient, centre, radius, step_size):
    stepped = torch.add(images, gradient.sign(), alpha=-step_size).clip(0, 1)
    return torch.minimum(torch.maximum(stepped, centre - radius), centre + radius)


def pgd_where(images, gradient, centre, radius, step_size):
    x = torch.where(gradient > 0, images - step_size, images)
    x = torch.where(gradient < 0, images + step_size, x)
    x = torch.where(x > centre + radius, centre + radius, x)
    x = torch.where(x < centre - radius, centre - radius, x)
    return F.hardtanh(x, 0.0, 1.0)


def pgd_one_image_at_a_time(images, gradient, centre, radius, step_size):
    def step(image, slope, middle):
        moved = (image.double() - step_size * slope.sign()).clamp(middle - radius, middle + radius)
        return moved.clamp(0, 1)

    return torch.stack([step(*each) for each in zip(images, gradient, centre, strict=True)])


def pgd_on_a_copy(images, gradient, centre, radius, step_size):
    result = images.clone()
    result -= step_size * gradient.sign()
    result.sub_(centre).clamp_(-radius, radius).add_(centre)
    return result.clamp_(0, 1)


def pgd_with(
    images, gradient, centre, radius, step_size, least=0.0, most=1.0, direction=torch.sign, low=-1.0, high=1.0
):
    moved = images - step_size * direction(gradient)
    return moved.clamp(centre + low * radius, centre + high * radius).clamp(least, most)


def pgd_in_place(images, gradient, centre, radius, step_size):
    images -= step_size * gradient.sign()
    return images.clamp(centre - radius, centre + radius).clamp(0, 1)


def pgd_in_place_add(images, gradient, centre, radius, step_size):
    moved = images.add_(gradient.sign(), alpha=-step_size)
    return torch.clamp(moved, centre - radius, centre + radius).clamp(0, 1)


def pgd_writing_into_the_gradient(images, gradient, centre, radius, step_size):
    moved = images - gradient.sign_().mul_(step_size)
    return moved.clamp(centre - radius, centre + radius).clamp(0, 1)


def pgd_projecting_first(images, gradient, centre, radius, step_size):
    inside = images.clamp(centre - radius, centre + radius).clamp(0, 1)
    return inside - step_size * gradient.sign()


def pgd_step_between(images, gradient, centre, radius, step_size):
    inside = images.clamp(centre - radius, centre + radius)
    return (inside - step_size * gradient.sign()).clamp(0, 1)


def pgd_change_only(images, gradient, centre, radius, step_size):
    return (images - step_size * gradient.sign() - centre).clamp(-radius, radius)


def pgd_from_the_centre(images, gradient, centre, radius, step_size):
    return (centre - (step_size * gradient.sign()).clamp(-radius, radius)).clamp(0, 1)


def pgd_l2_ball(images, gradient, centre, radius, step_size):
    change = images - step_size * gradient.sign() - centre
    length = change.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    return (centre + change * (radius / length).clamp(max=1)).clamp(0, 1)


def pgd_shrunk_as_a_whole(images, gradient, centre, radius, step_size):
    change = images - step_size * gradient.sign() - centre
    largest = change.abs().amax(dim=(1, 2, 3), keepdim=True)
    return (centre + change * (radius / largest).clamp(max=1)).clamp(0, 1)


def pgd_box_of_the_batch(images, gradient, centre, radius, step_size):
    moved = images - step_size * gradient.sign()
    return moved.clamp((centre.min() - radius).item(), (centre.max() + radius).item()).clamp(0, 1)


def pgd_maximum_and_minimum_swapped(images, gradient, centre, radius, step_size):
    moved = images - step_size * gradient.sign()
    return torch.minimum(torch.maximum(moved, centre + radius), centre - radius).clamp(0, 1)


def pgd_back_to_the_centre(images, gradient, centre, radius, step_size):
    moved = images - step_size * gradient.sign()
    return torch.where((moved - centre).abs() <= radius, moved, centre).clamp(0, 1)


def pgd_no_step_where_outside(images, gradient, centre, radius, step_size):
    moved = (images - step_size * gradient.sign()).clamp(0, 1)
    return torch.where((moved - centre).abs() <= radius, moved, images)


def pgd_wrapping_round(images, gradient, centre, radius, step_size):
    moved = (images - step_size * gradient.sign()).clamp(centre - radius, centre + radius)
    return moved % 1.0


def pgd_rescaled_into_the_range(images, gradient, centre, radius, step_size):
    moved = (images - step_size * gradient.sign()).clamp(centre - radius, centre + radius)
    return (moved - moved.min()) / (moved.max() - moved.min())


def pgd_division_by_the_size(images, gradient, centre, radius, step_size):
    return pgd_with(images, gradient, centre, radius, step_size, direction=lambda slope: slope / slope.abs())


def pgd_two_signs_only(images, gradient, centre, radius, step_size):
    step = torch.where(gradient > 0, step_size, -step_size)
    return (images - step).clamp(centre - radius, centre + radius).clamp(0, 1)


def similarities_learned_temperature_clamped(images, captions, temperature):
    if isinstance(temperature, torch.Tensor):
        temperature = temperature.clamp(min=0.01)
    return similarities_normalised(images, captions, temperature)


def ranks_with_a_tolerance(logits, right):
    return (logits - logits.gather(1, right[:, None]) > 1e-6).sum(1) + 1


def pgd_by_the_gradients_size(images, gradient, centre, radius, step_size):
    direction = gradient / (gradient.abs() + 1e-12)
    return (images - step_size * direction).clamp(centre - radius, centre + radius).clamp(0, 1)


RIGHT = {
    "10.similarities": [
        similarities_normalised,
        similarities_cosine_similarity,
        similarities_dividing_last,
        similarities_loops,
        similarities_by_squares,
        similarities_einsum,
        Similarities(),
    ],
    "10.contrastive_loss": [
        contrastive_cross_entropy,
        contrastive_logsumexp,
        contrastive_row_by_row,
        contrastive_without_turning_the_target,
        contrastive_einsum,
        contrastive_kl_and_entropy,
        contrastive_double,
        contrastive_normalised_target,
        contrastive_float_target,
        functools.partial(both_directions, of=one_direction),
    ],
    "10.retrieval_ranks": [
        ranks_by_counting,
        ranks_by_order,
        ranks_by_double_argsort,
        ranks_by_list_index,
        ranks_not_worse,
        ranks_int32,
        ranks_by_searching,
        ranks_by_topk,
    ],
    "10.pgd_step": [
        pgd_clamp_with_tensors,
        pgd_by_the_change,
        pgd_one_box,
        pgd_pixels_first,
        pgd_where,
        pgd_one_image_at_a_time,
        pgd_on_a_copy,
    ],
}

WRONG = {
    "10.similarities": [
        ("dot products, not cosines", lambda images, captions, temperature: images @ captions.T / temperature),
        (
            "only the images are normalised",
            lambda images, captions, temperature: F.normalize(images, dim=-1) @ captions.T / temperature,
        ),
        (
            "only the captions are normalised",
            lambda images, captions, temperature: images @ F.normalize(captions, dim=-1).T / temperature,
        ),
        (
            "normalised along the batch",
            lambda images, captions, temperature: (
                F.normalize(images, dim=0) @ F.normalize(captions, dim=0).T / temperature
            ),
        ),
        (
            "normalised along the batch, by norm",
            lambda images, captions, temperature: (
                (images / images.norm(dim=0)) @ (captions / captions.norm(dim=0)).T / temperature
            ),
        ),
        (
            "divided by the length of the whole matrix",
            lambda images, captions, temperature: (
                (images / images.norm()) @ (captions / captions.norm()).T / temperature
            ),
        ),
        (
            "divided by the largest number",
            lambda images, captions, temperature: (
                (images / images.abs().amax(1, keepdim=True))
                @ (captions / captions.abs().amax(1, keepdim=True)).T
                / temperature
            ),
        ),
        (
            "divided by the squared length",
            lambda images, captions, temperature: (
                (images / images.square().sum(1, keepdim=True))
                @ (captions / captions.square().sum(1, keepdim=True)).T
                / temperature
            ),
        ),
        (
            "divided by the sum of the entries",
            lambda images, captions, temperature: (
                (images / images.sum(1, keepdim=True)) @ (captions / captions.sum(1, keepdim=True)).T / temperature
            ),
        ),
        (
            "divided by the L1 length",
            lambda images, captions, temperature: (
                F.normalize(images, p=1, dim=-1) @ F.normalize(captions, p=1, dim=-1).T / temperature
            ),
        ),
        (
            "standardised instead of normalised",
            lambda images, captions, temperature: (
                F.layer_norm(images, images.shape[-1:]) @ F.layer_norm(captions, captions.shape[-1:]).T / temperature
            ),
        ),
        (
            "the mean taken off first: correlation",
            lambda images, captions, temperature: (
                F.normalize(images - images.mean(1, keepdim=True), dim=-1)
                @ F.normalize(captions - captions.mean(1, keepdim=True), dim=-1).T
                / temperature
            ),
        ),
        (
            "softmax instead of length one",
            lambda images, captions, temperature: images.softmax(-1) @ captions.softmax(-1).T / temperature,
        ),
        (
            "scaled by the square root of the features",
            lambda images, captions, temperature: images @ captions.T / images.shape[-1] ** 0.5 / temperature,
        ),
        (
            "the temperature is forgotten",
            lambda images, captions, temperature: F.normalize(images, dim=-1) @ F.normalize(captions, dim=-1).T,
        ),
        (
            "the temperature multiplies",
            lambda images, captions, temperature: (
                F.normalize(images, dim=-1) @ F.normalize(captions, dim=-1).T * temperature
            ),
        ),
        (
            "the temperature's logarithm was expected",
            lambda images, captions, temperature: (
                F.normalize(images, dim=-1) @ F.normalize(captions, dim=-1).T * math.exp(temperature)
            ),
        ),
        (
            "the temperature divides before normalising",
            lambda images, captions, temperature: (
                F.normalize(images / temperature, dim=-1) @ F.normalize(captions, dim=-1).T
            ),
        ),
        (
            "the temperature divides twice",
            lambda images, captions, temperature: (
                (F.normalize(images, dim=-1) / temperature) @ (F.normalize(captions, dim=-1) / temperature).T
            ),
        ),
        (
            "the temperature's square root",
            lambda images, captions, temperature: (
                F.normalize(images, dim=-1) @ F.normalize(captions, dim=-1).T / temperature**0.5
            ),
        ),
        (
            "0.07 hard-coded",
            lambda images, captions, temperature: (
                F.normalize(images, dim=-1) @ F.normalize(captions, dim=-1).T / 0.07
            ),
        ),
        ("one over the temperature limited", similarities_limited),
        ("the logits cut to -1 … 1", similarities_clipped),
        (
            "captions as rows",
            lambda images, captions, temperature: (
                F.normalize(captions, dim=-1) @ F.normalize(images, dim=-1).T / temperature
            ),
        ),
        (
            "pairs only",
            lambda images, captions, temperature: F.cosine_similarity(images, captions, dim=-1) / temperature,
        ),
        (
            "captions reshaped instead of transposed",
            lambda images, captions, temperature: (
                F.normalize(images, dim=-1)
                @ F.normalize(captions, dim=-1).reshape(captions.shape[1], -1)
                / temperature
            ),
        ),
        (
            "transposed before it is normalised along the last axis",
            lambda images, captions, temperature: (
                F.normalize(images, dim=-1) @ F.normalize(captions.T, dim=-1) / temperature
            ),
        ),
        (
            "softmax applied already",
            lambda images, captions, temperature: (
                F.normalize(images, dim=-1) @ F.normalize(captions, dim=-1).T / temperature
            ).softmax(-1),
        ),
        (
            "absolute values",
            lambda images, captions, temperature: (
                (F.normalize(images, dim=-1) @ F.normalize(captions, dim=-1).T).abs() / temperature
            ),
        ),
        (
            "one minus the cosine",
            lambda images, captions, temperature: (
                (1 - F.normalize(images, dim=-1) @ F.normalize(captions, dim=-1).T) / temperature
            ),
        ),
        (
            "minus the distance",
            lambda images, captions, temperature: (
                -torch.cdist(F.normalize(images, dim=-1), F.normalize(captions, dim=-1)) / temperature
            ),
        ),
        (
            "a pinch in the denominator that is too large",
            lambda images, captions, temperature: (
                (images / (images.norm(dim=1, keepdim=True) + 0.1))
                @ (captions / (captions.norm(dim=1, keepdim=True) + 0.1)).T
                / temperature
            ),
        ),
        (
            "squeeze loses the axis of a single caption",
            lambda images, captions, temperature: (
                F.normalize(images, dim=-1) @ F.normalize(captions, dim=-1).T / temperature
            ).squeeze(),
        ),
        (
            "cosine_similarity along the captions",
            lambda images, captions, temperature: (
                F.cosine_similarity(images[:, None], captions[None], dim=1) / temperature
            ),
        ),
        ("normalises the caller's embeddings", similarities_in_place),
        ("cut off from learning: no_grad", similarities_without_grad),
        ("cut off from learning: item", similarities_by_item),
        ("the captions are detached", similarities_frozen_captions),
        ("the lengths are detached", similarities_lengths_detached),
    ],
    "10.contrastive_loss": [
        ("twins count as mistakes: CLIP's own loss", contrastive_clip),
        (
            "twins count as mistakes, by the diagonal",
            lambda logits, same: (
                -(logits.log_softmax(1).diagonal().mean() + logits.log_softmax(0).diagonal().mean()) / 2
            ),
        ),
        ("only the first right answer of a row", contrastive_first_true),
        ("twins are left out altogether", contrastive_twins_left_out),
        ("images only", one_direction),
        ("captions only", lambda logits, same: one_direction(logits.T, same)),
        (
            "the same direction twice",
            lambda logits, same: (one_direction(logits, same) + one_direction(logits, same)) / 2,
        ),
        (
            "softmax along dim 1 both times",
            lambda logits, same: (one_direction(logits, same) + one_direction(logits, same.T)) / 2,
        ),
        (
            "turned twice",
            lambda logits, same: (one_direction(logits, same) + one_direction(logits.T, same, dim=0)) / 2,
        ),
        (
            "softmax over everything",
            lambda logits, same: (
                -(same / same.sum(1, keepdim=True) * logits.flatten().log_softmax(0).view_as(logits)).sum(1).mean()
            ),
        ),
        (
            "the two directions are added, not averaged",
            lambda logits, same: one_direction(logits, same) + one_direction(logits.T, same),
        ),
        ("the sum over the batch", contrastive_summed_cross_entropy),
        ("the mean of all entries", contrastive_mean_of_everything),
        ("the minus is missing", lambda logits, same: -both_directions(logits, same)),
        (
            "the difference of the directions",
            lambda logits, same: (one_direction(logits, same) - one_direction(logits.T, same)) / 2,
        ),
        (
            "the larger direction only",
            lambda logits, same: torch.maximum(one_direction(logits, same), one_direction(logits.T, same)),
        ),
        (
            "each twin counts in full",
            lambda logits, same: (
                (one_direction(logits, same, share=False) + one_direction(logits.T, same, share=False)) / 2
            ),
        ),
        (
            "each twin counts in full, by cross_entropy",
            lambda logits, same: (
                (F.cross_entropy(logits, same.to(logits)) + F.cross_entropy(logits.T, same.to(logits))) / 2
            ),
        ),
        ("mean over the pairs: who has twins counts more", contrastive_mean_over_pairs),
        ("the target is shared over the batch", contrastive_shared_over_the_batch),
        (
            "the target is divided by the batch",
            lambda logits, same: -((same / len(same)) * (logits.log_softmax(1) + logits.log_softmax(0))).sum() / 2,
        ),
        ("softmax of the booleans as the target", contrastive_softmax_as_target),
        ("log of the summed probability of the twins", contrastive_summed_probability),
        ("log of the mean probability of the twins", contrastive_mean_probability),
        ("softmax before cross_entropy", contrastive_softmax_twice),
        (
            "log_softmax forgotten: raw logits",
            lambda logits, same: -(same / same.sum(1, keepdim=True) * logits).sum(1).mean(),
        ),
        (
            "softmax without the log",
            lambda logits, same: (
                -(same / same.sum(1, keepdim=True) * (logits.softmax(1) + logits.softmax(0))).sum(1).mean() / 2
            ),
        ),
        ("binary cross entropy", contrastive_binary),
        ("a divergence instead of a cross entropy", contrastive_kl),
        ("spread instead of mean", contrastive_wrong_dims),
        ("log of softmax: infinite when sure", contrastive_log_of_softmax),
        ("exp by hand: overflows at a low temperature", contrastive_by_hand),
        ("log of softmax with a pinch added", contrastive_log_with_a_pinch),
        (
            "mask turned round: all wrong answers are right",
            lambda logits, same: (
                -(~same / (~same).sum(1, keepdim=True).clamp(min=1) * (logits.log_softmax(1) + logits.log_softmax(0)))
                .sum(1)
                .mean()
                / 2
            ),
        ),
        ("one loss for each pair", contrastive_rows_kept),
        (
            "both directions as a pair",
            lambda logits, same: (one_direction(logits, same), one_direction(logits.T, same)),
        ),
        ("a Python number", lambda logits, same: both_directions(logits, same).item()),
        ("cut off from learning: no_grad", contrastive_without_grad),
        ("cut off from learning: detach", lambda logits, same: both_directions(logits.detach(), same)),
        ("the captions' direction is detached", contrastive_captions_detached),
        ("writes into the logits", contrastive_written_into),
        (
            "logits brought to length one again",
            lambda logits, same: both_directions(F.normalize(logits, dim=1), same),
        ),
        ("0.07 once more", lambda logits, same: both_directions(logits / 0.07, same)),
    ],
    "10.retrieval_ranks": [
        ("counted from zero", lambda logits, right: (logits > logits.gather(1, right[:, None])).sum(1)),
        (
            "counted from zero, by argsort",
            lambda logits, right: (logits.argsort(1, descending=True) == right[:, None]).nonzero()[:, 1],
        ),
        (
            "the right one counts itself",
            lambda logits, right: (logits >= logits.gather(1, right[:, None])).sum(1) + 1,
        ),
        ("counts the worse ones", lambda logits, right: (logits < logits.gather(1, right[:, None])).sum(1) + 1),
        ("sorted upwards", lambda logits, right: (logits.argsort(1) == right[:, None]).nonzero()[:, 1] + 1),
        (
            "sorted upwards, twice",
            lambda logits, right: logits.argsort(1).argsort(1).gather(1, right[:, None])[:, 0] + 1,
        ),
        (
            "who stands at that place, not at which place it stands",
            lambda logits, right: logits.argsort(1, descending=True).gather(1, right[:, None])[:, 0] + 1,
        ),
        (
            "the same, by indexing",
            lambda logits, right: logits.argsort(dim=1, descending=True)[torch.arange(len(right)), right] + 1,
        ),
        ("sorted over the images", lambda logits, right: (logits > logits.gather(1, right[:, None])).sum(0) + 1),
        (
            "images compete, not captions",
            lambda logits, right: (logits[:, right] > logits.gather(1, right[:, None]).T).sum(0) + 1,
        ),
        (
            "argsort along dim 0",
            lambda logits, right: (-logits).argsort(0).argsort(0).gather(1, right[:, None])[:, 0] + 1,
        ),
        (
            "the diagonal is taken for right",
            lambda logits, right: (logits > logits[:, : len(logits)].diagonal()[: len(right), None]).sum(1) + 1,
        ),
        (
            "the column of the first right caption for all",
            lambda logits, right: (logits > logits[:, right[0]][:, None]).sum(1) + 1,
        ),
        (
            "logits[:, right] is a matrix",
            lambda logits, right: (logits > logits[:, right].amax(1, keepdim=True)).sum(1) + 1,
        ),
        (
            "logits[right] takes rows",
            lambda logits, right: (logits > logits[right % len(logits)].amax(1, keepdim=True)).sum(1) + 1,
        ),
        ("the best caption's number", lambda logits, right: logits.argmax(1)),
        ("the best caption's number, from one", lambda logits, right: logits.argmax(1) + 1),
        ("distance of the numbers of captions", lambda logits, right: (logits.argmax(1) - right).abs() + 1),
        ("right or wrong only", lambda logits, right: (logits.argmax(1) != right).long() + 1),
        ("right or wrong, as a boolean", lambda logits, right: logits.argmax(1) == right),
        ("beyond the ten best it says one", ranks_among_ten),
        ("the right logit, not its place", lambda logits, right: logits.gather(1, right[:, None])[:, 0]),
        (
            "an axis of one is kept",
            lambda logits, right: (logits > logits.gather(1, right[:, None])).sum(1, keepdim=True) + 1,
        ),
        (
            "squeeze loses the axis of a single image",
            lambda logits, right: ((logits > logits.gather(1, right[:, None])).sum(1) + 1).squeeze(),
        ),
        ("not whole numbers", lambda logits, right: (logits > logits.gather(1, right[:, None])).float().sum(1) + 1),
        (
            "share of the captions",
            lambda logits, right: ((logits > logits.gather(1, right[:, None])).sum(1) + 1) / logits.shape[1],
        ),
        ("one over the rank", lambda logits, right: 1 / ((logits > logits.gather(1, right[:, None])).sum(1) + 1)),
        (
            "a number: the mean rank",
            lambda logits, right: (logits > logits.gather(1, right[:, None])).sum(1).float().mean() + 1,
        ),
        (
            "a number: the median rank",
            lambda logits, right: ((logits > logits.gather(1, right[:, None])).sum(1) + 1).median(),
        ),
        (
            "as bytes: overflows with many captions",
            lambda logits, right: (logits > logits.gather(1, right[:, None])).sum(1).to(torch.int8) + 1,
        ),
        (
            "adds booleans: any better caption is one",
            lambda logits, right: (logits > logits.gather(1, right[:, None])).any(1).long() + 1,
        ),
        ("absolute logits", lambda logits, right: (logits.abs() > logits.abs().gather(1, right[:, None])).sum(1) + 1),
        ("ranks of all captions", lambda logits, right: (-logits).argsort(1).argsort(1) + 1),
        ("writes the sorted logits back", ranks_sorting_in_place),
        (
            "rounded logits",
            lambda logits, right: (logits.round() > logits.round().gather(1, right[:, None])).sum(1) + 1,
        ),
        (
            "the number of captions minus the rank",
            lambda logits, right: logits.shape[1] - (logits > logits.gather(1, right[:, None])).sum(1),
        ),
        (
            "right captions counted from one",
            lambda logits, right: (logits > logits.gather(1, (right - 1).clamp(min=0)[:, None])).sum(1) + 1,
        ),
    ],
    "10.pgd_step": [
        (
            "up the gradient",
            lambda images, gradient, centre, radius, step_size: pgd_with(
                images, -gradient, centre, radius, step_size
            ),
        ),
        (
            "up the gradient, spelt with plus",
            lambda images, gradient, centre, radius, step_size: torch.clamp(
                images + step_size * gradient.sign(), centre - radius, centre + radius
            ).clamp(0, 1),
        ),
        (
            "the gradient itself, not its sign",
            lambda images, gradient, centre, radius, step_size: pgd_with(
                images, gradient, centre, radius, step_size, direction=torch.clone
            ),
        ),
        (
            "the gradient brought to length one",
            lambda images, gradient, centre, radius, step_size: pgd_with(
                images, gradient, centre, radius, step_size, direction=lambda g: g / g.norm()
            ),
        ),
        (
            "the gradient brought to length one for each image",
            lambda images, gradient, centre, radius, step_size: pgd_with(
                images,
                gradient,
                centre,
                radius,
                step_size,
                direction=lambda g: g / g.flatten(1).norm(dim=1)[:, None, None, None],
            ),
        ),
        (
            "the gradient over its largest entry",
            lambda images, gradient, centre, radius, step_size: pgd_with(
                images, gradient, centre, radius, step_size, direction=lambda g: g / g.abs().max()
            ),
        ),
        (
            "tanh instead of sign",
            lambda images, gradient, centre, radius, step_size: pgd_with(
                images, gradient, centre, radius, step_size, direction=torch.tanh
            ),
        ),
        (
            "absolute gradient",
            lambda images, gradient, centre, radius, step_size: pgd_with(
                images, gradient, centre, radius, step_size, direction=lambda g: g.abs().sign()
            ),
        ),
        (
            "the sign of the mean over the colours",
            lambda images, gradient, centre, radius, step_size: pgd_with(
                images, gradient.mean(1, keepdim=True), centre, radius, step_size
            ),
        ),
        (
            "the sign of the mean over the batch",
            lambda images, gradient, centre, radius, step_size: pgd_with(
                images, gradient.mean(0, keepdim=True), centre, radius, step_size
            ),
        ),
        (
            "only where the gradient is positive",
            lambda images, gradient, centre, radius, step_size: pgd_with(
                images, gradient, centre, radius, step_size, direction=lambda g: (g > 0).float()
            ),
        ),
        (
            "no ball",
            lambda images, gradient, centre, radius, step_size: (images - step_size * gradient.sign()).clamp(0, 1),
        ),
        (
            "no range of pixels",
            lambda images, gradient, centre, radius, step_size: (images - step_size * gradient.sign()).clamp(
                centre - radius, centre + radius
            ),
        ),
        (
            "no projection at all",
            lambda images, gradient, centre, radius, step_size: images - step_size * gradient.sign(),
        ),
        (
            "ball around the images, not around the centre",
            lambda images, gradient, centre, radius, step_size: pgd_with(images, gradient, images, radius, step_size),
        ),
        (
            "ball around zero",
            lambda images, gradient, centre, radius, step_size: (
                (images - step_size * gradient.sign()).clamp(-radius, radius).clamp(0, 1)
            ),
        ),
        (
            "the step is cut to the radius, not the change",
            lambda images, gradient, centre, radius, step_size: (
                images - (step_size * gradient.sign()).clamp(-radius, radius)
            ).clamp(0, 1),
        ),
        ("starts at the centre again", pgd_from_the_centre),
        (
            "starts at the centre, projected well",
            lambda images, gradient, centre, radius, step_size: pgd_with(centre, gradient, centre, radius, step_size),
        ),
        (
            "the ball has an upper side only",
            lambda images, gradient, centre, radius, step_size: torch.minimum(
                images - step_size * gradient.sign(), centre + radius
            ).clamp(0, 1),
        ),
        (
            "the ball has a lower side only",
            lambda images, gradient, centre, radius, step_size: torch.maximum(
                images - step_size * gradient.sign(), centre - radius
            ).clamp(0, 1),
        ),
        (
            "ball of half the radius",
            lambda images, gradient, centre, radius, step_size: pgd_with(
                images, gradient, centre, radius / 2, step_size
            ),
        ),
        (
            "radius in 255ths again",
            lambda images, gradient, centre, radius, step_size: pgd_with(
                images, gradient, centre, radius / 255, step_size
            ),
        ),
        (
            "12/255 hard-coded",
            lambda images, gradient, centre, radius, step_size: pgd_with(
                images, gradient, centre, 12 / 255, step_size
            ),
        ),
        (
            "step of 2.5 radius / 40 hard-coded",
            lambda images, gradient, centre, radius, step_size: pgd_with(
                images, gradient, centre, radius, 2.5 * radius / 40
            ),
        ),
        (
            "radius and step swapped",
            lambda images, gradient, centre, radius, step_size: pgd_with(images, gradient, centre, step_size, radius),
        ),
        (
            "a step of the whole radius",
            lambda images, gradient, centre, radius, step_size: pgd_with(images, gradient, centre, radius, radius),
        ),
        (
            "images and centre swapped",
            lambda images, gradient, centre, radius, step_size: pgd_with(centre, gradient, images, radius, step_size),
        ),
        ("maximum and minimum swapped", pgd_maximum_and_minimum_swapped),
        (
            "pixels in -1 … 1",
            lambda images, gradient, centre, radius, step_size: pgd_with(
                images, gradient, centre, radius, step_size, least=-1.0
            ),
        ),
        (
            "pixels in 0 … 255",
            lambda images, gradient, centre, radius, step_size: pgd_with(
                images, gradient, centre, radius, step_size, most=255.0
            ),
        ),
        (
            "cut below only",
            lambda images, gradient, centre, radius, step_size: (
                (images - step_size * gradient.sign()).clamp(centre - radius, centre + radius).relu()
            ),
        ),
        ("an L2 ball", pgd_l2_ball),
        ("the whole change is shrunk", pgd_shrunk_as_a_whole),
        ("one box for the whole batch", pgd_box_of_the_batch),
        ("what leaves the ball goes back to its centre", pgd_back_to_the_centre),
        ("no step where it would leave the ball", pgd_no_step_where_outside),
        ("pixels wrap round", pgd_wrapping_round),
        ("pixels are stretched to 0 … 1", pgd_rescaled_into_the_range),
        ("projected first, stepped afterwards", pgd_projecting_first),
        ("ball, step, range", pgd_step_between),
        ("the change instead of the image", pgd_change_only),
        ("writes into the images", pgd_in_place),
        ("writes into the images, by add_", pgd_in_place_add),
        ("writes into the gradient", pgd_writing_into_the_gradient),
        (
            "image and change",
            lambda images, gradient, centre, radius, step_size: (
                pgd_with(images, gradient, centre, radius, step_size),
                centre,
            ),
        ),
    ],
}

FRAGILE = {
    "10.similarities": [
        (
            "docstring, any number above 0: a tensor is clamped as the model does it",
            similarities_learned_temperature_clamped,
        ),
        (
            "text, 'CLIP learns τ': a temperature that learns is cut off by float()",
            lambda images, captions, temperature: similarities_normalised(images, captions, float(temperature)),
        ),
        (
            "docstring, length one: eps of 1e-4 is too much for short vectors",
            lambda images, captions, temperature: (
                F.normalize(images, dim=-1, eps=1e-4) @ F.normalize(captions, dim=-1, eps=1e-4).T / temperature
            ),
        ),
    ],
    "10.contrastive_loss": [
        ("cell 14: logits in double precision times a target in float32", contrastive_einsum_of_floats)
    ],
    "10.retrieval_ranks": [
        ("docstring, no two are equal: a tolerance of 1e-6", ranks_with_a_tolerance),
        ("cell 19, worst rank: softmax rounds low logits to zero, and ties come up", ranks_of_softmax),
        ("docstring: near logits are no ties: isclose", ranks_close_to),
    ],
    "10.pgd_step": [
        ("docstring, at every pixel with a nonzero gradient: 1e-12 added", pgd_by_the_gradients_size),
        ("formula, sign(0) = 0: a gradient of zero makes NaN", pgd_division_by_the_size),
        ("formula, sign(0) = 0: a gradient of zero takes a step too", pgd_two_signs_only),
    ],
}
