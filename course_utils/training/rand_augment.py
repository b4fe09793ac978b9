"""RandAugment on the device: each image its own transforms, and images with the same one transformed together.

Cubuk et al. 2020. The transforms are torchvision's; this module chooses the transforms of each image and their
strength. Notebook 06.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor

from course_utils.models.refusals import may_read
from course_utils.settings import Must, Seed, Settings, at_least, at_most, between, checked
from course_utils.training.augment import uniform

STRONGEST = 30  # magnitudes are whole numbers from 0 to this, as in torchvision
SLACK = 1 / 510  # beyond [0, 1], for rounding: half a step of eight bits

Transform = Callable[[Tensor], Tensor]

# The effect of each transform at the largest magnitude, in its own unit; it grows from zero in equal steps.
# Transforms in the first table have a random sign for each image. The ranges are torchvision's.
EITHER_WAY = {
    "ShearX": 0.3,  # pixels sideways for each pixel of height
    "ShearY": 0.3,
    "TranslateX": 150 / 331,  # of the width
    "TranslateY": 150 / 331,  # of the height
    "Rotate": 30.0,  # degrees
    "Brightness": 0.9,  # factor 1 ± this
    "Color": 0.9,
    "Contrast": 0.9,
    "Sharpness": 0.9,
}
ONE_WAY = {
    "Identity": 0.0,
    "Posterize": 4.0,  # bits removed out of 8
    "Solarize": 1.0,  # pixels from 1 minus this up are inverted
    "AutoContrast": 0.0,  # the same at every magnitude
    "Equalize": 0.0,
}
POOL = tuple(sorted(EITHER_WAY | ONE_WAY))  # the names of all transforms
OF_COLOURS = {
    "AutoContrast",
    "Brightness",
    "Color",
    "Contrast",
    "Sharpness",
}  # torchvision's, for grey and for RGB alone


def apply_each(images: Tensor, transforms: Sequence[Transform], chosen: Tensor) -> Tensor:
    """Apply each image's own transforms, round by round; images with the same transform in a round form one batch.

    images (batch, channels, height, width); transforms: any number of functions from a batch of images to a batch of
    the same shape; chosen (rounds, batch), int64: chosen[r, i] is the index of the transform for image i in round r,
    and there may be no rounds → images of the same shape; the arguments are not changed. In a round, a transform is
    called at most once, with exactly the images that get it. Gradients pass through.
    """
    for choice in chosen:
        result = images.clone()
        for number in choice.unique().tolist():
            mine = choice == number
            result[mine] = transforms[number](images[mine])
        images = result
    return images


def transform(name: str, magnitude: float, sign: int = 1) -> Transform:
    """One transform as a function of images (batch, channels, height, width) in [0, 1]; sign −1 reverses it."""
    from torchvision.transforms.v2 import functional as F  # only here: importing it takes a second

    reach = (EITHER_WAY | ONE_WAY)[name] * magnitude / STRONGEST * sign

    def affine(images: Tensor, angle: float = 0.0, move: tuple[int, int] = (0, 0), **more: Any) -> Tensor:
        return F.affine(images, angle=angle, translate=list(move), scale=1.0, **{"shear": [0.0, 0.0], **more})

    def degrees(slope: float) -> float:
        return torch.tensor(slope, dtype=torch.float32, device="cpu").atan().rad2deg().item()

    functions: dict[str, Transform] = {
        "Identity": lambda images: images,
        "ShearX": lambda images: affine(images, shear=[degrees(reach), 0.0], center=[0, 0]),
        "ShearY": lambda images: affine(images, shear=[0.0, degrees(reach)], center=[0, 0]),
        "TranslateX": lambda images: affine(images, move=(int(reach * images.shape[-1]), 0)),
        "TranslateY": lambda images: affine(images, move=(0, int(reach * images.shape[-2]))),
        "Rotate": lambda images: F.rotate(images, reach),
        "Brightness": lambda images: F.adjust_brightness(images, 1 + reach),
        "Color": lambda images: F.adjust_saturation(images, 1 + reach),
        "Contrast": lambda images: F.adjust_contrast(images, 1 + reach),
        "Sharpness": lambda images: F.adjust_sharpness(images, 1 + reach),
        "Posterize": lambda images: F.posterize(images, 8 - round(reach)),
        "Solarize": lambda images: F.solarize(images, 1 - reach),
        "AutoContrast": F.autocontrast,
        "Equalize": F.equalize,
    }
    return functions[name]


NAMES = Must(f"names from {', '.join(POOL)}", lambda pool: len(pool) > 0 and set(pool) <= set(POOL))
Pool = Annotated[tuple[str, ...], NAMES]


@dataclass(frozen=True)
class RandAugment(Settings):
    """(images, generator) → images, for ``Recipe(augment=…)``; images (batch, channels, height, width) in [0, 1].

    Each image gets `number` transforms, drawn from the pool with equal probability, all of the same magnitude. With
    replacement, as in the paper and in torchvision, it may get the same one twice. Cubuk et al. 2020, section 3.

    Raises ValueError for a number or magnitude out of range, a name that is not in the pool, and for images that are
    not a non-empty batch of floating-point numbers in [0, 1], grey or RGB; on a GPU, values are read only in a run's
    first step.
    """

    number: Annotated[int, at_least(0), at_most(1000)] = 2  # the slide's N
    magnitude: Annotated[int, between(0, STRONGEST)] = 9  # the slide's M, from 0 to 30
    pool: Pool = POOL
    replacement: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.replacement and self.number > len(self.pool):
            raise ValueError(
                f"number is {self.number}, but a pool of {len(self.pool)} has no more without replacement: choose a "
                "smaller number."
            )

    def transforms(self) -> list[Transform]:
        """Every transform of the pool with sign +1, then with sign −1; the same function where the two agree."""
        there = [transform(name, self.magnitude) for name in self.pool]
        back = [
            transform(name, self.magnitude, -1) if name in EITHER_WAY else same
            for name, same in zip(self.pool, there, strict=True)
        ]
        return there + back

    def draw(self, batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """→ indices into the pool, and whether the sign is −1: both (number, batch)."""
        shape, count, device = (self.number, batch), len(self.pool), generator.device
        if self.replacement:
            which = torch.randint(count, shape, generator=generator, device=device)
        else:
            order = uniform(generator, device, batch, count).argsort(-1)
            which = order[:, : self.number].T
        either = torch.tensor([name in EITHER_WAY for name in self.pool], device=device)[which]
        return which, either & (uniform(generator, device, *shape) < 0.5)

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        if images.ndim != 4 or not images.is_floating_point():
            raise ValueError(
                f"Got images of shape {tuple(images.shape)} and {str(images.dtype).removeprefix('torch.')}, but "
                "RandAugment needs (batch, channels, height, width) of floating-point numbers in [0, 1]."
            )
        if images.shape[1] not in (1, 3) and not OF_COLOURS.isdisjoint(self.pool):
            raise ValueError(
                f"The images have {images.shape[1]} channels, but {', '.join(sorted(OF_COLOURS & set(self.pool)))} of "
                "RandAugment's pool need 1 or 3: choose a pool without these."
            )
        if not len(images):
            raise ValueError("The batch is empty, but RandAugment needs at least one image.")
        if may_read(images) and not (images.min() >= -SLACK and images.max() <= 1 + SLACK):
            raise ValueError(
                f"The images have values from {images.min():.3g} to {images.max():.3g}, but RandAugment needs [0, 1]: "
                "divide bytes by 255, undo a normalisation, or clamp."
            )
        which, backwards = self.draw(len(images), generator)
        chosen = (which + len(self.pool) * backwards).cpu()  # a GPU waits here once, not in each round
        return apply_each(images, self.transforms(), chosen)


def variations(
    images: Tensor, largest: int, magnitudes: Sequence[int], samples: int, seed: int = 0
) -> tuple[Tensor, list[list[str]]]:
    """The effect of N and M alone: every sample keeps the same transforms and signs throughout.

    images (count, channels, height, width) → changed (count, largest + 1, magnitudes, samples, channels, height,
    width), for N from 0 to largest, and the names of the transforms of each sample, in order.
    """
    generator = torch.Generator().manual_seed(checked("seed", seed, Seed))
    which, backwards = RandAugment(largest, 0).draw(samples, generator)
    chosen = which + len(POOL) * backwards
    rows = []
    for magnitude in magnitudes:
        transforms = RandAugment(largest, magnitude).transforms()
        repeated = images[:, None].expand(-1, samples, *images.shape[1:]).flatten(0, 1)
        steps = [apply_each(repeated, transforms, chosen[:n].repeat(1, len(images))) for n in range(largest + 1)]
        rows.append(torch.stack(steps).unflatten(1, (len(images), samples)))
    changed = torch.stack(rows).permute(2, 1, 0, 3, 4, 5, 6)
    return changed, [[POOL[number] for number in column] for column in which.T.tolist()]
