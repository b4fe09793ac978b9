"""One training loop for every model. Read :func:`fit` from top to bottom. All notebooks that train."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from course_utils.training.batches import Batches
from course_utils.training.checkpoint import RunFolder
from course_utils.training.device import between_steps, make_accelerator, prepared
from course_utils.training.history import History
from course_utils.training.identity import identity
from course_utils.training.keeper import Keeper, NotFinite, average_of
from course_utils.training.optimiser import learning_rate, make_optimiser, set_learning_rate
from course_utils.training.recipe import Recipe
from course_utils.training.task import Classification, Loss, Task, cross_entropy


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
    loss that is no longer finite raises NotFinite, and the model gets its best weights so far, or its initial ones.
    Afterwards the model is on its original device and in its original modes, and the state of the global random
    numbers is restored.

    Raises ValueError, before the first step, for data or a folder that do not match the model and the recipe.
    """
    if on_interrupt not in ("raise", "return"):
        raise ValueError(f"on_interrupt is {on_interrupt!r}, but must be 'raise' or 'return'.")
    if loss is not None and task is not None:
        raise ValueError("Both a loss and a task were passed, but a task has its own loss: leave one out.")
    learned = task or Classification(loss or cross_entropy(recipe.label_smoothing))
    data = learned.check(model, train, "training data")
    judged = None if validation is None else learned.check(model, validation, "validation data")
    accelerator = make_accelerator(recipe.precision)
    device = accelerator.device
    run_folder = None
    if folder is not None:
        run_folder = RunFolder(folder, identity(model, data, recipe, task or loss))
    average = None if recipe.ema is None else average_of(model, recipe.ema)

    with (
        torch.random.fork_rng([device] if device.type == "cuda" else []),
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
            checkpoint_seconds=checkpoint_seconds,
            plot=plot,
            quiet=quiet,
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
                    kept.step(mean_loss, tally, stop=bool(stop))
                kept.epoch(learned, validation_batch)
                if stop and epoch + 1 < recipe.epochs:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            history = kept.interrupted()
            if on_interrupt == "raise":
                raise
            return history
        except NotFinite as error:
            kept.failed(error)
            raise
        history = kept.end()
        if stop and on_interrupt == "raise":  # too late to stop this run, but not what comes after it
            raise KeyboardInterrupt
        return history
