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
        slip(scale=lambda cosine, temperature: cosine * temperature),
        "The temperature multiplies. It should make differences larger when it is small.",
        name="temperature-multiplies",
    ),
    Misconception(
        slip(scale=lambda cosine, temperature: cosine),
        "The temperature changes nothing in your result: it is left out, or cancelled when the vectors get length one. "
        "It must act on the cosines.",
        name="temperature-unused",
    ),
    Misconception(
        _built_in(0.07),
        "The cosines are divided by the same number whatever temperature is given. Use the argument.",
        name="temperature-built-in",
        also=tuple(map(_built_in, (0.01, 0.05, 0.1, 0.2, 0.5))),
    ),
    Misconception(
        slip(scale=lambda cosine, temperature: cosine / temperature**2),
        "The temperature divides twice, so the cosines are divided by its square. Divide in one place only.",
        name="temperature-twice",
    ),
    Misconception(
        slip(scale=lambda cosine, temperature: cosine / temperature**0.5),
        "The cosines are divided by the root of the temperature. Divide by the temperature itself.",
        name="temperature-root",
    ),
    Misconception(
        slip(scale=lambda cosine, temperature: cosine * math.exp(temperature)),
        "The exponential of the temperature is taken, as if its logarithm were given. Only CLIP's parameter is a "
        "logarithm; here the temperature comes as it is.",
        name="temperature-exponential",
        also=(slip(scale=lambda cosine, temperature: cosine / math.exp(temperature)),),
    ),
    Misconception(
        slip(scale=lambda cosine, temperature: cosine - temperature),
        "The temperature is added to the cosines, or subtracted from them. It should divide.",
        name="temperature-added",
        also=(
            slip(scale=lambda cosine, temperature: cosine + temperature),
            slip(scale=lambda cosine, temperature: temperature - cosine),
        ),
    ),
    Misconception(
        _at_least(0.07),
        "The temperature, or one over it, is kept within limits before it is used. The model sees to that; this function "
        "should divide by the temperature that it is given.",
        name="temperature-limited",
        also=tuple(map(_at_least, (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.1, 0.2, 0.5, 1.0))),
    ),
    Misconception(
        lambda pictures, captions, temperature: slip()(captions, pictures, temperature),
        "The matrix is transposed: a row should belong to a picture, and a column to a caption.",
        name="transposed",
    ),
    Misconception(
        lambda pictures, captions, temperature: slip()(pictures, pictures, temperature),
        "Pictures are compared with pictures, or captions with captions, and the other kind is never looked at.",
        name="with-themselves",
        also=(lambda pictures, captions, temperature: slip()(captions, captions, temperature),),
    ),
    Misconception(
        _pairs,
        "Each picture meets only one caption, the one with its own number. Every picture should meet every caption.",
        name="pairs-only",
        also=(
            lambda pictures, captions, temperature: F.cosine_similarity(pictures, captions, dim=-1) / temperature,
            _cosines(torch.diagonal),
        ),
    ),
    Misconception(
        _along(1),
        "The cosine is not taken along the features. Once both have three axes, look where the features stand.",
        name="along-another-axis",
        also=(_along(0),),
    ),
    Misconception(
        slip(caption=_mixed),
        "The captions are reshaped to (dim, captions), which mixes the vectors. Exchange the two axes instead.",
        name="reshaped",
    ),
    Misconception(
        _cosines(lambda cosine: cosine.clamp(min=0)),
        "Negative cosines are set to zero. A caption that points the other way is worse than one at a right angle.",
        name="cut-at-zero",
    ),
    Misconception(
        _logits(lambda logits: logits.clamp(-1, 1)),
        "The logits are clipped to [−1, 1]. Only the cosine lies there: divided by a small temperature, it leaves that range.",
        name="cut-to-one",
    ),
    Misconception(
        _cosines(torch.abs),
        "The sign of the cosine is lost. A caption that points the other way is not a good one.",
        name="sign-lost",
        also=(_cosines(torch.square),),
    ),
    Misconception(
        _cosines(lambda cosine: 1 - cosine),
        "This is one minus the cosine, a distance: small for a good pair. A logit is large for a good pair.",
        name="one-minus-cosine",
    ),
    Misconception(
        _distance(lambda distance: -distance),
        "This is made of the distances between the points. What is asked for is the cosine of the angle between them.",
        name="distance",
        also=(
            _distance(lambda distance: distance),
            _distance(lambda distance: -(distance**2)),
            lambda pictures, captions, temperature: -torch.cdist(pictures, captions) / temperature,
            lambda pictures, captions, temperature: -(torch.cdist(pictures, captions) ** 2) / temperature,
        ),
    ),
    Misconception(
        _logits(torch.sigmoid),
        "The cosines or the logits go through a sigmoid or a hyperbolic tangent. Divide the cosines by the temperature, and "
        "leave it at that.",
        name="squashed",
        also=(_logits(torch.tanh), _cosines(torch.sigmoid), _cosines(torch.tanh)),
    ),
    Misconception(
        _logits(lambda logits: logits.softmax(dim=-1)),
        "These are probabilities: a softmax is taken of the logits. The loss does that later, once in each direction.",
        name="softmax-too-early",
        also=(_logits(lambda logits: logits.softmax(dim=0)),),
    ),
    Misconception(
        _logits(lambda logits: logits.log_softmax(dim=-1)),
        "These are logarithms of probabilities: a log-softmax is taken of the logits. The loss does that later, once in "
        "each direction.",
        name="log-softmax-too-early",
        also=(_logits(lambda logits: logits.log_softmax(dim=0)),),
    ),
    Misconception(
        _logits(lambda logits: logits - logits.amax(dim=-1, keepdim=True)),
        "The largest logit is subtracted, as inside a softmax. What takes a softmax does that itself: return the logits "
        "as they are.",
        name="largest-subtracted",
        also=(
            _logits(lambda logits: logits - logits.amax(dim=0, keepdim=True)),
            _logits(lambda logits: logits - logits.max()),
        ),
    ),
    Misconception(
        _cosines(lambda cosine: (cosine + 1) / 2),
        "The cosines are shifted so that none is negative. A logit may be negative: leave them as they are.",
        name="shifted-cosines",
        also=(_cosines(lambda cosine: cosine + 1),),
    ),
    Misconception(
        _cosines(_angle),
        "This is made of the angle between the vectors. What is asked for is the cosine itself, over the temperature.",
        name="angle",
        also=(
            _cosines(lambda cosine: -_angle(cosine)),
            _cosines(lambda cosine: 1 - _angle(cosine) / math.pi),
            _cosines(lambda cosine: 1 - 2 * _angle(cosine) / math.pi),
        ),
    ),
)
