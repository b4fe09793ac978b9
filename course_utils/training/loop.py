"""The training loop: one for every model of the course."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, update_bn

from course_utils.training.checkpoint import Checkpoint, Position, RunFolder
from course_utils.training.device import make_accelerator, prepared
from course_utils.training.history import Epoch, History
from course_utils.training.identity import identity
from course_utils.training.inputs import Examples, Labelled, check_data, check_fit
from course_utils.training.optimiser import learning_rate, make_optimiser
from course_utils.training.progress import Progress, duration
from course_utils.training.recipe import Recipe
from course_utils.training.score import measure, tally
from course_utils.training.weights import copied

if TYPE_CHECKING:
    from accelerate import Accelerator

Loss = Callable[[nn.Module, Tensor, Tensor], tuple[Tensor, Tensor]]

STEPS_BETWEEN_LOOKS = 20  # on a GPU: reading the loss makes the GPU wait, so it is not done at every step
BATCHES_FOR_NORMS = 20  # of training pictures, through the averaged weights after each epoch


class NotFinite(ValueError):
    """The loss became NaN or infinite: the training has failed."""


def fit(
    model: nn.Module,
    train: Labelled,
    validation: Labelled | None,
    recipe: Recipe,
    *,
    loss: Loss | None = None,
    folder: str | Path | None = None,
    checkpoint_seconds: float = 60.0,
    plot: bool = False,
    quiet: bool = False,
) -> History:
    """Train the model in place; → what happened, epoch by epoch.

    loss: (model, images, labels) → (loss, logits); cross entropy when left out. folder: keep checkpoints there, at
    every epoch and every checkpoint_seconds; the same call again goes on where it stopped, to the same weights that
    it would have reached undisturbed. plot: draw the curves while it works, in a notebook.

    The model ends with its last weights, or with their moving average where the recipe keeps one: choosing the best
    epoch by validation would make that accuracy flatter itself. Interrupted (the stop button), it gets the weights
    with the best validation accuracy so far, or keeps its latest ones before the first evaluation. A loss that is no
    longer finite raises NotFinite, and the model gets its best weights so far, or those it began with. It is given
    back on the device and in the mode in which it came; the global random numbers are as before.

    Raises ValueError, before the first step, for data or a folder that do not fit the model and the recipe.
    """
    examples = check_data(train, "training data")
    judged = None if validation is None else check_data(validation, "validation data")
    check_fit(model, examples, "training data")
    if judged is not None:
        check_fit(model, judged, "validation data")
    accelerator = make_accelerator(recipe.precision)
    kept = None if folder is None else RunFolder(folder, identity(model, examples, recipe, loss))
    devices = [accelerator.device] if accelerator.device.type == "cuda" else []
    average = None if recipe.ema is None else average_of(model, recipe.ema)
    ready = prepared(model, accelerator, channels_last=recipe.channels_last, compiled=recipe.compile)
    with torch.random.fork_rng(devices), ready as on_device:
        run = _Run(
            model, on_device, examples, judged, recipe, loss or cross_entropy(recipe), accelerator, kept, average
        )
        return run.work(checkpoint_seconds, plot, quiet or not accelerator.is_main_process)


def cross_entropy(recipe: Recipe) -> Loss:
    """The default loss, with the recipe's label smoothing. Szegedy et al. 2016, section 7."""

    def loss(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        logits = model(images)
        return F.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing), logits

    return loss


