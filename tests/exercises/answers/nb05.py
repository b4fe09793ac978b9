"""Answers to the exercises of notebook 05 as students write them: right ones, wrong ones and fragile ones."""

import statistics
from functools import partial

import torch
from einops import einsum, rearrange, reduce
from torch.nn import functional as F

# shift_images


def _pad_and_crop(images, down, right):
    height, width = images.shape[2:]
    padded = F.pad(images, (abs(right), abs(right), abs(down), abs(down)))
    top, left = abs(down) - down, abs(right) - right
    return padded[:, :, top : top + height, left : left + width]


def _slices_clamped(images, down, right):
    height, width = images.shape[-2:]
    moved = torch.zeros_like(images)
    if abs(down) >= height or abs(right) >= width:
        return moved
    to_y, from_y = slice(max(down, 0), height + min(down, 0)), slice(max(-down, 0), height - max(down, 0))
    to_x, from_x = slice(max(right, 0), width + min(right, 0)), slice(max(-right, 0), width - max(right, 0))
    moved[:, :, to_y, to_x] = images[:, :, from_y, from_x]
    return moved


def _roll_and_clear(images, down, right):
    height, width = images.shape[-2:]
    rows, columns = torch.arange(height)[:, None] - down, torch.arange(width) - right
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    return torch.roll(images, (down, right), dims=(-2, -1)).masked_fill(~inside, 0)


def _roll_and_clear_slices(images, down, right):
    moved = torch.roll(images, (down, right), dims=(2, 3))
    if down > 0:
        moved[:, :, :down] = 0
    elif down < 0:
        moved[:, :, down:] = 0
    if right > 0:
        moved[:, :, :, :right] = 0
    elif right < 0:
        moved[:, :, :, right:] = 0
    return moved


def _row_by_row(images, down, right):
    height, width = images.shape[-2:]
    moved = torch.zeros_like(images)
    for y in range(height):
        for x in range(width):
            if 0 <= y - down < height and 0 <= x - right < width:
                moved[:, :, y, x] = images[:, :, y - down, x - right]
    return moved


def _shift_matrices(images, down, right):
    height, width = images.shape[-2:]
    y, x = torch.arange(height), torch.arange(width)
    move_rows = (y[:, None] - down == y).to(images)
    move_columns = (x[:, None] - right == x).to(images)
    return einsum(move_rows, images, move_columns, "i y, b c y x, j x -> b c i j")


def _moved_along(images, steps, axis):
    length = images.shape[axis]
    kept = images.narrow(axis, max(-steps, 0), max(length - abs(steps), 0)) if abs(steps) < length else None
    if kept is None:
        return images * 0
    gap = torch.zeros_like(images.narrow(axis, 0, abs(steps)))
    return torch.cat([gap, kept] if steps > 0 else [kept, gap], dim=axis)


def _axis_by_axis(images, down, right):
    return _moved_along(_moved_along(images, down, 2), right, 3)


def _one_step_at_a_time(images, down, right):
    if down > 0:
        return _one_step_at_a_time(F.pad(images, (0, 0, 1, 0))[:, :, :-1], down - 1, right)
    if down < 0:
        return _one_step_at_a_time(F.pad(images, (0, 0, 0, 1))[:, :, 1:], down + 1, right)
    if right > 0:
        return _one_step_at_a_time(F.pad(images, (1, 0))[..., :-1], down, right - 1)
    if right < 0:
        return _one_step_at_a_time(F.pad(images, (0, 1))[..., 1:], down, right + 1)
    return images


class _Gathered:
    def __call__(self, images, down, right):
        y, in_y = self.where_from(images.shape[-2], down)
        x, in_x = self.where_from(images.shape[-1], right)
        return images[:, :, y][..., x] * (in_y[:, None] & in_x)

    def where_from(self, length, steps):
        place = torch.arange(length) - steps
        return place.clamp(0, length - 1), (place >= 0) & (place < length)


def _pad_crop(images, down, right):
    height, width = images.shape[-2:]
    padded = F.pad(images, (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0)))
    top, left = max(-down, 0), max(-right, 0)
    return padded[..., top : top + height, left : left + width]


def _comes_back_in(images, down, right):
    return torch.roll(images, shifts=(down, right), dims=(2, 3))


def _comes_back_in_twice(images, down, right):
    return images.roll(down, dims=-2).roll(right, dims=-1)


def _comes_back_in_by_index(images, down, right):
    height, width = images.shape[-2:]
    y, x = (torch.arange(height) - down) % height, (torch.arange(width) - right) % width
    return images[:, :, y][..., x]


def _other_way(images, down, right):
    return _pad_crop(images, -down, -right)


def _up_and_right(images, down, right):
    return _pad_crop(images, -down, right)


def _down_and_left(images, down, right):
    return _pad_crop(images, down, -right)


def _axes_swapped(images, down, right):
    return _pad_crop(images, right, down)


def _edges_repeated(images, down, right):
    height, width = images.shape[-2:]
    y = (torch.arange(height) - down).clamp(0, height - 1)
    x = (torch.arange(width) - right).clamp(0, width - 1)
    return images[:, :, y][..., x]


def _ones_come_in(images, down, right):
    return 1 - _pad_crop(1 - images, down, right)


