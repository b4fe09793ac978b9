"""Position embeddings for images of another size. Dosovitskiy et al. 2021, section 3.2. Notebooks 04 and 05."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from dataclasses import replace
from typing import Annotated, Any, Self

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.models.refusals import WrongShape
from course_utils.modes import known
from course_utils.settings import Count, at_least, checked, shown

Grid = tuple[int, int]  # rows, columns


def interpolate_positions(
    positions: Tensor, grid: Grid, old_grid: Grid | None = None, special_tokens: int = 1, antialias: bool = True
) -> Tensor:
    """(1, special tokens + old patches, dim) → (1, special tokens + rows · columns, dim), of the same type.

    The positions of the patches form an image of old_grid (rows, columns), by default a square, whose channels are
    the features. It is resized to grid, also an oblong one, by bicubic interpolation in float32. The special tokens,
    which come first, keep their positions. antialias: smooth where the new grid is coarser, as timm does and DINOv2
    does not. Gradients reach the positions. Equal to timm's ``resample_abs_pos_embed``. Raises ValueError for
    positions that do not form the old grid, and for a grid without patches. Dosovitskiy et al. 2021, section 3.2.
    """
    rows, columns = checked("grid", grid, tuple[Count, Count])
    special_tokens = checked("special_tokens", special_tokens, Annotated[int, at_least(0)])
    old_rows, old_columns = _old_grid(positions, old_grid, special_tokens)
    if (rows, columns) == (old_rows, old_columns):
        return positions
    special, patches = positions[:, :special_tokens], positions[:, special_tokens:]
    image = rearrange(patches.float(), "b (h w) d -> b d h w", h=old_rows)
    resized = F.interpolate(image, size=(rows, columns), mode="bicubic", antialias=antialias)
    return torch.cat([special, rearrange(resized, "b d h w -> b (h w) d").to(positions.dtype)], dim=1)


def _old_grid(positions: Tensor, old_grid: Grid | None, special_tokens: int) -> Grid:
    """The grid that the positions of the patches form. Raises ValueError if there is none."""
    is_tensor = isinstance(positions, Tensor)
    if not is_tensor or positions.ndim != 3 or len(positions) != 1 or not positions.is_floating_point():
        found = f"{positions.dtype} of shape {tuple(positions.shape)}" if is_tensor else shown(positions)
        raise ValueError(
            f"positions is {found}, but must be floating-point numbers of shape (1, tokens, dim): pass the positions "
            "of a ViT."
        )
    patches = positions.shape[1] - special_tokens
    side = math.isqrt(max(patches, 0))
    rows, columns = (side, side) if old_grid is None else checked("old_grid", old_grid, tuple[Count, Count])
    if not patches or rows * columns != patches:
        form = "a square" if old_grid is None else f"a grid of {rows} × {columns}"
        raise ValueError(
            f"{positions.shape[1]} positions without those of {special_tokens} special tokens do not form {form}: pass "
            "their grid as old_grid=(rows, columns), or another number of special_tokens."
        )
    return rows, columns


class OtherSizes:
    """What a ViT needs for images of other sizes than its configuration's, whose patches form another grid."""

    config: Any
    positions: nn.Parameter
    special_tokens: Any  # (1, special tokens, dim)

    @contextmanager
    def any_size(self, antialias: bool = True) -> Iterator[None]:
        """In the block, the model reads images of any height and width in whole patches, and so in any grid.

        In each forward pass, the positions are interpolated to the images' grid, as by :func:`interpolate_positions`.
        Only this thread knows of it; the model itself is not changed.
        """
        with known(_ANY_SIZE, (self, antialias)):
            yield

    def resized(self, image_size: int | tuple[int, int], antialias: bool = True) -> Self:
        """A copy of the model for images of another size, also (height, width), to be fine-tuned or saved.

        Its positions are those of :func:`interpolate_positions`. Raises ValueError for a size that is not a multiple
        of patch_size.
        """
        model = deepcopy(self)
        model.config = replace(self.config, image_size=image_size)
        height, width = model.config.height_and_width
        positions = self._interpolated(height, width, antialias).detach()
        model.positions = nn.Parameter(positions.clone(), requires_grad=self.positions.requires_grad)
        return model

    def positions_for(self, images: Tensor) -> Tensor:
        """(1, special tokens + patches, dim): what the model adds to the tokens of these images."""
        if (antialias := _antialias(self)) is None:
            return self.positions
        height, width = images.shape[-2:]
        return self._interpolated(height, width, antialias)

    def _interpolated(self, height: int, width: int, antialias: bool) -> Tensor:
        c = self.config
        grid = height // c.patch_size, width // c.patch_size
        return interpolate_positions(self.positions, grid, c.grid, self.special_tokens.shape[1], antialias)

    def check_images(self, images: Tensor, at_least: int = 1) -> None:
        """As every model's; in :meth:`any_size`, only whole patches are asked for."""
        if _antialias(self) is None:
            super().check_images(images, at_least)  # type: ignore[misc]
            return
        channels, patch = self.config.channels, self.config.patch_size
        if images.ndim != 4 or images.shape[1] != channels or any(not n or n % patch for n in images.shape[2:]):
            reads = f"(batch, {channels}, height, width), both multiples of {patch} pixels"
            raise WrongShape(images.shape, f"this {type(self).__name__}", reads, "crop or resize the images")


def _antialias(model: OtherSizes) -> bool | None:
    """That of the innermost block of :meth:`OtherSizes.any_size`; None outside all blocks."""
    return next((antialias for one, antialias in reversed(_ANY_SIZE.get()) if one is model), None)


_ANY_SIZE: ContextVar[tuple[tuple[OtherSizes, bool], ...]] = ContextVar("any_size", default=())
