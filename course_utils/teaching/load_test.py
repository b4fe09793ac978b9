"""A whole class on one machine: N kernels run the same notebook at the same time. ``course load 1 2 4 8``."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event

import psutil

from course_utils.costs import free_memory
from course_utils.lab import notebooks
from course_utils.sampler import sampled
from course_utils.settings import Count, checked

BUDGET = 5 * 2**29  # bytes per kernel: 2.5 GiB, a little above the largest use measured for a notebook


@dataclass(frozen=True)
class Load:
    """The cost of that many kernels at once: seconds of the slowest, mean CPU seconds per kernel, bytes, errors."""

    kernels: int
    seconds: float
    cpu_seconds: float
    kernel_bytes: int  # peak of the largest kernel, including libraries that all kernels share
    machine_bytes: int  # largest drop of the machine's available memory, which counts shared pages once
    errors: tuple[str, ...]

    def figures(self) -> tuple[str, ...]:
        """What stands below the HEADING."""
        sizes = (f"{size / 2**30:.2f} GiB" for size in (self.kernel_bytes, self.machine_bytes))
        return str(self.kernels), f"{self.seconds:.0f}", f"{self.cpu_seconds:.0f}", *sizes, str(len(self.errors))


HEADING = ("Kernels", "Seconds, slowest", "CPU seconds each", "Largest kernel", "All together", "Failed")


def row(*cells: str) -> str:
    """A line of the table, in columns as wide as the HEADING, so that it can be printed before the next is known."""
    return "  ".join(cell.rjust(len(title)) for cell, title in zip(cells, HEADING, strict=True))


def run_together(path: Path, kernels: int) -> Load:
    """Execute the notebook at path in this many kernels at once, each with one thread, and measure.

    Raises ValueError for fewer than one kernel, and MemoryError, before anything starts, if the free memory is not
    enough for 2.5 GiB per kernel.
    """
    checked("kernels", kernels, Count)
    needed, free = kernels * BUDGET, free_memory()
    if needed > free:
        fewer = f"choose {free // BUDGET} or fewer, or " if free >= BUDGET else ""
        raise MemoryError(
            f"{kernels} kernel{'s' * (kernels > 1)} may need {needed / 2**30:.1f} GiB, and {free / 2**30:.1f} GiB "
            f"are free: {fewer}close other programs."
        )
    one_thread = partial(notebooks.execute, environment={"OMP_NUM_THREADS": "1"})
    available = [psutil.virtual_memory().available]
    stop = Event()
    with (
        sampled(lambda: available.append(psutil.virtual_memory().available), seconds=0.2),
        ThreadPoolExecutor(kernels) as pool,
    ):
        running = [pool.submit(one_thread, path, stop=stop) for _ in range(kernels)]
        try:
            notebooks.finished(running)
        except BaseException:
            stop.set()
            raise
        runs = [each.result() for each in running]
    return Load(
        kernels,
        max(run.seconds for run in runs),
        sum(run.cpu_seconds for run in runs) / kernels,
        max(run.peak_bytes for run in runs),
        available[0] - min(available),
        tuple(run.error for run in runs if run.error),
    )
