"""Embeddings that are not divided by their lengths, or by something else."""

from collections.abc import Callable

from torch import Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Misconception

Form = Callable[[Tensor], Tensor]
Answer = Callable[[Tensor, Tensor, float], Tensor]


def unit(x: Tensor) -> Tensor:
    """Rows of length one."""
    return F.normalize(x, dim=-1)


def _across(x: Tensor) -> Tensor:
    return F.normalize(x, dim=0)


def _as_it_is(x: Tensor) -> Tensor:
    return x


def slip(
    picture: Form = unit,
    caption: Form = unit,
    scale: Callable[[Tensor, float], Tensor] = lambda cosine, temperature: cosine / temperature,
) -> Answer:
    """The logits with one of their steps replaced."""
    return lambda pictures, captions, temperature: scale(picture(pictures) @ caption(captions).mT, temperature)


def _both(form: Form) -> Answer:
    """The logits with another form of both embeddings."""
    return slip(form, form)


def _products(form: Form) -> Answer:
    """Something made of the dot products, over the temperature."""
    return slip(_as_it_is, _as_it_is, scale=lambda products, temperature: form(products) / temperature)


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


def _added(pinch: float) -> Answer:
    return _both(lambda x: x / (x.norm(dim=-1, keepdim=True) + pinch))


