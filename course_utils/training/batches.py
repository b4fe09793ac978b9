"""The order of the images, their augmentation and the share of each process depend only on seed and step.

So a run that continues after a kill draws the same batches as an undisturbed run, and nothing has to be stored.

All notebooks that train.
"""

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from course_utils.training.recipe import Augment, Recipe
from course_utils.training.task import Batch

if TYPE_CHECKING:
    from accelerate import Accelerator


class Batches:
    """The batches of a run, on the device. tensors: all the data, images first."""

    def __init__(self, tensors: Batch, recipe: Recipe, accelerator: "Accelerator") -> None:
        self.tensors = tuple(tensor.to(accelerator.device) for tensor in tensors)
        self.recipe, self.accelerator = recipe, accelerator
        self.count = len(tensors[0])
        self.an_epoch = -(-self.count // recipe.batch_size)

    def of_epoch(self, epoch: int, first: int = 0) -> Iterator[tuple[int, Batch, torch.Generator]]:
        """From step first of an epoch on: the step's number in the run, this process's batch, and its generator.

        Seeds the global random numbers (for dropout) before each batch.
        """
        recipe, process = self.recipe, self.accelerator.process_index
        order = shuffled(self.count, recipe.seed, epoch).to(self.accelerator.device)
        steps = range(epoch * self.an_epoch, (epoch + 1) * self.an_epoch)
        for step, rows in list(zip(steps, order.split(recipe.batch_size), strict=True))[first:]:
            torch.manual_seed(mixed_seed(recipe.seed, step, process))
            # Each process augments the whole batch before it takes its share, so an image is changed in the same way
            # for any number of processes.
            mine = share(len(rows), process, self.accelerator.num_processes)
            images, *rest = (part[mine] for part in self._batch(rows, step))
            if recipe.channels_last:
                images = images.contiguous(memory_format=torch.channels_last)
            own = (process, 1) if process else ()  # the first process draws like a single process
            yield step, (images, *rest), self._generator(recipe.seed, step, *own)

    def first(self, count: int) -> Iterator[Batch]:
        """The first batches of the first epoch, augmented as there, and whole in every process."""
        order = shuffled(self.count, self.recipe.seed, 0).to(self.accelerator.device)
        for step, rows in enumerate(order.split(self.recipe.batch_size)[:count]):
            yield self._batch(rows, step)

    def _batch(self, rows: Tensor, step: int) -> Batch:
        images, *rest = (tensor[rows] for tensor in self.tensors)
        if self.recipe.augment is not None:
            images = augmented(self.recipe.augment, images, self._generator(self.recipe.seed, step, 0))
        return images, *rest

    def _generator(self, *numbers: int) -> torch.Generator:
        return torch.Generator(self.accelerator.device).manual_seed(mixed_seed(*numbers))


def shuffled(count: int, seed: int, epoch: int) -> Tensor:
    """→ (count,): the order of the images in an epoch. It depends only on the three arguments."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(mixed_seed(seed, epoch)), device="cpu")


def augmented(augment: Augment, images: Tensor, generator: torch.Generator) -> Tensor:
    """The changed images in their old type. Raises ValueError unless augment returns one image for each."""
    changed = augment(images, generator)
    if not isinstance(changed, Tensor) or changed.ndim != images.ndim or len(changed) != len(images):
        found = f"shape {tuple(changed.shape)}" if isinstance(changed, Tensor) else f"type {type(changed).__name__}"
        raise ValueError(
            f"The augmentation returned a value of {found} for images of shape {tuple(images.shape)}, but must return "
            "as many images, changed: end it with return images."
        )
    return changed.to(images.dtype)


def mixed_seed(*numbers: int) -> int:
    """One seed from several numbers; neighbouring numbers give unrelated seeds."""
    return int.from_bytes(hashlib.sha256(repr(numbers).encode()).digest()[:7], "big")


def share(count: int, process: int, processes: int) -> slice:
    """The slice of count images for this process; all processes get equally many, and a remainder is left out.

    If a batch has fewer images than there are processes, every process takes the whole batch; the mean gradient is
    the same.
    """
    equal = count // processes * processes
    return slice(process, equal, processes) if equal else slice(count)
