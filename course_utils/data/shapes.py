"""Procedural pictures of coloured shapes: unlimited, made in memory, and everything about them is known.

A :class:`Scene` says what is where; :func:`draw` paints it. Every object has its mask, so attention can be scored
against the truth; day and night show the same scene, so a domain can be shifted while the labels stay.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import torch
from einops import rearrange
from torch import Tensor

from course_utils.data.pictures import Pictures

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
LARGEST_SCALE = 8.0  # an object of this scale fills the picture
CHUNK = 512  # pictures drawn at once: small enough for the processor's cache


@dataclass(frozen=True)
class ShapesConfig:
    """What kinds of scenes to make. Raises ValueError, in words, for what cannot be drawn."""

    size: int = 32  # pixels a side
    objects: int = 1  # 1 to 4, never overlapping; the first one gives the label
    scales: tuple[float, float] = (3.0, 7.0)  # from 1 (about an eighth of the picture) to 8 (all of it)
    night: bool = False

    def __post_init__(self) -> None:
        if self.size < 16:
            raise ValueError(f"size is {self.size} pixels, but shapes need at least 16 to be told apart.")
        if not 1 <= self.objects <= 4:
            raise ValueError(f"objects is {self.objects}, but a picture holds 1 to 4.")
        low, high = self.scales
        if not 1 <= low <= high <= LARGEST_SCALE:
            raise ValueError(f"scales are {self.scales}, but must be (smallest, largest) within 1 and 8.")


@dataclass(frozen=True)
class Scene:
    """Objects of count pictures, (count, objects) each; lengths are fractions of the picture's side."""

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
        """Half the width of each object as a fraction of the picture's side."""
        return self.scale / (2 * LARGEST_SCALE)


@dataclass(frozen=True)
class Shapes(Pictures):
    """Pictures with the scene they were drawn from."""

    scene: Scene
    size: int
    is_night: bool
    seed: int

    @cached_property
    def masks(self) -> Tensor:
        """(count, objects, height, width), boolean: the pixels of each object."""
        return torch.cat([_masks(self.scene[chunk], self.size) for chunk in _chunks(len(self))])

    @property
    def scales(self) -> Tensor:
        """(count, objects): from 1 to 8, proportional to the width of the object."""
        return self.scene.scale

    @cached_property
    def captions(self) -> list[str]:
        """One sentence a picture, naming each object's size, colour, texture, shape and place."""
        return [_caption(self.scene[index]) for index in range(len(self))]

    def select(self, indices: Tensor | slice) -> Self:
        """The pictures at these places, in this order, with their scenes."""
        return replace(super().select(indices), scene=self.scene[indices])

    def day(self) -> Self:
        """The same scenes by day."""
        return self._at(night=False)

    def night(self) -> Self:
        """The same scenes by night: dark, blue, noisy."""
        return self._at(night=True)

    def _at(self, night: bool) -> Self:
        return replace(self, images=draw(self.scene, self.size, night, self.seed), is_night=night)


def make_shapes(count: int, config: ShapesConfig | None = None, seed: int = 0) -> Shapes:
    """count pictures of random scenes, labelled by the shape of their first object.

    The same count, config and seed give the same pictures to the last bit on the same machine; PyTorch's global
    random state is neither used nor changed. Raises ValueError for a count below one.
    """
    if count < 1:
        raise ValueError(f"count is {count}, but must be at least 1.")
    config = config or ShapesConfig()
    generator = torch.Generator().manual_seed(seed)
    scene = _random_scene(count, config, generator)
    return _shapes(scene, scene.shape[:, 0], SHAPES, "shapes", config.size, config.night, seed)


def same_different(count: int, size: int = 32, distance: float = 0.5, scale: float = 2.5, seed: int = 0) -> Shapes:
    """Two objects far apart; label 1 when they have the same shape, 0 when not.

    distance is that between their centres, as a fraction of the side. Each object alone is equally likely to be any
    shape whatever the label, so nothing that looks at one object at a time can tell.
    Raises ValueError when two objects of that scale cannot be that far apart within the picture.
    """
    radius = scale / (2 * LARGEST_SCALE)
    if not 2 * radius <= distance <= 1 - 2 * radius:
        raise ValueError(
            f"distance is {distance}, but objects of scale {scale} fit between {2 * radius:.2f} and "
            f"{1 - 2 * radius:.2f} of the side: change one of the two."
        )
    if count < 1:
        raise ValueError(f"count is {count}, but must be at least 1.")
    generator = torch.Generator().manual_seed(seed)
    scene = _random_scene(count, ShapesConfig(size=size, objects=2, scales=(scale, scale)), generator)
    same = torch.randint(2, (count,), generator=generator)
    first = scene.shape[:, 0]
    other = (first + torch.randint(1, len(SHAPES), (count,), generator=generator)) % len(SHAPES)
    room = 1 - 2 * radius - distance
    left = radius + room * torch.rand(count, generator=generator)
    right = left + distance
    x = torch.stack([left, right], dim=1)
    y = radius + (1 - 2 * radius) * torch.rand(count, 2, generator=generator)
    swap = torch.rand(count, generator=generator) < 0.5
    x[swap] = x[swap].flip(-1)
    scene = replace(scene, shape=torch.stack([first, torch.where(same == 1, first, other)], dim=1), x=x, y=y)
    return _shapes(scene, same, ("different", "same"), "same_different", size, False, seed)


