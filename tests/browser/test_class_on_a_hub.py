"""A class on JupyterHub: students log in, work, are killed and come back; nobody's work or progress is lost."""

import json
import os
import shutil
import sys
import urllib.error
import urllib.request

import nbformat
import pytest
from deployed import IMAGE, VALUES
from playwright.sync_api import expect
from trial_hub import log_in, running_hub, servers_of
from typer.testing import CliRunner

from course_utils import cli
from course_utils.consent import seed_of
from course_utils.exercises import find, progress, share, solution
from course_utils.experiments import class_point, class_seed
from course_utils.lab.browser import run_all
from course_utils.paths import NOTEBOOKS, ROOT
from course_utils.teaching.hub import health
from course_utils.teaching.hub.hand_out import FOLDER

pytestmark = pytest.mark.browser
STUDENTS = ("ada", "grace", "kay")
SHARING = STUDENTS[:2]
IN_THE_IMAGE = "kay"
AS_IN_THE_IMAGE = """
from jupyterhub.spawner import SimpleLocalProcessSpawner

class OneAsInTheImage(SimpleLocalProcessSpawner):
    def start(self):
        if self.user.name == {student!r}:
            self.cmd = {command!r}
        return super().start()

    def get_env(self):
        all_here = super().get_env()
        if self.user.name != {student!r}:
            return all_here
        of_hub = ("HOME", "USER", "SHELL", "COURSE_CLASS")
        kept = {{name: all_here[name] for name in all_here if name.startswith("JUPYTERHUB_") or name in of_hub}}
        return {{**{environment!r}, **kept}}

c.JupyterHub.spawner_class = OneAsInTheImage
"""


def as_in_the_image() -> str:
    """Configuration: one student's server starts with the image's command,
    variables and nothing else of this machine.
    """
    own = dict(pair.split("=") for pair in IMAGE["ENV"].split())
    own["PATH"] = own["PATH"].replace("/opt/course/bin", os.path.dirname(sys.executable)).replace("$PATH", os.defpath)
    entry = json.loads(IMAGE["ENTRYPOINT"])
    entry = [sys.executable, *entry[entry.index("python") + 1 :]]  # tini only collects what has ended
    command = [*entry, VALUES["singleuser"]["cmd"]]
    environment = {**own, **VALUES["singleuser"]["extraEnv"]}
    return AS_IN_THE_IMAGE.format(student=IN_THE_IMAGE, command=command, environment=environment)


PROXY = ROOT / ".venv" / "web" / "node_modules" / ".bin" / "configurable-http-proxy"


@pytest.fixture
def hub(tmp_path):
    if not PROXY.exists():
        pytest.fail("The hub's proxy is missing: install Node.js with npm, then run `make teach`.", pytrace=False)
    with running_hub(tmp_path, config=as_in_the_image(), COURSE_HUB_INSTRUCTORS="teacher, grace") as hub:
        yield hub


def in_lab(browser, hub, student: str):
    """The student's page, once their server shows the first notebook."""
    page = log_in(browser, hub, student, viewport={"width": 1200, "height": 900})
    page.wait_for_url(f"**/user/{student}/lab/**")
    page.get_by_role("tab", name="00_attention_recap.ipynb").wait_for()
    return page


def work_on(page, url: str, student: str, name: str):
    page.goto(f"{url}/user/{student}/lab/tree/{FOLDER}/{name}?reset")
    page.locator(".jp-Notebook").wait_for()


