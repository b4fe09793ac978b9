"""The joint space: similarities, the loss in both directions, and what is retrieved."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception
from course_utils.models.image_text import contrastive_loss, retrieval_ranks, similarities


def _similarity_cases(g: Generator) -> list[Arguments]:
    sizes = [(3, 3, 4, 0.5), (2, 5, 8, 0.07), (4, 1, 3, 2.0)]
    return [
        (3 * torch.randn(pictures, dim, generator=g), 2 * torch.randn(captions, dim, generator=g), temperature)
        for pictures, captions, dim, temperature in sizes
    ]


def _similarity_slip(
    picture: Callable[[Tensor], Tensor] = lambda x: F.normalize(x, dim=-1),
    caption: Callable[[Tensor], Tensor] = lambda x: F.normalize(x, dim=-1),
    scale: Callable[[Tensor, float], Tensor] = lambda cosine, temperature: cosine / temperature,
) -> Callable[..., Tensor]:
    """The logits with one of their steps replaced."""
    return lambda pictures, captions, temperature: scale(picture(pictures) @ caption(captions).mT, temperature)


SIMILARITIES = Exercise(
    name="10.similarities",
    title="Every picture with every caption",
    reference=similarities,
    learns=("pictures", "captions"),
    cases=_similarity_cases,
    hints=(
        "The cosine of two vectors is their dot product once both have length one. Divide each row by its own length: "
        "`x.norm(dim=-1, keepdim=True)`, or `F.normalize(x, dim=-1)`.",
        "All dot products of rows with rows are one matrix product: `pictures @ captions.mT`.",
        "The temperature divides, as in notebook 07: a small one makes differences large.",
    ),
    misconceptions=(
        Misconception(
            _similarity_slip(picture=lambda x: x, caption=lambda x: x),
            "The embeddings are not brought to length one: this is a dot product, in which a long vector is like "
            "everything. CLIP compares directions only.",
        ),
        Misconception(
            _similarity_slip(caption=lambda x: x),
            "Only the pictures have length one. The captions' lengths must not matter either.",
        ),
        Misconception(
            _similarity_slip(picture=lambda x: x),
            "Only the captions have length one. The pictures' lengths must not matter either.",
        ),
        Misconception(
            _similarity_slip(scale=lambda cosine, temperature: cosine * temperature),
            "The temperature multiplies. It divides: a small temperature makes differences large.",
        ),
        Misconception(
            _similarity_slip(scale=lambda cosine, temperature: cosine),
            "The temperature is not used. A cosine is at most one: without a small temperature the softmax can hardly "
            "prefer anything.",
        ),
        Misconception(
            _similarity_slip(picture=lambda x: F.normalize(x, dim=0), caption=lambda x: F.normalize(x, dim=0)),
            "The lengths are taken over the batch, one a feature. Each row, a picture or a caption, gets length one: "
            "dim=-1.",
        ),
        Misconception(
            _similarity_slip(picture=lambda x: x.softmax(dim=-1), caption=lambda x: x.softmax(dim=-1)),
            "The embeddings went through a softmax. They are directions, not probabilities: divide by the length.",
        ),
        Misconception(
            lambda pictures, captions, temperature: (
                F.normalize(captions, dim=-1) @ F.normalize(pictures, dim=-1).mT / temperature
            ),
            "The matrix lies on its side: a row belongs to a picture, a column to a caption.",
        ),
    ),
)


def _loss_cases(g: Generator) -> list[Arguments]:
    batches = [[0, 1, 2, 3], [0, 1, 0, 2, 0], [4, 4, 1, 2, 1, 0]]
    cases: list[Arguments] = []
    for said in batches:
        numbers = torch.tensor(said)
        cases.append((3 * torch.randn(len(said), len(said), generator=g), numbers[:, None] == numbers))
    return cases


def _of_pictures(logits: Tensor, target: Tensor) -> Tensor:
    return -(target * logits.log_softmax(dim=1)).sum(dim=1).mean()


def _of_captions(logits: Tensor, target: Tensor) -> Tensor:
    return -(target * logits.log_softmax(dim=0)).sum(dim=0).mean()


def _shared(same: Tensor) -> Tensor:
    return same / same.sum(dim=1, keepdim=True)


def _loss_slip(
    combine: Callable[[Tensor, Tensor], Tensor] = lambda one, other: (one + other) / 2,
    target: Callable[[Tensor], Tensor] = _shared,
) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss with one of its parts replaced."""
    return lambda logits, same: combine(_of_pictures(logits, target(same)), _of_captions(logits, target(same).mT))


