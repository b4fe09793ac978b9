"""The nearest prototype wins."""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Promise, Wild
from course_utils.exercises.nb09_few_shot.logits_slips import (
    EPSILONS,
    Logits,
    far,
    length,
    multiplied_out,
    none,
    of,
    product,
    rooted,
    then,
    zipped,
)
from course_utils.few_shot.episodes import prototype_logits


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


def _no_gradient_at_zero(fn: Logits) -> str | None:
    """The gradient is NaN or infinite where a query is a prototype, and only there."""
    centres = torch.tensor([[1.0, 2.0], [3.0, 5.0], [-1.0, 4.0]])
    apart = torch.tensor([[0.5, 1.5], [2.0, 1.0]])
    if _finite(fn, apart, centres) and not _finite(fn, torch.cat([apart, centres[:1]]), centres):
        return (
            "The values are right, but where a query is itself a prototype, the gradient is NaN or infinite: is a root "
            "taken there? At a distance of zero it has no finite slope, so square without it."
        )
    return None


def _finite(fn: Logits, queries: Tensor, centres: Tensor) -> bool:
    """Whether the gradients of both are, as far as there are any."""
    leaves = [queries.clone().requires_grad_(), centres.clone().requires_grad_()]
    logits = fn(*leaves)
    if not isinstance(logits, Tensor) or not logits.requires_grad:
        return True
    logits.sum().backward()
    return all(leaf.grad is None or bool(leaf.grad.isfinite().all()) for leaf in leaves)


