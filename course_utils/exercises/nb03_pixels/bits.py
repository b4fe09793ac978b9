"""Bits per pixel."""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.models.pixel_transformer import bits_per_pixel

Loss = Callable[[Tensor, Tensor], Tensor]

SECOND_AXIS = (
    "`cross_entropy` treats the second axis as the colours, but here that is the axis of the pixels. Swap two axes, or "
    "pass one row of colours per pixel."
)


def _cases(g: Generator) -> list[Arguments]:
    sizes = [(2, 6, 5), (1, 9, 17), (3, 4, 2), (2, 3, 64), (3, 4, 4)]
    return [
        (2 * torch.randn(batch, pixels, colours, generator=g), torch.randint(colours, (batch, pixels), generator=g))
        for batch, pixels, colours in sizes
    ]


def _wild(g: Generator) -> list[Wild]:
    def some(batch: int, pixels: int, colours: int) -> tuple[Tensor, Tensor]:
        logits = torch.randn(batch, pixels, colours, generator=g)
        return logits, torch.randint(colours, (batch, pixels), generator=g)

    logits, pixels = some(2, 5, 4)
    sure = 200 * F.one_hot((pixels + 1) % 4, 4) - 100  # of a wrong colour
    transposed, others = some(2, 6, 3)
    return [
        Wild(
            "sure-and-wrong",
            (logits + sure, pixels),
            "the model is certain of a wrong colour, with logits of 100 and −100",
            "In float32 the probability of the right colour is then zero, and zero has no logarithm; a small number "
            "added to it changes the result. `log_softmax` and `cross_entropy` work with logarithms throughout.",
        ),
        Wild(
            "transposed-memory",
            (transposed.mT.contiguous().mT, others),
            "logits has been transposed, so its rows are not contiguous in memory",
            "Use `.reshape` or `.flatten` instead of `.view`.",
        ),
        Wild(
            "expanded-memory",
            (some(1, 6, 3)[0].expand(2, -1, -1), others),
            "all images share the logits of one image, as for a histogram",
            "Use `.reshape` or `.flatten` instead of `.view`.",
        ),
        Wild(
            "one-pixel",
            some(1, 1, 3),
            "there is a single image of a single pixel",
            "An axis of length one is still an axis.",
        ),
    ]


def _nats(logits: Tensor, pixels: Tensor) -> Tensor:
    """Cross-entropy at each pixel, (batch, pixels)."""
    return F.cross_entropy(logits.flatten(0, 1), pixels.flatten(), reduction="none").view(pixels.shape)


def _right(logits: Tensor, pixels: Tensor) -> Tensor:
    """Probability of the right colour at each pixel, (batch, pixels)."""
    return (-_nats(logits, pixels)).exp()


def _merged(merge: Callable[[Tensor], Tensor]) -> Loss:
    """The nats of each pixel, converted to another number."""
    return lambda logits, pixels: merge(_nats(logits, pixels))


def _softmaxed(axis: int) -> Loss:
    return lambda logits, pixels: -logits.log_softmax(axis).gather(-1, pixels[..., None]).mean() / math.log(2)


