"""Embeddings that are not divided by their norms."""

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
    image: Form = unit,
    caption: Form = unit,
    scale: Callable[[Tensor, float], Tensor] = lambda cosine, temperature: cosine / temperature,
) -> Answer:
    """The logits with one of their steps replaced."""
    return lambda images, captions, temperature: scale(image(images) @ caption(captions).mT, temperature)


def _both(form: Form) -> Answer:
    """The logits of changed embeddings."""
    return slip(form, form)


def _products(form: Form) -> Answer:
    """A function of the dot products, divided by the temperature."""
    return slip(_as_it_is, _as_it_is, scale=lambda products, temperature: form(products) / temperature)


def _divided(divisor: Callable[[Tensor, Tensor], Tensor], columns: bool = True) -> Answer:
    """Dot products divided by the temperature and by a function of the norms of images and captions."""

    def wrong(images: Tensor, captions: Tensor, temperature: float) -> Tensor:
        mine, theirs = images.norm(dim=-1), captions.norm(dim=-1)
        return images @ captions.mT / divisor(mine[:, None] if columns else mine, theirs) / temperature

    return wrong


def _one_after_the_other(images: Tensor, captions: Tensor, temperature: float) -> Tensor:
    return images @ captions.mT / images.norm(dim=-1) / captions.norm(dim=-1) / temperature


def _captions_first_without_keepdim(images: Tensor, captions: Tensor, temperature: float) -> Tensor:
    captions = captions / captions.norm(dim=-1)
    return images / images.norm(dim=-1) @ captions.mT / temperature


def _added(pinch: float) -> Answer:
    return _both(lambda x: x / (x.norm(dim=-1, keepdim=True) + pinch))


