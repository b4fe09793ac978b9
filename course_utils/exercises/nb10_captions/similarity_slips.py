"""Cosines that are none, and temperatures in the wrong place."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Misconception

Form = Callable[[Tensor], Tensor]
Answer = Callable[[Tensor, Tensor, float], Tensor]


def _unit(x: Tensor) -> Tensor:
    return F.normalize(x, dim=-1)


def _across(x: Tensor) -> Tensor:
    return F.normalize(x, dim=0)


def _as_it_is(x: Tensor) -> Tensor:
    return x


def _slip(
    picture: Form = _unit,
    caption: Form = _unit,
    scale: Callable[[Tensor, float], Tensor] = lambda cosine, temperature: cosine / temperature,
) -> Answer:
    """The logits with one of their steps replaced."""
    return lambda pictures, captions, temperature: scale(picture(pictures) @ caption(captions).mT, temperature)


def _both(form: Form) -> Answer:
    """The logits with another form of both embeddings."""
    return _slip(form, form)


def _cosines(form: Form) -> Answer:
    """Something made of the cosines, over the temperature."""
    return _slip(scale=lambda cosine, temperature: form(cosine) / temperature)


def _logits(form: Form) -> Answer:
    """Something made of the right logits."""
    return _slip(scale=lambda cosine, temperature: form(cosine / temperature))


def _products(form: Form) -> Answer:
    """Something made of the dot products, over the temperature."""
    return _slip(_as_it_is, _as_it_is, scale=lambda products, temperature: form(products) / temperature)


def _divided(divisor: Callable[[Tensor, Tensor], Tensor], columns: bool = True) -> Answer:
    """Dot products over the temperature, divided by something made of the lengths of pictures and captions."""

    def wrong(pictures: Tensor, captions: Tensor, temperature: float) -> Tensor:
        mine, theirs = pictures.norm(dim=-1), captions.norm(dim=-1)
        return pictures @ captions.mT / divisor(mine[:, None] if columns else mine, theirs) / temperature

    return wrong


def _one_after_the_other(pictures: Tensor, captions: Tensor, temperature: float) -> Tensor:
    return pictures @ captions.mT / pictures.norm(dim=-1) / captions.norm(dim=-1) / temperature


def _captions_first_without_keepdim(pictures: Tensor, captions: Tensor, temperature: float) -> Tensor:
    captions = captions / captions.norm(dim=-1)
    return pictures / pictures.norm(dim=-1) @ captions.mT / temperature


def _pairs(pictures: Tensor, captions: Tensor, temperature: float) -> Tensor:
    return (_unit(pictures) * _unit(captions)).sum(dim=-1) / temperature


def _along(dim: int) -> Answer:
    return lambda pictures, captions, temperature: (
        F.cosine_similarity(pictures[:, None], captions[None], dim=dim) / temperature
    )


def _distance(form: Form) -> Answer:
    return lambda pictures, captions, temperature: form(torch.cdist(_unit(pictures), _unit(captions))) / temperature


def _added(pinch: float) -> Answer:
    return _both(lambda x: x / (x.norm(dim=-1, keepdim=True) + pinch))


def _built_in(temperature: float) -> Answer:
    return _slip(scale=lambda cosine, given: cosine / temperature)


def _mixed(x: Tensor) -> Tensor:
    """Reshaped where it should be transposed: what the matrix product sees."""
    return _unit(x).reshape(x.shape[1], x.shape[0]).mT


SLIPS = (
    Misconception(
        _both(_as_it_is),
        "The embeddings are not brought to length one: this is a dot product, in which a long vector is like "
        "everything. CLIP compares directions only.",
        name="dot-product",
        also=(
            _slip(_as_it_is, _as_it_is, scale=lambda products, temperature: products),
            _slip(_as_it_is, _as_it_is, scale=lambda products, temperature: products * temperature),
        ),
    ),
    Misconception(
        _slip(caption=_as_it_is),
        "Only the pictures have length one. The captions' lengths must not matter either.",
        name="captions-not-normalised",
    ),
    Misconception(
        _slip(picture=_as_it_is),
        "Only the captions have length one. The pictures' lengths must not matter either.",
        name="pictures-not-normalised",
    ),
    Misconception(
        _both(lambda x: x / x.shape[-1] ** 0.25),
        "The dot products are scaled by the number of features, as in attention, and the vectors keep their lengths. A "
        "cosine divides by the lengths of the two vectors.",
        name="scaled-by-features",
        also=(
            _both(lambda x: x / x.shape[-1] ** 0.5),
            _slip(_as_it_is, lambda x: x / x.shape[-1] ** 0.5, scale=lambda products, temperature: products),
        ),
    ),
    Misconception(
        _slip(scale=lambda cosine, temperature: cosine * temperature),
        "The temperature multiplies. It should make differences larger when it is small.",
        name="temperature-multiplies",
    ),
    Misconception(
        _slip(scale=lambda cosine, temperature: cosine),
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
        _slip(scale=lambda cosine, temperature: cosine / temperature**2),
        "The temperature divides twice, so the cosines are divided by its square. Divide in one place only.",
        name="temperature-twice",
    ),
    Misconception(
        _slip(scale=lambda cosine, temperature: cosine / temperature**0.5),
        "The cosines are divided by the root of the temperature. Divide by the temperature itself.",
        name="temperature-root",
    ),
    Misconception(
        _slip(scale=lambda cosine, temperature: cosine * math.exp(temperature)),
        "The exponential of the temperature is taken, as if its logarithm were given. Only CLIP's parameter is a "
        "logarithm; here the temperature comes as it is.",
        name="temperature-exponential",
        also=(_slip(scale=lambda cosine, temperature: cosine / math.exp(temperature)),),
    ),
    Misconception(
        _both(_across),
        "The lengths are taken over the batch, one for each feature. Each row is a vector with a length of its own.",
        name="normalised-over-batch",
    ),
    Misconception(
        _slip(caption=_across),
        "The lengths of the pictures, or of the captions, are taken over the batch, one for each feature. A vector is a "
        "row, and a column only after a transposition.",
        name="one-over-batch",
        also=(_slip(picture=_across),),
    ),
    Misconception(
        _both(lambda x: x / x.norm()),
        "A whole matrix is divided by one number. Every row has a length of its own.",
        name="whole-matrix",
        also=(
            _slip(picture=lambda x: x / x.norm()),
            _slip(caption=lambda x: x / x.norm()),
            _both(lambda x: x / x.abs().max()),
            _products(lambda products: products / products.norm()),
        ),
    ),
    Misconception(
        _divided(lambda mine, theirs: mine**2 * theirs**2),
        "The dot products are divided by the squares of the lengths. Look for a root that is missing.",
        name="squared-length",
    ),
    Misconception(
        _divided(lambda mine, theirs: (mine * theirs) ** 0.5),
        "The dot products are divided by the root of the lengths. The lengths are roots already.",
        name="root-of-length",
    ),
    Misconception(
        _divided(lambda mine, theirs: mine + theirs),
        "Each dot product is divided by the sum of the two lengths. A cosine divides by their product.",
        name="sum-of-lengths",
    ),
    Misconception(
        _divided(lambda mine, theirs: mine * theirs, columns=False),
        "Both lengths run along the columns of the matrix: that fails, or divides by the wrong ones where there are as "
        "many pictures as captions. The pictures' lengths belong to its rows.",
        name="lengths-not-lined-up",
        also=(_one_after_the_other,),
    ),
    Misconception(
        _both(lambda x: x / x.norm(dim=-1)),
        "The lengths run along the features instead of the rows: that fails, or divides by the wrong ones. They must "
        "stay a column: look for `keepdim`.",
        name="no-keepdim",
        also=(_captions_first_without_keepdim,),
    ),
    Misconception(
        _both(lambda x: x / x.abs().amax(dim=-1, keepdim=True)),
        "Each row is divided by its largest entry. Its length is the root of the sum of the squares.",
        name="largest-entry",
        also=(_both(lambda x: x / x.amax(dim=-1, keepdim=True)),),
    ),
    Misconception(
        _both(lambda x: x / x.sum(dim=-1, keepdim=True)),
        "Each row is divided by the sum of its entries, so it sums to one. That is not length one: the length is the "
        "root of the sum of the squares.",
        name="sum-of-entries",
    ),
    Misconception(
        _both(lambda x: F.normalize(x, p=1, dim=-1)),
        "The length is taken as the sum of the absolute values (L1). A cosine needs the root of the sum of the squares.",
        name="l1-length",
    ),
    Misconception(
        _both(lambda x: F.layer_norm(x, x.shape[-1:])),
        "Each vector is divided by the spread of its entries, as in LayerNorm. Divide by its length, and leave its mean "
        "where it is.",
        name="spread-for-length",
        also=(
            _both(lambda x: (x - x.mean(dim=-1, keepdim=True)) / x.std(dim=-1, keepdim=True)),
            _both(lambda x: x / x.std(dim=-1, keepdim=True)),
        ),
    ),
    Misconception(
        _both(lambda x: _unit(x - x.mean(dim=-1, keepdim=True))),
        "A mean is taken off the embeddings first, so this is a correlation. A cosine takes the vectors as they are.",
        name="mean-taken-off",
        also=(_both(lambda x: _unit(x - x.mean(dim=0))),),
    ),
    Misconception(
        _both(lambda x: x.softmax(dim=-1)),
        "The embeddings went through a softmax. They are directions, not probabilities.",
        name="softmax-of-embeddings",
        also=(_both(lambda x: _unit(x.softmax(dim=-1))),),
    ),
    Misconception(
        _added(0.1),
        "Something is added to the length before dividing, so the vectors are shorter than one. Leave it out, or make "
        "it tiny.",
        name="added-to-the-length",
        also=(*map(_added, (1.0, 0.01, 0.001)), _divided(lambda mine, theirs: mine * theirs + 0.1)),
    ),
    Misconception(
        _products(_unit),
        "The matrix of dot products is normalised, not the embeddings. Each vector has to get length one first.",
        name="product-normalised",
        also=(_products(_across), _slip(_as_it_is, _as_it_is, lambda products, temperature: _unit(products))),
    ),
    Misconception(
        lambda pictures, captions, temperature: _slip()(captions, pictures, temperature),
        "The matrix lies on its side: a row should belong to a picture, and a column to a caption.",
        name="transposed",
    ),
    Misconception(
        lambda pictures, captions, temperature: _slip()(pictures, pictures, temperature),
        "One sort is compared with itself, pictures with pictures or captions with captions. The other is never looked at.",
        name="with-themselves",
        also=(lambda pictures, captions, temperature: _slip()(captions, captions, temperature),),
    ),
    Misconception(
        _pairs,
        "Each picture meets one caption only, the one of its own number. Every picture should meet every caption.",
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
        _slip(caption=_mixed),
        "The captions are reshaped to (dim, captions), which mixes the vectors. Exchange the two axes instead.",
        name="reshaped",
    ),
    Misconception(
        _cosines(lambda cosine: cosine.clamp(min=0)),
        "Negative cosines are cut to zero. A caption that points the other way is worse than one at a right angle.",
        name="cut-at-zero",
    ),
    Misconception(
        _logits(lambda logits: logits.clamp(-1, 1)),
        "The logits are cut to −1 … 1. Only the cosine stays there; over a small temperature it becomes larger.",
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
        "This is made of the distances between the points. Asked is the cosine of their angle.",
        name="distance",
        also=(
            _distance(lambda distance: distance),
            _distance(lambda distance: -(distance**2)),
            lambda pictures, captions, temperature: -torch.cdist(pictures, captions) / temperature,
        ),
    ),
    Misconception(
        _logits(torch.sigmoid),
        "The logits are squashed into a fixed range. A small temperature should make them large: leave them as they are.",
        name="squashed",
        also=(_logits(torch.tanh), _cosines(torch.sigmoid)),
    ),
    Misconception(
        _logits(lambda logits: logits.softmax(dim=-1)),
        "A softmax was taken of the logits, or its logarithm. The loss does that later, once in each direction.",
        name="softmax-too-early",
        also=(
            _logits(lambda logits: logits.softmax(dim=0)),
            _logits(lambda logits: logits.log_softmax(dim=-1)),
            _logits(lambda logits: logits.log_softmax(dim=0)),
        ),
    ),
)