def _grey_comes_in(images, down, right):
    mean = images.mean()
    return _pad_crop(images - mean, down, right) + mean


def _only_padded(images, down, right):
    return F.pad(images, (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0)))


def _only_cropped(images, down, right):
    height, width = images.shape[-2:]
    return images[:, :, max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)]


def _cropped_on_the_wrong_side(images, down, right):
    height, width = images.shape[-2:]
    padded = F.pad(images, (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0)))
    return padded[..., max(down, 0) : max(down, 0) + height, max(right, 0) : max(right, 0) + width]


def _content_erased_not_moved(images, down, right):
    moved = images.clone()
    if down > 0:
        moved[:, :, :down] = 0
    elif down < 0:
        moved[:, :, down:] = 0
    if right > 0:
        moved[..., :right] = 0
    elif right < 0:
        moved[..., right:] = 0
    return moved


def _always_forward(images, down, right):
    return _pad_crop(images, abs(down), abs(right))


def _negative_ignored(images, down, right):
    return _pad_crop(images, max(down, 0), max(right, 0))


def _positive_only(images, down, right):
    moved = torch.zeros_like(images)
    moved[:, :, down:, right:] = images[:, :, : images.shape[2] - down, : images.shape[3] - right]
    return moved


def _only_down(images, down, right):
    return _pad_crop(images, down, 0)


def _only_right(images, down, right):
    return _pad_crop(images, 0, right)


def _either_or(images, down, right):
    return _pad_crop(images, down, 0) if down else _pad_crop(images, 0, right)


def _sum_of_two_moves(images, down, right):
    return _pad_crop(images, down, 0) + _pad_crop(images, 0, right)


def _one_pixel_too_far(images, down, right):
    step = lambda number: number + (number > 0) - (number < 0)  # noqa: E731
    return _pad_crop(images, step(down), step(right))


def _rolled_and_one_axis_cleared(images, down, right):
    moved = images.roll((down, right), (2, 3))
    if down > 0:
        moved[:, :, :down] = 0
    elif down < 0:
        moved[:, :, down:] = 0
    return moved


def _cleared_on_the_wrong_side(images, down, right):
    moved = images.roll((down, right), (2, 3))
    if down > 0:
        moved[:, :, -down:] = 0
    if right > 0:
        moved[:, :, :, -right:] = 0
    return moved


def _cleared_only_when_positive(images, down, right):
    moved = images.roll((down, right), (2, 3))
    moved[:, :, : max(down, 0)] = 0
    moved[:, :, :, : max(right, 0)] = 0
    return moved


def _rolled_batch(images, down, right):
    return images.roll((down, right), dims=(0, 1))


def _width_for_both(images, down, right):
    side = images.shape[-1]
    return F.pad(images, (right, -right, down, -down))[:, :, :side, :side]


def _writes_into_the_pictures(images, down, right):
    images[:] = _pad_crop(images, down, right)
    return images


def _erases_in_the_pictures(images, down, right):
    moved = images.roll((down, right), (2, 3))
    height, width = images.shape[-2:]
    y, x = torch.arange(height) - down, torch.arange(width) - right
    images.mul_(0)
    moved[:, :, (y < 0) | (y >= height)] = 0
    moved[:, :, :, (x < 0) | (x >= width)] = 0
    return moved


def _negative_pad(images, down, right):
    return F.pad(images, (right, -right, down, -down))


def _slices(images, down, right):
    height, width = images.shape[-2:]
    moved = torch.zeros_like(images)
    to_y, from_y = slice(max(down, 0), height + min(down, 0)), slice(max(-down, 0), height - max(down, 0))
    to_x, from_x = slice(max(right, 0), width + min(right, 0)), slice(max(-right, 0), width - max(right, 0))
    moved[:, :, to_y, to_x] = images[:, :, from_y, from_x]
    return moved


def _cleared_by_negative_slices(images, down, right):
    out = images.roll((down, right), (2, 3))
    out[:, :, :down] = 0
    out[..., :right] = 0
    return out


def _zero_taken_for_negative(images, down, right):
    out = images.roll((down, right), (2, 3))
    if down > 0:
        out[:, :, :down] = 0
    else:
        out[:, :, down:] = 0
    if right > 0:
        out[..., :right] = 0
    else:
        out[..., right:] = 0
    return out


def _positive_slices(images, down, right):
    out = torch.zeros_like(images)
    out[:, :, down:, right:] = images[:, :, :-down, :-right]
    return out


def _else_without_zero(images, down, right):
    moved = torch.zeros_like(images)
    if down > 0:
        rows = images[:, :, :-down]
        moved[:, :, down:] = rows
    else:
        moved[:, :, :down] = images[:, :, -down:]
    images, moved = moved, torch.zeros_like(images)
    if right > 0:
        moved[..., right:] = images[..., :-right]
    else:
        moved[..., :right] = images[..., -right:]
    return moved


def _renamed_axes(images, dy, dx):
    return _pad_crop(images, dy, dx)


# shuffle_patches


