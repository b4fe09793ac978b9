"""The loss over hidden pixels."""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.exercises.nb03_pixels.bits import SECOND_AXIS
from course_utils.models.pixel_transformer import masked_loss

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def _case(g: Generator, batch: int, pixels: int, colours: int) -> tuple[Tensor, Tensor, Tensor]:
    hidden = torch.rand(batch, pixels, generator=g) < torch.linspace(0.15, 0.6, batch)[:, None]
    hidden[:, 0] = True
    logits = 2 * torch.randn(batch, pixels, colours, generator=g)
    return logits, torch.randint(colours, (batch, pixels), generator=g), hidden


def _cases(g: Generator) -> list[Arguments]:
    *all_hidden, hidden = _case(g, 2, 5, 5)
    sizes = [(2, 8, 5), (3, 9, 17), (1, 12, 3), (4, 16, 6)]
    return [*(_case(g, *size) for size in sizes), (*all_hidden, torch.ones_like(hidden))]


def _wild(g: Generator) -> list[Wild]:
    logits, pixels, hidden = _case(g, 3, 6, 4)
    sure = 200 * F.one_hot((pixels + 1) % 4, 4) - 100  # of a wrong colour
    memory = "Use `.reshape` or `.flatten` instead of `.view`."
    return [
        Wild(
            "sure-and-wrong",
            (logits + sure, pixels, hidden),
            "the model is certain of a wrong colour, with logits of 100 and −100",
            "In float32 the probability of the right colour is then zero, and zero has no logarithm; a small number "
            "added to it changes the result. `log_softmax` and `cross_entropy` work with logarithms throughout.",
        ),
        Wild(
            "expanded-memory",
            (logits[:1].expand(3, -1, -1), pixels, hidden),
            "all images share the logits of one image, as for the histogram below",
            memory,
        ),
        Wild(
            "transposed-memory",
            (logits.mT.contiguous().mT, pixels, hidden),
            "logits has been transposed, so its rows are not contiguous in memory",
            memory,
        ),
        Wild(
            "nothing-hidden-in-a-picture",
            (logits, pixels, hidden & torch.tensor([True, False, True])[:, None]),
            "nothing is hidden in one of the images",
            "Take one mean over all hidden pixels, not one per image.",
        ),
        Wild(
            "one-pixel",
            _case(g, 1, 1, 3),
            "there is a single image of a single pixel, which is hidden",
            "An axis of length one is still an axis.",
        ),
    ]


def _nats(logits: Tensor, pixels: Tensor) -> Tensor:
    """Cross-entropy at each pixel, (batch, pixels)."""
    return F.cross_entropy(logits.flatten(0, 1), pixels.flatten(), reduction="none").view(pixels.shape)


def _merged(merge: Callable[[Tensor, Tensor], Tensor]) -> Loss:
    """Cross-entropy (batch, pixels) and the mask, merged in another way."""
    return lambda logits, pixels, hidden: merge(_nats(logits, pixels), hidden)


def _of_the_hidden(loss: Callable[[Tensor, Tensor], Tensor]) -> Loss:
    """Something else computed from the hidden pixels' logits (n, colours) and colours (n,)."""
    return lambda logits, pixels, hidden: loss(logits[hidden], pixels[hidden])


def _filled(value: float) -> Loss:
    return lambda logits, pixels, hidden: _nats(logits.masked_fill(~hidden[..., None], value), pixels).mean()


def _right(logits: Tensor, pixels: Tensor) -> Tensor:
    """Probability of the right colour, (n,)."""
    return logits.softmax(-1).gather(-1, pixels[:, None])[:, 0]


