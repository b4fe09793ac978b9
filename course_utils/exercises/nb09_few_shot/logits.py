"""The logits of the nearest-prototype classifier."""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Promise, Wild
from course_utils.exercises.nb09_few_shot import logits_slips as slips
from course_utils.few_shot.episodes import prototype_logits


def _cases(g: Generator) -> list[Arguments]:
    """Non-square, a square one, and one in which a query equals a prototype, as with one shot."""
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
            "The result still has two axes, (images, 1): look for a `squeeze`.",
        ),
        Wild(
            "transposed-memory",
            (torch.randn(5, 4, generator=g).mT, torch.randn(5, 3, generator=g).mT),
            "queries and centres are transposed views, in another memory order",
            "`reshape` copies where `view` cannot.",
        ),
    ]


def _no_gradient_at_zero(fn: slips.Logits) -> str | None:
    """The gradient is NaN or infinite only where a query equals a prototype."""
    centres = torch.tensor([[1.0, 2.0], [3.0, 5.0], [-1.0, 4.0]])
    apart = torch.tensor([[0.5, 1.5], [2.0, 1.0]])
    if _finite(fn, apart, centres) and not _finite(fn, torch.cat([apart, centres[:1]]), centres):
        return (
            "The values are right, but the gradient is NaN or infinite if a query equals a prototype. A root has no "
            "finite slope at zero: compute the square without a root."
        )
    return None


