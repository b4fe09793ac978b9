"""Temperatures in the wrong place, and something else made of the cosines or in place of them."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb10_captions.similarity_lengths import Answer, Form, slip, unit


def _cosines(form: Form) -> Answer:
    """Something made of the cosines, over the temperature."""
    return slip(scale=lambda cosine, temperature: form(cosine) / temperature)


def _logits(form: Form) -> Answer:
    """Something made of the right logits."""
    return slip(scale=lambda cosine, temperature: form(cosine / temperature))


def _pairs(pictures: Tensor, captions: Tensor, temperature: float) -> Tensor:
    return (unit(pictures) * unit(captions)).sum(dim=-1) / temperature


def _along(dim: int) -> Answer:
    return lambda pictures, captions, temperature: (
        F.cosine_similarity(pictures[:, None], captions[None], dim=dim) / temperature
    )


def _distance(form: Form) -> Answer:
    return lambda pictures, captions, temperature: form(torch.cdist(unit(pictures), unit(captions))) / temperature


def _built_in(temperature: float) -> Answer:
    return slip(scale=lambda cosine, given: cosine / temperature)


def _mixed(x: Tensor) -> Tensor:
    """Reshaped where it should be transposed: what the matrix product sees."""
    return unit(x).reshape(x.shape[1], x.shape[0]).mT


def _at_least(least: float) -> Answer:
    """The temperature kept from falling below a limit."""
    return slip(scale=lambda cosine, temperature: cosine / max(temperature, least))


def _angle(cosine: Tensor) -> Tensor:
    return cosine.clamp(-1, 1).acos()


FORMS = (
    Misconception(
        "temperature-multiplies",
        "The temperature multiplies. It should make differences larger when it is small.",
        slip(scale=lambda cosine, temperature: cosine * temperature),
    ),
    Misconception(
        "temperature-unused",
        "The temperature changes nothing in your result: it is left out, or cancelled when the vectors get length one. "
        "It must act on the cosines.",
        slip(scale=lambda cosine, temperature: cosine),
    ),
    Misconception(
        "temperature-built-in",
        "The cosines are divided by the same number whatever temperature is given. Use the argument.",
        _built_in(0.07),
        *tuple(map(_built_in, (0.01, 0.05, 0.1, 0.2, 0.5))),
    ),
    Misconception(
        "temperature-twice",
        "The temperature divides twice, so the cosines are divided by its square. Divide in one place only.",
        slip(scale=lambda cosine, temperature: cosine / temperature**2),
    ),
    Misconception(
        "temperature-root",
        "The cosines are divided by the root of the temperature. Divide by the temperature itself.",
        slip(scale=lambda cosine, temperature: cosine / temperature**0.5),
    ),
    Misconception(
        "temperature-exponential",
        "The exponential of the temperature is taken, as if its logarithm were given. Only CLIP's parameter is a "
        "logarithm; here the temperature comes as it is.",
        slip(scale=lambda cosine, temperature: cosine * math.exp(temperature)),
        slip(scale=lambda cosine, temperature: cosine / math.exp(temperature)),
    ),
    Misconception(
        "temperature-added",
        "The temperature is added to the cosines, or subtracted from them. It should divide.",
        slip(scale=lambda cosine, temperature: cosine - temperature),
        slip(scale=lambda cosine, temperature: cosine + temperature),
        slip(scale=lambda cosine, temperature: temperature - cosine),
    ),
    Misconception(
        "temperature-limited",
        "The temperature, or one over it, is kept within limits before it is used. The model sees to that; this function "
        "should divide by the temperature that it is given.",
        _at_least(0.07),
        *tuple(map(_at_least, (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.1, 0.2, 0.5, 1.0))),
    ),
    Misconception(
        "transposed",
        "The matrix is transposed: a row should belong to a picture, and a column to a caption.",
        lambda pictures, captions, temperature: slip()(captions, pictures, temperature),
    ),
    Misconception(
        "with-themselves",
        "Pictures are compared with pictures, or captions with captions, and the other kind is never looked at.",
        lambda pictures, captions, temperature: slip()(pictures, pictures, temperature),
        lambda pictures, captions, temperature: slip()(captions, captions, temperature),
    ),
    Misconception(
        "pairs-only",
        "Each picture meets only one caption, the one with its own number. Every picture should meet every caption.",
        _pairs,
        lambda pictures, captions, temperature: F.cosine_similarity(pictures, captions, dim=-1) / temperature,
        _cosines(torch.diagonal),
    ),
    Misconception(
        "along-another-axis",
        "The cosine is not taken along the features. Once both have three axes, look where the features stand.",
        _along(1),
        _along(0),
    ),
    Misconception(
        "reshaped",
        "The captions are reshaped to (dim, captions), which mixes the vectors. Exchange the two axes instead.",
        slip(caption=_mixed),
    ),
    Misconception(
        "cut-at-zero",
        "Negative cosines are set to zero. A caption that points the other way is worse than one at a right angle.",
        _cosines(lambda cosine: cosine.clamp(min=0)),
    ),
    Misconception(
        "cut-to-one",
        "The logits are clipped to [−1, 1]. Only the cosine lies there: divided by a small temperature, it leaves that range.",
        _logits(lambda logits: logits.clamp(-1, 1)),
    ),
    Misconception(
        "sign-lost",
        "The sign of the cosine is lost. A caption that points the other way is not a good one.",
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
        "This is made of the distances between the points. What is asked for is the cosine of the angle between them.",
        _distance(lambda distance: -distance),
        _distance(lambda distance: distance),
        _distance(lambda distance: -(distance**2)),
        lambda pictures, captions, temperature: -torch.cdist(pictures, captions) / temperature,
        lambda pictures, captions, temperature: -(torch.cdist(pictures, captions) ** 2) / temperature,
    ),
    Misconception(
        "squashed",
        "The cosines or the logits go through a sigmoid or a hyperbolic tangent. Divide the cosines by the temperature, and "
        "leave it at that.",
        _logits(torch.sigmoid),
        _logits(torch.tanh),
        _cosines(torch.sigmoid),
        _cosines(torch.tanh),
    ),
    Misconception(
        "softmax-too-early",
        "These are probabilities: a softmax is taken of the logits. The loss does that later, once in each direction.",
        _logits(lambda logits: logits.softmax(dim=-1)),
        _logits(lambda logits: logits.softmax(dim=0)),
    ),
    Misconception(
        "log-softmax-too-early",
        "These are logarithms of probabilities: a log-softmax is taken of the logits. The loss does that later, once in "
        "each direction.",
        _logits(lambda logits: logits.log_softmax(dim=-1)),
        _logits(lambda logits: logits.log_softmax(dim=0)),
    ),
    Misconception(
        "largest-subtracted",
        "The largest logit is subtracted, as inside a softmax. What takes a softmax does that itself: return the logits "
        "as they are.",
        _logits(lambda logits: logits - logits.amax(dim=-1, keepdim=True)),
        _logits(lambda logits: logits - logits.amax(dim=0, keepdim=True)),
        _logits(lambda logits: logits - logits.max()),
    ),
    Misconception(
        "shifted-cosines",
        "The cosines are shifted so that none is negative. A logit may be negative: leave them as they are.",
        _cosines(lambda cosine: (cosine + 1) / 2),
        _cosines(lambda cosine: cosine + 1),
    ),
    Misconception(
        "angle",
        "This is made of the angle between the vectors. What is asked for is the cosine itself, over the temperature.",
        _cosines(_angle),
        _cosines(lambda cosine: -_angle(cosine)),
        _cosines(lambda cosine: 1 - _angle(cosine) / math.pi),
        _cosines(lambda cosine: 1 - 2 * _angle(cosine) / math.pi),
    ),
)
