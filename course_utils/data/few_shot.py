"""Classes for a teacher, and classes that the teacher never sees: notebook 09. Every image is 3 × 32 × 32.

A composition is a shape, a texture and a colour together ("red striped star"); there are 192. They are split into
three pools: the teacher is trained on the first, settings are chosen on the second, and the episodes use only the
third.
"""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.data.drawing import COLOURS, SHAPES, TEXTURES, draw
from course_utils.data.labelled_images import HowMany, LabelledImages
from course_utils.data.shapes import Shapes, ShapesConfig, make_shapes
from course_utils.modes import on_cpu
from course_utils.settings import Seed, checked

COUNT = len(SHAPES) * len(TEXTURES) * len(COLOURS)
_ORDER = torch.randperm(COUNT, generator=torch.Generator().manual_seed(0), device="cpu")
POOLS = {"teacher": _ORDER[:132], "validation": _ORDER[132:152], "episodes": _ORDER[152:]}

SEEN_CLOTHES = (2, 3, 6, 7, 9)  # pullover, dress, shirt, sneaker, ankle boot
NEW_CLOTHES = (0, 1, 4, 5, 8)  # T-shirt/top, trouser, coat, sandal, bag


def composition_name(number: int) -> str:
    """Colour, texture and shape of composition 0 … 191, in words."""
    shape, rest = divmod(number, len(TEXTURES) * len(COLOURS))
    texture, colour = divmod(rest, len(COLOURS))
    return f"{tuple(COLOURS)[colour]} {TEXTURES[texture]} {SHAPES[shape]}"


@on_cpu()
def compositions(count: int, pool: str, seed: int = 0, night: bool = False) -> Shapes:
    """count images of one object each, labelled by its composition's place in the pool.

    Raises ValueError for an unknown pool.
    """
    if pool not in POOLS:
        raise ValueError(f"There is no pool {pool!r}: choose one of {', '.join(POOLS)}.")
    count, seed = checked("count", count, HowMany), checked("seed", seed, Seed)
    plain = make_shapes(count, ShapesConfig(scales=(3.0, 8.0)), seed)
    labels = torch.randint(len(POOLS[pool]), (count,), generator=torch.Generator().manual_seed(seed))
    number = POOLS[pool][labels][:, None]
    texture = number // len(COLOURS) % len(TEXTURES)
    shape = number // (len(TEXTURES) * len(COLOURS))
    scene = replace(plain.scene, shape=shape, texture=texture, colour=number % len(COLOURS))
    return replace(
        plain,
        images=draw(scene, plain.size, night, seed),
        labels=labels,
        classes=tuple(composition_name(each) for each in POOLS[pool].tolist()),
        name="compositions",
        source=f"{pool} compositions made in memory ({'night' if night else 'day'}, seed {seed})",
        scene=scene,
    )


def as_rgb_32(examples: LabelledImages) -> LabelledImages:
    """The same images, 3 × 32 × 32: grey channels repeated, smaller images resized to 28 × 28, zero-padded."""
    images = examples.images
    if images.shape[-1] < 28:
        images = F.interpolate(images, (28, 28), mode="bilinear").clamp(0, 1)
    border = (32 - images.shape[-1]) // 2
    images = F.pad(images, (border,) * 4)
    return replace(examples, images=images.expand(-1, 3, -1, -1).contiguous())


@on_cpu()
def placed_anywhere(examples: LabelledImages, side: int = 24, seed: int = 0) -> LabelledImages:
    """Each image shrunk to side × side and put at a random place of 3 × 32 × 32, as in a photograph.

    Raises ValueError for a side outside 8 … 32.
    """
    side, seed = checked("side", side, int), checked("seed", seed, Seed)
    if not 8 <= side <= 32:
        raise ValueError(f"side is {side} pixels, but must be from 8 to 32, the side of the whole image.")
    small = F.interpolate(examples.images, (side, side), mode="bilinear", antialias=True)
    at = torch.randint(33 - side, (2, len(small), 1), generator=torch.Generator().manual_seed(seed))
    rows, columns = (at + torch.arange(side)).to(small.device)
    images = torch.zeros(len(small), 32, 32, small.shape[1], dtype=small.dtype, device=small.device)
    which = torch.arange(len(small), device=small.device)[:, None, None]
    images[which, rows[:, :, None], columns[:, None, :]] = small.movedim(1, -1)
    return replace(examples, images=images.movedim(-1, 1).expand(-1, 3, -1, -1).contiguous())


@on_cpu()
def only(examples: LabelledImages, labels: tuple[int, ...]) -> LabelledImages:
    """The images with these labels, which become 0, 1, … in this order."""
    new = torch.full((len(examples.classes),), -1)
    new[list(labels)] = torch.arange(len(labels))
    new = new.to(examples.labels.device)
    kept = examples.select((new[examples.labels] >= 0).nonzero()[:, 0])
    return replace(kept, labels=new[kept.labels], classes=tuple(examples.classes[label] for label in labels))


def joined(one: LabelledImages, other: LabelledImages) -> LabelledImages:
    """Both sets in one; the classes of the second follow those of the first."""
    images: Tensor = torch.cat([one.images, other.images])
    labels = torch.cat([one.labels, other.labels + len(one.classes)])
    source = f"{one.source}; {other.source}"
    return LabelledImages(images, labels, one.classes + other.classes, f"{one.name} and {other.name}", source)