def _finite(fn: slips.Logits, queries: Tensor, centres: Tensor) -> bool:
    """Whether all existing gradients of both are finite."""
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
        "Compare every query with every prototype. An axis of length 1 in the right position lets `queries` and "
        "`centres` broadcast to (images, ways, dim).",
        "The squared Euclidean distance is the sum of the squares over the last axis.",
        "Which logit should be the largest, that of the nearest or that of the farthest prototype? Check the sign.",
    ),
    misconceptions=(
        Misconception(
            "sign-missing",
            "The minus sign is missing: the farthest prototype would get the largest logit.",
            slips.then(torch.neg),
        ),
        Misconception(
            "not-squared",
            "This is the distance, not its square. The order is the same, but the probabilities differ; only the "
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
            "This is the root of the distance, which is itself a root. Use the *square* of the distance.",
            slips.of(lambda gaps: -(gaps.square().sum(-1) ** 0.25)),
            slips.of(lambda gaps: gaps.square().sum(-1) ** 0.25),
        ),
        Misconception(
            "inner-product",
            "You use only the inner product, which favours prototypes with a large norm. Subtract the squared norms "
            "too.",
            slips.product,
            lambda queries, centres: 2 * slips.product(queries, centres),
        ),
        Misconception(
            "cosine",
            "These are cosine similarities or functions of them. Snell et al. found that squared Euclidean distance "
            "works better.",
            lambda queries, centres: F.normalize(queries, dim=1) @ F.normalize(centres, dim=1).T,
            lambda queries, centres: F.cosine_similarity(queries[:, None], centres, dim=-1) - 1,
            lambda queries, centres: 1 - F.cosine_similarity(queries[:, None], centres, dim=-1),
        ),
        Misconception(
            "length-one-first",
            "Queries and centres are scaled to length one first, so only their directions count. Do not normalise "
            "them.",
            lambda queries, centres: prototype_logits(F.normalize(queries, dim=1), F.normalize(centres, dim=1)),
        ),
        Misconception(
            "mean-over-features",
            "The squares are averaged over the features. Sum them: the average makes every logit smaller by the "
            "factor dim.",
            slips.of(lambda gaps: -gaps.square().mean(-1)),
            slips.of(lambda gaps: gaps.square().mean(-1)),
        ),
        Misconception(
            "scaled-like-attention",
            "The squared distances are divided by √dim, like attention scores. Do not divide them.",
            slips.of(lambda gaps: -gaps.square().sum(-1) / gaps.shape[-1] ** 0.5),
        ),
        Misconception(
            "halved",
            "This is half of what it should be, as in the exponent of a Gaussian. Snell et al. use the whole squared "
            "distance.",
            slips.of(lambda gaps: -gaps.square().sum(-1) / 2),
        ),
        Misconception(
            "absolute-differences",
            "You use absolute differences (L1). The squared Euclidean distance sums their squares.",
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
            "The differences are summed first and squared afterwards, so they cancel. Square each, then sum.",
            slips.of(lambda gaps: -gaps.sum(-1).square()),
            slips.of(lambda gaps: gaps.sum(-1).square()),
        ),
        Misconception(
            "square-missing",
            "The differences are summed with their signs, so they cancel. Square them first.",
            slips.of(lambda gaps: -gaps.sum(-1)),
            slips.of(lambda gaps: gaps.sum(-1)),
        ),
        Misconception(
            "squared-twice",
            "The squared distance is squared again. `cdist` gives the distance; `square().sum()` is already its "
            "square.",
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
            "This is the result for query *plus* prototype: either you add the two, or their product has the wrong "
            "sign in the expanded square. The distance is the length of their difference.",
            lambda queries, centres: -(queries[:, None] + centres).square().sum(-1),
            slips.multiplied_out(-2, slips.far, slips.far),
        ),
        Misconception(
            "length-with-wrong-sign",
            "The product is right, but a squared length is added that should be subtracted: the query's, the "
            "prototype's, or both. Check the signs of the expanded square.",
            slips.multiplied_out(2, lambda queries: -slips.far(queries), slips.far),
            slips.multiplied_out(2, slips.far, lambda centres: -slips.far(centres)),
            slips.multiplied_out(2, lambda queries: -slips.far(queries), lambda centres: -slips.far(centres)),
            slips.multiplied_out(2, slips.none, lambda centres: -slips.far(centres)),
        ),
        Misconception(
            "own-length-left-out",
            "Each query's squared length is left out. That does not change the softmax, but these are not the "
            "distances; the shortcut comes below.",
            slips.multiplied_out(2, slips.none, slips.far),
        ),
        Misconception(
            "centres-lengths-left-out",
            "The centres' squared lengths are left out. Unlike the query's, these differ from class to class.",
            slips.multiplied_out(2, slips.far, slips.none),
        ),
        Misconception(
            "two-missing",
            "In the expanded square, the product of query and prototype counts twice: the factor 2 is missing.",
            slips.multiplied_out(1, slips.far, slips.far),
        ),
        Misconception(
            "lengths-not-squared",
            "In the expanded square, the lengths of query and prototype are squared. Yours are not.",
            slips.multiplied_out(2, slips.length, slips.length),
        ),
        Misconception(
            "softmax-already",
            "The softmax is already applied. Return logits: the loss applies its own softmax.",
            slips.then(lambda logits: logits.softmax(-1)),
            slips.then(lambda logits: logits.softmax(0)),
            slips.then(lambda logits: (-logits).softmax(-1)),
        ),
        Misconception(
            "log-softmax-already",
            "A log-softmax is already applied. That does not change a later softmax, but return minus the squared "
            "distances.",
            slips.then(lambda logits: logits.log_softmax(-1)),
        ),
        Misconception(
            "largest-subtracted",
            "The largest logit is subtracted, as inside a stable softmax. The softmax does that itself: return minus "
            "the squared distances.",
            slips.then(lambda logits: logits - logits.amax(-1, keepdim=True)),
            slips.then(lambda logits: logits - logits.max()),
        ),
        Misconception(
            "exponential-already",
            "exp is already applied. Logits are the input of the softmax, whose first step is exp.",
            slips.then(torch.exp),
        ),
        Misconception(
            "inverse",
            "This is one over the distance, or over its square. It also favours near prototypes, but is infinite if "
            "a query equals a prototype: use minus the square instead.",
            slips.of(lambda gaps: 1 / gaps.square().sum(-1)),
            slips.of(lambda gaps: 1 / gaps.square().sum(-1).sqrt()),
        ),
        Misconception(
            "inverse-of-one-more",
            "This is one divided by one plus the distance, or plus its square. It also favours near prototypes, but "
            "use minus the square, as in the formula.",
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
            "Only one number per query is returned. Return the logits of all classes.",
            slips.then(lambda logits: logits.argmax(-1)),
            slips.then(lambda logits: logits.argmin(-1)),
            slips.then(lambda logits: logits.amax(-1)),
        ),
        Misconception(
            "summed-over-the-wrong-axis",
            "The squares are summed over the wrong axis. Sum over the features: images and classes remain.",
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
            "Queries and centres are paired one to one. Compare every query with every centre: give them axes of "
            "length 1, so that they broadcast.",
            lambda queries, centres: -(queries - centres).square().sum(-1),
            lambda queries, centres: -(centres - queries).square().sum(-1),
            lambda queries, centres: -((queries - centres) ** 2).sum(),
            *(slips.zipped(sign) for sign in (-1, 1)),
            *(slips.zipped(sign, list) for sign in (-1, 1)),
        ),
        Misconception(
            "first-centre-only",
            "Every column has the distance to the same prototype, the first. If you use a loop, check its variable.",
            lambda queries, centres: prototype_logits(queries, centres[:1].expand_as(centres)),
        ),
        Misconception(
            "first-query-only",
            "Every row is that of the first query. If you use a loop, check its variable.",
            lambda queries, centres: prototype_logits(queries[:1].expand_as(queries), centres),
        ),
    ),
)
