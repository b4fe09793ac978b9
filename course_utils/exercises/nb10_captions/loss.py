"""The loss of right pairs, in both directions."""

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
            "logits reach ±100, as at a temperature of 0.01",
            "If you take the logarithm of a softmax or of a sum of exponentials, do it in one step, with `log_softmax`, "
            "`logsumexp` or `cross_entropy`; and set the loss no limit.",
        ),
        Wild("one-pair", _batch(g, 7), "the batch is a single pair", "There is nothing to choose: the loss is 0."),
        Wild("all-twins", _batch(g, 5, 5, 5), "all captions of the batch say the same"),
        Wild(
            "double-precision",
            (logits.double(), same),
            "the logits are in double precision",
            "The notebook passes some: the target, and the loss, should be of the logits' dtype.",
        ),
        Wild(
            "transposed-memory",
            (logits.mT.contiguous().mT, same),
            "the logits lie in memory column by column, as after a transposition",
            "Use `.reshape` where you use `.view`.",
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
        "Without twins the target of row i is place i, and the loss of the pictures is "
        "`F.cross_entropy(logits, torch.arange(len(logits)))`. What is the same question, asked by the captions?",
        "With twins, a row of `same` has several True, and the target becomes a row of shares that sum to one. What must "
        "each row of `same` be divided by?",
        "Cross entropy with shares is −(shares · log softmax), summed over a row; then the mean over the rows. "
        "`F.cross_entropy` also accepts shares, of the logits' dtype, in place of class numbers.",
        "A picture chooses among the captions: its softmax runs along dim=1. A caption chooses among the pictures: along "
        "dim=0, or along dim=1 of `logits.mT`. Take the mean of the two losses.",
    ),
    misconceptions=SLIPS,
)
