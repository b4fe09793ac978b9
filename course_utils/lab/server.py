"""JupyterLab of this environment, for ``course lab`` and for tests and measurements."""

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from course_utils.paths import ROOT

OURS = Path(__file__).parent
STARTS = 3  # of a server, with another port each
PATIENCE = 600  # seconds for the first answer, on a machine that is busy with something else


def lab_options(folder: Path) -> list[str]:
    """Options for JupyterLab on the folder. Root, common in containers, needs one more."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [f"--ServerApp.root_dir={folder}", *(["--allow-root"] if root else [])]


def lab_environment(settings: Path = OURS) -> dict[str, str]:
    """Environment in which JupyterLab does not fetch news, so that the course works offline.

    It also has the course's extension, which says what to do where a widget has lost its kernel. settings: the folder
    of Jupyter's settings.
    """
    paths = {"JUPYTER_CONFIG_PATH": settings, "JUPYTER_PATH": OURS / "jupyter"}
    own = {name: os.pathsep.join(filter(None, [str(path), os.getenv(name)])) for name, path in paths.items()}
    return {**os.environ, **own}


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

    Raises OSError, with its log, if it ends before it answers, or does not answer in ten minutes.
    """
    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as kept,
        (Path(kept) / "log").open("w+", encoding="utf-8") as log,
    ):
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
        for _ in range(STARTS):
            [port] = free_ports(1)
            lab = Lab(folder, f"http://127.0.0.1:{port}", secrets.token_hex(8))
            server = subprocess.Popen(_command(lab), env=environment, stdout=log, stderr=subprocess.STDOUT)
            try:
                if _answers(server, lab):
                    yield lab
                    return
            finally:
                server.terminate()
                try:
                    server.wait(15)
                except subprocess.TimeoutExpired:
                    server.kill()
        log.seek(0)
        raise OSError(f"JupyterLab did not start:\n{log.read()}")


def free_ports(count: int) -> list[int]:
    """Different ports of this machine that were free when it was asked; another program can still take one first."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _command(lab: Lab) -> list[str]:
    own = ["--no-browser", "--ServerApp.ip=127.0.0.1", f"--IdentityProvider.token={lab.token}"]
    port = [f"--port={lab.url.rpartition(':')[2]}", "--ServerApp.port_retries=0"]
    return [sys.executable, "-m", "jupyterlab", *lab_options(lab.folder), *own, *port]


def _answers(server: subprocess.Popen[bytes], lab: Lab) -> bool:
    """Wait for the server's first answer; False if it ends before, such as without its port, or never comes."""
    ends = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < ends:
        try:
            urllib.request.urlopen(f"{lab.url}/api?token={lab.token}", timeout=10).close()
            return True
        except OSError:
            time.sleep(0.25)
    return False
