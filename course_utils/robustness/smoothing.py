"""Randomised smoothing: the majority vote under noise, with a certified radius. Cohen et al. 2019. Notebook 10."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from scipy.stats import binomtest, norm
from torch import Tensor


@dataclass(frozen=True)
class Certificate:
    """answer: the class, or −1 to abstain; radius: no change with an L2 norm below it alters the answer."""

    answer: int
    radius: float
    votes: int  # for the answer


def lower_bound(successes: int, trials: int, alpha: float) -> float:
    """A one-sided lower confidence bound on a probability, at confidence 1 − alpha. Clopper & Pearson 1934.

    Raises ValueError for impossible counts and for an alpha outside (0, 1).
    """
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(
            f"{successes} of {trials} trials succeeded, but needs trials ≥ 1 and 0 ≤ successes ≤ trials."
        )
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}, but must be in (0, 1): try 0.001.")
    return float(binomtest(successes, trials, alternative="greater").proportion_ci(1 - alpha, method="exact").low)


def votes(
    classify: Callable[[Tensor], Tensor],
    image: Tensor,
    sigma: float,
    samples: int,
    classes: int,
    generator: torch.Generator,
    batch: int = 512,
) -> Tensor:
    """→ (classes,): how often each class is predicted for image (channels, height, width) + noise N(0, sigma²)."""
    counts = torch.zeros(classes, dtype=torch.long)
    for start in range(0, samples, batch):
        many = image.expand(min(batch, samples - start), -1, -1, -1)
        with torch.no_grad():
            answers = classify(many + sigma * torch.randn(many.shape, generator=generator))
        counts += torch.bincount(answers, minlength=classes)
    return counts


def certify(
    classify: Callable[[Tensor], Tensor],
    image: Tensor,
    sigma: float,
    classes: int,
    *,
    choose: int = 50,
    samples: int = 500,
    alpha: float = 0.001,
    seed: int = 0,
) -> Certificate:
    """The smoothed classifier's class for one image, with a radius certified at confidence 1 − alpha.

    classify: images → class numbers. A first vote (choose) picks the class, a second, independent one (samples)
    bounds its probability from below: radius = sigma · Φ⁻¹(bound). It abstains unless the bound is above one half.
    Cohen et al. 2019, theorem 1 and section 3.2. Raises ValueError for a sigma that is not positive.
    """
    if not sigma > 0:
        raise ValueError(
            f"sigma is {sigma}, but must be above 0: it is the standard deviation of the noise, for example 0.25."
        )
    generator = torch.Generator().manual_seed(seed)
    answer = int(votes(classify, image, sigma, choose, classes, generator).argmax())
    count = int(votes(classify, image, sigma, samples, classes, generator)[answer])
    bound = lower_bound(count, samples, alpha)
    if bound <= 0.5:
        return Certificate(-1, 0.0, count)
    return Certificate(answer, sigma * float(norm.ppf(bound)), count)
