"""Undo everything that a student's code changes in its process while it is checked."""

import builtins
import gc
import getpass
import os
import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn, TextIO

import numpy as np
import torch

from course_utils.console import ipython

PRINTED = 4000  # characters of a student's own output that are shown: enough to debug, not too many


class AsksForInput(Exception):
    """The student's code asks for input."""

    def __init__(self, *_: Any) -> None:
        super().__init__("it calls input(), but nobody types during a check: use the arguments instead")


@contextmanager
def undisturbed() -> Iterator[None]:
    """Inside, the seed is fixed, gradients are on and the default is float32 on the CPU; afterwards all is restored.

    Output is shown up to a limit, ``input()`` raises an error, no figure is shown, and ``exit()`` raises SystemExit
    instead of ending the kernel.
    """
    with _numbers(), _process(), _terminal(), _figures():
        yield


@contextmanager
def _numbers() -> Iterator[None]:
    """Restore the random state and PyTorch's defaults."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    python, numpy = random.getstate(), np.random.get_state()
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    with (
        torch.random.fork_rng(devices),
        torch.device("cpu"),
        torch.inference_mode(False),
        torch.enable_grad(),
        np.errstate(),
    ):
        torch.default_generator.manual_seed(0)
        random.seed(0)
        np.random.seed(0)
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            if torch.get_num_threads() != threads:
                torch.set_num_threads(threads)
            random.setstate(python)
            np.random.set_state(numpy)


@contextmanager
def _process() -> Iterator[None]:
    """Restore the working directory, the environment and the settings of the interpreter."""
    folder, environment = os.open(".", os.O_RDONLY) if hasattr(os, "fchdir") else os.getcwd(), dict(os.environ)
    depth, interval, collects = sys.getrecursionlimit(), sys.getswitchinterval(), gc.isenabled()
    try:
        yield
    finally:
        sys.setrecursionlimit(depth)
        sys.setswitchinterval(interval)
        (gc.enable if collects else gc.disable)()
        if os.environ != environment:
            os.environ.clear()
            os.environ.update(environment)
        with suppress(OSError):
            os.chdir(folder)
        if isinstance(folder, int):
            os.close(folder)


@contextmanager
def _terminal() -> Iterator[None]:
    """Redirect output, input and exit()."""
    before = sys.stdin, sys.stdout, sys.stderr, builtins.input, getpass.getpass
    shell = ipython()
    sys.stdin, sys.stdout, sys.stderr = _Mute(), Shortened(sys.stdout), Shortened(sys.stderr)
    builtins.input, getpass.getpass = _ask, _ask
    if shell is not None:
        shell.ask_exit = _refuse_to_exit
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a library's, on a random case
            yield
    finally:
        if shell is not None:
            with suppress(AttributeError):
                del shell.ask_exit
        sys.stdin, sys.stdout, sys.stderr, builtins.input, getpass.getpass = before


@contextmanager
def _figures() -> Iterator[None]:
    """A figure drawn in an exercise would show random numbers, once per case; drawing needs no gradient."""
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        yield
        return
    before, show = set(pyplot.get_fignums()), pyplot.show
    to_numpy: Any = torch.Tensor.__array__
    pyplot.show = lambda *_, **__: None
    torch.Tensor.__array__ = lambda tensor, *how, **more: to_numpy(tensor.detach(), *how, **more)  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.Tensor.__array__ = to_numpy  # type: ignore[method-assign]
        pyplot.show = show
        for number in set(pyplot.get_fignums()) - before:
            pyplot.close(number)


def _refuse_to_exit() -> None:
    raise SystemExit


def _ask(*prompt: Any, **more: Any) -> NoReturn:
    raise AsksForInput


class _Mute:
    """A standard input without a user."""

    def close(self) -> None:
        """Nothing: a process that the function starts closes it."""

    def __getattr__(self, name: str) -> Any:
        if name in ("read", "readline", "readlines", "__iter__", "__next__"):
            return _ask
        raise AttributeError(name)

    def __iter__(self) -> Any:
        _ask()


class Shortened:
    """A standard output that shows only its first characters and is otherwise the real one."""

    def __init__(self, stream: TextIO, most: int = PRINTED) -> None:
        self.stream = stream
        self.left = most

    def write(self, text: str) -> int:
        if self.left > 0:
            with suppress(ValueError, OSError):  # closed by the student's code
                self.stream.write(
                    text[: self.left] + ("" if len(text) <= self.left else "\n… (the rest is not shown)\n")
                )
            self.left -= len(text) if len(text) <= self.left else self.left + 1
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)