MASKED_LOSS = Exercise(
    name="03.masked_loss",
    title="Only hidden pixels count",
    points=2,
    reference=masked_loss,
    learns=("logits",),
    cases=_cases,
    wild=_wild,
    hints=(
        "The model does not have to predict visible pixels. Which logits and which pixels are left?",
        "A boolean tensor can be used as an index: `pixels[hidden]` has the hidden pixels of all images in one row. "
        "What is `logits[hidden]`?",
        "Use `F.cross_entropy` on logits (n, colours) and n targets, with its default mean.",
    ),
    misconceptions=(
        Misconception(
            "all-pixels",
            "All pixels count, even the visible ones, which the model only needs to copy. Use only the hidden ones.",
            _merged(lambda nats, hidden: nats.mean()),
        ),
        Misconception(
            "colours-on-the-wrong-axis",
            SECOND_AXIS,
            lambda logits, pixels, hidden: F.cross_entropy(logits, pixels, reduction="none")[hidden].mean(),
        ),
        Misconception(
            "visible-pixels",
            "The visible pixels are scored instead of the hidden ones. The mask is True where a pixel is hidden.",
            _merged(lambda nats, hidden: nats[~hidden].mean()),
            _merged(lambda nats, hidden: nats[~hidden].sum() / (~hidden).sum().clamp(min=1)),
            _merged(lambda nats, hidden: (nats * ~hidden).sum() / hidden.sum()),
            _merged(lambda nats, hidden: (nats * ~hidden).mean()),
            _merged(lambda nats, hidden: (nats * ~hidden).sum()),
        ),
        Misconception(
            "visible-ones-in-the-mean",
            "Your loss is the sum over the hidden pixels, divided by the number of all pixels, so it is smaller the "
            "fewer are hidden. How many losses did you sum?",
            _merged(lambda nats, hidden: (nats * hidden).mean()),
        ),
        Misconception(
            "sum",
            "The hidden pixels' losses are summed, so the loss grows with their number. Take their mean.",
            _merged(lambda nats, hidden: (nats * hidden).sum()),
        ),
        Misconception(
            "sum-over-batch",
            "The sum over the hidden pixels is divided by the number of images, or by the number of pixels in one. "
            "How many numbers did you sum?",
            _merged(lambda nats, hidden: (nats * hidden).sum() / len(nats)),
            _merged(lambda nats, hidden: (nats * hidden).sum() / nats.shape[1]),
        ),
        Misconception(
            "mean-of-means",
            "Each image is averaged first, so a hidden pixel counts more where few are hidden. Here every hidden "
            "pixel counts the same: take one mean over all. (The authors of iGPT do average by image.)",
            _merged(lambda nats, hidden: ((nats * hidden).sum(1) / hidden.sum(1)).mean()),
        ),
        Misconception(
            "sum-of-means",
            "The means of the images are summed, so the loss grows with the batch. Take one mean over all hidden "
            "pixels.",
            _merged(lambda nats, hidden: ((nats * hidden).sum(1) / hidden.sum(1)).sum()),
        ),
        Misconception(
            "one-loss-per-picture",
            "There is one loss per image. Training needs a single number: one mean over all hidden pixels.",
            _merged(lambda nats, hidden: (nats * hidden).sum(1) / hidden.sum(1)),
            _merged(lambda nats, hidden: (nats * hidden).sum(1)),
            _merged(lambda nats, hidden: (nats * hidden).mean(1)),
        ),
        Misconception(
            "visible-logits-alike",
            "The visible pixels' logits are all made equal, but such a pixel still costs ln(colours). Leave these "
            "pixels out altogether.",
            _filled(0.0),
        ),
        Misconception(
            "visible-pixels-black",
            "The visible pixels become colour 0, but they are still counted. Leave them out altogether.",
            lambda logits, pixels, hidden: _nats(logits, pixels * hidden).mean(),
        ),
        Misconception(
            "colour-0-ignored",
            "Hidden pixels of colour 0 are left out together with the visible ones. Colour 0 is a colour like any "
            "other: mark visible pixels with a number that is not a colour.",
            lambda logits, pixels, hidden: F.cross_entropy(logits.mT, pixels * hidden, ignore_index=0),
        ),
        Misconception(
            "mask-as-numbers",
            "The mask has been converted to integers, so indexing with it selects images 0 and 1 again and again. "
            "Only a boolean tensor selects the positions where it is True.",
            lambda logits, pixels, hidden: _nats(
                logits[hidden.long()].flatten(0, 1), pixels[hidden.long()].flatten(0, 1)
            ).mean(),
        ),
        Misconception(
            "bits",
            "These are bits. The loss is in nats: the notebook converts it to bits later.",
            _of_the_hidden(lambda logits, pixels: F.cross_entropy(logits, pixels) / math.log(2)),
        ),
        Misconception(
            "minus-forgotten",
            "The sign is wrong: a probability is below one, so its logarithm is negative. A loss falls as the model "
            "improves.",
            _of_the_hidden(lambda logits, pixels: -F.cross_entropy(logits, pixels)),
        ),
        Misconception(
            "softmax-twice",
            "The softmax is taken twice: `cross_entropy` applies one itself. Give it the logits.",
            _of_the_hidden(lambda logits, pixels: F.cross_entropy(logits.softmax(-1), pixels)),
        ),
        Misconception(
            "shifted",
            "The logits of a position are compared with the pixel next to it in the sequence. Here nothing is "
            "shifted: the logits of a position predict the pixel hidden there.",
            lambda logits, pixels, hidden: masked_loss(logits[:, :-1], pixels[:, 1:], hidden[:, 1:]),
            lambda logits, pixels, hidden: masked_loss(logits.roll(1, 1), pixels, hidden),
            lambda logits, pixels, hidden: masked_loss(logits, pixels.roll(-1, 1), hidden),
        ),
        Misconception(
            "no-softmax",
            "The logits are used as if they were log-probabilities, but their exponentials need not sum to one. "
            "What turns scores into probabilities?",
            _of_the_hidden(F.nll_loss),
        ),
        Misconception(
            "smoothed",
            "The right answers are smoothed, so the wrong colours count a little too. Use plain cross-entropy.",
            _of_the_hidden(lambda logits, pixels: F.cross_entropy(logits, pixels, label_smoothing=0.1)),
        ),
        Misconception(
            "binary",
            "Each colour is treated as a separate yes-or-no question. The colours of a pixel exclude each other: "
            "their probabilities sum to one.",
            _of_the_hidden(
                lambda logits, pixels: F.binary_cross_entropy_with_logits(
                    logits, F.one_hot(pixels, logits.shape[-1]).float()
                )
            ),
        ),
        Misconception(
            "no-logarithm",
            "No logarithm is taken: this is computed from the mean probability itself.",
            _of_the_hidden(lambda logits, pixels: -_right(logits, pixels).mean()),
            _of_the_hidden(lambda logits, pixels: _right(logits, pixels).mean()),
            _of_the_hidden(lambda logits, pixels: 1 - _right(logits, pixels).mean()),
        ),
        Misconception(
            "mean-first",
            "The probabilities are averaged first, then the logarithm is taken. Take the logarithm of each, then "
            "the mean.",
            _of_the_hidden(lambda logits, pixels: -_right(logits, pixels).mean().log()),
        ),
        Misconception(
            "softmax-over-pixels",
            "The softmax runs over the pixels. The probabilities of each pixel's colours sum to one: use the last "
            "axis.",
            lambda logits, pixels, hidden: (
                -logits.log_softmax(1).gather(-1, pixels[..., None])[..., 0][hidden].mean()
            ),
            _of_the_hidden(lambda logits, pixels: -logits.log_softmax(0).gather(1, pixels[:, None]).mean()),
        ),
        Misconception(
            "bare-reshape",
            "A bare reshape mixes colours and pixels: it keeps the order of the numbers and moves no axis.",
            lambda logits, pixels, hidden: _nats(logits.reshape(len(logits), logits.shape[2], -1).mT, pixels)[
                hidden
            ].mean(),
        ),
        Misconception(
            "all-colours",
            "All colours count, whatever the pixel is. Only the probability of the actual colour should count.",
            _of_the_hidden(lambda logits, pixels: -logits.log_softmax(-1).mean()),
        ),
        Misconception(
            "every-pair",
            "At every hidden pixel, the colours of all hidden pixels are looked up. Each pixel needs only its own "
            "colour.",
            _of_the_hidden(lambda logits, pixels: -logits.log_softmax(-1)[:, pixels].mean()),
        ),
        Misconception(
            "likeliest-colour",
            "The most likely colour is scored, whatever the pixel is. Only the probability of the actual colour "
            "counts.",
            _of_the_hidden(lambda logits, pixels: -logits.log_softmax(-1).amax(-1).mean()),
        ),
        Misconception(
            "error-rate",
            "You count how often the most likely colour is right or wrong, which has no gradient. Cross-entropy uses "
            "the probability of the right colour.",
            _of_the_hidden(lambda logits, pixels: (logits.argmax(-1) != pixels).float().mean()),
            _of_the_hidden(lambda logits, pixels: (logits.argmax(-1) == pixels).float().mean()),
        ),
        Misconception(
            "squared-differences",
            "Squared differences from the right answers are used. Cross-entropy uses only the logarithm of the right "
            "colour's probability.",
            _of_the_hidden(
                lambda logits, pixels: F.mse_loss(logits.softmax(-1), F.one_hot(pixels, logits.shape[-1]).float())
            ),
            _of_the_hidden(
                lambda logits, pixels: (
                    (logits.softmax(-1) - F.one_hot(pixels, logits.shape[-1])).square().sum(-1).mean()
                )
            ),
            _of_the_hidden(lambda logits, pixels: F.mse_loss(logits, F.one_hot(pixels, logits.shape[-1]).float())),
        ),
    ),
)
