"""Episodes draw what they say and refuse what they cannot; a prototype head is nearest prototype."""

import pytest
import torch
from torch.nn import functional as F

from course_utils import few_shot
from course_utils.few_shot.episodes import (
    EpisodeConfig,
    draw_episode,
    fit_head,
    prototype_head,
    prototype_logits,
    prototypes,
)

LABELS = torch.arange(120) % 12  # ten pictures of each of twelve classes


def test_an_episode_holds_its_classes_and_no_picture_twice():
    episode = draw_episode(LABELS, EpisodeConfig(ways=5, shots=3, queries=4), seed=1)
    places = torch.cat([episode.support, episode.query])
    assert len(places.unique()) == len(places) == 5 * 7
    assert episode.classes.unique().numel() == 5
    for places, labels, count in (
        (episode.support, episode.support_labels, 3),
        (episode.query, episode.query_labels, 4),
    ):
        assert torch.equal(LABELS[places], episode.classes[labels])
        assert labels.bincount().tolist() == [count] * 5


def test_an_episode_follows_from_its_seed_and_classes_are_drawn_anew():
    config = EpisodeConfig(ways=4, shots=1, queries=1)
    one, again, other = (draw_episode(LABELS, config, seed) for seed in (3, 3, 4))
    with torch.device("meta"):  # a notebook's default device changes nothing
        assert torch.equal(one.query, draw_episode(LABELS, config, 3).query)
    assert torch.equal(one.query, again.query)
    assert set(one.classes.tolist()) != set(other.classes.tolist())


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: draw_episode(LABELS, EpisodeConfig(5, 5, 6)), "has 10 images, fewer than the 5 shots and 6 queries"),
        (lambda: draw_episode(LABELS, EpisodeConfig(13, 1, 1)), "needs 13 classes, but the images have 12"),
        (lambda: EpisodeConfig(shots=0), "shots is 0, .*at least 1"),
        (lambda: EpisodeConfig(ways=1), "ways is 1, .*at least 2"),
        (lambda: EpisodeConfig(queries=1.5), "queries is 1.5"),
    ],
)
def test_impossible_episodes_are_refused_in_one_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        make()
    assert "\n" not in str(raised.value)


def test_a_linear_head_decides_as_nearest_prototype_does():
    g = torch.Generator().manual_seed(0)
    features, queries = torch.rand(30, 8, generator=g), torch.rand(50, 8, generator=g)
    centres = prototypes(features, torch.arange(30) % 6, 6)
    assert torch.allclose(centres[2], features[2::6].mean(0), atol=1e-6)
    distances = torch.cdist(queries, centres)
    assert torch.allclose(prototype_logits(queries, centres), -distances.square(), atol=1e-5)
    assert torch.allclose(
        prototype_head(centres)(queries).softmax(-1), prototype_logits(queries, centres).softmax(-1), atol=1e-6
    )


def test_the_linear_head_is_at_the_minimum_of_its_loss_whatever_the_scale_of_the_features():
    g = torch.Generator().manual_seed(0)
    features, labels = torch.randn(40, 6, generator=g) + 1, torch.arange(40) % 4
    head = fit_head(features, labels, 4)
    length = features.norm(dim=1).mean().item()
    weight = head.weight.detach().clone().requires_grad_()
    loss = F.cross_entropy(F.linear(features, weight, head.bias), labels)
    (gradient,) = torch.autograd.grad(loss + 0.005 * (length * weight).square().sum(), weight)
    assert gradient.abs().max() < 1e-3
    assert torch.allclose(fit_head(100 * features, labels, 4)(100 * features), head(features), atol=1e-2)


def test_the_head_is_trained_in_the_features_own_type_and_with_gradients_switched_off():
    torch.manual_seed(0)
    features, labels = torch.rand(12, 4), torch.arange(12) % 3
    expected = fit_head(features, labels, 3)
    with torch.inference_mode():
        other = fit_head(features, labels.to(torch.uint8), 3)
    assert torch.equal(other.weight, expected.weight)
    for dtype in (torch.float64, torch.bfloat16):
        head = fit_head(features.to(dtype), labels, 3)
        assert head(features.to(dtype)).dtype == dtype
        assert torch.allclose(head.weight.float(), expected.weight, rtol=0.1, atol=0.5)
        assert prototype_head(features.to(dtype)).weight.dtype == dtype


FEATURES = torch.rand(6, 4)


@pytest.mark.parametrize(
    ("features", "labels", "sentence"),
    [
        (FEATURES, torch.tensor([0, 0, 1, 1, 3, 3]), "Class 2 of 4 has no image, so it has no mean"),
        (FEATURES, torch.tensor([0, 0, 1, 1, 3, 4]), "labels go from 0 to 4, but there are 4 ways"),
        (FEATURES, torch.tensor([0, 0, 1, 1, 3, -1]), "labels go from -1 to 3"),
        (FEATURES, torch.arange(6.0), "labels are of shape .6,. and type float32"),
        (FEATURES, torch.arange(5), "for 6 images"),
        (FEATURES, [0, 1, 2, 3, 0, 1], "labels are a list"),
        (FEATURES[0], torch.arange(4), "features are of shape .4,. and type float32"),
        (FEATURES.numpy(), torch.arange(6) % 4, "features are a ndarray"),
        (FEATURES.long(), torch.arange(6) % 4, "type int64, but must be .images, dim. in floating point"),
        (FEATURES / 0, torch.arange(6) % 4, "NaN or infinity"),
    ],
)
@pytest.mark.parametrize("make", [few_shot.checked_prototypes, fit_head])
def test_a_support_set_that_defines_no_head_is_refused(features, labels, sentence, make):
    with pytest.raises(ValueError, match=sentence):
        make(features, labels, 4)


def test_the_checked_prototypes_are_the_plain_ones():
    labels = torch.arange(6) % 4
    assert torch.equal(few_shot.checked_prototypes(FEATURES, labels, 4), prototypes(FEATURES, labels, 4))
    with pytest.raises(ValueError, match="all zero"):
        fit_head(torch.zeros(6, 4), labels, 4)
