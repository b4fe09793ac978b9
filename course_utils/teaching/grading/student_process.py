"""The process that runs a student's code: its cells in order, and the functions of the exercises.

The reader of its messages trusts none of them, because the student's code shares this process and could send its own.
A message is only data: tensors, numbers, text and lists and dictionaries of these. Reading one runs no code, and takes
little more memory than the message.
"""

import contextlib
import io
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from course_utils.exercises import Exercise, examine, find, session
from course_utils.exercises.engine import NOT_STOPPED, not_yet
from course_utils.exercises.gradients import gradients
from course_utils.exercises.observe import Observation, observe
from course_utils.exercises.own_code import code_of
from course_utils.exercises.typed import typed
from course_utils.exercises.undisturbed import undisturbed
from course_utils.exercises.verdict import Kind
from course_utils.teaching.grading import fence

SHOWN = 10_000  # characters of a cell's output to store
LARGEST_TEXT = 2**22  # bytes of a message's part without the tensors


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


def run(
    steps: Sequence[Step],
    folder: Path,
    scratch: Path,
    level: fence.Level,
    memory: int,
    seconds: int,
    listener: Connection,
    sender: Connection,
) -> None:
    """Do the steps in a copy of the folder; send one message when ready, and the result after each step.

    Each step waits for a message, so that what the process uses meanwhile is the last step's.

    memory: bytes that the process may use beyond those at its start; seconds: of processor time. Both apply where the
    system can limit them. Everything that the student's code writes goes to the folder scratch, or to memory.
    """
    base = fence.enter(level, folder, scratch, memory, seconds, {listener.fileno(), sender.fileno()})
    os.chdir(base / "desk")
    os.environ.update(COURSE_STATE=str(base / "state"), IPYTHONDIR=str(base / "ipython"), MPLBACKEND="Agg")
    os.environ.pop("NBGRADER_EXECUTION", None)  # a check that the student calls again is not graded
    this = os.getpid()
    torch.set_num_threads(1)
    shell = _shell()
    session.name_types(shell)
    sender.send_bytes(pack("ready"))
    for step in steps:
        listener.recv_bytes()
        found: Any = None
        match step.kind:
            case "run" | "extra":
                found = _output_of(shell, step.text)
            case "check":
                found = _check(shell.user_ns, step.text)
            case "lend":
                reference = find(step.text).reference
                shell.user_ns[reference.__name__] = reference
        if os.getpid() != this:  # a copy of this process, made by the cell
            os._exit(0)
        sender.send_bytes(pack(found))


def pack(value: Any) -> bytes:
    """The value as bytes: the size of the text, the text in JSON, and the tensors, whose numbers stand in the text.

    A tuple becomes a list, and anything that is not data a description of its type.
    """
    tensors: dict[str, Tensor] = {}
    text = json.dumps(_plain(value, tensors)).encode()
    return len(text).to_bytes(4, "big") + text + save(tensors)


def unpack(message: bytes) -> Any:
    """The value from its bytes. Raises an exception of any kind for other bytes; never runs code in them."""
    end = 4 + int.from_bytes(message[:4], "big")
    if end > LARGEST_TEXT:
        raise ValueError(f"The text of this message has {end:,} bytes: at most {LARGEST_TEXT:,} are read.")
    tensors = load(message[end:])
    return json.loads(
        message[4:end], object_hook=lambda found: tensors[found[_TENSOR]] if _TENSOR in found else found
    )


_TENSOR = "number of a tensor"


def _plain(value: Any, tensors: dict[str, Tensor]) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Integral | Real):  # numpy's too
        return int(value) if isinstance(value, Integral) else float(value)
    if isinstance(value, Tensor) and value.layout is torch.strided and not value.is_complex():
        number = str(len(tensors))
        tensors[number] = (
            value.detach().as_subclass(Tensor).resolve_neg().clone(memory_format=torch.contiguous_format)
        )
        return {_TENSOR: number}
    if isinstance(value, tuple | list):
        return [_plain(item, tensors) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item, tensors) for key, item in value.items()}
    return f"an object of type {type(value).__name__}"


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
    name = next((each for each in exercise.functions if each in names), exercise.function)
    observed: list[Observation] = []
    proof: dict[str, Any] = {"results": [], "gradients": [], "borrowed": False}
    if name not in names:
        verdict = not_yet(
            Kind.NOT_A_FUNCTION,
            f"No function {name} is defined here: the cell that defines it is missing, was skipped, or failed.",
        )
    else:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            verdict = examine(exercise, names[name], observed)
            if verdict.passed:
                proof = _proof(exercise, names[name], observed)
    names[name] = typed(exercise, names[name], observed) if verdict.passed else exercise.reference
    return {
        "outcome": verdict.outcome.value,
        "kind": verdict.kind.value,
        "misconception": verdict.misconception,
        "message": verdict.message.removesuffix(NOT_STOPPED),
        **proof,
    }


def _proof(exercise: Exercise, fn: Callable[..., Any], observed: Sequence[Observation]) -> dict[str, Any]:
    """What the examiner needs to judge a pass again: the results, the gradients, and whether fn is only borrowed."""
    found: list[dict[str, Tensor]] = []
    with undisturbed(), torch._C.DisableTorchFunctionSubclass(), contextlib.suppress(Exception):
        if exercise.learns or exercise.frozen:
            for case in exercise.all_cases():
                like, _ = gradients(exercise, exercise.reference, case)
                found.append(gradients(exercise, fn, case, like)[1])
    return {"results": [seen.result for seen in observed], "gradients": found, "borrowed": borrows(exercise, fn)}


def borrows(exercise: Exercise, fn: Callable[..., Any]) -> bool:
    """Whether fn runs the code of the exercise's reference, however it found it, in one of the cases."""
    own = code_of(exercise.reference)
    cases = exercise.all_cases()
    with undisturbed(), torch._C.DisableTorchFunctionSubclass(), _entered() as codes:
        observe(fn, cases)
    return own is not None and (own.co_filename, own.co_firstlineno) in codes


@contextlib.contextmanager
def _entered() -> Iterator[set[tuple[str, int]]]:
    """The places, file and first line, of all functions that Python enters within the block, in new threads too."""
    places: set[tuple[str, int]] = set()

    def enter(frame: Any, *_: Any) -> None:
        places.add((frame.f_code.co_filename, frame.f_code.co_firstlineno))

    before = sys.gettrace(), threading.gettrace()
    threading.settrace(enter)
    sys.settrace(enter)
    try:
        yield places
    finally:
        sys.settrace(before[0])
        threading.settrace(before[1])
