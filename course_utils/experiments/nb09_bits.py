"""What rounding its weights costs the teacher: notebook 09."""

import torch
from torch import Tensor

from course_utils.data.few_shot import compositions
from course_utils.deployment.quantise import with_rounded_weights
from course_utils.models import ResNet
from course_utils.training.score import evaluate

BITS = range(2, 9)


def accuracies_by_bits(teacher: ResNet, count: int = 500) -> Tensor:
    """(bits, 2, 2): the teacher's accuracy in [0, 1] with all its weights rounded to 2 … 8 bits, on count images.

    The images show the compositions that it has learned, in new drawings. [:, 0] has one scale per layer, [:, 1] one
    per output channel; [..., 0] is affine, [..., 1] symmetric.
    """
    images = compositions(count, "teacher", seed=3)  # as in its test, see `runs.images_of`
    return torch.tensor(
        [
            [
                [
                    evaluate(with_rounded_weights(teacher, bits, per_channel, symmetric), images).accuracy
                    for symmetric in (False, True)
                ]
                for per_channel in (False, True)
            ]
            for bits in BITS
        ]
    )
