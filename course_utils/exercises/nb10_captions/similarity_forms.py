"""Wrong uses of the temperature, and other functions of the cosines."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb10_captions.similarity_lengths import Answer, Form, slip, unit


def _cosines(form: Form) -> Answer:
    """A function of the cosines, divided by the temperature."""
    return slip(scale=lambda cosine, temperature: form(cosine) / temperature)


def _logits(form: Form) -> Answer:
    """A function of the right logits."""
    return slip(scale=lambda cosine, temperature: form(cosine / temperature))


def _pairs(images: Tensor, captions: Tensor, temperature: float) -> Tensor:
    return (unit(images) * unit(captions)).sum(dim=-1) / temperature


def _along(dim: int) -> Answer:
    return lambda images, captions, temperature: (
        F.cosine_similarity(images[:, None], captions[None], dim=dim) / temperature
    )


def _distance(form: Form) -> Answer:
    return lambda images, captions, temperature: form(torch.cdist(unit(images), unit(captions))) / temperature


def _built_in(temperature: float) -> Answer:
    return slip(scale=lambda cosine, given: cosine / temperature)


def _mixed(x: Tensor) -> Tensor:
    """Reshaped instead of transposed."""
    return unit(x).reshape(x.shape[1], x.shape[0]).mT


def _at_least(least: float) -> Answer:
    """The temperature clamped from below."""
    return slip(scale=lambda cosine, temperature: cosine / max(temperature, least))


def _angle(cosine: Tensor) -> Tensor:
    return cosine.clamp(-1, 1).acos()


FORMS = (
    Misconception(
        "temperature-multiplies",
        "You multiply by the temperature. A small temperature should make differences larger: divide.",
        slip(scale=lambda cosine, temperature: cosine * temperature),
    ),
    Misconception(
        "temperature-unused",
        "The temperature has no effect: it is left out, or it cancels when the vectors are normalised. Divide the "
        "cosines by it.",
        slip(scale=lambda cosine, temperature: cosine),
    ),
    Misconception(
        "temperature-built-in",
        "The cosines are divided by a constant. Use the argument temperature.",
        _built_in(0.07),
        *tuple(map(_built_in, (0.01, 0.05, 0.1, 0.2, 0.5))),
    ),
    Misconception(
        "temperature-twice",
        "You divide by the temperature twice, so the cosines are divided by its square. Divide once.",
        slip(scale=lambda cosine, temperature: cosine / temperature**2),
    ),
    Misconception(
        "temperature-root",
        "The cosines are divided by the root of the temperature. Divide by the temperature itself.",
        slip(scale=lambda cosine, temperature: cosine / temperature**0.5),
    ),
    Misconception(
        "temperature-exponential",
        "You use exp of the temperature, as if the argument were its logarithm. CLIP's parameter is a logarithm; "
        "here the argument is the temperature itself.",
        slip(scale=lambda cosine, temperature: cosine * math.exp(temperature)),
        slip(scale=lambda cosine, temperature: cosine / math.exp(temperature)),
    ),
    Misconception(
        "temperature-added",
        "The temperature is added to the cosines or subtracted from them. Divide by it.",
        slip(scale=lambda cosine, temperature: cosine - temperature),
        slip(scale=lambda cosine, temperature: cosine + temperature),
        slip(scale=lambda cosine, temperature: temperature - cosine),
    ),
    Misconception(
        "temperature-limited",
        "The temperature, or one over it, is clamped. The model does that; here, divide by the unchanged "
        "temperature.",
        _at_least(0.07),
        *tuple(map(_at_least, (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.1, 0.2, 0.5, 1.0))),
    ),
    Misconception(
        "transposed",
        "The matrix is transposed: a row should belong to an image, and a column to a caption.",
        lambda images, captions, temperature: slip()(captions, images, temperature),
    ),
    Misconception(
        "with-themselves",
        "Images are compared with images, or captions with captions. Compare images with captions.",
        lambda images, captions, temperature: slip()(images, images, temperature),
        lambda images, captions, temperature: slip()(captions, captions, temperature),
    ),
    Misconception(
        "pairs-only",
        "Each image is compared with only one caption, the one with the same index. Compare every image with every "
        "caption.",
        _pairs,
        lambda images, captions, temperature: F.cosine_similarity(images, captions, dim=-1) / temperature,
        _cosines(torch.diagonal),
    ),
    Misconception(
        "along-another-axis",
        "The cosine is not computed along the features. With three axes, check which one has the features.",
        _along(1),
        _along(0),
    ),
    Misconception(
        "reshaped",
        "The captions are reshaped to (dim, captions), which mixes the vectors. Swap the two axes instead.",
        slip(caption=_mixed),
    ),
    Misconception(
        "cut-at-zero",
        "Negative cosines are set to zero. A caption in the opposite direction is worse than one at a right angle: "
        "keep the sign.",
        _cosines(lambda cosine: cosine.clamp(min=0)),
    ),
    Misconception(
        "cut-to-one",
        "The logits are clamped to [−1, 1]. Only the cosine is in this range; divided by a small temperature, it is "
        "not.",
        _logits(lambda logits: logits.clamp(-1, 1)),
    ),
    Misconception(
        "sign-lost",
        "The sign of the cosine is lost. A caption in the opposite direction is not a good one: keep the sign.",
        _cosines(torch.abs),
        _cosines(torch.square),
    ),
    Misconception(
        "one-minus-cosine",
        "This is one minus the cosine, a distance: small for a good pair. A logit is large for a good pair.",
        _cosines(lambda cosine: 1 - cosine),
    ),
    Misconception(
        "distance",
        "This is computed from the distances between the vectors. Use the cosine of the angle between them.",
        _distance(lambda distance: -distance),
        _distance(lambda distance: distance),
        _distance(lambda distance: -(distance**2)),
        lambda images, captions, temperature: -torch.cdist(images, captions) / temperature,
        lambda images, captions, temperature: -(torch.cdist(images, captions) ** 2) / temperature,
    ),
    Misconception(
        "squashed",
        "The cosines or the logits go through a sigmoid or a hyperbolic tangent. Only divide the cosines by the "
        "temperature.",
        _logits(torch.sigmoid),
        _logits(torch.tanh),
        _cosines(torch.sigmoid),
        _cosines(torch.tanh),
    ),
    Misconception(
        "softmax-too-early",
        "These are probabilities, a softmax of the logits. The loss applies it later, once in each direction.",
        _logits(lambda logits: logits.softmax(dim=-1)),
        _logits(lambda logits: logits.softmax(dim=0)),
    ),
    Misconception(
        "log-softmax-too-early",
        "These are log-probabilities, a log-softmax of the logits. The loss applies it later, once in each "
        "direction.",
        _logits(lambda logits: logits.log_softmax(dim=-1)),
        _logits(lambda logits: logits.log_softmax(dim=0)),
    ),
    Misconception(
        "largest-subtracted",
        "The largest logit is subtracted, as inside a softmax. The softmax does that itself: return the unchanged "
        "logits.",
        _logits(lambda logits: logits - logits.amax(dim=-1, keepdim=True)),
        _logits(lambda logits: logits - logits.amax(dim=0, keepdim=True)),
        _logits(lambda logits: logits - logits.max()),
    ),
    Misconception(
        "shifted-cosines",
        "The cosines are shifted so that none is negative. Logits may be negative: do not shift them.",
        _cosines(lambda cosine: (cosine + 1) / 2),
        _cosines(lambda cosine: cosine + 1),
    ),
    Misconception(
        "angle",
        "This is computed from the angle between the vectors. Return the cosine itself, divided by the temperature.",
        _cosines(_angle),
        _cosines(lambda cosine: -_angle(cosine)),
        _cosines(lambda cosine: 1 - _angle(cosine) / math.pi),
        _cosines(lambda cosine: 1 - 2 * _angle(cosine) / math.pi),
    ),
)
