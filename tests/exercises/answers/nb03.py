"""Answers to the exercises of notebook 03 as students write them: right ones, wrong ones and fragile ones."""

import math
from functools import partial

import torch
from einops import einsum, rearrange, reduce
from torch.nn import functional as F

from course_utils.attention import attend, causal_mask

# quantise


def _by_reshape(images, palette):
    batch, channels, height, width = images.shape
    pixels = images.permute(0, 2, 3, 1).reshape(batch, height * width, 1, channels)
    return ((pixels - palette) ** 2).sum(-1).argmin(-1)


def _by_norm(images, palette):
    pixels = images.flatten(2).mT
    return torch.argmin(torch.linalg.norm(pixels[:, :, None] - palette[None, None], dim=-1), dim=2)


def _by_loops(images, palette):
    rows = []
    for image in images:
        row = []
        for y in range(image.shape[1]):
            for x in range(image.shape[2]):
                distances = [float(((image[:, y, x] - colour) ** 2).sum()) for colour in palette]
                row.append(distances.index(min(distances)))
        rows.append(row)
    return torch.tensor(rows)


def _keep_the_best(images, palette):
    best = torch.full_like(images[:, 0], float("inf"))
    number = torch.zeros_like(best, dtype=torch.long)
    for index, colour in enumerate(palette):
        distance = (images - colour[:, None, None]).pow(2).sum(1)
        closer = distance < best
        best = torch.where(closer, distance, best)
        number[closer] = index
    return number.flatten(1)


def _expanded_square(images, palette):
    pixels = rearrange(images, "b c h w -> b (h w) c").double()
    colours = palette.double()
    cross = einsum(pixels, colours, "b n c, k c -> b n k")
    return (colours.square().sum(-1) - 2 * cross).argmin(-1)


def _cdist(images, palette):
    pixels = rearrange(images, "b c h w -> b (h w) c")
    return torch.cdist(pixels, palette).argmin(dim=-1)


def _by_topk(images, palette):
    difference = images[:, None] - palette[None, :, :, None, None]
    nearest = difference.square().sum(2).topk(1, dim=1, largest=False).indices
    return nearest.flatten(start_dim=1)


class _Quantiser:
    def __call__(self, images, palette):
        return torch.stack([self.one(image, palette) for image in images])

    def one(self, image, palette):
        pixels = image.reshape(image.shape[0], -1).T
        return torch.stack([(pixels - colour).square().sum(1) for colour in palette], 1).min(1).indices


def _columns_first(images, palette):
    pixels = rearrange(images, "b c h w -> b (w h) 1 c")
    return (pixels - palette).square().sum(-1).argmin(-1)


def _columns_by_permute(images, palette):
    batch, channels = images.shape[:2]
    pixels = images.permute(0, 3, 2, 1).reshape(batch, -1, 1, channels)
    return (pixels - palette).pow(2).sum(-1).argmin(-1)


def _reshape_without_permute(images, palette):
    batch, channels, height, width = images.shape
    pixels = images.reshape(batch, height * width, 1, channels)
    return (pixels - palette).square().sum(-1).argmin(-1)


def _farthest(images, palette):
    pixels = rearrange(images, "b c h w -> b (h w) 1 c")
    return (pixels - palette).square().sum(-1).argmax(-1)


def _manhattan(images, palette):
    pixels = rearrange(images, "b c h w -> b (h w) 1 c")
    return (pixels - palette).abs().sum(-1).argmin(-1)


def _cdist_p1(images, palette):
    return torch.cdist(images.flatten(2).mT, palette, p=1).argmin(-1)


def _largest_channel_difference(images, palette):
    pixels = rearrange(images, "b c h w -> b (h w) 1 c")
    return (pixels - palette).abs().amax(-1).argmin(-1)


def _sum_before_square(images, palette):
    pixels = rearrange(images, "b c h w -> b (h w) 1 c")
    return (pixels - palette).sum(-1).square().argmin(-1)


def _no_square(images, palette):
    pixels = rearrange(images, "b c h w -> b (h w) 1 c")
    return (pixels - palette).sum(-1).argmin(-1)


def _dot_product(images, palette):
    return einsum(images, palette, "b c h w, k c -> b h w k").argmax(-1).flatten(1)


def _cosine(images, palette):
    pixels = F.normalize(images.flatten(2).mT, dim=-1)
    return (pixels @ F.normalize(palette, dim=-1).T).argmax(-1)


def _forgot_the_two(images, palette):
    pixels = images.flatten(2).mT
    return (palette.square().sum(-1) - pixels @ palette.T).argmin(-1)


def _plus_in_the_expansion(images, palette):
    pixels = images.flatten(2).mT
    squares = pixels.square().sum(-1, keepdim=True) + palette.square().sum(-1)
    return (squares + 2 * pixels @ palette.T).argmin(-1)


def _first_channel_only(images, palette):
    return (images[:, 0, :, :, None] - palette[:, 0]).square().argmin(-1).flatten(1)


def _grey_first(images, palette):
    return (images.mean(1)[..., None] - palette.mean(-1)).abs().argmin(-1).flatten(1)


def _distance_itself(images, palette):
    return torch.cdist(images.flatten(2).mT, palette).min(dim=-1).values


def _min_with_both(images, palette):
    return torch.cdist(images.flatten(2).mT, palette).min(dim=-1)


def _not_flat(images, palette):
    pixels = rearrange(images, "b c h w -> b h w 1 c")
    return (pixels - palette).square().sum(-1).argmin(-1)


def _batch_flattened_too(images, palette):
    pixels = rearrange(images, "b c h w -> (b h w) 1 c")
    return (pixels - palette).square().sum(-1).argmin(-1)


def _colours_not_numbers(images, palette):
    number = torch.cdist(images.flatten(2).mT, palette).argmin(-1)
    return palette[number]


def _evenly_spaced(images, palette):
    return (images.mean(1) * (len(palette) - 1)).round().long().flatten(1)


def _nearest_pixel_of_a_colour(images, palette):
    pixels = rearrange(images, "b c h w -> b (h w) 1 c")
    return (pixels - palette).square().sum(-1).argmin(1)


def _as_float(images, palette):
    return torch.cdist(images.flatten(2).mT, palette).argmin(-1).float()


def _counted_from_one(images, palette):
    return torch.cdist(images.flatten(2).mT, palette).argmin(-1) + 1


