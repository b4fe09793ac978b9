"""A class on JupyterHub: students log in, work, are killed and come back; nobody's work or progress is lost."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import nbformat
import psutil
import pytest
from playwright.sync_api import expect

from course_utils.exercises import find, progress, solution
from course_utils.lab.browser import run_all
from course_utils.paths import NOTEBOOKS, ROOT
from course_utils.teaching.hub.hand_out import FOLDER

pytestmark = pytest.mark.browser
STUDENTS = ("ada", "grace", "kay")
CONFIG = ROOT / "course_utils" / "teaching" / "hub" / "jupyterhub_config.py"
PROXY = ROOT / ".venv" / "web" / "node_modules" / ".bin" / "configurable-http-proxy"
# The class's configuration, but on loopback, without passwords, with homes of its own.
TRIAL = """
load_subconfig({config!r})
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {homes!r} + "/{{username}}"
c.Spawner.poll_interval = 1
c.Spawner.args = [*c.Spawner.args, "--allow-root"]
"""


@pytest.fixture
def hub(tmp_path):
    if not PROXY.exists():
        pytest.fail("The hub's proxy is missing: install Node.js with npm, then run `make teach`.", pytrace=False)
    ports = []
    for _ in range(3):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
    port, hub_port, proxy_port = ports
    trial = tmp_path / "trial_config.py"
    trial.write_text(
        TRIAL.format(
            config=str(CONFIG), homes=str(tmp_path / "home"), port=port, hub_port=hub_port, proxy_port=proxy_port
        )
    )
    log = tmp_path / "log"
    with log.open("w") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", f"--config={trial}"],
            cwd=tmp_path,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{url}/hub/health", timeout=1)
                break
            except (urllib.error.URLError, OSError):
                assert server.poll() is None, log.read_text()
                time.sleep(0.25)
        yield url
    finally:
        family = psutil.Process(server.pid).children(recursive=True)
        server.send_signal(signal.SIGINT)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
        for process in psutil.wait_procs(family, timeout=10)[1]:
            process.kill()


def log_in(browser, url: str, student: str):
    """The student's page, once their server shows the first notebook."""
    page = browser.new_context(viewport={"width": 1200, "height": 900}).new_page()
    page.set_default_timeout(300_000)
    page.goto(f"{url}/hub/login")
    page.get_by_label("Username:").fill(student)
    page.get_by_label("Password:").fill("any")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**/user/{student}/lab/**")
    page.get_by_role("tab", name="00_attention_recap.ipynb").wait_for()
    return page


def work_on(page, url: str, student: str, name: str):
    page.goto(f"{url}/user/{student}/lab/tree/{FOLDER}/{name}?reset")
    page.locator(".jp-Notebook").wait_for()


def servers_of(student: str) -> list[psutil.Process]:
    """The student's server; a kernel is its child."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("JUPYTERHUB_USER") == student and "jupyterhub.singleuser" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_students_are_killed_and_come_back_to_their_work_and_progress(hub, browser, tmp_path, monkeypatch):
    pages = {student: log_in(browser, hub, student) for student in STUDENTS}
    for student in STUDENTS:
        handed_out = sorted(path.name for path in (tmp_path / "home" / student / FOLDER).glob("*.ipynb"))
        assert handed_out == sorted(path.name for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))

    answer = solution("00.causal_mask") + "causal_mask = check('00.causal_mask', causal_mask)\n"
    for student, page in pages.items():
        empty = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell()])
        empty.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
        nbformat.write(empty, tmp_path / "home" / student / FOLDER / "work.ipynb")
        work_on(page, hub, student, "work.ipynb")
        page.locator(".jp-CodeCell .cm-content").click()
        lines = f"import torch\nfrom course_utils.exercises import check\n{answer}mine = '{student}'"
        page.locator(".jp-CodeCell .cm-content").fill(lines)
        run_all(page, 300)
        expect(page.locator(".jp-OutputArea-output").first).to_contain_text("passed")
        page.keyboard.press("Control+s")
        expect(page.locator(".jp-mod-dirty")).to_have_count(0)
    for student in STUDENTS:
        record = tmp_path / "home" / student / ".course" / "progress" / "00.causal_mask.json"
        assert json.loads(record.read_text())["attempts"] == 1

    survivor, *killed = STUDENTS
    for student in killed:
        (server,) = servers_of(student)
        kernels = server.children(recursive=True)
        assert kernels
        for process in (server, *kernels):
            process.kill()
    for student in killed:
        page = pages[student]
        for _ in range(30):  # until the hub has noticed
            page.goto(f"{hub}/user/{student}/lab")
            if page.locator("#start").count():
                break
            page.wait_for_timeout(500)
        page.locator("#start").click()
        page.wait_for_url(f"**/user/{student}/lab**")
        work_on(page, hub, student, "work.ipynb")
        expect(page.locator(".jp-CodeCell .cm-content")).to_contain_text(f"mine = '{student}'")
        expect(page.locator(".jp-OutputArea-output").first).to_contain_text("passed")
        run_all(page, 300)
        monkeypatch.setenv("COURSE_STATE", str(tmp_path / "home" / student / ".course"))
        row = next(row for row in progress("00") if row.name == "00.causal_mask")
        assert (row.status, row.attempts) == ("passed", 2)
    assert find("00.causal_mask").title == row.title

    page = pages[survivor]  # nothing happened to this student: the kernel still knows its variables
    page.locator(".jp-CodeCell .cm-content").fill("print(mine * 2)")
    run_all(page, 300)
    expect(page.locator(".jp-OutputArea-output").first).to_contain_text(survivor * 2)
