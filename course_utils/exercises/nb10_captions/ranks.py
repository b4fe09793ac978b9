"""The rank of the right caption."""

import torch
from torch import Generator

from course_utils.exercises.exercise import Arguments, Exercise, Wild
from course_utils.exercises.nb10_captions.rank_slips import SLIPS
from course_utils.models.image_text import retrieval_ranks


def _cases(g: Generator) -> list[Arguments]:
    return [
        (2 * torch.randn(images, captions, generator=g), torch.randint(captions, (images,), generator=g))
        for images, captions in [(4, 6), (9, 9), (3, 8)]
    ]


def _wild(g: Generator) -> list[Wild]:
    many = torch.randn(2, 300, generator=g)
    logits, right = torch.randn(3, 5, generator=g), torch.tensor([4, 0, 2])
    near = 3 + 2.0**-22 * torch.arange(5.0)[torch.randperm(5, generator=g)].repeat(3, 1)  # float32's steps there
    far = torch.tensor([[100.0, -90, -100, 60, -95], [-100, 100, -99, -98, -97], [100, 99, -50, -60, -70]])
    return [
        Wild(
            "one-picture",
            (logits[:1], right[:1]),
            "there is only one image",
            "The result still has one axis, of length one.",
        ),
        Wild(
            "transposed-memory",
            (logits.mT, torch.tensor([0, 1, 2, 2, 1])),
            "there are more images than captions, and the logits are stored column by column",
            "Use `.reshape` instead of `.view`, and check the axes.",
        ),
        Wild(
            "many-captions",
            (many, many.argmin(dim=1)),
            "there are 300 captions and the right one comes last",
            "Rank them all, and count in an integer dtype that is large enough, such as int64.",
        ),
        Wild(
            "near-logits",
            (near, right),
            "the logits are close together",
            "There are no ties: compare exactly, without a tolerance and without rounding.",
        ),
        Wild(
            "far-logits",
            (far, torch.tensor([1, 3, 4])),
            "logits reach ±100, as with a temperature of 0.01",
            "Compare the logits themselves: a softmax would turn all the small ones into 0.",
        ),
    ]


RETRIEVAL_RANKS = Exercise(
    name="10.retrieval_ranks",
    title="The rank of the right caption",
    reference=retrieval_ranks,
    cases=_cases,
    wild=_wild,
    hints=(
        "You need not sort. What must you count to find the rank of a caption?",
        "The logit of each image's right caption is one entry of its row, at index `right`: select it with `.gather` "
        "along dim=1, or with two index tensors, one for the rows and one for the columns.",
        "Compare each row with its own entry, as a column (it broadcasts), and count along dim=1. With which number "
        "do ranks begin?",
    ),
    misconceptions=SLIPS,
)
