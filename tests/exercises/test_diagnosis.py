"""What is said of a wrong answer that no exercise knows: each pattern is found, and only where it is certain."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from course_utils.attention import attend, attend_by_dot_product
from course_utils.exercises import Kind, Misconception, examine, find
from course_utils.exercises.exercise import Exercise, Promise, Wild
from course_utils.exercises.promises import refuses
from course_utils.teaching.classroom.catalogue import known_pattern
from course_utils.training.rand_augment import apply_each


def share(values: Tensor, others: Tensor, mask: Tensor, temperature: float = 0.5) -> tuple[Tensor, Tensor]:
    """Stands for an exercise's reference."""
    weights = (values @ others.mT / temperature).masked_fill(~mask, -1e30).softmax(-1)
    return weights @ others, weights


def _shares(g):
    some = torch.rand(4, 7, generator=g) < 0.6
    some[:, 0] = some[0] = True
    sizes = [(2, 4, 7, 3), (1, 4, 7, 8), (3, 4, 7, 5)]
    return [
        (torch.randn(b, n, d, generator=g), torch.randn(b, m, d, generator=g), some, t)
        for (b, n, m, d), t in zip(sizes, (0.5, 2.0, 0.7), strict=True)
    ]


def count(layers: int, dim: int, heads: int) -> int:
    """Stands for an exercise that counts."""
    return layers * (dim * dim + heads)


def loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Stands for an exercise whose result is one number."""
    return torch.nn.functional.cross_entropy(logits, labels)


def scores(values: Tensor, others: Tensor) -> Tensor:
    """Stands for an exercise with a tensor as its result."""
    return values @ others.mT


NO_MISCONCEPTIONS = tuple(Misconception(str(n), "never given", lambda *_: 0) for n in range(3))


def exercise(reference, cases, **more):
    return Exercise(
        name="99.made",
        title="Made for the test",
        reference=reference,
        cases=cases,
        misconceptions=NO_MISCONCEPTIONS,
        hints=("none",) * 3,
        **more,
    )


SHARE = exercise(share, _shares, returns=("output", "weights"))
COUNT = exercise(count, lambda g: [(2, 8, 4), (3, 5, 2), (7, 6, 3), (12, 64, 8)])
LOSS = exercise(
    loss,
    lambda g: [(torch.randn(n, k, generator=g), torch.arange(n) % k) for n, k in ((4, 3), (7, 10), (2, 5), (6, 4))],
)
SCORES = exercise(
    scores,
    lambda g: [
        (torch.randn(b, n, d, generator=g), torch.randn(b, m, d, generator=g))
        for b, n, m, d in ((2, 4, 7, 3), (3, 5, 2, 8), (1, 6, 4, 5))
    ],
)


def of_weights(change):
    """A student's answer whose weights are changed, and whose output follows."""

    def student(values, others, mask, temperature=0.5):
        weights = change(share(values, others, mask, temperature)[1])
        return weights @ others, weights

    return student


def of_scores(change):
    return lambda values, others: change(scores(values, others))