CONTRASTIVE_LOSS = Exercise(
    name="10.contrastive_loss",
    title="Right pairs, in both directions",
    points=2,
    reference=contrastive_loss,
    learns=("logits",),
    cases=_loss_cases,
    hints=(
        "Without twins the target of row i is place i, and the loss of the pictures is "
        "`F.cross_entropy(logits, torch.arange(len(logits)))`. What is the same question, asked by the captions?",
        "With twins, a row of `same` has several True. Share the target: `same / same.sum(dim=1, keepdim=True)`. Cross "
        "entropy with a shared target is −(target · log softmax), summed over the row; then the mean over the rows.",
        "A picture chooses among the captions: softmax along dim=1. A caption chooses among the pictures: along dim=0, "
        "with the target turned (`.mT`). Take the mean of the two.",
    ),
    misconceptions=(
        Misconception(
            _loss_slip(combine=lambda one, other: one),
            "Only the pictures choose: every softmax runs along dim=1. The captions choose too, along dim=0; then the mean "
            "of both.",
        ),
        Misconception(
            _loss_slip(combine=lambda one, other: other),
            "Only the captions choose. The pictures choose too: a softmax along dim=1, and the mean of both.",
        ),
        Misconception(
            _loss_slip(combine=lambda one, other: one + other),
            "The two directions are added. Take their mean.",
        ),
        Misconception(
            _loss_slip(target=lambda same: torch.eye(len(same))),
            "Twins count as mistakes: only the diagonal is a right answer here. Where `same` is True, the answer is right.",
        ),
        Misconception(
            _loss_slip(target=lambda same: same.float()),
            "Each right answer counts whole, so a picture with twins counts several times. The right answers share one "
            "target: divide each row of `same` by its sum.",
        ),
        Misconception(
            lambda logits, same: _loss_slip()(logits.softmax(dim=1), same),
            "The logits went through a softmax before the log-softmax. Take the logarithm of one softmax.",
        ),
        Misconception(
            lambda logits, same: F.binary_cross_entropy_with_logits(logits, same.float()) + 0 * logits.sum(),
            "This asks of each pair alone whether it belongs together (a sigmoid). Here the captions of a batch compete "
            "for a picture: a softmax along the row, and one along the column.",
        ),
        Misconception(
            _loss_slip(combine=lambda one, other: -(one + other) / 2),
            "The sign is turned round: this grows when the right pairs become more likely. A loss is minus their "
            "logarithm.",
        ),
    ),
)


def _rank_cases(g: Generator) -> list[Arguments]:
    return [
        (torch.randn(pictures, captions, generator=g), torch.randint(captions, (pictures,), generator=g))
        for pictures, captions in [(4, 6), (9, 9), (3, 12)]
    ]


def _rank_slip(
    above: Callable[[Tensor, Tensor], Tensor] = lambda logits, of_right: logits > of_right, first: int = 1
) -> Callable[[Tensor, Tensor], Tensor]:
    """The rank with another comparison, or counted from another number."""
    return lambda logits, right: above(logits, logits.gather(1, right[:, None])).sum(dim=1) + first


RETRIEVAL_RANKS = Exercise(
    name="10.retrieval_ranks",
    title="At which place is the right caption?",
    reference=retrieval_ranks,
    cases=_rank_cases,
    hints=(
        "You need not sort: the rank is one more than the number of captions that fit better.",
        "The logit of each picture's right caption: `logits.gather(1, right[:, None])`, a column.",
        "Compare each row with its own entry of the column (broadcasting does it), and count along dim=1.",
    ),
    misconceptions=(
        Misconception(
            _rank_slip(first=0),
            'The ranks begin with 0. The best caption has rank 1, so that "median rank 1" means: mostly right.',
        ),
        Misconception(
            _rank_slip(above=lambda logits, of_right: logits >= of_right),
            "The right caption is counted among those that fit better than itself (≥): all ranks are one too high.",
        ),
        Misconception(
            _rank_slip(above=lambda logits, of_right: logits < of_right),
            "The order is turned round: this counts the captions that fit worse. Sort by falling logits.",
        ),
        Misconception(
            lambda logits, right: logits.argmax(dim=1),
            "This is the number of the best caption. Asked is the place of the right one.",
        ),
        Misconception(
            lambda logits, right: logits.argsort(dim=1, descending=True).gather(1, right[:, None])[:, 0] + 1,
            "This is the caption that stands at place number `right`. Asked is the other way round: the place at which "
            "caption `right` stands. (Sorting once gives the first, sorting the order again gives the second.)",
        ),
        Misconception(
            lambda logits, right: (logits.argmax(dim=1) == right).long(),
            "This says only whether the right caption is the best. A rank also says how far a wrong answer was off.",
        ),
    ),
)
