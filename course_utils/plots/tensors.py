"""Figures of the course: tensors in, matplotlib figures out, in colour-blind-safe colours. All notebooks."""

import math
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from einops import rearrange
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from course_utils.plots.text import wrapped

COLOUR_MAP = "cividis"  # of all numbers; colour-blind eyes see it as others do
SIGNED_COLOUR_MAP = "RdBu_r"  # white is zero


def show_images(
    images: Tensor | Sequence[Tensor], titles: Sequence[str] | None = None, columns: int = 8, size: float = 1.4
) -> Figure:
    """Images (n, channels, height, width) in [0, 1], or a list of them, in a grid; size: inches per image."""
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    height = size * (1.25 if titles else 1.05)
    figure, axes = plt.subplots(
        rows, columns, figsize=(columns * size, rows * height), squeeze=False, layout="constrained"
    )
    for axis in axes.flat:
        axis.axis("off")
    for index, (axis, image) in enumerate(zip(axes.flat, images, strict=False)):
        show_image(image, axis)
        if titles:
            axis.set_title(wrapped(titles[index], size))
    return figure


def show_image(image: Tensor, axis: Axes) -> None:
    """One image (channels, height, width) in [0, 1]; one channel is drawn in grey."""
    pixels = rearrange(image.detach().float().cpu().clamp(0, 1), "c h w -> h w c").numpy()
    axis.imshow(pixels[..., 0] if pixels.shape[-1] == 1 else pixels, cmap="gray", vmin=0, vmax=1)
    axis.axis("off")


def show_matrices(
    matrices: Mapping[str, Tensor],
    rows: str = "query",
    columns: str = "key",
    annotate: bool = False,
    size: float = 2.6,
) -> Figure:
    """Matrices (rows, columns) side by side under their names, each with its own colour scale, from 0 if possible.

    annotate writes the values into the cells; use it for small matrices only.
    """
    figure, axes = plt.subplots(
        1, len(matrices), figsize=(size * len(matrices) * 1.2, size), squeeze=False, layout="constrained"
    )
    for axis, (name, matrix) in zip(axes.flat, matrices.items(), strict=True):
        values = matrix.detach().float().cpu().numpy()
        drawn = axis.imshow(values, cmap=COLOUR_MAP, vmin=min(0, values.min()))
        axis.set(title=name, xlabel=columns, ylabel=rows)
        axis.set_xticks(range(values.shape[1]) if values.shape[1] <= 12 else [0, values.shape[1] - 1])
        axis.set_yticks(range(values.shape[0]) if values.shape[0] <= 12 else [0, values.shape[0] - 1])
        if annotate:
            middle = (drawn.norm.vmin + drawn.norm.vmax) / 2
            fitting = min(plt.rcParams["font.size"], 20 * size / values.shape[1])  # four digits in a cell
            for (row, column), value in np.ndenumerate(values):
                colour = "white" if value < middle else "black"
                axis.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=fitting, color=colour)
        else:
            figure.colorbar(drawn, ax=axis, shrink=0.8)
    return figure


def show_attention_over(
    images: Sequence[Tensor], attention: Sequence[Tensor], titles: Sequence[str] | None = None, size: float = 2.0
) -> Figure:
    """Each image, and below it the same image, brighter where attention (rows, columns) is high."""
    figure, axes = plt.subplots(
        2, len(images), figsize=(size * len(images), 2.15 * size), squeeze=False, layout="constrained"
    )
    for index, (image, weights) in enumerate(zip(images, attention, strict=True)):
        show_image(image, axes[0, index])
        show_image(image, axes[1, index])
        height, width = image.shape[-2:]
        axes[1, index].imshow(
            weights.detach().float().cpu().numpy(),
            cmap=COLOUR_MAP,
            alpha=0.7,
            extent=(-0.5, width - 0.5, height - 0.5, -0.5),
        )
        if titles:
            axes[0, index].set_title(wrapped(titles[index], size))
    return figure


def show_position_similarity(positions: Tensor, columns: int | None = None, size: float = 5.0) -> Figure:
    """Cosine similarity of the position embeddings (rows · columns, dim) of a grid: one small map per position.

    The small map at row r, column c compares the embedding of (r, c) with the embedding of every position.
    Dosovitskiy et al. 2021, figure 7 (centre). The grid is taken to be square unless you pass columns. Raises
    ValueError if the positions do not fill it.
    """
    rows = math.isqrt(len(positions)) if columns is None else len(positions) // columns
    columns = columns or rows
    if rows * columns != len(positions):
        raise ValueError(f"{len(positions)} positions do not fill {rows} rows of {columns}: pass the grid's columns.")
    unit = positions.detach().float().cpu()
    unit = unit / unit.norm(dim=-1, keepdim=True)
    similarity = rearrange(unit @ unit.mT, "n (y x) -> n y x", x=columns).numpy()
    figure, axes = plt.subplots(
        rows, columns, figsize=(size * columns / rows + 0.8, size), squeeze=False, layout="constrained"
    )
    for axis, small_map in zip(axes.flat, similarity, strict=True):
        axis.imshow(small_map, cmap=SIGNED_COLOUR_MAP, vmin=-1, vmax=1)
        axis.set(xticks=[], yticks=[])
    for column, axis in enumerate(axes[-1]):
        axis.set_xlabel(f"{column}")
    for row, axis in enumerate(axes[:, 0]):
        axis.set_ylabel(f"{row}")
    figure.supxlabel("column")
    figure.supylabel("row")
    figure.colorbar(axes[0, 0].images[0], ax=axes, shrink=0.8, label="cosine similarity")
    return figure
