"""The neighbourhood of every position."""

import math
from collections.abc import Callable

import torch
from einops import rearrange
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.attention.local import neighbourhoods
from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild


def _cases(g: Generator) -> list[Arguments]:
    def maps(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g)

    return [
        (maps(2, 3, 5, 7), 3),
        (maps(1, 2, 6, 6), 5, 1),
        (maps(2, 2, 7, 6), 3, 2),
        (maps(3, 2, 4, 5), 1, 1),
        (maps(1, 9, 8, 7), 5, 3),  # 9 channels of 25 neighbours could be confused with 25 of 9
    ]


def _wild(g: Generator) -> list[Wild]:
    def maps(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g)

    return [
        Wild(
            "transposed-memory",
            (maps(2, 3, 6, 4).mT, 3, 1),
            "maps has been transposed, so its rows are not contiguous in memory",
            "Use `.reshape` or `rearrange` instead of `.view`.",
        ),
        Wild(
            "permuted-memory",
            (rearrange(maps(2, 12, 3), "b (y x) c -> b c y x", y=3), 3, 1),
            "maps comes from `rearrange`, so it is in another memory order",
            "Use `.reshape` or `rearrange` instead of `.view`.",
        ),
        Wild(
            "larger-than-the-map",
            (maps(1, 2, 2, 3), 7, 1),
            "the neighbourhood is larger than the map",
            "Every neighbourhood still has size² positions: those outside the map are zero.",
        ),
        Wild(
            "stride-beyond-the-map",
            (maps(2, 2, 2, 3), 3, 4),
            "the stride is larger than the map",
            "Then only the first position remains.",
        ),
        Wild(
            "one-position",
            (maps(1, 1, 1, 1), 3, 1),
            "there is a single map with a single position",
            "An axis of length one is still an axis: `squeeze()` would remove it.",
        ),
    ]


