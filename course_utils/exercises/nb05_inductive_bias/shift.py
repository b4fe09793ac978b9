"""Shifted images."""

import torch
from torch import Generator

from course_utils.analysis.probes import shift_images
from course_utils.exercises.exercise import Arguments, Exercise, Wild
from course_utils.exercises.nb05_inductive_bias.shift_slips import MISCONCEPTIONS


def _cases(g: Generator) -> list[Arguments]:
    shifts = [
        ((2, 1, 6, 6), 2, 1),
        ((1, 3, 5, 8), -1, 3),
        ((2, 2, 7, 4), 1, -2),
        ((1, 1, 6, 6), -3, -1),
        ((1, 1, 4, 5), 0, 0),
        ((1, 2, 4, 5), 0, -2),
        ((2, 1, 5, 4), 3, 0),
    ]
    return [(torch.rand(*shape, generator=g), down, right) for shape, down, right in shifts]


def _wild(g: Generator) -> list[Wild]:
    images = torch.rand(2, 1, 4, 5, generator=g)
    lost = (
        "The whole content has left the image, so only zeros remain. If you clamp the number, clamp it to the whole "
        "height or width, and check your slices."
    )
    return [
        Wild("just-out-below", (images, 4, 0), "the image is moved by exactly its height", lost),
        Wild("out-below", (images, 7, -1), "the image is moved down by more than its height", lost),
        Wild("out-above", (images, -6, 1), "the image is moved up by more than its height", lost),
        Wild("out-on-the-right", (images, -1, 9), "the image is moved to the right by more than its width", lost),
        Wild("out-on-the-left", (images, 0, -7), "the image is moved to the left by more than its width", lost),
        Wild(
            "transposed-memory",
            (torch.rand(2, 1, 5, 4, generator=g).mT, 1, -2),
            "the images are stored column by column, as after a transpose",
            "`view` and `as_strided` depend on the memory order; slices and F.pad do not.",
        ),
        Wild(
            "expanded-memory",
            (torch.rand(1, 1, 4, 5, generator=g).expand(3, 2, -1, -1), -1, 2),
            "one image is repeated with `expand`, which does not copy",
            "`view` and `as_strided` depend on the memory order; slices and F.pad do not.",
        ),
    ]


SHIFT_IMAGES = Exercise(
    name="05.shift_images",
    title="The same image, moved",
    points=2,
    reference=shift_images,
    learns=("images",),
    cases=_cases,
    wild=_wild,
    hints=(
        "`F.pad(images, (…, …, …, …))` adds zeros around an image: left, right, top and bottom, in this order. To "
        "move it 2 down, how many rows of zeros belong on top? Which rows must then be removed?",
        "Pad on one side, then crop the padded image to the old height and width. A shift to the right pads on the "
        "left and crops on the right; a negative one does the opposite.",
        "Pad `max(right, 0)` zeros on the left and `max(-right, 0)` on the right; the crop begins at column "
        "`max(-right, 0)`. Do the same for rows, with `down`.",
    ),
    misconceptions=MISCONCEPTIONS,
)
