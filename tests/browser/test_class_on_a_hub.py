"""A class on JupyterHub: students log in, work, are killed and come back; nobody's work or progress is lost."""

import json
import shutil
import urllib.error
import urllib.request

import nbformat
import pytest
from playwright.sync_api import expect
from trial_hub import log_in, running_hub, servers_of
from typer.testing import CliRunner

from course_utils import cli
from course_utils.consent import seed_of
from course_utils.exercises import find, progress, share, solution
from course_utils.experiments import class_point, class_seed
from course_utils.lab.browser import run_all
from course_utils.paths import NOTEBOOKS, ROOT
from course_utils.teaching.hub.hand_out import FOLDER

pytestmark = pytest.mark.browser
STUDENTS = ("ada", "grace", "kay")
SHARING = STUDENTS[:2]
PROXY = ROOT / ".venv" / "web" / "node_modules" / ".bin" / "configurable-http-proxy"


@pytest.fixture
def hub(tmp_path):
    if not PROXY.exists():
        pytest.fail("The hub's proxy is missing: install Node.js with npm, then run `make teach`.", pytrace=False)
    with running_hub(tmp_path, COURSE_HUB_INSTRUCTORS="teacher, grace") as hub:
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
    assert "2 students share" in terminal.invoke(cli.app, ["class", "--once"]).output
    assert "COURSE_HUB_NAMES must be yes" in terminal.invoke(cli.app, ["class", "--once", "--names"]).output
    ada_runs_a_live_cell(hub, monkeypatch)
    while (
        "Students who count: 1; who do not: 0."
        not in terminal.invoke(cli.app, ["class", "--claim", "08.shift"]).output
    ):
        teacher.wait_for_timeout(500)
    assert (
        "COURSE_HUB_NAMES must be yes" in terminal.invoke(cli.app, ["class", "--claim", "08.shift", "--names"]).output
    )

    there = pages["kay"].context.new_page()
    assert there.goto(f"{hub.url}/services/class/").status == 403
    there.close()
    service = f"http://127.0.0.1:{hub.class_port}/services/class"
    variables = servers_of("kay")[0].environ()
    own, reports = variables["JUPYTERHUB_API_TOKEN"], variables["COURSE_CLASS_TOKEN"]
    assert shutil.which("course", path=variables["PATH"]), "`course share on` needs its path in a terminal of the lab"
    statuses = {
        "a table for a student": answer_of(f"{service}/table.json", own, "GET"),
        "the class's runs for a student": answer_of(f"{service}/runs.json?claim=08.shift", own, "GET"),
        "a report with another token": answer_of(f"{service}/mine", own, "POST"),
        "a report with no token": answer_of(f"{service}/mine", "guess", "POST"),
        "the hub with the token for reports": answer_of(f"{hub.url}/hub/api/users/kay/tokens", reports, "GET"),
        "the server with the token for reports": answer_of(f"{hub.url}/user/kay/api/contents", reports, "GET"),
    }
    assert set(statuses.values()) <= {403, 404}, statuses
    assert answer_of(f"{service}/mine", reports, "POST") == 204
    expect(teacher.locator("#students")).to_have_text("3 students sharing")
    assert answer_of(f"{service}/mine", reports, "DELETE") == 204

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
        for _ in range(30):  # until the hub has noticed
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
