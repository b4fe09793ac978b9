"""Each regulariser alone, and each left out, on colour photographs: notebook 06.

``course train sweep-regularisers-photographs``: the sweep of ``nb06_regularisers`` on CIFAR-10, with the same arms, seeds,
lengths and settings. What decides each claim was fixed before the runs.
"""

from course_utils.experiments import nb06_regularisers
from course_utils.experiments.cifar_copies import cifar10
from course_utils.experiments.nb06_regularisers import PICTURES, measure, student
from course_utils.experiments.sweep import Sweep

CONFIG = student("cifar10")


def run(arm: str, epochs: int, seed: int) -> dict[str, str | float]:
    """One point: accuracy in [0, 1] on all test images and on the training images, and the images' source.

    Raises DataNotFound without CIFAR-10.
    """
    train, test = cifar10("fit", PICTURES, seed), cifar10("test")
    return {"images": test.source, **measure(arm, epochs, seed, train, test, CONFIG)}


SWEEP = Sweep(points=nb06_regularisers.SWEEP.points, run=run, data="cifar10")
