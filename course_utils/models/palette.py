"""Colours as tokens: an image becomes a sequence of palette indices. Chen et al. 2020, section 3.2. Notebook 03."""

import torch
from einops import rearrange
from torch import Tensor

from course_utils.models.refusals import may_read


def grey_levels(levels: int) -> Tensor:
    """→ (levels, 1): evenly spaced from black, 0, to white, 1. Raises ValueError for fewer than two."""
    if levels < 2:
        raise ValueError(f"levels is {levels}, but must be at least 2: black and white.")
    return torch.linspace(0, 1, levels)[:, None]


def learn_palette(images: Tensor, colours: int, seed: int = 0) -> Tensor:
    """(batch, channels, height, width) → (colours, channels): the centres of k-means over all pixels, dark ones first.

    iGPT learns its 512 colours in this way: Chen et al. 2020, section 3.2. Raises ValueError if the images have fewer
    different colours than that.
    """
    from sklearn.cluster import MiniBatchKMeans

    pixels = rearrange(images.detach().cpu(), "b c h w -> (b h w) c")
    different = len(pixels.unique(dim=0))
    if not 2 <= colours <= different:
        raise ValueError(
            f"The palette should have {colours} colours, but these images have {different:,} different ones: "
            f"choose 2 to {different:,}."
        )
    clusters = MiniBatchKMeans(colours, random_state=seed, n_init=3, batch_size=4096).fit(pixels.double().numpy())
    centres = torch.from_numpy(clusters.cluster_centers_).float()
    return centres[centres.sum(dim=1).argsort()].to(images.device)


def quantise(images: Tensor, palette: Tensor) -> Tensor:
    """Each pixel becomes the index of the nearest palette colour (Euclidean distance), in raster order.

    images (batch, channels, height, width), palette (colours, channels) → (batch, height · width), int64, from 0 to
    colours − 1. Pixels are read row by row from the top left; if two colours are equally near, either is right. Chen
    et al. 2020, section 3.2.
    """
    pixels = rearrange(images, "b c h w -> b h w 1 c")
    distance = (pixels - palette).square().sum(dim=-1)
    return rearrange(distance.argmin(dim=-1), "b h w -> b (h w)")


def paint(tokens: Tensor, palette: Tensor) -> Tensor:
    """(batch, side²) colour indices, palette (colours, channels) → square images (batch, channels, side, side).

    Raises ValueError for an index outside the palette and for a number of pixels that is not a square.
    """
    check_colours(tokens, len(palette))
    side = round(tokens.shape[1] ** 0.5)
    if side**2 != tokens.shape[1]:
        raise ValueError(f"{tokens.shape[1]} pixels do not make a square: pass a whole image, for example {side**2}.")
    return rearrange(palette[tokens], "b (h w) c -> b c h w", h=side)


def check_colours(tokens: Tensor, colours: int) -> None:
    """Raise ValueError if a token is not an index into a palette with that many colours."""
    if tokens.is_floating_point():
        raise ValueError(f"The pixels are {tokens.dtype}, but must be colour indices: use model.encode(images).")
    if tokens.numel() and may_read(tokens) and not 0 <= tokens.min() <= tokens.max() < colours:
        wrong = tokens.min() if tokens.min() < 0 else tokens.max()
        raise ValueError(
            f"There is a pixel of colour {int(wrong)}, but the palette has the colours 0 to {colours - 1}: "
            "encode the images with this palette."
        )
