"""What a network costs on a device: milliseconds per image, and the memory of its process. Notebook 09."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from course_utils import extras
from course_utils.analysis.throughput import time_runs
from course_utils.modes import evaluating

PROGRAM = Path(__file__).with_name("memory_of_process.py")


@dataclass(frozen=True)
class Latency:
    """Milliseconds per image: the median and the quartiles of the runs."""

    median: float
    low: float
    high: float


def latencies(runs: Mapping[str, Callable[[Tensor], Tensor]], image: Tensor, rounds: int = 200) -> dict[str, Latency]:
    """Time each model on one image (channels, height, width), in turn, so that slow moments affect all models.

    Modules run in evaluation mode; afterwards their modes are as before. Raises ValueError without models.
    """
    single = image[None].contiguous()
    with torch.inference_mode(), contextlib.ExitStack() as modes:
        for run in runs.values():
            if isinstance(run, nn.Module):
                modes.enter_context(evaluating(run))
        seconds = time_runs({name: partial(run, single) for name, run in runs.items()}, rounds=rounds)
    found = {}
    for name, values in seconds.items():
        quarters = 1e3 * torch.tensor(values).quantile(torch.tensor([0.5, 0.25, 0.75]))
        found[name] = Latency(*quarters.tolist())
    return found


@dataclass(frozen=True)
class Memory:
    """Bytes of a process that only runs a model: with the runtime loaded, and the most that the model added."""

    runtime: int
    growth: int


def process_memory(path: Path, shape: tuple[int, ...], runs: int = 20) -> Memory:
    """Load an ONNX file, or a whole model of the course saved by torch.save, in a new process and run it; → its memory.

    shape: of the images, (batch, channels, height, width). The resident memory is read after every run. Raises
    RuntimeError if the process fails, for example for a file that holds anything but layers and their weights.
    """
    kind = "onnx" if path.suffix == ".onnx" else "torch"
    if kind == "onnx":
        extras.needs("onnxruntime")
    command = [sys.executable, "-P", str(PROGRAM), kind, str(path), json.dumps(shape), str(runs)]
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", env=alone)
    if done.returncode:
        # A killed process, such as for its memory, says nothing.
        said = done.stderr.strip().splitlines() or [f"it was killed (code {done.returncode})"]
        raise RuntimeError(f"The process that should run {path.name} failed: {said[-1]}")
    return Memory(**json.loads(done.stdout.splitlines()[-1]))
