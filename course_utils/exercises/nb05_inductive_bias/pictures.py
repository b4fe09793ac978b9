"""What is done to a picture to find out what a model takes for granted: a shift, a shuffle of its patches."""

from collections.abc import Callable

import torch
from einops import rearrange
from torch import Generator, Tensor

from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.probes import shift_images, shuffle_patches


def _shift_cases(g: Generator) -> list[Arguments]:
    shifts = [((2, 1, 6, 6), 2, 1), ((1, 3, 5, 8), -1, 3), ((2, 2, 7, 4), 1, -2), ((1, 1, 6, 6), -3, -1)]
    return [(torch.rand(*shape, generator=g), down, right) for shape, down, right in shifts] + [
        (torch.rand(1, 1, 4, 5, generator=g), 0, 0)
    ]


def _edge_kept(images: Tensor, down: int, right: int) -> Tensor:
    height, width = images.shape[-2:]
    rows = (torch.arange(height) - down).clamp(0, height - 1)
    columns = (torch.arange(width) - right).clamp(0, width - 1)
    return images[..., rows[:, None], columns]


SHIFT_IMAGES = Exercise(
    name="05.shift_images",
    title="The same picture, moved",
    points=2,
    reference=shift_images,
    learns=("images",),
    cases=_shift_cases,
    hints=(
        "`F.pad(images, (left, right, top, bottom))` puts zeros around a picture. To move it 2 down, how many rows "
        "of zeros belong on top? Which rows are then too many?",
        "Pad on one side, then cut a piece of the old height and width out of the padded picture. A shift to the "
        "right pads left and cuts off on the right; a negative one, the other way round.",
        "`max(right, 0)` zeros on the left and `max(-right, 0)` on the right; the piece to keep begins at column "
        "`max(-right, 0)`. Rows likewise, with down.",
    ),
    misconceptions=(
        Misconception(
            lambda images, down, right: images.roll((down, right), (-2, -1)),
            "What leaves the picture on one side comes in on the other: that is roll. Here it is lost, and zeros "
            "come in.",
        ),
        Misconception(
            lambda images, down, right: shift_images(images, -down, -right),
            "The picture moves the wrong way: positive numbers go down and to the right, so the zeros come in at "
            "the top and on the left.",
        ),
        Misconception(
            lambda images, down, right: shift_images(images, right, down),
            "Down and right are exchanged. The last axis is the width; F.pad takes its two numbers first.",
        ),
        Misconception(
            _edge_kept,
            "The edge of the picture is repeated where it moved away. Zeros should come in there.",
        ),
        Misconception(
            lambda images, down, right: shift_images(images, abs(down), abs(right)),
            "Negative shifts go the same way as positive ones. They move up and to the left.",
        ),
    ),
)


def _shuffle_cases(g: Generator) -> list[Arguments]:
    shapes = [((2, 1, 8, 12), 4), ((1, 3, 6, 6), 2), ((2, 2, 9, 6), 3), ((1, 1, 8, 8), 2)]
    return [
        (
            torch.rand(*shape, generator=g),
            patch_size,
            torch.randperm(shape[2] * shape[3] // patch_size**2, generator=g),
        )
        for shape, patch_size in shapes
    ]


def _shuffled_by(
    gather: Callable[[Tensor, Tensor], Tensor] = lambda patches, order: patches[:, order],
    split: str = "b c (h p) (w q) -> b (h w) c p q",
) -> Callable[[Tensor, int, Tensor], Tensor]:
    """The shuffle with one of its steps replaced."""

    def wrong(images: Tensor, patch_size: int, order: Tensor) -> Tensor:
        rows = images.shape[-2] // patch_size
        patches = rearrange(images, split, p=patch_size, q=patch_size)
        return rearrange(gather(patches, order), "b (h w) c p q -> b c (h p) (w q)", h=rows)

    return wrong


def _pixels_shuffled_too(images: Tensor, patch_size: int, order: Tensor) -> Tensor:
    shuffled = shuffle_patches(images, patch_size, order)
    patches = rearrange(shuffled, "b c (h p) (w q) -> b h w c (p q)", p=patch_size, q=patch_size).flip(-1)
    return rearrange(patches, "b h w c (p q) -> b c (h p) (w q)", p=patch_size)


def _each_its_own_way(images: Tensor, patch_size: int, order: Tensor) -> Tensor:
    """The order turned by one more place for every picture of the batch."""
    turned = [shuffle_patches(one[None], patch_size, order.roll(index)) for index, one in enumerate(images)]
    return torch.cat(turned)


SHUFFLE_PATCHES = Exercise(
    name="05.shuffle_patches",
    title="The same patches in another order",
    points=2,
    reference=shuffle_patches,
    learns=("images",),
    cases=_shuffle_cases,
    hints=(
        "Three steps: cut the picture into patches, put the patches in another order, lay them out again.",
        "With einops, patches as an axis of their own: `b c (h p) (w q) -> b (h w) c p q`. Then the order is an "
        "index on that axis.",
        "`patches[:, order]` puts patch order[i] at place i. The way back is the same pattern from right to left; "
        "tell einops the number of rows, h.",
    ),
    misconceptions=(
        Misconception(
            _shuffled_by(lambda patches, order: patches[:, order.argsort()]),
            "This is the inverse permutation: patch i went to place order[i]. At place i should stand patch "
            "order[i].",
        ),
        Misconception(
            _shuffled_by(split="b c (h p) (w q) -> b (w h) c p q"),
            "The patches are counted down the columns when they are cut, and along the rows when they are laid out. "
            "Raster order is (h w) both times.",
        ),
        Misconception(
            _pixels_shuffled_too,
            "The patches stand where they should, but the pixels inside them are in another order too. They stay "
            "as they are.",
        ),
        Misconception(
            _each_its_own_way,
            "Every picture of the batch has an order of its own. The permutation is one and the same for all: only "
            "then can it be learned.",
        ),
        Misconception(
            lambda images, patch_size, order: images,
            "The pictures come back as they were. Use the order as an index on the axis of patches.",
        ),
    ),
)