@pytest.mark.parametrize(
    ("made", "student", "name", "words"),
    [
        (SCORES, of_scores(lambda s: s.mT), "transposed", ["axes 1 and 2 are swapped"]),
        (SCORES, of_scores(lambda s: s.flatten(1)), "reshaped", ["right order", "(2, 28)"]),
        (SCORES, of_scores(lambda s: s.flip(1)), "reversed", ["axis 1 is reversed"]),
        (SCORES, of_scores(lambda s: s.roll(1, 2)), "rolled", ["forward by one position along axis 2"]),
        (SCORES, of_scores(lambda s: s[:, [1, 0, *range(2, s.shape[1])]]), "reordered",
         ["index 0 has what belongs at index 1"]),
        (SCORES, of_scores(lambda s: -s), "sign", ["have the wrong sign"]),
        (SCORES, of_scores(lambda s: 2 * s), "factor", ["2 times what"]),
        (SCORES, lambda values, others: scores(values, others) / math.sqrt(values.shape[-1]), "factor",
         ["0.5774 times", "1/√3", "the length of the last axis of `values`"]),
        (SCORES, of_scores(lambda s: s + 1.5), "offset", ["1.5 too large"]),
        (SCORES, of_scores(lambda s: s.exp()), "exponential", ["exp of the right one"]),
        (SCORES, of_scores(lambda s: 1 - s), "one-minus", ["one minus the right one"]),
        (SCORES, of_scores(lambda s: s.softmax(-1)), "softmax-again", ["the softmax of the right ones"]),
        (SCORES, of_scores(lambda s: torch.zeros_like(s)), "constant", ["0 everywhere"]),
        (SCORES, of_scores(lambda s: torch.cat([s[:, :-1], 0 * s[:, -1:]], 1)), "last-only",
         ["last index along axis 1"]),
        (SCORES, lambda values, others: values, "argument-returned", ["returns `values` itself, unchanged"]),
        (SCORES, lambda values, others: scores(values[:1].expand_as(values), others), "changed-values", ["first item"]),
        (SCORES, of_scores(lambda s: [s, 1]), "one-too-many", ["return only the result"]),
        (SHARE, lambda values, others, mask, temperature=0.5: share(values, others, mask, temperature)[::-1],
         "parts-swapped", ["return output, then weights"]),
        (SHARE, lambda values, others, mask, temperature=0.5: share(values, others, mask, temperature)[1],
         "part-missing", ["only one part of 2, weights", "return output too"]),
        (SHARE, lambda values, others, mask, temperature=0.5: share(values, others, torch.ones_like(mask), temperature),
         "unused-mask", ["Changing `mask` does not change"]),
        (SHARE, lambda values, others, mask, temperature=0.5: share(values, others, mask), "unused-temperature",
         ["Changing `temperature` does not change"]),
        (SHARE, lambda values, others, mask, temperature=0.5: share(values, others, mask, 1 / temperature),
         "changed-temperature", ["with 1 / temperature instead of `temperature`"]),
        (SHARE, lambda values, others, mask, temperature=0.5: share(values, others, ~mask, temperature), "changed-mask",
         ["with ~mask instead of `mask`"]),
        (SHARE, of_weights(lambda w: w / w.sum(-2, keepdim=True)), "columns-sum-to-one", ["columns sum to one"]),
        (SHARE, of_weights(lambda w: w.square()), "square", ["square of the right one"]),
        (SHARE, of_weights(lambda w: w.sin() * 0.7 + w.square() * 0.2), "rows-do-not-sum-to-one", ["each row should"]),
        (LOSS, lambda logits, labels: loss(logits, labels) * len(labels), "factor",
         ["4 times", "second-to-last axis of `logits`"]),
        (LOSS, lambda logits, labels: loss(logits, labels) / math.log(2), "factor", ["1.443 times", "base 2"]),
        (LOSS, lambda logits, labels: loss(logits.softmax(-1), labels), "changed-logits", ["the softmax of logits"]),
        (LOSS, lambda logits, labels: torch.nn.functional.cross_entropy(logits, labels, reduction="none"),
         "not-reduced", ["the mean"]),
        (COUNT, lambda layers, dim, heads: layers * dim * dim, "count-gap", ["too small by `layers · heads`"]),
        (COUNT, lambda layers, dim, heads: dim * dim + heads, "count-factor", ["should be `layers` times as large"]),
        (COUNT, lambda layers, dim, heads: layers * (dim**3 + heads) + dim, "growth-layers",
         ["grows as it should with `heads`, but not with `layers`, `dim`"] ),
        (SCORES, of_scores(lambda s: s + 0.1 * torch.randn_like(s)), "random", ["Two calls"]),
        (SHARE, lambda values, others, mask, temperature=0.5: share(values, others, mask, temperature ** 0.7),
         "right-when-temperature-1", ["right in every case if `temperature` were 1"]),
        (SCORES, of_scores(lambda s: s.bfloat16().float()), "imprecise", ["only the last digits differ"]),
        (SCORES, of_scores(lambda s: list(s)), "not-stacked", ["torch.stack"]),
        (COUNT, lambda layers, dim, heads: count(layers, dim, heads) + 17, "count-offset", ["17 too large"]),
        (COUNT, lambda layers, dim, heads: count(layers, dim, heads) - 3 * layers * dim, "count-gap",
         ["too small by `3 · layers · dim`"]),
    ],
)  # fmt: skip
def test_each_pattern_is_said_in_words(made, student, name, words):
    verdict = examine(made, student)
    assert verdict.kind is Kind.PATTERN, verdict.message
    assert verdict.misconception == f"pattern/{name}", verdict.message
    assert known_pattern(verdict.misconception), "the class view has no words for it"
    for word in words:
        assert word in verdict.message


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_said_of_results_that_have_nothing_to_do_with_the_right_ones(seed):
    def student(values, others):
        torch.manual_seed(seed + values.shape[1])
        return torch.randn(values.shape[0], values.shape[1], others.shape[1]) * values.mean() * others.mean()

    assert examine(SCORES, student).kind is Kind.VALUES


