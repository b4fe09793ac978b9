"""The projection of the patches is a convolution."""

from collections.abc import Callable

import torch
from einops import rearrange
from torch import Generator, Tensor

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.models.vit import projection_kernel

Answer = Callable[[Tensor, int], Tensor]


def _cases(g: Generator) -> list[Arguments]:
    sizes = [(6, 3, 2), (3, 1, 3), (9, 2, 4), (3, 3, 16)]
    return [(torch.randn(dim, channels * p**2, generator=g), p) for dim, channels, p in sizes]


def _wild(g: Generator) -> list[Wild]:
    return [
        Wild(
            "transposed-memory",
            (torch.randn(12, 5, generator=g).mT, 2),
            "the weight is stored column by column, as after a transpose",
            "`as_strided` and `resize_` depend on the memory order; `reshape` and `rearrange` do not.",
        ),
        Wild("patch-of-one-pixel", (torch.randn(4, 3, generator=g), 1), "a patch is a single pixel"),
    ]


def _as(pattern: str) -> Answer:
    """An einops pattern with one part in another order."""
    return lambda weight, patch_size: rearrange(weight, pattern, p=patch_size, q=patch_size)


def _reshaped(weight: Tensor, patch_size: int) -> Tensor:
    return weight.reshape(len(weight), -1, patch_size, patch_size)


PROJECTION_KERNEL = Exercise(
    name="04.projection_kernel",
    title="The projection is a convolution",
    points=2,
    reference=projection_kernel,
    learns=("weight",),
    cases=_cases,
    wild=_wild,
    hints=(
        "One row of the weight computes one feature of a token. In a convolution, one kernel computes one feature: "
        "what shape does it have?",
        "The last axis of the weight is a flattened patch. In which order did `patchify` flatten it?",
        "Undo that order: split the last axis into (channel, row, column) and leave the first axis in front.",
    ),
    misconceptions=(
        Misconception(
            "read-channel-last",
            "The last axis is split with the channel last, so the kernel's numbers are in the wrong positions. "
            "`patchify` puts the channel first.",
            _as("dim (p q c) -> dim c p q"),
            _as("dim (q p c) -> dim c p q"),
        ),
        Misconception(
            "read-channel-between",
            "The last axis is split with the channel between row and column, so the kernel's numbers are in the "
            "wrong positions. `patchify` puts the channel first.",
            _as("dim (p c q) -> dim c p q"),
            _as("dim (q c p) -> dim c p q"),
        ),
        Misconception(
            "rows-and-columns-swapped",
            "The kernel's rows and columns are swapped, so it sees each patch transposed. The order is row, then "
            "column.",
            _as("dim (c p q) -> dim c q p"),
        ),
        Misconception(
            "kernel-channel-last",
            "The channel comes last in your kernel, as in the image format of other libraries. PyTorch's kernels are "
            "(dim, channels, row, column).",
            _as("dim (c p q) -> dim p q c"),
            lambda weight, patch_size: weight.reshape(len(weight), patch_size, patch_size, -1),
        ),
        Misconception(
            "channels-before-features",
            "Your kernel begins with the channels, as in a transposed convolution. A convolution kernel begins with "
            "its outputs, the dim features, followed by its input channels.",
            _as("dim (c p q) -> c dim p q"),
            lambda weight, patch_size: weight.reshape(-1, len(weight), patch_size, patch_size),
        ),
        Misconception(
            "features-mixed",
            "The weight is split across its rows, so a kernel has numbers of several features. nn.Linear stores its "
            "weight as (outputs, inputs): leave the first axis in front and split the last.",
            lambda weight, patch_size: weight.mT.reshape(weight.shape[0], -1, patch_size, patch_size),
            lambda weight, patch_size: weight.reshape(-1, len(weight), patch_size, patch_size).transpose(0, 1),
            lambda weight, patch_size: weight.mT.reshape(-1, len(weight), patch_size, patch_size).transpose(0, 1),
            lambda weight, patch_size: weight.reshape(patch_size, patch_size, -1, len(weight)).permute(3, 2, 0, 1),
        ),
        Misconception(
            "kernel-flipped",
            "The kernel's rows or columns are reversed. PyTorch's conv2d does not flip the kernel: each number "
            "multiplies the pixel at its own position, as in the linear layer.",
            lambda weight, patch_size: _reshaped(weight, patch_size).flip(-1, -2),
            lambda weight, patch_size: _reshaped(weight, patch_size).flip(-1),
            lambda weight, patch_size: _reshaped(weight, patch_size).flip(-2),
        ),
        Misconception(
            "kernel-turned",
            "Each kernel is rotated by 90°. PyTorch's conv2d does not rotate the kernel: each number multiplies the "
            "pixel at its own position, as in the linear layer.",
            lambda weight, patch_size: _reshaped(weight, patch_size).rot90(1, (-2, -1)),
            lambda weight, patch_size: _reshaped(weight, patch_size).rot90(-1, (-2, -1)),
        ),
        Misconception(
            "one-channel-left",
            "Your kernel has a single input channel. A convolution has separate numbers for every input channel.",
            lambda weight, patch_size: _reshaped(weight, patch_size).sum(1, keepdim=True),
            lambda weight, patch_size: _reshaped(weight, patch_size).mean(1, keepdim=True),
            lambda weight, patch_size: _reshaped(weight, patch_size)[:, :1],
        ),
        Misconception(
            "three-channels-written-in",
            "Three channels are hard-coded. Compute their number from the weight's last axis and patch_size.",
            lambda weight, patch_size: weight.reshape(-1, 3, patch_size, patch_size),
            lambda weight, patch_size: weight.reshape(len(weight), 3, patch_size, patch_size),
            lambda weight, patch_size: rearrange(weight, "d (c p q) -> d c p q", c=3, p=patch_size, q=patch_size),
        ),
        Misconception(
            "sixteen-written-in",
            "The patch size 16 is hard-coded. Use patch_size instead.",
            lambda weight, patch_size: weight.reshape(len(weight), -1, 16, 16),
            lambda weight, patch_size: rearrange(weight, "d (c p q) -> d c p q", p=16, q=16),
            lambda weight, patch_size: weight.reshape(len(weight), 3, 16, 16),
        ),
        Misconception(
            "not-four-axes",
            "The numbers are in the right order, but your kernel is not (dim, channels, row, column). Make each of "
            "these a separate axis.",
            lambda weight, patch_size: weight.reshape(len(weight), -1, patch_size**2),
            lambda weight, patch_size: weight[:, :, None, None],
            lambda weight, patch_size: _reshaped(weight, patch_size).flatten(0, 1),
        ),
        Misconception(
            "scaled",
            "The numbers have been scaled. The convolution computes exactly the same sum as the linear layer, so do "
            "not change them.",
            lambda weight, patch_size: _reshaped(weight, patch_size) / patch_size**2,
            lambda weight, patch_size: _reshaped(weight, patch_size) / patch_size,
            lambda weight, patch_size: _reshaped(weight, patch_size) * patch_size**2,
        ),
    ),
)
