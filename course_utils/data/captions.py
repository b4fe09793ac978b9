"""Short captions for single shapes, such as "a red striped circle", and their grammar. Notebook 10."""

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor

from course_utils.data.drawing import COLOURS, SHAPES, TEXTURES, Scene
from course_utils.data.shapes import Shapes
from course_utils.modes import on_cpu

FIELDS = {"colour": tuple(COLOURS), "texture": TEXTURES, "shape": SHAPES}  # in the order of the words
WORDS = ("a", *(word for words in FIELDS.values() for word in words))
CAPTIONS = tuple(f"a {' '.join(words)}" for words in product(*FIELDS.values()))  # all 192


def caption_numbers(shapes: Shapes) -> Tensor:
    """→ (count,): which of CAPTIONS describes each image. Raises ValueError for images of several objects."""
    if shapes.scene.shape.shape[1] != 1:
        raise ValueError(
            f"The images show {shapes.scene.shape.shape[1]} objects each, but a short caption is about one: make "
            "them with ShapesConfig(objects=1)."
        )
    return _numbers(shapes.scene)


@on_cpu()
def _numbers(scene: Scene) -> Tensor:
    number = torch.zeros(len(scene.shape), dtype=torch.long)
    for field, words in FIELDS.items():
        number = number * len(words) + getattr(scene, field)[:, 0]
    return number


def field_numbers(captions: Tensor, field: str) -> Tensor:
    """Numbers of captions → the number of their word in one field: ``"colour"``, ``"texture"`` or ``"shape"``.

    Raises ValueError for another field.
    """
    if field not in FIELDS:
        raise ValueError(f"field is {field!r}, but a caption has {', '.join(FIELDS)}.")
    names = list(FIELDS)
    for later in reversed(names[names.index(field) + 1 :]):
        captions = captions // len(FIELDS[later])
    return captions % len(FIELDS[field])


@on_cpu()
def with_pairs(shapes: Shapes, pairs: Sequence[tuple[str, str]], wanted: bool = True) -> Shapes:
    """Only the images whose (colour, shape) is among pairs, or, with wanted=False, only the others."""
    colour, shape = (field_numbers(caption_numbers(shapes), field) for field in ("colour", "shape"))
    inside = torch.zeros(len(shapes), dtype=torch.bool)
    for one, other in pairs:
        inside |= (colour == FIELDS["colour"].index(one)) & (shape == FIELDS["shape"].index(other))
    return shapes.select((inside == wanted).nonzero()[:, 0])
