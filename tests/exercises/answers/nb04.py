"""Answers to the exercises of notebook 04 as students write them: right ones, wrong ones and fragile ones."""

import math
from functools import partial, reduce
from itertools import accumulate, pairwise

import numpy as np
import torch
from einops import einsum, rearrange, repeat
from torch import nn
from torch.nn import functional as F

from course_utils import costs

# patchify


def _permute(images, patch_size):
    batch, channels, height, width = images.shape
    rows, columns = height // patch_size, width // patch_size
    cut = images.reshape(batch, channels, rows, patch_size, columns, patch_size)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(batch, rows * columns, channels * patch_size**2)


def _f_unfold(images, patch_size):
    return F.unfold(images, kernel_size=patch_size, stride=patch_size).transpose(1, 2)


def _tensor_unfold(images, patch_size):
    cut = images.unfold(2, patch_size, patch_size).unfold(3, patch_size, patch_size)
    return rearrange(cut, "b c h w p q -> b (h w) (c p q)")


def _patch_loops(images, patch_size):
    patches = []
    for top in range(0, images.shape[2], patch_size):
        for left in range(0, images.shape[3], patch_size):
            patch = images[:, :, top : top + patch_size, left : left + patch_size]
            patches.append(patch.flatten(start_dim=1))
    return torch.stack(patches, dim=1)


def _splits(images, patch_size):
    rows = images.split(patch_size, dim=-2)
    return torch.cat([square.flatten(1)[:, None] for row in rows for square in row.split(patch_size, dim=-1)], dim=1)


def _pixel_unshuffle(images, patch_size):
    return F.pixel_unshuffle(images, patch_size).flatten(2).mT


def _unit_kernels(images, patch_size):
    numbers = images.shape[1] * patch_size**2
    kernel = torch.eye(numbers, dtype=images.dtype).view(numbers, -1, patch_size, patch_size)
    return F.conv2d(images, kernel, stride=patch_size).flatten(2).mT