LENGTHS = (
    Misconception(
        "dot-product",
        "The embeddings are not normalised to length one: this is a dot product, in which a long vector seems close "
        "to everything. CLIP compares only directions.",
        _both(_as_it_is),
        slip(_as_it_is, _as_it_is, scale=lambda products, temperature: products),
        slip(_as_it_is, _as_it_is, scale=lambda products, temperature: products * temperature),
        slip(_as_it_is, _as_it_is, scale=lambda products, temperature: products / temperature**2),
    ),
    Misconception(
        "captions-not-normalised",
        "Only the images are normalised. Normalise the captions too.",
        slip(caption=_as_it_is),
    ),
    Misconception(
        "pictures-not-normalised",
        "Only the captions are normalised. Normalise the images too.",
        slip(image=_as_it_is),
    ),
    Misconception(
        "scaled-by-features",
        "The dot products are divided by the number of features, or by its root. A cosine divides by the norms of "
        "the two vectors.",
        _both(lambda x: x / x.shape[-1] ** 0.25),
        _both(lambda x: x / x.shape[-1] ** 0.5),
        slip(_as_it_is, lambda x: x / x.shape[-1] ** 0.5, scale=lambda products, temperature: products),
    ),
    Misconception(
        "normalised-over-batch",
        "The norms are taken over the batch, one per feature. Each row is a vector with its own norm.",
        _both(_across),
    ),
    Misconception(
        "one-over-batch",
        "The norms of the images or the captions are taken over the batch, one per feature. A vector is a row; it is "
        "a column only after a transpose.",
        slip(caption=_across),
        slip(image=_across),
    ),
    Misconception(
        "whole-matrix",
        "A whole matrix is divided by one number. Every row has its own norm.",
        _both(lambda x: x / x.norm()),
        slip(image=lambda x: x / x.norm()),
        slip(caption=lambda x: x / x.norm()),
        _both(lambda x: x / x.abs().max()),
        _products(lambda products: products / products.norm()),
    ),
    Misconception(
        "squared-length",
        "The dot products are divided by the squared norms. A root is missing.",
        _divided(lambda mine, theirs: mine**2 * theirs**2),
    ),
    Misconception(
        "root-of-length",
        "The dot products are divided by the roots of the norms. The norms are already roots.",
        _divided(lambda mine, theirs: (mine * theirs) ** 0.5),
    ),
    Misconception(
        "sum-of-lengths",
        "Each dot product is divided by the sum of the two norms. A cosine divides by their product.",
        _divided(lambda mine, theirs: mine + theirs),
    ),
    Misconception(
        "lengths-not-lined-up",
        "Both norms are broadcast along the columns of the matrix: that fails, or is wrong if there are as many "
        "images as captions. The norms of the images belong to the rows.",
        _divided(lambda mine, theirs: mine * theirs, columns=False),
        _one_after_the_other,
    ),
    Misconception(
        "no-keepdim",
        "The norms are broadcast along the features instead of the rows: that fails or is wrong. They must be a "
        "column: use `keepdim`.",
        _both(lambda x: x / x.norm(dim=-1)),
        _captions_first_without_keepdim,
    ),
    Misconception(
        "largest-entry",
        "Each row is divided by its largest entry, or by its largest absolute value. Its norm is the root of the sum "
        "of the squares.",
        _both(lambda x: x / x.abs().amax(dim=-1, keepdim=True)),
        _both(lambda x: x / x.amax(dim=-1, keepdim=True)),
    ),
    Misconception(
        "sum-of-entries",
        "Each row is divided by the sum of its entries, so it sums to one. Its norm is the root of the sum of the "
        "squares.",
        _both(lambda x: x / x.sum(dim=-1, keepdim=True)),
    ),
    Misconception(
        "l1-length",
        "The norm is the sum of the absolute values (L1). A cosine needs the root of the sum of the squares.",
        _both(lambda x: F.normalize(x, p=1, dim=-1)),
    ),
    Misconception(
        "spread-for-length",
        "Each vector is divided by the standard deviation of its entries. A cosine divides by the norm and subtracts "
        "nothing.",
        _both(lambda x: F.layer_norm(x, x.shape[-1:])),
        _both(lambda x: (x - x.mean(dim=-1, keepdim=True)) / x.std(dim=-1, keepdim=True)),
        _both(lambda x: x / x.std(dim=-1, keepdim=True)),
    ),
    Misconception(
        "mean-subtracted",
        "A mean is subtracted from the embeddings before they are normalised. Do not subtract it.",
        _both(lambda x: unit(x - x.mean(dim=-1, keepdim=True))),
        _both(lambda x: unit(x - x.mean(dim=0))),
        _both(lambda x: unit(x - x.mean())),
        slip(image=lambda x: unit(x - x.mean(dim=-1, keepdim=True))),
        slip(caption=lambda x: unit(x - x.mean(dim=-1, keepdim=True))),
    ),
    Misconception(
        "softmax-of-embeddings",
        "A softmax is applied to the embeddings. They are directions, not probabilities: only normalise them.",
        _both(lambda x: x.softmax(dim=-1)),
        _both(lambda x: unit(x.softmax(dim=-1))),
    ),
    Misconception(
        "added-to-the-length",
        "Something is added to the norms before the division, so the cosines are too close to zero. Leave it out, or "
        "make it tiny.",
        _added(0.1),
        *map(_added, (1.0, 0.01, 0.001)),
        _divided(lambda mine, theirs: mine * theirs + 0.1),
    ),
    Misconception(
        "product-normalised",
        "The matrix of dot products is normalised, not the embeddings. Normalise each vector first.",
        _products(unit),
        _products(_across),
        slip(_as_it_is, _as_it_is, lambda products, temperature: unit(products)),
    ),
    Misconception(
        "spread-over-batch",
        "Each feature is divided by its standard deviation over the batch, as in batch normalisation. A cosine "
        "divides each row by its own norm.",
        _both(lambda x: (x - x.mean(dim=0)) / x.std(dim=0)),
        _both(lambda x: unit((x - x.mean(dim=0)) / x.std(dim=0))),
    ),
    Misconception(
        "one-length-multiplies",
        "The dot products are divided by one norm and multiplied by the other. A bracket is missing: divide by both "
        "norms.",
        _divided(lambda mine, theirs: mine / theirs),
        _divided(lambda mine, theirs: theirs / mine),
    ),
    Misconception(
        "temperature-added-to-lengths",
        "The temperature is added to the norms. Divide the cosine by it: check your brackets.",
        lambda images, captions, temperature: (
            images @ captions.mT / (images.norm(dim=-1)[:, None] * captions.norm(dim=-1) + temperature)
        ),
    ),
)
