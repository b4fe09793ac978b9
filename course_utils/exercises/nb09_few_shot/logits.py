"""The nearest prototype wins."""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Promise, Wild
from course_utils.exercises.nb09_few_shot import logits_slips as slips
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


def _no_gradient_at_zero(fn: slips.Logits) -> str | None:
    """The gradient is NaN or infinite where a query is a prototype, and only there."""
    centres = torch.tensor([[1.0, 2.0], [3.0, 5.0], [-1.0, 4.0]])
    apart = torch.tensor([[0.5, 1.5], [2.0, 1.0]])
    if _finite(fn, apart, centres) and not _finite(fn, torch.cat([apart, centres[:1]]), centres):
        return (
            "The values are right, but where a query is itself a prototype, the gradient is NaN or infinite: is a root "
            "taken there? At a distance of zero it has no finite slope, so square without it."
        )
    return None


def _finite(fn: slips.Logits, queries: Tensor, centres: Tensor) -> bool:
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
            "sign-missing",
            "The sign is missing: the farthest prototype would get the largest logit and win.",
            slips.then(torch.neg),
        ),
        Misconception(
            "not-squared",
            "This is the distance, not its square. The order is the same, but the probabilities are others; only the "
            "square makes the classifier linear.",
            slips.of(lambda gaps: -gaps.square().sum(-1).sqrt()),
            *tuple(map(slips.rooted, slips.EPSILONS)),
        ),
        Misconception(
            "not-squared-and-sign-missing",
            "This is the distance itself. It must be squared, and the nearest prototype needs the *largest* logit.",
            slips.of(lambda gaps: gaps.square().sum(-1).sqrt()),
            *tuple(slips.rooted(epsilon, 1) for epsilon in slips.EPSILONS),
        ),
        Misconception(
            "root-of-the-distance",
            "A root is taken of the distance, which is a root itself. The *square* of the distance is asked for.",
            slips.of(lambda gaps: -(gaps.square().sum(-1) ** 0.25)),
            slips.of(lambda gaps: gaps.square().sum(-1) ** 0.25),
        ),
        Misconception(
            "inner-product",
            "Only the inner product is taken, which favours long prototypes. In the distance the squared lengths are "
            "subtracted too.",
            slips.product,
            lambda queries, centres: 2 * slips.product(queries, centres),
        ),
        Misconception(
            "cosine",
            "These are cosine similarities, or made of them. Snell et al. found squared Euclidean distance to work better.",
            lambda queries, centres: F.normalize(queries, dim=1) @ F.normalize(centres, dim=1).T,
            lambda queries, centres: F.cosine_similarity(queries[:, None], centres, dim=-1) - 1,
            lambda queries, centres: 1 - F.cosine_similarity(queries[:, None], centres, dim=-1),
        ),
        Misconception(
            "length-one-first",
            "Queries and centres are scaled to length one first, so that only their directions count. Take them as they "
            "are.",
            lambda queries, centres: prototype_logits(F.normalize(queries, dim=1), F.normalize(centres, dim=1)),
        ),
        Misconception(
            "mean-over-features",
            "The squares are averaged over the features. Sum them: the average flattens every softmax by the factor dim.",
            slips.of(lambda gaps: -gaps.square().mean(-1)),
            slips.of(lambda gaps: gaps.square().mean(-1)),
        ),
        Misconception(
            "scaled-like-attention",
            "The squared distances are divided by √dim, as attention's scores are. Leave them as they are.",
            slips.of(lambda gaps: -gaps.square().sum(-1) / gaps.shape[-1] ** 0.5),
        ),
        Misconception(
            "halved",
            "This is half of what it should be, as in the exponent of a Gaussian. Snell et al. take the squared distance as it "
            "is.",
            slips.of(lambda gaps: -gaps.square().sum(-1) / 2),
        ),
        Misconception(
            "absolute-differences",
            "Absolute differences are taken (L1). The squared Euclidean distance sums their squares.",
            slips.of(lambda gaps: -gaps.abs().sum(-1)),
            slips.of(lambda gaps: -gaps.abs().mean(-1)),
            slips.of(lambda gaps: gaps.abs().sum(-1)),
        ),
        Misconception(
            "absolute-sum-squared",
            "Absolute differences are summed, and the sum is squared. Square each difference first, then sum.",
            slips.of(lambda gaps: -gaps.abs().sum(-1).square()),
        ),
        Misconception(
            "summed-before-squared",
            "The differences are summed first and squared afterwards, so that they cancel. Square each, then sum.",
            slips.of(lambda gaps: -gaps.sum(-1).square()),
            slips.of(lambda gaps: gaps.sum(-1).square()),
        ),
        Misconception(
            "square-missing",
            "The differences are summed as they are, and those above and below zero cancel. Square them first.",
            slips.of(lambda gaps: -gaps.sum(-1)),
            slips.of(lambda gaps: gaps.sum(-1)),
        ),
        Misconception(
            "squared-twice",
            "The squared distance is squared once more. `cdist` gives the distance; `square().sum()` is its square already.",
            slips.then(lambda logits: -logits.square()),
            slips.then(torch.square),
        ),
        Misconception(
            "squares-subtracted",
            "The squares are subtracted. Subtract first, then square: (a − b)² is not a² − b².",
            lambda queries, centres: -(queries.square()[:, None] - centres.square()).sum(-1),
            lambda queries, centres: (queries.square()[:, None] - centres.square()).sum(-1),
        ),
        Misconception(
            "largest-difference",
            "Only the largest difference counts. The squared Euclidean distance sums the squares of all.",
            slips.of(lambda gaps: -gaps.abs().amax(-1)),
            slips.of(lambda gaps: -gaps.square().amax(-1)),
        ),
        Misconception(
            "added",
            "This is what comes of query *plus* prototype: either the two are added, or, multiplied out, their product has "
            "the wrong sign. The distance is the length of their difference.",
            lambda queries, centres: -(queries[:, None] + centres).square().sum(-1),
            slips.multiplied_out(-2, slips.far, slips.far),
        ),
        Misconception(
            "length-with-wrong-sign",
            "The product is right, but a squared length that should be subtracted is added: the query's, the prototype's, "
            "or both. Multiply the minus out again.",
            slips.multiplied_out(2, lambda queries: -slips.far(queries), slips.far),
            slips.multiplied_out(2, slips.far, lambda centres: -slips.far(centres)),
            slips.multiplied_out(2, lambda queries: -slips.far(queries), lambda centres: -slips.far(centres)),
            slips.multiplied_out(2, slips.none, lambda centres: -slips.far(centres)),
        ),
        Misconception(
            "own-length-left-out",
            "Each query's own squared length is left out. No softmax sees that, but these are not the distances; the "
            "shortcut comes below.",
            slips.multiplied_out(2, slips.none, slips.far),
        ),
        Misconception(
            "centres-lengths-left-out",
            "The centres' squared lengths are left out. Unlike the query's, these differ from class to class.",
            slips.multiplied_out(2, slips.far, slips.none),
        ),
        Misconception(
            "two-missing",
            "Multiplied out, the product of query and prototype counts twice: the factor 2 is missing.",
            slips.multiplied_out(1, slips.far, slips.far),
        ),
        Misconception(
            "lengths-not-squared",
            "Multiplied out, the lengths of query and prototype must be squared. Here they are taken as they are.",
            slips.multiplied_out(2, slips.length, slips.length),
        ),
        Misconception(
            "softmax-already",
            "The softmax is already applied. Logits are asked for: the loss applies its own softmax.",
            slips.then(lambda logits: logits.softmax(-1)),
            slips.then(lambda logits: logits.softmax(0)),
            slips.then(lambda logits: (-logits).softmax(-1)),
        ),
        Misconception(
            "log-softmax-already",
            "A log-softmax is already taken. No later softmax notices, but minus the squared distances are asked for.",
            slips.then(lambda logits: logits.log_softmax(-1)),
        ),
        Misconception(
            "largest-subtracted",
            "The largest logit is subtracted, as inside a stable softmax. The softmax will do that itself: minus the "
            "squared distances are asked for.",
            slips.then(lambda logits: logits - logits.amax(-1, keepdim=True)),
            slips.then(lambda logits: logits - logits.max()),
        ),
        Misconception(
            "exponential-already",
            "exp is already taken. Logits are what comes before the softmax, whose first step is exp.",
            slips.then(torch.exp),
        ),
        Misconception(
            "inverse",
            "This is one over the distance, or over its square. It favours what is near, too, but explodes where a query is "
            "a prototype: put a minus in front instead.",
            slips.of(lambda gaps: 1 / gaps.square().sum(-1)),
            slips.of(lambda gaps: 1 / gaps.square().sum(-1).sqrt()),
        ),
        Misconception(
            "inverse-of-one-more",
            "This is one divided by one plus the distance, or plus its square. It favours what is near, too, but is not "
            "what the formula says: put a minus in front of the square.",
            slips.of(lambda gaps: 1 / (1 + gaps.square().sum(-1))),
            slips.of(lambda gaps: 1 / (1 + gaps.square().sum(-1).sqrt())),
        ),
        Misconception(
            "axes-exchanged",
            "The axes are swapped: each row should belong to a query, each column to a class.",
            slips.then(lambda logits: logits.T),
        ),
        Misconception(
            "class-instead-of-logits",
            "Only one number per query is returned. The logits of all classes are asked for, from which the nearest is then "
            "chosen.",
            slips.then(lambda logits: logits.argmax(-1)),
            slips.then(lambda logits: logits.argmin(-1)),
            slips.then(lambda logits: logits.amax(-1)),
        ),
        Misconception(
            "summed-over-the-wrong-axis",
            "The squares are summed over the wrong axis. Sum over the features: pictures and classes remain.",
            slips.of(lambda gaps: -gaps.square().sum(1)),
            slips.of(lambda gaps: -gaps.square().sum(0)),
            slips.of(lambda gaps: gaps.square().sum(1)),
        ),
        Misconception(
            "summed-over-everything",
            "Everything is summed into one number. Sum over the features only.",
            slips.of(lambda gaps: -gaps.square().sum()),
        ),
        Misconception(
            "not-summed",
            "The squares are there, but not yet summed over the features.",
            slips.of(lambda gaps: -gaps.square()),
        ),
        Misconception(
            "paired",
            "Queries and centres are paired, the first with the first. Every query meets every centre: give them axes of "
            "length 1, so that they broadcast.",
            lambda queries, centres: -(queries - centres).square().sum(-1),
            lambda queries, centres: -(centres - queries).square().sum(-1),
            lambda queries, centres: -((queries - centres) ** 2).sum(),
            *(slips.zipped(sign) for sign in (-1, 1)),
            *(slips.zipped(sign, list) for sign in (-1, 1)),
        ),
        Misconception(
            "first-centre-only",
            "Every column holds the distance to the same prototype, the first. If you use a loop, look at its variable.",
            lambda queries, centres: prototype_logits(queries, centres[:1].expand_as(centres)),
        ),
        Misconception(
            "first-query-only",
            "Every row is that of the first query. If you use a loop, look at its variable.",
            lambda queries, centres: prototype_logits(queries[:1].expand_as(queries), centres),
        ),
    ),
)
