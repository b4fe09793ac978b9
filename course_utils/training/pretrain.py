"""Training without labels: a pixel transformer learns to predict pixels. Notebook 03."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.models.pixel_transformer import PixelTransformer, masked_loss
from course_utils.training.history import History
from course_utils.training.inputs import check_images, for_model, tried
from course_utils.training.loop import fit
from course_utils.training.recipe import Recipe
from course_utils.training.task import Batch, Task, counted, unwrapped

HIDDEN_SHARE = 0.15  # of the pixels; Chen et al. 2020, section 2.1, after Devlin et al. 2019


def hide(tokens: Tensor, generator: torch.Generator, share: float = HIDDEN_SHARE) -> Tensor:
    """(batch, pixels) → boolean, the same shape: True at pixels drawn independently, and at one or more of them.

    Chen et al. 2020, section 2.1.
    """
    hidden = torch.rand(tokens.shape, generator=generator, device=tokens.device, dtype=torch.float32) < share
    hidden[0, 0] |= ~hidden.any()
    return hidden


class PixelPrediction(Task):
    """Images without labels. A causal model predicts each next pixel, any other model the hidden pixels.

    Chen et al. 2020, section 2.1.
    """

    def __init__(self, causal: bool, hidden_share: float = HIDDEN_SHARE) -> None:
        self.causal, self.hidden_share = causal, hidden_share

    def check(self, model: nn.Module, data: Tensor, role: str) -> Batch:
        check_kind(model)
        check_images(data, role)
        images = for_model(model, data)
        tried(model, images, role)
        return (images,)

    def step(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        tokens: Tensor = unwrapped(model).encode(batch[0])
        # A causal model predicts every pixel: only the later pixels are hidden from it.
        hidden = None if self.causal else hide(tokens, generator, self.hidden_share)
        logits = model(tokens, hidden)
        right = logits.detach().argmax(dim=-1) == tokens
        if hidden is None:
            loss = F.cross_entropy(logits.flatten(0, 1), tokens.flatten())
            return loss, counted(loss * tokens.numel(), right)
        loss, count = masked_loss(logits, tokens, hidden), hidden.sum()
        return loss, torch.stack([loss.detach().float() * count, (right & hidden).sum().float(), count.float()])

    def name(self, model: nn.Module) -> str:
        return "next pixel" if self.causal else "hidden pixels"


def pretrain(
    model: PixelTransformer,
    images: Tensor,
    recipe: Recipe,
    *,
    hidden_share: float = HIDDEN_SHARE,
    validation: Tensor | None = None,
    **options: Any,
) -> History:
    """Train the model in place on images (count, channels, height, width); → what happened.

    A causal model predicts each next pixel, any other model the pixels that :func:`hide` hides: hidden_share of them,
    drawn anew at each step. options: those of :func:`~course_utils.training.loop.fit`, such as folder and quiet.
    Raises ValueError for images that the model cannot read, and the errors of fit.
    """
    check_kind(model)
    return fit(model, images, validation, recipe, task=PixelPrediction(model.config.causal, hidden_share), **options)


def check_kind(model: nn.Module) -> None:
    """Raise ValueError unless the model predicts pixels."""
    if not isinstance(model, PixelTransformer):
        raise ValueError(f"The model is a {type(model).__name__}, but predicting pixels needs a PixelTransformer.")