def _rearranged(images, patch_size, order):
    size = dict(p=patch_size, q=patch_size)
    patches = rearrange(images, "b c (h p) (w q) -> (h w) b c p q", **size)
    return rearrange(patches[order], "(h w) b c p q -> b c (h p) (w q)", h=images.shape[-2] // patch_size)


def _permuted(images, patch_size, order):
    batch, channels, height, width = images.shape
    rows, columns = height // patch_size, width // patch_size
    cut = images.reshape(batch, channels, rows, patch_size, columns, patch_size).transpose(3, 4)
    cut = cut.reshape(batch, channels, rows * columns, patch_size, patch_size)[:, :, order]
    cut = cut.reshape(batch, channels, rows, columns, patch_size, patch_size).transpose(3, 4)
    return cut.reshape(images.shape)


def _unfolded(images, patch_size, order):
    columns = F.unfold(images, patch_size, stride=patch_size)
    return F.fold(columns[..., order], images.shape[-2:], patch_size, stride=patch_size)


def _place_by_place(images, patch_size, order):
    columns = images.shape[-1] // patch_size
    shuffled = torch.empty_like(images)
    for here, there in enumerate(order.tolist()):
        y, x = (number * patch_size for number in divmod(here, columns))
        v, u = (number * patch_size for number in divmod(there, columns))
        shuffled[:, :, y : y + patch_size, x : x + patch_size] = images[:, :, v : v + patch_size, u : u + patch_size]
    return shuffled


def _split_and_join(images, patch_size, order):
    squares = [square for row in images.split(patch_size, -2) for square in row.split(patch_size, -1)]
    squares = [squares[i] for i in order]
    columns = images.shape[-1] // patch_size
    rows = [torch.cat(squares[i : i + columns], dim=-1) for i in range(0, len(squares), columns)]
    return torch.cat(rows, dim=-2)


def _pixel_index(images, patch_size, order):
    height, width = images.shape[-2:]
    numbers = rearrange(
        torch.arange(height * width), "(h p w q) -> (h w) p q", h=height // patch_size, p=patch_size, q=patch_size
    )
    where = rearrange(numbers[order], "(h w) p q -> (h p w q)", h=height // patch_size)
    return images.flatten(2)[..., where].view_as(images)


def _by_unshuffle(images, patch_size, order):
    grid = F.pixel_unshuffle(images, patch_size)
    shuffled = torch.index_select(grid.flatten(2), 2, order).reshape(grid.shape)
    return F.pixel_shuffle(shuffled, patch_size)


class _Shuffler:
    def __call__(self, images, patch_size, order):
        patches = self.cut(images, patch_size)
        index = order[None, :, None].expand(len(images), -1, patches.shape[-1])
        return self.join(patches.gather(1, index), images.shape, patch_size)

    def cut(self, images, size):
        return rearrange(images, "b c (h p) (w q) -> b (h w) (c p q)", p=size, q=size)

    def join(self, patches, shape, size):
        return rearrange(patches, "b (h w) (c p q) -> b c (h p) (w q)", h=shape[2] // size, c=shape[1], p=size)


def _cut(images, patch_size):
    return rearrange(images, "b c (h p) (w q) -> b (h w) c p q", p=patch_size, q=patch_size)


def _join(patches, images, patch_size):
    return rearrange(patches, "b (h w) c p q -> b c (h p) (w q)", h=images.shape[-2] // patch_size)


def _inverse(images, patch_size, order):
    return _join(_cut(images, patch_size)[:, order.argsort()], images, patch_size)


def _sent_not_fetched(images, patch_size, order):
    patches = _cut(images, patch_size)
    shuffled = torch.empty_like(patches)
    shuffled[:, order] = patches
    return _join(shuffled, images, patch_size)


def _sent_in_a_loop(images, patch_size, order):
    patches = _cut(images, patch_size)
    shuffled = torch.zeros_like(patches)
    for i, target in enumerate(order):
        shuffled[:, target] = patches[:, i]
    return _join(shuffled, images, patch_size)


def _not_shuffled(images, patch_size, order):
    return _join(_cut(images, patch_size), images, patch_size)


def _own_order(images, patch_size, order):
    generator = torch.Generator().manual_seed(0)
    patches = _cut(images, patch_size)
    return _join(patches[:, torch.randperm(patches.shape[1], generator=generator)], images, patch_size)


def _sorted_order(images, patch_size, order):
    return _join(_cut(images, patch_size)[:, order.sort().values], images, patch_size)


def _reverse_order(images, patch_size, order):
    return _join(_cut(images, patch_size)[:, order.flip(0)], images, patch_size)


def _order_twice(images, patch_size, order):
    return _join(_cut(images, patch_size)[:, order][:, order], images, patch_size)


def _one_place_further(images, patch_size, order):
    return _join(_cut(images, patch_size)[:, order.roll(1)], images, patch_size)


def _counted_down_columns(images, patch_size, order):
    patches = rearrange(images, "b c (h p) (w q) -> b (w h) c p q", p=patch_size, q=patch_size)
    return rearrange(patches[:, order], "b (w h) c p q -> b c (h p) (w q)", h=images.shape[-2] // patch_size)


def _put_down_columns(images, patch_size, order):
    patches = _cut(images, patch_size)[:, order]
    return rearrange(patches, "b (w h) c p q -> b c (h p) (w q)", h=images.shape[-2] // patch_size)


def _width_as_rows(images, patch_size, order):
    columns = images.shape[-1] // patch_size
    patches = _cut(images, patch_size)[:, order]
    return rearrange(patches, "b (h w) c p q -> b c (h p) (w q)", h=columns).reshape(images.shape)


def _square_pictures_only(images, patch_size, order):
    side = int(len(order) ** 0.5)
    patches = _cut(images, patch_size)[:, order]
    return rearrange(patches, "b (h w) c p q -> b c (h p) (w q)", h=side, w=side)


def _seven_rows(images, patch_size, order):
    return rearrange(_cut(images, patch_size)[:, order], "b (h w) c p q -> b c (h p) (w q)", h=7)


def _four_pixels(images, patch_size, order):
    return _join(_cut(images, 4)[:, order], images, 4)


def _joined_by_reshape(images, patch_size, order):
    return _cut(images, patch_size)[:, order].reshape(images.shape)


def _cut_by_reshape(images, patch_size, order):
    batch, channels = images.shape[:2]
    patches = images.reshape(batch, channels, -1, patch_size, patch_size)
    return patches[:, :, order].reshape(images.shape)


def _every_nth_pixel(images, patch_size, order):
    patches = rearrange(images, "b c (p h) (q w) -> b (h w) c p q", p=patch_size, q=patch_size)
    return rearrange(patches[:, order], "b (h w) c p q -> b c (p h) (q w)", h=images.shape[-2] // patch_size)


def _patches_transposed(images, patch_size, order):
    return _join(_cut(images, patch_size)[:, order].mT, images, patch_size)


def _patches_flipped(images, patch_size, order):
    return _join(_cut(images, patch_size)[:, order].flip(-1), images, patch_size)


def _pixels_shuffled_too(images, patch_size, order):
    patches = _cut(images, patch_size)[:, order].flatten(-2)
    patches = patches.flip(-1).unflatten(-1, (patch_size, patch_size))
    return _join(patches, images, patch_size)


def _channels_mixed(images, patch_size, order):
    patches = rearrange(images, "b c (h p) (w q) -> b (h w) (p q c)", p=patch_size, q=patch_size)[:, order]
    return rearrange(
        patches, "b (h w) (c p q) -> b c (h p) (w q)", h=images.shape[-2] // patch_size, p=patch_size, q=patch_size
    )


def _sequence_returned(images, patch_size, order):
    return _cut(images, patch_size)[:, order]


def _flat_sequence_returned(images, patch_size, order):
    return _cut(images, patch_size)[:, order].flatten(2)


def _another_order_for_each(images, patch_size, order):
    patches = [one[order.roll(i)] for i, one in enumerate(_cut(images, patch_size))]
    return _join(torch.stack(patches), images, patch_size)


def _first_picture_alone(images, patch_size, order):
    patches = _cut(images, patch_size).clone()
    patches[0] = patches[0][order]
    return _join(patches, images, patch_size)


def _batch_shuffled(images, patch_size, order):
    patches = rearrange(images, "b c (h p) (w q) -> (b h w) c p q", p=patch_size, q=patch_size)[order]
    return patches.repeat(len(images), 1, 1, 1).reshape(images.shape)


def _overwritten_while_reading(images, patch_size, order):
    patches = _cut(images, patch_size).clone()
    for i, source in enumerate(order):
        patches[:, i] = patches[:, source]
    return _join(patches, images, patch_size)


def _shuffled_in_place(images, patch_size, order):
    images[:] = _join(_cut(images, patch_size)[:, order], images, patch_size).clone()
    return images


def _order_popped(images, patch_size, order):
    patches = _cut(images, patch_size)
    order += patches.shape[1]
    order %= patches.shape[1]
    order.add_(1)
    return _join(patches[:, order - 1], images, patch_size)


def _swaps(images, patch_size, order):
    patches = list(_cut(images, patch_size).unbind(1))
    for i, source in enumerate(order.tolist()):
        patches[i], patches[source] = patches[source], patches[i]
    return _join(torch.stack(patches, 1), images, patch_size)


# attention_distance


def _weighted(weights, distances):
    patches = weights[..., 1:, 1:]
    total = (patches * distances).sum(-1) / patches.sum(-1)
    return total.mean(dim=(0, -1))


def _distance_by_einsum(weights, distances):
    shares = F.normalize(weights[:, :, 1:, 1:], p=1, dim=-1)
    batch, _, patches, _ = shares.shape
    return torch.einsum("bhij,ij->h", shares, distances) / (batch * patches)


def _distance_by_loops(weights, distances):
    pictures, heads, tokens, _ = weights.shape
    result = []
    for head in range(heads):
        total = 0.0
        for picture in range(pictures):
            for query in range(1, tokens):
                row = weights[picture, head, query, 1:]
                total += (row * distances[query - 1]).sum() / row.sum()
        result.append(total / (pictures * (tokens - 1)))
    return torch.stack(result)


def _distance_by_masking(weights, distances):
    patches = weights.clone()
    patches[..., 0] = 0
    patches = patches / patches.sum(-1, keepdim=True)
    padded = F.pad(distances, (1, 0, 1, 0))
    return reduce((patches * padded).sum(-1)[:, :, 1:], "b h q -> h", "mean")


def _head_by_head(weights, distances):
    def far(head):
        between = weights[:, head, 1:, 1:]
        return torch.mean(torch.sum(between * distances, dim=2) / torch.sum(between, dim=2))

    return torch.stack([far(head) for head in range(weights.shape[1])])


def _rest_of_class(weights, distances):
    remaining = 1 - weights[:, :, 1:, 0]
    looked = einsum(weights[:, :, 1:, 1:], distances, "b h q k, q k -> b h q")
    return (looked / remaining).mean(2).mean(0)


class _Reach:
    def __call__(self, weights, distances):
        between = rearrange(weights[:, :, 1:, 1:], "b h q k -> h (b q) k")
        probabilities = between / between.sum(2, keepdim=True)
        rows = distances.repeat(len(weights), 1)
        return torch.stack([(p * rows).sum(1).mean() for p in probabilities])


def _scaled(between):
    return between / between.sum(-1, keepdim=True)


def _rest_not_scaled(weights, distances):
    return (weights[:, :, 1:, 1:] * distances).sum(-1).mean((0, 2))


def _scaled_before_cutting(weights, distances):
    return (_scaled(weights)[:, :, 1:, 1:] * distances).sum(-1).mean((0, 2))


def _class_column_kept(weights, distances):
    padded = F.pad(distances, (1, 0))
    return (_scaled(weights[:, :, 1:]) * padded).sum(-1).mean((0, 2))


def _class_as_a_patch(weights, distances):
    padded = F.pad(distances, (1, 0, 1, 0))
    return (weights * padded).sum(-1).mean((0, 2))


def _last_token_left_out(weights, distances):
    return (_scaled(weights[:, :, :-1, :-1]) * distances).sum(-1).mean((0, 2))


def _wrong_row_left_out(weights, distances):
    return (_scaled(weights[:, :, :-1, 1:]) * distances).sum(-1).mean((0, 2))


def _scaled_along_queries(weights, distances):
    between = weights[:, :, 1:, 1:]
    return (between / between.sum(-2, keepdim=True) * distances).sum(-1).mean((0, 2))


def _keys_as_queries(weights, distances):
    return (_scaled(weights[:, :, 1:, 1:].mT) * distances).sum(-1).mean((0, 2))


def _scaled_by_everything(weights, distances):
    between = weights[:, :, 1:, 1:]
    between = between / between.sum((-2, -1), keepdim=True)
    return (between * distances).sum(-1).mean((0, 2))


def _ratio_of_sums(weights, distances):
    between = weights[:, :, 1:, 1:]
    return (between * distances).sum((0, 2, 3)) / between.sum((0, 2, 3))


def _ratio_within_pictures(weights, distances):
    between = weights[:, :, 1:, 1:]
    return ((between * distances).sum((2, 3)) / between.sum((2, 3))).mean(0)


def _softmax_of_weights(weights, distances):
    return (weights[:, :, 1:, 1:].softmax(-1) * distances).sum(-1).mean((0, 2))


def _euclidean_scale(weights, distances):
    return (F.normalize(weights[:, :, 1:, 1:], dim=-1) * distances).sum(-1).mean((0, 2))


def _largest_scale(weights, distances):
    between = weights[:, :, 1:, 1:]
    return (between / between.amax(-1, keepdim=True) * distances).sum(-1).mean((0, 2))


def _mean_over_keys(weights, distances):
    return (_scaled(weights[:, :, 1:, 1:]) * distances).mean((0, 2, 3))


def _summed_over_queries(weights, distances):
    return (_scaled(weights[:, :, 1:, 1:]) * distances).sum((-2, -1)).mean(0)


def _summed_over_pictures(weights, distances):
    return (_scaled(weights[:, :, 1:, 1:]) * distances).sum(-1).mean(-1).sum(0)


def _one_number(weights, distances):
    return (_scaled(weights[:, :, 1:, 1:]) * distances).sum(-1).mean()


def _each_picture_too(weights, distances):
    return (_scaled(weights[:, :, 1:, 1:]) * distances).sum(-1).mean(-1)


def _pictures_kept_heads_averaged(weights, distances):
    return (_scaled(weights[:, :, 1:, 1:]) * distances).sum(-1).mean((1, 2))


def _queries_kept(weights, distances):
    return (_scaled(weights[:, :, 1:, 1:]) * distances).sum(-1).mean(0)


def _first_picture_alone_distance(weights, distances):
    return (_scaled(weights[0, :, 1:, 1:]) * distances).sum(-1).mean(-1)


def _median_query(weights, distances):
    each = (_scaled(weights[:, :, 1:, 1:]) * distances).sum(-1)
    return rearrange(each, "b h q -> h (b q)").median(-1).values


def _farthest_key(weights, distances):
    strongest = weights[:, :, 1:, 1:].argmax(-1)
    queries = torch.arange(distances.shape[0])
    return distances[queries, strongest].mean((0, 2))


def _squared_distances(weights, distances):
    return (_scaled(weights[:, :, 1:, 1:]) * distances**2).sum(-1).mean((0, 2))


def _root_mean_square(weights, distances):
    return (_scaled(weights[:, :, 1:, 1:]) * distances**2).sum(-1).sqrt().mean((0, 2))


def _in_shares_of_the_largest(weights, distances):
    return (_scaled(weights[:, :, 1:, 1:]) * distances / distances.max()).sum(-1).mean((0, 2))


def _matrix_product(weights, distances):
    return (_scaled(weights[:, :, 1:, 1:]) @ distances).sum(-1).mean((0, 2))


def _matrix_product_mean(weights, distances):
    return (_scaled(weights[:, :, 1:, 1:]) @ distances).mean((0, 2, 3))


def _not_to_itself(weights, distances):
    away = 1 - torch.eye(len(distances))
    return (_scaled(weights[:, :, 1:, 1:] * away) * distances).sum(-1).mean((0, 2))


def _class_row_only(weights, distances):
    return (_scaled(weights[:, :, 0, 1:]) * distances.mean(0)).sum(-1).mean(0)


def _distances_without_first(weights, distances):
    return (_scaled(weights[:, :, 2:, 2:]) * distances[1:, 1:]).sum(-1).mean((0, 2))


def _weights_cut_in_place(weights, distances):
    weights[..., 0] = 0
    weights /= weights.sum(-1, keepdim=True)
    return (weights[:, :, 1:, 1:] * distances).sum(-1).mean((0, 2))


def _heads_as_list_of_rounded(weights, distances):
    return (_scaled(weights[:, :, 1:, 1:]) * distances).sum(-1).mean((0, 2)).round()


# achieved_flops


def _median_values(flops, seconds):
    return flops / torch.median(seconds, dim=-1).values


def _median_index(flops, seconds):
    typical, _ = seconds.median(1)
    return torch.div(flops, typical)


def _sorted_middle(flops, seconds):
    in_order = seconds.sort(dim=1).values
    return flops * in_order[:, in_order.shape[1] // 2].reciprocal()


def _half_quantile(flops, seconds):
    return flops.double() / torch.quantile(seconds.double(), 0.5, dim=1)


def _operation_by_operation(flops, seconds):
    return torch.stack([work / runs.median() for work, runs in zip(flops, seconds, strict=True)])


def _python_median(flops, seconds):
    speeds = [work / statistics.median(runs) for work, runs in zip(flops.tolist(), seconds.tolist(), strict=True)]
    return torch.tensor(speeds)


def _median_of_speeds(flops, seconds):
    return (flops[:, None] / seconds).median(dim=1).values


def _kth(flops, seconds):
    return flops / seconds.kthvalue((seconds.shape[1] + 1) // 2, dim=1).values


def _with_statistic(flops, seconds, statistic):
    return flops / statistic(seconds, dim=1).values


def _mean_run(flops, seconds):
    return flops / seconds.mean(dim=1)


def _mean_of_speeds(flops, seconds):
    return (flops[:, None] / seconds).mean(1)


def _fastest_run(flops, seconds):
    return flops / seconds.amin(1)


def _slowest_run(flops, seconds):
    return flops / seconds.max(dim=1).values


def _first_run(flops, seconds):
    return flops / seconds[:, 0]


def _last_run(flops, seconds):
    return flops / seconds[:, -1]


def _middle_unsorted(flops, seconds):
    return flops / seconds[:, seconds.shape[1] // 2]


def _below_the_middle(flops, seconds):
    return flops / seconds.sort(1).values[:, seconds.shape[1] // 2 - 1]


def _total_time(flops, seconds):
    return flops / seconds.sum(1)


def _all_work_over_all_time(flops, seconds):
    return flops.sum() / seconds.median(1).values.sum()


def _one_median(flops, seconds):
    return flops / seconds.median()


def _median_over_operations(flops, seconds):
    return flops / seconds.median(dim=0).values


def _median_over_operations_column(flops, seconds):
    return (flops[:, None] / seconds.median(0).values).median(1).values


def _seconds_per_flop(flops, seconds):
    return seconds.median(dim=1).values / flops


def _times_seconds(flops, seconds):
    return flops * seconds.median(dim=1).values


def _position_of_the_median(flops, seconds):
    return flops / seconds.median(dim=1).indices


def _value_and_index(flops, seconds):
    return flops / seconds.median(dim=1)


def _giga(flops, seconds):
    return flops / seconds.median(dim=1).values / 1e9


def _giga_by_power(flops, seconds):
    return flops / seconds.median(dim=1).values / 2**30


def _whole_numbers(flops, seconds):
    return flops // seconds.median(dim=1).values


def _truncated(flops, seconds):
    return (flops / seconds.median(dim=1).values).long()


def _times_runs(flops, seconds):
    return flops * seconds.shape[1] / seconds.median(dim=1).values


def _twice_for_multiply_add(flops, seconds):
    return 2 * flops / seconds.median(dim=1).values


def _half_for_multiply_add(flops, seconds):
    return flops / 2 / seconds.median(dim=1).values


def _only_times(flops, seconds):
    return seconds.median(dim=1).values


def _share_of_the_best(flops, seconds):
    speeds = flops / seconds.median(dim=1).values
    return speeds / speeds.max()


def _every_run(flops, seconds):
    return flops[:, None] / seconds


def _column(flops, seconds):
    return (flops / seconds.median(dim=1).values)[:, None]


def _keepdim(flops, seconds):
    return flops / seconds.median(dim=1, keepdim=True).values


def _sorted_in_place(flops, seconds):
    seconds.copy_(seconds.sort(dim=1).values)
    return flops / seconds[:, seconds.shape[1] // 2]


def _milliseconds(flops, seconds):
    return flops / (seconds.median(dim=1).values * 1000)


def _first_left_out(flops, seconds):
    return flops / seconds[:, 1:].median(dim=1).values


def _rounded_to_a_tenth_of_a_millisecond(flops, seconds):
    return flops / seconds.round(decimals=4).median(dim=1).values


def _thirty_two_bits(flops, seconds):
    return flops.int() / seconds.median(dim=1).values


def _eighth_of_fifteen(flops, seconds):
    return flops / seconds.kthvalue(8, dim=1).values


def _middle_of_fifteen(flops, seconds):
    return flops / seconds.sort(dim=1).values[:, 7]


def _order_stored():
    """Its table of pixels is made once for each shape, whatever the order."""
    tables = {}

    def shuffle_patches(images, patch_size, order):
        size = images.shape[-2:]
        if (size, patch_size) not in tables:
            places = torch.arange(float(size.numel())).view(1, 1, *size)
            patches = F.unfold(places, patch_size, stride=patch_size)[..., order]
            tables[size, patch_size] = F.fold(patches, size, patch_size, stride=patch_size).long().flatten()
        return images.flatten(2)[..., tables[size, patch_size]].view_as(images)

    return shuffle_patches


RIGHT = {
    "05.shift_images": [
        _pad_and_crop,
        _slices_clamped,
        _roll_and_clear,
        _roll_and_clear_slices,
        _row_by_row,
        _shift_matrices,
        _axis_by_axis,
        _one_step_at_a_time,
        _Gathered(),
    ],
    "05.shuffle_patches": [
        _rearranged,
        _permuted,
        _unfolded,
        _place_by_place,
        _split_and_join,
        _pixel_index,
        _by_unshuffle,
        _Shuffler(),
    ],
    "05.attention_distance": [
        _rest_of_class,
        _weighted,
        _distance_by_einsum,
        _distance_by_loops,
        _distance_by_masking,
        _head_by_head,
        _Reach(),
    ],
    "05.achieved_flops": [
        _median_values,
        _median_index,
        _sorted_middle,
        _half_quantile,
        _operation_by_operation,
        _python_median,
        _median_of_speeds,
        _kth,
        partial(_with_statistic, statistic=torch.median),
    ],
}

WRONG = {
    "05.shift_images": [
        ("what leaves comes back in on the other side", _comes_back_in),
        ("what leaves comes back in, two rolls", _comes_back_in_twice),
        ("what leaves comes back in, by index modulo size", _comes_back_in_by_index),
        ("moved up and left", _other_way),
        ("moved up instead of down", _up_and_right),
        ("moved left instead of right", _down_and_left),
        ("down and right swapped", _axes_swapped),
        ("the edge repeated instead of zeros", _edges_repeated),
        ("ones come in", _ones_come_in),
        ("the mean comes in", _grey_comes_in),
        ("padded but not cropped", _only_padded),
        ("cropped but not padded", _only_cropped),
        ("padded and cropped on the same side: content stays", _cropped_on_the_wrong_side),
        ("zeros come in but the content stays", _content_erased_not_moved),
        ("sign dropped: always down and right", _always_forward),
        ("negative numbers ignored", _negative_ignored),
        ("written for positive numbers only", _positive_only),
        ("right forgotten", _only_down),
        ("down forgotten", _only_right),
        ("right only when down is 0", _either_or),
        ("two pictures added, one for each direction", _sum_of_two_moves),
        ("one pixel too far", _one_pixel_too_far),
        ("rolled, only the rows cleared", _rolled_and_one_axis_cleared),
        ("rolled, cleared on the wrong side", _cleared_on_the_wrong_side),
        ("rolled, cleared only for positive numbers", _cleared_only_when_positive),
        ("batch and channels rolled", _rolled_batch),
        ("width taken for height", _width_for_both),
        ("rolled, cleared by slices that negative numbers turn round", _cleared_by_negative_slices),
        ("rolled, all cleared where a number is 0", _zero_taken_for_negative),
        ("slices for positive numbers, without an if", _positive_slices),
        ("written into the pictures", _writes_into_the_pictures),
        ("the pictures erased on the way", _erases_in_the_pictures),
    ],
    "05.shuffle_patches": [
        ("a stored table, whatever the order", _order_stored()),
        ("the inverse order", _inverse),
        ("patch i sent to order[i]", _sent_not_fetched),
        ("patch i sent to order[i], by a loop", _sent_in_a_loop),
        ("order not used", _not_shuffled),
        ("an order of its own", _own_order),
        ("order sorted", _sorted_order),
        ("order read backwards", _reverse_order),
        ("order applied twice", _order_twice),
        ("one place further", _one_place_further),
        ("patches counted down the columns", _counted_down_columns),
        ("cut by rows, put down by columns", _put_down_columns),
        ("rows and columns of the grid swapped when joined", _width_as_rows),
        ("only a square grid", _square_pictures_only),
        ("the notebook's seven rows written in", _seven_rows),
        ("the notebook's patch size 4 written in", _four_pixels),
        ("joined by reshape", _joined_by_reshape),
        ("cut by reshape", _cut_by_reshape),
        ("patches made of every n-th pixel", _every_nth_pixel),
        ("patches transposed", _patches_transposed),
        ("patches mirrored", _patches_flipped),
        ("pixels turned round inside the patches", _pixels_shuffled_too),
        ("cut with channels last, joined with channels first", _channels_mixed),
        ("the patches returned, not the picture", _sequence_returned),
        ("flat patches returned, not the picture", _flat_sequence_returned),
        ("another order for each picture", _another_order_for_each),
        ("only the first picture shuffled", _first_picture_alone),
        ("order applied to the patches of the whole batch", _batch_shuffled),
        ("patches overwritten while they are read", _overwritten_while_reading),
        ("patches swapped one after another", _swaps),
        ("pictures changed in place", _shuffled_in_place),
        ("order changed in place", _order_popped),
    ],
    "05.attention_distance": [
        ("the remaining attention not scaled", _rest_not_scaled),
        ("scaled before the class token is cut off", _scaled_before_cutting),
        ("class token's column kept, at distance 0", _class_column_kept),
        ("class token kept as a patch at distance 0", _class_as_a_patch),
        ("last token cut off instead of the first", _last_token_left_out),
        ("last row and first column cut off", _wrong_row_left_out),
        ("scaled along the queries", _scaled_along_queries),
        ("maps transposed", _keys_as_queries),
        ("scaled by the sum of the whole matrix", _scaled_by_everything),
        ("all distances over all attention: rows weigh differently", _ratio_of_sums),
        ("distances over attention within a picture", _ratio_within_pictures),
        ("softmax instead of a division", _softmax_of_weights),
        ("scaled to length one, not sum one", _euclidean_scale),
        ("scaled by the largest", _largest_scale),
        ("mean over the keys instead of the sum", _mean_over_keys),
        ("summed over the queries", _summed_over_queries),
        ("summed over the pictures", _summed_over_pictures),
        ("one number for all heads", _one_number),
        ("pictures not averaged", _each_picture_too),
        ("heads averaged, pictures kept", _pictures_kept_heads_averaged),
        ("patches not averaged", _queries_kept),
        ("first picture only", _first_picture_alone_distance),
        ("median instead of mean", _median_query),
        ("distance to the most attended patch", _farthest_key),
        ("distances squared", _squared_distances),
        ("root of the mean square", _root_mean_square),
        ("shares of the largest distance instead of pixels", _in_shares_of_the_largest),
        ("matrix product instead of element by element", _matrix_product),
        ("matrix product, then the mean", _matrix_product_mean),
        ("a patch's attention to itself left out", _not_to_itself),
        ("the class token's attention measured", _class_row_only),
        ("two tokens cut off", _distances_without_first),
        ("weights changed in place", _weights_cut_in_place),
        ("rounded to whole pixels", _heads_as_list_of_rounded),
    ],
    "05.achieved_flops": [
        ("mean instead of median", _mean_run),
        ("mean of the speeds", _mean_of_speeds),
        ("fastest run", _fastest_run),
        ("slowest run", _slowest_run),
        ("first run", _first_run),
        ("last run", _last_run),
        ("middle run without sorting", _middle_unsorted),
        ("one below the middle", _below_the_middle),
        ("sum of the runs", _total_time),
        ("all work over all time", _all_work_over_all_time),
        ("one median of all operations", _one_median),
        ("median along the operations", _median_over_operations),
        ("median along the operations, then of the speeds", _median_over_operations_column),
        ("seconds a FLOP", _seconds_per_flop),
        ("times the seconds", _times_seconds),
        ("where the median is instead of the median", _position_of_the_median),
        (".values forgotten", _value_and_index),
        ("GFLOP/s", _giga),
        ("GFLOP/s, by 2³⁰", _giga_by_power),
        ("whole-number division", _whole_numbers),
        ("rounded down to whole numbers", _truncated),
        ("flops taken as those of one run out of several: times runs", _times_runs),
        ("doubled for multiply and add", _twice_for_multiply_add),
        ("halved for multiply-adds", _half_for_multiply_add),
        ("only the times", _only_times),
        ("shares of the best", _share_of_the_best),
        ("every run kept", _every_run),
        ("a column", _column),
        ("keepdim: a table of all against all", _keepdim),
        ("runs sorted in place", _sorted_in_place),
        ("milliseconds", _milliseconds),
        ("first run left out as a warm-up", _first_left_out),
        ("the notebook's 15 runs written in: index 7", _middle_of_fifteen),
        ("the notebook's 15 runs written in: kthvalue 8", _eighth_of_fifteen),
    ],
}


def _small_number_in_the_divisor(weights, distances):
    between = weights[:, :, 1:, 1:]
    between = between / (between.sum(dim=-1, keepdim=True) + 1e-6)
    return (between * distances).sum(dim=-1).mean(dim=(0, 2))


FRAGILE = {
    "05.shift_images": [
        ("parameters renamed: cell 14 writes down= and right=", _renamed_axes),
        ("negative padding: 'what leaves the picture is lost', moved by more than its size", _negative_pad),
        ("slices: 'what leaves the picture is lost', moved by more than its size", _slices),
        ("else branch takes 0 for negative: 'by so many pixels' allows 0", _else_without_zero),
    ],
    "05.attention_distance": [
        ("1e-6 added: 'rescale the rest of each row', however little it is", _small_number_in_the_divisor)
    ],
    "05.achieved_flops": [
        ("32-bit work: cell 50 counts more than 2³¹ FLOP in the large matrix products", _thirty_two_bits),
        ("rounded to 0.1 ms: cell 50 times layers that take less", _rounded_to_a_tenth_of_a_millisecond),
    ],
}
