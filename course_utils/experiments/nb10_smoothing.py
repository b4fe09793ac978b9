"""The guarantees of randomised smoothing, and their cost in accuracy: notebook 10.

``course train sweep-smoothing`` makes data/results/sweep-smoothing.csv.
"""

import torch
from torch import Tensor

from course_utils.data.captions import CAPTIONS
from course_utils.experiments.nb10_attacks import answers, defended
from course_utils.experiments.runs_captions import captioned
from course_utils.experiments.sweep import Sweep
from course_utils.robustness.smoothing import certify

IMAGES = 100
SIGMAS = (0.06, 0.12, 0.25)
RADII = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)  # L2


def run(defence: str, sigma: float, pictures: int = IMAGES) -> dict[str, float]:
    """Shares in [0, 1] of test images: abstained, and certified right within each radius."""
    test, numbers = captioned("test", pictures)
    model, captions = defended(defence)

    def classify(images: Tensor) -> Tensor:
        return answers(model, captions, images)

    found = [certify(classify, image, sigma, len(CAPTIONS), seed=index) for index, image in enumerate(test.images)]
    right = torch.tensor([one.answer == number for one, number in zip(found, numbers.tolist(), strict=True)])
    radius = torch.tensor([one.radius for one in found])
    shares = {"pictures": pictures, "abstained": sum(one.answer < 0 for one in found) / pictures}
    return shares | {f"certified_{r:g}": round((right & (radius >= r)).float().mean().item(), 4) for r in RADII}


SWEEP = Sweep(
    points=[{"defence": defence, "sigma": sigma} for defence in ("none", "smoothing") for sigma in SIGMAS],
    run=run,
    data="captioned shapes",
)
