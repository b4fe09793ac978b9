"""How accurate a model is, and how certain that accuracy is. All notebooks that train."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

from course_utils.modes import evaluating
from course_utils.training.device import make_accelerator, prepared
from course_utils.training.inputs import Labelled, check_data, check_fit, random_kept
from course_utils.training.recipe import Recipe
from course_utils.training.task import Batch, Classification, Task

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(frozen=True)
class Score:
    """accuracy in [0, 1] and mean cross-entropy (nats) on count images."""

    accuracy: float
    loss: float
    count: int

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of the accuracy, given the random draw of the images.

        Wilson 1927, p. 209. It does not include the variation between training seeds.
        """
        z, n, share = 1.959964, self.count, self.accuracy
        centre = (share + z * z / (2 * n)) / (1 + z * z / n)
        reach = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
        return max(0.0, centre - reach), min(1.0, centre + reach)

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"accuracy {self.accuracy:.1%} (95 % interval {low:.1%} to {high:.1%}, {self.count:,} images), "
            f"loss {self.loss:.3f}"
        )


def evaluate(model: nn.Module, data: Labelled, batch_size: int = 512, precision: str = "float32") -> Score:
    """Score of the model on data, in evaluation mode; afterwards its modes and device are restored.

    Raises ValueError, before it computes anything, if the data and the model do not match, and afterwards if the
    model's logits were NaN.
    """
    recipe = Recipe(batch_size=batch_size, precision=precision)  # which checks both
    task = Classification()
    checked = check_data(data, "evaluation data")
    examples = check_fit(model, checked, "evaluation data", same_classes=False), checked.labels
    accelerator = make_accelerator(recipe.precision)
    with random_kept(accelerator.device), prepared(model, accelerator):
        on_device = tuple(tensor.to(accelerator.device) for tensor in examples)
        score = measure(model, task, on_device, batch_size, accelerator)
    if math.isnan(score.loss):
        whose = [name for name, value in model.named_parameters() if not torch.isfinite(value).all()]
        why = (
            f", as {whose[0]} has NaN or infinity: load its weights again"
            if whose
            else ", though its weights are finite"
        )
        raise ValueError(f"This {type(model).__name__} returns NaN for images of the evaluation data{why}.")
    return score


@torch.no_grad()
def measure(model: nn.Module, task: Task, data: Batch, batch_size: int, accelerator: "Accelerator") -> Score:
    """Score on data on the model's device; each process takes its share. Restores the model's modes."""
    mine = slice(accelerator.process_index, None, accelerator.num_processes)
    sums = torch.zeros(3, dtype=torch.float32, device=data[0].device)
    with evaluating(model):
        for batch in zip(*(tensor[mine].split(batch_size) for tensor in data), strict=True):
            with accelerator.autocast():
                sums += task.judge(model, batch)
    loss, correct, count = accelerator.reduce(sums).tolist()
    return Score(correct / count, loss / count, int(count))
