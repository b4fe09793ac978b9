"""The contrastive loss."""

import torch
from torch import Generator, Tensor

from course_utils.exercises.exercise import Arguments, Exercise, Wild
from course_utils.exercises.nb10_captions.loss_slips import SLIPS
from course_utils.models.image_text import contrastive_loss


def _batch(g: Generator, *said: int) -> tuple[Tensor, Tensor]:
    numbers = torch.tensor(said)
    return 3 * torch.randn(len(said), len(said), generator=g), numbers[:, None] == numbers


def _cases(g: Generator) -> list[Arguments]:
    return [_batch(g, 0, 1, 2, 3), _batch(g, 0, 1, 0, 2, 0), _batch(g, 4, 4, 1, 2, 1, 0)]


def _wild(g: Generator) -> list[Wild]:
    logits, same = _batch(g, 0, 1, 0, 2)
    return [
        Wild(
            "logits-near-100",
            (torch.where(same, -100.0, 100.0) + torch.rand(4, 4, generator=g), same),
            "logits reach ±100, as with a temperature of 0.01",
            "If you take the logarithm of a softmax or of a sum of exponentials, do it in one step, with "
            "`log_softmax`, `logsumexp` or `cross_entropy`; do not clamp the loss.",
        ),
        Wild("one-pair", _batch(g, 7), "the batch is a single pair", "There is only one choice: the loss is 0."),
        Wild("all-twins", _batch(g, 5, 5, 5), "all captions of the batch say the same"),
        Wild(
            "double-precision",
            (logits.double(), same),
            "the logits are in double precision",
            "The notebook passes such logits: target and loss should have their dtype.",
        ),
        Wild(
            "transposed-memory",
            (logits.mT.contiguous().mT, same),
            "the logits are stored column by column, as after a transpose",
            "Use `.reshape` instead of `.view`.",
        ),
    ]


CONTRASTIVE_LOSS = Exercise(
    name="10.contrastive_loss",
    title="Right pairs, in both directions",
    points=2,
    reference=contrastive_loss,
    learns=("logits",),
    cases=_cases,
    wild=_wild,
    hints=(
        "If no two captions say the same, the target of row i is index i, and the loss of the images is "
        "`F.cross_entropy(logits, torch.arange(len(logits)))`. What is the same loss for the captions?",
        "If captions say the same, a row of `same` has several True, and the target is a row of shares that sum to "
        "one. What must each row of `same` be divided by?",
        "Cross-entropy with shares is −(shares · log softmax), summed over a row; then the mean over the rows. "
        "`F.cross_entropy` also accepts shares, in the logits' dtype, instead of class indices.",
        "For an image, the softmax runs over the captions, dim=1. For a caption, it runs over the images, dim=0, or "
        "dim=1 of `logits.mT`. Take the mean of the two losses.",
    ),
    misconceptions=SLIPS,
)
