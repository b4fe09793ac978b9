"""The course as a wheel, for somebody who may write nothing where it is installed and has another kernel at home."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_utils.lab import notebooks
from course_utils.paths import DATA, NOTEBOOKS, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="accounts of Unix")]

LARGEST = 11 * 2**20  # bytes of the wheel
NOBODY = 65534
READING = "dac_read_search"  # may read everything, as this Python may be in the home of root; may write nothing
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
AS_NOBODY += [f"--inh-caps=-all,+{READING}", f"--ambient-caps=-all,+{READING}", f"--bounding-set=-all,+{READING}"]
COMMAND = "from course_utils.cli import app; app()"
COMMANDS = """
import shlex, sys
from typer.testing import CliRunner
from course_utils import cli
for line in sys.stdin.read().splitlines():
    done = CliRunner().invoke(cli.app, shlex.split(line))
    print(f"<{line}> {done.exit_code} {done.output} {done.exception or ''}")
"""
FOR_STUDENTS = ("check 00", "solve 04.patchify", "solve 04", "data status", "train", "doctor", "run tried.ipynb")
FOR_STUDENTS += ("demo", "demo windows --build stick --no-browser", "train sweep-twins")
FOR_DEVELOPERS = ("lab --edit", "exercise 00.attend", "demo windows --renew")


@dataclass(frozen=True)
class User:
    """An account with a home, the wheel, which it cannot change, and the libraries of this environment."""

    home: Path
    site: Path
    become: list[str]
    environment: dict[str, str]

    def popen(self, *arguments: str) -> subprocess.Popen[str]:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command = [*self.become, sys.executable, *arguments]
        return subprocess.Popen(command, env=self.environment, cwd=self.home, **pipes)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def user(wheel) -> Iterator[User]:
    """Not root: a root that runs the tests becomes *nobody*."""
    become = AS_NOBODY if os.geteuid() == 0 else []
    if become and (not shutil.which("setpriv") or subprocess.run([*become, "true"]).returncode):
        pytest.skip("root cannot become another account here")
    folder = Path(tempfile.mkdtemp())  # not below pytest's, which others may not enter
    site, home = folder / "site", folder / "home"
    with zipfile.ZipFile(wheel) as packed:  # what pip does with a wheel of Python alone
        packed.extractall(site)
    kernel = home / ".local/share/jupyter/kernels/python3/kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text(json.dumps({"argv": ["false"], "display_name": "Another", "language": "python"}))
    tried = new_notebook(cells=[new_code_cell("import course_utils.paths as p; print('at', p.CONTENT)", id="a")])
    nbformat.write(tried, home / "tried.ipynb")
    folder.chmod(0o755)
    subprocess.run(["chmod", "-R", "a=rX", site], check=True)
    if become:
        subprocess.run(["chown", "-R", str(NOBODY), home], check=True)
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "OMP_NUM_THREADS") if name in os.environ}
    environment |= {
        "HOME": str(home),
        "PYTHONPATH": str(site),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }
    yield User(home, site, become, environment)
    left = [one for one in psutil.process_iter(["environ"]) if (one.info["environ"] or {}).get("HOME") == str(home)]
    for one in left:  # such as npm, which JupyterLab asks where it is, and which writes its log there
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(left)
    subprocess.run(["chmod", "-R", "u+w", folder], check=True)
    shutil.rmtree(folder)


def test_the_wheel_carries_what_a_student_needs_and_nothing_for_teachers(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    content = {
        name.removeprefix("course_utils/content/") for name in names if name.startswith("course_utils/content/")
    }
    assert {f"notebooks/{notebooks.find(number).name}" for number in notebooks.numbers()} <= content
    kinds = (
        "checkpoints/*.safetensors",
        "checkpoints/*.json",
        "results/*.csv",
        "papers/*.csv",
        "weights/*.toml",
        "demos/*",
    )
    for kind in kinds:
        shipped = {path.relative_to(DATA.parent).as_posix() for path in DATA.glob(kind)}
        assert shipped
        assert shipped <= content, kind
    assert "notebooks/course.toml" in content
    assert not {
        name for name in content if Path(name).name in ("INSTRUCTOR.md", "LECTURE.md") or name.startswith("tests")
    }
    assert all(name.startswith(("course_utils/", "attention_for_vision-")) for name in names)
    assert wheel.stat().st_size < LARGEST
    entry_points = next(name for name in names if name.endswith("entry_points.txt"))
    assert b"course = course_utils.cli:app" in zipfile.ZipFile(wheel).read(entry_points)


def test_every_command_of_a_student_works_and_writes_only_at_home(user):
    process = user.popen("-P", "-c", COMMANDS)
    printed, errors = process.communicate("\n".join(lines := [*FOR_STUDENTS, *FOR_DEVELOPERS]))
    assert process.returncode == 0, errors
    answers = {line: printed.split(f"<{line}> ")[1].split("\n<")[0] for line in lines}
    for line in FOR_DEVELOPERS:
        assert " is part of the course, which is installed in " in answers.pop(line)
    for said in answers.values():
        assert said.startswith("0 "), said
    assert "00.attend" in answers["check 00"]
    assert "def patchify(" in answers["solve 04.patchify"]
    assert "attention-for-vision/solved/04_" in answers["solve 04"]
    assert "fashion-vit-small" in answers["train"]
    assert "windows" in answers["demo"]
    assert "Progress" in answers["doctor"]
    kept = user.home / ".local/share/attention-for-vision"
    assert (kept / "results/sweep-twins.csv").read_bytes() == (DATA / "results/sweep-twins.csv").read_bytes()
    assert (user.home / "stick/windows.html").exists()


@contextlib.contextmanager
def lab_of(user: User) -> Iterator[str]:
    """The address that ``course lab`` prints, and afterwards nothing."""
    process = user.popen("-P", "-c", COMMAND, "lab", "--no-browser")
    try:
        line = process.stdout.readline()
        assert " is open at " in line, process.communicate()
        yield line.split(" is open at ")[1].split(" ")[0]
    finally:
        process.kill()
        process.communicate()


def asked(address: str, path: str, content: object = None) -> dict:
    """The answer of Jupyter's API at the server of that address; content: what to write there."""
    base, token = address.split("/lab/tree/")[0], address.split("token=")[1]
    body = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(f"{base}/api/{path}?token={token}", body, method="PUT" if body else "GET")
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.loads(answer.read())


def test_the_lab_opens_a_copy_that_can_be_saved_with_the_kernel_of_this_environment(user):
    copy, name = user.home / "attention-for-vision", notebooks.find("00").name
    with lab_of(user) as address:
        assert f"/lab/tree/{name}?token=" in address
        notebook = asked(address, f"contents/{name}")["content"]
        notebook["cells"][0]["source"] = "mine"
        asked(address, f"contents/{name}", {"type": "notebook", "content": notebook})
        assert asked(address, "kernelspecs")["kernelspecs"]["python3"]["spec"]["display_name"] != "Another"
    assert nbformat.read(copy / name, as_version=4).cells[0].source == "mine"
    assert sorted(path.name for path in copy.glob("*.ipynb")) == sorted(
        path.name for path in NOTEBOOKS.glob("*.ipynb")
    )
    assert not (copy / "INSTRUCTOR.md").exists()
    assert (user.home / ".local/share/attention-for-vision/lab.log").exists()
