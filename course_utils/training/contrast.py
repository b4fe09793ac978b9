"""Training an image–text model on pictures and their captions: plainly, against an attacker, or under noise."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils.models.image_text import ImageText, contrastive_loss
from course_utils.robustness.attack import check_radius, pgd_step, project
from course_utils.training.loop import NotFinite, mixed_seed, shuffled
from course_utils.training.optimiser import learning_rate, make_optimiser
from course_utils.training.progress import Progress, duration
from course_utils.training.recipe import Recipe


@dataclass(frozen=True)
class Hardening:
    """What is done to each training picture. Raises ValueError, in words, for nonsense."""

    radius: float = 0.0  # an attacker may change each pixel by so much, against the loss; Madry et al. 2018, eq. 2.1
    steps: int = 3  # of the attacker
    noise: float = 0.0  # standard deviation of Gaussian noise, for smoothing; Cohen et al. 2019, section 3.3

    def __post_init__(self) -> None:
        check_radius(self.radius)
        if self.steps < 1:
            raise ValueError(f"steps is {self.steps}, but the attacker needs at least 1.")
        if not self.noise >= 0:
            raise ValueError(f"noise is {self.noise}, but must be 0 or more: it is a standard deviation.")


PLAIN = Hardening()

PairLoss = Callable[[Tensor, Tensor], Tensor]  # (logits, same), both (batch, batch) → a number


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
    quiet: bool = False,
) -> float:
    """Train the model in place; → seconds.

    images (count, 3, height, width), numbers (count,): which row of captions, tokens (captions, length), belongs to
    each. know_twins: pictures of a batch whose captions are the same are right answers for each other; else they
    count as mistakes, as in CLIP. loss_of: of logits and same, both (batch, batch). Raises NotFinite when the loss is no longer finite.
    """
    steps_per_epoch = -(-len(images) // recipe.batch_size)
    steps = recipe.epochs * steps_per_epoch
    model.log_scale.requires_grad_(learn_temperature)
    optimiser = make_optimiser(model, recipe, images.device)
    progress = Progress("pictures and captions", steps, steps_per_epoch, plot=False, quiet=quiet)
    began = time.perf_counter()
    model.train()
    with torch.random.fork_rng([images.device] if images.is_cuda else []):
        for step in range(steps):
            generator = torch.Generator(images.device).manual_seed(mixed_seed(recipe.seed, step))
            epoch, index = divmod(step, steps_per_epoch)
            order = shuffled(len(images), recipe.seed, epoch).to(images.device)
            batch = order[index * recipe.batch_size : (index + 1) * recipe.batch_size]
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(step, steps, recipe)

            said = numbers[batch]
            same = said[:, None] == said if know_twins else torch.eye(len(batch), dtype=torch.bool)
            words = captions[said]
            pictures = hardened(model, images[batch], words, same, hardening, generator)
            logits = model(pictures, words)
            loss = loss_of(logits, same)
            if not torch.isfinite(loss):
                raise NotFinite(f"The loss is no longer finite at step {step + 1}: try a smaller learning rate.")
            optimiser.zero_grad()
            loss.backward()
            if recipe.clip is not None:
                torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
            optimiser.step()
            right = same.gather(1, logits.detach().argmax(dim=1, keepdim=True)).float().mean()
            progress.step(step + 1, loss.item(), right.item(), len(batch))
    model.log_scale.requires_grad_(True)
    model.eval()
    seconds = time.perf_counter() - began
    progress.end(f"pictures and captions: {steps:,} steps in {duration(seconds)}, last loss {loss.item():.3f}.")
    return seconds


def hardened(
    model: ImageText,
    images: Tensor,
    words: Tensor,
    same: Tensor,
    hardening: Hardening,
    generator: torch.Generator,
) -> Tensor:
    """The pictures as they are, under noise, or changed within the ball so that the batch's loss grows.

    The attacker starts at a random place in the ball, sees the model in evaluation mode, and leaves no gradient.
    """
    if hardening.noise:
        images = images + hardening.noise * torch.randn(images.shape, generator=generator)
    if not hardening.radius:
        return images
    model.eval()
    with torch.no_grad():
        said = model.embed_captions(words)
        scale = 1 / model.temperature
    start = hardening.radius * (2 * torch.rand(images.shape, generator=generator) - 1)
    pictures = project(images + start, images, hardening.radius)
    for _ in range(hardening.steps):
        pictures.requires_grad_()
        loss = contrastive_loss(scale * model.embed_pictures(pictures) @ said.mT, same)
        (gradient,) = torch.autograd.grad(-loss, pictures)
        size = 2.5 * hardening.radius / hardening.steps
        pictures = pgd_step(pictures.detach(), gradient, images, hardening.radius, size)
    model.train()
    return pictures
