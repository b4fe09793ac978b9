"""A real JupyterLab and a real browser for the widgets and the notebooks."""

import os
import secrets
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from running import run_all

from course_utils.cli import lab_command, lab_environment
from course_utils.doctor import chromium
from course_utils.paths import ROOT

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its folder, address and token."""

    folder: Path
    url: str
    token: str


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.fail(
            "The browser tests need Chromium, and none was found: run `sudo apt-get install chromium`, or set "
            "COURSE_CHROMIUM to the path of any Chromium or Chrome.",
            pytrace=False,
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory) -> Iterator[Lab]:
    """JupyterLab as `course lab` starts it, on a free port, with settings and state of its own."""
    home = tmp_path_factory.mktemp("jupyter")
    folder = tmp_path_factory.mktemp("notebooks")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(8)
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
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={folder}",
    ]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{url}/api?token={token}", timeout=1)
                break
            except (urllib.error.URLError, OSError):
                assert server.poll() is None, (home / "log").read_text()
                time.sleep(0.25)
        yield Lab(folder, url, token)
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()


@pytest.fixture
def run_notebook(browser, lab) -> Iterator[Callable[..., Page]]:
    """run_notebook(path): open a copy in JupyterLab, run all cells, wait until the kernel is idle; → the page."""
    pages = []

    def run(path: Path, seconds: float = 60, theme: str = "light", width: int = 1280, height: int = 1000) -> Page:
        copied = lab.folder / path.name
        if path != copied:
            shutil.copy(path, copied)
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
        page = context.new_page()
        page.set_default_timeout(30_000)
        pages.append(context)
        page.goto(f"{lab.url}/lab/tree/{path.name}?token={lab.token}&reset")
        run_all(page, seconds)
        return page

    yield run
    for context in pages:
        context.close()


@pytest.fixture
def run_cells(run_notebook, lab, request) -> Callable[[Sequence[str], str], Page]:
    """run_cells(sources, awaited): a notebook of these code cells, run; → the page, once it shows the CSS selector."""

    def run(sources: Sequence[str], awaited: str) -> Page:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
        notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
        path = lab.folder / f"{request.path.stem}.ipynb"
        nbformat.write(notebook, path)
        page = run_notebook(path)
        page.locator(awaited).wait_for(timeout=20_000)
        return page

    return run


@pytest.fixture
def picture(tmp_path) -> Callable[[str], Path]:
    """Where a screenshot goes: docs/images when COURSE_SCREENSHOTS=1, else a folder that is thrown away."""
    kept = os.environ.get("COURSE_SCREENSHOTS") == "1"

    def path(name: str) -> Path:
        return (ROOT / "docs" / "images" if kept else tmp_path) / f"{name}.png"

    return path
