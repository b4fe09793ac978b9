"""Training without labels: a pixel transformer learns to predict pixels."""

import time

import torch
from torch import Tensor

from course_utils.models.pixel_transformer import PixelTransformer, masked_loss
from course_utils.training.loop import NotFinite, mixed_seed, shuffled
from course_utils.training.optimiser import learning_rate, make_optimiser
from course_utils.training.progress import Progress, duration
from course_utils.training.recipe import Recipe

HIDDEN_SHARE = 0.15  # of the pixels; Chen et al. 2020, section 2.1, after Devlin et al. 2019


def hide(tokens: Tensor, generator: torch.Generator, share: float = HIDDEN_SHARE) -> Tensor:
    """(batch, pixels) → boolean, the same shape: True at pixels drawn independently; at one of them at least."""
    hidden = torch.rand(tokens.shape, generator=generator, device=tokens.device) < share
    hidden[0, 0] |= ~hidden.any()
    return hidden


def pretrain(
    model: PixelTransformer,
    images: Tensor,
    recipe: Recipe,
    *,
    hidden_share: float = HIDDEN_SHARE,
    quiet: bool = False,
) -> float:
    """Train the model in place on pictures (count, channels, height, width), where they lie; → seconds.

    A causal model predicts each next pixel, any other one the pixels that :func:`hide` hides, this share of
    them, drawn anew at each step. The recipe's clip, warm-up and augmentation are used, its label smoothing and precision are not. Raises
    NotFinite when the loss is no longer finite.
    """
    steps_per_epoch = -(-len(images) // recipe.batch_size)
    steps = recipe.epochs * steps_per_epoch
    optimiser = make_optimiser(model, recipe, images.device)
    kind = "next pixel" if model.config.causal else "hidden pixels"
    progress = Progress(f"{kind} on {images.device.type}", steps, steps_per_epoch, plot=False, quiet=quiet)
    training, began = model.training, time.perf_counter()
    model.train()
    with torch.random.fork_rng([images.device] if images.is_cuda else []):
        for step in range(steps):
            seed = mixed_seed(recipe.seed, step)
            torch.manual_seed(seed)
            generator = torch.Generator(images.device).manual_seed(seed)
            epoch, index = divmod(step, steps_per_epoch)
            order = shuffled(len(images), recipe.seed, epoch).to(images.device)
            batch = images[order[index * recipe.batch_size : (index + 1) * recipe.batch_size]]
            if recipe.augment is not None:
                batch = recipe.augment(batch, generator)
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(step, steps, recipe)

            tokens = model.encode(batch)
            # A causal model is asked for every pixel: nothing is hidden from it but what lies ahead.
            hidden = None if model.config.causal else hide(tokens, generator, hidden_share)
            logits = model.logits(tokens, hidden)
            asked = torch.ones_like(tokens, dtype=torch.bool) if hidden is None else hidden
            loss = masked_loss(logits, tokens, asked)
            if not torch.isfinite(loss):
                raise NotFinite(f"The loss is no longer finite at step {step + 1}: try a smaller learning rate.")
            optimiser.zero_grad()
            loss.backward()
            if recipe.clip is not None:
                torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
            optimiser.step()
            right = (logits.argmax(dim=-1) == tokens)[asked].float().mean()
            progress.step(step + 1, loss.item(), right.item(), recipe.batch_size)
    model.train(training)
    seconds = time.perf_counter() - began
    progress.end(f"{kind}: {steps:,} steps in {duration(seconds)}, last loss {loss.item():.3f} nats a pixel.")
    return seconds