PROTOTYPE_LOGITS = Exercise(
    name="09.prototype_logits",
    title="The nearest prototype",
    points=2,
    reference=prototype_logits,
    learns=("queries", "centres"),
    cases=_cases,
    wild=_wild,
    promises=(Promise("finite-gradient-at-a-prototype", _no_gradient_at_zero),),
    hints=(
        "Every query meets every prototype. An axis of length 1 in the right place lets `queries` and `centres` broadcast to "
        "(pictures, ways, dim).",
        "The squared Euclidean distance is the sum of the squares over the last axis.",
        "Which logit should be the largest, that of the nearest or that of the farthest prototype? Mind the sign.",
    ),
    misconceptions=(
        Misconception(
            then(torch.neg),
            "The sign is missing: the farthest prototype would get the largest logit and win.",
            name="sign-missing",
        ),
        Misconception(
            of(lambda gaps: -gaps.square().sum(-1).sqrt()),
            "This is the distance, not its square. The order is the same, but the probabilities are others; only the "
            "square makes the classifier linear.",
            name="not-squared",
            also=tuple(map(rooted, EPSILONS)),
        ),
        Misconception(
            of(lambda gaps: gaps.square().sum(-1).sqrt()),
            "This is the distance itself. It must be squared, and the nearest prototype needs the *largest* logit.",
            name="not-squared-and-sign-missing",
            also=tuple(rooted(epsilon, 1) for epsilon in EPSILONS),
        ),
        Misconception(
            of(lambda gaps: -(gaps.square().sum(-1) ** 0.25)),
            "A root is taken of the distance, which is a root itself. The *square* of the distance is asked for.",
            name="root-of-the-distance",
            also=(of(lambda gaps: gaps.square().sum(-1) ** 0.25),),
        ),
        Misconception(
            product,
            "Only the inner product is taken, which favours long prototypes. In the distance the squared lengths are "
            "subtracted too.",
            name="inner-product",
            also=(lambda queries, centres: 2 * product(queries, centres),),
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
            "Queries and centres are scaled to length one first, so that only their directions count. Take them as they "
            "are.",
            name="length-one-first",
        ),
        Misconception(
            of(lambda gaps: -gaps.square().mean(-1)),
            "The squares are averaged over the features. Sum them: the average flattens every softmax by the factor dim.",
            name="mean-over-features",
            also=(of(lambda gaps: gaps.square().mean(-1)),),
        ),
        Misconception(
            of(lambda gaps: -gaps.square().sum(-1) / gaps.shape[-1] ** 0.5),
            "The squared distances are divided by √dim, as attention's scores are. Leave them as they are.",
            name="scaled-like-attention",
        ),
        Misconception(
            of(lambda gaps: -gaps.square().sum(-1) / 2),
            "This is half of what it should be, as in the exponent of a Gaussian. Snell et al. take the squared distance as it "
            "is.",
            name="halved",
        ),
        Misconception(
            of(lambda gaps: -gaps.abs().sum(-1)),
            "Absolute differences are taken (L1). The squared Euclidean distance sums their squares.",
            name="absolute-differences",
            also=(of(lambda gaps: -gaps.abs().mean(-1)), of(lambda gaps: gaps.abs().sum(-1))),
        ),
        Misconception(
            of(lambda gaps: -gaps.abs().sum(-1).square()),
            "Absolute differences are summed, and the sum is squared. Square each difference first, then sum.",
            name="absolute-sum-squared",
        ),
        Misconception(
            of(lambda gaps: -gaps.sum(-1).square()),
            "The differences are summed first and squared afterwards, so that they cancel. Square each, then sum.",
            name="summed-before-squared",
            also=(of(lambda gaps: gaps.sum(-1).square()),),
        ),
        Misconception(
            of(lambda gaps: -gaps.sum(-1)),
            "The differences are summed as they are, and those above and below zero cancel. Square them first.",
            name="square-missing",
            also=(of(lambda gaps: gaps.sum(-1)),),
        ),
        Misconception(
            then(lambda logits: -logits.square()),
            "The squared distance is squared once more. `cdist` gives the distance; `square().sum()` is its square already.",
            name="squared-twice",
            also=(then(torch.square),),
        ),
        Misconception(
            lambda queries, centres: -(queries.square()[:, None] - centres.square()).sum(-1),
            "The squares are subtracted. Subtract first, then square: (a − b)² is not a² − b².",
            name="squares-subtracted",
            also=(lambda queries, centres: (queries.square()[:, None] - centres.square()).sum(-1),),
        ),
        Misconception(
            of(lambda gaps: -gaps.abs().amax(-1)),
            "Only the largest difference counts. The squared Euclidean distance sums the squares of all.",
            name="largest-difference",
            also=(of(lambda gaps: -gaps.square().amax(-1)),),
        ),
        Misconception(
            lambda queries, centres: -(queries[:, None] + centres).square().sum(-1),
            "This is what comes of query *plus* prototype: either the two are added, or, multiplied out, their product has "
            "the wrong sign. The distance is the length of their difference.",
            name="added",
            also=(multiplied_out(-2, far, far),),
        ),
        Misconception(
            multiplied_out(2, lambda queries: -far(queries), far),
            "The product is right, but a squared length that should be subtracted is added: the query's, the prototype's, "
            "or both. Multiply the minus out again.",
            name="length-with-wrong-sign",
            also=(
                multiplied_out(2, far, lambda centres: -far(centres)),
                multiplied_out(2, lambda queries: -far(queries), lambda centres: -far(centres)),
                multiplied_out(2, none, lambda centres: -far(centres)),
            ),
        ),
        Misconception(
            multiplied_out(2, none, far),
            "Each query's own squared length is left out. No softmax sees that, but these are not the distances; the "
            "shortcut comes below.",
            name="own-length-left-out",
        ),
        Misconception(
            multiplied_out(2, far, none),
            "The centres' squared lengths are left out. Unlike the query's, these differ from class to class.",
            name="centres-lengths-left-out",
        ),
        Misconception(
            multiplied_out(1, far, far),
            "Multiplied out, the product of query and prototype counts twice: the factor 2 is missing.",
            name="two-missing",
        ),
        Misconception(
            multiplied_out(2, length, length),
            "Multiplied out, the lengths of query and prototype must be squared. Here they are taken as they are.",
            name="lengths-not-squared",
        ),
        Misconception(
            then(lambda logits: logits.softmax(-1)),
            "The softmax is already applied. Logits are asked for: the loss applies its own softmax.",
            name="softmax-already",
            also=(then(lambda logits: logits.softmax(0)), then(lambda logits: (-logits).softmax(-1))),
        ),
        Misconception(
            then(lambda logits: logits.log_softmax(-1)),
            "A log-softmax is already taken. No later softmax notices, but minus the squared distances are asked for.",
            name="log-softmax-already",
        ),
        Misconception(
            then(lambda logits: logits - logits.amax(-1, keepdim=True)),
            "The largest logit is subtracted, as inside a stable softmax. The softmax will do that itself: minus the "
            "squared distances are asked for.",
            name="largest-subtracted",
            also=(then(lambda logits: logits - logits.max()),),
        ),
        Misconception(
            then(torch.exp),
            "exp is already taken. Logits are what comes before the softmax, whose first step is exp.",
            name="exponential-already",
        ),
        Misconception(
            of(lambda gaps: 1 / gaps.square().sum(-1)),
            "This is one over the distance, or over its square. It favours what is near, too, but explodes where a query is "
            "a prototype: put a minus in front instead.",
            name="inverse",
            also=(of(lambda gaps: 1 / gaps.square().sum(-1).sqrt()),),
        ),
        Misconception(
            of(lambda gaps: 1 / (1 + gaps.square().sum(-1))),
            "This is one divided by one plus the distance, or plus its square. It favours what is near, too, but is not "
            "what the formula says: put a minus in front of the square.",
            name="inverse-of-one-more",
            also=(of(lambda gaps: 1 / (1 + gaps.square().sum(-1).sqrt())),),
        ),
        Misconception(
            then(lambda logits: logits.T),
            "The axes are swapped: each row should belong to a query, each column to a class.",
            name="axes-exchanged",
        ),
        Misconception(
            then(lambda logits: logits.argmax(-1)),
            "Only one number per query is returned. The logits of all classes are asked for, from which the nearest is then "
            "chosen.",
            name="class-instead-of-logits",
            also=(then(lambda logits: logits.argmin(-1)), then(lambda logits: logits.amax(-1))),
        ),
        Misconception(
            of(lambda gaps: -gaps.square().sum(1)),
            "The squares are summed over the wrong axis. Sum over the features: pictures and classes remain.",
            name="summed-over-the-wrong-axis",
            also=(of(lambda gaps: -gaps.square().sum(0)), of(lambda gaps: gaps.square().sum(1))),
        ),
        Misconception(
            of(lambda gaps: -gaps.square().sum()),
            "Everything is summed into one number. Sum over the features only.",
            name="summed-over-everything",
        ),
        Misconception(
            of(lambda gaps: -gaps.square()),
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
                *(zipped(sign) for sign in (-1, 1)),
                *(zipped(sign, list) for sign in (-1, 1)),
            ),
        ),
        Misconception(
            lambda queries, centres: prototype_logits(queries, centres[:1].expand_as(centres)),
            "Every column holds the distance to the same prototype, the first. If you use a loop, look at its variable.",
            name="first-centre-only",
        ),
        Misconception(
            lambda queries, centres: prototype_logits(queries[:1].expand_as(queries), centres),
            "Every row is that of the first query. If you use a loop, look at its variable.",
            name="first-query-only",
        ),
    ),
)
