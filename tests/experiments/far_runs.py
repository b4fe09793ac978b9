"""Runs of a sweep for other processes, which import this module: it imports little."""

import os
import signal
import time
from pathlib import Path

import torch

from course_utils.models import ResNetConfig, build
from course_utils.training import Examples, Recipe, fit

SMALL = ResNetConfig("basic", (1,), (8,), stem_kernel=3, stem_stride=2, max_pool=False, channels=1, classes=4)


def train(seed: int) -> dict[str, float]:
    """A training whose last digits depend on the number of threads and on every random number."""
    images = torch.rand(256, 1, 24, 24, generator=torch.Generator().manual_seed(seed))
    model = build(SMALL, seed)
    history = fit(model, Examples(images, torch.arange(256) % 4), None, Recipe(epochs=1, seed=seed), quiet=True)
    return {"loss": history.epochs[-1].train_loss, "threads": torch.get_num_threads()}


def die_once(seed: int, folder: str) -> dict[str, float]:
    """The run of seed 1 is killed in the middle, the first time; all leave a file that names their process."""
    begun = Path(folder) / f"seed-{seed}.begun"
    died_before = begun.exists()
    begun.write_text(str(os.getpid()))
    if seed == 1 and not died_before:
        os.kill(os.getpid(), signal.SIGKILL)
    return train(seed)


def for_hours(seed: int, folder: str) -> dict[str, float]:
    """The run of seed 0 is quick, the others take hours."""
    if seed:
        (Path(folder) / f"{os.getpid()}.running").touch()
        time.sleep(7200)
    return {"square": seed**2}
