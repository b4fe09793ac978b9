"""Turns a scene of coloured shapes into pixels, masks and a sentence. Notebooks 01, 05, 08, 09 and 10.

A :class:`Scene` lists the objects and their places; :func:`draw` draws many scenes at once, by day or by night.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

from course_utils.modes import on_cpu
from course_utils.settings import Count, Seed, checked

SHAPES = ("circle", "square", "triangle", "cross", "ring", "star", "bar", "crescent")
TEXTURES = ("plain", "striped", "dotted", "checked")
COLOURS = {
    "red": (0.84, 0.15, 0.16),
    "orange": (0.96, 0.55, 0.10),
    "yellow": (0.95, 0.85, 0.25),
    "green": (0.15, 0.62, 0.35),
    "blue": (0.15, 0.40, 0.85),
    "purple": (0.60, 0.30, 0.70),
}
LARGEST_SCALE = 8.0  # an object of this scale fills the image
CHUNK = 512  # images drawn at once: small enough for the processor's cache


@dataclass(frozen=True)
class Scene:
    """Objects of count images, (count, objects) each; lengths are fractions of the image's side."""

    shape: Tensor  # index in SHAPES
    colour: Tensor  # index in COLOURS
    texture: Tensor  # index in TEXTURES
    scale: Tensor  # 1 to 8
    x: Tensor  # centre, 0 left to 1 right
    y: Tensor  # centre, 0 top to 1 bottom
    angle: Tensor  # radians
    background: Tensor  # (count,) brightness

    def __getitem__(self, index: int | slice | Tensor) -> "Scene":
        return Scene(**{name: value[index] for name, value in vars(self).items()})

    @property
    def radius(self) -> Tensor:
        """Half the width of each object as a fraction of the image's side."""
        return self.scale / (2 * LARGEST_SCALE)


@on_cpu()
def draw(scene: Scene, size: int, night: bool = False, seed: int = 0) -> Tensor:
    """→ (count, 3, size, size), float32 in [0, 1]. seed affects only the noise at night."""
    size, seed = checked("size", size, Count), checked("seed", seed, Seed)
    generator = torch.Generator().manual_seed(seed)
    count = len(scene.background)
    images = torch.empty(count, 3, size, size)
    for chunk in chunks(count):
        images[chunk] = _draw(scene[chunk], size, night, generator)
    return images


def chunks(count: int) -> Iterator[slice]:
    """Slices of at most CHUNK images that together cover count."""
    return (slice(start, start + CHUNK) for start in range(0, count, CHUNK))


@on_cpu()
def masks_of(scene: Scene, size: int) -> Tensor:
    """→ (count, objects, size, size), boolean: the pixels of each object."""
    centres = (torch.arange(size) + 0.5) / size
    across = (centres - scene.x[..., None]) / scene.radius[..., None]  # (count, objects, size), in radii
    down = (centres - scene.y[..., None]) / scene.radius[..., None]
    cosine, sine = scene.angle.cos()[..., None], scene.angle.sin()[..., None]
    masks = torch.empty(*scene.shape.shape, size, size, dtype=torch.bool)
    for index, shape in enumerate(SHAPES):
        chosen = scene.shape == index
        x, y, c, s = (values[chosen] for values in (across, down, cosine, sine))
        u = rearrange(x * c, "m w -> m 1 w") + rearrange(y * s, "m h -> m h 1")
        v = rearrange(y * c, "m h -> m h 1") - rearrange(x * s, "m w -> m 1 w")
        masks[chosen] = _inside(shape, u, v)
    return masks


def _inside(shape: str, u: Tensor, v: Tensor) -> Tensor:
    """Whether points lie in a shape within the unit disc; u (right) and v (down) are in radii from the centre."""
    match shape:
        case "circle":
            return u**2 + v**2 < 1
        case "square":
            return (u.abs() < 0.7) & (v.abs() < 0.7)
        case "triangle":
            return (v < 0.5) & (v > 3**0.5 * u.abs() - 1)
        case "cross":
            across, down = u.abs(), v.abs()
            return (torch.minimum(across, down) < 0.28) & (torch.maximum(across, down) < 0.95)
        case "ring":
            squared = u**2 + v**2
            return (squared < 1) & (squared > 0.3)
        case "star":
            return (u**2 + v**2).sqrt() < 0.62 + 0.38 * torch.cos(5 * torch.atan2(u, -v))
        case "bar":
            return (u.abs() < 0.95) & (v.abs() < 0.3)
        case _:  # crescent
            return (u**2 + v**2 < 1) & ((u - 0.45) ** 2 + v**2 > 0.6)


def _draw(scene: Scene, size: int, night: bool, generator: torch.Generator) -> Tensor:
    masks = masks_of(scene, size)
    place = torch.arange(size)
    row, column = place[:, None], place[None, :]
    patterns = torch.stack(  # (textures, size, size): 1 bright, 0.45 dark
        [
            torch.ones(size, size),
            0.45 + 0.55 * ((row + column) % 4 < 2),
            0.45 + 0.55 * ((row % 3 < 2) | (column % 3 < 2)),
            0.45 + 0.55 * ((row // 2 + column // 2) % 2),
        ]
    )
    light = torch.linspace(1.15, 0.85, size)[:, None]  # a little brighter at the top
    images = rearrange(scene.background[:, None, None] * light, "n h w -> n 1 h w").expand(-1, 1, -1, size)
    palette = torch.tensor(list(COLOURS.values()))
    for index in range(masks.shape[1]):  # a later object covers an earlier one; those of make_shapes never overlap
        colour = rearrange(palette[scene.colour[:, index]], "n c -> n c 1 1")
        paint = colour * rearrange(patterns[scene.texture[:, index]], "n h w -> n 1 h w")
        images = torch.where(masks[:, index, None], paint, images)
    if night:
        tint = torch.tensor([0.22, 0.25, 0.42])[:, None, None]
        noise = torch.randn(len(images), 1, size, size, generator=generator)  # grain
        images = (images * tint).add_(0.03 * noise).clamp_(0, 1)
    return images


def describe(scene: Scene) -> str:
    """One image's scene in words: each object's size, colour, texture, shape and place."""
    phrases = []
    for index in range(len(scene.shape)):
        scale = float(scene.scale[index])
        size = "small" if scale < 3 else "large" if scale >= 5 else "medium"
        row = ("top", "middle", "bottom")[min(int(scene.y[index] * 3), 2)]
        column = ("left", "centre", "right")[min(int(scene.x[index] * 3), 2)]
        place = "centre" if (row, column) == ("middle", "centre") else f"{row} {column}"
        colour, texture = tuple(COLOURS)[scene.colour[index]], TEXTURES[scene.texture[index]]
        phrases.append(f"a {size} {colour} {texture} {SHAPES[scene.shape[index]]} in the {place}")
    return " and ".join(phrases)
