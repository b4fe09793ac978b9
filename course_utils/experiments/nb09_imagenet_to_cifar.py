"""The lecture's own setting: a CNN of ImageNet, new classes, ten ways, five shots. Notebook 09.

``course train sweep-imagenet`` makes data/results/sweep-imagenet.csv.
"""

from functools import cache
from itertools import product

from torch import Tensor

from course_utils.data import LabelledImages, load
from course_utils.data.few_shot import as_rgb_32
from course_utils.data.splits import drawn
from course_utils.experiments import nb09_few_shot
from course_utils.experiments.cifar_copies import cifar10
from course_utils.experiments.sweep import Sweep
from course_utils.few_shot.episodes import EpisodeConfig, draw_episode, share_right, stored_logits
from course_utils.few_shot.fine_tune import features_of
from course_utils.few_shot.stored import encoded, imagenet_cnn

CNN = "ImageNet CNN"  # EfficientNet-Lite0, from a package
SMALL = "ResNet of shapes"  # the course's own, 32 × 32 pixels
SOURCES = ("pixels", SMALL, CNN)  # of the features
DOMAINS = ("ten clothes", "digits", "CIFAR-10")  # where the classes of an episode come from
IMAGES = 2000  # test images of a domain; the digits are 360
TEN_WAYS = EpisodeConfig(ways=10, shots=5, queries=15)  # the lecture's problem
METHODS = ("nearest prototype", "linear head")  # on top of the features
EPISODES = 100


@cache
def load_images(domain: str) -> LabelledImages:
    """Test images 3 × 32 × 32 of ten classes: Fashion-MNIST anywhere in the image, digits, or CIFAR-10.

    Raises DataNotFound without CIFAR-10; without Fashion-MNIST, the clothes are digits too.
    """
    if domain == "digits":
        return as_rgb_32(load("digits", "test"))
    every = nb09_few_shot.load_images(domain) if domain == "ten clothes" else cifar10("test")
    return drawn(every, IMAGES, seed=0)


def features(source: str, images: Tensor, quiet: bool = False) -> Tensor:
    """(count, 3, 32, 32) → (count, dim): what a source makes of the images."""
    if source == CNN:
        return encoded(imagenet_cnn(), images, quiet=quiet)
    return images.flatten(1) if source == "pixels" else features_of(nb09_few_shot.teacher("ten clothes"), images)


def episode_accuracies(
    features: Tensor, labels: Tensor, config: EpisodeConfig = TEN_WAYS, episodes: int = EPISODES
) -> dict[str, list[float]]:
    """features (count, dim), labels (count,) → for each of METHODS, one accuracy in [0, 1] per episode.

    Episode n is the same for all features of the same images.
    """
    every = [draw_episode(labels, config, number) for number in range(episodes)]
    return {
        method: [share_right(stored_logits(method, features, each), each) for each in every] for method in METHODS
    }


def run(domain: str, source: str, method: str) -> dict[str, str | int]:
    """One point: the accuracies of all its episodes, in order, and the images' source. Raises DataNotFound."""
    if domain == "ten clothes":
        load("fashion_mnist", "test", 1)
    test = load_images(domain)
    of_all = features(source, test.images)
    every = (draw_episode(test.labels, TEN_WAYS, number) for number in range(EPISODES))
    found = [share_right(stored_logits(method, of_all, each), each) for each in every]
    accuracies_in_order = " ".join(f"{value:.4f}" for value in found)
    return {"images": test.source, "episodes": len(found), "accuracies": accuracies_in_order}


SWEEP = Sweep(
    points=[
        {"domain": domain, "source": source, "method": method}
        for domain, source, method in product(DOMAINS, SOURCES, METHODS)
    ],
    run=run,
    data="fashion_mnist, digits, cifar10",
)
