"""Several kernels at once: all are counted, a failing one is reported, and too many are refused before they start."""

import itertools
import sys
from types import SimpleNamespace

import nbformat
import psutil
import pytest

from course_utils.teaching import load_test


def notebook(folder, source: str):
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    made.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    path = folder / "small.ipynb"
    nbformat.write(made, path)
    return path


def test_kernels_run_at_the_same_time_and_are_measured(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    meet = (
        "import os, pathlib, time\n"
        f"here = pathlib.Path({str(tmp_path)!r})\n"
        "(here / str(os.getpid())).touch()\n"
        "end = time.monotonic() + 600\n"
        "while len([p for p in here.iterdir() if p.name.isdigit()]) < 2 and time.monotonic() < end: time.sleep(0.05)\n"
        "assert time.monotonic() < end\n"  # each waits for the other
        "assert os.environ['OMP_NUM_THREADS'] == '1'\n"
        "data = bytearray(200 * 2**20)\n"
        "time.sleep(0.5)"
    )
    seen = load_test.run_together(notebook(tmp_path, meet), 2)
    assert seen.errors == ()
    assert seen.kernels == 2
    assert seen.kernel_bytes > 200 * 2**20
    assert 0 < seen.cpu_seconds < seen.seconds


def test_a_kernel_that_fails_is_reported_and_so_is_how_far_the_machines_free_memory_fell(tmp_path, monkeypatch):
    free = itertools.chain([9 * 2**30, 5 * 2**30], itertools.repeat(7 * 2**30))
    monkeypatch.setattr(load_test, "free_memory", lambda: 9 * 2**30)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=next(free)))
    seen = load_test.run_together(notebook(tmp_path, "1 / 0"), 1)
    (error,) = seen.errors
    assert "ZeroDivisionError" in error
    assert seen.machine_bytes == 4 * 2**30


def test_more_kernels_than_memory_are_refused(tmp_path, monkeypatch):
    too_many = psutil.virtual_memory().total // load_test.BUDGET + 1
    with pytest.raises(MemoryError, match=rf"^{too_many} kernels may need [\d.]+ GiB, and .* choose \d+ or fewer"):
        load_test.run_together(tmp_path / "never read.ipynb", too_many)
    monkeypatch.setattr(load_test, "free_memory", lambda: load_test.BUDGET - 1)  # of a container, for instance
    with pytest.raises(
        MemoryError, match=r"^1 kernel may need 2\.5 GiB, and 2\.5 GiB are free: close other programs"
    ):
        load_test.run_together(tmp_path / "never read.ipynb", 1)
    with pytest.raises(ValueError, match="kernels is 0"):
        load_test.run_together(tmp_path / "never read.ipynb", 0)


@pytest.mark.skipif(sys.platform == "win32", reason="a kernel cannot press Ctrl-C there")
def test_ctrl_c_ends_all_kernels(tmp_path):
    one_presses = (
        "import os, pathlib, signal, time\n"
        f"try: pathlib.Path({str(tmp_path / 'pressed')!r}).touch(exist_ok=False)\n"
        "except FileExistsError: pass\n"
        "else: os.kill(os.getppid(), signal.SIGINT)\n"
        "time.sleep(3600)"
    )
    before = set(psutil.Process().children(recursive=True))
    with pytest.raises(KeyboardInterrupt):
        load_test.run_together(notebook(tmp_path, one_presses), 2)
    assert not set(psutil.Process().children(recursive=True)) - before
