"""How good a prediction of pixels is, in bits, and which pixels count."""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.models.pixel_transformer import bits_per_pixel, masked_loss

Loss = Callable[[Tensor, Tensor], Tensor]


def _bits_cases(g: Generator) -> list[Arguments]:
    return [
        (2 * torch.randn(batch, pixels, colours, generator=g), torch.randint(colours, (batch, pixels), generator=g))
        for batch, pixels, colours in [(2, 6, 5), (1, 9, 17), (3, 4, 2), (2, 3, 64)]
    ]


def _nats(logits: Tensor, pixels: Tensor) -> Tensor:
    """Cross entropy at each pixel."""
    return F.cross_entropy(logits.flatten(0, 1), pixels.flatten(), reduction="none")


BITS_PER_PIXEL = Exercise(
    name="03.bits_per_pixel",
    title="Bits per pixel",
    points=2,
    reference=bits_per_pixel,
    learns=("logits",),
    cases=_bits_cases,
    hints=(
        "The softmax of the logits gives each colour a probability. At every pixel only that of the colour which is "
        "really there counts.",
        "`logits.log_softmax(-1).gather(-1, pixels[..., None])` is the natural logarithm of those probabilities. How "
        "does one get from ln to log₂?",
        "log₂ x = ln x / ln 2. Then the mean over all pixels of all pictures, with a minus sign.",
    ),
    misconceptions=(
        Misconception(
            lambda logits, pixels: _nats(logits, pixels).mean(),
            "These are nats: PyTorch's logarithm is the natural one. Divide by ln 2, `math.log(2)`, to get bits.",
        ),
        Misconception(
            lambda logits, pixels: _nats(logits, pixels).mean() * math.log(2),
            "Multiplied by ln 2 instead of divided. One nat is 1.44 bits, so there are more bits than nats.",
        ),
        Misconception(
            lambda logits, pixels: _nats(logits, pixels).sum() / len(pixels) / math.log(2),
            "These are bits per picture: they grow with its size. Take the mean over the pixels as well.",
        ),
        Misconception(
            lambda logits, pixels: _nats(logits, pixels).sum() / math.log(2),
            "All bits of the whole batch are added up. Take the mean, so that batches and pictures of any size can "
            "be compared.",
        ),
        Misconception(
            lambda logits, pixels: -_nats(logits, pixels).mean() / math.log(2),
            "The sign is wrong: a probability is below one, so its logarithm is negative. Bits are positive.",
        ),
        Misconception(
            lambda logits, pixels: _nats(logits.softmax(-1), pixels).mean() / math.log(2),
            "The softmax is taken twice. `cross_entropy` and `log_softmax` begin with one: give them the logits.",
        ),
        Misconception(
            lambda logits, pixels: (-logits.gather(-1, pixels[..., None])).mean() / math.log(2),
            "The logits are used as if they were log-probabilities. They do not sum to anything yet: `log_softmax` "
            "first.",
        ),
        Misconception(
            lambda logits, pixels: -(_nats(logits, pixels).neg().exp().mean()).log() / math.log(2),
            "The probabilities are averaged first, then the logarithm is taken. Each pixel has its own code length: "
            "take the logarithm first, then the mean.",
        ),
    ),
)


def _masked_cases(g: Generator) -> list[Arguments]:
    cases: list[Arguments] = []
    for batch, pixels, colours in [(2, 8, 5), (3, 9, 17), (1, 12, 3), (4, 16, 6)]:
        hidden = torch.rand(batch, pixels, generator=g) < torch.linspace(0.15, 0.6, batch)[:, None]
        hidden[:, 0] = True
        logits = 2 * torch.randn(batch, pixels, colours, generator=g)
        cases.append((logits, torch.randint(colours, (batch, pixels), generator=g), hidden))
    return cases


def _masked_slip(merge: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Cross entropy (batch, pixels) and the mask, merged in another way."""
    return lambda logits, pixels, hidden: merge(_nats(logits, pixels).view(pixels.shape), hidden)


MASKED_LOSS = Exercise(
    name="03.masked_loss",
    title="Only what was hidden counts",
    points=2,
    reference=masked_loss,
    learns=("logits",),
    cases=_masked_cases,
    hints=(
        "A pixel that the model can see needs no guessing. Which logits and which pixels are left?",
        "A boolean tensor picks: `pixels[hidden]` is one long row of the hidden pixels of all pictures. What is "
        "`logits[hidden]`?",
        "`F.cross_entropy` of (n, colours) logits and n right answers, with its usual mean.",
    ),
    misconceptions=(
        Misconception(
            _masked_slip(lambda nats, hidden: nats.mean()),
            "All pixels count, the visible ones too, and those only need copying. Keep the hidden ones.",
        ),
        Misconception(
            _masked_slip(lambda nats, hidden: nats[~hidden].sum() / (~hidden).sum().clamp(min=1)),
            "The visible pixels are scored instead of the hidden ones. The mask is True where a pixel is hidden.",
        ),
        Misconception(
            _masked_slip(lambda nats, hidden: (nats * hidden).mean()),
            "The visible pixels are set to zero but still counted in the mean, so the loss shrinks when less is "
            "hidden. Divide by the number of hidden pixels.",
        ),
        Misconception(
            _masked_slip(lambda nats, hidden: (nats * hidden).sum()),
            "The hidden pixels' losses are added up, so a picture with more of them weighs more in every step. Take "
            "their mean.",
        ),
        Misconception(
            _masked_slip(lambda nats, hidden: ((nats * hidden).sum(1) / hidden.sum(1)).mean()),
            "Each picture is averaged first, so a hidden pixel counts more where few are hidden. Here every hidden "
            "pixel counts the same: one mean over all. (The authors of iGPT do average by picture.)",
        ),
        Misconception(
            lambda logits, pixels, hidden: F.cross_entropy(
                logits.masked_fill(~hidden[..., None], 0).flatten(0, 1), pixels.flatten()
            ),
            "The visible pixels' logits are set to zero, but such a pixel still costs ln(colours). Leave these pixels "
            "out altogether: index with the mask.",
        ),
    ),
)
