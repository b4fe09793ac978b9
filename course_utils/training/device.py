"""The device and the precision of training, chosen by Accelerate. All notebooks that train."""

import os
import platform
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from course_utils.modes import modes_kept

if TYPE_CHECKING:
    from accelerate import Accelerator


def make_accelerator(precision: str) -> "Accelerator":
    """CUDA, else MPS, else CPU; one process of several under ``accelerate launch`` or ``torchrun``.

    precision "auto" and "fastest" follow ``accelerate launch --mixed_precision``; without it, bf16 if the CUDA device
    supports it ("fastest": or the CPU, with AVX-512 instructions), else float32. Raises ValueError for bf16 on a
    device without it.
    """
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    wanted = {"float32": "no", "bf16": "bf16"}.get(precision)
    if precision in ("auto", "fastest") and "ACCELERATE_MIXED_PRECISION" not in os.environ:
        if torch.cuda.is_available():
            native = torch.cuda.is_bf16_supported(False)
        else:
            native = precision == "fastest" and not torch.mps.is_available() and bf16_cpu()
        wanted = "bf16" if native else "no"
    # Accelerate keeps the precision of the first Accelerator for the life of the process; a notebook trains many
    # models, so that choice is reset before each one. The process group stays.
    AcceleratorState._reset_state()
    return Accelerator(mixed_precision=wanted)


def bf16_cpu() -> bool:
    """Whether this processor multiplies in bf16 (AVX-512 BF16 or AMX) instead of converting to float32."""
    known = torch.cpu.get_capabilities()
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


def computed_in(accelerator: "Accelerator") -> str:
    """The number format of matrix products: "float32" or "bf16"."""
    return {"no": "float32"}.get(accelerator.mixed_precision, accelerator.mixed_precision)


def machine(number_format: str = "") -> str:
    """The machine, for the record of a result: processor or GPU, threads, number format, version of torch."""
    where = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.machine()
    computing = f", {number_format}" * bool(number_format)
    return f"{where}, {torch.get_num_threads()} threads{computing}, torch {torch.__version__}"


@contextmanager
def prepared(
    model: nn.Module, accelerator: "Accelerator", *, channels_last: bool = False, compiled: bool = False
) -> Iterator[nn.Module]:
    """Within the block, the model is prepared by Accelerate; afterwards its device, modes and forward are restored.

    Its own precision counts: a caller's ``torch.autocast`` is off in the block. compiled: use ``torch.compile``, on
    CUDA devices only.
    """
    home = next(model.parameters()).device
    attributes, own_forward = set(vars(model)), vars(model).get("forward")
    try:
        with modes_kept(model), _without_autocast(accelerator.device.type):
            if channels_last:
                model.to(memory_format=torch.channels_last)
            if compiled and accelerator.device.type == "cuda":
                model.compile()
            yield accelerator.prepare(model)
    finally:
        for added in set(vars(model)) - attributes:
            del vars(model)[added]
        if own_forward is not None:  # which Accelerate has wrapped
            vars(model)["forward"] = own_forward
        if channels_last:
            model.to(memory_format=torch.contiguous_format)
        model.to(home)


def _without_autocast(device: str) -> AbstractContextManager[object]:
    if not (torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)):
        return nullcontext()
    # Without its cache, too, which only the caller's block would empty: its copies of the weights would grow old.
    return torch.autocast(device, enabled=False, cache_enabled=False)


GRACE = 0.6  # seconds in which several presses of the stop button count as one


class Stop:
    """Whether to stop. The first Ctrl-C only sets it, so that the step is completed and a checkpoint is saved.

    Presses within the grace, and during the end of the run, change nothing. A later one, in a step that does not end,
    raises KeyboardInterrupt there.
    """

    def __init__(self) -> None:
        self.presses = 0
        self.first = 0.0
        self.ending = False

    def __bool__(self) -> bool:
        return self.presses > 0

    def press(self, number: int, frame: Any) -> None:
        """The handler of the signal."""
        self.presses += 1
        if self.presses == 1:
            self.first = time.monotonic()
        elif not self.ending and time.monotonic() - self.first > GRACE:
            self.ending = True
            signal.default_int_handler(number, frame)

    def end(self) -> bool:
        """Whether to stop; if so, nothing interrupts the end of the run from now on."""
        self.ending = bool(self)
        return self.ending

    def settle(self) -> None:
        """Wait until the grace of the first press is over, so that no late press hits what follows."""
        while self and (left := self.first + GRACE - time.monotonic()) > 0:
            time.sleep(left)


@contextmanager
def between_steps(accelerator: "Accelerator") -> Iterator[Stop]:
    """Within the block, Ctrl-C sets the :class:`Stop`.

    With several processes, each is interrupted at once, because they could not agree on a step.
    """
    stop = Stop()
    before = signal.getsignal(signal.SIGINT)
    mine = threading.current_thread() is threading.main_thread() and accelerator.num_processes == 1
    if not mine or before is not signal.default_int_handler:
        yield stop
        return
    signal.signal(signal.SIGINT, stop.press)
    try:
        yield stop
    finally:
        stop.ending = True
        stop.settle()
        signal.signal(signal.SIGINT, before)