class _Patches:
    def __call__(self, images, patch_size):
        return torch.stack([self.one(image, patch_size) for image in images])

    def one(self, image, size):
        _, height, width = image.shape
        places = [(y, x) for y in range(height // size) for x in range(width // size)]
        return torch.stack(
            [image[:, y * size : (y + 1) * size, x * size : (x + 1) * size].ravel() for y, x in places]
        )


def _gathered(images, patch_size):
    height, width = images.shape[-2:]
    numbers = torch.arange(height * width).reshape(1, 1, height, width)
    index = rearrange(numbers, "b c (h p) (w q) -> (b h w c) (p q)", p=patch_size, q=patch_size)
    return rearrange(images.flatten(2)[:, :, index], "b c n m -> b n (c m)")


def _patch_columns_first(images, patch_size):
    return rearrange(images, "b c (h p) (w q) -> b (w h) (c p q)", p=patch_size, q=patch_size)


def _loops_over_columns_first(images, patch_size):
    patches = []
    for left in range(0, images.shape[3], patch_size):
        for top in range(0, images.shape[2], patch_size):
            patches.append(images[:, :, top : top + patch_size, left : left + patch_size].flatten(1))
    return torch.stack(patches, dim=1)


def _channels_last(images, patch_size):
    return rearrange(images, "b c (h p) (w q) -> b (h w) (p q c)", p=patch_size, q=patch_size)


def _channels_last_by_permute(images, patch_size):
    batch, channels, height, width = images.shape
    cut = images.reshape(batch, channels, height // patch_size, patch_size, width // patch_size, patch_size)
    return cut.permute(0, 2, 4, 3, 5, 1).reshape(batch, -1, channels * patch_size**2)


def _patch_transposed(images, patch_size):
    return rearrange(images, "b c (h p) (w q) -> b (h w) (c q p)", p=patch_size, q=patch_size)


def _rows_before_channels(images, patch_size):
    return rearrange(images, "b c (h p) (w q) -> b (h w) (p c q)", p=patch_size, q=patch_size)


def _only_reshaped(images, patch_size):
    return images.reshape(len(images), -1, images.shape[1] * patch_size**2)


def _patches_reshaped_within_channels(images, patch_size):
    batch, channels = images.shape[:2]
    patches = images.reshape(batch, channels, -1, patch_size**2).transpose(1, 2)
    return patches.reshape(batch, -1, channels * patch_size**2)


def _interleaved(images, patch_size):
    return rearrange(images, "b c (p h) (q w) -> b (h w) (c p q)", p=patch_size, q=patch_size)


def _as_many_patches_as_pixels(images, patch_size):
    return rearrange(images, "b c (h p) (w q) -> b (h w) (c p q)", h=patch_size, w=patch_size)


def _not_transposed(images, patch_size):
    return F.unfold(images, patch_size, stride=patch_size)


def _overlapping(images, patch_size):
    return F.unfold(images, patch_size).mT


def _not_flattened(images, patch_size):
    return rearrange(images, "b c (h p) (w q) -> b (h w) c p q", p=patch_size, q=patch_size)


def _grid_kept(images, patch_size):
    return rearrange(images, "b c (h p) (w q) -> b h w (c p q)", p=patch_size, q=patch_size)


def _patches_join_the_batch(images, patch_size):
    return rearrange(images, "b c (h p) (w q) -> (b h w) (c p q)", p=patch_size, q=patch_size)


def _each_channel_its_own(images, patch_size):
    return rearrange(images, "b c (h p) (w q) -> b (c h w) (p q)", p=patch_size, q=patch_size)


def _patch_means(images, patch_size):
    return F.avg_pool2d(images, patch_size).flatten(2).mT


def _grey_patches(images, patch_size):
    return rearrange(images.mean(1), "b (h p) (w q) -> b (h w) (p q)", p=patch_size, q=patch_size)


def _square_grid_only(images, patch_size):
    side = images.shape[-1] // patch_size
    patches = [
        images[:, :, y * patch_size : (y + 1) * patch_size, x * patch_size : (x + 1) * patch_size].flatten(1)
        for y in range(side)
        for x in range(side)
    ]
    return torch.stack(patches, 1)


def _height_for_both(images, patch_size):
    batch, channels, height, _ = images.shape
    side = height // patch_size
    cut = images.reshape(batch, channels, side, patch_size, side, patch_size)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(batch, side * side, -1)


def _last_row_lost(images, patch_size):
    height, width = images.shape[-2:]
    patches = [
        images[:, :, y : y + patch_size, x : x + patch_size].flatten(1)
        for y in range(0, height - patch_size, patch_size)
        for x in range(0, width - patch_size, patch_size)
    ]
    return torch.stack(patches, 1)


def _first_picture_only(images, patch_size):
    return rearrange(images[:1], "b c (h p) (w q) -> b (h w) (c p q)", p=patch_size, q=patch_size)


def _sixteen(images, patch_size=16):
    return rearrange(images, "b c (h p) (w q) -> b (h w) (c p q)", p=16, q=16)


def _three_channels(images, patch_size):
    return rearrange(images, "b c (h p) (w q) -> b (h w) c (p q)", p=patch_size, q=patch_size).reshape(
        len(images), -1, 3 * patch_size**2
    )


def _batch_after_patches(images, patch_size):
    return rearrange(images, "b c (h p) (w q) -> (h w) b (c p q)", p=patch_size, q=patch_size)


def _split_halves(images, patch_size):
    squares = [part for row in images.chunk(patch_size, 2) for part in row.chunk(patch_size, 3)]
    return torch.stack([square.flatten(1) for square in squares], 1)


def _brightened(images, patch_size):
    patches = rearrange(images, "b c (h p) (w q) -> b (h w) (c p q)", p=patch_size, q=patch_size)
    return patches - patches.mean(-1, keepdim=True)


# projection_kernel


def _kernel_reshape(weight, patch_size):
    return weight.reshape(weight.shape[0], -1, patch_size, patch_size)


def _kernel_view(weight, patch_size):
    dim, numbers = weight.shape
    return weight.view(dim, numbers // patch_size**2, patch_size, patch_size)


def _kernel_unflatten(weight, patch_size):
    return weight.unflatten(1, (-1, patch_size, patch_size))


def _kernel_rows(weight, patch_size):
    kernels = []
    for row in weight:
        channels = [part.reshape(patch_size, patch_size) for part in row.split(patch_size * patch_size)]
        kernels.append(torch.stack(channels))
    return torch.stack(kernels)


def _kernel_chunks(weight, patch_size):
    lines = torch.stack(weight.split(patch_size, dim=1), dim=1)
    return torch.stack(lines.split(patch_size, dim=1), dim=1)


def _kernel_any(weight, patch_size, channels=None):
    channels = channels or weight.size(-1) // (patch_size * patch_size)
    return torch.reshape(weight, (len(weight), channels, patch_size, patch_size))


def _kernel_fold(weight, patch_size):
    return F.fold(weight[..., None], output_size=patch_size, kernel_size=patch_size)


def _kernel_channels_last(weight, patch_size):
    return rearrange(weight, "d (p q c) -> d c p q", p=patch_size, q=patch_size)


def _kernel_channels_last_by_permute(weight, patch_size):
    return weight.reshape(len(weight), patch_size, patch_size, -1).permute(0, 3, 1, 2)


def _kernel_shape_channels_last(weight, patch_size):
    return weight.reshape(len(weight), patch_size, patch_size, -1)


def _kernel_transposed(weight, patch_size):
    return rearrange(weight, "d (c q p) -> d c p q", p=patch_size, q=patch_size)


def _kernel_mirrored_axes(weight, patch_size):
    return weight.reshape(len(weight), -1, patch_size, patch_size).mT


def _kernel_flipped(weight, patch_size):
    return weight.reshape(len(weight), -1, patch_size, patch_size).flip(-1, -2)


def _kernel_flipped_once(weight, patch_size):
    return rearrange(weight, "d (c p q) -> d c p q", p=patch_size, q=patch_size).flip(-1)


def _kernel_row_channel(weight, patch_size):
    return rearrange(weight, "d (p c q) -> d c p q", p=patch_size, q=patch_size)


def _kernel_of_transpose(weight, patch_size):
    return weight.T.reshape(weight.shape[0], -1, patch_size, patch_size)


def _kernel_axes_swapped(weight, patch_size):
    return rearrange(weight, "d (c p q) -> c d p q", p=patch_size, q=patch_size)


def _kernel_reshaped_to_swapped(weight, patch_size):
    return weight.reshape(-1, len(weight), patch_size, patch_size)


def _kernel_swapped_back(weight, patch_size):
    return weight.reshape(-1, len(weight), patch_size, patch_size).transpose(0, 1)


def _kernel_flat_places(weight, patch_size):
    return weight.reshape(len(weight), -1, patch_size**2)


def _kernel_size_one(weight, patch_size):
    return weight[:, :, None, None]


def _kernel_three_channels(weight, patch_size):
    return weight.reshape(-1, 3, patch_size, patch_size)


def _kernel_base(weight, patch_size):
    return weight.reshape(768, 3, patch_size, patch_size)


def _kernel_sixteen(weight, patch_size):
    return weight.reshape(len(weight), -1, 16, 16)


def _kernel_averaged(weight, patch_size):
    return weight.reshape(len(weight), -1, patch_size, patch_size) / patch_size**2


def _kernel_one_channel(weight, patch_size):
    return weight[:, : patch_size**2].reshape(len(weight), 1, patch_size, patch_size)


def _kernel_channels_summed(weight, patch_size):
    return rearrange(weight, "d (c p q) -> d c p q", p=patch_size, q=patch_size).sum(1, keepdim=True)


def _kernel_needs_square_number(weight, patch_size):
    channels = round(math.sqrt(weight.shape[1] // patch_size))
    return weight.reshape(len(weight), channels, patch_size, -1)


# sequence


def _cat_expand(patches, class_token, positions):
    tokens = torch.cat((class_token.expand(len(patches), 1, -1), patches), dim=1)
    return tokens + positions


def _cat_repeat(patches, class_token, positions):
    first = class_token.repeat(patches.size(0), 1, 1)
    return torch.concat([first, patches], dim=-2).add(positions)


def _einops_repeat(patches, class_token, positions):
    return torch.cat([repeat(class_token, "1 1 d -> b 1 d", b=len(patches)), patches], 1) + positions


def _parts_first(patches, class_token, positions):
    first = class_token + positions[:, :1]
    rest = patches + positions[:, 1:]
    return torch.cat([first.broadcast_to(len(rest), -1, -1), rest], dim=1)


def _pad_in_front(patches, class_token, positions):
    count = patches.shape[1]
    return F.pad(patches, (0, 0, 1, 0)) + F.pad(class_token, (0, 0, 0, count)) + positions


def _filled(patches, class_token, positions):
    batch, count, dim = patches.shape
    tokens = patches.new_zeros(batch, count + 1, dim)
    tokens[:, 0] = class_token[0, 0]
    tokens[:, 1:] = patches
    tokens += positions
    return tokens


def _token_by_token(patches, class_token, positions):
    tokens = [class_token[:, 0].expand_as(patches[:, 0]), *patches.unbind(1)]
    return torch.stack([token + positions[:, place] for place, token in enumerate(tokens)], dim=1)


def _picture_by_picture(patches, class_token, positions):
    return torch.stack([torch.vstack([class_token[0], one]) + positions[0] for one in patches])


def _class_last(patches, class_token, positions):
    return torch.cat([patches, class_token.expand(len(patches), -1, -1)], 1) + positions


def _class_last_own_positions(patches, class_token, positions):
    return torch.cat([patches + positions[:, 1:], (class_token + positions[:, :1]).expand(len(patches), -1, -1)], 1)


def _no_position_for_class(patches, class_token, positions):
    return torch.cat([class_token.expand(len(patches), -1, -1), patches + positions[:, 1:]], 1)


def _positions_from_zero_for_patches(patches, class_token, positions):
    return torch.cat([class_token.expand(len(patches), -1, -1), patches + positions[:, :-1]], 1)


def _last_position_for_class(patches, class_token, positions):
    first = (class_token + positions[:, -1:]).expand(len(patches), -1, -1)
    return torch.cat([first, patches + positions[:, :-1]], 1)


def _positions_for_class_only(patches, class_token, positions):
    return torch.cat([(class_token + positions[:, :1]).expand(len(patches), -1, -1), patches], 1)


def _forgot_positions(patches, class_token, positions):
    return torch.cat([class_token.expand(len(patches), -1, -1), patches], 1)


def _forgot_class(patches, class_token, positions):
    return patches + positions[:, 1:]


def _zeros_for_class(patches, class_token, positions):
    return F.pad(patches, (0, 0, 1, 0)) + positions


def _new_class_token(patches, class_token, positions):
    class_token = torch.zeros(1, 1, patches.shape[-1])
    return torch.cat([class_token.expand(len(patches), -1, -1), patches], 1) + positions


def _class_not_expanded(patches, class_token, positions):
    return torch.cat([class_token, patches], dim=1) + positions


def _joined_along_batch(patches, class_token, positions):
    return torch.cat([class_token.expand(1, patches.shape[1], -1), patches], dim=0)


def _joined_along_features(patches, class_token, positions):
    first = class_token.expand(*patches.shape[:2], -1)
    return torch.cat([first, patches], dim=-1)


def _class_added_to_all(patches, class_token, positions):
    return patches + class_token + positions[:, 1:]


def _class_replaces_first_patch(patches, class_token, positions):
    first = class_token.expand(len(patches), -1, -1)
    return torch.cat([first, patches[:, 1:]], 1) + positions[:, :-1]


def _times_positions(patches, class_token, positions):
    return torch.cat([class_token.expand(len(patches), -1, -1), patches], 1) * positions


def _positions_in_more_features(patches, class_token, positions):
    tokens = torch.cat([class_token.expand(len(patches), -1, -1), patches], 1)
    return torch.cat([tokens, positions.expand_as(tokens)], -1)


def _positions_twice(patches, class_token, positions):
    tokens = torch.cat([class_token.expand(len(patches), -1, -1), patches + positions[:, 1:]], 1)
    return tokens + positions


def _one_position_for_all(patches, class_token, positions):
    return torch.cat([class_token.expand(len(patches), -1, -1), patches], 1) + positions[:, :1]


def _root_of_dim(patches, class_token, positions):
    tokens = torch.cat([class_token.expand(len(patches), -1, -1), patches], 1)
    return tokens * math.sqrt(tokens.shape[-1]) + positions


def _mean_as_class(patches, class_token, positions):
    return torch.cat([patches.mean(1, keepdim=True), patches], 1) + positions


def _class_for_first_picture(patches, class_token, positions):
    tokens = F.pad(patches, (0, 0, 1, 0))
    tokens[0, 0] = class_token[0, 0]
    return tokens + positions


def _changes_the_patches(patches, class_token, positions):
    patches += positions[:, 1:]
    return torch.cat([(class_token + positions[:, :1]).expand(len(patches), -1, -1), patches], 1)


def _changes_the_class_token(patches, class_token, positions):
    class_token += positions[:, :1]
    return torch.cat([class_token.expand(len(patches), -1, -1), patches + positions[:, 1:]], 1)


def _detached_class(patches, class_token, positions):
    return torch.cat([class_token.detach().expand(len(patches), -1, -1), patches], 1) + positions


def _detached_positions(patches, class_token, positions):
    return torch.cat([class_token.expand(len(patches), -1, -1), patches], 1) + positions.data


@torch.no_grad()
def _sequence_no_grad(patches, class_token, positions):
    return torch.cat([class_token.expand(len(patches), -1, -1), patches], 1) + positions


def _class_from_a_list(patches, class_token, positions):
    first = torch.tensor(class_token.tolist()).expand(len(patches), -1, -1)
    return torch.cat([first, patches], 1) + positions


def _positions_reversed(patches, class_token, positions):
    return torch.cat([class_token.expand(len(patches), -1, -1), patches], 1) + positions.flip(1)


def _normalised_after(patches, class_token, positions):
    tokens = torch.cat([class_token.expand(len(patches), -1, -1), patches], 1) + positions
    return F.layer_norm(tokens, tokens.shape[-1:])


# attention_bytes


def _bytes_one_line(tokens, heads, layers, dtype=torch.float32, batch=1):
    if min(tokens, heads, layers, batch) < 1:
        raise ValueError("every count must be at least 1")
    return layers * heads * batch * dtype.itemsize * tokens**2


def _bytes_in_steps(tokens, heads, layers, dtype=torch.float32, batch=1):
    if tokens <= 0 or heads <= 0 or layers <= 0 or batch <= 0:
        raise ValueError("not positive")
    one_matrix = tokens * tokens * dtype.itemsize
    one_layer = heads * one_matrix
    return batch * layers * one_layer


def _bytes_by_loops(tokens, heads, layers, dtype=torch.float32, batch=1):
    for count in (tokens, heads, layers, batch):
        if not count > 0:
            raise ValueError(f"{count} is too few")
    total = 0
    for _ in range(layers):
        for _ in range(heads):
            for _ in range(batch):
                total += tokens**2 * dtype.itemsize
    return total


def _bytes_of_shape(tokens, heads, layers, dtype=torch.float32, batch=1):
    shape = [batch, layers, heads, tokens, tokens]
    if not all(size >= 1 for size in shape):
        raise ValueError(shape)
    return math.prod([*shape, torch.finfo(dtype).bits // 8])


def _bytes_of_meta(tokens, heads, layers, dtype=torch.float32, batch=1):
    if 0 in (tokens, heads, layers, batch):
        raise ValueError("nothing to count")
    try:
        return torch.empty(batch, layers, heads, tokens, tokens, dtype=dtype, device="meta").nbytes
    except RuntimeError as error:
        raise ValueError("a size below zero") from error


def _bytes(count):
    """A student's function that refuses what it should, and counts like this."""

    def student(tokens, heads, layers, dtype=torch.float32, batch=1):
        if min(tokens, heads, layers, batch) < 1:
            raise ValueError("every count must be at least 1")
        return count(tokens, heads, layers, dtype, batch)

    return student


def _bytes_default_two(tokens, heads, layers, dtype=torch.float16, batch=1):
    return _bytes_one_line(tokens, heads, layers, dtype, batch)


def _bytes_never_refused(tokens, heads, layers, dtype=torch.float32, batch=1):
    return layers * heads * batch * dtype.itemsize * tokens**2


def _bytes_only_tokens_refused(tokens, heads, layers, dtype=torch.float32, batch=1):
    if tokens < 1:
        raise ValueError("no tokens")
    return layers * heads * batch * dtype.itemsize * tokens**2


def _bytes_batch_not_refused(tokens, heads, layers, dtype=torch.float32, batch=1):
    if min(tokens, heads, layers) < 1:
        raise ValueError("every count must be at least 1")
    return layers * heads * batch * dtype.itemsize * tokens**2


def _bytes_product_refused(tokens, heads, layers, dtype=torch.float32, batch=1):
    total = layers * heads * batch * dtype.itemsize * tokens**2
    if total <= 0:
        raise ValueError("nothing to count")
    return total


def _bytes_product_of_counts_refused(tokens, heads, layers, dtype=torch.float32, batch=1):
    if tokens * heads * layers * batch < 1:
        raise ValueError("nothing to count")
    return layers * heads * batch * dtype.itemsize * tokens**2


def _bytes_asserted(tokens, heads, layers, dtype=torch.float32, batch=1):
    assert min(tokens, heads, layers, batch) >= 1
    return layers * heads * batch * dtype.itemsize * tokens**2


def _bytes_one_refused(tokens, heads, layers, dtype=torch.float32, batch=1):
    if min(tokens, heads, layers, batch) <= 1:
        raise ValueError("every count must be at least 1")
    return layers * heads * batch * dtype.itemsize * tokens**2


def _bytes_only_printed(tokens, heads, layers, dtype=torch.float32, batch=1):
    print(layers * heads * batch * dtype.itemsize * tokens**2)


def _bytes_of_the_course(tokens, heads, layers, dtype=torch.float32, batch=1):
    return costs.attention_bytes(tokens, heads, layers, dtype, batch)


def _bytes_renamed(tokens, heads, n_layers, dtype=torch.float32, batch=1):
    return _bytes_one_line(tokens, heads, n_layers, dtype, batch)


# vit_parameters


def _linear(inputs, outputs):
    return inputs * outputs + outputs


def _by_helper(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    tokens = (image_size // patch_size) ** 2 + 1
    total = _linear(channels * patch_size * patch_size, dim)
    total += dim
    total += tokens * dim
    for _ in range(layers):
        total += 2 * dim
        total += 3 * _linear(dim, dim)
        total += _linear(dim, dim)
        total += 2 * dim
        total += _linear(dim, mlp_dim) + _linear(mlp_dim, dim)
    return total + 2 * dim + _linear(dim, classes)


def _expanded(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    n = image_size // patch_size
    block = 4 * dim**2 + 2 * dim * mlp_dim + 9 * dim + mlp_dim
    return layers * block + dim * (channels * patch_size**2 + n * n + 5 + classes) + classes


def _as_table(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    patches = (image_size // patch_size) ** 2
    block = {"norms": 4 * dim, "qkv": (dim + 1) * 3 * dim, "out": (dim + 1) * dim}
    block["mlp"] = dim * mlp_dim + mlp_dim + mlp_dim * dim + dim
    rows = {
        "projection": patch_size**2 * channels * dim + dim,
        "class token": dim,
        "positions": dim * (patches + 1),
        "blocks": layers * sum(block.values()),
        "norm": 2 * dim,
        "head": dim * classes + classes,
    }
    return sum(rows.values())


def _counted(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    with torch.device("meta"):
        block = nn.TransformerEncoderLayer(dim, 1, mlp_dim)
        parts = [nn.Conv2d(channels, dim, patch_size, patch_size), nn.LayerNorm(dim), nn.Linear(dim, classes)]
    size = lambda module: sum(p.numel() for p in module.parameters())  # noqa: E731
    tokens = 1 + (image_size // patch_size) ** 2
    return sum(map(size, parts)) + layers * size(block) + dim + tokens * dim


def _shapes(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    patches = (image_size // patch_size) ** 2
    block = [(dim,), (dim,), (3 * dim, dim), (3 * dim,), (dim, dim), (dim,), (dim,), (dim,)]
    block += [(mlp_dim, dim), (mlp_dim,), (dim, mlp_dim), (dim,)]
    shapes = [(dim, channels, patch_size, patch_size), (dim,), (1, 1, dim), (1, patches + 1, dim)]
    shapes += block * layers + [(dim,), (dim,), (classes, dim), (classes,)]
    return sum(math.prod(shape) for shape in shapes)


def _count(
    image_size,
    patch_size,
    dim,
    layers,
    mlp_dim,
    classes,
    channels=3,
    *,
    projection_bias=1,
    class_token=1,
    position_of_class=1,
    positions=1,
    norms=2,
    norm_size=2,
    qkv=3,
    qkv_bias=1,
    out=1,
    out_bias=1,
    hidden=1,
    mlp_bias=1,
    last_norm=1,
    head_bias=1,
    head=1,
):
    patches = (image_size // patch_size) ** 2
    attention = qkv * (dim + qkv_bias) * dim + out * (dim + out_bias) * dim
    mlp = hidden * ((dim + mlp_bias) * mlp_dim + (mlp_dim + mlp_bias) * dim)
    block = norms * norm_size * dim + attention + mlp
    total = (channels * patch_size**2 + projection_bias) * dim + class_token * dim
    total += positions * (patches + position_of_class) * dim
    return total + layers * block + last_norm * norm_size * dim + head * (dim + head_bias) * classes


class _Counter:
    def __call__(self, image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
        return self.embedding(image_size, patch_size, dim, channels) + self.encoder(dim, layers, mlp_dim, classes)

    def embedding(self, image_size, patch_size, dim, channels):
        return dim * (channels * patch_size**2 + 3 + (image_size // patch_size) ** 2)

    def encoder(self, dim, layers, mlp_dim, classes):
        if layers == 0:
            return 2 * dim + _linear(dim, classes)
        block = 4 * dim + 4 * _linear(dim, dim) + _linear(dim, mlp_dim) + _linear(mlp_dim, dim)
        return block + self.encoder(dim, layers - 1, mlp_dim, classes)


def _parameters_slip(**slip):
    def vit_parameters(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
        return _count(image_size, patch_size, dim, layers, mlp_dim, classes, channels, **slip)

    return vit_parameters


def _heads_forgotten_block(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    tokens = (image_size // patch_size) ** 2 + 1
    block = 4 * dim + 4 * (dim + 1) * dim + 2 * dim * mlp_dim + mlp_dim + dim
    return (channels * patch_size**2 + 1) * dim + dim + tokens * dim + block + 2 * dim + (dim + 1) * classes


def _mlp_two_hidden_biases(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    right = _expanded(image_size, patch_size, dim, layers, mlp_dim, classes, channels)
    return right + layers * (mlp_dim - dim)


def _mlp_of_four_dims(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    return _expanded(image_size, patch_size, dim, layers, 4 * dim, classes, channels) - layers * dim


def _one_matrix_of_the_mlp(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    right = _expanded(image_size, patch_size, dim, layers, mlp_dim, classes, channels)
    return right - layers * (mlp_dim + 1) * dim


def _always_three_channels(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    return _expanded(image_size, patch_size, dim, layers, mlp_dim, classes)


def _default_one_channel(image_size, patch_size, dim, layers, mlp_dim, classes, channels=1):
    return _expanded(image_size, patch_size, dim, layers, mlp_dim, classes, channels)


def _channels_forgotten(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    return _expanded(image_size, patch_size, dim, layers, mlp_dim, classes, 1)


def _always_a_thousand_classes(image_size, patch_size, dim, layers, mlp_dim, classes=1000, channels=3):
    return _expanded(image_size, patch_size, dim, layers, mlp_dim, 1000, channels)


def _patch_not_squared(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    right = _expanded(image_size, patch_size, dim, layers, mlp_dim, classes, channels)
    return right - channels * (patch_size**2 - patch_size) * dim


def _positions_along_one_side(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    side = image_size // patch_size
    return _expanded(image_size, patch_size, dim, layers, mlp_dim, classes, channels) - (side**2 - side) * dim


def _positions_of_pixels(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    patches = (image_size // patch_size) ** 2
    right = _expanded(image_size, patch_size, dim, layers, mlp_dim, classes, channels)
    return right + (image_size**2 - patches) * dim


def _projection_for_every_patch(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    patches = (image_size // patch_size) ** 2
    right = _expanded(image_size, patch_size, dim, layers, mlp_dim, classes, channels)
    return right + (patches - 1) * (channels * patch_size**2 + 1) * dim


def _slide_sum(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    tokens = (image_size // patch_size) ** 2 + 1
    blocks = layers * (3 * dim**2 + 2 * dim * mlp_dim)
    return patch_size**2 * channels * dim + dim * tokens + blocks + dim * classes


def _whole_embedding_in_each_layer(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    patches = (image_size // patch_size) ** 2
    right = _expanded(image_size, patch_size, dim, layers, mlp_dim, classes, channels)
    return right + (layers - 1) * (patches + 1) * dim


def _in_millions(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    return round(_expanded(image_size, patch_size, dim, layers, mlp_dim, classes, channels) / 1e6, 1)


def _precedence(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    tokens = (image_size // patch_size) ** 2 + 1
    embedding = channels * patch_size**2 + 1 * dim + dim + tokens * dim
    block = 4 * dim + 4 * (dim + 1) * dim + 2 * dim * mlp_dim + mlp_dim + dim
    return embedding + layers * block + 2 * dim + (dim + 1) * classes


def _true_division(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    patches = (image_size / patch_size) ** 2
    block = 4 * dim + 4 * (dim + 1) * dim + 2 * dim * mlp_dim + mlp_dim + dim
    embedding = (channels * patch_size**2 + 1) * dim + dim + (patches + 1) * dim
    return embedding + layers * block + 2 * dim + (dim + 1) * classes


# attention_rollout


def _rollout_loop(attention_maps):
    half = torch.eye(attention_maps[0].shape[-1], dtype=attention_maps[0].dtype) / 2
    result = []
    for index, weights in enumerate(attention_maps):
        step = weights.mean(1) / 2 + half
        result.append(step if index == 0 else step @ result[-1])
    return result


def _rollout_accumulate(attention_maps):
    steps = [0.5 * weights.mean(dim=1) + 0.5 * torch.eye(weights.shape[-1]).to(weights) for weights in attention_maps]
    return list(accumulate(steps, lambda below, above: above @ below))


def _rollout_stacked(attention_maps):
    steps = torch.stack(list(attention_maps)).mean(2)
    steps = torch.lerp(torch.eye(steps.shape[-1]).to(steps), steps, 0.5)
    total, parts = steps[0], [steps[0]]
    for step in steps[1:]:
        total = step.bmm(total)
        parts.append(total)
    return torch.stack(parts)


def _rollout_recursive(attention_maps):
    if len(attention_maps) == 0:
        return []
    *below, top = attention_maps
    parts = _rollout_recursive(below)
    identity = torch.eye(top.shape[-1]).to(top)
    step = (top.mean(1) + identity) / 2
    return [*parts, torch.matmul(step, parts[-1]) if parts else step]


def _rollout_residual(attention_maps):
    batch, _, tokens, _ = attention_maps[0].shape
    flow, flows = torch.eye(tokens).to(attention_maps[0]).expand(batch, -1, -1), ()
    for weights in attention_maps:
        heads = weights.shape[1]
        flow = 0.5 * flow + 0.5 * einsum(weights, flow, "b h i j, b j k -> b i k") / heads
        flows = (*flows, flow)
    return flows


def _rollout_diagonal(attention_maps):
    flows = []
    for weights in attention_maps:
        step = weights.mean(1) * 0.5
        step.diagonal(dim1=-2, dim2=-1).add_(0.5)
        flows.append(torch.einsum("bij,bjk->bik", step, flows[-1]) if flows else step)
    return flows


def _rollout_from_scratch_each(attention_maps):
    steps = [(a.sum(1) / a.shape[1] + torch.eye(a.shape[-1]).to(a)) / 2 for a in attention_maps]
    return [reduce(lambda below, above: above @ below, steps[: i + 1]) for i in range(len(steps))]


def _steps(attention_maps):
    return [(a.mean(1) + torch.eye(a.shape[-1])) / 2 for a in attention_maps]


def _products(steps):
    return list(accumulate(steps, lambda below, above: above @ below))


def _wrong_side(attention_maps):
    return list(accumulate(_steps(attention_maps), lambda below, above: below @ above))


def _wrong_side_loop(attention_maps):
    rollout, result = torch.eye(attention_maps[0].shape[-1]), []
    for weights in attention_maps:
        rollout = rollout @ (0.5 * weights.mean(1) + 0.5 * torch.eye(weights.shape[-1]))
        result.append(rollout)
    return result


def _no_residual(attention_maps):
    return _products([a.mean(1) for a in attention_maps])


def _whole_residual(attention_maps):
    return _products([a.mean(1) + torch.eye(a.shape[-1]) for a in attention_maps])


def _half_of_attention_only(attention_maps):
    return _products([a.mean(1) / 2 + torch.eye(a.shape[-1]) for a in attention_maps])


def _half_of_identity_only(attention_maps):
    return _products([a.mean(1) + torch.eye(a.shape[-1]) / 2 for a in attention_maps])


def _ones_for_identity(attention_maps):
    return _products([(a.mean(1) + torch.ones(a.shape[-1], a.shape[-1])) / 2 for a in attention_maps])


def _last_only(attention_maps):
    return _products(_steps(attention_maps))[-1]


def _last_only_in_a_list(attention_maps):
    return _products(_steps(attention_maps))[-1:]


def _each_layer_alone(attention_maps):
    return _steps(attention_maps)


def _summed_layers(attention_maps):
    return list(accumulate(_steps(attention_maps)))


def _averaged_layers(attention_maps):
    return [total / (i + 1) for i, total in enumerate(accumulate(_steps(attention_maps)))]


def _elementwise(attention_maps):
    return list(accumulate(_steps(attention_maps), lambda below, above: above * below))


def _from_the_top(attention_maps):
    return _products(_steps(attention_maps[::-1]))


def _results_reversed(attention_maps):
    return _products(_steps(attention_maps))[::-1]


def _heads_summed(attention_maps):
    return _products([(a.sum(1) + torch.eye(a.shape[-1])) / 2 for a in attention_maps])


def _strongest_head(attention_maps):
    return _products([(a.amax(1) + torch.eye(a.shape[-1])) / 2 for a in attention_maps])


def _first_head(attention_maps):
    return _products([(a[:, 0] + torch.eye(a.shape[-1])) / 2 for a in attention_maps])


def _heads_kept(attention_maps):
    return _products([(a + torch.eye(a.shape[-1])) / 2 for a in attention_maps])


def _heads_averaged_last(attention_maps):
    return [a.mean(1) for a in _products([(a + torch.eye(a.shape[-1])) / 2 for a in attention_maps])]


def _pictures_averaged(attention_maps):
    return _products([(a.mean(0) + torch.eye(a.shape[-1])) / 2 for a in attention_maps])


def _identity_first(attention_maps):
    batch, _, tokens, _ = attention_maps[0].shape
    return [torch.eye(tokens).expand(batch, -1, -1), *_products(_steps(attention_maps))]


def _first_layer_missing(attention_maps):
    return _products(_steps(attention_maps))[1:]


def _starts_with_first_twice(attention_maps):
    steps = _steps(attention_maps)
    rollout, result = steps[0], []
    for step in steps:
        rollout = step @ rollout
        result.append(rollout)
    return result


def _transposed_maps(attention_maps):
    return _products([(a.mean(1).mT + torch.eye(a.shape[-1])) / 2 for a in attention_maps])


def _transposed_result(attention_maps):
    return [a.mT for a in _products(_steps(attention_maps))]


def _softmax_again(attention_maps):
    return _products([(a.mean(1).softmax(-1) + torch.eye(a.shape[-1])) / 2 for a in attention_maps])


def _columns_sum_to_one(attention_maps):
    return [a / a.sum(-2, keepdim=True) for a in _products(_steps(attention_maps))]


def _class_row_only(attention_maps):
    return [a[:, 0] for a in _products(_steps(attention_maps))]


def _class_token_left_out(attention_maps):
    return [a[:, 1:, 1:] for a in _products(_steps(attention_maps))]


def _residual_once(attention_maps):
    identity = torch.eye(attention_maps[0].shape[-1])
    return [(a + identity) / 2 for a in _products([a.mean(1) for a in attention_maps])]


def _power_of_the_last(attention_maps):
    return [torch.linalg.matrix_power(step, i + 1) for i, step in enumerate(_steps(attention_maps))]


def _same_tensor_every_time(attention_maps):
    steps, result = _steps(attention_maps), []
    rollout = steps[0].clone()
    for index, step in enumerate(steps):
        if index:
            rollout.copy_(step @ rollout)
        result.append(rollout)
    return result


def _only_neighbouring_layers(attention_maps):
    steps = _steps(attention_maps)
    return [steps[0]] + [above @ below for below, above in pairwise(steps)]


def _changes_the_maps(attention_maps):
    for weights in attention_maps:
        weights += torch.eye(weights.shape[-1])
        weights /= 2
    return _products([a.mean(1) for a in attention_maps])


def _empties_the_list(attention_maps):
    rollout = (attention_maps[0].mean(1) + torch.eye(attention_maps[0].shape[-1])) / 2
    result = [rollout]
    attention_maps.pop(0)
    for weights in attention_maps:
        rollout = (weights.mean(1) + torch.eye(weights.shape[-1])) / 2 @ rollout
        result.append(rollout)
    return result


def _generated(attention_maps):
    rollout = torch.eye(attention_maps[0].shape[-1])
    for weights in attention_maps:
        rollout = (weights.mean(1) + torch.eye(weights.shape[-1])) / 2 @ rollout
        yield rollout


def _lazy(attention_maps):
    return accumulate(_steps(attention_maps), lambda below, above: above @ below)


def _bytes_by_table(tokens, heads, layers, dtype=torch.float32, batch=1):
    if min(tokens, heads, layers, batch) < 1:
        raise ValueError("below one")
    sizes = {torch.float64: 8, torch.float32: 4, torch.float16: 2, torch.bfloat16: 2}
    return tokens**2 * heads * layers * batch * sizes.get(dtype, 4)


def _bytes_by_numpy(tokens, heads, layers, dtype=torch.float32, batch=1):
    if min(tokens, heads, layers, batch) < 1:
        raise ValueError("below one")
    return int(np.prod([tokens, tokens, heads, layers, batch, dtype.itemsize]))


def _bytes_refused(few):
    def attention_bytes(tokens, heads, layers, dtype=torch.float32, batch=1):
        if few(tokens, heads, layers, batch):
            raise ValueError("below one")
        return tokens**2 * heads * layers * batch * dtype.itemsize

    return attention_bytes


RIGHT = {
    "04.patchify": [
        _permute,
        _f_unfold,
        _tensor_unfold,
        _patch_loops,
        _splits,
        _pixel_unshuffle,
        _unit_kernels,
        _Patches(),
        _gathered,
    ],
    "04.projection_kernel": [
        _kernel_reshape,
        _kernel_view,
        _kernel_unflatten,
        _kernel_rows,
        _kernel_chunks,
        _kernel_fold,
        partial(_kernel_any, channels=None),
        lambda weight, patch_size: torch.stack(
            [rearrange(one, "(c p q) -> c p q", p=patch_size, q=patch_size) for one in weight]
        ),
    ],
    "04.sequence": [
        _cat_expand,
        _cat_repeat,
        _einops_repeat,
        _parts_first,
        _pad_in_front,
        _filled,
        _token_by_token,
        _picture_by_picture,
    ],
    "04.attention_bytes": [_bytes_one_line, _bytes_in_steps, _bytes_by_loops, _bytes_of_shape, _bytes_of_meta],
    "04.vit_parameters": [_by_helper, _expanded, _as_table, _counted, _shapes, _Counter()],
    "04.attention_rollout": [
        _rollout_loop,
        _rollout_accumulate,
        _rollout_stacked,
        _rollout_recursive,
        _rollout_residual,
        _rollout_diagonal,
        _rollout_from_scratch_each,
    ],
}

WRONG = {
    "04.patchify": [
        ("alpha and all further channels lost", lambda images, patch_size: _f_unfold(images[:, :3], patch_size)),
        ("patches numbered down the columns", _patch_columns_first),
        ("patches numbered down the columns, by loops", _loops_over_columns_first),
        ("channels last inside a patch", _channels_last),
        ("channels last inside a patch, by permute", _channels_last_by_permute),
        ("pixels of a patch column by column", _patch_transposed),
        ("row, channel, column inside a patch", _rows_before_channels),
        ("reshape only: runs of a row instead of squares", _only_reshaped),
        ("reshape only, channel by channel", _patches_reshaped_within_channels),
        ("patches made of every n-th pixel", _interleaved),
        ("patch_size taken as the number of patches a side", _as_many_patches_as_pixels),
        ("patch_size taken as the number of patches a side, by chunk", _split_halves),
        ("F.unfold without the transpose", _not_transposed),
        ("stride 1: overlapping patches", _overlapping),
        ("patches not flattened", _not_flattened),
        ("the grid of patches not flattened", _grid_kept),
        ("batch and patches in one axis", _patches_join_the_batch),
        ("each channel makes its own patches", _each_channel_its_own),
        ("patches averaged", _patch_means),
        ("channels averaged", _grey_patches),
        ("only square pictures: width taken for height", _square_grid_only),
        ("only square pictures: height taken for width", _height_for_both),
        ("last row and last column of patches lost", _last_row_lost),
        ("only the first picture", _first_picture_only),
        ("patch size 16 written in", _sixteen),
        ("three channels written in", _three_channels),
        ("patches before the batch", _batch_after_patches),
        ("each patch moved to mean 0", _brightened),
    ],
    "04.projection_kernel": [
        ("channels taken last", _kernel_channels_last),
        ("channels taken last, by permute", _kernel_channels_last_by_permute),
        ("kernel with its channels last", _kernel_shape_channels_last),
        ("rows and columns swapped", _kernel_transposed),
        ("rows and columns swapped, by mT", _kernel_mirrored_axes),
        ("kernel flipped, as if conv2d would flip it back", _kernel_flipped),
        ("kernel flipped left to right", _kernel_flipped_once),
        ("row, channel, column taken as the order", _kernel_row_channel),
        ("weight transposed, then reshaped", _kernel_of_transpose),
        ("channels before dim", _kernel_axes_swapped),
        ("reshaped to channels before dim", _kernel_reshaped_to_swapped),
        ("reshaped to channels before dim, then swapped", _kernel_swapped_back),
        ("rows and columns in one axis", _kernel_flat_places),
        ("a 1 × 1 kernel of all numbers", _kernel_size_one),
        ("three channels written in", _kernel_three_channels),
        ("the notebook's 768 and 3 written in", _kernel_base),
        ("patch size 16 written in", _kernel_sixteen),
        ("divided by the pixels of a patch", _kernel_averaged),
        ("only the first channel", _kernel_one_channel),
        ("channels summed", _kernel_channels_summed),
        ("channels worked out wrongly", _kernel_needs_square_number),
    ],
    "04.sequence": [
        ("class token last", _class_last),
        ("class token last, with its own position", _class_last_own_positions),
        ("no position for the class token", _no_position_for_class),
        ("patches get the positions from 0 on, the class token none", _positions_from_zero_for_patches),
        ("the last position for the class token", _last_position_for_class),
        ("only the class token gets a position", _positions_for_class_only),
        ("positions forgotten", _forgot_positions),
        ("class token forgotten", _forgot_class),
        ("zeros in place of the class token, by pad", _zeros_for_class),
        ("a new class token of zeros", _new_class_token),
        ("class token not repeated: only batch 1", _class_not_expanded),
        ("joined along the batch", _joined_along_batch),
        ("joined along the features", _joined_along_features),
        ("class token added to every patch", _class_added_to_all),
        ("class token replaces the first patch", _class_replaces_first_patch),
        ("multiplied by the positions", _times_positions),
        ("positions appended as features", _positions_in_more_features),
        ("positions added twice to the patches", _positions_twice),
        ("the first position for all", _one_position_for_all),
        ("tokens times the root of dim, as for words", _root_of_dim),
        ("mean of the patches as class token", _mean_as_class),
        ("class token only in the first picture", _class_for_first_picture),
        ("patches changed in place", _changes_the_patches),
        ("class token changed in place", _changes_the_class_token),
        ("class token detached: never learns", _detached_class),
        ("positions.data: never learn", _detached_positions),
        ("no_grad: nothing learns", _sequence_no_grad),
        ("class token copied through a list: never learns", _class_from_a_list),
        ("positions in reverse order", _positions_reversed),
        ("normalised at the end", _normalised_after),
    ],
    "04.attention_bytes": [
        ("tokens not squared", _bytes(lambda t, h, n, d, b: t * h * n * d.itemsize * b)),
        ("tokens cubed", _bytes(lambda t, h, n, d, b: t**3 * h * n * d.itemsize * b)),
        ("tokens taken for the side of a grid", _bytes(lambda t, h, n, d, b: t**4 * h * n * d.itemsize * b)),
        ("the class token added once more", _bytes(lambda t, h, n, d, b: (t + 1) ** 2 * h * n * d.itemsize * b)),
        ("the class token left out", _bytes(lambda t, h, n, d, b: (t - 1) ** 2 * h * n * d.itemsize * b)),
        ("heads forgotten", _bytes(lambda t, h, n, d, b: t**2 * n * d.itemsize * b)),
        ("layers forgotten", _bytes(lambda t, h, n, d, b: t**2 * h * d.itemsize * b)),
        ("batch forgotten", _bytes(lambda t, h, n, d, b: t**2 * h * n * d.itemsize)),
        ("batch squared too", _bytes(lambda t, h, n, d, b: (b * t) ** 2 * h * n * d.itemsize)),
        ("layers and heads added", _bytes(lambda t, h, n, d, b: (h + n) * t**2 * d.itemsize * b)),
        ("matrix shared among the heads", _bytes(lambda t, h, n, d, b: t**2 // h * n * d.itemsize * b)),
        ("4 bytes written in", _bytes(lambda t, h, n, d, b: t**2 * h * n * 4 * b)),
        ("numbers instead of bytes", _bytes(lambda t, h, n, d, b: t**2 * h * n * b)),
        ("bits instead of bytes", _bytes(lambda t, h, n, d, b: t**2 * h * n * torch.finfo(d).bits * b)),
        ("MiB instead of bytes", _bytes(lambda t, h, n, d, b: t**2 * h * n * d.itemsize * b / 2**20)),
        ("three matrices, for query, key and value", _bytes(lambda t, h, n, d, b: 3 * t**2 * h * n * d.itemsize * b)),
        ("bytes squared as well", _bytes(lambda t, h, n, d, b: (t * d.itemsize) ** 2 * h * n * b)),
        ("half of the matrix", _bytes(lambda t, h, n, d, b: t * (t + 1) // 2 * h * n * d.itemsize * b)),
        ("a float", _bytes(lambda t, h, n, d, b: float(t**2 * h * n * d.itemsize * b))),
        ("float16 by default", _bytes_default_two),
        ("printed instead of returned", _bytes_only_printed),
        ("nothing refused", _bytes_never_refused),
        ("only tokens refused", _bytes_only_tokens_refused),
        ("a batch of 0 counted", _bytes_batch_not_refused),
        ("asserted: no ValueError", _bytes_asserted),
        ("the course's own function called", _bytes_of_the_course),
    ],
    "04.vit_parameters": [
        ("no bias of the patch projection", _parameters_slip(projection_bias=0)),
        ("class token not counted", _parameters_slip(class_token=0)),
        ("no position for the class token", _parameters_slip(position_of_class=0)),
        ("positions not counted: thought fixed", _parameters_slip(positions=0)),
        ("one norm a layer", _parameters_slip(norms=1)),
        ("norms without a shift", _parameters_slip(norm_size=1)),
        ("norms not counted", _parameters_slip(norms=0, last_norm=0)),
        ("query, key and value share one projection", _parameters_slip(qkv=1)),
        ("query, key and value without biases", _parameters_slip(qkv_bias=0)),
        ("output projection forgotten", _parameters_slip(out=0)),
        ("output projection without bias", _parameters_slip(out_bias=0)),
        ("MLP forgotten", _parameters_slip(hidden=0)),
        ("MLP without biases", _parameters_slip(mlp_bias=0)),
        ("last norm forgotten", _parameters_slip(last_norm=0)),
        ("head without biases", _parameters_slip(head_bias=0)),
        ("head forgotten", _parameters_slip(head=0)),
        ("no biases anywhere", _parameters_slip(projection_bias=0, qkv_bias=0, out_bias=0, mlp_bias=0, head_bias=0)),
        ("one block instead of all layers", _heads_forgotten_block),
        ("second bias of the MLP as long as the hidden layer", _mlp_two_hidden_biases),
        ("mlp_dim taken as 4 · dim, its second bias forgotten", _mlp_of_four_dims),
        ("one matrix of the MLP", _one_matrix_of_the_mlp),
        ("three channels written in", _always_three_channels),
        ("one channel by default", _default_one_channel),
        ("channels forgotten", _channels_forgotten),
        ("a thousand classes written in", _always_a_thousand_classes),
        ("patch_size not squared", _patch_not_squared),
        ("positions for one side of the grid", _positions_along_one_side),
        ("positions for pixels", _positions_of_pixels),
        ("a projection for every patch", _projection_for_every_patch),
        ("the slide's sum", _slide_sum),
        ("positions in every layer", _whole_embedding_in_each_layer),
        ("rounded to millions", _in_millions),
        ("brackets forgotten in the projection", _precedence),
    ],
    "04.attention_rollout": [
        ("new layer multiplied from the right", _wrong_side),
        ("new layer multiplied from the right, by a loop", _wrong_side_loop),
        ("no residual connection", _no_residual),
        ("residual added, not halved", _whole_residual),
        ("only the attention halved", _half_of_attention_only),
        ("only the identity halved", _half_of_identity_only),
        ("ones instead of the identity", _ones_for_identity),
        ("only the last map returned", _last_only),
        ("only the last map returned, in a list", _last_only_in_a_list),
        ("layers not multiplied", _each_layer_alone),
        ("layers added", _summed_layers),
        ("layers averaged", _averaged_layers),
        ("element by element instead of a matrix product", _elementwise),
        ("from the last layer down", _from_the_top),
        ("last layer's map first", _results_reversed),
        ("heads summed", _heads_summed),
        ("largest head instead of the mean", _strongest_head),
        ("first head only", _first_head),
        ("heads kept", _heads_kept),
        ("heads averaged after the products", _heads_averaged_last),
        ("pictures averaged instead of heads", _pictures_averaged),
        ("the identity as an extra first map", _identity_first),
        ("first layer's map missing", _first_layer_missing),
        ("first layer counted twice", _starts_with_first_twice),
        ("maps transposed", _transposed_maps),
        ("result transposed", _transposed_result),
        ("softmax on weights that are weights already", _softmax_again),
        ("columns scaled to sum to one", _columns_sum_to_one),
        ("only the class token's row", _class_row_only),
        ("class token left out", _class_token_left_out),
        ("residual added once, after all products", _residual_once),
        ("power of the one layer instead of the product of all", _power_of_the_last),
        ("the same tensor overwritten and appended again", _same_tensor_every_time),
        ("only the layer and the one below", _only_neighbouring_layers),
        ("maps changed in place", _changes_the_maps),
        ("first map popped off the caller's list", _empties_the_list),
    ],
}


def _added_up_in_float32(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    tokens = (image_size // patch_size) ** 2 + 1
    block = 4 * dim + 4 * (dim + 1) * dim + (dim + 1) * mlp_dim + (mlp_dim + 1) * dim
    parts = [(channels * patch_size**2 + 1) * dim, dim, tokens * dim, *[block] * layers, 2 * dim, (dim + 1) * classes]
    return int(torch.tensor(parts, dtype=torch.float32).sum())


FRAGILE = {
    "04.attention_bytes": [
        ("a negative batch counted", _bytes_refused(lambda t, h, n, b: min(t, h, n) < 1 or not b)),
        ("negative heads counted", _bytes_refused(lambda t, h, n, b: min(t, n, b) < 1 or not h)),
        ("np.prod overflows: 'exact for any size'", _bytes_by_numpy),
        ("a table of sizes: 'a number of type dtype takes dtype.itemsize bytes'", _bytes_by_table),
        ("parameter renamed: the cell that measures writes layers=", _bytes_renamed),
        ("a count of 1 refused", _bytes_one_refused),
        ("the product refused: a negative number of tokens is squared away", _bytes_product_refused),
        ("the product of the counts refused: two negative ones make a positive", _bytes_product_of_counts_refused),
        (
            "counted as a Python float: 'exact for any size'",
            _bytes(lambda t, h, n, d, b: int(math.pow(t, 2) * h * n * d.itemsize * b)),
        ),
        (
            "counted in float32: 'exact however large'",
            _bytes(lambda t, h, n, d, b: int(torch.tensor(t, dtype=torch.float32) ** 2 * h * n * d.itemsize * b)),
        ),
        (
            "counted in 32 bits: 'exact however large'",
            _bytes(lambda t, h, n, d, b: int(torch.tensor(t, dtype=torch.int32) ** 2 * h * n * d.itemsize * b)),
        ),
    ],
    "04.vit_parameters": [
        ("added up in float32: cell 37 counts ViT-L/16", _added_up_in_float32),
        ("a float from /: cell 37 prints it as a whole number, and 'exact to the last one'", _true_division),
    ],
    "04.attention_rollout": [
        ("a generator: cell 50 takes [-1] of it", _generated),
        ("an iterator from accumulate: cell 50 takes [-1] of it", _lazy),
    ],
}
