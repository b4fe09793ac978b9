"""The modes of a model, training or evaluation, which looking at it must not change. All notebooks."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def modes_kept(model: nn.Module) -> Iterator[None]:
    """Restore the mode (training or evaluation) of every part of the model afterwards, including frozen norms.

    Raises TypeError for anything that is not a module.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"The model is a {type(model).__name__}, but must be a torch.nn.Module: pass a model.")
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model is in evaluation mode within the block; afterwards its modes are as before, see :func:`modes_kept`."""
    with modes_kept(model):
        model.eval()
        yield