def _bucket(images, palette):
    return torch.bucketize(images.mean(1), palette.mean(-1).sort().values).clamp(max=len(palette) - 1).flatten(1)


def _only_first_picture(images, palette):
    pixels = images[0].flatten(1).T
    return torch.cdist(pixels, palette).argmin(-1)[None]


def _squares_only(images, palette):
    side = images.shape[-1]
    number = torch.zeros(len(images), side * side, dtype=torch.long)
    for y in range(side):
        for x in range(side):
            number[:, y * side + x] = torch.cdist(images[:, :, y, x], palette).argmin(-1)
    return number


def _wrong_row_length(images, palette):
    batch, _, height, width = images.shape
    number = torch.zeros(batch, height * width, dtype=torch.long)
    for y in range(height):
        for x in range(width):
            number[:, y * height + x] = torch.cdist(images[:, :, y, x], palette).argmin(-1)
    return number


def _sorts_the_palette(images, palette):
    palette = palette[palette.sum(1).argsort(descending=True)]
    return torch.cdist(images.flatten(2).mT, palette).argmin(-1)


def _writes_over_the_pictures(images, palette):
    images -= images.mean()
    palette = palette - images.mean()
    return torch.cdist(images.flatten(2).mT, palette).argmin(-1)


def _squares_with_mean_over_pictures(images, palette):
    pixels = rearrange(images, "b c h w -> b (h w) 1 c")
    return (pixels - palette).square().sum(-1).mean(0, keepdim=True).argmin(-1)


def _eight_bit(images, palette):
    return torch.cdist(images.flatten(2).mT, palette).argmin(-1).to(torch.uint8)


def _int32(images, palette):
    return torch.cdist(images.flatten(2).mT, palette).argmin(-1).int()


# next_pixel_pairs


def _new_full(tokens, start):
    return torch.cat((tokens.new_full((len(tokens), 1), start), tokens[:, :-1]), dim=1), tokens


def _pad(tokens, start):
    return F.pad(tokens[:, :-1], (1, 0), value=start), tokens.clone()


def _roll(tokens, start):
    inputs = torch.roll(tokens, shifts=1, dims=1)
    inputs[:, 0] = start
    return inputs, tokens


def _roll_flat(tokens, start):
    inputs = tokens.roll(1)
    inputs[:, 0] = start
    return [inputs, tokens]


def _empty_and_fill(tokens, start):
    inputs = torch.empty_like(tokens)
    inputs[:, 0] = start
    for place in range(1, tokens.shape[1]):
        inputs[:, place] = tokens[:, place - 1]
    targets = tokens
    return inputs, targets


def _windows(tokens, start):
    whole = F.pad(tokens, (1, 0), value=start)
    return whole[:, :-1], whole[:, 1:]


def _lists(tokens, start):
    inputs = [[start, *row[:-1]] for row in tokens.tolist()]
    return torch.tensor(inputs), tokens


def _where_first(tokens, start):
    first = torch.arange(tokens.shape[1]) == 0
    return torch.where(first, start, tokens.roll(1, dims=-1)), tokens


def _swapped_pair(tokens, start):
    inputs, targets = _pad(tokens, start)
    return targets, inputs


def _no_shift(tokens, start):
    return tokens, tokens


def _shift_without_start(tokens, start):
    return tokens[:, :-1], tokens[:, 1:]


def _one_too_many(tokens, start):
    first = torch.full((len(tokens), 1), start)
    return torch.cat([first, tokens], dim=1), tokens


def _both_with_start(tokens, start):
    whole = F.pad(tokens, (1, 0), value=start)
    return whole, whole


def _replaced_first(tokens, start):
    inputs = tokens.clone()
    inputs[:, 0] = start
    return inputs, tokens


def _replaced_by_cat(tokens, start):
    first = torch.full_like(tokens[:, :1], start)
    return torch.cat([first, tokens[:, 1:]], dim=1), tokens


def _start_at_the_end(tokens, start):
    return F.pad(tokens[:, 1:], (0, 1), value=start), tokens


def _start_last_without_shift(tokens, start):
    return torch.cat([tokens[:, :-1], torch.full_like(tokens[:, :1], start)], dim=1), tokens


def _targets_move_too(tokens, start):
    inputs = F.pad(tokens[:, :-1], (1, 0), value=start)
    targets = F.pad(tokens[:, 1:], (0, 1), value=start)
    return inputs, targets


def _targets_one_further(tokens, start):
    return tokens, F.pad(tokens[:, 1:], (0, 1), value=start)


def _targets_shortened(tokens, start):
    return F.pad(tokens[:, :-1], (1, 0), value=start), tokens[:, 1:]


def _rolled_only(tokens, start):
    return tokens.roll(1, dims=1), tokens


def _rolled_back(tokens, start):
    inputs = tokens.roll(-1, dims=1)
    inputs[:, -1] = start
    return inputs, tokens


def _rolled_pictures(tokens, start):
    inputs = tokens.roll(1, dims=0)
    inputs[0] = start
    return inputs, tokens


def _zero_starts(tokens, start):
    return F.pad(tokens[:, :-1], (1, 0)), tokens


def _own_start(tokens, start):
    return F.pad(tokens[:, :-1], (1, 0), value=int(tokens.max()) + 1), tokens


def _five_starts(tokens, start=5):
    return F.pad(tokens[:, :-1], (1, 0), value=5), tokens


def _two_starts(tokens, start):
    return F.pad(tokens[:, :-2], (2, 0), value=start), tokens


def _written_in_place(tokens, start):
    inputs = tokens
    inputs[:, 1:] = tokens[:, :-1].clone()
    inputs[:, 0] = start
    return inputs, tokens


def _written_after_saving(tokens, start):
    targets = tokens.clone()
    tokens[:, 1:] = targets[:, :-1]
    tokens[:, 0] = start
    return tokens, targets


def _inputs_only(tokens, start):
    return torch.cat([torch.full_like(tokens[:, :1], start), tokens[:, :-1]], dim=1)


def _stacked_along_batch(tokens, start):
    return torch.cat([torch.full_like(tokens[:1], start), tokens[:-1]], dim=0), tokens


def _float_inputs(tokens, start):
    first = torch.ones(len(tokens), 1) * start
    return torch.cat([first, tokens[:, :-1]], dim=1), tokens


