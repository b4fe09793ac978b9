"""JupyterLab of this environment, for ``course lab`` and for tests and measurements."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from course_utils.paths import ROOT


def lab_command() -> list[str]:
    """The command for JupyterLab. Root, common in containers, needs an extra option."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [sys.executable, "-m", "jupyterlab", *(["--allow-root"] if root else [])]


def lab_environment() -> dict[str, str]:
    """Environment in which JupyterLab does not fetch news, so that the course works offline.

    It also has the course's extension, which says what to do where a widget has lost its kernel.
    """
    ours = Path(__file__).parent
    paths = {"JUPYTER_CONFIG_PATH": ours, "JUPYTER_PATH": ours / "jupyter"}
    own = {name: os.pathsep.join(filter(None, [str(path), os.getenv(name)])) for name, path in paths.items()}
    return {**os.environ, **own}


def run_server(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
    """Run a server in the folder until it ends; → the exit code. Signals that ask this process to end go to it.

    A terminal sends Ctrl-C to the server itself, which may ask a question; this process waits for it.
    """
    server: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def forward(number: int, frame: Any) -> None:
        if number == signal.SIGINT and sys.stdin is not None and sys.stdin.isatty():
            return
        for each in server:
            each.send_signal(number)
        early.append(number)

    asked = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.signal(number, forward) for number in asked}
    try:
        server.append(subprocess.Popen(command, cwd=folder, env=environment))
        if early:  # between the two lines above
            server[0].terminate()
        code = server[0].wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its folder, address and token."""

    folder: Path
    url: str
    token: str

    def address(self, notebook: str) -> str:
        """The address of a notebook of the folder."""
        return f"{self.url}/lab/tree/{notebook}?token={self.token}&reset"


@contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """JupyterLab on the folder and a free port of this machine, with temporary settings and state.

    Raises OSError, with its log, if it ends before it answers.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    lab = Lab(folder, f"http://127.0.0.1:{port}", secrets.token_hex(8))
    with TemporaryDirectory(ignore_cleanup_errors=True) as kept, (Path(kept) / "log").open("w") as log:
        home = Path(kept)
        environment = {
            **lab_environment(),
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
            "COURSE_STATE": str(home / "state"),
            "PYTHONPATH": str(ROOT),
        }
        command = [
            *lab_command(),
            "--no-browser",
            f"--port={port}",
            "--ServerApp.ip=127.0.0.1",
            f"--IdentityProvider.token={lab.token}",
            f"--ServerApp.root_dir={folder}",
        ]
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            for _ in range(240):
                try:
                    urllib.request.urlopen(f"{lab.url}/api?token={lab.token}", timeout=1)
                    break
                except (urllib.error.URLError, OSError):
                    if server.poll() is not None:
                        raise OSError(f"JupyterLab did not start:\n{(home / 'log').read_text()}") from None
                    time.sleep(0.25)
            yield lab
        finally:
            server.terminate()
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                server.kill()
