"""Soft targets: label smoothing, and MixUp, which mixes images and their labels. Notebook 06."""

from typing import Annotated

import torch
from torch import Tensor, nn
from torch.distributions import Beta
from torch.nn import functional as F

from course_utils.models.refusals import may_read
from course_utils.settings import above, at_least, checked
from course_utils.training.inputs import class_numbers
from course_utils.training.recipe import Share
from course_utils.training.task import Loss

Alpha = Annotated[float, above(0, ": λ comes from Beta(α, α); without MixUp, use another loss")]


def smooth_labels(labels: Tensor, classes: int, smoothing: float) -> Tensor:
    """Class labels → smoothed target probabilities, (batch, classes), floats: each row sums to one.

    labels (batch,), int64, count from zero. The share `smoothing`, in [0, 1), of each row is spread evenly over all
    classes, including the right one; the rest goes to the right class. Szegedy et al. 2016, section 7.
    """
    right = F.one_hot(labels, classes).float()
    return (1 - smoothing) * right + smoothing / classes


def soft_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """logits and targets (batch, classes), each target sums to one → the mean over the batch of −Σ target · log p."""
    return -(targets * logits.log_softmax(-1)).sum(-1).mean()


def mixup(images: Tensor, targets: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Mix each image with the one before it in the batch, the first with the last, and mix their targets likewise.

    images (batch, channels, height, width), targets (batch, classes), share (batch,) or (1,) for all images, all
    floats → mixed images and mixed targets: share times its own plus (1 − share) times the other's. The arguments are
    not changed; gradients reach the images. Zhang et al. 2018, section 2; the slide's λ is the share.
    """
    results = []
    for values in (images, targets):
        own = share.to(values).reshape(-1, *[1] * (values.ndim - 1))
        results.append(torch.lerp(values.roll(1, 0), values, own))
    return results[0], results[1]


def mixup_shares(count: int, alpha: float, device: torch.device | str = "cpu") -> Tensor:
    """→ (count,): λ ~ Beta(α, α), drawn from the CPU's global random numbers. Zhang et al. 2018, section 2.

    Small α: nearly always only one of the two images; α = 1: every share equally likely; large α: about half of each.
    """
    both = torch.full((2,), alpha, dtype=torch.float32, device="cpu")  # MPS cannot draw them
    return Beta(both[0], both[1], validate_args=False).sample((count,)).to(device)


def mixup_loss(alpha: float, classes: int, smoothing: float = 0.0, each_its_own: bool = False) -> Loss:
    """A loss for ``fit(…, loss=…)`` that mixes the batch before the model sees it.

    Zhang et al. 2018, section 2. One λ per batch, as in torchvision and most other libraries, or one per image with
    each_its_own. It returns the logits of the mixed images, so the training accuracy counts at best the class of the
    larger part.

    Raises ValueError for invalid settings and, when called, for images and labels that cannot be mixed.
    """
    alpha, classes = checked("alpha", alpha, Alpha), checked("classes", classes, Annotated[int, at_least(2)])
    smoothing, each_its_own = checked("smoothing", smoothing, Share), checked("each_its_own", each_its_own, bool)

    def loss(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        labels = check_mixable(images, labels, classes)
        share = mixup_shares(len(images) if each_its_own else 1, alpha, images.device)
        mixed, targets = mixup(images, smooth_labels(labels, classes, smoothing), share)
        logits = model(mixed)
        return soft_cross_entropy(logits, targets), logits

    return loss


def check_mixable(images: Tensor, labels: Tensor, classes: int) -> Tensor:
    """→ labels as int64. Raises ValueError for a batch that MixUp cannot mix;
    a GPU's are read only in the first step.
    """
    if len(images) == 0:
        raise ValueError("The batch is empty, but MixUp needs at least two images.")
    if len(images) == 1:
        raise ValueError(
            "The batch has a single image, but MixUp mixes the images of a batch: choose a batch size that leaves "
            "no single image at the end of an epoch."
        )
    labels = class_numbers(labels, len(images), "batch")
    if not may_read(labels):
        return labels
    low, high = labels.min().item(), labels.max().item()
    if low < 0 or high >= classes:
        raise ValueError(
            f"The labels run from {low} to {high}, but there are {classes} classes, 0 to {classes - 1}: pass the "
            "number of classes of the dataset."
        )
    return labels