def _backwards(tokens, start):
    return F.pad(tokens.flip(1)[:, :-1], (1, 0), value=start), tokens


def _one_start_for_one_picture(tokens, start):
    return torch.cat([torch.tensor([[start]]), tokens[:, :-1]], dim=1), tokens


def _start_only_in_first_row(tokens, start):
    inputs = tokens.roll(1, dims=1)
    inputs[0, 0] = start
    return inputs, tokens


def _start_added(tokens, start):
    inputs = tokens.roll(1, dims=1)
    inputs[:, 0] += start
    return inputs, tokens


def _renamed_start(tokens, start_token):
    return torch.cat([torch.full_like(tokens[:, :1], start_token), tokens[:, :-1]], dim=1), tokens


# bits_per_pixel


def _cross_entropy_in_bits(logits, pixels):
    return F.cross_entropy(rearrange(logits, "b n k -> b k n"), pixels) / math.log(2)


def _flat_cross_entropy(logits, pixels):
    nats = F.cross_entropy(logits.flatten(0, 1), pixels.flatten())
    return nats * math.log2(math.e)


def _logsumexp(logits, pixels):
    right = torch.take_along_dim(logits, pixels.unsqueeze(-1), dim=-1).squeeze(-1)
    return ((torch.logsumexp(logits, dim=-1) - right) / math.log(2)).mean()


def _nll(logits, pixels):
    logp = F.log_softmax(logits, -1)
    return F.nll_loss(logp.reshape(-1, logp.shape[-1]), pixels.reshape(-1)) / torch.tensor(2.0).log()


def _one_hot(logits, pixels):
    chosen = F.one_hot(pixels, logits.shape[-1]).to(logits.dtype)
    log2p = logits.log_softmax(-1) / math.log(2)
    return -einsum(log2p, chosen, "b n k, b n k ->") / pixels.numel()


def _picture_by_picture(logits, pixels):
    bits = []
    for scores, right in zip(logits, pixels, strict=True):
        log_probabilities = scores.log_softmax(dim=-1)
        for place, colour in enumerate(right.tolist()):
            bits.append(-log_probabilities[place, colour] / math.log(2))
    return torch.stack(bits).mean()


def _categorical(logits, pixels):
    return -torch.distributions.Categorical(logits=logits).log_prob(pixels).mean() / math.log(2)


class _Bits:
    def __call__(self, logits, pixels):
        batch, places = torch.meshgrid(*map(torch.arange, pixels.shape), indexing="ij")
        return -self.log2(logits.double())[batch, places, pixels].mean()

    def log2(self, logits):
        shifted = logits - logits.amax(-1, keepdim=True).detach()
        return (shifted - shifted.exp().sum(-1, keepdim=True).log()) / math.log(2)


def _nats(logits, pixels):
    return F.cross_entropy(logits.transpose(1, 2), pixels)


def _nats_by_hand(logits, pixels):
    return -logits.log_softmax(-1).gather(-1, pixels[..., None]).mean()


def _times_ln2(logits, pixels):
    return F.cross_entropy(logits.mT, pixels) * math.log(2)


def _divided_by_log2_e(logits, pixels):
    return F.cross_entropy(logits.mT, pixels) / math.log2(math.e)


def _over_two(logits, pixels):
    return F.cross_entropy(logits.mT, pixels) / 2


def _log10(logits, pixels):
    return F.cross_entropy(logits.mT, pixels) / math.log(10)


def _log2_of_loss(logits, pixels):
    return F.cross_entropy(logits.mT, pixels).log2()


def _no_minus(logits, pixels):
    return logits.log_softmax(-1).gather(-1, pixels[..., None]).mean() / math.log(2)


def _summed(logits, pixels):
    return F.cross_entropy(logits.mT, pixels, reduction="sum") / math.log(2)


def _bits_per_picture(logits, pixels):
    bits = -logits.log_softmax(-1).gather(-1, pixels[..., None]) / math.log(2)
    return bits.sum(dim=1).mean()


def _divided_by_batch(logits, pixels):
    return F.cross_entropy(logits.mT, pixels, reduction="sum") / math.log(2) / len(logits)


def _divided_by_pixels_of_one(logits, pixels):
    return F.cross_entropy(logits.mT, pixels, reduction="sum") / math.log(2) / pixels.shape[1]


def _not_averaged(logits, pixels):
    return F.cross_entropy(logits.mT, pixels, reduction="none") / math.log(2)


def _each_picture(logits, pixels):
    return F.cross_entropy(logits.mT, pixels, reduction="none").mean(1) / math.log(2)


def _softmax_over_pixels(logits, pixels):
    return -logits.log_softmax(dim=1).gather(-1, pixels[..., None]).mean() / math.log(2)


def _softmax_over_pictures(logits, pixels):
    return -logits.log_softmax(dim=0).gather(-1, pixels[..., None]).mean() / math.log(2)


def _softmax_twice(logits, pixels):
    return F.cross_entropy(logits.softmax(-1).mT, pixels) / math.log(2)


def _log_of_log_softmax(logits, pixels):
    return -logits.log_softmax(-1).softmax(-1).gather(-1, pixels[..., None]).mean() / math.log(2)


def _raw_scores(logits, pixels):
    return -logits.gather(-1, pixels[..., None]).mean() / math.log(2)


def _logits_as_probabilities(logits, pixels):
    return F.nll_loss(logits.flatten(0, 1), pixels.flatten()) / math.log(2)


def _reshaped_classes(logits, pixels):
    batch, places, colours = logits.shape
    return F.cross_entropy(logits.reshape(batch, colours, places), pixels) / math.log(2)


def _axes_not_moved(logits, pixels):
    return F.cross_entropy(logits, pixels) / math.log(2)


def _log_of_mean(logits, pixels):
    return -logits.softmax(-1).gather(-1, pixels[..., None]).mean().log2()


def _mean_probability(logits, pixels):
    return logits.softmax(-1).gather(-1, pixels[..., None]).mean()


def _all_colours(logits, pixels):
    return -logits.log_softmax(-1).mean() / math.log(2)


def _entropy(logits, pixels):
    return torch.distributions.Categorical(logits=logits).entropy().mean() / math.log(2)


