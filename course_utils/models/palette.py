"""Colours as words: a picture becomes a sequence of palette entries. Chen et al. 2020, section 3.2. Notebook 03."""

import torch
from einops import rearrange
from torch import Tensor


def grey_levels(levels: int) -> Tensor:
    """→ (levels, 1): evenly spaced from black, 0, to white, 1. Raises ValueError for fewer than two."""
    if levels < 2:
        raise ValueError(f"levels is {levels}, but must be at least 2: black and white.")
    return torch.linspace(0, 1, levels)[:, None]


def learn_palette(images: Tensor, colours: int, seed: int = 0) -> Tensor:
    """(batch, channels, height, width) → (colours, channels): the centres of k-means over all pixels, dark ones first.

    iGPT learns its 512 colours so. Raises ValueError when the pictures have fewer different colours than are asked.
    """
    from sklearn.cluster import MiniBatchKMeans

    pixels = rearrange(images, "b c h w -> (b h w) c")
    different = len(pixels.unique(dim=0))
    if not 2 <= colours <= different:
        raise ValueError(
            f"A palette of {colours} colours was asked for, but these pictures have {different:,} different ones: "
            f"ask for 2 to {different:,}."
        )
    clusters = MiniBatchKMeans(colours, random_state=seed, n_init=3, batch_size=4096).fit(pixels.double().numpy())
    centres = torch.from_numpy(clusters.cluster_centers_).float()
    return centres[centres.sum(dim=1).argsort()]


def quantise(images: Tensor, palette: Tensor) -> Tensor:
    """Each pixel becomes the number of the palette's nearest colour (Euclidean), in raster order.

    images (batch, channels, height, width), palette (colours, channels) → (batch, height · width), int64, from 0 to
    colours − 1. The pixels are read row by row from the top left; where two colours are equally near, either will do.
    Chen et al. 2020, section 3.2.
    """
    pixels = rearrange(images, "b c h w -> b h w 1 c")
    distance = (pixels - palette).square().sum(dim=-1)
    return rearrange(distance.argmin(dim=-1), "b h w -> b (h w)")


def paint(tokens: Tensor, palette: Tensor) -> Tensor:
    """(batch, side²) numbers of colours, palette (colours, channels) → square pictures (batch, channels, side, side).

    Raises ValueError for a number that the palette does not have and for a count of pixels that makes no square.
    """
    check_colours(tokens, len(palette))
    side = round(tokens.shape[1] ** 0.5)
    if side**2 != tokens.shape[1]:
        raise ValueError(f"{tokens.shape[1]} pixels make no square: give a whole picture, for example {side**2}.")
    return rearrange(palette[tokens], "b (h w) c -> b c h w", h=side)


def check_colours(tokens: Tensor, colours: int) -> None:
    """Raises ValueError when a token is no number of a palette with so many colours."""
    if tokens.is_floating_point():
        raise ValueError(f"The pixels are {tokens.dtype}, but must be numbers of colours: use model.encode(images).")
    if tokens.numel() and not 0 <= tokens.min() <= tokens.max() < colours:
        wrong = tokens.min() if tokens.min() < 0 else tokens.max()
        raise ValueError(
            f"There is a pixel of colour {int(wrong)}, but the palette has the colours 0 to {colours - 1}: "
            "encode the pictures with this palette."
        )
