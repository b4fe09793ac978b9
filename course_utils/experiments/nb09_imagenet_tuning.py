"""The lecture's own words: a CNN of ImageNet learns ten classes of CIFAR-10 from five images each. Notebook 09.

Its head alone, or the CNN too: ``course train sweep-imagenet-tuning``.
"""

from dataclasses import replace
from itertools import product
from typing import Any

import torch

from course_utils.data import LabelledImages
from course_utils.experiments.nb09_imagenet_to_cifar import TEN_WAYS, load_images
from course_utils.experiments.sweep import Sweep
from course_utils.few_shot.episodes import draw_episode, share_right
from course_utils.few_shot.fine_tune import Method, adapt
from course_utils.few_shot.stored import imagenet_cnn
from course_utils.models.refusals import look_up

EPISODES = 40  # the first of the hundred in sweep-imagenet
# Rates and steps, here and for LoRA below, were chosen before the runs, on validation images that no run uses:
# docs/measured.md. There, a start from the prototypes was worse; the two rows that ask why differ from the row above
# them in the start only.
TUNED = Method("all", 10, 3e-4, frozen_normalisation=True)
# Name → how the CNN is adapted.
METHODS = {
    "nearest prototype": Method("nothing"),
    "linear head": Method("head"),
    "all weights, frozen normalisation": replace(TUNED, fit_head_first=True),
    "all weights from the prototypes": TUNED,
    "all weights from the prototypes, logits scaled": replace(TUNED, unit_logits=True),
    "LoRA": Method("lora", 10, 1e-3, frozen_normalisation=True, fit_head_first=True),
}


def accuracy_of(method: Method, test: LabelledImages, number: int) -> float:
    """Adapt the CNN to the support images of an episode; → the share of right answers on its query images.

    number: of the episode, and the seed of the training.
    """
    cnn: Any = imagenet_cnn().network
    episode = draw_episode(test.labels, TEN_WAYS, number)
    known, asked = (cnn.prepared(test.images[places]) for places in (episode.support, episode.query))
    model = adapt(method, cnn.network, known, episode.support_labels, TEN_WAYS.ways, number)
    with torch.no_grad():
        return share_right(model(asked), episode)


def run(method: str, episode: int) -> dict[str, str | float]:
    """One point: the images' source, and the accuracy in [0, 1] on the queries of an episode.

    Raises DataNotFound without CIFAR-10, and UnknownName for another method.
    """
    how, test = look_up(METHODS, method, "method"), load_images("CIFAR-10")
    return {"images": test.source, "accuracy": round(accuracy_of(how, test, episode), 4)}


SWEEP = Sweep(
    points=[{"method": method, "episode": episode} for episode, method in product(range(EPISODES), METHODS)],
    run=run,
    data="cifar10",
)
