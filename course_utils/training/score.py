"""How good a model is on pictures, and how sure one can be of that."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.training.device import make_accelerator, prepared
from course_utils.training.inputs import Examples, Labelled, check_data, check_fit

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(frozen=True)
class Score:
    """accuracy in [0, 1] and mean cross entropy (nats) on count pictures."""

    accuracy: float
    loss: float
    count: int

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the accuracy on ever more pictures of this kind: how far luck in the draw may reach.

        Wilson 1927, p. 209. It does not cover the luck of the training seed.
        """
        z, n, share = 1.959964, self.count, self.accuracy
        centre = (share + z * z / (2 * n)) / (1 + z * z / n)
        reach = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
        return max(0.0, centre - reach), min(1.0, centre + reach)

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"accuracy {self.accuracy:.1%} (95 % interval {low:.1%} to {high:.1%}, {self.count:,} pictures), "
            f"loss {self.loss:.3f}"
        )


def evaluate(model: nn.Module, data: Labelled, batch_size: int = 512, precision: str = "float32") -> Score:
    """Score of the model on data, in evaluation mode; its mode and its device are as before afterwards.

    Raises ValueError, before anything is computed, when the data and the model do not fit together.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}, but must be at least 1.")
    examples = check_data(data, "evaluation data")
    check_fit(model, examples, "evaluation data")
    accelerator = make_accelerator(precision)
    with prepared(model, accelerator):
        on_device = Examples(examples.images.to(accelerator.device), examples.labels.to(accelerator.device))
        return measure(model, on_device, batch_size, accelerator)


@torch.no_grad()
def measure(model: nn.Module, data: Examples, batch_size: int, accelerator: "Accelerator") -> Score:
    """Score on data that lies on the model's device; each process takes its share. The model's mode is kept."""
    training = model.training
    model.eval()
    sums = torch.zeros(3, device=data.labels.device)
    mine = slice(accelerator.process_index, None, accelerator.num_processes)
    for images, labels in zip(data.images[mine].split(batch_size), data.labels[mine].split(batch_size), strict=True):
        with accelerator.autocast():
            logits = model(images)
        sums += tally(F.cross_entropy(logits.float(), labels, reduction="sum"), logits, labels)
    model.train(training)
    loss, correct, count = accelerator.reduce(sums).tolist()
    return Score(correct / count, loss / count, int(count))


def tally(summed_loss: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
    """→ (3,): summed loss, number of right answers, number of pictures. Adds up over batches and processes."""
    correct = (logits.detach().argmax(dim=-1) == labels).sum()
    return torch.stack([summed_loss.detach().float(), correct.float(), torch.ones_like(labels).sum().float()])
