"""The nearest prototype wins."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.few_shot import prototype_logits

Logits = Callable[[Tensor, Tensor], Tensor]


def _cases(g: Generator) -> list[Arguments]:
    """Oblong, one that is square, and one in which a query is a prototype, as with one shot."""
    sizes = ((4, 3, 5), (6, 10, 8), (2, 5, 16), (3, 3, 4))
    cases = [
        (torch.randn(count, dim, generator=g), 1.5 * torch.randn(ways, dim, generator=g))
        for count, ways, dim in sizes
    ]
    queries = torch.randn(4, 6, generator=g)
    return [*cases, (queries, torch.cat([queries[2:3], torch.randn(2, 6, generator=g)]))]


def _wild(g: Generator) -> list[Wild]:
    return [
        Wild(
            "one-query",
            (torch.randn(1, 4, generator=g), torch.randn(3, 4, generator=g)),
            "there is a single query",
            "The result still has two axes, (1, ways): look for a `squeeze`.",
        ),
        Wild(
            "one-class",
            (torch.randn(3, 4, generator=g), torch.randn(1, 4, generator=g)),
            "there is a single prototype",
            "The result still has two axes, (pictures, 1): look for a `squeeze`.",
        ),
        Wild(
            "transposed-memory",
            (torch.randn(5, 4, generator=g).mT, torch.randn(5, 3, generator=g).mT),
            "queries and centres are transposed views, whose numbers lie in another order in memory",
            "`reshape` copies where `view` cannot.",
        ),
    ]


def _differences(queries: Tensor, centres: Tensor) -> Tensor:
    return queries[:, None] - centres


def _of(logits: Callable[[Tensor], Tensor]) -> Logits:
    """From the differences (pictures, ways, dim)."""
    return lambda queries, centres: logits(_differences(queries, centres))


def _then(change: Callable[[Tensor], Tensor]) -> Logits:
    """The right logits, and something done to them."""
    return lambda queries, centres: change(prototype_logits(queries, centres))


def _product(queries: Tensor, centres: Tensor) -> Tensor:
    return queries @ centres.T


def _far(queries: Tensor) -> Tensor:
    return queries.square().sum(1, keepdim=True)


def _multiplied_out(factor: float, own: Callable[[Tensor], Tensor], others: Callable[[Tensor], Tensor]) -> Logits:
    """factor · q·c − ‖q‖² − ‖c‖² with one of its parts replaced."""
    return lambda queries, centres: factor * _product(queries, centres) - own(queries) - others(centres).T


def _none(vectors: Tensor) -> Tensor:
    return torch.zeros(len(vectors), 1)


def _length(vectors: Tensor) -> Tensor:
    return vectors.norm(dim=1, keepdim=True)


PROTOTYPE_LOGITS = Exercise(
    name="09.prototype_logits",
    title="The nearest prototype",
    points=2,
    reference=prototype_logits,
    learns=("queries", "centres"),
    cases=_cases,
    wild=_wild,
    hints=(
        "Every query meets every prototype. An axis of length 1 in the right place lets `queries` and `centres` broadcast to "
        "(pictures, ways, dim).",
        "The squared Euclidean distance is the sum of the squares over the last axis.",
        "Which logit should be the largest, that of the nearest or that of the farthest prototype? Mind the sign.",
    ),
    misconceptions=(
        Misconception(
            _then(torch.neg),
            "The sign is missing: the farthest prototype would get the largest logit and win.",
            name="sign-missing",
        ),
        Misconception(
            _of(lambda gaps: -gaps.square().sum(-1).sqrt()),
            "This is the distance, not its square. The order is the same, but the probabilities are others; only the "
            "square makes the classifier linear.",
            name="not-squared",
        ),
        Misconception(
            _of(lambda gaps: gaps.square().sum(-1).sqrt()),
            "This is the distance itself. It must be squared, and the nearest prototype needs the *largest* logit.",
            name="not-squared-and-sign-missing",
        ),
        Misconception(
            _product,
            "Only the inner product is taken: it favours prototypes that are long. The distance takes the lengths off too.",
            name="inner-product",
            also=(lambda queries, centres: 2 * _product(queries, centres),),
        ),
        Misconception(
            lambda queries, centres: F.normalize(queries, dim=1) @ F.normalize(centres, dim=1).T,
            "These are cosine similarities, or made of them. Snell et al. found squared Euclidean distance to work better.",
            name="cosine",
            also=(
                lambda queries, centres: F.cosine_similarity(queries[:, None], centres, dim=-1) - 1,
                lambda queries, centres: 1 - F.cosine_similarity(queries[:, None], centres, dim=-1),
            ),
        ),
        Misconception(
            lambda queries, centres: prototype_logits(F.normalize(queries, dim=1), F.normalize(centres, dim=1)),
            "Queries and centres are brought to length one first, so that only their directions count. Take them as they "
            "are.",
            name="length-one-first",
        ),
        Misconception(
            _of(lambda gaps: -gaps.square().mean(-1)),
            "The squares are averaged over the features. Sum them: the average flattens every softmax by the factor dim.",
            name="mean-over-features",
            also=(_of(lambda gaps: gaps.square().mean(-1)),),
        ),
        Misconception(
            _of(lambda gaps: -gaps.square().sum(-1) / gaps.shape[-1] ** 0.5),
            "The distances are divided by √dim, as attention's scores are. Nothing is to be scaled here.",
            name="scaled-like-attention",
        ),
        Misconception(
            _of(lambda gaps: -gaps.square().sum(-1) / 2),
            "This is half of it, as in the exponent of a Gaussian. Snell et al. take the squared distance as it is.",
            name="halved",
        ),
        Misconception(
            _of(lambda gaps: -gaps.abs().sum(-1)),
            "Absolute differences are taken (L1). The squared Euclidean distance sums their squares.",
            name="absolute-differences",
            also=(_of(lambda gaps: -gaps.abs().mean(-1)), _of(lambda gaps: gaps.abs().sum(-1))),
        ),
        Misconception(
            _of(lambda gaps: -gaps.abs().sum(-1).square()),
            "Absolute differences are summed, and the sum is squared. Square each difference first, then sum.",
            name="absolute-sum-squared",
        ),
        Misconception(
            _of(lambda gaps: -gaps.sum(-1).square()),
            "The differences are summed first and squared then, so that they cancel. Square each, then sum.",
            name="summed-before-squared",
            also=(_of(lambda gaps: gaps.sum(-1).square()),),
        ),
        Misconception(
            _of(lambda gaps: -gaps.sum(-1)),
            "The differences are summed as they are, and those above and below zero cancel. Square them first.",
            name="square-missing",
            also=(_of(lambda gaps: gaps.sum(-1)),),
        ),
        Misconception(
            _then(lambda logits: -logits.square()),
            "The squared distance is squared once more. `cdist` gives the distance; `square().sum()` is its square already.",
            name="squared-twice",
            also=(_then(torch.square),),
        ),
        Misconception(
            lambda queries, centres: -(queries.square()[:, None] - centres.square()).sum(-1),
            "The squares are subtracted. Subtract first, then square: (a − b)² is not a² − b².",
            name="squares-subtracted",
            also=(lambda queries, centres: (queries.square()[:, None] - centres.square()).sum(-1),),
        ),
        Misconception(
            _of(lambda gaps: -gaps.abs().amax(-1)),
            "Only the largest difference counts. The squared Euclidean distance sums the squares of all.",
            name="largest-difference",
            also=(_of(lambda gaps: -gaps.square().amax(-1)),),
        ),
        Misconception(
            lambda queries, centres: -(queries[:, None] + centres).square().sum(-1),
            "Queries and centres are added. The distance is the length of their difference.",
            name="added",
            also=(_multiplied_out(-2, _far, _far),),
        ),
        Misconception(
            _multiplied_out(2, _none, _far),
            "Each query's own squared length is left out. No softmax sees that, but these are not the distances; the "
            "shortcut comes below.",
            name="own-length-left-out",
        ),
        Misconception(
            _multiplied_out(2, _far, _none),
            "The centres' squared lengths are left out. Unlike the query's, these differ from class to class.",
            name="centres-lengths-left-out",
        ),
        Misconception(
            _multiplied_out(1, _far, _far),
            "Multiplied out, the product of query and centre counts twice: the factor 2 is missing.",
            name="two-missing",
        ),
        Misconception(
            _multiplied_out(2, _length, _length),
            "Multiplied out, the lengths of query and centre must be squared. Here they are taken as they are.",
            name="lengths-not-squared",
        ),
        Misconception(
            _then(lambda logits: logits.softmax(-1)),
            "The softmax is already applied. Logits are asked for: the loss applies its own softmax.",
            name="softmax-already",
            also=(_then(lambda logits: logits.softmax(0)), _then(lambda logits: (-logits).softmax(-1))),
        ),
        Misconception(
            _then(lambda logits: logits.log_softmax(-1)),
            "A log-softmax is already taken. No later softmax notices, but asked for are the distances themselves.",
            name="log-softmax-already",
        ),
        Misconception(
            _then(torch.exp),
            "exp is already taken. Logits are what comes before the softmax, whose first step is exp.",
            name="exponential-already",
        ),
        Misconception(
            _of(lambda gaps: 1 / gaps.square().sum(-1)),
            "This is one over the distance, or over its square. It favours the near, too, but explodes where a query is a "
            "prototype: put a minus in front instead.",
            name="inverse",
            also=(_of(lambda gaps: 1 / gaps.square().sum(-1).sqrt()),),
        ),
        Misconception(
            _then(lambda logits: logits.T),
            "The axes are exchanged: one row a query, one column a class.",
            name="axes-exchanged",
        ),
        Misconception(
            _then(lambda logits: logits.argmax(-1)),
            "One number a query is returned. Asked for are the logits of all classes, from which the nearest is chosen.",
            name="class-instead-of-logits",
            also=(_then(lambda logits: logits.argmin(-1)), _then(lambda logits: logits.amax(-1))),
        ),
        Misconception(
            _of(lambda gaps: -gaps.square().sum(1)),
            "The squares are summed over the wrong axis: the features must go, pictures and classes stay.",
            name="summed-over-the-wrong-axis",
            also=(_of(lambda gaps: -gaps.square().sum(0)), _of(lambda gaps: gaps.square().sum(1))),
        ),
        Misconception(
            _of(lambda gaps: -gaps.square().sum()),
            "Everything is summed into one number. Sum over the features only.",
            name="summed-over-everything",
        ),
        Misconception(
            _of(lambda gaps: -gaps.square()),
            "The squares are there, but not yet summed over the features.",
            name="not-summed",
        ),
        Misconception(
            lambda queries, centres: -(queries - centres).square().sum(-1),
            "Queries and centres are paired, the first with the first. Every query meets every centre: give them axes of "
            "length 1, so that they broadcast.",
            name="paired",
            also=(
                lambda queries, centres: -(centres - queries).square().sum(-1),
                lambda queries, centres: -((queries - centres) ** 2).sum(),
            ),
        ),
        Misconception(
            lambda queries, centres: prototype_logits(queries, centres[:1].expand_as(centres)),
            "Every column is the distance to the same centre, the first. Look at the loop's variable.",
            name="first-centre-only",
        ),
        Misconception(
            lambda queries, centres: prototype_logits(queries[:1].expand_as(queries), centres),
            "Every row is that of the first query. Look at the loop's variable.",
            name="first-query-only",
        ),
    ),
)
