"""Notebook 07: three targets that are equally soft, of which one knows which classes are alike."""

import math

import pytest
import torch

from course_utils import data
from course_utils.experiments import nb07_distillation, nb07_softness, read_results
from course_utils.experiments.nb07_softness import (
    METHODS,
    mean_entropy,
    permuted,
    smoothing_with,
    train_student,
    wrong_class_orders,
)
from course_utils.models import build
from course_utils.models.refusals import UnknownName
from course_utils.training.regularise import smooth_labels


def test_the_permutation_moves_every_wrong_class_and_nothing_else():
    orders = wrong_class_orders(10, seed=3)
    places = torch.arange(10)
    assert torch.equal(orders.diagonal(), places)
    assert torch.equal(orders.sort(dim=1).values, places.expand(10, 10))
    assert ((orders == places).sum(dim=1) == 1).all()
    assert torch.equal(orders, wrong_class_orders(10, seed=3))
    assert not torch.equal(orders, wrong_class_orders(10, seed=4))

    logits, labels = torch.randn(40, 10), torch.arange(40) % 10
    found = permuted(logits, labels, orders)
    assert torch.equal(found[places, labels[:10]], logits[places, labels[:10]])
    assert torch.equal(found.sort(dim=1).values, logits.sort(dim=1).values)
    for row, label in enumerate(labels):
        assert torch.equal(found[row, orders[label]], logits[row])


@pytest.mark.parametrize("entropy", [0.0, 0.3, 1.2, math.log(10)])
def test_labels_are_smoothed_to_the_entropy_that_is_asked_for(entropy):
    labels = torch.tensor([3, 0])
    share = smoothing_with(entropy, 10)
    targets = smooth_labels(labels, 10, share)
    assert 0 <= share <= 1
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(2))
    assert mean_entropy(targets) == pytest.approx(entropy, abs=1e-5)
    torch.testing.assert_close(targets[0, 3], torch.tensor(1 - share + share / 10))


def test_an_entropy_that_no_label_can_have_is_refused():
    with pytest.raises(ValueError, match=r"The entropy is 2\.400 nats, but 10 classes have 0 to 2\.303\."):
        smoothing_with(2.4, 10)
    with pytest.raises(UnknownName):
        train_student("sharpened labels", 0)


def test_the_two_tables_agree_where_they_have_the_same_runs():
    """Equal, not close: one machine and one thread made both."""
    soft, taught = (
        {row["seed"]: row["accuracy"] for row in read_results(table) if row["method"] == method}
        for table, method in (
            ("sweep-distillation", "soft, CNN teacher"),
            ("sweep-softness", "the teacher's answers"),
        )
    )
    assert len(taught) == 10
    assert {seed: taught[seed] for seed in soft if seed in taught} == {s: soft[s] for s in soft if s in taught}


def test_the_arms_differ_in_their_targets_only_and_the_first_is_soft_distillation(monkeypatch):
    pictures = data.load("fashion_mnist", "test", 64, fallback="digits")
    cnn = build(nb07_distillation.TEACHERS["CNN"], 5).eval()
    monkeypatch.setattr(nb07_distillation, "STEPS", 2 * -(-nb07_distillation.LABELS // 64))  # two epochs of a batch
    for module in (nb07_distillation, nb07_softness):
        monkeypatch.setattr(module, "teacher", lambda kind, labels, seed: (cnn, 0.5))
        monkeypatch.setattr(module, "load_images", lambda split, size=None, seed=0: pictures)
    students, found = zip(*(train_student(method, 2) for method in METHODS), strict=True)
    plain, _ = nb07_distillation.train_student("soft, CNN teacher", 2)
    weights = [torch.cat([each.flatten() for each in student.parameters()]) for student in (*students, plain)]
    assert torch.equal(weights[0], weights[3])
    assert not any(torch.equal(one, other) for one, other in ((weights[0], weights[1]), (weights[0], weights[2])))
    entropies = [each["entropy"] for each in found]
    assert entropies[1:] == pytest.approx([entropies[0]] * 2, abs=1e-4)
    assert found[0]["label"] == pytest.approx(found[1]["label"])
