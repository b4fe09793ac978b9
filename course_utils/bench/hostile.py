"""Answers that hang, crash, flood or rearrange a kernel, checked in a live one: it answers and stays as it is."""

import json
import os
import textwrap
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.bench.injected import Injected
from course_utils.lab.notebooks import client_of
from course_utils.paths import ROOT

TABLE = Path(__file__).with_name("hostile.toml")
SECONDS = 10.0  # for each check, on a machine that is not busy with something else
PATIENCE = 300  # seconds after which a kernel counts as hung

PREPARE = """
import asyncio, collections, ctypes, itertools, multiprocessing, os, queue, signal, socket, \
subprocess, sys, threading, time
import IPython, numpy, torch
from course_utils.exercises import check
"""
RIGHT = "return tokens.unflatten(-1, (heads, -1)).transpose(1, 2)"
CHECK = "split_heads = check('00.split_heads', split_heads)"
STATE = """
def state():
    import builtins, gc, hashlib, json, psutil, random, warnings
    states = (random.getstate(), numpy.random.get_state(), torch.get_rng_state())
    print(json.dumps({
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "interpreter": (sys.getrecursionlimit(), sys.getswitchinterval(), gc.isenabled(), str(sys.gettrace())),
        "umask": next(line for line in open("/proc/self/status") if line.startswith("Umask")),
        "signals": str([signal.getsignal(number) for number in signal.valid_signals()]),
        "dtype": str(torch.get_default_dtype()),
        "PyTorch": (torch.get_num_threads(), torch.is_grad_enabled(), torch.are_deterministic_algorithms_enabled()),
        "NumPy": numpy.geterr(),
        "warnings": len(warnings.filters),
        "randomness": hashlib.sha256(str(states).encode()).hexdigest(),
        "processes": len(psutil.Process().children(recursive=True)),
        "threads": threading.active_count(),
        "modules": len(sys.modules) > 1000,
        "functions": [id(each) for each in (builtins.len, builtins.print, builtins.__import__, torch.allclose,
                                            torch.Tensor.__eq__, os.getpid, time.monotonic)],
        "output": str(type(sys.stdout)) + str(type(sys.stderr)),
        "names": [name for name in ("torch", "numpy", "check", "state") if name in globals()],
    }))
state()
"""


def hostile() -> dict[str, dict[str, str]]:
    """Cells that define a function, by kind of harm and name."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {kind: {name: definition(code) for name, code in answers.items()} for kind, answers in table.items()}


def definition(code: str) -> str:
    """The cell for a function's body; a cell stays as it is."""
    return (
        code
        if "split_heads = " in code
        else f"def split_heads(tokens, heads):\n{textwrap.indent(code.strip(), '    ')}"
    )


def answers(
    table: Mapping[str, Mapping[str, str]] | None = None, prepare: str = "", seconds: float = SECONDS
) -> Iterator[Injected]:
    """Check each answer in one kernel, with what became of it.

    prepare: a cell to run before them; seconds: each must be answered within.
    """
    with TemporaryDirectory() as folder:
        kernel = _Kernel(Path(folder), PREPARE + prepare)
        try:
            for kind, cells in (hostile() if table is None else table).items():
                for name, cell in cells.items():
                    outcome, wrong = kernel.checked(cell, seconds)
                    yield Injected(f"answer that {kind}", name, outcome, wrong)
        finally:
            kernel.stop()


class _Kernel:
    """A live kernel, and its state before the first answer."""

    def __init__(self, folder: Path, prepare: str) -> None:
        self.environment = {
            **os.environ,
            "COURSE_STATE": str(folder),
            "IPYTHONDIR": str(folder),
            "PYTHONPATH": str(ROOT),
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        }
        self.prepare = prepare
        self._start()

    def checked(self, cell: str, seconds: float) -> tuple[str, str]:
        """What the check says about the answer, in a few words, and what is wrong with it or the kernel afterwards."""
        try:
            self.run(cell)
            began = time.monotonic()
            said = self.run(CHECK)
            took = time.monotonic() - began
            state = json.loads(self.run(STATE))
            right = self.run(f"{definition(RIGHT)}\n{CHECK}")
        except (CellTimeoutError, DeadKernelError) as error:
            self.stop()
            self._start()
            return "no answer", "the kernel ended" if isinstance(error, DeadKernelError) else "the kernel hangs"
        wrong = [f"it took {took:.1f} s"] if took > seconds else []
        wrong += [f"another {name} afterwards" for name in self.state if state.get(name) != self.state[name]]
        wrong += [] if ": passed" in right else [f"afterwards a right answer gets: {right[-300:]}"]
        heading = next((line for line in said.splitlines() if line[:1] in ("✓", "✗", "○", "?")), "")
        outcome = heading.rpartition(": ")[2]
        return outcome or "no verdict", ", ".join(wrong if outcome else [*wrong, f"it says: {said[-300:]}"])

    def run(self, cell: str) -> str:
        """Run a cell; returns its text, errors included. Raises CellTimeoutError or DeadKernelError without a reply."""
        cells = self.client.nb.cells
        cells.append(new_code_cell(cell))
        outputs = self.client.execute_cell(cells[-1], len(cells) - 1).outputs
        return "\n".join(o.get("text") or o.get("data", {}).get("text/plain") or o.get("evalue", "") for o in outputs)

    def stop(self) -> None:
        """End it."""
        self.running.close()

    def _start(self) -> None:
        self.client = client_of(new_notebook(), timeout=PATIENCE, kernel_name="python3", allow_errors=True)
        self.running = ExitStack()
        self.running.enter_context(self.client.setup_kernel(env=self.environment))
        for cell in (self.prepare, f"{definition(RIGHT)}\n{CHECK}", STATE):
            text = self.run(cell)
        self.state = json.loads(text)
