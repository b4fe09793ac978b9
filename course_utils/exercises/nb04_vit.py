"""Exercises of notebook 04: patches, projection, sequence, memory, parameters, rollout."""

from collections.abc import Callable

import torch
from einops import rearrange
from torch import Tensor

from course_utils.exercises.exercise import Exercise, Misconception
from course_utils.models.vit import patchify, projection_kernel, sequence
from course_utils.rollout import attention_rollout


def matrix_bytes(
    image_size: int, patch_size: int, layers: int, heads: int, class_token: bool = True, bytes_per_number: int = 4
) -> int:
    """Bytes of all attention matrices of a ViT for one picture of image_size × image_size pixels.

    Each head of each layer has one matrix with a row and a column for every token: the patches, and the class token
    if there is one.
    """
    tokens = (image_size // patch_size) ** 2 + class_token
    return tokens**2 * layers * heads * bytes_per_number


def vit_parameters(
    image_size: int, patch_size: int, dim: int, layers: int, mlp_dim: int, classes: int, channels: int = 3
) -> int:
    """Number of learned numbers of a ViT with a class token, a position for each token and a linear head.

    Every linear layer has biases; every norm has a scale and a shift. Dosovitskiy et al. 2021, section 3.1.
    """
    patches = (image_size // patch_size) ** 2
    projection = patch_size**2 * channels * dim + dim
    class_token, positions = dim, (patches + 1) * dim
    attention = 3 * (dim * dim + dim) + (dim * dim + dim)
    mlp = (dim * mlp_dim + mlp_dim) + (mlp_dim * dim + dim)
    norms = 2 * (2 * dim)
    head = dim * classes + classes
    return projection + class_token + positions + layers * (attention + mlp + norms) + 2 * dim + head


PATCHIFY = Exercise(
    name="04.patchify",
    title="A picture becomes a sequence of patches",
    reference=patchify,
    cases=lambda: [
        (torch.rand(2, 3, 8, 12), 4),
        (torch.rand(1, 1, 6, 6), 2),
        (torch.rand(3, 3, 16, 16), 8),
        (torch.rand(2, 3, 9, 6), 3),
    ],
    misconceptions=(
        Misconception(
            lambda images, p: rearrange(images, "b c (h p) (w q) -> b (w h) (c p q)", p=p, q=p),
            "The patches come column by column: raster order goes along the top row first, so in the pattern h comes "
            "before w.",
        ),
        Misconception(
            lambda images, p: rearrange(images, "b c (h p) (w q) -> b (h w) (p q c)", p=p, q=p),
            "The patches are right, but inside each the channels come last: the wanted order is channel, row, column, "
            "as in a convolution's kernel.",
        ),
        Misconception(
            lambda images, p: images.reshape(len(images), -1, images.shape[1] * p * p),
            "A bare reshape does not cut out squares: it takes the pixels in the order in which they lie in memory, "
            "row after row. Split height and width first.",
        ),
        Misconception(
            lambda images, p: rearrange(images, "b c (h p) (w q) -> b (h w) (c q p)", p=p, q=p),
            "Each patch is transposed: its rows and columns are swapped.",
        ),
        Misconception(
            lambda images, p: rearrange(images, "b c (p h) (q w) -> b (h w) (c p q)", p=p, q=p),
            "Each of your patches collects pixels from all over the picture: in `(h p)`, the number of patches comes "
            "first and the place inside the patch second.",
        ),
        Misconception(
            lambda images, p: rearrange(images, "b c (h p) (w q) -> b (c h w) (p q)", p=p, q=p),
            "Every channel became a token of its own: a token holds all channels of its patch.",
        ),
    ),
    hints=(
        "Split height into (rows of patches) × (rows inside a patch), and width in the same way.",
        "In einops the left side is `b c (h p) (w q)`, where p and q are both the patch size.",
        "On the right: first the patches in raster order, `(h w)`, then what is inside one, `(c p q)`.",
    ),
)

PROJECTION_KERNEL = Exercise(
    name="04.projection_kernel",
    title="The projection as a convolution",
    reference=projection_kernel,
    cases=lambda: [(torch.randn(5, 3 * 16), 4), (torch.randn(4, 1 * 9), 3), (torch.randn(12, 3 * 4), 2)],
    misconceptions=(
        Misconception(
            lambda weight, p: rearrange(weight, "dim (p q c) -> dim c p q", p=p, q=p),
            "The channels are read as the last of the three: our patches are flattened channel first.",
        ),
        Misconception(
            lambda weight, p: rearrange(weight, "dim (c p q) -> dim c q p", p=p, q=p),
            "Rows and columns of the kernel are swapped: it would look at the picture's mirror image.",
        ),
        Misconception(
            lambda weight, p: rearrange(weight, "dim (c p q) -> c dim p q", p=p, q=p),
            "The first two axes are swapped: a kernel has its output channels, here dim, first.",
        ),
        Misconception(
            lambda weight, p: rearrange(weight, "dim (c p q) -> dim p q c", p=p, q=p),
            "The channels come last: PyTorch's kernels are (output channels, input channels, height, width).",
        ),
    ),
    hints=(
        "The numbers stay the same, and each row of the weight becomes one little picture: only the shape changes.",
        "The last axis of the weight is (c p q), in that order, because that is how patchify flattens a patch.",
        '`rearrange(weight, "dim (c p q) -> dim c p q", p=patch_size, q=patch_size)`.',
    ),
)


def _sequence_cases() -> list[tuple]:
    return [
        (torch.randn(batch, n, dim), torch.randn(1, 1, dim), torch.randn(1, n + 1, dim))
        for batch, n, dim in ((2, 4, 6), (3, 9, 4), (1, 2, 8))
    ]


def _joined(*parts: Tensor) -> Tensor:
    batch = max(len(part) for part in parts)
    return torch.cat([part.expand(batch, -1, -1) for part in parts], dim=1)


SEQUENCE = Exercise(
    name="04.sequence",
    title="Class token and positions",
    reference=sequence,
    cases=_sequence_cases,
    misconceptions=(
        Misconception(
            lambda patches, token, positions: _joined(patches, token) + positions,
            "The class token is at the end: it comes first, and the head will look for it there.",
        ),
        Misconception(
            lambda patches, token, positions: _joined(token, patches + positions[:, 1:]),
            "The class token has no position: add the positions after it has joined, since there is one for it too.",
        ),
        Misconception(
            lambda patches, token, positions: _joined(token, patches + positions[:, :-1]),
            "The positions are shifted by one: the first belongs to the class token. Join first, then add.",
        ),
        Misconception(
            lambda patches, token, positions: _joined(token, patches),
            "The positions are missing: without them the transformer sees a set, not a picture.",
        ),
        Misconception(
            lambda patches, token, positions: patches + token + positions[:, 1:],
            "The class token is added to every patch: it is a token of its own, one more in the sequence.",
        ),
        Misconception(
            lambda patches, token, positions: _joined(token, patches) * positions,
            "The positions are multiplied: ViT adds them.",
        ),
    ),
    hints=(
        "The class token is one vector, but every picture of the batch needs it: `expand` repeats without copying.",
        "`torch.cat([…, …], dim=1)` joins along the sequence; the class token goes first.",
        "Add the positions to the joined sequence: the shapes (batch, n + 1, dim) and (1, n + 1, dim) fit.",
    ),
)


def _tokens(image_size: int, patch_size: int, class_token: bool) -> int:
    return (image_size // patch_size) ** 2 + class_token


ATTENTION_BYTES = Exercise(
    name="04.attention_bytes",
    title="How much memory do the attention matrices take?",
    reference=matrix_bytes,
    cases=lambda: [
        (224, 16, 48, 16, False, 4),
        (224, 14, 48, 16, True, 4),
        (28, 7, 3, 4, True, 2),
        (32, 4, 5, 6, False, 2),
    ],
    misconceptions=(
        Misconception(
            lambda s, p, n, h, c=True, b=4: _tokens(s, p, c) * n * h * b,
            "You count one number a token: a matrix has a row and a column for every token, so tokens².",
        ),
        Misconception(
            lambda s, p, n, h, c=True, b=4: _tokens(s, p, False) ** 2 * n * h * b,
            "The class token is forgotten where there is one: it makes the matrix one row and one column larger.",
        ),
        Misconception(
            lambda s, p, n, h, c=True, b=4: _tokens(s, p, True) ** 2 * n * h * b,
            "A class token is counted even where there is none: use the argument `class_token`.",
        ),
        Misconception(
            lambda s, p, n, h, c=True, b=4: _tokens(s, p, c) ** 2 * n * h,
            "You count the numbers, not their bytes: multiply by `bytes_per_number`.",
        ),
        Misconception(
            lambda s, p, n, h, c=True, b=4: _tokens(s, p, c) ** 2 * n * b,
            "The heads are forgotten: every head of every layer has a matrix of its own.",
        ),
        Misconception(
            lambda s, p, n, h, c=True, b=4: (s // p + c) ** 2 * n * h * b,
            "A picture has (side / patch)² patches, not side / patch: the grid has two directions.",
        ),
        Misconception(
            lambda s, p, n, h, c=True, b=4: (s * s + c) ** 2 * n * h * b,
            "This is one token a pixel: with patches there are (image_size / patch_size)² of them.",
        ),
    ),
    hints=(
        "How many tokens are there? First the patches along one side, then the whole grid, then the class token.",
        "One attention matrix has tokens × tokens numbers; how many matrices are there?",
        "`tokens**2 * layers * heads * bytes_per_number`, and `class_token` counts as 1 or 0 in a sum.",
    ),
)


def _counted(*without: str) -> Callable[..., int]:
    """The right count less some of its parts: what it is to forget them."""

    def count(s: int, p: int, d: int, n: int, m: int, k: int, c: int = 3) -> int:
        patches = (s // p) ** 2
        parts = {
            "output projection": n * d * d,
            "biases": d + n * (3 * d + d + m + d) + k,
            "class token": d,
            "block norms": n * 4 * d,
            "final norm": 2 * d,
            "rest": p * p * c * d + (patches + 1) * d + n * (3 * d * d + 2 * d * m) + d * k,
        }
        return sum(value for name, value in parts.items() if name not in without)

    return count


PARAMETERS = Exercise(
    name="04.parameters",
    title="Counting a ViT to the last parameter",
    reference=vit_parameters,
    cases=lambda: [
        (224, 16, 1024, 24, 4096, 1000, 3),
        (28, 7, 64, 3, 128, 10, 1),
        (224, 14, 1280, 32, 5120, 1000, 3),
        (32, 4, 96, 5, 200, 7, 3),
    ],
    misconceptions=(
        Misconception(
            _counted("output projection", "biases", "class token", "block norms", "final norm"),
            "These are the terms of the slide, and they leave out the projection after the heads, the biases, the "
            "norms and the class token.",
        ),
        Misconception(
            _counted("output projection"),
            "The output projection is missing: after the heads are merged, one more dim × dim layer mixes them (only "
            "its biases are in your count).",
        ),
        Misconception(
            _counted("biases"), "The biases are missing: every linear layer has one number more an output."
        ),
        Misconception(
            _counted("class token"),
            "You are dim numbers short: the class token is a learned vector, and it has a position of its own; one of "
            "the two is missing.",
        ),
        Misconception(_counted("final norm"), "The norm before the head is missing: 2 · dim numbers."),
        Misconception(
            _counted("block norms"), "The norms inside the blocks are missing: two a block, a scale and a shift each."
        ),
        Misconception(
            _counted("block norms", "final norm"),
            "The norms are missing: two in every block and one before the head, a scale and a shift each.",
        ),
    ),
    hints=(
        "A linear layer from a to b has a · b weights and b biases. List the layers of one block first.",
        "A block: four dim × dim layers (query, key, value, output), two MLP layers, two norms of 2 · dim numbers.",
        "Around the blocks: the projection of a patch, one class token, (patches + 1) positions, one norm, the head.",
    ),
)


def _maps_cases() -> list[tuple]:
    return [
        ([torch.randn(batch, heads, n, n).softmax(-1) for _ in range(layers)],)
        for batch, heads, n, layers in ((2, 3, 5, 3), (1, 2, 4, 2), (2, 1, 6, 4))
    ]


def _rolled(
    maps: list[Tensor],
    one: Callable[[Tensor], Tensor],
    step: Callable[[Tensor, Tensor], Tensor] = lambda layer, so_far: layer @ so_far,
) -> list[Tensor]:
    so_far = torch.eye(maps[0].shape[-1]).expand(len(maps[0]), -1, -1)
    result = []
    for layer in maps:
        so_far = step(one(layer), so_far)
        result.append(so_far)
    return result


def _half_identity(layer: Tensor) -> Tensor:
    return (layer.mean(1) + torch.eye(layer.shape[-1])) / 2


def _largest_head(layer: Tensor) -> Tensor:
    mixed = layer.amax(1) + torch.eye(layer.shape[-1])
    return mixed / mixed.sum(-1, keepdim=True)


ROLLOUT = Exercise(
    name="04.attention_rollout",
    title="Attention through all layers",
    reference=attention_rollout,
    cases=_maps_cases,
    misconceptions=(
        Misconception(
            lambda maps: _rolled(maps, lambda layer: layer.mean(1)),
            "The residual connection is missing: half of what a token is comes from itself, ½A + ½I.",
        ),
        Misconception(
            lambda maps: _rolled(maps, lambda layer: layer.mean(1) + torch.eye(layer.shape[-1])),
            "A + I has rows that sum to two, and the sum doubles with every layer: take half of it.",
        ),
        Misconception(
            lambda maps: _rolled(maps, _half_identity, lambda layer, so_far: so_far @ layer),
            "The product is in the wrong order: what layer 2 reads has passed layer 1, so layer 2 stands on the left.",
        ),
        Misconception(
            lambda maps: _rolled(maps, _largest_head),
            "You take the largest of the heads: rollout takes their mean.",
        ),
        Misconception(
            lambda maps: [_half_identity(layer) for layer in maps],
            "Each layer stands alone: multiply it with what has come up through the layers below.",
        ),
        Misconception(
            lambda maps: _rolled(maps, _half_identity)[-1],
            "Only the last map is returned: return a list with one cumulative map a layer.",
        ),
    ),
    hints=(
        "Work on one layer first: mean over the heads (axis 1), then ½A + ½I for the residual connection.",
        "Start with the identity; each layer multiplies what is there so far from the left.",
        "In a loop: `rollout = (weights.mean(dim=1) + identity) / 2 @ rollout`, and append it to a list.",
    ),
)

EXERCISES = (PATCHIFY, PROJECTION_KERNEL, SEQUENCE, ATTENTION_BYTES, PARAMETERS, ROLLOUT)
