"""From pixels to tokens: patches, their projection, class token and positions."""

from collections.abc import Callable

import torch
from einops import rearrange
from torch import Generator, Tensor

from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.models.vit import patchify, projection_kernel, sequence


def _patchify_cases(g: Generator) -> list[Arguments]:
    shapes = [((2, 3, 8, 12), 4), ((1, 1, 6, 6), 3), ((2, 3, 4, 4), 2), ((1, 2, 10, 5), 5)]
    return [(torch.rand(*shape, generator=g), patch_size) for shape, patch_size in shapes]


def _patchify_as(pattern: str) -> Callable[[Tensor, int], Tensor]:
    return lambda images, patch_size: rearrange(images, pattern, p=patch_size, q=patch_size)


PATCHIFY = Exercise(
    name="04.patchify",
    title="An image as a sequence of patches",
    points=2,
    reference=patchify,
    learns=("images",),
    cases=_patchify_cases,
    hints=(
        "Take one row of pixels apart first: a height is (number of patches, rows inside a patch), and so is a "
        "width.",
        "That makes six axes: batch, channel, patch row, row inside, patch column, column inside. The two that "
        "count patches go together, and so do the three that lie inside one.",
        'As an einops pattern, the left side is `"b c (h p) (w q)"` with p and q the patch size. On the right, '
        "patches run row by row, (h w), and inside a patch the channel is slowest.",
    ),
    misconceptions=(
        Misconception(
            _patchify_as("b c (h p) (w q) -> b (w h) (c p q)"),
            "The patches run down the columns of the image. Our order is that of reading, row by row from the top "
            "left: h before w in the brackets.",
        ),
        Misconception(
            _patchify_as("b c (h p) (w q) -> b (h w) (p q c)"),
            "The patches are right, but inside each the channel comes last. Put it first, (c p q), as in a "
            "convolution's kernel, so that the projection can be a convolution with the same numbers.",
        ),
        Misconception(
            lambda images, patch_size: images.reshape(images.shape[0], -1, images.shape[1] * patch_size**2),
            "A bare reshape cuts the image's memory into pieces: these are runs of pixels from the same few rows, "
            "not squares. Split height and width into patches first, then bring the axes of one patch together.",
        ),
        Misconception(
            _patchify_as("b c (h p) (w q) -> b (h w) (c q p)"),
            "Each patch lies on its side: its rows and columns are swapped. Inside a patch the row comes before "
            "the column, (c p q).",
        ),
        Misconception(
            _patchify_as("b c (h p) (w q) -> b (c h w) (p q)"),
            "Every channel became a token of its own, so the sequence is channels times too long. A patch holds "
            "all its channels: c belongs to the inside.",
        ),
        Misconception(
            _patchify_as("b c (p h) (q w) -> b (h w) (c p q)"),
            "Each token holds pixels from all over the image, a fixed step apart. Neighbours belong in one patch, "
            "so in the brackets the patch's number is slow and the place inside it fast: (h p), not (p h).",
        ),
        Misconception(
            _patchify_as("b c (h p) (w q) -> b (h w) c p q"),
            "The patches are right, but still little images. Flatten each into one vector: (c p q) in brackets.",
        ),
    ),
)


def _projection_kernel_cases(g: Generator) -> list[Arguments]:
    sizes = [(6, 3, 2), (5, 1, 3), (4, 2, 4)]
    return [(torch.randn(dim, channels * p**2, generator=g), p) for dim, channels, p in sizes]


def _kernel_as(pattern: str) -> Callable[[Tensor, int], Tensor]:
    return lambda weight, patch_size: rearrange(weight, pattern, p=patch_size, q=patch_size)


