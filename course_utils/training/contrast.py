"""Training on images and captions: plain, adversarial, or with noise. Notebook 10."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor, nn

from course_utils.models.image_text import ImageText, contrastive_loss
from course_utils.modes import evaluating
from course_utils.robustness.attack import pgd_step, project
from course_utils.settings import Settings, at_least
from course_utils.training.history import History
from course_utils.training.inputs import Examples, check_data, for_model, tried
from course_utils.training.loop import fit
from course_utils.training.recipe import Recipe
from course_utils.training.task import Batch, Task, counted, unwrapped

Radius = Annotated[float, at_least(0, ": it is the largest change of a pixel, for example 8/255")]
Noise = Annotated[float, at_least(0, ": it is a standard deviation")]


@dataclass(frozen=True)
class Hardening(Settings):
    """How to change each training image. Raises ValueError for invalid values."""

    radius: Radius = (
        0.0  # the largest change per pixel by an attacker who raises the loss; Madry et al. 2018, eq. 2.1
    )
    steps: Annotated[int, at_least(1)] = 3  # of the attacker
    noise: Noise = 0.0  # standard deviation of Gaussian noise, for smoothing; Cohen et al. 2019, section 3.3


PLAIN = Hardening()  # the images as they are

PairLoss = Callable[[Tensor, Tensor], Tensor]  # (logits, same), both (batch, batch) → a number


class Pairing(Task):
    """Images, each with the number of its caption: a row of captions, which are tokens (captions, length).

    know_twins: images of a batch with the same caption count as correct for each other; otherwise as wrong, as in
    CLIP. loss_of: a function of logits and same, both (batch, batch). With several processes, each compares only the
    images of its own share.
    """

    def __init__(self, captions: Tensor, hardening: Hardening, know_twins: bool, loss_of: PairLoss) -> None:
        self.captions, self.hardening, self.know_twins, self.loss_of = captions, hardening, know_twins, loss_of

    def check(self, model: nn.Module, data: Any, role: str) -> Batch:
        examples = check_data(data, role)
        low, high = int(examples.labels.min()), int(examples.labels.max())
        if low < 0 or high >= len(self.captions):
            raise ValueError(
                f"The {role} names captions {low} to {high}, but there are {len(self.captions)}, from 0: give each "
                "image the number of its caption."
            )
        images = for_model(model, examples.images)
        tried(model, images, role, self.captions[examples.labels[:1].cpu()])
        return images, examples.labels

    def step(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        images, numbers = batch
        return self._compare(model, images, numbers, self.hardening, generator)

    def judge(self, model: nn.Module, batch: Batch) -> Tensor:
        """Judge without an attacker and without noise."""
        images, numbers = batch
        return self._compare(model, images, numbers, PLAIN, torch.Generator())[1]

    def name(self, model: nn.Module) -> str:
        return "images and captions"

    def _compare(
        self, model: nn.Module, images: Tensor, numbers: Tensor, hardening: Hardening, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        same = numbers[:, None] == numbers
        if not self.know_twins:
            same = torch.eye(len(numbers), dtype=torch.bool, device=numbers.device)
        words = self.captions.to(images.device)[numbers]
        images = hardened(unwrapped(model), images, words, same, hardening, generator)
        logits = model(images, words)
        loss = self.loss_of(logits, same)
        right = same.gather(1, logits.detach().argmax(dim=1, keepdim=True))[:, 0]
        return loss, counted(loss * len(right), right)


def train_pairs(
    model: ImageText,
    images: Tensor,
    numbers: Tensor,
    captions: Tensor,
    recipe: Recipe,
    *,
    hardening: Hardening = PLAIN,
    know_twins: bool = True,
    learn_temperature: bool = True,
    loss_of: PairLoss = contrastive_loss,
    **options: Any,
) -> History:
    """Train the model in place; → what happened.

    images (count, 3, height, width), numbers (count,): the row of captions, tokens (captions, length), that belongs
    to each image. know_twins and loss_of: see :class:`Pairing`. options: those of
    :func:`~course_utils.training.loop.fit`, such as folder and quiet. Raises ValueError for a number without a
    caption, and the errors of fit.
    """
    if not isinstance(model, ImageText):
        raise ValueError(f"The model is a {type(model).__name__}, but captions need an ImageText.")
    task = Pairing(captions, hardening, know_twins, loss_of)
    learned = model.log_scale.requires_grad
    model.log_scale.requires_grad_(learn_temperature)
    try:
        return fit(model, Examples(images, numbers), None, recipe, task=task, **options)
    finally:
        model.log_scale.requires_grad_(learned)


def hardened(
    model: ImageText, images: Tensor, words: Tensor, same: Tensor, hardening: Hardening, generator: torch.Generator
) -> Tensor:
    """The images unchanged, with noise, or changed within the ball so that the batch's loss grows.

    The attacker starts at a random point in the ball, uses the model in evaluation mode, and leaves no gradient. Madry
    et al. 2018, eq. 2.1; with noise, Cohen et al. 2019, section 3.3.
    """
    if hardening.noise:
        images = images + hardening.noise * torch.randn(images.shape, generator=generator, device=images.device)
    if not hardening.radius:
        return images
    with evaluating(model):
        with torch.no_grad():
            said = model.embed_captions(words)
            scale = 1 / model.temperature
        start = hardening.radius * (2 * torch.rand(images.shape, generator=generator, device=images.device) - 1)
        attacked = project(images + start, images, hardening.radius)
        for _ in range(hardening.steps):
            attacked.requires_grad_()
            loss = contrastive_loss(scale * model.embed_images(attacked) @ said.mT, same)
            (gradient,) = torch.autograd.grad(-loss, attacked)
            size = 2.5 * hardening.radius / hardening.steps
            attacked = pgd_step(attacked.detach(), gradient, images, hardening.radius, size)
    return attacked
