"""The runs of a sweep in several processes and on a cluster: the same table, whoever is killed."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest
import torch
from far_runs import die_once, for_hours, train
from typer.testing import CliRunner

from course_utils import cli
from course_utils.experiments import read_results, run_sweep
from course_utils.experiments.spread import measured
from course_utils.experiments.sweep import Sweep
from course_utils.files import Refused

SEEDS = 3, 1, 2, 0


def numbers(folder):
    """What a table has besides seconds, machine and date."""
    return [(row["seed"], row["loss"], row["threads"]) for row in read_results("sweep-train", folder)]


def serial(tmp_path):
    run_sweep("sweep-train", tmp_path / "serial", Sweep([{"seed": seed} for seed in SEEDS], train))
    return numbers(tmp_path / "serial")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_killed_worker_costs_its_run_alone_and_the_table_is_the_serial_one_to_the_digit(tmp_path, capsys):
    sweep = Sweep([{"seed": seed, "folder": str(tmp_path)} for seed in SEEDS], die_once)
    with pytest.raises(Refused, match=r"1 of the runs were lost, because their processes were killed .* again"):
        run_sweep("sweep-train", tmp_path, sweep, workers=2)
    assert "lost: its process was killed" in capsys.readouterr().out
    expected = serial(tmp_path)
    assert [seed for seed, _, _ in expected] == list(SEEDS)
    assert {threads for _, _, threads in expected} == {1}
    assert numbers(tmp_path) == [row for row in expected if row[0] != 1]
    processes = {int(path.read_text()) for path in tmp_path.glob("*.begun")}
    assert os.getpid() not in processes
    assert len(processes) >= 2
    run_sweep("sweep-train", tmp_path, sweep, workers=2)
    assert numbers(tmp_path) == expected
    assert not any(psutil.pid_exists(process) for process in processes)


MAIN = """
    import sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from course_utils.experiments.sweep import Sweep, run_sweep
    from far_runs import for_hours

    if __name__ == "__main__":
        points = [{{"seed": seed, "folder": "."}} for seed in range(2)]
        run_sweep("sweep-long", Path("."), Sweep(points, for_hours), workers=2)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs process groups")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_ctrl_c_or_a_kill_leaves_a_good_table_and_no_process(stop, tmp_path, left_behind):
    assert for_hours(0, str(tmp_path)) == {"square": 0}
    (tmp_path / "main.py").write_text(textwrap.dedent(MAIN.format(tests=str(Path(__file__).parent))))
    with (tmp_path / "said").open("w") as said:
        streams = {"stdout": said, "stderr": said, "start_new_session": True}
        main = subprocess.Popen([sys.executable, "main.py"], cwd=tmp_path, **streams)
    while not list(tmp_path.glob("*.running")):
        assert main.poll() is None
        time.sleep(0.1)
    while not (tmp_path / "sweep-long.csv").exists():
        time.sleep(0.1)
    workers = psutil.Process(main.pid).children(recursive=True)
    assert len(workers) >= 2
    if stop is signal.SIGINT:
        os.killpg(main.pid, stop)  # as a terminal does
    else:
        main.kill()
    assert main.wait() != 0
    assert [row["seed"] for row in read_results("sweep-long", tmp_path)] == [0]
    assert not left_behind(workers)
    assert bool(list(tmp_path.glob(".*"))) == (stop is signal.SIGKILL)  # neither a lock nor half a table
    assert "SpawnProcess" not in (tmp_path / "said").read_text()  # no traceback of a worker


def test_a_run_computes_on_its_threads_and_leaves_the_others_alone(monkeypatch):
    counts = [2]
    monkeypatch.setattr(torch, "get_num_threads", lambda: counts[-1])
    monkeypatch.setattr(torch, "set_num_threads", counts.append)
    row = measured(lambda number: {"threads": torch.get_num_threads()}, {"number": 0})
    assert row["threads"] == 1
    assert "1 threads" in row["machine"]
    assert counts == [2, 1, 2]
    assert measured(lambda: {"threads": torch.get_num_threads()}, {}, None)["threads"] == 2


def test_the_seconds_of_a_run_are_the_processors_so_that_waiting_does_not_count():
    assert measured(lambda: time.sleep(0.5) or {}, {})["seconds"] < 0.4


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["sweep-twins", "--workers", "2", "--scheduler", "tcp://x:1"], "--workers and --scheduler were both given"),
        (["sweep-twins", "--workers", "0"], "Invalid value for '--workers': "),
        (["fashion-vit-small", "--workers", "2"], "spread the points of a sweep, but fashion-vit-small is one run"),
    ],
)
def test_what_cannot_be_spread_is_said(arguments, sentence):
    result = CliRunner().invoke(cli.app, ["train", *arguments])
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.replace("│", " ").split())


def test_without_dask_the_scheduler_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(
        ModuleNotFoundError, match=r"pip install 'attention-for-vision\[cluster\]', here and on every machine"
    ):
        run_sweep("sweep-train", tmp_path, Sweep([{"seed": 1}], train), scheduler="tcp://127.0.0.1:1")
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def cluster():
    """cluster(threads): the address of a scheduler, with two processes as workers,
    or one worker with several threads.
    """
    distributed = pytest.importorskip("distributed")
    started = []

    def start(threads):
        apart = {"n_workers": 2} if threads == 1 else {"n_workers": 1, "processes": False}
        started.append(distributed.LocalCluster(threads_per_worker=threads, dashboard_address=":0", **apart))
        return started[-1].scheduler_address

    yield start
    for each in started:
        each.close()


@pytest.mark.slow
def test_the_table_of_a_cluster_is_the_serial_one_and_a_killed_worker_loses_nothing(cluster, tmp_path):
    sweep = Sweep([{"seed": seed, "folder": str(tmp_path)} for seed in SEEDS], die_once)
    run_sweep("sweep-train", tmp_path, sweep, scheduler=cluster(1))
    assert numbers(tmp_path) == serial(tmp_path)


@pytest.mark.slow
def test_a_cluster_that_cannot_be_used_is_one_sentence(cluster, tmp_path, monkeypatch):
    for address, patience, sentence in (
        ("tcp://127.0.0.1:9", 1, "No scheduler answers at tcp://127.0.0.1:9: start one with `dask scheduler`"),
        ("nonsense://x", 1, "No scheduler answers at nonsense://x"),
        (cluster(2), 100, "has a worker with several threads: start some with `dask worker .* --nthreads 1"),
    ):
        monkeypatch.setattr("course_utils.experiments.spread.PATIENCE", patience)
        with pytest.raises(Refused, match=sentence):
            run_sweep("sweep-train", tmp_path, Sweep([{"seed": 1}], train), scheduler=address)
