"""Answers that students could write to the exercises of notebook 08: right, wrong and fragile ones."""

import functools
import itertools
import math

import torch
from einops import rearrange
from torch.nn import functional as F
from torchvision import models

from course_utils.attention.window import partition

# 08.partition


def _partition_view(maps, window):
    batch, height, width, dim = maps.shape
    if height % window != 0 or width % window != 0:
        raise ValueError("the map is no multiple of the window")
    cut = maps.reshape(batch, height // window, window, width // window, window, dim)
    return cut.permute(0, 1, 3, 2, 4, 5).reshape(batch, -1, window * window, dim)


def _partition_loop(maps, window):
    b, h, w, d = maps.shape
    if h % window or w % window:
        raise ValueError(f"{h} x {w} cannot be cut into {window} x {window}")
    windows = []
    for top in range(0, h, window):
        for left in range(0, w, window):
            piece = maps[:, top : top + window, left : left + window, :]
            windows.append(piece.reshape(b, window**2, d))
    return torch.stack(windows, dim=1)


def _partition_unfold(maps, window):
    if any(side % window for side in maps.shape[1:3]):
        raise ValueError("cannot be cut")
    cut = maps.unfold(1, window, window).unfold(2, window, window)
    return cut.movedim(3, -1).flatten(3, 4).flatten(1, 2)


def _partition_chunks(maps, window):
    height, width = maps.shape[1], maps.shape[2]
    if (height % window, width % window) != (0, 0):
        raise ValueError("height and width must be multiples of the window")
    rows = maps.split(window, dim=1)
    pieces = [piece.flatten(1, 2) for row in rows for piece in row.split(window, dim=2)]
    return torch.stack(pieces, 1)


def _partition_index(maps, window):
    batch, height, width, dim = maps.shape
    if height % window or width % window:
        raise ValueError("window")
    number = torch.arange(height * width).view(height // window, window, width // window, window).transpose(1, 2)
    return maps.reshape(batch, height * width, dim)[:, number.reshape(-1, window * window)]


class _Partition:
    def __call__(self, maps, window):
        try:
            cut = maps.unflatten(1, (-1, window)).unflatten(3, (-1, window))
        except RuntimeError as error:
            raise ValueError("no multiple of the window") from error
        return cut.transpose(2, 3).flatten(3, 4).flatten(1, 2)


def _sides_checked(maps, window):
    height, width = maps.shape[1:3]
    if height % window or width % window:
        raise ValueError("no multiple of the window")


def _partition_reshape_only(maps, window):
    _sides_checked(maps, window)
    return maps.reshape(maps.shape[0], -1, window**2, maps.shape[3])


def _partition_view_only(maps, window):
    _sides_checked(maps, window)
    b, h, w, d = maps.shape
    return maps.contiguous().view(b, (h // window) * (w // window), window * window, d)


def _partition_rearranged(pattern, maps, window):
    _sides_checked(maps, window)
    return rearrange(maps, pattern, i=window, j=window)


def _partition_permuted_wrongly(maps, window):
    _sides_checked(maps, window)
    b, h, w, d = maps.shape
    cut = maps.reshape(b, h // window, window, w // window, window, d)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(b, -1, window**2, d)


def _partition_windows_as_sides(maps, window):
    _sides_checked(maps, window)
    b, h, w, d = maps.shape
    cut = maps.reshape(b, window, h // window, window, w // window, d)
    return cut.permute(0, 1, 3, 2, 4, 5).reshape(b, -1, window**2, d)


def _partition_square(maps, window):
    _sides_checked(maps, window)
    b, h, _, d = maps.shape
    cut = maps.reshape(b, h // window, window, h // window, window, d)
    return cut.transpose(2, 3).reshape(b, -1, window**2, d)


def _partition_first_picture(maps, window):
    _sides_checked(maps, window)
    return rearrange(maps[:1], "b (y i) (x j) d -> b (y x) (i j) d", i=window, j=window)


def _partition_sides_exchanged(maps, window):
    _sides_checked(maps, window)
    _, w, h, d = maps.shape
    cut = maps.reshape(-1, h // window, window, w // window, window, d)
    return cut.transpose(2, 3).reshape(len(maps), -1, window**2, d)


def _partition_unchecked(maps, window):
    return rearrange(maps, "b (y i) (x j) d -> b (y x) (i j) d", i=window, j=window)


def _partition_cropped(maps, window):
    height, width = (side // window * window for side in maps.shape[1:3])
    return rearrange(maps[:, :height, :width], "b (y i) (x j) d -> b (y x) (i j) d", i=window, j=window)


def _partition_unfold_crops(maps, window):
    cut = maps.unfold(1, window, window).unfold(2, window, window)
    return rearrange(cut, "b y x d i j -> b (y x) (i j) d")


def _partition_padded(maps, window):
    height, width = maps.shape[1:3]
    padded = F.pad(maps, (0, 0, 0, -width % window, 0, -height % window))
    return rearrange(padded, "b (y i) (x j) d -> b (y x) (i j) d", i=window, j=window)


def _partition_asserted(maps, window):
    assert not any(side % window for side in maps.shape[1:3])
    return rearrange(maps, "b (y i) (x j) d -> b (y x) (i j) d", i=window, j=window)


def _partition_other_error(maps, window):
    if maps.shape[1] % window or maps.shape[2] % window:
        raise RuntimeError("no multiple of the window")
    return rearrange(maps, "b (y i) (x j) d -> b (y x) (i j) d", i=window, j=window)


def _partition_returns_none(maps, window):
    if maps.shape[1] % window or maps.shape[2] % window:
        return None
    return rearrange(maps, "b (y i) (x j) d -> b (y x) (i j) d", i=window, j=window)


def _partition_refused(refuse, maps, window):
    if refuse(maps.shape[1], maps.shape[2], window):
        raise ValueError("no multiple of the window")
    _, h, w, _ = maps.shape
    cropped = maps[:, : h // window * window, : w // window * window]
    return rearrange(cropped, "b (y i) (x j) d -> b (y x) (i j) d", i=window, j=window)


def _partition_batch_and_dimensions(maps, window):
    b, h = maps.shape[:2]
    if b % window or h % window:
        raise ValueError("no multiple of the window")
    return rearrange(maps, "b (y i) (x j) d -> b (y x) (i j) d", i=window, j=window)


def _partition_overlapping(maps, window):
    _sides_checked(maps, window)
    cut = maps.unfold(1, window, max(window // 2, 1)).unfold(2, window, max(window // 2, 1))
    return rearrange(cut, "b y x d i j -> b (y x) (i j) d")


def _partition_detached(maps, window):
    _sides_checked(maps, window)
    return torch.tensor(rearrange(maps.detach().numpy(), "b (y i) (x j) d -> b (y x) (i j) d", i=window, j=window))


def _partition_f_unfold(maps, window):
    _sides_checked(maps, window)
    columns = F.unfold(maps.permute(0, 3, 1, 2), window, stride=window)
    return rearrange(columns, "b (d n) windows -> b windows n d", n=window**2)


def _partition_f_unfold_features_first(maps, window):
    _sides_checked(maps, window)
    columns = F.unfold(maps.permute(0, 3, 1, 2), window, stride=window)
    return rearrange(columns, "b (n d) windows -> b windows n d", n=window**2)


def _partition_unshuffled(maps, window):
    _sides_checked(maps, window)
    stacked = F.pixel_unshuffle(maps.movedim(-1, 1), window)
    return rearrange(stacked, "b (d n) y x -> b (y x) n d", n=window**2)


def _partition_strided(maps, window):
    _sides_checked(maps, window)
    b, h, w, d = maps.shape
    cut = maps.as_strided(
        (b, h // window, w // window, window, window, d), (h * w * d, window * w * d, window * d, w * d, d, 1)
    )
    return cut.reshape(b, -1, window**2, d)


def _partition_row_view(maps, window):
    _sides_checked(maps, window)
    b, h, w, d = maps.shape
    rows = maps.view(b, h // window, window, w // window, window * d)
    return rows.transpose(2, 3).reshape(b, -1, window**2, d)


def _partition_permute_without_batch(maps, window):
    _sides_checked(maps, window)
    windows = torch.cat([row.flatten(1, 2) for rows in maps.split(window, 1) for row in rows.split(window, 2)], dim=0)
    return windows.view(len(maps), -1, window**2, maps.shape[-1])


# 08.unpartition


def _unpartition_view(windows, window, height, width):
    batch, _, _, dim = windows.shape
    grid = windows.reshape(batch, height // window, width // window, window, window, dim)
    return grid.permute(0, 1, 3, 2, 4, 5).reshape(batch, height, width, dim)


def _unpartition_loop(windows, window, height, width):
    maps = windows.new_empty(windows.shape[0], height, width, windows.shape[-1])
    across = width // window
    for number in range(windows.shape[1]):
        top, left = number // across * window, number % across * window
        maps[:, top : top + window, left : left + window] = windows[:, number].unflatten(1, (window, window))
    return maps


def _unpartition_cat(windows, window, height, width):
    squares = [each.unflatten(1, (window, window)) for each in windows.unbind(1)]
    across = width // window
    rows = [torch.cat(squares[i : i + across], dim=2) for i in range(0, len(squares), across)]
    return torch.cat(rows, dim=1)


def _unpartition_gather(windows, window, height, width):
    row, column = torch.arange(height)[:, None], torch.arange(width)[None, :]
    which = row // window * (width // window) + column // window
    place = row % window * window + column % window
    return windows[:, which, place]


def _unpartition_inverse(windows, window, height, width):
    number = partition(torch.arange(height * width).view(1, height, width, 1), window).flatten()
    back = torch.argsort(number)
    return windows.flatten(1, 2)[:, back].unflatten(1, (height, width))


def _unpartition_einops(windows, window, height, width):
    return rearrange(windows, "b (y x) (i j) d -> b (y i) (x j) d", x=width // window, j=window)


def _unpartition_reshape_only(windows, window, height, width):
    return windows.reshape(windows.shape[0], height, width, windows.shape[-1])


def _unpartition_rearranged(pattern, windows, window, height, width):
    return rearrange(windows, pattern, y=height // window, x=width // window, i=window, j=window)


def _unpartition_square(windows, window, height, width):
    side = math.isqrt(windows.shape[1])
    return rearrange(windows, "b (y x) (i j) d -> b (y i) (x j) d", y=side, i=window)


def _unpartition_sides_exchanged(windows, window, height, width):
    return rearrange(
        windows, "b (y x) (i j) d -> b (y i) (x j) d", y=width // window, x=height // window, i=window, j=window
    )


def _unpartition_not_permuted(windows, window, height, width):
    b, _, _, d = windows.shape
    return windows.reshape(b, height // window, window, width // window, window, d).reshape(b, height, width, d)


def _unpartition_permuted_wrongly(windows, window, height, width):
    b, _, _, d = windows.shape
    grid = windows.reshape(b, height // window, width // window, window, window, d)
    return grid.permute(0, 3, 1, 4, 2, 5).reshape(b, height, width, d)


def _unpartition_transposed(windows, window, height, width):
    b, _, _, d = windows.shape
    grid = windows.reshape(b, height // window, width // window, window, window, d)
    return grid.permute(0, 2, 3, 1, 4, 5).reshape(b, height, width, d)


def _unpartition_split_first(windows, window, height, width):
    b, _, _, d = windows.shape
    grid = windows.reshape(b, window, window, height // window, width // window, d)
    return grid.permute(0, 3, 1, 4, 2, 5).reshape(b, height, width, d)


def _unpartition_sequence(windows, window, height, width):
    return _unpartition_view(windows, window, height, width).flatten(1, 2)


def _unpartition_channels_first(windows, window, height, width):
    return _unpartition_view(windows, window, height, width).permute(0, 3, 1, 2)


def _unpartition_first_picture(windows, window, height, width):
    return _unpartition_view(windows[:1], window, height, width)


def _unpartition_batch_lost(windows, window, height, width):
    return _unpartition_view(windows, window, height, width)[0]


def _unpartition_window_four(windows, window, height, width):
    return rearrange(windows, "b (y x) (i j) d -> b (y i) (x j) d", y=height // 4, x=width // 4, i=4, j=4)


def _unpartition_two_across(windows, window, height, width):
    return rearrange(windows, "b (y x) (i j) d -> b (y i) (x j) d", x=2, i=window, j=window)


def _unpartition_loop_down_first(windows, window, height, width):
    maps = windows.new_zeros(windows.shape[0], height, width, windows.shape[-1])
    number = 0
    for left in range(0, width, window):
        for top in range(0, height, window):
            square = windows[:, number].unflatten(1, (window, window))
            maps[:, top : top + window, left : left + window] = square
            number += 1
    return maps


def _unpartition_loop_height_across(windows, window, height, width):
    maps = windows.new_zeros(windows.shape[0], height, width, windows.shape[-1])
    across = height // window
    for number in range(windows.shape[1]):
        top, left = number // across * window, number % across * window
        square = windows[:, number].unflatten(1, (window, window))
        if top < height and left < width:
            maps[:, top : top + window, left : left + window] = square
    return maps


def _unpartition_last_window_missing(windows, window, height, width):
    maps = windows.new_zeros(windows.shape[0], height, width, windows.shape[-1])
    for number in range(windows.shape[1] - 1):
        top, left = number // (width // window) * window, number % (width // window) * window
        maps[:, top : top + window, left : left + window] = windows[:, number].unflatten(1, (window, window))
    return maps


def _unpartition_order_not_inverse(windows, window, height, width):
    number = partition(torch.arange(height * width).view(1, height, width, 1), window).flatten()
    return windows.flatten(1, 2)[:, number].unflatten(1, (height, width))


def _unpartition_partitioned_again(windows, window, height, width):
    return partition(windows.reshape(len(windows), height, width, -1), window).reshape(
        len(windows), height, width, -1
    )


def _unpartition_detached(windows, window, height, width):
    return _unpartition_view(windows.detach(), window, height, width)


def _unpartition_no_grad(windows, window, height, width):
    with torch.no_grad():
        return _unpartition_view(windows, window, height, width)


def _unpartition_f_fold(windows, window, height, width):
    columns = rearrange(windows, "b windows n d -> b (d n) windows")
    return F.fold(columns, (height, width), window, stride=window).permute(0, 2, 3, 1)


def _unpartition_strict_view(windows, window, height, width):
    b, _, _, d = windows.shape
    rows = windows.view(b, height // window, width // window, window, window * d)
    return rows.transpose(2, 3).reshape(b, height, width, d)


def _unpartition_buffer(windows, window, height, width):
    maps = torch.zeros(windows.shape[0], height, width, windows.shape[-1])
    for number in range(windows.shape[1]):
        top, left = number // (width // window) * window, number % (width // window) * window
        maps[:, top : top + window, left : left + window] = windows[:, number].unflatten(1, (window, window))
    return maps


# 08.shift_mask


def _shift_mask_slices(height, width, window, shift):
    piece = torch.zeros(1, height, width, 1)
    number = 0
    for rows in (slice(0, height - shift[0]), slice(height - shift[0], height)):
        for columns in (slice(0, width - shift[1]), slice(width - shift[1], width)):
            piece[:, rows, columns] = number
            number += 1
    pieces = partition(piece, window).squeeze(0).squeeze(-1)
    return pieces.unsqueeze(1) == pieces.unsqueeze(2)


def _shift_mask_as_swin(height, width, window, shift):
    number = torch.zeros(height, width, dtype=torch.long)
    rows = ((0, -window), (-window, -shift[0]), (-shift[0], None))
    columns = ((0, -window), (-window, -shift[1]), (-shift[1], None))
    for count, (h, w) in enumerate(itertools.product(rows, columns)):
        number[h[0] : h[1], w[0] : w[1]] = count
    cut = number.view(height // window, window, width // window, window).permute(0, 2, 1, 3).reshape(-1, window**2)
    return (cut[:, None] - cut[:, :, None]) == 0


def _shift_mask_loops(height, width, window, shift):
    masks = []
    for top in range(0, height, window):
        for left in range(0, width, window):
            places = [(top + i, left + j) for i in range(window) for j in range(window)]
            pieces = [(y >= height - shift[0], x >= width - shift[1]) for y, x in places]
            masks.append([[one == other for other in pieces] for one in pieces])
    return torch.tensor(masks)


def _shift_mask_origins(height, width, window, shift):
    row = torch.arange(height).roll(-shift[0]).view(height, 1).expand(height, width)
    column = torch.arange(width).roll(-shift[1]).expand(height, width)

    def came_round(maps, limit):
        windows = rearrange(maps < limit, "(y i) (x j) -> (y x) (i j)", i=window, j=window)
        return windows[:, :, None] == windows[:, None, :]

    return came_round(row, shift[0]) & came_round(column, shift[1])


def _shift_mask_neighbours(height, width, window, shift):
    places = torch.stack(torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij"), dim=-1)
    came_from = (places + torch.tensor(shift)) % torch.tensor([height, width])
    now, before = (partition(each[None], window)[0] for each in (places, came_from))
    return ((now[:, :, None] - now[:, None]) == (before[:, :, None] - before[:, None])).all(-1)


def _shift_mask_kronecker(height, width, window, shift):
    def one_way(length, by):
        piece = (torch.arange(length) >= length - by).view(-1, window)
        return piece[:, :, None] == piece[:, None, :]

    rows, columns = one_way(height, shift[0]), one_way(width, shift[1])
    both = rows[:, None, :, None, :, None] & columns[None, :, None, :, None, :]
    return both.reshape(-1, window**2, window**2)


def _compared(piece, window):
    pieces = partition(piece[None, :, :, None], window)[0, :, :, 0]
    return pieces[:, :, None] == pieces[:, None, :]


def _shift_mask_piece(rows, columns, join, height, width, window, shift):
    piece = join(rows(torch.arange(height), height, shift[0])[:, None], columns(torch.arange(width), width, shift[1]))
    return _compared(piece, window)


def _came_round(place, length, by):
    return place >= length - by


def _together(rows, columns):
    return 2 * rows + columns


_pieces = functools.partial(_shift_mask_piece, _came_round, _came_round, _together)


def _shift_mask_first_rows(height, width, window, shift):
    piece = torch.zeros(height, width)
    piece[: shift[0]] += 2
    piece[:, : shift[1]] += 1
    return _compared(piece, window)


def _shift_mask_whole_map(height, width, window, shift):
    piece = (
        2 * (torch.arange(height) >= height - shift[0])[:, None] + (torch.arange(width) >= width - shift[1])
    ).flatten()
    return piece[:, None] == piece[None, :]


def _shift_mask_in_each_window(height, width, window, shift):
    piece = 2 * (torch.arange(window) >= window - shift[0])[:, None] + (torch.arange(window) >= window - shift[1])
    same = piece.flatten()[:, None] == piece.flatten()[None, :]
    return same.expand(height // window * (width // window), -1, -1)


def _shift_mask_last_window_only(height, width, window, shift):
    mask = _pieces(height, width, window, shift)
    mask[:-1] = True
    return mask


def _shift_mask_windows_down(height, width, window, shift):
    mask = _pieces(height, width, window, shift)
    return mask.unflatten(0, (height // window, width // window)).transpose(0, 1).flatten(0, 1)


def _shift_mask_places_down(height, width, window, shift):
    piece = 2 * (torch.arange(height) >= height - shift[0])[:, None] + (torch.arange(width) >= width - shift[1])
    pieces = rearrange(piece, "(y i) (x j) -> (y x) (j i)", i=window, j=window)
    return pieces[:, :, None] == pieces[:, None, :]


def _shift_mask_scores(hidden, height, width, window, shift):
    mask = _pieces(height, width, window, shift)
    return torch.zeros(mask.shape).masked_fill(~mask, hidden)


def _shift_mask_reshaped(height, width, window, shift):
    piece = 2 * (torch.arange(height) >= height - shift[0])[:, None] + (torch.arange(width) >= width - shift[1])
    pieces = piece.reshape(-1, window**2)
    return pieces[:, :, None] == pieces[:, None, :]


def _shift_mask_half_window(height, width, window, shift):
    return _pieces(height, width, window, (window // 2, window // 2))


def _shift_mask_rolled_again(height, width, window, shift):
    piece = 2 * (torch.arange(height) >= height - shift[0])[:, None] + (torch.arange(width) >= width - shift[1])
    return _compared(piece.roll((-shift[0], -shift[1]), (0, 1)), window)


def _shift_mask_origin_windows(height, width, window, shift):
    number = torch.arange(height)[:, None] // window * width + torch.arange(width) // window
    return _compared(number.roll((-shift[0], -shift[1]), (0, 1)), window)


def _shift_mask_no_shift_no_mask(height, width, window, shift):
    if not all(shift):
        return None
    return _pieces(height, width, window, shift)


def _shift_mask_one_number(height, width, window, shift):
    by = max(shift)
    return _pieces(height, width, window, (by, by))


def _shift_mask_swin_floats(height, width, window, shift):
    same = _pieces(height, width, window, shift)
    return same.float()


def _shift_mask_window_borders(height, width, window, shift):
    def piece(length, by):
        place = torch.arange(length)
        return (place >= length - window).long() + (place > length - by).long()

    return _compared(3 * piece(height, shift[0])[:, None] + piece(width, shift[1]), window)


def _shift_mask_negative_slices(height, width, window, shift):
    piece = torch.zeros(height, width)
    piece[-shift[0] :, : -shift[1]] = 1
    piece[: -shift[0], -shift[1] :] = 2
    piece[-shift[0] :, -shift[1] :] = 3
    return _compared(piece, window)


def _shift_mask_near(height, width, window, shift):
    rows, columns = (torch.arange(height) + shift[0]) % height, (torch.arange(width) + shift[1]) % width
    places = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), dim=-1)
    places = partition(places[None], window)[0]
    return ((places[:, :, None] - places[:, None]).abs() < window).all(-1)


def _shift_mask_square(height, width, window, shift):
    came_round = [torch.arange(height) >= height - by for by in shift]
    return _compared(2 * came_round[0][:, None] + came_round[1][None, :], window)


# 08.relative_position_index


def _index_coordinates(window):
    coordinates = torch.cartesian_prod(torch.arange(window), torch.arange(window))
    offset = coordinates[:, None, :] - coordinates[None, :, :] + window - 1
    return offset[..., 0] * (2 * window - 1) + offset[..., 1]


def _index_loops(window):
    index = torch.empty(window**2, window**2, dtype=torch.int32)
    for i in range(window**2):
        for j in range(window**2):
            down = i // window - j // window
            right = i % window - j % window
            index[i, j] = (down + window - 1) * (2 * window - 1) + right + window - 1
    return index


def _index_as_swin(window):
    coordinates = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
    relative = (coordinates[:, :, None] - coordinates[:, None, :]).permute(1, 2, 0).contiguous()
    relative[:, :, 0] += window - 1
    relative[:, :, 1] += window - 1
    relative[:, :, 0] *= 2 * window - 1
    return relative.sum(-1)


def _index_difference(window):
    place = torch.arange(window).repeat_interleave(window) * (2 * window - 1) + torch.arange(window).repeat(window)
    return torch.sub(place.unsqueeze(1), place) + 2 * window * (window - 1)


def _index_toeplitz(window):
    one_way = torch.arange(window)[:, None] - torch.arange(window) + window - 1
    index = one_way[:, None, :, None] * (2 * window - 1) + one_way[None, :, None, :]
    return index.reshape(window * window, -1)


class _RelativePositionIndex:
    def __call__(self, window):
        places = list(itertools.product(range(window), repeat=2))
        span, middle = 2 * window - 1, window - 1
        return torch.tensor([[(y - v + middle) * span + x - u + middle for v, u in places] for y, x in places])


def _row_and_column(window):
    place = torch.arange(window**2)
    return place // window, place % window


def _index_by(formula, window):
    row, column = _row_and_column(window)
    down, right = row[:, None] - row[None, :], column[:, None] - column[None, :]
    return formula(down, right, window)


def _index_sides_exchanged(window):
    row, column = (part.flatten() for part in torch.meshgrid(2 * [torch.arange(window)], indexing="xy"))
    down, right = row[:, None] - row[None, :], column[:, None] - column[None, :]
    return (down + window - 1) * (2 * window - 1) + right + window - 1


def _index_key_minus_query(window):
    row, column = _row_and_column(window)
    down, right = row[None, :] - row[:, None], column[None, :] - column[:, None]
    return (down + window - 1) * (2 * window - 1) + right + window - 1


def _index_right_turned(window):
    row, column = _row_and_column(window)
    down, right = row[:, None] - row[None, :], column[None, :] - column[:, None]
    return (down + window - 1) * (2 * window - 1) + right + window - 1


def _index_of_places(window):
    place = torch.arange(window**2)
    return place[:, None] - place[None, :] + window**2 - 1


def _index_four_sides(window):
    one_way = torch.arange(window)[:, None] - torch.arange(window) + window - 1
    return one_way[:, None, :, None] * (2 * window - 1) + one_way[None, :, None, :]


def _index_sides_not_paired(window):
    one_way = torch.arange(window)[:, None] - torch.arange(window) + window - 1
    index = one_way[:, :, None, None] * (2 * window - 1) + one_way[None, None, :, :]
    return index.reshape(window**2, window**2)


def _index_first_query(window):
    row, column = _row_and_column(window)
    return (row + window - 1) * (2 * window - 1) + column + window - 1


def _index_every_pair_its_own(window):
    return torch.arange(window**4).view(window**2, window**2)


def _index_divided(window):
    place = torch.arange(window**2)
    row, column = place / window, place % window
    down, right = row[:, None] - row[None, :], column[:, None] - column[None, :]
    return ((down + window - 1) * (2 * window - 1) + right + window - 1).long()


# 08.merge_patches


def _merge_cat(maps):
    _, height, width, _ = maps.shape
    if height % 2 == 1 or width % 2 == 1:
        raise ValueError("odd side")
    x0 = maps[:, 0::2, 0::2, :]
    x1 = maps[:, 1::2, 0::2, :]
    x2 = maps[:, 0::2, 1::2, :]
    x3 = maps[:, 1::2, 1::2, :]
    return torch.cat([x0, x1, x2, x3], -1)


def _merge_reshape(maps):
    b, h, w, d = maps.shape
    if h % 2 or w % 2:
        raise ValueError(f"{h} x {w} has no pairs")
    return maps.reshape(b, h // 2, 2, w // 2, 2, d).permute(0, 1, 3, 4, 2, 5).reshape(b, h // 2, w // 2, 4 * d)


def _merge_loop(maps):
    b, h, w, d = maps.shape
    if h & 1 or w & 1:
        raise ValueError("sides must be even")
    merged = maps.new_zeros(b, h // 2, w // 2, 4 * d)
    for y in range(h // 2):
        for x in range(w // 2):
            square = [maps[:, 2 * y + i, 2 * x + j] for j in (0, 1) for i in (0, 1)]
            merged[:, y, x] = torch.hstack(square)
    return merged


def _merge_unfold(maps):
    if maps.size(1) % 2 != 0 or maps.size(2) % 2 != 0:
        raise ValueError("odd")
    return maps.unfold(1, 2, 2).unfold(2, 2, 2).permute(0, 1, 2, 5, 4, 3).flatten(3)


def _merge_einops_stack(maps):
    if any(side % 2 for side in maps.shape[1:-1]):
        raise ValueError("A map with an odd side has no last pair.")
    parts = [maps[:, i::2, j::2] for i, j in ((0, 0), (1, 0), (0, 1), (1, 1))]
    return rearrange(parts, "part b y x d -> b y x (part d)")


def _merge_shuffle(maps):
    if maps.shape[1] % 2 + maps.shape[2] % 2 > 0:
        raise ValueError("odd side")
    stacked = F.pixel_unshuffle(maps.permute(0, 3, 1, 2), 2)
    return rearrange(stacked, "b (d i j) y x -> b y x (j i d)", i=2, j=2)


def _even_sides(maps):
    if maps.shape[1] % 2 or maps.shape[2] % 2:
        raise ValueError("odd side")


def _merge_order(order, maps):
    _even_sides(maps)
    return torch.cat([maps[:, i::2, j::2] for i, j in order], dim=-1)


def _merge_rearranged(pattern, maps):
    _even_sides(maps)
    return rearrange(maps, pattern, i=2, j=2)


def _merge_reshape_only(maps):
    _even_sides(maps)
    b, h, w, d = maps.shape
    return maps.reshape(b, h // 2, w // 2, 4 * d)


def _merge_permuted_as_patches(maps):
    _even_sides(maps)
    b, h, w, d = maps.shape
    return maps.reshape(b, h // 2, 2, w // 2, 2, d).transpose(2, 3).reshape(b, h // 2, w // 2, 4 * d)


def _merge_unshuffled(maps):
    _even_sides(maps)
    return F.pixel_unshuffle(maps.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)


def _merge_quarters(maps):
    _even_sides(maps)
    y, x = maps.shape[1] // 2, maps.shape[2] // 2
    return torch.cat([maps[:, :y, :x], maps[:, y:, :x], maps[:, :y, x:], maps[:, y:, x:]], -1)


def _merge_mean(maps):
    _even_sides(maps)
    return (maps[:, 0::2, 0::2] + maps[:, 1::2, 0::2] + maps[:, 0::2, 1::2] + maps[:, 1::2, 1::2]) / 4


def _merge_pooled(maps):
    _even_sides(maps)
    return F.max_pool2d(maps.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1).repeat(1, 1, 1, 4)


def _merge_stacked(maps):
    _even_sides(maps)
    return torch.stack([maps[:, i::2, j::2] for i, j in ((0, 0), (1, 0), (0, 1), (1, 1))], dim=-1)


def _merge_interleaved(maps):
    _even_sides(maps)
    return torch.stack([maps[:, i::2, j::2] for i, j in ((0, 0), (1, 0), (0, 1), (1, 1))], dim=-1).flatten(3)


def _merge_next_to_each_other(maps):
    _even_sides(maps)
    return torch.cat([maps[:, i::2, j::2] for i, j in ((0, 0), (1, 0), (0, 1), (1, 1))], dim=2)


def _merge_along_the_batch(maps):
    _even_sides(maps)
    return torch.cat([maps[:, i::2, j::2] for i, j in ((0, 0), (1, 0), (0, 1), (1, 1))], dim=0)


def _merge_sequence(maps):
    return _merge_cat(maps).flatten(1, 2)


def _merge_one_corner_four_times(maps):
    _even_sides(maps)
    return maps[:, ::2, ::2].repeat(1, 1, 1, 4)


def _merge_one_corner_twice(maps):
    _even_sides(maps)
    x0, x1, x2 = maps[:, 0::2, 0::2], maps[:, 1::2, 0::2], maps[:, 0::2, 1::2]
    return torch.cat([x0, x1, x2, x1], -1)


def _merge_unchecked(maps):
    return torch.cat([maps[:, i::2, j::2] for i, j in ((0, 0), (1, 0), (0, 1), (1, 1))], dim=-1)


def _merge_unchecked_einops(maps):
    return rearrange(maps, "b (y i) (x j) d -> b y x (j i d)", i=2, j=2)


def _merge_padded(maps):
    padded = F.pad(maps, (0, 0, 0, maps.shape[2] % 2, 0, maps.shape[1] % 2))
    return rearrange(padded, "b (y i) (x j) d -> b y x (j i d)", i=2, j=2)


def _merge_refused(refuse, maps):
    _, h, w, _ = maps.shape
    if refuse(h, w):
        raise ValueError("odd side")
    return rearrange(maps[:, : h // 2 * 2, : w // 2 * 2], "b (y i) (x j) d -> b y x (j i d)", i=2, j=2)


def _merge_asserted(maps):
    assert not any(side % 2 for side in maps.shape[1:3]), "odd side"
    return rearrange(maps, "b (y i) (x j) d -> b y x (j i d)", i=2, j=2)


def _merge_other_error(maps):
    if maps.shape[1] % 2 or maps.shape[2] % 2:
        raise TypeError("odd side")
    return rearrange(maps, "b (y i) (x j) d -> b y x (j i d)", i=2, j=2)


def _merge_warns(maps):
    if maps.shape[1] % 2 or maps.shape[2] % 2:
        return ValueError("odd side")
    return rearrange(maps, "b (y i) (x j) d -> b y x (j i d)", i=2, j=2)


def _merge_reduced(maps):
    return _merge_cat(maps).unflatten(-1, (2, -1)).mean(-2)


def _merge_detached(maps):
    return _merge_cat(maps.detach())


def _merge_no_grad(maps):
    with torch.no_grad():
        return _merge_cat(maps)


def _merge_detached_corner(maps):
    _even_sides(maps)
    x0, x1 = maps[:, 0::2, 0::2], maps[:, 1::2, 0::2]
    return torch.cat([x0, x1, maps[:, 0::2, 1::2], torch.tensor(maps[:, 1::2, 1::2].tolist())], -1)


def _merge_batch_first(maps):
    _even_sides(maps)
    b, h, w, d = maps.shape
    return maps.reshape(h // 2, 2, w // 2, 2, b, d).permute(4, 0, 2, 3, 1, 5).reshape(b, h // 2, w // 2, 4 * d)


def _merge_strict_view(maps):
    _even_sides(maps)
    b, h, w, d = maps.shape
    return maps.view(b, h // 2, 2, w // 2, 2 * d).unflatten(-1, (2, d)).permute(0, 1, 3, 4, 2, 5).flatten(3)


def _merge_buffer(maps):
    _even_sides(maps)
    b, h, w, d = maps.shape
    merged = torch.empty(b, h // 2, w // 2, 4 * d)
    for part, (i, j) in enumerate(((0, 0), (1, 0), (0, 1), (1, 1))):
        merged[..., part * d : (part + 1) * d] = maps[:, i::2, j::2]
    return merged


# 08.shift_mask again


def shift_mask_of(piece, window):
    pieces = partition(piece[None, :, :, None], window)[0, :, :, 0]
    return pieces[:, :, None] == pieces[:, None, :]


def rows_and_columns(height, width):
    return torch.arange(height)[:, None], torch.arange(width)[None, :]


def shift_mask_only_rows(height, width, window, shift):
    rows, columns = rows_and_columns(height, width)
    return shift_mask_of((rows >= height - shift[0]).int() + 0 * columns, window)


def shift_mask_only_columns(height, width, window, shift):
    rows, columns = rows_and_columns(height, width)
    return shift_mask_of(0 * rows + (columns >= width - shift[1]).int(), window)


def shift_mask_three_pieces(height, width, window, shift):
    rows, columns = rows_and_columns(height, width)
    return shift_mask_of((rows >= height - shift[0]).int() + (columns >= width - shift[1]).int(), window)


def shift_mask_either(height, width, window, shift):
    rows, columns = rows_and_columns(height, width)
    return shift_mask_of(((rows >= height - shift[0]) | (columns >= width - shift[1])).int(), window)


def shift_mask_both(height, width, window, shift):
    rows, columns = rows_and_columns(height, width)
    return shift_mask_of(((rows >= height - shift[0]) & (columns >= width - shift[1])).int(), window)


def shift_mask_first_rows(height, width, window, shift):
    rows, columns = rows_and_columns(height, width)
    return shift_mask_of(2 * (rows < shift[0]) + (columns < shift[1]), window)


def shift_mask_one_too_few(height, width, window, shift):
    rows, columns = rows_and_columns(height, width)
    return shift_mask_of(2 * (rows > height - shift[0]) + (columns > width - shift[1]), window)


def shift_mask_window_instead_of_shift(height, width, window, shift):
    rows, columns = rows_and_columns(height, width)
    return shift_mask_of(2 * (rows % window >= window - shift[0]) + (columns % window >= window - shift[1]), window)


def shift_mask_first_shift_for_both(height, width, window, shift):
    rows, columns = rows_and_columns(height, width)
    return shift_mask_of(2 * (rows >= height - shift[0]) + (columns >= width - shift[0]), window)


def shift_mask_shifts_swapped(height, width, window, shift):
    rows, columns = rows_and_columns(height, width)
    return shift_mask_of(2 * (rows >= height - shift[1]) + (columns >= width - shift[0]), window)


def shift_mask_sides_swapped(height, width, window, shift):
    rows, columns = rows_and_columns(height, width)
    return shift_mask_of(2 * (rows >= width - shift[0]) + (columns >= height - shift[1]), window)


def shift_mask_half_a_window(height, width, window, shift):
    rows, columns = rows_and_columns(height, width)
    return shift_mask_of(2 * (rows >= height - window // 2) + (columns >= width - window // 2), window)


def shift_mask_turned_round(height, width, window, shift):
    rows, columns = rows_and_columns(height, width)
    return ~shift_mask_of(2 * (rows >= height - shift[0]) + (columns >= width - shift[1]), window)


def shift_mask_rolled(height, width, window, shift):
    rows, columns = rows_and_columns(height, width)
    piece = 2 * (rows >= height - shift[0]) + (columns >= width - shift[1])
    return shift_mask_of(piece.roll((-shift[0], -shift[1]), (0, 1)), window)


def shift_mask_added_numbers(height, width, window, shift):
    rows, columns = rows_and_columns(height, width)
    allowed = shift_mask_of(2 * (rows >= height - shift[0]) + (columns >= width - shift[1]), window)
    return torch.zeros(allowed.shape).masked_fill(~allowed, -100.0)


def shift_mask_reshaped(height, width, window, shift):
    rows, columns = rows_and_columns(height, width)
    piece = (2 * (rows >= height - shift[0]) + (columns >= width - shift[1])).reshape(-1, window * window)
    return piece[:, :, None] == piece[:, None, :]


def shift_mask_one_window(height, width, window, shift):
    rows, columns = rows_and_columns(height, width)
    return shift_mask_of(2 * (rows >= height - shift[0]) + (columns >= width - shift[1]), window)[-1]


def shift_mask_whole_map(height, width, window, shift):
    rows, columns = rows_and_columns(height, width)
    piece = (2 * (rows >= height - shift[0]) + (columns >= width - shift[1])).flatten()
    return piece[:, None] == piece[None, :]


def _index_of_torchvision(window):
    layer = models.swin_transformer.ShiftedWindowAttention(4, [window, window], [0, 0], 1)
    return layer.relative_position_index.view(window**2, window**2)


def _unpartition_stored():
    """Its table of places is made once for each number of windows, whatever the map's sides."""
    tables = {}

    def unpartition(windows, window, height, width):
        if windows.shape[1:3] not in tables:
            places = torch.arange(height * width).view(1, height, width, 1)
            tables[windows.shape[1:3]] = partition(places, window).flatten().argsort()
        return windows.flatten(1, 2)[:, tables[windows.shape[1:3]]].unflatten(1, (height, width))

    return unpartition


def _shift_mask_stored():
    """As in a block of Swin, whose shift never changes."""
    masks = {}

    def mask_of(height, width, window, shift):
        return masks.setdefault((height, width, window), _shift_mask_slices(height, width, window, shift))

    return mask_of


RIGHT = {
    "08.partition": [
        _partition_view,
        _partition_loop,
        _partition_unfold,
        _partition_chunks,
        _partition_index,
        _partition_unshuffled,
        _Partition(),
    ],
    "08.unpartition": [
        _unpartition_view,
        _unpartition_loop,
        _unpartition_cat,
        _unpartition_gather,
        _unpartition_inverse,
        _unpartition_einops,
    ],
    "08.shift_mask": [
        _shift_mask_slices,
        _shift_mask_as_swin,
        _shift_mask_loops,
        _shift_mask_origins,
        _shift_mask_neighbours,
        _shift_mask_kronecker,
        _shift_mask_negative_slices,
    ],
    "08.relative_position_index": [
        _index_coordinates,
        _index_loops,
        _index_as_swin,
        _index_difference,
        _index_toeplitz,
        _RelativePositionIndex(),
        _index_of_torchvision,
    ],
    "08.merge_patches": [_merge_cat, _merge_reshape, _merge_loop, _merge_unfold, _merge_einops_stack, _merge_shuffle],
}

WRONG = {
    "08.partition": [
        ("reshaped without permuting", _partition_reshape_only),
        ("viewed without permuting", _partition_view_only),
        (
            "windows numbered down the columns",
            functools.partial(_partition_rearranged, "b (y i) (x j) d -> b (x y) (i j) d"),
        ),
        (
            "places numbered down the columns",
            functools.partial(_partition_rearranged, "b (y i) (x j) d -> b (y x) (j i) d"),
        ),
        (
            "every window takes every so-many-th place",
            functools.partial(_partition_rearranged, "b (i y) (j x) d -> b (y x) (i j) d"),
        ),
        (
            "windows and places exchanged",
            functools.partial(_partition_rearranged, "b (y i) (x j) d -> b (i j) (y x) d"),
        ),
        ("windows in the batch", functools.partial(_partition_rearranged, "b (y i) (x j) d -> (b y x) (i j) d")),
        (
            "windows keep their two sides",
            functools.partial(_partition_rearranged, "b (y i) (x j) d -> b (y x) i j d"),
        ),
        (
            "the map of windows keeps its sides",
            functools.partial(_partition_rearranged, "b (y i) (x j) d -> b y x (i j) d"),
        ),
        ("features before places", functools.partial(_partition_rearranged, "b (y i) (x j) d -> b (y x) d (i j)")),
        ("width taken for height", functools.partial(_partition_rearranged, "b (x j) (y i) d -> b (y x) (i j) d")),
        ("places and windows permuted wrongly", _partition_permuted_wrongly),
        ("as many windows a side as places", _partition_windows_as_sides),
        ("square maps only", _partition_square),
        ("height and width exchanged in the shape", _partition_sides_exchanged),
        ("the first picture only", _partition_first_picture),
        ("windows of all pictures mixed", _partition_permute_without_batch),
        ("features mixed with places in unfold", _partition_f_unfold_features_first),
        ("windows overlap by half", _partition_overlapping),
        ("left to einops, whose error is no ValueError", _partition_unchecked),
        ("the rest is cut off", _partition_cropped),
        ("the rest is cut off by unfold", _partition_unfold_crops),
        ("padded instead of refused", _partition_padded),
        ("an assert instead of a ValueError", _partition_asserted),
        ("a RuntimeError instead of a ValueError", _partition_other_error),
        ("None instead of a ValueError", _partition_returns_none),
        ("only the height is checked", functools.partial(_partition_refused, lambda h, w, m: h % m)),
        ("only the width is checked", functools.partial(_partition_refused, lambda h, w, m: w % m)),
        ("refused only when both do not fit", functools.partial(_partition_refused, lambda h, w, m: h % m and w % m)),
        ("the area is checked", functools.partial(_partition_refused, lambda h, w, m: h * w % m**2)),
        ("the sum of the sides is checked", functools.partial(_partition_refused, lambda h, w, m: (h + w) % m)),
        ("only too small maps are refused", functools.partial(_partition_refused, lambda h, w, m: h < m or w < m)),
        ("refuses maps that are not square", functools.partial(_partition_refused, lambda h, w, m: h % m or h != w)),
        ("window 2, always", lambda maps, window: _partition_view(maps, 2)),
        ("batch and height checked", _partition_batch_and_dimensions),
        ("through numpy: nothing learns", _partition_detached),
    ],
    "08.unpartition": [
        ("a stored table, whatever the sides", _unpartition_stored()),
        ("reshaped without permuting", _unpartition_reshape_only),
        ("split, but not permuted", _unpartition_not_permuted),
        (
            "windows numbered down the columns",
            functools.partial(_unpartition_rearranged, "b (x y) (i j) d -> b (y i) (x j) d"),
        ),
        (
            "places numbered down the columns",
            functools.partial(_unpartition_rearranged, "b (y x) (j i) d -> b (y i) (x j) d"),
        ),
        (
            "windows and places exchanged",
            functools.partial(_unpartition_rearranged, "b (y x) (i j) d -> b (i y) (j x) d"),
        ),
        ("the map transposed", functools.partial(_unpartition_rearranged, "b (y x) (i j) d -> b (x j) (y i) d")),
        ("height and width exchanged", _unpartition_sides_exchanged),
        ("square maps only", _unpartition_square),
        ("permuted wrongly", _unpartition_permuted_wrongly),
        ("permuted to width first", _unpartition_transposed),
        ("window's sides split from the windows", _unpartition_split_first),
        ("a sequence instead of a map", _unpartition_sequence),
        ("features first", _unpartition_channels_first),
        ("the first picture only", _unpartition_first_picture),
        ("without the batch", _unpartition_batch_lost),
        ("windows of 4, always", _unpartition_window_four),
        ("two windows side by side, always", _unpartition_two_across),
        ("down first, in a loop", _unpartition_loop_down_first),
        ("the height says how many lie side by side", _unpartition_loop_height_across),
        ("the last window is missing", _unpartition_last_window_missing),
        ("the order instead of its inverse", _unpartition_order_not_inverse),
        ("partitioned once more", _unpartition_partitioned_again),
        ("detached", _unpartition_detached),
        ("no_grad", _unpartition_no_grad),
    ],
    "08.shift_mask": [
        ("a stored mask, whatever the shift", _shift_mask_stored()),
        ("turned round", lambda height, width, window, shift: ~_pieces(height, width, window, shift)),
        (
            "turned round, spelled as unequal",
            lambda height, width, window, shift: _pieces(height, width, window, shift).logical_not(),
        ),
        ("scores: 0 and -inf", functools.partial(_shift_mask_scores, -math.inf)),
        ("scores: 0 and -100, as in Swin's code", functools.partial(_shift_mask_scores, -100.0)),
        ("scores: 0 and -1e9", functools.partial(_shift_mask_scores, -1e9)),
        ("ones and zeros", lambda height, width, window, shift: _pieces(height, width, window, shift).long()),
        ("ones and zeros as floats", _shift_mask_swin_floats),
        (
            "rows only",
            functools.partial(_shift_mask_piece, _came_round, _came_round, lambda y, x: y + torch.zeros_like(x)),
        ),
        (
            "columns only",
            functools.partial(_shift_mask_piece, _came_round, _came_round, lambda y, x: x + torch.zeros_like(y)),
        ),
        (
            "pieces added: two of four are the same",
            functools.partial(_shift_mask_piece, _came_round, _came_round, lambda y, x: y.long() + x.long()),
        ),
        (
            "two pieces: came round or not",
            functools.partial(_shift_mask_piece, _came_round, _came_round, lambda y, x: y | x),
        ),
        (
            "two pieces: the corner or not",
            functools.partial(_shift_mask_piece, _came_round, _came_round, lambda y, x: y & x),
        ),
        ("two pieces: xor", functools.partial(_shift_mask_piece, _came_round, _came_round, lambda y, x: y ^ x)),
        (
            "one row and column too few",
            functools.partial(_shift_mask_piece, *2 * (lambda place, length, by: place > length - by,), _together),
        ),
        (
            "one row and column too many",
            functools.partial(
                _shift_mask_piece, *2 * (lambda place, length, by: place >= length - by - 1,), _together
            ),
        ),
        (
            "the first rows and columns, not the last",
            functools.partial(_shift_mask_piece, *2 * (lambda place, length, by: place < by,), _together),
        ),
        ("the first rows and columns, with slices", _shift_mask_first_rows),
        (
            "the last window's rows and columns instead of shift",
            lambda height, width, window, shift: _pieces(height, width, window, (window, window)),
        ),
        (
            "window - shift instead of shift",
            lambda height, width, window, shift: _pieces(
                height, width, window, (window - shift[0], window - shift[1])
            ),
        ),
        (
            "rows and columns of the shift exchanged",
            lambda height, width, window, shift: _pieces(height, width, window, shift[::-1]),
        ),
        (
            "the first shift for both",
            lambda height, width, window, shift: _pieces(height, width, window, (shift[0], shift[0])),
        ),
        ("the larger shift for both", _shift_mask_one_number),
        ("half a window, always", _shift_mask_half_window),
        (
            "the notebook's shift of 2, always",
            lambda height, width, window, shift: _pieces(height, width, window, (2, 2)),
        ),
        ("height and width exchanged", lambda height, width, window, shift: _pieces(width, height, window, shift)),
        ("every window is cut", _shift_mask_in_each_window),
        ("only the last window is cut", _shift_mask_last_window_only),
        ("windows numbered down the columns", _shift_mask_windows_down),
        ("places numbered down the columns", _shift_mask_places_down),
        ("reshaped instead of cut into windows", _shift_mask_reshaped),
        ("one mask for the whole map", _shift_mask_whole_map),
        ("pieces rolled once more", _shift_mask_rolled_again),
        ("pieces are the windows from before the roll", _shift_mask_origin_windows),
        ("None where nothing was shifted in one direction", _shift_mask_no_shift_no_mask),
        ("three pieces, the last one row too small", _shift_mask_window_borders),
        (
            "an extra dimension for the heads",
            lambda height, width, window, shift: _pieces(height, width, window, shift)[:, None],
        ),
        (
            "a place may not look at itself",
            lambda height, width, window, shift: (
                _pieces(height, width, window, shift) & ~torch.eye(window**2, dtype=torch.bool)
            ),
        ),
        (
            "nothing is hidden",
            lambda height, width, window, shift: torch.ones(
                height * width // window**2, window**2, window**2, dtype=torch.bool
            ),
        ),
        ("square maps only", _shift_mask_square),
        ("rows only, once more", shift_mask_only_rows),
        ("columns only, once more", shift_mask_only_columns),
        ("three pieces: rows and columns give the same number", shift_mask_three_pieces),
        ("two pieces: came round in either", shift_mask_either),
        ("two pieces: came round in both", shift_mask_both),
        ("the first rows came round", shift_mask_first_rows),
        ("> instead of >=", shift_mask_one_too_few),
        ("every window is cut, once more", shift_mask_window_instead_of_shift),
        ("the rows' shift for both", shift_mask_first_shift_for_both),
        ("shifts swapped", shift_mask_shifts_swapped),
        ("height and width swapped", shift_mask_sides_swapped),
        ("half a window, whatever the shift", shift_mask_half_a_window),
        ("True where forbidden", shift_mask_turned_round),
        ("the numbers are rolled once more", shift_mask_rolled),
        ("numbers to add instead of booleans", shift_mask_added_numbers),
        ("reshaped instead of cut into windows, once more", shift_mask_reshaped),
        ("the last window only", shift_mask_one_window),
        ("the whole map, not windows", shift_mask_whole_map),
        (
            "all True",
            lambda height, width, window, shift: torch.ones(height * width // window**2, window**2, window**2).bool(),
        ),
        (
            "0 and 1 instead of booleans",
            lambda height, width, window, shift: (~shift_mask_turned_round(height, width, window, shift)).float(),
        ),
        (
            "whole numbers instead of booleans",
            lambda height, width, window, shift: (~shift_mask_turned_round(height, width, window, shift)).long(),
        ),
        (
            "an axis for the heads",
            lambda height, width, window, shift: (~shift_mask_turned_round(height, width, window, shift))[:, None],
        ),
    ],
    "08.relative_position_index": [
        ("key minus query", _index_key_minus_query),
        ("transposed", lambda window: _index_coordinates(window).T),
        ("columns turned round", _index_right_turned),
        ("columns before rows: meshgrid's xy", _index_sides_exchanged),
        (
            "right times the factor, not down",
            functools.partial(_index_by, lambda down, right, m: (right + m - 1) * (2 * m - 1) + down + m - 1),
        ),
        (
            "2 · window instead of 2 · window - 1",
            functools.partial(_index_by, lambda down, right, m: (down + m - 1) * 2 * m + right + m - 1),
        ),
        (
            "a missing bracket: 2 · window, minus 1",
            functools.partial(_index_by, lambda down, right, m: (down + m - 1) * 2 * m - 1 + right + m - 1),
        ),
        (
            "window instead of 2 · window - 1",
            functools.partial(_index_by, lambda down, right, m: (down + m - 1) * m + right + m - 1),
        ),
        ("factor forgotten", functools.partial(_index_by, lambda down, right, m: down + m - 1 + right + m - 1)),
        ("negative offsets", functools.partial(_index_by, lambda down, right, m: down * (2 * m - 1) + right)),
        (
            "counted from -(window - 1) in the columns only",
            functools.partial(_index_by, lambda down, right, m: down * (2 * m - 1) + right + m - 1),
        ),
        (
            "counted from -(window - 1) in the rows only",
            functools.partial(_index_by, lambda down, right, m: (down + m - 1) * (2 * m - 1) + right),
        ),
        (
            "shifted by window, not window - 1",
            functools.partial(_index_by, lambda down, right, m: (down + m) * (2 * m - 1) + right + m),
        ),
        (
            "counted from one",
            functools.partial(_index_by, lambda down, right, m: (down + m - 1) * (2 * m - 1) + right + m),
        ),
        (
            "distances instead of offsets",
            functools.partial(_index_by, lambda down, right, m: down.abs() * (2 * m - 1) + right.abs()),
        ),
        (
            "distances instead of offsets, shifted",
            functools.partial(
                _index_by, lambda down, right, m: (down.abs() + m - 1) * (2 * m - 1) + right.abs() + m - 1
            ),
        ),
        (
            "negative offsets wrapped round",
            functools.partial(
                _index_by, lambda down, right, m: down % (2 * m - 1) * (2 * m - 1) + right % (2 * m - 1)
            ),
        ),
        (
            "negative offsets cut off",
            functools.partial(_index_by, lambda down, right, m: down.clamp(min=0) * (2 * m - 1) + right.clamp(min=0)),
        ),
        (
            "rounded to floats",
            functools.partial(
                _index_by, lambda down, right, m: ((down + m - 1) * (2 * m - 1) + right + m - 1).float()
            ),
        ),
        (
            "down and right, not one number",
            functools.partial(_index_by, lambda down, right, m: torch.stack([down + m - 1, right + m - 1], -1)),
        ),
        ("a pair of indices", functools.partial(_index_by, lambda down, right, m: (down + m - 1, right + m - 1))),
        ("offsets of places in the sequence", _index_of_places),
        ("four dimensions", _index_four_sides),
        ("rows with rows in the wrong place", _index_sides_not_paired),
        ("only for one key", _index_first_query),
        ("a number of its own for every pair", _index_every_pair_its_own),
        ("row is i / window, not whole", _index_divided),
        ("windows of 7, always", lambda window: _index_coordinates(7)),
        ("flattened", lambda window: _index_coordinates(window).flatten()),
        ("a list", lambda window: _index_coordinates(window).tolist()),
        ("backwards", lambda window: _index_coordinates(window).flip(0, 1)),
    ],
    "08.merge_patches": [
        (
            "reading order: top right before bottom left",
            functools.partial(_merge_order, ((0, 0), (0, 1), (1, 0), (1, 1))),
        ),
        ("reading order, with einops", functools.partial(_merge_rearranged, "b (y i) (x j) d -> b y x (i j d)")),
        ("reading order, with permute", _merge_permuted_as_patches),
        ("clockwise", functools.partial(_merge_order, ((0, 0), (0, 1), (1, 1), (1, 0)))),
        ("anticlockwise", functools.partial(_merge_order, ((0, 0), (1, 0), (1, 1), (0, 1)))),
        ("bottom row first", functools.partial(_merge_order, ((1, 0), (0, 0), (1, 1), (0, 1)))),
        ("right column first", functools.partial(_merge_order, ((0, 1), (1, 1), (0, 0), (1, 0)))),
        ("bottom right first", functools.partial(_merge_order, ((1, 1), (0, 1), (1, 0), (0, 0)))),
        (
            "features apart: each feature's four together",
            functools.partial(_merge_rearranged, "b (y i) (x j) d -> b y x (d j i)"),
        ),
        ("features apart, with stack and flatten", _merge_interleaved),
        ("features apart, with pixel_unshuffle", _merge_unshuffled),
        ("reshaped without permuting", _merge_reshape_only),
        ("quarters of the map instead of neighbours", _merge_quarters),
        (
            "quarters of the map, with einops",
            functools.partial(_merge_rearranged, "b (i y) (j x) d -> b y x (j i d)"),
        ),
        ("the map transposed", functools.partial(_merge_rearranged, "b (y i) (x j) d -> b x y (j i d)")),
        ("the mean of the four", _merge_mean),
        ("the largest of the four, four times", _merge_pooled),
        ("stacked, not one after the other", _merge_stacked),
        ("one beside the other in the map", _merge_next_to_each_other),
        ("one after the other in the batch", _merge_along_the_batch),
        ("a sequence instead of a map", _merge_sequence),
        ("the top left four times", _merge_one_corner_four_times),
        ("bottom left twice: copied and not changed", _merge_one_corner_twice),
        ("only 2 · dim features", _merge_reduced),
        ("batch taken for the features' side", _merge_batch_first),
        ("odd sides: left to cat", _merge_unchecked),
        ("odd sides: left to einops", _merge_unchecked_einops),
        ("odd sides: padded", _merge_padded),
        ("odd sides: cut off", functools.partial(_merge_refused, lambda h, w: False)),
        ("only the height is checked", functools.partial(_merge_refused, lambda h, w: h % 2)),
        ("only the width is checked", functools.partial(_merge_refused, lambda h, w: w % 2)),
        ("refused only when both are odd", functools.partial(_merge_refused, lambda h, w: h % 2 and w % 2)),
        ("the area is checked", functools.partial(_merge_refused, lambda h, w: h * w % 2)),
        ("the sum of the sides is checked", functools.partial(_merge_refused, lambda h, w: (h + w) % 2)),
        ("the area is checked by four", functools.partial(_merge_refused, lambda h, w: h * w % 4)),
        ("an assert instead of a ValueError", _merge_asserted),
        ("a TypeError instead of a ValueError", _merge_other_error),
        ("the error returned instead of raised", _merge_warns),
        ("detached", _merge_detached),
        ("no_grad", _merge_no_grad),
        ("one corner detached", _merge_detached_corner),
    ],
}

FRAGILE = {
    "08.partition": [
        ("F.unfold takes no integers (cell 15 cuts a map of numbers)", _partition_f_unfold),
        ("as_strided believes that memory is contiguous (docstring: any map)", _partition_strided),
        ("view on memory that is not contiguous (docstring: any map)", _partition_row_view),
    ],
    "08.unpartition": [
        ("F.fold takes no integers (docstring: `partition` undone; cell 15 cuts integers)", _unpartition_f_fold),
        ("view on memory that is not contiguous (docstring: any windows)", _unpartition_strict_view),
        ("a float32 buffer loses double and whole numbers (docstring: `partition` undone)", _unpartition_buffer),
    ],
    "08.shift_mask": [
        ("near in the picture: all of it where one window covers the map (docstring: same piece)", _shift_mask_near)
    ],
    "08.relative_position_index": [
        ("int16: cell 'assemble' reads the table with it", lambda window: _index_coordinates(window).short())
    ],
    "08.merge_patches": [
        ("view on memory that is not contiguous (docstring: any map)", _merge_strict_view),
        ("a float32 buffer loses double precision (docstring: any map)", _merge_buffer),
    ],
}