def test_a_right_answer_that_fails_on_wilder_arguments_is_told_which():
    wild = Wild("huge", (1e20 * torch.ones(1, 2, 3), torch.ones(1, 2, 3)), "scores are huge", "Use softmax.")
    made = replace(SCORES, wild=lambda g: [wild])
    verdict = examine(
        made,
        lambda values, others: (
            (values**2) @ others.mT / values.mean() if values.max() > 1e9 else scores(values, others)
        ),
    )
    assert verdict.kind is Kind.WILD
    assert verdict.misconception == "99.made/huge"
    assert "right on ordinary inputs, but not when scores are huge. Use softmax." in verdict.message
    assert examine(made, lambda values, others: torch.einsum("bnd,bmd->bnm", values, others)).passed


def squeezes(query, key, value, mask=None):
    return tuple(part.squeeze() for part in attend(query, key, value, mask))


def views(query, key, value):
    return attend_by_dot_product(query.view(-1).view(query.shape), key, value)


def views_images(images, transforms, chosen):
    return apply_each(images.view(-1).view(images.shape), transforms, chosen)


def counts_the_labels(student, teacher, labels, smoothing=0.1):
    one_hot = torch.nn.functional.one_hot(labels).float()
    right = torch.zeros_like(student)
    right[:, : one_hot.shape[1]] = (1 - smoothing) * one_hot
    hard = torch.nn.functional.cross_entropy(student, right + smoothing / one_hot.shape[1])
    return (hard + torch.nn.functional.cross_entropy(student, teacher.argmax(-1))) / 2


@pytest.mark.parametrize(
    ("name", "student", "cause"),
    [
        ("00.attend", squeezes, "one-of-each"),
        ("01.attend_by_dot_product", views, "transposed-memory"),
        ("06.apply_each", views_images, "other-layout"),
        ("07.hard_distillation", counts_the_labels, "class-without-a-label"),
    ],
)
def test_a_failure_on_unusual_arguments_is_put_down_to_its_own_cause(name, student, cause):
    verdict = examine(find(name), student)
    assert verdict.kind is Kind.WILD
    assert verdict.misconception == f"{name}/{cause}"


def test_a_result_that_a_later_call_overwrites_is_not_right_although_every_case_is():
    store = {}

    def reuses(values, others):
        result = scores(values, others)
        return store.setdefault(result.shape, torch.empty_like(result)).copy_(result)

    verdict = examine(SCORES, reuses)
    assert (verdict.misconception, verdict.right) == ("pattern/stored", 3)


def test_a_promise_of_the_docstring_is_kept_or_named():
    refusal = refuses("sizes differ", torch.ones(1, 2, 3), torch.ones(1, 2, 4))
    own = Promise("asked-once", lambda fn: None)
    made = replace(SCORES, promises=(refusal, own))

    def careful(values, others):
        if values.shape[-1] != others.shape[-1]:
            raise ValueError("sizes")
        return values @ others.mT

    assert examine(made, careful).passed
    assert "raises RuntimeError" in examine(made, lambda values, others: values @ others.mT).message
    returns = examine(made, lambda values, others: values @ others[..., : values.shape[-1]].mT)
    assert returns.kind is Kind.PROMISE
    assert "it returns a tensor of shape (1, 2, 2)" in returns.message


def test_gradients_are_those_of_the_reference_in_every_case():
    made = replace(SCORES, learns=("values",), frozen=("others",))
    verdict = examine(made, lambda values, others: values @ others.mT)
    assert "a gradient reaches `others`" in verdict.message
    assert examine(made, lambda values, others: values @ others.detach().mT).passed
    half = examine(made, lambda values, others: (values / 2 + values.detach() / 2) @ others.detach().mT)
    assert "the gradient of `values` is wrong" in half.message
    none = examine(made, lambda values, others: values.detach() @ others.detach().mT)
    assert "no gradient reaches `values`" in none.message

    def sometimes(values, others):
        return (values.detach() if len(values) == 1 else values) @ others.detach().mT

    assert examine(made, sometimes).kind is Kind.GRADIENT


def test_the_examples_of_the_issue():
    """Answers that once crashed the check, passed it, or were refused by it."""
    attend, field = find("00.attend"), find("01.receptive_field")
    assert examine(field, lambda layers: sum(k for k, s in layers)).kind is not Kind.ENGINE

    def by_hand(query, key, value, mask=None):
        weights = (query @ key.mT / query.shape[-1] ** 0.5).exp()
        weights = weights if mask is None else weights * mask
        weights = weights / weights.sum(-1, keepdim=True)
        return weights @ value, weights

    assert not examine(attend, by_hand).passed

    def over_queries(query, key, value, mask=None):
        scores = query @ key.mT / query.shape[-1] ** 0.5
        scores = scores if mask is None else scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(-2)
        return weights @ value, weights

    assert "00.attend/" in examine(attend, over_queries).misconception
