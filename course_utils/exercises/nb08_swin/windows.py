"""A map cut into windows, and put together again."""

from collections.abc import Callable

import torch
from einops import rearrange
from torch import Generator, Tensor

from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.window_attention import partition, unpartition


def _partition_cases(g: Generator) -> list[Arguments]:
    shapes = [((2, 4, 6, 3), 2), ((1, 6, 3, 2), 3), ((2, 4, 12, 2), 4), ((1, 3, 2, 1), 1)]
    return [(torch.randn(*shape, generator=g), window) for shape, window in shapes]


def _cut(pattern: str) -> Callable[[Tensor, int], Tensor]:
    return lambda maps, window: rearrange(maps, pattern, i=window, j=window)


def _reshaped(maps: Tensor, window: int) -> Tensor:
    batch, height, width, dim = maps.shape
    return maps.reshape(batch, height * width // window**2, window**2, dim)


PARTITION = Exercise(
    name="08.partition",
    title="A map cut into windows",
    points=2,
    reference=partition,
    learns=("maps",),
    cases=_partition_cases,
    hints=(
        "It is patchify of notebook 04, but for tokens: which window, and which place in it?",
        "Split both sides: height = (y i), width = (x j), where i and j count the places within a window. Which two "
        "of the four letters number the windows, and which two the places?",
        '`rearrange(maps, "b (y i) (x j) d -> b (y x) (i j) d", i=window, j=window)`.',
    ),
    misconceptions=(
        Misconception(
            _reshaped,
            "A reshape alone does not cut squares: it takes window² places one after the other along the rows. Split "
            "height and width first, then bring the windows' axes together.",
        ),
        Misconception(
            _cut("b (i y) (j x) d -> b (y x) (i j) d"),
            "The windows are grids with gaps: neighbours land in different windows. In the brackets the window is "
            "slow and the place within it fast: (y i), not (i y).",
        ),
        Misconception(
            _cut("b (y i) (x j) d -> b (x y) (i j) d"),
            "The windows are numbered down the columns. Ours are in reading order, row by row: (y x).",
        ),
        Misconception(
            _cut("b (y i) (x j) d -> b (y x) (j i) d"),
            "Inside each window the places run down the columns. Ours are in reading order: (i j).",
        ),
        Misconception(
            _cut("b (y i) (x j) d -> (b y x) (i j) d"),
            "Pictures and windows have become one axis. That is often done, but here the batch stays apart: "
            "(batch, windows, window², dim).",
        ),
        Misconception(
            _cut("b (y i) (x j) d -> b (i j) (y x) d"),
            "Windows and places are swapped: the second axis numbers the windows, the third the places in one.",
        ),
    ),
)


def _unpartition_cases(g: Generator) -> list[Arguments]:
    cases = [((2, 4, 6, 3), 2), ((1, 6, 3, 2), 3), ((2, 4, 12, 2), 4), ((1, 3, 2, 1), 1)]
    return [(partition(torch.randn(*shape, generator=g), window), window, *shape[1:3]) for shape, window in cases]


def _joined(pattern: str) -> Callable[[Tensor, int, int, int], Tensor]:
    return lambda windows, window, height, width: rearrange(
        windows, pattern, y=height // window, x=width // window, i=window, j=window
    )


def _reshaped_back(windows: Tensor, window: int, height: int, width: int) -> Tensor:
    return windows.reshape(windows.shape[0], height, width, windows.shape[-1])


def _by_window_count(windows: Tensor, window: int, height: int, width: int) -> Tensor:
    """Taken apart with the two sides confused: right for squares only."""
    return rearrange(
        windows, "b (x y) (i j) d -> b (y i) (x j) d", y=height // window, x=width // window, i=window, j=window
    )


UNPARTITION = Exercise(
    name="08.unpartition",
    title="Windows put together again",
    points=2,
    reference=unpartition,
    learns=("windows",),
    cases=_unpartition_cases,
    hints=(
        "Turn the arrow of partition round: everything that was taken apart comes together.",
        "einops must know how many windows fit side by side: width // window, and one above the other: height // "
        "window.",
        '`rearrange(windows, "b (y x) (i j) d -> b (y i) (x j) d", y=height // window, x=width // window, i=window, '
        "j=window)`.",
    ),
    misconceptions=(
        Misconception(
            _reshaped_back,
            "A reshape lays the windows out one after the other along the rows. The axes must change places first.",
        ),
        Misconception(
            _by_window_count,
            "The windows are placed down the columns first. Their order is that of reading: (y x).",
        ),
        Misconception(
            _joined("b (y x) (i j) d -> b (i y) (j x) d"),
            "The places of a window are scattered over the whole map: in the brackets the window is slow, (y i).",
        ),
        Misconception(
            _joined("b (y x) (i j) d -> b (y j) (x i) d"),
            "Every window comes back mirrored at its diagonal: rows and columns inside it are swapped.",
        ),
    ),
)