class _Run:
    def __init__(
        self,
        model: nn.Module,
        on_device: nn.Module,
        train: Examples,
        validation: Examples | None,
        recipe: Recipe,
        loss: Loss,
        accelerator: "Accelerator",
        kept: RunFolder | None,
        average: AveragedModel | None,
    ) -> None:
        self.model, self.on_device = model, on_device
        self.recipe, self.loss, self.accelerator, self.kept = recipe, loss, accelerator, kept
        self.train, self.validation = self._placed(train), None if validation is None else self._placed(validation)
        self.optimiser = accelerator.prepare(make_optimiser(model, recipe, accelerator.device))
        self.steps_per_epoch = -(-len(train) // recipe.batch_size)
        self.steps = recipe.epochs * self.steps_per_epoch
        self.position = Position()
        self.sums = torch.zeros(3, device=accelerator.device)
        self.average = None if average is None else average.to(accelerator.device)
        self.best: dict[str, Tensor] | None = None
        self.first = copied(model)
        self._resume()

    def work(self, checkpoint_seconds: float, plot: bool, quiet: bool) -> History:
        at = self.position
        self.began, self.epoch_began, self.saved = (
            time.perf_counter() - s for s in (at.seconds, at.epoch_seconds, 0)
        )
        precision = {"no": "float32"}.get(self.accelerator.mixed_precision, self.accelerator.mixed_precision)
        about = f"{type(self.model).__name__} on {self.accelerator.device.type} in {precision}"
        if at.epoch or at.step:
            about += f", continued in epoch {at.epoch + 1}"
        self.progress = Progress(about, self.steps, self.steps_per_epoch, plot=plot, quiet=quiet, before=at.seconds)
        try:
            while at.epoch < self.recipe.epochs:
                self._epoch(checkpoint_seconds)
        except KeyboardInterrupt:
            return self._interrupted()
        except NotFinite as error:
            self.model.load_state_dict(self.best or self.first)
            self.progress.end(str(error))
            raise
        ended = f"after epoch {at.epoch}"
        if at.rows and self.validation is not None:
            ended += f": validation accuracy {at.rows[-1].validation_accuracy:.1%}"
        self.model.load_state_dict(self._kept_weights())
        self.progress.end(f"{about}: done in {duration(at.seconds)}, {ended}.")
        return History(at.rows, at.seconds)

    def _epoch(self, checkpoint_seconds: float) -> None:
        at, recipe = self.position, self.recipe
        order = shuffled(len(self.train), recipe.seed, at.epoch).to(self.accelerator.device)
        self.on_device.train()
        for batch in order.split(recipe.batch_size)[at.step :]:
            self._step(batch)
            if self.kept and time.perf_counter() - self.saved > checkpoint_seconds:
                self._save()
        stopped = time.perf_counter()
        mean_loss, accuracy = self._means()
        rate = len(self.train) / (stopped - self.epoch_began)
        score = None
        self._measure_norms()
        if self.validation is not None:
            size = max(recipe.batch_size, 256)
            judged = self.average.module if self.average else self.accelerator.unwrap_model(self.on_device)
            score = measure(judged, self.validation, size, self.accelerator)
            if at.best_accuracy is None or score.accuracy > at.best_accuracy:
                at.best_accuracy, self.best = score.accuracy, self._kept_weights()
        now = time.perf_counter()
        row = Epoch(
            at.epoch + 1,
            mean_loss,
            accuracy,
            score.loss if score else float("nan"),
            score.accuracy if score else float("nan"),
            now - self.epoch_began,
            rate,
            self.optimiser.param_groups[0]["lr"],
        )
        at.rows.append(row)
        at.epoch, at.step, self.epoch_began = at.epoch + 1, 0, now
        self.sums.zero_()
        self._save()
        self.progress.epoch(row, now - stopped)

    def _step(self, batch: Tensor) -> None:
        at, recipe, accelerator = self.position, self.recipe, self.accelerator
        done = at.epoch * self.steps_per_epoch + at.step
        # The random numbers of a step (dropout, augmentation) follow from seed, step and process alone. So a run that
        # goes on after a kill draws those that it would have drawn, with nothing to be stored. Each process augments
        # the whole batch before it takes its share: the pictures do not depend on how many processes there are.
        torch.manual_seed(mixed_seed(recipe.seed, done, accelerator.process_index))
        images, labels = self.train.images[batch], self.train.labels[batch]
        if recipe.augment is not None:
            generator = torch.Generator(accelerator.device).manual_seed(mixed_seed(recipe.seed, done, 0))
            images = recipe.augment(images, generator)
        mine = share(len(batch), accelerator.process_index, accelerator.num_processes)
        images, labels = images[mine], labels[mine]
        if recipe.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(done, self.steps, recipe)

        self.optimiser.zero_grad()
        with accelerator.autocast():
            loss, logits = self.loss(self.on_device, images, labels)
        looking = accelerator.device.type == "cpu" or done % STEPS_BETWEEN_LOOKS == 0
        if looking:
            self._check_finite(loss, done)
        accelerator.backward(loss)
        if recipe.clip is not None:
            accelerator.clip_grad_norm_(self.on_device.parameters(), recipe.clip)
        self.optimiser.step()
        if self.average is not None:
            self.average.update_parameters(self.model)

        counted = tally(loss * len(labels), logits, labels)
        self.sums += counted
        at.step += 1
        if looking:
            self.progress.step(done + 1, loss.item(), (counted[1] / counted[2]).item(), recipe.batch_size)

    def _means(self) -> tuple[float, float]:
        """Loss and accuracy of the epoch over all processes."""
        loss, correct, count = self.accelerator.reduce(self.sums).tolist()
        self._check_finite(torch.tensor(loss), (self.position.epoch + 1) * self.steps_per_epoch - 1)
        return loss / count, correct / count

    def _check_finite(self, loss: Tensor, step: int) -> None:
        if not torch.isfinite(self.accelerator.reduce(loss.detach())).all():
            rate = learning_rate(step, self.steps, self.recipe)
            state = "its best weights so far" if self.best else "the weights it began with"
            raise NotFinite(
                f"The loss is no longer finite at step {step + 1} of {self.steps}, learning rate {rate:.2g}: try a "
                f"learning rate three times smaller, a longer warmup or a smaller clip; the model has {state}."
            )

    def _interrupted(self) -> History:
        at = self.position
        if self.best is None:
            state = "no epoch was evaluated yet, so the model has its latest weights"
        else:
            self.model.load_state_dict(self.best)
            state = f"the model has its best weights so far, with validation accuracy {at.best_accuracy:.1%}"
        self.progress.end(f"Interrupted in epoch {at.epoch + 1} of {self.recipe.epochs}: {state}.")
        return History(at.rows, time.perf_counter() - self.began, interrupted=True)

    def _save(self) -> None:
        at = self.position
        self.saved = time.perf_counter()
        at.seconds, at.epoch_seconds = self.saved - self.began, self.saved - self.epoch_began
        if self.kept is None or not self.accelerator.is_main_process:
            return
        at.sums = self.sums.tolist()
        average = None if self.average is None else copied(self.average)
        state = Checkpoint(at, copied(self.model), self.optimiser.state_dict(), self.best, average)
        self.kept.save(state)

    def _resume(self) -> None:
        state = self.kept.load() if self.kept else None
        if state is not None:
            self.model.load_state_dict(state.model)
            self.optimiser.load_state_dict(state.optimiser)
            self.position, self.best = state.position, state.best
            if self.average is not None and state.average is not None:
                self.average.load_state_dict(state.average)
            self.sums.copy_(torch.tensor(state.position.sums))

    def _measure_norms(self) -> None:
        """Batch norms keep means and variances of what they have seen, which the averaged weights would not produce."""
        if self.average is not None:
            size = self.recipe.batch_size
            some = shuffled(len(self.train), self.recipe.seed, 0)[: BATCHES_FOR_NORMS * size].to(self.sums.device)
            update_bn((self.train.images[batch] for batch in some.split(size)), self.average)

    def _kept_weights(self) -> dict[str, Tensor]:
        return copied(self.average.module if self.average else self.model)

    def _placed(self, data: Examples) -> Examples:
        return Examples(data.images.to(self.accelerator.device), data.labels.to(self.accelerator.device))


def shuffled(count: int, seed: int, epoch: int) -> Tensor:
    """→ (count,): the order of the pictures in an epoch. It follows from the three numbers alone."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(mixed_seed(seed, epoch)))


def mixed_seed(*numbers: int) -> int:
    """One seed from several numbers; neighbouring ones give unrelated seeds."""
    return int.from_bytes(hashlib.sha256(repr(numbers).encode()).digest()[:7], "big")


def share(count: int, process: int, processes: int) -> slice:
    """Which of count pictures this process takes: as many as every other; a remainder is left out.

    A batch with fewer pictures than there are processes is taken whole by each, which gives the same mean gradient.
    """
    equal = count // processes * processes
    return slice(process, equal, processes) if equal else slice(count)


def average_of(model: nn.Module, decay: float) -> AveragedModel:
    """A copy of the model whose weights follow it: after every step d · its own + (1 − d) · the model's.

    d is the decay; in the first n steps less, (1 + n) / (10 + n), so that the random first weights are soon forgotten.
    Tarvainen & Valpola 2017, section 3, ramp the decay up likewise.
    """

    def follow(average: Tensor, now: Tensor, steps: Tensor | int) -> Tensor:
        kept = torch.clamp(torch.as_tensor((1 + steps) / (10 + steps)), max=decay)
        return kept * average + (1 - kept) * now

    return AveragedModel(model, avg_fn=follow)
