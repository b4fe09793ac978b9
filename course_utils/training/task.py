"""What is learned: the loss of a batch, and which predictions count as correct. All notebooks that train."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.training.inputs import check_data, check_fit, logits_of

Batch = tuple[Tensor, ...]  # images first; the other tensors have one row per image
Loss = Callable[[nn.Module, Tensor, Tensor], tuple[Tensor, Tensor]]  # (model, images, labels) → (loss, logits)


class Task(ABC):
    """Three methods that the training loop needs; see :class:`Classification` for an example."""

    @abstractmethod
    def check(self, model: nn.Module, data: Any, role: str) -> Batch:
        """The data as tensors of equal length, images first. Raises ValueError if they do not fit the model.

        role ("training data") names the data in the message.
        """

    @abstractmethod
    def step(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """A batch in training → the loss to minimise, and its :func:`tally`.

        Draw all random numbers from the generator, which depends only on seed and step. With several processes model
        may be wrapped, so use it only by calling it.
        """

    def judge(self, model: nn.Module, batch: Batch) -> Tensor:
        """The :func:`tally` of a batch in evaluation; any random numbers are the same every time."""
        return self.step(model, batch, torch.Generator(batch[0].device).manual_seed(0))[1]

    def name(self, model: nn.Module) -> str:
        """The name in the progress line."""
        return type(model).__name__


class Classification(Task):
    """Images and their labels. loss: (model, images, labels) → (loss, logits); by default plain cross-entropy."""

    def __init__(self, loss: Loss | None = None) -> None:
        self.loss = loss

    def check(self, model: nn.Module, data: Any, role: str) -> Batch:
        examples = check_data(data, role)
        return check_fit(model, examples, role), examples.labels

    def step(self, model: nn.Module, batch: Batch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        images, labels = batch
        loss, logits = checked_answer((self.loss or cross_entropy(0.0))(model, images, labels), labels)
        return loss, tally(loss * len(labels), logits, labels)

    def judge(self, model: nn.Module, batch: Batch) -> Tensor:
        images, labels = batch
        logits = logits_of(model, images)
        return tally(F.cross_entropy(logits.float(), labels, reduction="sum"), logits, labels)


def cross_entropy(smoothing: float) -> Loss:
    """The default loss, with label smoothing. Szegedy et al. 2016, section 7."""

    def loss(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        logits = logits_of(model, images)
        return F.cross_entropy(logits, labels, label_smoothing=smoothing), logits

    return loss


def checked_answer(answer: Any, labels: Tensor) -> tuple[Tensor, Tensor]:
    """What a loss returned. Raises ValueError unless it is one number and the logits (batch, classes)."""
    found = [answer] if isinstance(answer, Tensor) or not isinstance(answer, Sequence) else list(answer)
    shapes = [tuple(part.shape) if isinstance(part, Tensor) else type(part).__name__ for part in found]
    if len(shapes) != 2 or shapes[0] != () or not isinstance(shapes[1], tuple) or shapes[1][:-1] != (len(labels),):
        raise ValueError(
            f"The loss returned {' and '.join(map(str, shapes)) or 'nothing'}, but must return two tensors: the loss, "
            f"a single number of shape (), and the logits ({len(labels)}, classes)."
        )
    return found[0], found[1]


def tally(summed_loss: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
    """→ (3,): summed loss, correct answers, all answers. Tallies of several batches can be added."""
    return counted(summed_loss, logits.detach().argmax(dim=-1) == labels)


def counted(summed_loss: Tensor, right: Tensor) -> Tensor:
    """:func:`tally` of answers already judged; right: boolean, one per answer."""
    count = torch.ones_like(right, dtype=torch.float32).sum()
    return torch.stack([summed_loss.detach().float(), right.sum().float(), count])


def unwrapped(model: nn.Module) -> Any:
    """The model itself, unwrapped if several processes share it: to call methods other than forward."""
    return getattr(model, "module", model)