def _around(maps: Tensor, size: int) -> Tensor:
    return F.pad(maps, (size // 2,) * 4)


def _slip(
    pad: Callable[[Tensor, int], Tensor] = _around,
    arrange: str = "b c y x i j -> b c (y x) (i j)",
    keep: Callable[[Tensor, int], Tensor] = lambda windows, stride: windows[:, :, ::stride, ::stride],
    pick: Callable[[Tensor], Tensor] = lambda near: near,
) -> Callable[..., Tensor]:
    """Windows around every stride-th position of the padded map, with one step replaced."""

    def wrong(maps: Tensor, size: int, stride: int = 1) -> Tensor:
        windows = pad(maps, size).unfold(2, size, 1).unfold(3, size, 1)
        return pick(rearrange(keep(windows, stride), arrange))

    return wrong


def _columns(then: Callable[[Tensor, int, int], Tensor]) -> Callable[..., Tensor]:
    """Something else computed from the result of unfold, (batch, channels · size², positions), channels and size²."""

    def wrong(maps: Tensor, size: int, stride: int = 1) -> Tensor:
        return then(F.unfold(maps, size, padding=size // 2, stride=stride), maps.shape[1], size**2)

    return wrong


def _bordered(mode: str) -> Callable[..., Tensor]:
    return _slip(pad=lambda maps, size: F.pad(maps, (size // 2,) * 4, mode=mode))


def _filled(value: float) -> Callable[..., Tensor]:
    return _slip(pad=lambda maps, size: F.pad(maps, (size // 2,) * 4, value=value))


def _padded(by: Callable[[int], int]) -> Callable[..., Tensor]:
    return _slip(pad=lambda maps, size: F.pad(maps, (by(size),) * 4))


def _dilated(maps: Tensor, size: int, stride: int = 1) -> Tensor:
    columns = F.unfold(maps, size, dilation=stride, padding=stride * (size // 2))
    return rearrange(columns, "b (c n) p -> b c p n", n=size**2)


def _dilated_too_far(maps: Tensor, size: int, stride: int = 1) -> Tensor:
    columns = F.unfold(maps, size, dilation=stride, padding=size // 2)
    return rearrange(columns, "b (c n) p -> b c p n", n=size**2)


def _thinned(maps: Tensor, size: int, stride: int = 1) -> Tensor:
    return neighbourhoods(maps[..., ::stride, ::stride], size)


def _last_lost(maps: Tensor, size: int, stride: int = 1) -> Tensor:
    rows, columns = (side // stride * stride for side in maps.shape[-2:])
    return _slip(keep=lambda windows, stride: windows[:, :, :rows:stride, :columns:stride])(maps, size, stride)


def _square(axis: int) -> Callable[..., Tensor]:
    """The length of one axis of the map used for both."""

    def wrong(maps: Tensor, size: int, stride: int = 1) -> Tensor:
        padded, places = _around(maps, size), range(0, maps.shape[axis], stride)
        return torch.stack(
            [padded[:, :, y : y + size, x : x + size].flatten(2) for y in places for x in places], dim=2
        )

    return wrong


NEIGHBOURHOODS = Exercise(
    name="02.neighbourhoods",
    title="The neighbourhood of every position",
    reference=neighbourhoods,
    learns=("maps",),
    cases=_cases,
    wild=_wild,
    hints=(
        "`F.unfold(maps, size, padding=…, stride=…)` extracts the square around every position. How many zeros must "
        "there be around the map so that its corners become centres too?",
        "`F.unfold` returns (batch, channels · size², positions): in its middle axis the channel varies slowly and "
        "the neighbour fast. `rearrange` with `n=size**2` splits that axis.",
        'Pad by `size // 2`; then `rearrange(…, "b (c n) p -> b c p n", n=size**2)`.',
    ),
    misconceptions=(
        Misconception(
            "no-padding",
            "There is no padding, so the positions at the border have no neighbourhood and the map shrinks by size "
            "− 1. How far does the square around a corner reach beyond the map?",
            _padded(lambda size: 0),
        ),
        Misconception(
            "too-little-padding",
            "There is too little padding, so for some sizes the positions at the border have no neighbourhood. How "
            "far does a square reach to each side of its centre?",
            _padded(lambda size: size // 3),
            _padded(lambda size: size // 4),
            _padded(lambda size: (size - 2) // 2 + (size == 1)),
        ),
        Misconception(
            "too-much-padding",
            "There is too much padding: squares with a centre outside the map are extracted too. How far does a "
            "square reach to each side of its centre?",
            _padded(lambda size: size - 1),
            _padded(lambda size: size),
            _padded(lambda size: size // 2 + 1),
        ),
        Misconception(
            "padding-written-in",
            "The padding does not depend on size, so it fits only one size. How far does a square of the given size "
            "reach to each side of its centre?",
            _padded(lambda size: 1),
            _padded(lambda size: 2),
            _padded(lambda size: 3),
        ),
        Misconception(
            "neighbours-written-in",
            "The number of neighbours is hard-coded, so it fits only one size. How many are there in a square of the "
            "given size?",
            _columns(lambda columns, channels, square: rearrange(columns, "b (c n) p -> b c p n", n=9)),
            _columns(lambda columns, channels, square: columns.unflatten(1, (-1, 9)).transpose(2, 3)),
            _columns(lambda columns, channels, square: columns.view(len(columns), -1, 9, columns.shape[2]).mT),
        ),
        Misconception(
            "size-not-squared",
            "Each square is assumed to have only size positions, as many as one of its sides. How many positions "
            "does the whole square have?",
            lambda maps, size, stride=1: rearrange(
                F.unfold(maps, size, padding=size // 2, stride=stride), "b (c n) p -> b c p n", n=size
            ),
        ),
        Misconception(
            "channels-and-neighbours-mixed",
            "Channels and neighbours are mixed up: `unfold` lists all neighbours of the first channel, then those "
            "of the second. When you split the axis, the channel is the slow part.",
            _columns(lambda columns, channels, square: rearrange(columns, "b (n c) p -> b c p n", n=square)),
        ),
        Misconception(
            "bare-reshape",
            "A bare reshape gives the right shape, but puts the numbers in the wrong positions, since positions come "
            "last in what `unfold` returns. Split the axis first, then swap two axes.",
            _columns(lambda columns, channels, square: columns.reshape(len(columns), channels, -1, square)),
            _columns(lambda columns, channels, square: columns.mT.reshape(len(columns), channels, -1, square)),
            _columns(
                lambda columns, channels, square: columns.reshape(len(columns), -1, channels, square).transpose(1, 2)
            ),
        ),
        Misconception(
            "neighbours-before-positions",
            "The last two axes are swapped: the neighbours come before the positions.",
            _slip(arrange="b c y x i j -> b c (i j) (y x)"),
        ),
        Misconception(
            "not-taken-apart",
            "This is what `unfold` returns: channels and neighbours are still one axis. Split it into two.",
            _columns(lambda columns, channels, square: columns),
        ),
        Misconception(
            "stride-unused",
            "The stride is not used: the neighbourhood of every position is returned. Return only those in every "
            "stride-th row and column.",
            _slip(keep=lambda windows, stride: windows),
        ),
        Misconception(
            "squares-side-by-side",
            "The squares are size positions apart, so they do not overlap. Move by stride.",
            lambda maps, size, stride=1: neighbourhoods(maps, size, size),
        ),
        Misconception(
            "positions-down-the-columns",
            "The positions go column by column through the map. Raster order goes row by row.",
            _slip(arrange="b c y x i j -> b c (x y) (i j)"),
        ),
        Misconception(
            "neighbours-down-the-columns",
            "The neighbours go column by column through the square. Raster order goes row by row.",
            _slip(arrange="b c y x i j -> b c (y x) (j i)"),
        ),
        Misconception(
            "both-down-the-columns",
            "Positions and neighbours both go column by column. Raster order goes row by row.",
            _slip(arrange="b c y x i j -> b c (x y) (j i)"),
        ),
        Misconception(
            "neighbours-backwards",
            "The neighbours are in reverse order, from the bottom right to the top left of the square. Which one "
            "comes first in raster order?",
            _slip(pick=lambda near: near.flip(-1)),
        ),
        Misconception(
            "centre-left-out",
            "The centre is left out. A position belongs to its own neighbourhood, as it does in a convolution.",
            lambda maps, size, stride=1: torch.cat(
                [(near := neighbourhoods(maps, size, stride))[..., : size**2 // 2], near[..., size**2 // 2 + 1 :]], -1
            ),
        ),
        Misconception(
            "border-continued",
            "Beyond the border, the pixels of the border are repeated. There should be zeros outside the map, as in "
            "a convolution; a mask will distinguish them from real pixels.",
            _bordered("replicate"),
        ),
        Misconception(
            "border-mirrored",
            "Beyond the border, the map is mirrored. There should be zeros outside the map, as in a convolution.",
            _bordered("reflect"),
        ),
        Misconception(
            "border-wraps",
            "Beyond the border, the map continues from its other side. There should be zeros outside the map, as in "
            "a convolution.",
            _bordered("circular"),
        ),
        Misconception(
            "not-zeros-outside",
            "The map is padded with something other than zeros. Check the value that you pad with.",
            _filled(1.0),
            _filled(-1.0),
            _filled(-math.inf),
            _filled(0.5),
            _filled(-1e9),
        ),
        Misconception(
            "zeros-on-one-side",
            "In each direction, all the zeros are on one side of the map, so a position is a corner of its square. "
            "It should be the centre, with the same number of zeros on every side.",
            _slip(pad=lambda maps, size: F.pad(maps, (size - 1, 0, size - 1, 0))),
            _slip(pad=lambda maps, size: F.pad(maps, (0, size - 1, 0, size - 1))),
            _slip(pad=lambda maps, size: F.pad(maps, (size - 1, 0, 0, size - 1))),
            _slip(pad=lambda maps, size: F.pad(maps, (0, size - 1, size - 1, 0))),
        ),
        Misconception(
            "stride-as-dilation",
            "The stride is applied to the neighbours of a position instead of the positions: that is a dilation.",
            _dilated,
            _dilated_too_far,
        ),
        Misconception(
            "thinned-out-first",
            "Rows and columns of the map are dropped first, so the neighbours are stride positions apart. The stride "
            "selects only the centres; their neighbours come from the whole map.",
            _thinned,
        ),
        Misconception(
            "stride-along-the-list",
            "Every stride-th position of one long list is selected. The stride applies to rows and columns "
            "separately: select every stride-th row and every stride-th column.",
            lambda maps, size, stride=1: neighbourhoods(maps, size)[:, :, ::stride],
        ),
        Misconception(
            "stride-in-one-direction",
            "The stride is used in one direction only. It applies to both rows and columns.",
            _slip(keep=lambda windows, stride: windows[:, :, ::stride]),
            _slip(keep=lambda windows, stride: windows[:, :, :, ::stride]),
        ),
        Misconception(
            "stride-begins-late",
            "The first selected position is not the top left one, so the wrong rows and columns are selected. Always "
            "include the first row and the first column.",
            _slip(keep=lambda windows, stride: windows[:, :, stride - 1 :: stride, stride - 1 :: stride]),
            _slip(keep=lambda windows, stride: windows[:, :, stride // 2 :: stride, stride // 2 :: stride]),
        ),
        Misconception(
            "last-row-lost",
            "There are height // stride rows of positions and width // stride columns, so the last ones are lost if "
            "the division has a remainder. Round up.",
            _last_lost,
        ),
        Misconception(
            "squares-only",
            "This is right only for square maps: height and width are swapped, or one is used for both.",
            _square(2),
            _square(3),
        ),
    ),
)
