"""How the tests share a machine: one thread each, as many workers as memory allows, long ones first."""

import os
import signal
import time
from collections.abc import Callable
from types import SimpleNamespace

import hypothesis
import psutil
import pytest
from xdist.scheduler import LoadScopeScheduling

# Read when torch is imported: two workers that both want both cores spend their time waiting for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The kernels that tests start are those of this environment, even if this account has others in ~/.local.
os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")

# A shell starts what runs in its background deaf to Ctrl-C, which some tests press.
signal.signal(signal.SIGINT, signal.default_int_handler)

# On a busy machine, an example that takes milliseconds can take seconds. The examples are the same for everybody;
# `pytest --hypothesis-profile=searching` looks for others.
hypothesis.settings.register_profile("same", deadline=None, derandomize=True)
hypothesis.settings.register_profile("searching", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("same")

GIB_PER_WORKER = 4  # a worker of the largest notebook's tests, with its kernel, a browser and a server
# What takes longest begins first, so that no worker waits for the other at the end; and what waits for processes and
# browsers stands beside the notebooks, which compute.
LONG = (
    "teaching/test_grading",
    "browser/test_class_on_a_hub",
    "notebooks/test_notebooks",
    "browser/test_site",
    "browser/test_every_widget",
)


@pytest.fixture
def sleeper(monkeypatch) -> Callable[[float], Callable[[], None]]:
    """sleeper(seconds): a function that takes so long by the clock of ``time_runs``, which stands still otherwise."""
    clock = SimpleNamespace(seconds=0.0)
    timer = SimpleNamespace(perf_counter=lambda: clock.seconds)
    monkeypatch.setattr("course_utils.analysis.throughput.time", timer)

    def sleeps(seconds: float) -> Callable[[], None]:
        return lambda: setattr(clock, "seconds", clock.seconds + seconds)

    return sleeps


@pytest.fixture
def left_behind() -> Callable[[list[psutil.Process]], list[psutil.Process]]:
    """left_behind(processes): those that do not end within a minute, which it kills."""

    def ended(process: psutil.Process) -> bool:
        try:
            return process.status() == psutil.STATUS_ZOMBIE  # nobody has asked for its exit code
        except psutil.NoSuchProcess:
            return True

    def look(processes: list[psutil.Process]) -> list[psutil.Process]:
        for _ in range(600):
            if all(map(ended, processes)):
                return []
            time.sleep(0.1)
        left = [process for process in processes if not ended(process)]
        for process in left:
            process.kill()
        return left

    return look


def pytest_xdist_auto_num_workers(config) -> int:
    """-n logical: a worker per core; -n auto: one more, because many tests wait for a browser. Where memory allows."""
    wanted = (os.cpu_count() or 1) + (config.option.numprocesses == "auto")
    return max(1, min(wanted, psutil.virtual_memory().available // (GIB_PER_WORKER * 2**30)))


def pytest_collection_modifyitems(items) -> None:
    items.sort(key=_place)  # stable: within a file the order stays


def _place(item) -> int:
    return next((place for place, part in enumerate(LONG) if part in item.path.as_posix()), len(LONG))


class OneWorkerPerFile(LoadScopeScheduling):
    """A file's tests share their fixtures, so one worker runs them; of the notebooks' tests, a notebook's.

    ``--dist loadgroup`` would do, but pytest-xdist 3.8 writes a group into a field that pytest 9.2 no longer reads.
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        return test.partition("[")[2] if file.endswith("test_notebooks.py") else file


def pytest_xdist_make_scheduler(config, log) -> OneWorkerPerFile:
    return OneWorkerPerFile(config, log)
