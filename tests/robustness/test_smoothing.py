"""Randomised smoothing keeps its promises: the bound is Clopper and Pearson's, and a linear model's radius is exact."""

import math

import pytest
import torch
from scipy.stats import beta, binom, norm

from course_utils.robustness.smoothing import certify, lower_bound, votes


@pytest.mark.parametrize("alpha", [0.001, 0.05])
@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (1, 10), (7, 10), (10, 10), (480, 500)])
def test_the_bound_is_a_quantile_of_the_beta_distribution(successes, trials, alpha):
    exact = beta.ppf(alpha, successes, trials - successes + 1) if successes else 0.0
    assert lower_bound(successes, trials, alpha) == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.93])
def test_the_bound_fails_no_more_often_than_it_says(share):
    """Summed over all outcomes, not sampled: how often it lies above the truth."""
    failing = sum(binom.pmf(k, 60, share) for k in range(61) if lower_bound(k, 60, 0.05) > share)
    assert failing <= 0.05


def half_plane(images):
    """Class 1 where the first pixel is above 0.5: the distance to the other class is known."""
    return (images[:, 0, 0, 0] > 0.5).long()


@pytest.mark.parametrize("distance", [0.05, 0.1, 0.2])
def test_the_radius_of_a_half_plane_is_nearly_its_distance_and_never_beyond(distance):
    image = torch.full((1, 2, 2), 0.5 + distance)
    certificate = certify(half_plane, image, sigma=0.2, classes=2, samples=20_000)
    assert certificate.answer == 1
    assert 0.85 * distance < certificate.radius <= distance


def test_it_abstains_where_no_answer_has_a_majority():
    certificate = certify(half_plane, torch.full((1, 2, 2), 0.5), sigma=0.2, classes=2)
    assert (certificate.answer, certificate.radius) == (-1, 0.0)


def test_no_radius_exceeds_what_so_many_votes_can_prove():
    certificate = certify(
        lambda images: torch.ones(len(images), dtype=torch.long), torch.rand(3, 4, 4), 0.5, 3, samples=100
    )
    assert certificate.votes == 100
    assert certificate.radius == pytest.approx(0.5 * norm.ppf(0.001 ** (1 / 100)))


def test_votes_are_counted_once_each_also_over_several_batches():
    counts = votes(half_plane, torch.full((1, 2, 2), 0.7), 0.2, 1001, 2, torch.Generator().manual_seed(0), batch=100)
    assert counts.sum() == 1001
    assert counts[1] / 1001 == pytest.approx(norm.cdf(1), abs=0.05)


def test_the_vote_that_bounds_sees_none_of_the_noise_that_chose_the_class():
    """On noise that it was chosen by, a class looks better than it is: the bound would not hold."""
    shown = []

    def watching(images):
        shown.append(images.clone())
        return half_plane(images)

    certify(watching, torch.full((1, 2, 2), 0.7), 0.2, 2, choose=40, samples=60)
    noisy = torch.cat(shown)
    assert len(noisy) == 100
    assert len(noisy.unique(dim=0)) == 100


@pytest.mark.parametrize(
    ("attempt", "sentence"),
    [
        (lambda: certify(half_plane, torch.rand(1, 2, 2), 0.0, 2), "sigma is 0.0, but must be above 0"),
        (lambda: certify(half_plane, torch.rand(1, 2, 2), math.nan, 2), "sigma is nan"),
        (lambda: lower_bound(5, 4, 0.1), "5 of 4"),
        (lambda: lower_bound(1, 4, 0), "alpha is 0"),
    ],
)
def test_nonsense_is_refused(attempt, sentence):
    with pytest.raises(ValueError, match=sentence):
        attempt()


IMAGE = torch.rand(1, 4, 4, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_an_image_of_another_type_gets_the_same_noise(dtype):
    def bright(images):
        assert images.dtype == dtype
        return (images.float().mean((1, 2, 3)) > 0.5).long()

    expected = votes(lambda i: (i.mean((1, 2, 3)) > 0.5).long(), IMAGE, 1.0, 99, 2, torch.Generator().manual_seed(0))
    found = votes(bright, IMAGE.to(dtype), 1.0, 99, 2, torch.Generator().manual_seed(0))
    assert (found - expected).abs().max() <= 2


@pytest.mark.parametrize(
    ("classify", "image", "samples", "sentence"),
    [
        (lambda images: images.flatten(1), IMAGE, 9, r"shape \(9, 16\) for 9 images, but must return class numbers"),
        (lambda images: 1, IMAGE, 9, "a value of int"),
        (lambda images: torch.full((len(images),), 7), IMAGE, 9, "outside 0 to 2"),
        (lambda images: torch.zeros(len(images)).long(), IMAGE[None], 9, "must be .channels, height, width."),
        (lambda images: torch.zeros(len(images)).long(), IMAGE.long(), 9, "in floating point"),
        (lambda images: torch.zeros(len(images)).long(), IMAGE, 0, "samples is 0"),
        (lambda images: torch.zeros(len(images)).long(), IMAGE / 0, 9, "NaN or infinity"),
    ],
)
def test_votes_that_cannot_be_counted_are_refused(classify, image, samples, sentence):
    with pytest.raises(ValueError, match=sentence):
        votes(classify, image, 0.1, samples, 3, torch.Generator())
