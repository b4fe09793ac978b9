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
        _both(_as_it_is),
        "The embeddings are not brought to length one: this is a dot product, in which a long vector seems close "
        "to everything. CLIP compares directions only.",
        name="dot-product",
        also=(
            slip(_as_it_is, _as_it_is, scale=lambda products, temperature: products),
            slip(_as_it_is, _as_it_is, scale=lambda products, temperature: products * temperature),
            slip(_as_it_is, _as_it_is, scale=lambda products, temperature: products / temperature**2),
        ),
    ),
    Misconception(
        slip(caption=_as_it_is),
        "Only the pictures have length one. The captions' lengths must not matter either.",
        name="captions-not-normalised",
    ),
    Misconception(
        slip(picture=_as_it_is),
        "Only the captions have length one. The pictures' lengths must not matter either.",
        name="pictures-not-normalised",
    ),
    Misconception(
        _both(lambda x: x / x.shape[-1] ** 0.25),
        "The vectors keep their lengths: the dot products are divided by the number of features, or by its root. A "
        "cosine divides by the lengths of the two vectors.",
        name="scaled-by-features",
        also=(
            _both(lambda x: x / x.shape[-1] ** 0.5),
            slip(_as_it_is, lambda x: x / x.shape[-1] ** 0.5, scale=lambda products, temperature: products),
        ),
    ),
    Misconception(
        _both(_across),
        "The lengths are taken over the batch, one for each feature. Each row is a vector with a length of its own.",
        name="normalised-over-batch",
    ),
    Misconception(
        slip(caption=_across),
        "The lengths of the pictures, or of the captions, are taken over the batch, one for each feature. A vector is a "
        "row; it becomes a column only after a transposition.",
        name="one-over-batch",
        also=(slip(picture=_across),),
    ),
    Misconception(
        _both(lambda x: x / x.norm()),
        "A whole matrix is divided by one number. Every row has a length of its own.",
        name="whole-matrix",
        also=(
            slip(picture=lambda x: x / x.norm()),
            slip(caption=lambda x: x / x.norm()),
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
        "The dot products are divided by the roots of the lengths. The lengths are roots already.",
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
        "Each row is divided by its largest entry, or by its largest absolute value. Its length is the root of the sum of the squares.",
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
        "Each vector is divided by the spread of its entries, their standard deviation. A cosine divides by the length, "
        "and subtracts nothing.",
        name="spread-for-length",
        also=(
            _both(lambda x: (x - x.mean(dim=-1, keepdim=True)) / x.std(dim=-1, keepdim=True)),
            _both(lambda x: x / x.std(dim=-1, keepdim=True)),
        ),
    ),
    Misconception(
        _both(lambda x: unit(x - x.mean(dim=-1, keepdim=True))),
        "A mean is subtracted from the embeddings before they get length one. A cosine takes the vectors as they are.",
        name="mean-subtracted",
        also=(
            _both(lambda x: unit(x - x.mean(dim=0))),
            _both(lambda x: unit(x - x.mean())),
            slip(picture=lambda x: unit(x - x.mean(dim=-1, keepdim=True))),
            slip(caption=lambda x: unit(x - x.mean(dim=-1, keepdim=True))),
        ),
    ),
    Misconception(
        _both(lambda x: x.softmax(dim=-1)),
        "The embeddings went through a softmax. They are directions, not probabilities.",
        name="softmax-of-embeddings",
        also=(_both(lambda x: unit(x.softmax(dim=-1))),),
    ),
    Misconception(
        _added(0.1),
        "Something is added to the lengths before dividing, so the cosines come out too close to zero. Leave it out, or "
        "make it tiny.",
        name="added-to-the-length",
        also=(*map(_added, (1.0, 0.01, 0.001)), _divided(lambda mine, theirs: mine * theirs + 0.1)),
    ),
    Misconception(
        _products(unit),
        "The matrix of dot products is normalised, not the embeddings. Each vector has to get length one first.",
        name="product-normalised",
        also=(_products(_across), slip(_as_it_is, _as_it_is, lambda products, temperature: unit(products))),
    ),
    Misconception(
        _both(lambda x: (x - x.mean(dim=0)) / x.std(dim=0)),
        "Each feature is divided by its spread over the batch, as in batch normalisation. A cosine divides each row by "
        "its own length.",
        name="spread-over-batch",
        also=(_both(lambda x: unit((x - x.mean(dim=0)) / x.std(dim=0))),),
    ),
    Misconception(
        _divided(lambda mine, theirs: mine / theirs),
        "The dot products are divided by the lengths on one side and multiplied by those on the other. Look for a "
        "missing bracket: both lengths divide.",
        name="one-length-multiplies",
        also=(_divided(lambda mine, theirs: theirs / mine),),
    ),
    Misconception(
        lambda pictures, captions, temperature: (
            pictures @ captions.mT / (pictures.norm(dim=-1)[:, None] * captions.norm(dim=-1) + temperature)
        ),
        "The temperature is added to the lengths. It should divide the cosine: look at your brackets.",
        name="temperature-added-to-lengths",
    ),
)
