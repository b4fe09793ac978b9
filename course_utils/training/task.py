"""What is learned: what a step does with a batch, and what counts as right. All notebooks that train."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.training.inputs import check_data, check_fit

Batch = tuple[Tensor, ...]  # the images first; what belongs to each of them has as many rows
Loss = Callable[[nn.Module, Tensor, Tensor], tuple[Tensor, Tensor]]  # (model, images, labels) → (loss, logits)


class Task(ABC):
    """Three answers that a training loop needs; see :class:`Classification` for an example."""

    @abstractmethod
    def check(self, model: nn.Module, data: Any, role: str) -> Batch:
        """All of data as tensors of equal length, the images first. Raises ValueError when they do not suit the model.

        role ("training data") names the data in the sentence.
        """

    @abstractmethod
    def step(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """One look at a batch in training → the loss to descend, and its :func:`tally`.

        Whatever is drawn by lot comes from the generator, which follows from seed and step alone; model may be wrapped
        for several processes, so the part that learns is reached by calling it.
        """

    def judge(self, model: nn.Module, batch: Batch) -> Tensor:
        """The :func:`tally` of a batch that is not learned from; where a step draws lots, always the same ones."""
        return self.step(model, batch, torch.Generator(batch[0].device).manual_seed(0))[1]

    def name(self, model: nn.Module) -> str:
        """What the progress line calls it."""
        return type(model).__name__


class Classification(Task):
    """Images and their labels. loss: (model, images, labels) → (loss, logits); plain cross entropy when left out."""

    def __init__(self, loss: Loss | None = None) -> None:
        self.loss = loss

    def check(self, model: nn.Module, data: Any, role: str) -> Batch:
        examples = check_data(data, role)
        check_fit(model, examples, role)
        return examples.images, examples.labels

    def step(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        images, labels = batch
        loss, logits = (self.loss or cross_entropy(0.0))(model, images, labels)
        return loss, tally(loss * len(labels), logits, labels)

    def judge(self, model: nn.Module, batch: Batch) -> Tensor:
        images, labels = batch
        logits = model(images)
        return tally(F.cross_entropy(logits.float(), labels, reduction="sum"), logits, labels)


def cross_entropy(smoothing: float) -> Loss:
    """The default loss, with label smoothing. Szegedy et al. 2016, section 7."""

    def loss(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        logits = model(images)
        return F.cross_entropy(logits, labels, label_smoothing=smoothing), logits

    return loss


def tally(summed_loss: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
    """→ (3,): summed loss, number of right answers, number of answers. Adds up over batches and processes."""
    return counted(summed_loss, logits.detach().argmax(dim=-1) == labels)


def counted(summed_loss: Tensor, right: Tensor) -> Tensor:
    """:func:`tally` of answers already judged: right, boolean, one for each."""
    count = torch.ones_like(right, dtype=torch.float32).sum()
    return torch.stack([summed_loss.detach().float(), right.sum().float(), count])


def unwrapped(model: nn.Module) -> Any:
    """The model itself, when it is wrapped for several processes: to call what is no part of its forward pass."""
    return getattr(model, "module", model)
