"""What a student gains at each temperature τ, and at each share λ of the teacher in the loss. Notebook 07.

The soft lesson of a CNN as in ``nb07_distillation``, at other τ and λ; the two curves share the point that is used
there, and λ = 0 is its student alone. ``course train sweep-distillation-curves``.
"""

import torch
from torch import Tensor, nn

from course_utils.data import load
from course_utils.experiments.nb07_distillation import SOFT, load_images, train_student
from course_utils.experiments.sweep import Sweep

# Nothing was chosen for these runs: the points are fixed, and the rest is that of ``nb07_distillation``.
TEMPERATURES = (0.5, 1.0, 3.0, 10.0)  # at λ = 0.9
WEIGHTS = (0.0, 0.3, 0.9, 1.0)  # λ, at τ = 3


@torch.no_grad()
def mean_confidence(model: nn.Module, images: Tensor) -> float:
    """Images (count, channels, height, width) → the mean of the largest probability of each answer, in (0, 1]."""
    return torch.cat([model(batch).softmax(-1).max(-1).values for batch in images.split(512)]).mean().item()


def run(temperature: float, weight: float, seed: int) -> dict[str, float]:
    """One point of the sweep: of student and teacher the accuracy, in [0, 1], on all test images;
    and of the student the mean confidence there.

    Raises DataNotFound without Fashion-MNIST.
    """
    load("fashion_mnist", "test", 1)
    student, scores = train_student("soft, CNN teacher", seed, soft={"temperature": temperature, "weight": weight})
    measured = {**scores, "confidence": mean_confidence(student, load_images("test").images)}
    return {name: round(value, 4) for name, value in measured.items()}


SWEEP = Sweep(
    points=[
        {"temperature": temperature, "weight": weight, "seed": seed}
        for seed in range(10)
        for temperature, weight in (
            *((each, SOFT["weight"]) for each in TEMPERATURES),
            *((SOFT["temperature"], each) for each in WEIGHTS if each != SOFT["weight"]),
        )
    ],
    run=run,
    data="fashion_mnist",
)
