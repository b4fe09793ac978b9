"""``course lab`` becomes the server: one line, no parent, nothing left behind."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from subprocess import Popen

import psutil
import pytest

from course_utils.lab import notebooks, server
from course_utils.lab.server import lab_environment

COMMAND = "from course_utils.cli import app; app()"
SERVE = (
    "import sys; from pathlib import Path; from course_utils.lab import serve; "
    "serve.main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])"
)


@contextlib.contextmanager
def started(code: str, *arguments: str, stdin: int = subprocess.DEVNULL, **variables: str) -> Iterator[Popen[str]]:
    """A process of Python with this code; whatever happens, it ends, and what it has started."""
    command = [sys.executable, "-c", code, *arguments]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", **variables}
    process = Popen(command, env=environment, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    patience = threading.Timer(300, process.kill)  # its output ends then, and the test fails
    patience.start()
    try:
        yield process
    finally:
        patience.cancel()
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
        process.kill()
        process.communicate()


def answer(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=60) as answered:
        return answered.read()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="a terminal, and what Linux says of processes")
def test_the_command_becomes_a_server_that_ctrl_c_ends(tmp_path):
    import pty

    folder = str(tmp_path / "mine")
    keyboard, terminal = pty.openpty()
    try:
        state = str(tmp_path / "state")
        with started(COMMAND, "lab", folder, "4", "--no-browser", stdin=terminal, COURSE_STATE=state) as process:
            line = process.stdout.readline()
            assert line.startswith(f"{folder} is open at http://127.0.0.1:")
            address = line.split(" at ")[1].split(" ")[0]
            assert f"/lab/tree/{notebooks.find('04').name}?token=" in address
            assert b"JupyterLab" in answer(address)
            base, token = address.split("/lab/tree/")[0], address.split("token=")[1]
            there = json.loads(answer(f"{base}/api/contents?token={token}"))
            assert {notebooks.find(number).name for number in notebooks.numbers()} < {
                one["name"] for one in there["content"]
            }

            server = psutil.Process(process.pid)
            assert "course_utils.lab.serve" in server.cmdline()
            assert server.ppid() == os.getpid()  # no process of the command is left between
            assert not any("libtorch" in each.path for each in server.memory_maps())
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
            assert (process.stdout.read(), process.stderr.read()) == ("", "")
            assert "Jupyter Server" in (tmp_path / "state" / "lab.log").read_text()
    finally:
        os.close(keyboard)
        os.close(terminal)


@pytest.mark.slow
def test_a_server_that_does_not_start_names_its_log(tmp_path):
    log = tmp_path / "new" / "lab.log"
    with started(SERVE, str(log), "mine", "--ServerApp.port=nonsense") as process:
        printed, sentence = process.communicate()
    assert process.returncode == 1
    assert printed == ""
    assert sentence.startswith("course: JupyterLab has ended (")
    assert "nonsense" in sentence
    assert sentence.endswith(f"its log is {log}.\n")
    assert "nonsense" in log.read_text()


def test_jupyter_prefers_this_environment():
    assert lab_environment()["JUPYTER_PREFER_ENV_PATH"] == "1"


@pytest.mark.slow
def test_a_port_that_another_program_took_first_is_left_to_it(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken, [free] = other.getsockname()[1], server.free_ports(1)
        ports = iter([taken, free])
        monkeypatch.setattr(server, "free_ports", lambda count: [next(ports)])
        with server.running_lab(tmp_path) as lab:
            assert lab.url.endswith(f":{free}")
            assert "started" in json.loads(answer(f"{lab.url}/api/status?token={lab.token}"))
        monkeypatch.setattr(server, "free_ports", lambda count: [taken])
        with pytest.raises(OSError, match="JupyterLab did not start"), server.running_lab(tmp_path):
            pass