BITS_PER_PIXEL = Exercise(
    name="03.bits_per_pixel",
    title="Bits per pixel",
    points=2,
    reference=bits_per_pixel,
    cases=_cases,
    wild=_wild,
    hints=(
        "The softmax of the logits gives each colour a probability. At every pixel, only the probability of the "
        "actual colour counts.",
        "`logits.log_softmax(-1).gather(-1, pixels[..., None])` is the natural logarithm of those probabilities. How "
        "do you get from ln to log₂?",
        "log₂ x = ln x / ln 2. Then take the mean over all pixels of all images, with a minus sign.",
    ),
    misconceptions=(
        Misconception(
            "nats",
            "These are nats: PyTorch's logarithm is the natural one. How many nats are there in one bit?",
            _merged(torch.mean),
        ),
        Misconception(
            "wrong-way-to-bits",
            "The nats are multiplied by ln 2, or divided by log₂ e, so the result is smaller. One nat is 1.44 bits, "
            "so the result in bits must be larger.",
            _merged(lambda nats: nats.mean() * math.log(2)),
        ),
        Misconception(
            "halved",
            "The nats are halved. To get from natural logarithms to those of base 2, you must divide by a different "
            "number.",
            _merged(lambda nats: nats.mean() / 2),
        ),
        Misconception(
            "base-10",
            "The logarithm has base 10. Bits are logarithms to base 2.",
            _merged(lambda nats: nats.mean() / math.log(10)),
        ),
        Misconception(
            "logarithm-twice",
            "You take the logarithm of a loss, which already consists of logarithms. From nats to bits is only a "
            "constant factor.",
            _merged(lambda nats: nats.mean().log2()),
            _merged(lambda nats: nats.mean().log()),
            _merged(lambda nats: nats.log2().mean()),
            _merged(lambda nats: -nats.log2().mean()),
            _merged(lambda nats: -nats.mean().log2()),
        ),
        Misconception(
            "bits-per-picture",
            "These are bits per image: they grow with its size. Take the mean over the pixels as well.",
            _merged(lambda nats: nats.sum(1).mean() / math.log(2)),
        ),
        Misconception(
            "sum",
            "The bits of the whole batch are summed. Take the mean, so that batches and images of any size can be "
            "compared.",
            _merged(lambda nats: nats.sum() / math.log(2)),
        ),
        Misconception(
            "sum-over-pictures",
            "The bits of the images are summed, so they grow with the batch. Take the mean over the images as well.",
            _merged(lambda nats: nats.mean(1).sum() / math.log(2)),
        ),
        Misconception(
            "minus-forgotten",
            "The sign is wrong: a probability is below one, so its logarithm is negative. Bits are positive.",
            _merged(lambda nats: -nats.mean() / math.log(2)),
        ),
        Misconception(
            "softmax-twice",
            "The softmax is taken twice. `cross_entropy` and `log_softmax` apply one themselves: pass them the "
            "logits.",
            lambda logits, pixels: _nats(logits.softmax(-1), pixels).mean() / math.log(2),
        ),
        Misconception(
            "no-softmax",
            "The logits are used as if they were log-probabilities, but their exponentials need not sum to one. "
            "What turns scores into probabilities?",
            lambda logits, pixels: (-logits.gather(-1, pixels[..., None])).mean() / math.log(2),
            lambda logits, pixels: -logits.gather(-1, pixels[..., None]).mean(),
        ),
        Misconception(
            "sigmoid",
            "Each colour is treated as a separate yes-or-no question, with a sigmoid. The colours of a pixel exclude "
            "each other: their probabilities sum to one.",
            lambda logits, pixels: -F.logsigmoid(logits).gather(-1, pixels[..., None]).mean() / math.log(2),
            lambda logits, pixels: (
                F.binary_cross_entropy_with_logits(logits, 1.0 * F.one_hot(pixels, logits.shape[-1])) / math.log(2)
            ),
        ),
        Misconception(
            "smoothed",
            "The right answers are smoothed, so the wrong colours count a little too. Only the right one should.",
            lambda logits, pixels: F.cross_entropy(logits.mT, pixels, label_smoothing=0.1) / math.log(2),
        ),
        Misconception(
            "accuracy",
            "You count how often the most likely colour is right or wrong. The number of bits depends on the "
            "probability of the right colour.",
            lambda logits, pixels: (logits.argmax(-1) == pixels).float().mean(),
            lambda logits, pixels: (logits.argmax(-1) != pixels).float().mean(),
        ),
        Misconception(
            "softmax-over-pixels",
            "The softmax runs over the pixels. The probabilities of each pixel's colours sum to one: use the last "
            "axis.",
            _softmaxed(1),
        ),
        Misconception(
            "softmax-over-the-batch",
            "The softmax runs over the images of the batch. The probabilities of each pixel's colours sum to one: "
            "use the last axis.",
            _softmaxed(0),
        ),
        Misconception(
            "bare-reshape",
            "A bare reshape mixes colours and pixels: it keeps the order of the numbers and moves no axis. "
            "`cross_entropy` needs the colours on the second axis, so swap two axes.",
            lambda logits, pixels: (
                _nats(logits.reshape(len(logits), logits.shape[2], -1).mT, pixels).mean() / math.log(2)
            ),
        ),
        Misconception(
            "colours-on-the-wrong-axis",
            SECOND_AXIS,
            lambda logits, pixels: F.cross_entropy(logits, pixels) / math.log(2),
        ),
        Misconception(
            "mean-first",
            "The probabilities are averaged first, then the logarithm is taken. Each pixel has its own code length: "
            "take the logarithms first, then the mean.",
            lambda logits, pixels: -_right(logits, pixels).mean().log2(),
        ),
        Misconception(
            "no-logarithm",
            "No logarithm is taken: this is computed from the mean probability itself. A code for something of "
            "probability p needs −log₂ p bits.",
            lambda logits, pixels: -_right(logits, pixels).mean() / math.log(2),
            lambda logits, pixels: _right(logits, pixels).mean(),
            lambda logits, pixels: -_right(logits, pixels).mean(),
            lambda logits, pixels: 1 - _right(logits, pixels).mean(),
        ),
        Misconception(
            "weighted-by-itself",
            "The bits of each pixel are weighted by the probability of its colour. The actual colour counts fully, "
            "however unlikely it was.",
            lambda logits, pixels: (_right(logits, pixels) * _nats(logits, pixels)).mean() / math.log(2),
        ),
        Misconception(
            "entropy",
            "This is the entropy of the prediction, the number of bits that the model itself expects: pixels is not "
            "used. What was the actual colour?",
            lambda logits, pixels: torch.distributions.Categorical(logits=logits).entropy().mean() / math.log(2),
        ),
        Misconception(
            "all-colours",
            "All colours count, whatever the pixel is. Only the probability of the actual colour should count.",
            lambda logits, pixels: -logits.log_softmax(-1).mean() / math.log(2),
            lambda logits, pixels: -logits.log_softmax(-1).sum(-1).mean() / math.log(2),
        ),
        Misconception(
            "every-pair",
            "At every pixel, the colours of other pixels are looked up too. Each pixel needs only its own colour: "
            "that is what `gather` does.",
            lambda logits, pixels: -logits.log_softmax(-1)[..., pixels].mean() / math.log(2),
            lambda logits, pixels: -logits.log_softmax(-1)[:, range(logits.shape[1]), pixels].mean() / math.log(2),
            lambda logits, pixels: -logits.log_softmax(-1).index_select(-1, pixels.flatten()).mean() / math.log(2),
        ),
        Misconception(
            "index-with-a-wrong-axis",
            "The index has its new axis in the wrong position, so `gather` looks up colours at the wrong pixels. "
            "Select one colour per pixel: the index has the shape (batch, pixels, 1).",
            lambda logits, pixels: -logits.log_softmax(-1).gather(-1, pixels[None]).mean() / math.log(2),
            lambda logits, pixels: -logits.log_softmax(-1).gather(-1, pixels[:, None]).mean() / math.log(2),
        ),
        Misconception(
            "gathered-along-pixels",
            "`gather` runs along the pixels, as if the colour indices were positions in the image. The colours are "
            "on the last axis.",
            lambda logits, pixels: -logits.log_softmax(-1).gather(1, pixels[..., None]).mean() / math.log(2),
            lambda logits, pixels: -logits.log_softmax(-1).gather(-2, pixels[..., None]).mean() / math.log(2),
        ),
        Misconception(
            "likeliest-colour",
            "The most likely colour is scored, whatever the pixel is. Only the probability of the actual colour "
            "counts.",
            lambda logits, pixels: -logits.log_softmax(-1).amax(-1).mean() / math.log(2),
        ),
        Misconception(
            "perplexity",
            "This is the perplexity, 2 to the power of the bits. Return the bits themselves.",
            _merged(lambda nats: nats.mean().exp()),
        ),
        Misconception(
            "base-of-colours",
            "The base of the logarithm is the number of colours, so uniform predictions give 1. Bits have base 2 for "
            "any palette.",
            lambda logits, pixels: _nats(logits, pixels).mean() / math.log(logits.shape[-1]),
        ),
        Misconception(
            "first-pixel-left-out",
            "The first pixel is left out. The model predicts it too, from the start token alone.",
            _merged(lambda nats: nats[:, 1:].mean() / math.log(2)),
        ),
        Misconception(
            "last-pixel-left-out",
            "The last pixel is left out. There are logits for every pixel, and all of them count.",
            _merged(lambda nats: nats[:, :-1].mean() / math.log(2)),
        ),
        Misconception(
            "first-picture-only",
            "Only the first image of the batch counts. Take the mean over all of them.",
            _merged(lambda nats: nats[0].mean() / math.log(2)),
        ),
        Misconception(
            "shifted-again",
            "The logits of a position are compared with the pixel next to it in the sequence. Logits and pixels are "
            "for the same positions: they are already shifted.",
            lambda logits, pixels: _nats(logits[:, :-1], pixels[:, 1:]).mean() / math.log(2),
            lambda logits, pixels: _nats(logits[:, 1:], pixels[:, :-1]).mean() / math.log(2),
            lambda logits, pixels: _nats(logits, pixels.roll(-1, 1)).mean() / math.log(2),
        ),
        Misconception(
            "colour-0-ignored",
            "Pixels of colour 0 are left out. It is a colour like any other.",
            lambda logits, pixels: F.cross_entropy(logits.mT, pixels, ignore_index=0) / math.log(2),
        ),
        Misconception(
            "small-number-added",
            "A small number is added to the probabilities to keep them from zero, which changes the result where the "
            "right colour is unlikely. `log_softmax` avoids the zeros.",
            lambda logits, pixels: -(_right(logits, pixels) + 1e-2).log2().mean(),
        ),
    ),
)