PROJECTION_KERNEL = Exercise(
    name="04.projection_kernel",
    title="The projection is a convolution",
    points=2,
    reference=projection_kernel,
    learns=("weight",),
    cases=_projection_kernel_cases,
    hints=(
        "One row of the weight makes one feature of a token. In a convolution, one kernel makes one feature: what "
        "shape does it have?",
        "The last axis of the weight is a flattened patch. In which order did `patchify` flatten it?",
        "Undo that order: split the last axis into (channel, row, column) and leave the first where it is.",
    ),
    misconceptions=(
        Misconception(
            _kernel_as("dim (p q c) -> dim c p q"),
            "The last axis is read as (row, column, channel), so the kernel's numbers are shuffled. `patchify` put "
            "the channel first: (c p q).",
        ),
        Misconception(
            _kernel_as("dim (c p q) -> dim c q p"),
            "The kernel's rows and columns are swapped, so it sees each patch lying on its side. Keep the order: "
            "row, then column.",
        ),
        Misconception(
            _kernel_as("dim (c p q) -> dim p q c"),
            "The channel comes last, as in other libraries' images. PyTorch's kernels are (dim, channels, row, "
            "column).",
        ),
        Misconception(
            _kernel_as("dim (c p q) -> c dim p q"),
            "The channels come first, as in a transposed convolution. The kernel of a convolution begins with what "
            "it makes, the dim features, then the channels that it reads.",
        ),
        Misconception(
            lambda weight, patch_size: weight.mT.reshape(weight.shape[0], -1, patch_size, patch_size),
            "The weight is transposed before it is cut, so features and pixels are mixed. nn.Linear already keeps "
            "its weight as (outputs, inputs): leave the first axis where it is.",
        ),
    ),
)


def _sequence_cases(g: Generator) -> list[Arguments]:
    return [
        tuple(torch.randn(*shape, generator=g) for shape in ((batch, n, dim), (1, 1, dim), (1, n + 1, dim)))
        for batch, n, dim in [(2, 5, 8), (1, 9, 4), (3, 4, 6)]
    ]


def _sequence_slip(join: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """A slip in how three are joined, once the class token is there for every image."""
    return lambda patches, class_token, positions: join(
        patches, class_token.expand(patches.shape[0], -1, -1), positions
    )


SEQUENCE = Exercise(
    name="04.sequence",
    title="Class token and positions",
    points=2,
    reference=sequence,
    learns=("patches", "class_token", "positions"),
    cases=_sequence_cases,
    hints=(
        "The class token is one token more, and the same for every image of the batch.",
        "`class_token.expand(batch, -1, -1)` repeats it without copying; `torch.cat` along the axis of the tokens "
        "puts it in front.",
        "Count: the positions are one more than the patches. So add them after the class token has joined.",
    ),
    misconceptions=(
        Misconception(
            _sequence_slip(lambda patches, first, positions: torch.cat([patches, first], 1) + positions),
            "The class token stands at the end of the sequence. Put it first: the head reads token 0, and the "
            "weights of published ViTs expect it there.",
        ),
        Misconception(
            _sequence_slip(lambda patches, first, positions: torch.cat([first, patches + positions[:, 1:]], 1)),
            "The class token gets no position. There is one for it, the first: add the positions after it has "
            "joined.",
        ),
        Misconception(
            _sequence_slip(lambda patches, first, positions: torch.cat([first, patches], 1)),
            "The positions are not added. Without them the encoder cannot tell an image from the same patches "
            "shuffled.",
        ),
        Misconception(
            _sequence_slip(lambda patches, first, positions: patches + first + positions[:, 1:]),
            "The class token is added to every patch, so the sequence has no token of its own for the class. Join "
            "it to the sequence with torch.cat.",
        ),
        Misconception(
            _sequence_slip(
                lambda patches, first, positions: torch.cat(
                    [torch.cat([first, patches], 1), positions.expand(patches.shape[0], -1, -1)], -1
                )
            ),
            "The positions are appended as further features, so each token is twice as wide. Add them: equation 1 "
            "of Dosovitskiy et al. is a sum.",
        ),
        Misconception(
            _sequence_slip(lambda patches, first, positions: torch.cat([first, patches], 1) * positions),
            "The tokens are multiplied by the positions. Equation 1 of Dosovitskiy et al. is a sum: a place shifts "
            "a token, it does not scale it.",
        ),
        Misconception(
            lambda patches, class_token, positions: torch.cat([class_token, patches], 1) + positions,
            "This works for a batch of one image only: torch.cat does not repeat the class token by itself. Expand "
            "it to the size of the batch first.",
        ),
    ),
)
