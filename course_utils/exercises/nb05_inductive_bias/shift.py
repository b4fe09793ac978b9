"""The same picture, moved."""

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
    pictures = torch.rand(2, 1, 4, 5, generator=g)
    lost = (
        "All of it has left the picture, so only zeros should be left. If you limit the number, the limit is the whole "
        "height or width; and see what becomes of your slices."
    )
    return [
        Wild("just-out-below", (pictures, 4, 0), "the picture is moved by exactly its height", lost),
        Wild("out-below", (pictures, 7, -1), "the picture is moved down by more than its height", lost),
        Wild("out-above", (pictures, -6, 1), "the picture is moved up by more than its height", lost),
        Wild("out-on-the-right", (pictures, -1, 9), "the picture is moved to the right by more than its width", lost),
        Wild("out-on-the-left", (pictures, 0, -7), "the picture is moved to the left by more than its width", lost),
        Wild(
            "transposed-memory",
            (torch.rand(2, 1, 5, 4, generator=g).mT, 1, -2),
            "the pictures lie in memory column by column, as after a transpose",
            "`view` and `as_strided` trust the memory; slices and F.pad go by the axes.",
        ),
        Wild(
            "expanded-memory",
            (torch.rand(1, 1, 4, 5, generator=g).expand(3, 2, -1, -1), -1, 2),
            "one picture is repeated by `expand`, which copies nothing",
            "`view` and `as_strided` trust the memory; slices and F.pad go by the axes.",
        ),
    ]


SHIFT_IMAGES = Exercise(
    name="05.shift_images",
    title="The same picture, moved",
    points=2,
    reference=shift_images,
    learns=("images",),
    cases=_cases,
    wild=_wild,
    hints=(
        "`F.pad(images, (…, …, …, …))` puts zeros around a picture: left, right, top and bottom, in this "
        "order. To move it 2 down, how many rows of zeros belong on top? Which rows are then too many?",
        "Pad on one side, then cut a piece of the old height and width out of the padded picture. A shift to the "
        "right pads left and cuts off on the right; a negative one, the other way round.",
        "`max(right, 0)` zeros on the left and `max(-right, 0)` on the right; the piece to keep begins at column "
        "`max(-right, 0)`. Rows likewise, with `down`.",
    ),
    misconceptions=MISCONCEPTIONS,
)