def draw(scene: Scene, size: int, night: bool = False, seed: int = 0) -> Tensor:
    """→ (count, 3, size, size), float32 in [0, 1]. seed decides the noise of the night only."""
    generator = torch.Generator().manual_seed(seed)
    count = len(scene.background)
    images = torch.empty(count, 3, size, size)
    for chunk in _chunks(count):
        images[chunk] = _draw(scene[chunk], size, night, generator)
    return images


def _chunks(count: int) -> Iterator[slice]:
    return (slice(start, start + CHUNK) for start in range(0, count, CHUNK))


def _shapes(
    scene: Scene, labels: Tensor, classes: tuple[str, ...], name: str, size: int, night: bool, seed: int
) -> Shapes:
    source = f"shapes made in memory ({'night' if night else 'day'}, seed {seed})"
    return Shapes(draw(scene, size, night, seed), labels, classes, name, source, scene, size, night, seed)


def _random_scene(count: int, config: ShapesConfig, generator: torch.Generator) -> Scene:
    def choose(options: int) -> Tensor:
        return torch.randint(options, (count, config.objects), generator=generator)

    def between(low: float | Tensor, high: float | Tensor) -> Tensor:
        return low + (high - low) * torch.rand(count, config.objects, generator=generator)

    # One object may be anywhere; several get a quarter of the picture each, so that they never overlap.
    quarters = torch.rand(count, 4, generator=generator).argsort(dim=1)[:, : config.objects]
    side = 1.0 if config.objects == 1 else 0.5
    low, high = (min(scale, LARGEST_SCALE * side) for scale in config.scales)
    scale = between(low, high)
    radius = scale / (2 * LARGEST_SCALE)
    left, top = (quarters % 2 * side, quarters // 2 * side) if config.objects > 1 else (0.0, 0.0)
    return Scene(
        shape=choose(len(SHAPES)),
        colour=choose(len(COLOURS)),
        texture=choose(len(TEXTURES)),
        scale=scale,
        x=left + between(radius, side - radius),
        y=top + between(radius, side - radius),
        angle=between(-0.26, 0.26),  # 15 degrees either way
        background=0.08 + 0.22 * torch.rand(count, generator=generator),
    )


def _masks(scene: Scene, size: int) -> Tensor:
    """→ (count, objects, size, size), boolean."""
    centres = (torch.arange(size) + 0.5) / size
    across = (centres - scene.x[..., None]) / scene.radius[..., None]  # (count, objects, size), in radii
    down = (centres - scene.y[..., None]) / scene.radius[..., None]
    cosine, sine = scene.angle.cos()[..., None], scene.angle.sin()[..., None]
    u = rearrange(across * cosine, "n k w -> n k 1 w") + rearrange(down * sine, "n k h -> n k h 1")
    v = rearrange(down * cosine, "n k h -> n k h 1") - rearrange(across * sine, "n k w -> n k 1 w")
    masks = torch.empty(u.shape, dtype=torch.bool)
    for index, shape in enumerate(SHAPES):
        chosen = scene.shape == index
        masks[chosen] = _inside(shape, u[chosen], v[chosen])
    return masks


def _inside(shape: str, u: Tensor, v: Tensor) -> Tensor:
    """Whether points, in radii from the centre (u right, v down), lie in a shape within the unit disc."""
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
    masks = _masks(scene, size)
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
    images = (scene.background[:, None, None] * light).expand(-1, -1, size)
    images = images[:, None].repeat(1, 3, 1, 1)
    palette = torch.tensor(list(COLOURS.values()))
    for index in range(masks.shape[1]):
        paint = palette[scene.colour[:, index]][:, :, None, None] * patterns[scene.texture[:, index]][:, None]
        images = torch.where(masks[:, index, None], paint, images)
    if night:
        tint = torch.tensor([0.22, 0.25, 0.42])[:, None, None]
        noise = torch.randn(images.shape, generator=generator)
        images = (images * tint + 0.03 * noise).clamp(0, 1)
    return images


def _caption(scene: Scene) -> str:
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
