"""Attacks of several strengths on the course's own image–text models: notebook 10.

``course train sweep-attacks`` makes data/results/sweep-attacks.csv.
"""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from course_utils.data.captions import CAPTIONS
from course_utils.experiments.runs_captions import CAPTION_RUNS, captioned
from course_utils.experiments.sweep import Sweep
from course_utils.models.image_text import ImageText
from course_utils.modes import evaluating
from course_utils.robustness.attack import attack
from course_utils.training.weights import load_checkpoint

IMAGES = 100  # attacked images of the test split
EPSILONS = (0, 1, 2, 4, 8, 16)  # in 255ths
SMOOTH_SAMPLES = 3  # noisy copies that the attacker averages over
VOTES = 32  # noisy copies in the vote of the smoothed model

# The weak attacker targets an embedding in few steps; the strong one targets a caption in more steps.
STRENGTHS = {"weak": {"steps": 10}, "strong": {"steps": 40}}
DEFENCES = {"none": "captions", "adversarial training": "captions-robust", "smoothing": "captions-noisy"}


@cache
def defended(defence: str) -> tuple[ImageText, Tensor]:
    """The shipped model of a defence, frozen, and its embeddings of all captions (captions, dim)."""
    model, _ = load_checkpoint(DEFENCES[defence])
    assert isinstance(model, ImageText)
    model.requires_grad_(False)
    return model, model.embed_captions(model.tokenise(CAPTIONS))


def other_captions(numbers: Tensor, seed: int = 0) -> Tensor:
    """→ (images,): for each image a random caption that is not its own."""
    generator = torch.Generator().manual_seed(seed)
    steps = torch.randint(1, len(CAPTIONS), numbers.shape, generator=generator).to(numbers.device)
    return (numbers + steps) % len(CAPTIONS)


def objective(
    model: ImageText, captions: Tensor, wanted: Tensor, strength: str, noise: float = 0.0, away: bool = False
) -> Callable[[Tensor], Tensor]:
    """The loss of the attacker, one number per image: distance to the target captions or, with away, closeness.

    captions: embeddings of all (captions, dim); wanted (images,): indices of the target captions. weak: minus the
    cosine. strong: the cross-entropy with the target among all captions. noise: averages over noisy copies, the same
    in every step.
    """
    sign = -1 if away else 1

    def loss(images: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(7)
        total = torch.zeros(len(images), device=images.device)
        for _ in range(SMOOTH_SAMPLES if noise else 1):
            seen = images + noise * torch.randn(images.shape, generator=generator).to(images) if noise else images
            with evaluating(model):
                cosine = model.embed_images(seen) @ captions.mT
            if strength == "weak":
                total = total - sign * cosine.gather(1, wanted[:, None])[:, 0]
            else:
                total = total + sign * F.cross_entropy(cosine / model.temperature, wanted, reduction="none")
        return total

    return loss


@torch.no_grad()
def answers(model: ImageText, captions: Tensor, images: Tensor, noise: float = 0.0) -> Tensor:
    """→ (images,): the index of the caption of each image; with noise, the one with most votes."""
    if not noise:
        with evaluating(model):
            return (model.embed_images(images) @ captions.mT).argmax(dim=1)
    generator = torch.Generator().manual_seed(0)
    votes = torch.zeros(len(images), len(captions), device=images.device)
    for _ in range(VOTES):
        said = answers(model, captions, images + noise * torch.randn(images.shape, generator=generator).to(images))
        votes += F.one_hot(said, len(captions))
    return votes.argmax(dim=1)


def attacked(
    defence: str, strength: str, epsilon: float, images: Tensor, wanted: Tensor, away: bool = False
) -> tuple[Tensor, Tensor]:
    """Change each pixel by at most epsilon/255; → the images, and the indices of their new captions."""
    model, captions = defended(defence)
    noise = CAPTION_RUNS[DEFENCES[defence]].noise
    loss = objective(model, captions, wanted, strength, noise, away)
    changed = attack(loss, images, epsilon / 255, **STRENGTHS[strength])
    return changed, answers(model, captions, changed, noise)


def run(defence: str, strength: str, epsilon: int, pictures: int = IMAGES) -> dict[str, float]:
    """One point: shares in [0, 1] of images led to a chosen caption and, in another attack, still captioned right."""
    test, numbers = captioned("test", pictures)
    wanted = other_captions(numbers)
    _, led = attacked(defence, strength, epsilon, test.images, wanted)
    _, kept = attacked(defence, strength, epsilon, test.images, numbers, away=True)
    return {
        "pictures": pictures,
        "led_to_target": round((led == wanted).float().mean().item(), 4),
        "still_right": round((kept == numbers).float().mean().item(), 4),
    }


SWEEP = Sweep(
    points=[
        {"defence": defence, "strength": strength, "epsilon": epsilon}
        for defence in DEFENCES
        for strength in (["strong"] if defence == "smoothing" else list(STRENGTHS))
        for epsilon in EPSILONS
    ],
    run=run,
    data="captioned shapes",
)