LENGTHS = (
    Misconception(
        "dot-product",
        "The embeddings are not brought to length one: this is a dot product, in which a long vector seems close "
        "to everything. CLIP compares directions only.",
        _both(_as_it_is),
        slip(_as_it_is, _as_it_is, scale=lambda products, temperature: products),
        slip(_as_it_is, _as_it_is, scale=lambda products, temperature: products * temperature),
        slip(_as_it_is, _as_it_is, scale=lambda products, temperature: products / temperature**2),
    ),
    Misconception(
        "captions-not-normalised",
        "Only the pictures have length one. The captions' lengths must not matter either.",
        slip(caption=_as_it_is),
    ),
    Misconception(
        "pictures-not-normalised",
        "Only the captions have length one. The pictures' lengths must not matter either.",
        slip(picture=_as_it_is),
    ),
    Misconception(
        "scaled-by-features",
        "The vectors keep their lengths: the dot products are divided by the number of features, or by its root. A "
        "cosine divides by the lengths of the two vectors.",
        _both(lambda x: x / x.shape[-1] ** 0.25),
        _both(lambda x: x / x.shape[-1] ** 0.5),
        slip(_as_it_is, lambda x: x / x.shape[-1] ** 0.5, scale=lambda products, temperature: products),
    ),
    Misconception(
        "normalised-over-batch",
        "The lengths are taken over the batch, one for each feature. Each row is a vector with a length of its own.",
        _both(_across),
    ),
    Misconception(
        "one-over-batch",
        "The lengths of the pictures, or of the captions, are taken over the batch, one for each feature. A vector is a "
        "row; it becomes a column only after a transposition.",
        slip(caption=_across),
        slip(picture=_across),
    ),
    Misconception(
        "whole-matrix",
        "A whole matrix is divided by one number. Every row has a length of its own.",
        _both(lambda x: x / x.norm()),
        slip(picture=lambda x: x / x.norm()),
        slip(caption=lambda x: x / x.norm()),
        _both(lambda x: x / x.abs().max()),
        _products(lambda products: products / products.norm()),
    ),
    Misconception(
        "squared-length",
        "The dot products are divided by the squares of the lengths. Look for a root that is missing.",
        _divided(lambda mine, theirs: mine**2 * theirs**2),
    ),
    Misconception(
        "root-of-length",
        "The dot products are divided by the roots of the lengths. The lengths are roots already.",
        _divided(lambda mine, theirs: (mine * theirs) ** 0.5),
    ),
    Misconception(
        "sum-of-lengths",
        "Each dot product is divided by the sum of the two lengths. A cosine divides by their product.",
        _divided(lambda mine, theirs: mine + theirs),
    ),
    Misconception(
        "lengths-not-lined-up",
        "Both lengths run along the columns of the matrix: that fails, or divides by the wrong ones where there are as "
        "many pictures as captions. The pictures' lengths belong to its rows.",
        _divided(lambda mine, theirs: mine * theirs, columns=False),
        _one_after_the_other,
    ),
    Misconception(
        "no-keepdim",
        "The lengths run along the features instead of the rows: that fails, or divides by the wrong ones. They must "
        "stay a column: look for `keepdim`.",
        _both(lambda x: x / x.norm(dim=-1)),
        _captions_first_without_keepdim,
    ),
    Misconception(
        "largest-entry",
        "Each row is divided by its largest entry, or by its largest absolute value. Its length is the root of the sum of the squares.",
        _both(lambda x: x / x.abs().amax(dim=-1, keepdim=True)),
        _both(lambda x: x / x.amax(dim=-1, keepdim=True)),
    ),
    Misconception(
        "sum-of-entries",
        "Each row is divided by the sum of its entries, so it sums to one. That is not length one: the length is the "
        "root of the sum of the squares.",
        _both(lambda x: x / x.sum(dim=-1, keepdim=True)),
    ),
    Misconception(
        "l1-length",
        "The length is taken as the sum of the absolute values (L1). A cosine needs the root of the sum of the squares.",
        _both(lambda x: F.normalize(x, p=1, dim=-1)),
    ),
    Misconception(
        "spread-for-length",
        "Each vector is divided by the spread of its entries, their standard deviation. A cosine divides by the length, "
        "and subtracts nothing.",
        _both(lambda x: F.layer_norm(x, x.shape[-1:])),
        _both(lambda x: (x - x.mean(dim=-1, keepdim=True)) / x.std(dim=-1, keepdim=True)),
        _both(lambda x: x / x.std(dim=-1, keepdim=True)),
    ),
    Misconception(
        "mean-subtracted",
        "A mean is subtracted from the embeddings before they get length one. A cosine takes the vectors as they are.",
        _both(lambda x: unit(x - x.mean(dim=-1, keepdim=True))),
        _both(lambda x: unit(x - x.mean(dim=0))),
        _both(lambda x: unit(x - x.mean())),
        slip(picture=lambda x: unit(x - x.mean(dim=-1, keepdim=True))),
        slip(caption=lambda x: unit(x - x.mean(dim=-1, keepdim=True))),
    ),
    Misconception(
        "softmax-of-embeddings",
        "The embeddings went through a softmax. They are directions, not probabilities.",
        _both(lambda x: x.softmax(dim=-1)),
        _both(lambda x: unit(x.softmax(dim=-1))),
    ),
    Misconception(
        "added-to-the-length",
        "Something is added to the lengths before dividing, so the cosines come out too close to zero. Leave it out, or "
        "make it tiny.",
        _added(0.1),
        *map(_added, (1.0, 0.01, 0.001)),
        _divided(lambda mine, theirs: mine * theirs + 0.1),
    ),
    Misconception(
        "product-normalised",
        "The matrix of dot products is normalised, not the embeddings. Each vector has to get length one first.",
        _products(unit),
        _products(_across),
        slip(_as_it_is, _as_it_is, lambda products, temperature: unit(products)),
    ),
    Misconception(
        "spread-over-batch",
        "Each feature is divided by its spread over the batch, as in batch normalisation. A cosine divides each row by "
        "its own length.",
        _both(lambda x: (x - x.mean(dim=0)) / x.std(dim=0)),
        _both(lambda x: unit((x - x.mean(dim=0)) / x.std(dim=0))),
    ),
    Misconception(
        "one-length-multiplies",
        "The dot products are divided by the lengths on one side and multiplied by those on the other. Look for a "
        "missing bracket: both lengths divide.",
        _divided(lambda mine, theirs: mine / theirs),
        _divided(lambda mine, theirs: theirs / mine),
    ),
    Misconception(
        "temperature-added-to-lengths",
        "The temperature is added to the lengths. It should divide the cosine: look at your brackets.",
        lambda pictures, captions, temperature: (
            pictures @ captions.mT / (pictures.norm(dim=-1)[:, None] * captions.norm(dim=-1) + temperature)
        ),
    ),
)
