"""Procedural images of coloured shapes: unlimited, drawn in memory, with full ground truth.

Every object has a mask, so attention can be compared with the ground truth. Day and night show the same scene, so the
domain can shift while the labels stay the same. Notebooks 01, 05, 08, 09 and 10.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated, Self

import torch
from torch import Tensor

from course_utils.data.drawing import (
    COLOURS,
    LARGEST_SCALE,
    SHAPES,
    TEXTURES,
    Scene,
    chunks,
    describe,
    draw,
    masks_of,
)
from course_utils.data.labelled_images import HowMany, LabelledImages
from course_utils.modes import on_cpu
from course_utils.settings import LARGEST, Seed, Settings, at_least, at_most, between, checked


@dataclass(frozen=True)
class ShapesConfig(Settings):
    """The kind of scenes to draw. Raises ValueError for scenes that cannot be drawn."""

    size: Annotated[int, at_least(16, " pixels to show the shapes"), at_most(LARGEST)] = 32  # pixels per side
    objects: Annotated[int, between(1, 4)] = 1  # 1 to 4, never overlapping; the first one determines the label
    scales: tuple[float, float] = (3.0, 7.0)  # from 1 (an eighth of the image's side) to 8 (all of it); with several
    # objects, each gets a quarter of the image, so its scale is at most 4
    night: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        low, high = self.scales
        if not 1 <= low <= high <= LARGEST_SCALE:
            raise ValueError(f"scales are {self.scales}, but must be (smallest, largest) within 1 and 8.")
        if low * self.size < 32:  # a bar narrower than four pixels can fall between pixels and leave no mask
            raise ValueError(
                f"The smallest scale is {low:g}, but at {self.size} pixels a visible object needs at least "
                f"{32 / self.size:g}: increase scales or size."
            )


@dataclass(frozen=True, eq=False, repr=False)
class Shapes(LabelledImages):
    """Images with the scene they were drawn from."""

    scene: Scene
    size: int
    seed: int

    @cached_property
    def masks(self) -> Tensor:
        """(count, objects, height, width), boolean: the pixels of each object."""
        return torch.cat([masks_of(self.scene[chunk], self.size) for chunk in chunks(len(self))])

    @property
    def scales(self) -> Tensor:
        """(count, objects): from 1 to 8, proportional to the width of the object."""
        return self.scene.scale

    @cached_property
    def captions(self) -> list[str]:
        """One sentence per image, naming each object's size, colour, texture, shape and place."""
        return [describe(self.scene[index]) for index in range(len(self))]

    def select(self, indices: Tensor | slice) -> Self:
        """The images at these places, in this order, with their scenes."""
        return replace(super().select(indices), scene=self.scene[indices])

    def day(self) -> Self:
        """The same scenes by day."""
        return self._at(night=False)

    def night(self) -> Self:
        """The same scenes by night: dark, blue, noisy."""
        return self._at(night=True)

    def _at(self, night: bool) -> Self:
        return replace(self, images=draw(self.scene, self.size, night, self.seed))


@on_cpu()
def make_shapes(count: int, config: ShapesConfig | None = None, seed: int = 0) -> Shapes:
    """Draw count images of random scenes, labelled by the shape of their first object.

    The same count, config and seed give exactly the same images on the same machine; PyTorch's global random state is
    neither used nor changed. Raises ValueError for a count below one.
    """
    count, seed = checked("count", count, HowMany), checked("seed", seed, Seed)
    config = checked("config", config, ShapesConfig | None) or ShapesConfig()
    generator = torch.Generator().manual_seed(seed)
    scene = _random_scene(count, config, generator)
    return _shapes(scene, scene.shape[:, 0], SHAPES, "shapes", config.size, config.night, seed)