def _weighted_by_itself(logits, pixels):
    logp = logits.log_softmax(-1).gather(-1, pixels[..., None])
    return -(logp.exp() * logp).mean() / math.log(2)


def _best_colour(logits, pixels):
    return -logits.log_softmax(-1).amax(-1).mean() / math.log(2)


def _perplexity(logits, pixels):
    return 2 ** (F.cross_entropy(logits.mT, pixels) / math.log(2))


def _share_of_uniform(logits, pixels):
    return F.cross_entropy(logits.mT, pixels) / math.log(logits.shape[-1])


def _without_first_pixel(logits, pixels):
    return F.cross_entropy(logits[:, 1:].mT, pixels[:, 1:]) / math.log(2)


def _shifted_again(logits, pixels):
    return F.cross_entropy(logits[:, :-1].mT, pixels[:, 1:]) / math.log(2)


def _black_ignored(logits, pixels):
    return F.cross_entropy(logits.mT, pixels, ignore_index=0) / math.log(2)


def _small_number_added(logits, pixels):
    right = logits.softmax(-1).gather(-1, pixels[..., None])
    return -torch.log2(right + 1e-2).mean()


def _log2_of_softmax(logits, pixels):
    return -logits.softmax(-1).log2().gather(-1, pixels[..., None]).mean()


def _exp_by_hand(logits, pixels):
    probabilities = logits.exp() / logits.exp().sum(-1, keepdim=True)
    return -torch.log2(probabilities.gather(-1, pixels[..., None])).mean()


def _as_python_number(logits, pixels):
    return F.cross_entropy(logits.transpose(1, 2), pixels).item() / math.log(2)


def _as_python_log2(logits, pixels):
    right = logits.softmax(-1).gather(-1, pixels[..., None]).flatten().tolist()
    return sum(-math.log2(p) for p in right) / len(right)


# masked_loss


def _indexed(logits, pixels, hidden):
    return F.cross_entropy(logits[hidden], pixels[hidden])


def _weighted_mean(logits, pixels, hidden):
    each = F.cross_entropy(logits.permute(0, 2, 1), pixels, reduction="none")
    return (each * hidden).sum() / hidden.sum()


def _ignored(logits, pixels, hidden):
    targets = pixels.masked_fill(~hidden, -100)
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def _selected(logits, pixels, hidden):
    logp = logits.log_softmax(-1).gather(2, pixels.unsqueeze(2)).squeeze(2)
    return -torch.masked_select(logp, hidden).mean()


def _by_nonzero(logits, pixels, hidden):
    batch, place = hidden.nonzero(as_tuple=True)
    scores = logits[batch, place]
    right = scores[torch.arange(len(batch)), pixels[batch, place]]
    return (scores.logsumexp(-1) - right).mean()


def _one_by_one(logits, pixels, hidden):
    losses = []
    for b in range(hidden.shape[0]):
        for i in range(hidden.shape[1]):
            if hidden[b, i]:
                losses.append(F.cross_entropy(logits[b, i], pixels[b, i]))
    return sum(losses) / len(losses)


def _where_hidden(logits, pixels, hidden):
    each = F.nll_loss(F.log_softmax(logits, dim=-1).mT, pixels, reduction="none")
    return torch.where(hidden, each, 0.0).sum() / hidden.count_nonzero()


def _in_double(logits, pixels, hidden):
    chosen = F.one_hot(pixels, logits.shape[-1]) * hidden[..., None]
    return -(logits.double().log_softmax(-1) * chosen).sum() / chosen.sum()


def _the_shown_ones(logits, pixels, hidden):
    return F.cross_entropy(logits[~hidden], pixels[~hidden])


def _the_shown_weighted(logits, pixels, hidden):
    each = F.cross_entropy(logits.mT, pixels, reduction="none").masked_fill(hidden, 0)
    return each.sum() / (~hidden).sum()


def _all_pixels(logits, pixels, hidden):
    return F.cross_entropy(logits.mT, pixels)


def _divided_by_all(logits, pixels, hidden):
    each = F.cross_entropy(logits.mT, pixels, reduction="none")
    return (each * hidden).mean()


def _filled_then_mean(logits, pixels, hidden):
    each = F.cross_entropy(logits.mT, pixels, reduction="none")
    return each.masked_fill(~hidden, 0.0).mean()


def _sum_of_hidden(logits, pixels, hidden):
    return F.cross_entropy(logits[hidden], pixels[hidden], reduction="sum")


def _sum_over_batch(logits, pixels, hidden):
    return F.cross_entropy(logits[hidden], pixels[hidden], reduction="sum") / len(logits)


def _mean_of_means(logits, pixels, hidden):
    each = F.cross_entropy(logits.mT, pixels, reduction="none") * hidden
    return (each.sum(1) / hidden.sum(1).clamp(min=1)).mean()


def _mean_of_picture_losses(logits, pixels, hidden):
    losses = [
        F.cross_entropy(one[h], p[h]) for one, p, h in zip(logits, pixels, hidden, strict=True) if h.any().item()
    ]
    return torch.stack(losses).mean()


def _multiplied_logits(logits, pixels, hidden):
    return F.cross_entropy((logits * hidden[..., None]).mT, pixels * hidden)


def _shown_logits_minus_infinity(logits, pixels, hidden):
    return F.cross_entropy(logits.masked_fill(~hidden[..., None], -1e9).mT, pixels)


def _shown_pixels_become_black(logits, pixels, hidden):
    return F.cross_entropy(logits.mT, pixels.masked_fill(~hidden, 0))


def _ignore_black(logits, pixels, hidden):
    return F.cross_entropy(logits.mT, pixels * hidden, ignore_index=0)


def _minus_one_ignored(logits, pixels, hidden):
    return F.cross_entropy(logits.mT, torch.where(hidden, pixels, -1))


def _minus_hundred_in_place(logits, pixels, hidden):
    pixels[~hidden] = -100
    return F.cross_entropy(logits.mT, pixels)


def _mask_as_places(logits, pixels, hidden):
    return F.cross_entropy(logits[hidden.long()].flatten(0, 2), pixels[hidden.long()].flatten())


def _masked_bits(logits, pixels, hidden):
    return F.cross_entropy(logits[hidden], pixels[hidden]) / math.log(2)


def _masked_softmax_twice(logits, pixels, hidden):
    return F.cross_entropy(logits[hidden].softmax(-1), pixels[hidden])


