"""The process that runs a student's code: its cells in order, and the functions of the exercises.

The reader of its messages trusts none of them, because the student's code shares this process and could send its own.
A message is only data: tensors, numbers, text and containers of these; reading one runs no code.
"""

import contextlib
import io
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from course_utils.exercises import examine, find, session
from course_utils.exercises.engine import NOT_STOPPED, not_yet
from course_utils.exercises.observe import Observation
from course_utils.exercises.typed import typed
from course_utils.exercises.verdict import Kind

SHOWN = 10_000  # characters of a cell's output to store


@dataclass(frozen=True)
class Step:
    """One step: ``run`` a cell that exercises need, or an ``extra`` one; ``check`` an exercise; after its verdict,
    ``keep`` the student's function or ``lend`` the course's.
    """

    number: int
    kind: str
    text: str  # source code, or the name of the exercise

    @property
    def is_cell(self) -> bool:
        """Whether the text is the source of a cell."""
        return self.kind in ("run", "extra")


def run(steps: Sequence[Step], folder: Path, scratch: Path, memory: int, seconds: int, sender: Connection) -> None:
    """Do the steps in the folder; send one message when ready, and the result after each step.

    memory: bytes that the process may use beyond those at its start; seconds: of processor time. Both apply where the
    system can limit them. The student's progress and settings go to the folder scratch.
    """
    _fence(memory, seconds)
    os.chdir(folder)
    os.environ.update(COURSE_STATE=str(scratch), IPYTHONDIR=str(scratch), MPLBACKEND="Agg")
    os.environ.pop("NBGRADER_EXECUTION", None)  # a check that the student calls again is not graded
    torch.set_num_threads(1)
    shell = _shell()
    session.name_types(shell)
    sender.send_bytes(pack("ready"))
    for step in steps:
        found: Any = None
        match step.kind:
            case "run" | "extra":
                found = _output_of(shell, step.text)
            case "check":
                found = _check(shell.user_ns, step.text)
            case "lend":
                reference = find(step.text).reference
                shell.user_ns[reference.__name__] = reference
        sender.send_bytes(pack(found))


def pack(value: Any) -> bytes:
    """The value as bytes; anything that is not data becomes a description of its type."""
    buffer = io.BytesIO()
    torch.save(_plain(value), buffer)
    return buffer.getvalue()


def unpack(message: bytes) -> Any:
    """The value from its bytes. Raises an exception of any kind for other bytes; never runs code in them."""
    return torch.load(io.BytesIO(message), weights_only=True)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Integral | Real):  # numpy's too
        return int(value) if isinstance(value, Integral) else float(value)
    if isinstance(value, Tensor):
        return value.detach().as_subclass(Tensor).clone()
    if isinstance(value, tuple | list):
        return (tuple if isinstance(value, tuple) else list)(map(_plain, value))
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return f"an object of type {type(value).__name__}"


def _fence(memory: int, seconds: int) -> None:
    """Start a new process group, close the terminal, and set the system's limits."""
    if hasattr(os, "setsid"):
        os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    if sys.platform == "linux":
        import ctypes
        import resource

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: ends with its parent
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        limits = {
            resource.RLIMIT_AS: size + memory,
            resource.RLIMIT_CPU: seconds,
            resource.RLIMIT_FSIZE: 2**30,
            resource.RLIMIT_CORE: 0,
        }
        for which, most in limits.items():
            allowed = resource.getrlimit(which)[1]
            most = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
            resource.setrlimit(which, (most, most))


def _shell() -> Any:
    """IPython without a kernel, so that magics and display() in a student's cell work as in a notebook."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    return InteractiveShell.instance(colors="nocolor", config=Config(HistoryManager={"enabled": False}))


def _output_of(shell: Any, source: str) -> str:
    """The output of a cell, including its exception."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            shell.run_cell(source, silent=True)
        except BaseException:  # IPython does not catch KeyboardInterrupt
            traceback.print_exc()
    text = printed.getvalue()
    return text if len(text) <= SHOWN else text[:SHOWN] + "\n… (the rest is not shown)\n"


def _check(names: dict[str, Any], exercise_name: str) -> dict[str, Any]:
    """The verdict and the results behind it. Afterwards, as after check, the name is bound to a right function."""
    exercise = find(exercise_name)
    name = exercise.reference.__name__
    observed: list[Observation] = []
    if name not in names:
        verdict = not_yet(
            Kind.NOT_A_FUNCTION,
            f"No function {name} is defined here: the cell that defines it is missing, was skipped, or failed.",
        )
    else:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            verdict = examine(exercise, names[name], observed)
    names[name] = typed(exercise, names[name], observed) if verdict.passed else exercise.reference
    return {
        "outcome": verdict.outcome.value,
        "kind": verdict.kind.value,
        "misconception": verdict.misconception,
        "message": verdict.message.removesuffix(NOT_STOPPED),
        "results": [seen.result for seen in observed] if verdict.passed else [],
    }