@on_cpu()
def same_different(
    count: int,
    size: int = 32,
    distance: float = 0.5,
    scale: float = 2.5,
    seed: int = 0,
    shapes: Sequence[str] = SHAPES,
    colours: Sequence[str] | None = None,
) -> Shapes:
    """Two objects far apart; label 1 if they have the same shape, else 0. With colours: the same colour.

    distance is the horizontal distance of their centres, as a fraction of the side; their heights are random. For
    either label, each object alone is equally likely to be any of the shapes (colours), so no model that sees one
    object at a time can tell the label. With colours, the two shapes are drawn independently. Raises ValueError if
    two objects of that scale cannot be that far apart in the image, and for shapes or colours that are unknown,
    repeated or fewer than two.
    """
    count, seed = checked("count", count, HowMany), checked("seed", seed, Seed)
    distance, scale = checked("distance", distance, float), checked("scale", scale, float)
    radius = scale / (2 * LARGEST_SCALE)
    if not 2 * radius <= distance <= 1 - 2 * radius:
        raise ValueError(
            f"distance is {distance}, but objects of scale {scale} fit between {2 * radius:.2f} and "
            f"{1 - 2 * radius:.2f} of the side: change one of the two."
        )
    kinds = _places("shapes", shapes, SHAPES)
    compared = kinds if colours is None else _places("colours", colours, tuple(COLOURS))
    generator = torch.Generator().manual_seed(seed)
    scene = _random_scene(count, ShapesConfig(size=size, objects=2, scales=(scale, scale)), generator)
    same = torch.randint(2, (count,), generator=generator)
    first = torch.randint(len(compared), (count,), generator=generator)
    other = (first + torch.randint(1, len(compared), (count,), generator=generator)) % len(compared)
    room = 1 - 2 * radius - distance
    left = radius + room * torch.rand(count, generator=generator)
    right = left + distance
    x = torch.stack([left, right], dim=1)
    y = radius + (1 - 2 * radius) * torch.rand(count, 2, generator=generator)
    swap = torch.rand(count, generator=generator) < 0.5
    x[swap] = x[swap].flip(-1)
    drawn = compared[torch.stack([first, torch.where(same == 1, first, other)], dim=1)]
    if colours is None:
        scene = replace(scene, shape=drawn, x=x, y=y)
    else:
        alone = kinds[torch.randint(len(kinds), (count, 2), generator=generator)]
        scene = replace(scene, shape=alone, colour=drawn, x=x, y=y)
    return _shapes(scene, same, ("different", "same"), "same_different", size, False, seed)


def _places(name: str, chosen: Sequence[str], known: Sequence[str]) -> Tensor:
    """→ (chosen,): the index of each in known; ValueError for fewer than two, repeated or unknown ones."""
    chosen = checked(name, chosen, tuple[str, ...])
    if len(set(chosen)) < 2 or len(set(chosen)) < len(chosen) or not set(chosen) <= set(known):
        raise ValueError(f"{name} are {tuple(chosen)}, but must be two or more different ones of {', '.join(known)}.")
    return torch.tensor([known.index(one) for one in chosen])


def _shapes(
    scene: Scene, labels: Tensor, classes: tuple[str, ...], name: str, size: int, night: bool, seed: int
) -> Shapes:
    source = f"shapes made in memory ({'night' if night else 'day'}, seed {seed})"
    return Shapes(draw(scene, size, night, seed), labels, classes, name, source, scene, size, seed)


def _random_scene(count: int, config: ShapesConfig, generator: torch.Generator) -> Scene:
    def choose(options: int) -> Tensor:
        return torch.randint(options, (count, config.objects), generator=generator)

    def between(low: float | Tensor, high: float | Tensor) -> Tensor:
        return low + (high - low) * torch.rand(count, config.objects, generator=generator)

    # One object can be anywhere; several objects each get a quarter of the image, so that they never overlap.
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
        angle=between(-0.26, 0.26),  # 15 degrees in both directions
        background=0.08 + 0.22 * torch.rand(count, generator=generator),
    )
