"""What holds within a block: the modes of a model, and what a thread knows of it meanwhile. All notebooks."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import torch
from torch import nn

T = TypeVar("T")


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


@contextmanager
def on_cpu() -> Iterator[None]:
    """In the block, and in a function with this decorator, new tensors are on the CPU,
    whatever the default device is.
    """
    with torch.device("cpu"):
        yield


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """In the block, PyTorch computes with so many threads, so that results do not depend on the processor's cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def known(stack: ContextVar[tuple[T, ...]], entry: T) -> Iterator[None]:
    """In the block, the entry is the last of the stack in this thread; blocks may end in any order."""
    stack.set((*stack.get(), entry))
    try:
        yield
    finally:
        stack.set(tuple(each for each in stack.get() if each is not entry))
