"""A process of its own that runs one model and prints its memory: ``latency.process_memory`` starts it. Notebook 09.

``python -P memory_of_process.py KIND FILE SHAPE RUNS``, KIND "onnx" or "torch", SHAPE as JSON. It is started by its
path: as a module, it would bring along its package, and so PyTorch, which a process with ONNX Runtime does not need.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil

Run = Callable[[], object]
Load = Callable[[str, "np.ndarray[Any, Any]"], Run]


def with_onnx() -> Load:
    """Import ONNX Runtime; → a function that loads a file and returns its run on the images."""
    import onnxruntime

    def load(path: str, images: "np.ndarray[Any, Any]") -> Run:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return lambda: session.run(None, {session.get_inputs()[0].name: images})

    return load


def with_torch() -> Load:
    """The same with PyTorch, for a whole model that torch.save wrote."""
    import torch

    sys.path.append(str(Path(__file__).parents[2]))  # where the course lies, even if it is not installed
    from course_utils.models.model import MODELS

    torch.set_num_threads(1)

    def kinds(base: type[Any]) -> Iterator[type[Any]]:
        yield base
        for child in base.__subclasses__():
            yield from kinds(child)

    def load(path: str, images: "np.ndarray[Any, Any]") -> Run:
        known = [
            kind for kind in kinds(torch.nn.Module) if kind.__module__.startswith(("torch.nn.", "course_utils."))
        ]
        # A file may name these classes, but run no other code.
        torch.serialization.add_safe_globals([*known, *MODELS])
        model, seen = torch.load(path, weights_only=True).eval(), torch.from_numpy(images)
        return torch.inference_mode()(lambda: model(seen))

    return load


def main(kind: str, path: str, shape: str, runs: str) -> None:
    """Print the resident bytes before the model is loaded, and by how much they grew at most after a run."""
    process = psutil.Process()
    images = np.random.default_rng(0).random(json.loads(shape), dtype=np.float32)
    load = {"onnx": with_onnx, "torch": with_torch}[kind]()
    before = process.memory_info().rss
    run, peak = load(path, images), before
    for _ in range(int(runs)):
        run()
        peak = max(peak, process.memory_info().rss)
    print(json.dumps({"runtime": before, "growth": peak - before}))


if __name__ == "__main__":
    main(*sys.argv[1:])
