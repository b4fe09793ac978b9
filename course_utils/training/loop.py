"""One training loop for every model. Read :func:`fit` from top to bottom. All notebooks that train."""

from contextlib import nullcontext
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import nn

from course_utils.console import first_line
from course_utils.models.refusals import values_read_once
from course_utils.settings import checked
from course_utils.training.batches import Batches
from course_utils.training.checkpoint import RunFolder, mebibytes
from course_utils.training.device import between_steps, computed_in, make_accelerator, prepared
from course_utils.training.history import History
from course_utils.training.identity import NUMBERS, identity
from course_utils.training.inputs import of_library, random_kept
from course_utils.training.keeper import Keeper, NotFinite, average_of
from course_utils.training.optimiser import check_trainable, learning_rate, make_optimiser, set_learning_rate
from course_utils.training.recipe import Options, Recipe
from course_utils.training.task import Batch, Classification, Loss, Task, cross_entropy


def fit(
    model: nn.Module,
    train: Any,
    validation: Any,
    recipe: Recipe,
    *,
    loss: Loss | None = None,
    task: Task | None = None,
    folder: str | Path | None = None,
    checkpoint_seconds: float = 60.0,
    plot: bool = False,
    quiet: bool = False,
    on_interrupt: str = "raise",
) -> History:
    """Train the model in place; → what happened, epoch by epoch.

    train, validation (or None): images and labels, for example from ``load``, or the data of another task. loss:
    (model, images, labels) → (loss, logits); by default cross-entropy. task: what to learn, if it is not
    :class:`Classification`. folder: save checkpoints there, after every epoch and every checkpoint_seconds; the same
    call then continues where training stopped, and reaches the same weights as an undisturbed run. plot: draw the
    curves during training, in a notebook.

    The model ends with its last weights, or with their moving average if the recipe uses one; if the best epoch were
    chosen on the validation split, its validation accuracy would be too optimistic. After an interruption (Ctrl-C,
    the stop button), the model gets the weights with the best validation accuracy so far, or its latest ones before
    the first validation; a checkpoint is saved; and KeyboardInterrupt is raised, unless on_interrupt is "return". A
    loss or weights that are no longer finite raise NotFinite, and the model gets its best weights so far, or its
    initial ones. Afterwards the model is on its original device and in its original modes, and the state of the
    global random numbers is restored. :func:`~course_utils.training.last_history` returns the history again, however
    the run ended.

    Images are converted to the type of the model's weights. Raises ValueError, before the first step has changed
    anything, for data, a loss, a task, an augmentation or a folder that do not match the model and the recipe, and
    for a folder that is full, closed or in use (then it is also an OSError).
    """
    options = Options(checkpoint_seconds, plot, quiet, on_interrupt)
    if loss is not None and task is not None:
        raise ValueError("Both a loss and a task were passed, but a task has its own loss: leave one out.")
    if not isinstance(recipe, Recipe):
        raise ValueError(f"The recipe is a {type(recipe).__name__}, but must be a Recipe, such as Recipe(epochs=2).")
    check_trainable(model, recipe)
    learned = checked("task", task, Task | None) or Classification(loss or cross_entropy(recipe.label_smoothing))
    data = learned.check(model, train, "training data")
    judged = None if validation is None else learned.check(model, validation, "validation data")
    if len(data[0]) % recipe.batch_size == 1 < len(data[0]):
        try_single_image(model, data, learned)
    accelerator = make_accelerator(recipe.precision)
    device = accelerator.device
    average = None if recipe.ema is None else average_of(model, recipe.ema)
    run_folder = None
    if folder is not None:
        about, shared = identity(model, data, recipe, task or loss), not accelerator.is_main_process
        about[NUMBERS] = computed_in(accelerator)
        run_folder = RunFolder(folder, about, mebibytes(model), shared)

    with (
        run_folder or nullcontext(),
        torch.inference_mode(False),
        torch.enable_grad(),
        random_kept(device),
        values_read_once() as values_read,
        prepared(model, accelerator, channels_last=recipe.channels_last, compiled=recipe.compile) as on_device,
        between_steps(accelerator) as stop,
    ):
        batches = Batches(data, recipe, accelerator)
        validation_batch = None if judged is None else tuple(tensor.to(device) for tensor in judged)
        optimiser = accelerator.prepare(make_optimiser(model, recipe, device))
        kept = Keeper(
            learned.name(model),
            model,
            optimiser,
            recipe,
            batches,
            average=average,
            folder=run_folder,
            options=options,
        )
        try:
            for epoch in range(kept.position.epoch, recipe.epochs):
                on_device.train()
                for step, batch, generator in batches.of_epoch(epoch, kept.position.step):
                    set_learning_rate(optimiser, learning_rate(step, kept.steps, recipe))
                    with accelerator.autocast():
                        mean_loss, tally = learned.step(on_device, batch, generator)
                    optimiser.zero_grad()
                    accelerator.backward(mean_loss)
                    if recipe.clip is not None:
                        accelerator.clip_grad_norm_(on_device.parameters(), recipe.clip)
                    optimiser.step()
                    values_read()
                    kept.step(mean_loss, tally, stop=stop.end())
                kept.epoch(learned, validation_batch)
                if stop.end() and epoch + 1 < recipe.epochs:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            stop.settle()
            history = kept.interrupted(stop.presses)
            if on_interrupt == "raise":
                raise
            return history
        except NotFinite as error:
            kept.failed(error)
            raise
        except Exception as error:
            kept.stopped()
            refusal = first_step_refused(error, recipe) if kept.fresh else error
            if kept.fresh:
                kept.failed(refusal)
            if refusal is error:
                raise
            raise refusal from error
        history = kept.end()
        if stop and on_interrupt == "raise":  # too late to stop this run, but not what comes after it
            raise KeyboardInterrupt
        return history


def try_single_image(model: nn.Module, data: Batch, task: Task) -> None:
    """Try the last batch of an epoch, a single image, on a copy of the model: some losses and norms need two images.

    Raises ValueError before an epoch is spent.
    """
    device = next(model.parameters()).device
    with torch.inference_mode(False), torch.enable_grad(), random_kept(device):
        single = tuple(tensor[:1].clone().to(device) for tensor in data)
        try:
            task.step(deepcopy(model).train(), single, torch.Generator(device).manual_seed(0))
        except Exception as error:
            if not of_library(error):
                raise
            raise ValueError(
                f"The last batch of each epoch has a single image, and a step on it failed ({first_line(error)}): "
                f"choose a batch_size that does not leave 1 of {len(data[0])}."
            ) from error


def first_step_refused(error: Exception, recipe: Recipe) -> Exception:
    """The error of a first step as one sentence; an error that is a sentence, or names a slip in code, stays itself."""
    if not of_library(error) or isinstance(error, NameError | SyntaxError | ImportError | AssertionError):
        return error
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        remedy = "use a smaller batch_size or a smaller model"
    else:
        remedy = "correct the loss, the augmentation or the model"
    return ValueError(
        f"The first step on {recipe.batch_size} images failed, and nothing was trained ({first_line(error)}): {remedy}."
    )
