"""The state of a run: its position, its best and averaged weights, its checkpoints. All notebooks that train."""

import time

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import AveragedModel, update_bn

from course_utils.console import duration
from course_utils.modes import on_cpu
from course_utils.training.batches import Batches
from course_utils.training.checkpoint import Checkpoint, Position, RunFolder
from course_utils.training.device import computed_in
from course_utils.training.history import Epoch, History, remembered
from course_utils.training.optimiser import learning_rate
from course_utils.training.progress import Progress
from course_utils.training.recipe import Options, Recipe
from course_utils.training.score import measure
from course_utils.training.task import Batch, Task
from course_utils.training.weights import copied

STEPS_BETWEEN_LOOKS = 20  # on a GPU: reading the loss makes the GPU wait, so not every step does it
BATCHES_FOR_NORMS = 20  # of training images, with the averaged weights after each epoch


class NotFinite(ValueError):
    """The loss or the weights became NaN or infinite: the training has failed."""


class Keeper:
    """Continues from the folder's last checkpoint, if there is one, and then starts its clock and progress line.

    name: what is learned, for the progress line. average: see :func:`average_of`.
    """

    def __init__(
        self,
        name: str,
        model: nn.Module,
        optimiser: torch.optim.Optimizer,
        recipe: Recipe,
        batches: Batches,
        *,
        average: AveragedModel | None,
        folder: RunFolder | None,
        options: Options,
    ) -> None:
        self.model, self.optimiser, self.recipe, self.batches = model, optimiser, recipe, batches
        self.accelerator, self.folder, self.options = batches.accelerator, folder, options
        device = self.accelerator.device
        self.average = None if average is None else average.to(device)
        if self.average is not None:
            self.average.n_averaged = self.average.n_averaged.cpu()  # read in each step, where a GPU would wait
        model.zero_grad()  # an old gradient of a weight that is frozen by now would count in the norm that is clipped
        self.first = copied(model)
        self.finite = [name for name, value in self.first.items() if value.isfinite().all()]  # not a mask of −∞
        self.best: dict[str, Tensor] | None = None
        self.position = at = Position()
        self.sums = torch.zeros(3, dtype=torch.float32, device=device)
        self.fresh = True  # no step is done yet in this process
        if folder is not None and (state := folder.load()) is not None:
            self._resume(state)
            at = self.position
        self.steps = recipe.epochs * batches.an_epoch
        self.saved = time.perf_counter()
        self.began, self.epoch_began = self.saved - at.seconds, self.saved - at.epoch_seconds
        self.about = f"{name} on {device.type} in {computed_in(self.accelerator)}"
        if at.epoch or at.step:
            self.about += f", continued in epoch {at.epoch + 1}"
        quiet = options.quiet or not self.accelerator.is_main_process
        self.progress = Progress(
            self.about, self.steps, batches.an_epoch, plot=options.plot, quiet=quiet, before=at.seconds
        )

    def step(self, loss: Tensor, tally: Tensor, stop: bool) -> None:
        """After a step: check its loss, update the average, write a checkpoint when it is time or stop is true.

        Raises NotFinite for a loss or, before a checkpoint, weights that are not finite, and KeyboardInterrupt if
        stop is true.
        """
        at, self.fresh = self.position, False
        done = at.epoch * self.batches.an_epoch + at.step + 1
        looking = self.accelerator.device.type == "cpu" or (done - 1) % STEPS_BETWEEN_LOOKS == 0
        if looking:
            self._check_finite("loss is", torch.isfinite(self.accelerator.reduce(loss.detach())), done)
        if self.average is not None:
            self.average.update_parameters(self.model)
        self.sums += tally
        at.step += 1
        if looking:
            accuracy = (tally[1] / tally[2]).item()
            self.progress.step(done, loss.item(), accuracy, self.recipe.batch_size)
        if stop or time.perf_counter() - self.saved > self.options.checkpoint_seconds:
            self._check_weights(done)
            self._save()
        if stop:
            raise KeyboardInterrupt

    def epoch(self, task: Task, validation: Batch | None) -> None:
        """After an epoch: validate the model, store its weights if they are the best so far, write a checkpoint."""
        at, trained = self.position, time.perf_counter()
        summed_loss, right, count = self.accelerator.reduce(self.sums).tolist()
        done = (at.epoch + 1) * self.batches.an_epoch
        self._check_finite("loss is", torch.isfinite(torch.tensor(summed_loss, device="cpu")), done)
        self._check_weights(done)
        self._measure_norms(task)
        score = None
        if validation is not None:
            judged = self.average.module if self.average else self.model
            score = measure(judged, task, validation, max(self.recipe.batch_size, 256), self.accelerator)
            if at.best_accuracy is None or score.accuracy > at.best_accuracy:
                at.best_accuracy, self.best = score.accuracy, self._weights()
        now = time.perf_counter()
        row = Epoch(
            at.epoch + 1,
            summed_loss / count,
            right / count,
            score.loss if score else float("nan"),
            score.accuracy if score else float("nan"),
            now - self.epoch_began,
            self.batches.count / (trained - self.epoch_began),
            self.optimiser.param_groups[0]["lr"],
        )
        at.rows.append(row)
        at.epoch, at.step, self.epoch_began = at.epoch + 1, 0, now
        self.sums.zero_()
        self._save()
        self.progress.epoch(row, now - trained)

    def end(self) -> History:
        """After the last epoch: give the model its final weights."""
        at = self.position
        self.model.load_state_dict(self._weights())
        ended = f"after epoch {at.epoch}: loss {at.rows[-1].train_loss:.3f}"
        if at.best_accuracy is not None:
            ended += f", validation accuracy {at.rows[-1].validation_accuracy:.1%}"
        self.progress.end(f"{self.about}: done in {duration(at.seconds)}, {ended}.")
        return remembered(History(at.rows, at.seconds))

    def interrupted(self, presses: int) -> History:
        """After an interruption by that many presses: give the model its best weights so far, or leave its latest."""
        at = self.position
        state = "no epoch was evaluated yet, so the model has its latest weights"
        if self.best is not None:
            self.model.load_state_dict(self.best)
            state = f"the model has its best weights so far, with validation accuracy {at.best_accuracy:.1%}"
        once = f" It was stopped {presses} times; once is enough." * (presses > 1)
        self.progress.end(f"Interrupted in epoch {at.epoch + 1} of {self.recipe.epochs}: {state}.{once}")
        return self.stopped()

    def stopped(self) -> History:
        """The history of a run that did not reach its end, remembered."""
        return remembered(History(self.position.rows, time.perf_counter() - self.began, interrupted=True))

    def failed(self, error: Exception) -> None:
        """After an error: give the model its best weights so far, or its initial ones."""
        self.optimiser.zero_grad()
        self.model.load_state_dict(self.best or self.first)
        if self.fresh and self.folder is not None and self.accelerator.is_main_process:
            self.folder.forget()
        self.progress.end(str(error))
        self.stopped()

    def _check_finite(self, what: str, finite: Tensor, done: int) -> None:
        if not finite.all():
            rate = learning_rate(done - 1, self.steps, self.recipe)
            state = "its best weights so far" if self.best else "its initial weights"
            raise NotFinite(
                f"The {what} no longer finite at step {done} of {self.steps}, learning rate {rate:.2g}: try a "
                f"learning rate three times smaller, a longer warmup or a smaller clip; the model has {state}."
            )

    def _check_weights(self, done: int) -> None:
        """Before weights are evaluated or saved: those of the latest step have not yet been seen in a loss."""
        state = self.model.state_dict()
        finite = [torch.isfinite(state[name]).all() for name in self.finite]
        self._check_finite("weights are", torch.stack(finite), done)

    def _weights(self) -> dict[str, Tensor]:
        return copied(self.average.module if self.average else self.model)

    def _measure_norms(self, task: Task) -> None:
        """Recompute BatchNorm's statistics on augmented images: those of the latest weights do not fit the average.

        ``update_bn`` forgets them all first, so norms that stay in evaluation mode, as in a frozen part, get theirs
        back.
        """
        if self.average is not None:
            norms = [module for module in self.average.modules() if isinstance(module, _BatchNorm)]
            before = [copied(norm) for norm in norms]
            update_bn(map(_Whole, self.batches.first(BATCHES_FOR_NORMS)), _Judging(self.average, task))
            for norm, state in zip(norms, before, strict=True):
                if not norm.num_batches_tracked:
                    norm.load_state_dict(state)

    def _save(self) -> None:
        at = self.position
        self.saved = time.perf_counter()
        at.seconds, at.epoch_seconds = self.saved - self.began, self.saved - self.epoch_began
        if self.folder is not None and self.accelerator.is_main_process:
            at.sums = self.sums.tolist()
            average = None if self.average is None else copied(self.average)
            state = Checkpoint(at, copied(self.model), self.optimiser.state_dict(), self.best, average)
            self.folder.save(state)

    def _resume(self, state: Checkpoint) -> None:
        self.model.load_state_dict(state.model)
        self.optimiser.load_state_dict(state.optimiser)
        self.position, self.best = state.position, state.best
        if self.average is not None and state.average is not None:
            self.average.load_state_dict(state.average)
        self.sums.copy_(torch.tensor(state.position.sums, dtype=torch.float32, device="cpu"))


class _Whole:
    """A batch that ``update_bn`` passes on unchanged; it would take only the first part of a tuple."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch


class _Judging(nn.Module):
    def __init__(self, model: nn.Module, task: Task) -> None:
        super().__init__()
        self.model, self.task = model, task

    def forward(self, whole: _Whole) -> Tensor:
        return self.task.judge(self.model, whole.batch)


def average_of(model: nn.Module, decay: float) -> AveragedModel:
    """A copy of the model with averaged weights: after every step, d · its own + (1 − d) · the model's.

    d is the decay; early on, after n steps, it is only (1 + n) / (10 + n), so that the random initial weights fade
    quickly. Tarvainen & Valpola 2017, section 3, also ramp up the decay.
    """

    def follow(average: Tensor, now: Tensor, steps: Tensor | int) -> Tensor:
        taken = torch.as_tensor(steps, dtype=torch.float32, device=average.device)
        kept = torch.clamp((1 + taken) / (10 + taken), max=decay)
        return average + (1 - kept) * (now - average)  # in this form, frozen weights stay exactly what they are

    # Else its weights could not be updated after a caller's inference_mode, and its steps would be on a default device.
    with torch.inference_mode(False), on_cpu():
        return AveragedModel(model, avg_fn=follow)