def answer_of(address: str, token: str, method: str) -> int:
    """The status of a request with a token."""
    asked = urllib.request.Request(address, b"{}", {"Authorization": f"token {token}"}, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def ada_runs_a_live_cell(hub, monkeypatch):
    """What notebook 08's live cell leaves, with the seed of her account."""
    monkeypatch.setenv("COURSE_STATE", str(hub.state("ada")))
    seed = class_seed(10)
    assert seed == seed_of("ada")
    rows = [
        {"windows": windows, "seed": seed, "accuracy": value} for windows, value in (("fixed", 0.5), ("shifted", 1.0))
    ]
    class_point("08.shift", "shapes", rows)


def look_at_the_class(browser, hub, pages, monkeypatch):
    """The instructor sees those who share; a student sees nothing and reports for nobody else."""
    teacher = log_in(browser, hub, "teacher", next="/services/class/")
    expect(teacher.locator("#students")).to_have_text(f"{len(SHARING)} students sharing")
    bar = teacher.get_by_role("row", name="00.causal_mask").locator(".bar")
    expect(bar).to_have_attribute("aria-label", "2 passed, 0 trying, 0 not begun")
    assert not any(student in teacher.content() for student in STUDENTS)

    variables = servers_of("grace")[0].environ()
    for name in ("COURSE_CLASS", "JUPYTERHUB_API_TOKEN"):
        monkeypatch.setenv(name, variables[name])
    terminal = CliRunner()

    def until(words, *command):  # a report that was late is repeated within a minute
        while words not in terminal.invoke(cli.app, command).output:
            teacher.wait_for_timeout(500)

    until("2 students share", "class", "--once")
    assert "COURSE_HUB_NAMES must be yes" in terminal.invoke(cli.app, ["class", "--once", "--names"]).output
    ada_runs_a_live_cell(hub, monkeypatch)
    until("Students who count: 1; who do not: 0.", "class", "--claim", "08.shift")
    assert (
        "COURSE_HUB_NAMES must be yes" in terminal.invoke(cli.app, ["class", "--claim", "08.shift", "--names"]).output
    )

    there = pages["kay"].context.new_page()
    assert there.goto(f"{hub.url}/services/class/").status == 403
    there.close()
    service = f"http://127.0.0.1:{hub.class_port}/services/class"
    variables = servers_of("kay")[0].environ()
    own = variables["JUPYTERHUB_API_TOKEN"]
    graces = servers_of("grace")[0].environ()["JUPYTERHUB_API_TOKEN"]
    assert shutil.which("course", path=variables["PATH"]), "`course share on` needs its path in a terminal of the lab"
    assert "PYTHONPATH" not in variables, "this server is not started as in the image"
    monkeypatch.setenv("JUPYTERHUB_SERVICE_URL", variables["JUPYTERHUB_SERVICE_URL"])
    health.main()
    statuses = {
        "a table for a student": answer_of(f"{service}/table.json", own, "GET"),
        "the class's runs for a student": answer_of(f"{service}/runs.json?claim=08.shift", own, "GET"),
        "a report with no token": answer_of(f"{service}/mine", "guess", "POST"),
        "a report of a service": answer_of(f"{service}/mine", hub.token, "POST"),
        "a token from the token of a server": answer_of(f"{hub.url}/hub/api/users/kay/tokens", own, "POST"),
        "another's server": answer_of(f"{hub.url}/user/kay/api/contents", graces, "GET"),
    }
    assert set(statuses.values()) <= {403, 404}, statuses
    assert answer_of(f"{service}/mine", own, "POST") == 204
    expect(teacher.locator("#students")).to_have_text("3 students sharing")
    assert answer_of(f"{service}/mine", own, "DELETE") == 204
    expect(teacher.locator("#students")).to_have_text("2 students sharing")

    monkeypatch.setenv("COURSE_STATE", str(hub.state("ada")))
    share("off")
    expect(teacher.locator("#students")).to_have_text("1 student sharing")
    teacher.context.close()


def test_students_are_killed_and_come_back_to_their_work_and_progress(hub, browser, tmp_path, monkeypatch):
    pages = {student: in_lab(browser, hub, student) for student in STUDENTS}
    for student in STUDENTS:
        handed_out = sorted(path.name for path in (tmp_path / "home" / student / FOLDER).glob("*.ipynb"))
        assert handed_out == sorted(path.name for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))

    answer = solution("00.causal_mask") + "causal_mask = check('00.causal_mask', causal_mask)\n"
    for student, page in pages.items():
        empty = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell()])
        empty.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
        nbformat.write(empty, tmp_path / "home" / student / FOLDER / "work.ipynb")
        work_on(page, hub.url, student, "work.ipynb")
        page.locator(".jp-CodeCell .cm-content").click()
        sharing = "share('on')\n" if student in SHARING else ""
        lines = f"import torch\nfrom course_utils.exercises import check, share\n{answer}{sharing}mine = '{student}'"
        page.locator(".jp-CodeCell .cm-content").fill(lines)
        run_all(page, 300)
        expect(page.locator(".jp-OutputArea-output").first).to_contain_text("passed")
        page.keyboard.press("Control+s")
        expect(page.locator(".jp-mod-dirty")).to_have_count(0)
    for student in STUDENTS:
        record = tmp_path / "home" / student / ".course" / "progress" / "00.causal_mask.json"
        assert json.loads(record.read_text())["attempts"] == 1
    look_at_the_class(browser, hub, pages, monkeypatch)

    secrets = list((tmp_path / "state").iterdir())
    assert {path.name for path in secrets} >= {"jupyterhub.sqlite", "jupyterhub_cookie_secret"}
    assert {path.stat().st_mode & 0o777 for path in secrets} == {0o600}
    assert not list((tmp_path / "cwd").iterdir()), "the hub has written into the folder in which it was started"
    for copied in (tmp_path / "home" / "ada" / FOLDER).glob("00_*.ipynb"):
        assert copied.stat().st_mode & 0o044 == 0o044, "a student's files have the hub's umask"

    survivor, *killed = STUDENTS
    for student in killed:
        (server,) = servers_of(student)
        kernels = server.children(recursive=True)
        assert kernels
        for process in (server, *kernels):
            process.kill()
    for student in killed:
        page = pages[student]
        for _ in range(600):  # until the hub has noticed
            page.goto(f"{hub.url}/user/{student}/lab")
            if page.locator("#start").count():
                break
            page.wait_for_timeout(500)
        page.locator("#start").click()
        page.wait_for_url(f"**/user/{student}/lab**")
        work_on(page, hub.url, student, "work.ipynb")
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
