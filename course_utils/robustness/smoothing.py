"""Randomised smoothing: the majority vote under noise, with a certified radius. Cohen et al. 2019. Notebook 10."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import torch
from scipy.stats import binomtest, norm
from torch import Tensor

from course_utils.settings import Count, Seed, above, checked

Sigma = Annotated[float, above(0, ": it is the standard deviation of the noise, for example 0.25")]


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
    """→ (classes,): how often each class is predicted for image (channels, height, width) + noise N(0, sigma²).

    The noise is drawn on the generator's device, in float32; the counts are on the image's. Raises ValueError for an
    image of another shape or type or with NaN, for fewer than one sample, and if classify returns anything but class
    numbers.
    """
    if not isinstance(image, Tensor) or image.ndim != 3 or not image.is_floating_point():
        found = f"type {type(image).__name__}"
        if isinstance(image, Tensor):
            found = f"shape {tuple(image.shape)} and type {str(image.dtype).removeprefix('torch.')}"
        raise ValueError(f"The image has {found}, but must be (channels, height, width) in floating point.")
    if not image.isfinite().all():
        raise ValueError("The image holds NaN or infinity, and so do all its noisy copies: repair it.")
    classes, samples, batch = (
        checked(name, value, Count)
        for name, value in {"classes": classes, "samples": samples, "batch": batch}.items()
    )
    counts = torch.zeros(classes, dtype=torch.long, device=image.device)
    own = torch.arange(classes, device=image.device)
    for start in range(0, samples, batch):
        many = image.expand(min(batch, samples - start), -1, -1, -1)
        noise = torch.randn(many.shape, generator=generator, dtype=torch.float32, device=generator.device)
        with torch.no_grad():
            answers = classify(many + sigma * noise.to(image))
        if not isinstance(answers, Tensor) or answers.shape != (len(many),) or answers.is_floating_point():
            found = f"shape {tuple(answers.shape)}" if isinstance(answers, Tensor) else type(answers).__name__
            raise ValueError(
                f"classify returned a value of {found} for {len(many)} images, but must return class numbers "
                "(images,): end it with .argmax(dim=1)."
            )
        counts += (answers[:, None] == own).sum(dim=0)  # bincount would make a GPU wait
    if int(counts.sum()) != samples:
        raise ValueError(f"classify returned class numbers outside 0 to {classes - 1}: pass its number of classes.")
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
    sigma = checked("sigma", sigma, Sigma)
    # On the CPU, so that every device draws the same noise.
    generator = torch.Generator().manual_seed(checked("seed", seed, Seed))
    answer = int(votes(classify, image, sigma, choose, classes, generator).argmax())
    count = int(votes(classify, image, sigma, samples, classes, generator)[answer])
    bound = lower_bound(count, samples, alpha)
    if bound <= 0.5:
        return Certificate(-1, 0.0, count)
    return Certificate(answer, sigma * float(norm.ppf(bound)), count)