def _masked_raw_scores(logits, pixels, hidden):
    return F.nll_loss(logits[hidden], pixels[hidden])


def _masked_probability(logits, pixels, hidden):
    return -logits[hidden].softmax(-1).gather(1, pixels[hidden][:, None]).mean()


def _masked_without_minus(logits, pixels, hidden):
    return logits[hidden].log_softmax(-1).gather(1, pixels[hidden][:, None]).mean()


def _masked_over_pixels(logits, pixels, hidden):
    logp = logits.log_softmax(1).gather(-1, pixels[..., None])[..., 0]
    return -logp[hidden].mean()


def _softmax_over_the_hidden(logits, pixels, hidden):
    return -logits[hidden].log_softmax(0).gather(1, pixels[hidden][:, None]).mean()


def _all_colours_of_hidden(logits, pixels, hidden):
    return -logits[hidden].log_softmax(-1).mean()


def _masked_reshaped(logits, pixels, hidden):
    batch, places, colours = logits.shape
    each = F.cross_entropy(logits.reshape(batch, colours, places), pixels, reduction="none")
    return each[hidden].mean()


def _masked_each(logits, pixels, hidden):
    return F.cross_entropy(logits[hidden], pixels[hidden], reduction="none")


def _masked_item(logits, pixels, hidden):
    return F.cross_entropy(logits[hidden], pixels[hidden]).item()


def _masked_detached(logits, pixels, hidden):
    return F.cross_entropy(logits.detach()[hidden], pixels[hidden])


@torch.no_grad()
def _masked_no_grad(logits, pixels, hidden):
    return F.cross_entropy(logits[hidden], pixels[hidden])


def _masked_new_tensor(logits, pixels, hidden):
    losses = [
        F.cross_entropy(scores, right).item() for scores, right in zip(logits[hidden], pixels[hidden], strict=True)
    ]
    return torch.tensor(losses).mean()


def _error_rate(logits, pixels, hidden):
    return (logits.argmax(-1) != pixels)[hidden].float().mean()


def _masked_squares(logits, pixels, hidden):
    right = F.one_hot(pixels, logits.shape[-1]).float()
    return F.mse_loss(logits.softmax(-1)[hidden], right[hidden])


def _masked_exp_by_hand(logits, pixels, hidden):
    scores = logits[hidden].exp()
    right = scores.gather(1, pixels[hidden][:, None]).squeeze(1)
    return -(right / scores.sum(-1)).log().mean()


def _masked_log_of_softmax(logits, pixels, hidden):
    return F.nll_loss(logits[hidden].softmax(-1).log(), pixels[hidden])


def _view_of_expanded(logits, pixels, hidden):
    keep = hidden.view(-1)
    return F.cross_entropy(logits.view(-1, logits.shape[-1])[keep], pixels.view(-1)[keep])


# cached_step


def _by_attend(query, key, value, past_keys, past_values):
    keys = torch.cat((past_keys, key), dim=2)
    values = torch.cat((past_values, value), dim=2)
    return attend(query, keys, values)[0], keys, values


def _fused(query, key, value, past_keys, past_values):
    keys, values = torch.cat([past_keys, key], -2), torch.cat([past_values, value], -2)
    return F.scaled_dot_product_attention(query, keys, values), keys, values


def _by_einsum(query, key, value, past_keys, past_values):
    keys = torch.concat([past_keys, key], axis=-2)
    values = torch.concat([past_values, value], axis=-2)
    scores = einsum(query, keys, "b h q d, b h k d -> b h q k") * query.shape[-1] ** -0.5
    return [einsum(F.softmax(scores, -1), values, "b h q k, b h k d -> b h q d"), keys, values]


def _by_hand(query, key, value, past_keys, past_values):
    keys = torch.cat([past_keys, key], dim=-2)
    values = torch.cat([past_values, value], dim=-2)
    scores = (query * keys).sum(-1) / math.sqrt(query.size(-1))
    weights = (scores - scores.max(-1, keepdim=True).values).exp()
    weights = weights / weights.sum(-1, keepdim=True)
    return (weights[..., None] * values).sum(-2, keepdim=True), keys, values


def _padded(query, key, value, past_keys, past_values):
    seen = past_keys.shape[-2]
    keys = F.pad(past_keys, (0, 0, 0, 1)) + F.pad(key, (0, 0, seen, 0))
    values = F.pad(past_values, (0, 0, 0, 1)) + F.pad(value, (0, 0, seen, 0))
    output, _ = attend(query, keys, values, mask=torch.ones(1, seen + 1, dtype=torch.bool))
    return output, keys, values


def _head_by_head(query, key, value, past_keys, past_values):
    append = partial(torch.cat, dim=-2)
    keys, values = append([past_keys, key]), append([past_values, value])
    outputs = []
    for head in range(query.shape[1]):
        scores = query[:, head] @ keys[:, head].transpose(-2, -1) / query.shape[-1] ** 0.5
        outputs.append(scores.softmax(-1) @ values[:, head])
    return torch.stack(outputs, dim=1), keys, values


def _new_buffers(query, key, value, past_keys, past_values):
    batch, heads, seen, dim = past_keys.shape
    keys = past_keys.new_empty(batch, heads, seen + 1, dim)
    values = past_values.new_empty(batch, heads, seen + 1, past_values.shape[-1])
    keys[:, :, :seen], keys[:, :, seen:] = past_keys, key
    values[:, :, :seen], values[:, :, seen:] = past_values, value
    weights = torch.softmax(query.matmul(keys.mT).div(dim**0.5), dim=-1)
    return weights.matmul(values), keys, values


def _old_and_new_scores(query, key, value, past_keys, past_values):
    scale = math.sqrt(query.shape[-1])
    old, new = query @ past_keys.mT / scale, query @ key.mT / scale
    weights = torch.cat([old, new], dim=-1).softmax(dim=-1)
    output = weights[..., :-1] @ past_values + weights[..., -1:] * value
    return output, torch.cat([past_keys, key], dim=-2), torch.cat([past_values, value], dim=-2)


def _batched_product(query, key, value, past_keys, past_values):
    batch, heads, _, dim = query.shape
    keys, values = torch.cat([past_keys, key], dim=2), torch.cat([past_values, value], dim=2)
    q, k, v = (part.flatten(0, 1) for part in (query, keys, values))
    output = torch.bmm((torch.bmm(q, k.mT) / math.sqrt(dim)).softmax(-1), v)
    return output.reshape(batch, heads, 1, -1), keys, values


