"""RandAugment on the device: each picture its own transforms, and pictures with the same one transformed together.

Cubuk et al. 2020. The single transforms are torchvision's; which picture gets which, and how strongly, is decided
here. Notebook 06.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

STRONGEST = 30  # magnitudes are whole numbers from 0 to this, as in torchvision

Transform = Callable[[Tensor], Tensor]

# How far a transform goes at the strongest magnitude, in its own unit; from zero up to there in equal steps.
# Those of the first table go either way, with a sign drawn for each picture. torchvision's ranges.
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
    "Posterize": 4.0,  # bits of 8 that are taken away
    "Solarize": 1.0,  # pixels above 1 minus this are inverted
    "AutoContrast": 0.0,  # the same at every magnitude
    "Equalize": 0.0,
}
POOL = tuple(sorted(EITHER_WAY | ONE_WAY))


def apply_each(images: Tensor, transforms: Sequence[Transform], chosen: Tensor) -> Tensor:
    """Each picture gets its own transforms, round by round; in a round, those that get the same one go together.

    images (batch, channels, height, width); transforms: any number of functions, from a batch of pictures to as many
    pictures of the same shape; chosen (rounds, batch), int64: chosen[r, i] is the number of the transform that
    picture i gets in round r. There may be no round at all → images of the same shape; the given ones stay as they
    are. In a round a transform is called at most once, with all the pictures that get it and no others. Gradients
    pass through.
    """
    for choice in chosen:
        result = images.clone()
        for number in choice.unique().tolist():
            mine = choice == number
            result[mine] = transforms[number](images[mine])
        images = result
    return images


def transform(name: str, magnitude: float, sign: int = 1) -> Transform:
    """One of the pool as a function of pictures (batch, channels, height, width) in [0, 1]; sign −1 reverses it."""
    from torchvision.transforms.v2 import functional as F  # only here: importing it takes a second

    reach = (EITHER_WAY | ONE_WAY)[name] * magnitude / STRONGEST * sign

    def affine(images: Tensor, angle: float = 0.0, move: tuple[int, int] = (0, 0), **more: Any) -> Tensor:
        return F.affine(images, angle=angle, translate=list(move), scale=1.0, **{"shear": [0.0, 0.0], **more})

    def degrees(slope: float) -> float:
        return torch.tensor(slope).atan().rad2deg().item()

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


@dataclass(frozen=True)
class RandAugment:
    """(images, generator) → images, for ``Recipe(augment=…)``; images (batch, channels, height, width) in [0, 1].

    Each picture gets `number` transforms of the pool, each of the same magnitude, each with equal probability. With
    replacement, as in the paper and in torchvision, the same one may come twice. Cubuk et al. 2020, section 3.

    Raises ValueError for a number or magnitude out of range, a name that is not in the pool, and for images that are
    no batch of floating-point numbers in [0, 1] or an empty one.
    """

    number: int = 2  # the slide's N
    magnitude: int = 9  # the slide's M, from 0 to 30
    pool: tuple[str, ...] = POOL
    replacement: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.number, int) or self.number < 0:
            raise ValueError(f"number is {self.number!r}, but must be a whole number of transforms, 0 or more.")
        if not 0 <= self.magnitude <= STRONGEST:
            raise ValueError(
                f"magnitude is {self.magnitude}, but must be from 0 (nothing) to {STRONGEST} (strongest)."
            )
        unknown = [name for name in self.pool if name not in POOL]
        if unknown or not self.pool:
            raise ValueError(f"The pool is {self.pool!r}, but must be names out of {', '.join(POOL)}.")
        if not self.replacement and self.number > len(self.pool):
            raise ValueError(
                f"number is {self.number}, but a pool of {len(self.pool)} has no more without replacement: choose a "
                "smaller number."
            )

    def transforms(self) -> list[Transform]:
        """Every transform of the pool one way, then every one the other way; the same function where they agree."""
        there = [transform(name, self.magnitude) for name in self.pool]
        back = [
            transform(name, self.magnitude, -1) if name in EITHER_WAY else same
            for name, same in zip(self.pool, there, strict=True)
        ]
        return there + back

    def draw(self, batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """→ which of the pool, and whether the other way: both (number, batch)."""
        shape, count, device = (self.number, batch), len(self.pool), generator.device
        if self.replacement:
            which = torch.randint(count, shape, generator=generator, device=device)
        else:
            order = torch.rand(batch, count, generator=generator, device=device).argsort(-1)
            which = order[:, : self.number].T
        either = torch.tensor([name in EITHER_WAY for name in self.pool], device=device)[which]
        return which, either & (torch.rand(shape, generator=generator, device=device) < 0.5)

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        if images.ndim != 4 or not images.is_floating_point():
            raise ValueError(
                f"Got images of shape {tuple(images.shape)} and {str(images.dtype).removeprefix('torch.')}, but "
                "RandAugment needs (batch, channels, height, width) of floating-point numbers in [0, 1]."
            )
        if not len(images):
            raise ValueError("The batch is empty, but RandAugment needs at least one picture.")
        which, backwards = self.draw(len(images), generator)
        return apply_each(images, self.transforms(), which + len(self.pool) * backwards)


def variations(
    images: Tensor, largest: int, magnitudes: Sequence[int], samples: int, seed: int = 0
) -> tuple[Tensor, list[list[str]]]:
    """What N and M do, all else the same: every sample keeps its transforms and their directions throughout.

    images (count, channels, height, width) → changed (count, largest + 1, magnitudes, samples, channels, height,
    width), for N from 0 to largest, and the names of each sample's transforms, in order.
    """
    generator = torch.Generator().manual_seed(seed)
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
