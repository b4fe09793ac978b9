"""The runs of a sweep: one after the other, in processes of this machine, or on a dask cluster. Notebooks 01 to 10.

Each generator yields a point with its measurements as soon as they are there, or with None if its process was killed.
A run computes on one thread of its own process, so its numbers do not depend on where it runs.
"""

import importlib
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from datetime import date
from multiprocessing import active_children, get_context
from typing import Any

import torch

from course_utils.files import Refused
from course_utils.modes import on_threads
from course_utils.processes import end_with_parent
from course_utils.training.device import machine

Value = str | int | float
Point = Mapping[str, Value]
Run = Callable[..., Mapping[str, Value]]
Row = dict[str, Value]
Results = Generator[tuple[Point, Row | None], None, None]

PATIENCE = 10  # seconds to wait for a scheduler


def measured(run: Run, point: Point, threads: int | None = 1) -> Row:
    """Run a point on so many threads (None: as many as now); → its measurements, seconds, machine and date.

    The seconds are the processor's, added over its cores: a machine busy with something else does not lengthen them.
    """
    with on_threads(threads or torch.get_num_threads()):
        began = time.process_time()
        found = run(**point)
        seconds = round(time.process_time() - began, 2)
        return {**found, "seconds": seconds, "machine": machine(), "date": date.today().isoformat()}


def one_by_one(run: Run, points: Iterable[Point], threads: int | None = 1) -> Results:
    """In this process, in order; a point is taken when its run begins."""
    for point in points:
        yield point, measured(run, point, threads)


def in_processes(run: Run, points: Sequence[Point], workers: int) -> Results:
    """In so many processes. Each has a pool to itself, because a killed process ends the whole of its pool."""
    own, others = threading.local(), set(active_children())

    def start() -> None:
        own.pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=_begin)

    def on_own_process(point: Point) -> Row | None:
        try:
            return own.pool.submit(measured, run, point).result()
        except BrokenProcessPool:
            start()
            return None

    with ThreadPoolExecutor(workers, initializer=start) as threads:
        runs: dict[Future[Row | None], Point] = {threads.submit(on_own_process, point): point for point in points}
        try:
            for done in as_completed(runs):
                yield runs[done], done.result()
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            while True:
                for process in set(active_children()) - others:
                    process.terminate()
                if all(each.done() for each in runs):
                    break
                time.sleep(0.05)


def _begin() -> None:
    """A terminal sends Ctrl-C to every process; only the first one, which writes the table, ends the work and them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()


def on_cluster(run: Run, points: Sequence[Point], address: str) -> Results:
    """On the workers of a dask scheduler, ``tcp://HOST:8786``. It repeats a killed worker's run on others, thrice.

    Raises ModuleNotFoundError without dask.distributed, and Refused if there is no scheduler, no worker, or a worker
    with several threads, on which runs would share their random numbers.
    """
    try:
        dask: Any = importlib.import_module("distributed")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "dask.distributed is not installed: pip install 'attention-for-vision[cluster]', here and on every machine."
        ) from error
    try:
        client = dask.Client(address, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise Refused(
            f"No scheduler answers at {address}: start one with `dask scheduler` and pass its tcp:// address."
        ) from error
    with client:
        threads = client.nthreads()
        if not threads or max(threads.values()) > 1:
            seen = "has no workers" if not threads else "has a worker with several threads"
            raise Refused(f"{address} {seen}: start some with `dask worker {address} --nthreads 1 --nworkers auto`.")
        runs: dict[Any, Point] = {client.submit(measured, run, point, pure=False): point for point in points}
        try:
            for done in dask.as_completed(runs):
                lost = isinstance(done.exception(), dask.KilledWorker)
                yield runs[done], None if lost else done.result()
        finally:
            client.cancel(list(runs))