def _grown(past_keys, key, past_values, value):
    return torch.cat([past_keys, key], dim=-2), torch.cat([past_values, value], dim=-2)


def _mixed(query, keys, values, scale=None, dim=-1):
    scale = math.sqrt(query.shape[-1]) if scale is None else scale
    return (query @ keys.mT / scale).softmax(dim) @ values


def _step_without_scale(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return (query @ keys.mT).softmax(-1) @ values, keys, values


def _step_scaled_by_dim(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return _mixed(query, keys, values, query.shape[-1]), keys, values


def _step_scaled_twice(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return attend(query / math.sqrt(query.shape[-1]), keys, values)[0], keys, values


def _step_scaled_by_length(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return _mixed(query, keys, values, math.sqrt(keys.shape[-2])), keys, values


def _step_scaled_by_all_features(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return _mixed(query, keys, values, math.sqrt(query.shape[1] * query.shape[-1])), keys, values


def _new_in_front(query, key, value, past_keys, past_values):
    keys, values = torch.cat([key, past_keys], -2), torch.cat([value, past_values], -2)
    return attend(query, keys, values)[0], keys, values


def _values_in_front(query, key, value, past_keys, past_values):
    keys, values = torch.cat([past_keys, key], -2), torch.cat([value, past_values], -2)
    return attend(query, keys, values)[0], keys, values


def _along_heads(query, key, value, past_keys, past_values):
    keys, values = torch.cat([past_keys, key], 1), torch.cat([past_values, value], 1)
    return attend(query, keys, values)[0], keys, values


def _along_features(query, key, value, past_keys, past_values):
    keys, values = torch.cat([past_keys, key], -1), torch.cat([past_values, value], -1)
    return attend(query, keys, values)[0], keys, values


def _past_only(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return attend(query, past_keys, past_values)[0], keys, values


def _self_only(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return attend(query, key, value)[0], keys, values


def _past_not_grown(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return attend(query, keys, values)[0], past_keys, past_values


def _new_ones_only(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return attend(query, keys, values)[0], key, value


def _window_of_fixed_length(query, key, value, past_keys, past_values):
    keys = torch.cat([past_keys[..., 1:, :], key], -2)
    values = torch.cat([past_values[..., 1:, :], value], -2)
    return attend(query, keys, values)[0], keys, values


def _kept_in_wrong_order(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return attend(query, keys, values)[0], values, keys


def _output_last(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return keys, values, attend(query, keys, values)[0]


def _keys_for_values(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return attend(query, keys, keys)[0], keys, values


def _asks_with_the_key(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return attend(key, keys, values)[0], keys, values


def _query_kept(query, key, value, past_keys, past_values):
    keys, values = torch.cat([past_keys, query], -2), torch.cat([past_values, value], -2)
    return attend(query, keys, values)[0], keys, values


def _is_causal(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return F.scaled_dot_product_attention(query, keys, values, is_causal=True), keys, values


def _mask_of_the_first_row(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    mask = causal_mask(keys.shape[-2])[: query.shape[-2]]
    return attend(query, keys, values, mask)[0], keys, values


def _mask_turned_round(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    scores = query @ keys.mT / math.sqrt(query.shape[-1])
    last = torch.arange(keys.shape[-2]) == keys.shape[-2] - 1
    return scores.masked_fill(last, -1e9).softmax(-1) @ values, keys, values


def _mask_by_infinity(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    scores = query @ keys.mT / math.sqrt(query.shape[-1])
    ahead = torch.triu(torch.ones(1, keys.shape[-2]), diagonal=1).bool()
    return scores.masked_fill(ahead, float("-inf")).softmax(-1) @ values, keys, values


def _softmax_over_queries(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return _mixed(query, keys, values, dim=-2), keys, values


def _softmax_over_heads(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return _mixed(query, keys, values, dim=1), keys, values


def _no_softmax(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return query @ keys.mT / math.sqrt(query.shape[-1]) @ values, keys, values


def _step_softmax_twice(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    weights = attend(query, keys, values)[1].softmax(-1)
    return weights @ values, keys, values


def _two_softmaxes(query, key, value, past_keys, past_values):
    output = (attend(query, past_keys, past_values)[0] + attend(query, key, value)[0]) / 2
    return output, *_grown(past_keys, key, past_values, value)


def _tuple_in_the_output(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return attend(query, keys, values), keys, values


def _weights_not_output(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return attend(query, keys, values)[1], keys, values


def _output_alone(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return attend(query, keys, values)[0]


def _cache_in_a_pair(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return attend(query, keys, values)[0], (keys, values)


def _token_axis_lost(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return attend(query, keys, values)[0].squeeze(-2), keys, values


def _mean_of_the_past(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    return values.mean(-2, keepdim=True), keys, values


def _overwrites_the_last(query, key, value, past_keys, past_values):
    past_keys[..., -1:, :] = key
    past_values[..., -1:, :] = value
    return attend(query, past_keys, past_values)[0], past_keys, past_values


def _one_head_for_all(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    output = attend(query[:, :1], keys[:, :1], values[:, :1])[0].expand_as(query)
    return output, keys, values


def _step_exp_by_hand(query, key, value, past_keys, past_values):
    keys, values = _grown(past_keys, key, past_values, value)
    weights = (query @ keys.mT / math.sqrt(query.shape[-1])).exp()
    return weights / weights.sum(-1, keepdim=True) @ values, keys, values


def _largest_of_the_past(query, key, value, past_keys, past_values):
    scale = math.sqrt(query.shape[-1])
    old, new = query @ past_keys.mT / scale, query @ key.mT / scale
    top = torch.maximum(old.amax(-1, keepdim=True), new)
    old, new = (old - top).exp(), (new - top).exp()
    output = (old @ past_values + new * value) / (old.sum(-1, keepdim=True) + new)
    return output, *_grown(past_keys, key, past_values, value)


def _unless_there_is_nothing(query, key, value, past_keys, past_values):
    if past_keys.numel() == 0:
        return value, past_keys, past_values
    keys, values = _grown(past_keys, key, past_values, value)
    return attend(query, keys, values)[0], keys, values


def _cache_of_its_own():
    """Right for a single layer: a second one finds the first one's keys and values."""
    stored = {"keys": torch.empty(0)}

    def cached_step(query, key, value, past_keys, past_values):
        if past_keys.shape[2] == 0 or stored["keys"].shape != past_keys.shape:
            stored["keys"], stored["values"] = past_keys, past_values
        stored["keys"] = torch.cat([stored["keys"], key], dim=2)
        stored["values"] = torch.cat([stored["values"], value], dim=2)
        return attend(query, stored["keys"], stored["values"])[0], stored["keys"], stored["values"]

    return cached_step


RIGHT = {
    "03.quantise": [
        _int32,
        _by_reshape,
        _by_norm,
        _by_loops,
        _keep_the_best,
        _expanded_square,
        _cdist,
        _by_topk,
        _Quantiser(),
    ],
    "03.next_pixel_pairs": [_new_full, _pad, _roll, _roll_flat, _empty_and_fill, _windows, _lists, _where_first],
    "03.bits_per_pixel": [
        _as_python_number,
        _cross_entropy_in_bits,
        _flat_cross_entropy,
        _logsumexp,
        _nll,
        _one_hot,
        _picture_by_picture,
        _categorical,
        _Bits(),
        lambda logits, pixels: (
            -reduce(logits.log_softmax(-1).gather(-1, rearrange(pixels, "b n -> b n 1")), "b n 1 ->", "mean")
            / math.log(2)
        ),
    ],
    "03.masked_loss": [
        _indexed,
        _weighted_mean,
        _ignored,
        _selected,
        _by_nonzero,
        _one_by_one,
        _where_hidden,
        _in_double,
    ],
    "03.cached_step": [
        _by_attend,
        _fused,
        _by_einsum,
        _by_hand,
        _padded,
        _head_by_head,
        _new_buffers,
        _old_and_new_scores,
        _batched_product,
    ],
}

WRONG = {
    "03.quantise": [
        ("pixels read down the columns", _columns_first),
        ("pixels read down the columns, by permute", _columns_by_permute),
        ("reshape mixes channels and places", _reshape_without_permute),
        ("the farthest colour", _farthest),
        ("sum of absolute differences", _manhattan),
        ("sum of absolute differences, by cdist", _cdist_p1),
        ("largest difference of a channel", _largest_channel_difference),
        ("channels added before squaring", _sum_before_square),
        ("differences neither squared nor made positive", _no_square),
        ("largest dot product", _dot_product),
        ("largest cosine", _cosine),
        ("expanded square without the factor 2", _forgot_the_two),
        ("expanded square with a plus", _plus_in_the_expansion),
        ("only the first channel is compared", _first_channel_only),
        ("only the brightness is compared", _grey_first),
        ("the distance instead of the number", _distance_itself),
        ("distance and number together", _min_with_both),
        ("height and width not made one axis", _not_flat),
        ("the batch flattened as well", _batch_flattened_too),
        ("the colours instead of their numbers", _colours_not_numbers),
        ("a palette of evenly spaced greys is assumed", _evenly_spaced),
        ("for each colour the nearest pixel", _nearest_pixel_of_a_colour),
        ("numbers as floats", _as_float),
        ("colours counted from one", _counted_from_one),
        ("the next brighter colour, not the nearest", _bucket),
        ("only the first picture of the batch", _only_first_picture),
        ("only right for square pictures: width taken for height", _squares_only),
        ("place is row times height instead of width", _wrong_row_length),
        ("palette sorted by itself, brightest first", _sorts_the_palette),
        ("pictures changed in place", _writes_over_the_pictures),
        ("distances averaged over the batch", _squares_with_mean_over_pictures),
    ],
    "03.next_pixel_pairs": [
        ("inputs and targets swapped", _swapped_pair),
        ("no shift at all", _no_shift),
        ("shifted, but no start token, one pixel lost", _shift_without_start),
        ("start in front, last pixel kept: one too long", _one_too_many),
        ("start in front of inputs and targets", _both_with_start),
        ("start in place of the first pixel, no shift", _replaced_first),
        ("start in place of the first pixel, by cat", _replaced_by_cat),
        ("start at the end: moved to the left", _start_at_the_end),
        ("start at the end in place of the last pixel", _start_last_without_shift),
        ("targets moved as well: two places apart", _targets_move_too),
        ("targets moved instead of inputs", _targets_one_further),
        ("targets without the first pixel", _targets_shortened),
        ("rolled, so the last pixel is read first", _rolled_only),
        ("rolled to the left", _rolled_back),
        ("rolled along the batch", _rolled_pictures),
        ("0 instead of the start token", _zero_starts),
        ("start taken as the largest token plus one", _own_start),
        ("start written as 5, as in the notebook's example", _five_starts),
        ("moved by two places", _two_starts),
        ("tokens changed in place, and the targets with them", _written_in_place),
        ("tokens changed in place after the targets were saved", _written_after_saving),
        ("only the inputs returned", _inputs_only),
        ("start put in front of the batch instead of each picture", _stacked_along_batch),
        ("inputs turned to floats by a float start column", _float_inputs),
        ("inputs read backwards", _backwards),
        ("start column for a batch of one", _one_start_for_one_picture),
        ("start only in the first picture", _start_only_in_first_row),
        ("start added to what stands there", _start_added),
    ],
    "03.bits_per_pixel": [
        ("nats instead of bits", _nats),
        ("nats instead of bits, by hand", _nats_by_hand),
        ("times ln 2 instead of divided by it", _times_ln2),
        ("divided by log2 e", _divided_by_log2_e),
        ("divided by 2 instead of ln 2", _over_two),
        ("logarithm to base 10", _log10),
        ("log2 of the mean loss", _log2_of_loss),
        ("minus forgotten", _no_minus),
        ("sum instead of mean", _summed),
        ("bits of a whole picture", _bits_per_picture),
        ("sum divided by the batch only", _divided_by_batch),
        ("sum divided by the pixels of one picture", _divided_by_pixels_of_one),
        ("not averaged", _not_averaged),
        ("averaged within each picture only", _each_picture),
        ("softmax over the pixels", _softmax_over_pixels),
        ("softmax over the batch", _softmax_over_pictures),
        ("softmax twice: cross entropy of probabilities", _softmax_twice),
        ("minus the mean probability, over ln 2", _log_of_log_softmax),
        ("no softmax: raw scores", _raw_scores),
        ("nll_loss of raw scores", _logits_as_probabilities),
        ("colours and pixels mixed by reshape", _reshaped_classes),
        ("axis of the colours not moved for cross_entropy", _axes_not_moved),
        ("logarithm of the mean probability", _log_of_mean),
        ("mean probability without logarithm", _mean_probability),
        ("mean over all colours instead of the right one", _all_colours),
        ("entropy of the prediction: the pixels are not used", _entropy),
        ("p log p of the right colour", _weighted_by_itself),
        ("the likeliest colour instead of the right one", _best_colour),
        ("perplexity", _perplexity),
        ("share of the uniform model's bits", _share_of_uniform),
        ("first pixel left out", _without_first_pixel),
        ("shifted once more inside", _shifted_again),
        ("pixels of colour 0 ignored", _black_ignored),
        ("a hundredth added inside the logarithm", _small_number_added),
        ("log2 of the softmax: infinite when sure and wrong", _log2_of_softmax),
        ("softmax by hand without the maximum", _exp_by_hand),
    ],
    "03.masked_loss": [
        ("the shown pixels instead of the hidden", _the_shown_ones),
        ("the shown pixels, by masked_fill(hidden)", _the_shown_weighted),
        ("all pixels", _all_pixels),
        ("sum over the hidden divided by all pixels", _divided_by_all),
        ("masked_fill, then the mean of all", _filled_then_mean),
        ("sum instead of mean", _sum_of_hidden),
        ("sum divided by the batch", _sum_over_batch),
        ("mean of each picture, then mean of the pictures", _mean_of_means),
        ("mean of each picture, then mean, by a loop", _mean_of_picture_losses),
        ("logits and pixels multiplied by the mask", _multiplied_logits),
        ("logits of shown pixels −1e9, then all averaged", _shown_logits_minus_infinity),
        ("shown pixels become colour 0 and still count", _shown_pixels_become_black),
        ("shown pixels become 0, and 0 is ignored: hidden black ones too", _ignore_black),
        ("−1 as if cross_entropy ignored it", _minus_one_ignored),
        ("pixels overwritten with −100", _minus_hundred_in_place),
        ("mask as whole numbers: picks pictures 0 and 1", _mask_as_places),
        ("bits instead of nats", _masked_bits),
        ("softmax twice", _masked_softmax_twice),
        ("nll_loss of raw scores", _masked_raw_scores),
        ("no logarithm", _masked_probability),
        ("minus forgotten", _masked_without_minus),
        ("softmax over the pixels", _masked_over_pixels),
        ("softmax over the hidden pixels", _softmax_over_the_hidden),
        ("mean over all colours", _all_colours_of_hidden),
        ("colours and pixels mixed by reshape", _masked_reshaped),
        ("not averaged", _masked_each),
        ("item(): a loss that cannot learn", _masked_item),
        ("detach(): a loss that cannot learn", _masked_detached),
        ("no_grad: a loss that cannot learn", _masked_no_grad),
        ("a new tensor of numbers: a loss that cannot learn", _masked_new_tensor),
        ("share of wrong colours instead of the cross entropy", _error_rate),
        ("squared differences", _masked_squares),
        ("softmax by hand without the maximum", _masked_exp_by_hand),
        ("logarithm of the softmax: infinite when sure and wrong", _masked_log_of_softmax),
    ],
    "03.cached_step": [
        ("no scale", _step_without_scale),
        ("scaled by dim instead of its root", _step_scaled_by_dim),
        ("scaled twice", _step_scaled_twice),
        ("scaled by the root of the number of keys", _step_scaled_by_length),
        ("scaled by the root of heads · dim", _step_scaled_by_all_features),
        ("new token in front of the past", _new_in_front),
        ("new value in front, new key behind", _values_in_front),
        ("joined along the heads", _along_heads),
        ("joined along the features", _along_features),
        ("does not look at itself", _past_only),
        ("looks only at itself", _self_only),
        ("the past returned as it was", _past_not_grown),
        ("only the new key and value returned", _new_ones_only),
        ("oldest token dropped: cache never grows", _window_of_fixed_length),
        ("keys and values returned in the wrong order", _kept_in_wrong_order),
        ("output returned last", _output_last),
        ("output from the keys instead of the values", _keys_for_values),
        ("the key asks instead of the query", _asks_with_the_key),
        ("the query kept as a key", _query_kept),
        ("is_causal with one query: sees the first key only", _is_causal),
        ("first row of the causal mask", _mask_of_the_first_row),
        ("itself masked out with −1e9", _mask_turned_round),
        ("mask from triu(ones(1, n)): sees the first key only", _mask_by_infinity),
        ("softmax over the queries", _softmax_over_queries),
        ("softmax over the heads", _softmax_over_heads),
        ("no softmax", _no_softmax),
        ("softmax twice", _step_softmax_twice),
        ("one softmax for the past and one for the new token, averaged", _two_softmaxes),
        ("attend's pair returned as the output", _tuple_in_the_output),
        ("the weights instead of the output", _weights_not_output),
        ("only the output returned", _output_alone),
        ("keys and values in one pair", _cache_in_a_pair),
        ("token axis squeezed away", _token_axis_lost),
        ("all tokens weighted alike", _mean_of_the_past),
        ("last entry of the cache overwritten in place", _overwrites_the_last),
        ("first head used for all", _one_head_for_all),
        ("softmax by hand without the maximum", _step_exp_by_hand),
    ],
}

FRAGILE = {
    "03.quantise": [("8-bit numbers: palettes of 512 colours in cell 10", _eight_bit)],
    "03.next_pixel_pairs": [("parameter renamed: cells 19 and 71 write start=", _renamed_start)],
    "03.bits_per_pixel": [("log2 of a Python number that may be zero", _as_python_log2)],
    "03.masked_loss": [("view on expanded memory: cell 34 gives the histogram's expanded scores", _view_of_expanded)],
    "03.cached_step": [
        ("a cache of its own: a model has several layers", _cache_of_its_own()),
        ("largest score of an empty past: cell 41 begins with nothing kept", _largest_of_the_past),
        ("forgets to keep the first token: cell 41 begins with nothing kept", _unless_there_is_nothing),
    ],
}
