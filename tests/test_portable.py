"""Windows and macOS, as far as Linux can tell: what POSIX alone has is not needed, and every text has an encoding."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

import pytest
import yaml

from course_utils.exercises.listed import listed
from course_utils.paths import ROOT

PACKAGE = ROOT / "course_utils"
TEXT_MODE = {"text", "universal_newlines"}


@pytest.fixture(scope="module")
def as_windows():
    command = [sys.executable, ROOT / "tests" / "as_windows.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_every_module_can_be_imported_without_what_windows_lacks(as_windows):
    assert as_windows["as Windows"] == [True, False]
    assert as_windows["modules"] == {}


@pytest.mark.slow
def test_commands_training_and_checks_work_without_what_windows_lacks(as_windows):
    for line, (code, printed, error) in as_windows["commands"].items():
        assert code == 0, f"{line}: {printed}\n{error}"
    assert "def patchify(" in as_windows["commands"]["solve 04.patchify"][1]
    assert "00.causal_mask" in as_windows["commands"]["check 00"][1]
    continued, at_once = as_windows["losses"]
    assert continued == at_once
    assert as_windows["answers"] == ["passed", "known misconception", "too slow"]


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))


def without_encoding(call: ast.Call) -> bool:
    """Whether a call reads or writes text in the system's encoding: on Windows not UTF-8, whose files these are."""
    words = {keyword.arg: keyword.value for keyword in call.keywords}
    if "encoding" in words:
        return False
    method = isinstance(call.func, ast.Attribute)
    name = call.func.attr if method else getattr(call.func, "id", "")
    if name == "read_text":
        return not call.args
    if name == "write_text":
        return len(call.args) < 2
    if name not in ("open", "fdopen"):
        return any(isinstance(words.get(word), ast.Constant) and words[word].value for word in TEXT_MODE)
    owner = ast.unparse(call.func.value) if method else ""
    if (
        name == "open" and owner and not re.search(r"\b(path|Path|file|log|partial)\b", owner)
    ):  # of an image, an archive, the system
        return False
    place = 0 if name == "open" and owner else 1
    mode = words.get("mode") or next(iter(call.args[place : place + 1]), ast.Constant("r"))
    return isinstance(mode, ast.Constant) and "b" not in mode.value


# What they read and write without one are Linux's own files in /proc and /sys.
OF_LINUX = {"costs.py", "bench/hostile.py", "exercises/confined.py", "exercises/forked.py"}
OF_LINUX |= {"teaching/grading/fence.py", "teaching/grading/isolation.py"}


def test_every_text_names_its_encoding():
    for path in PACKAGE.rglob("*.py"):
        if path.relative_to(PACKAGE).as_posix() in OF_LINUX:
            continue
        for call in calls(path):
            assert not without_encoding(call), f"{path}:{call.lineno}: {ast.unparse(call)}: add encoding='utf-8'"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("path.read_text()", True),
        ("path.read_text(encoding='utf-8')", False),
        ("path.write_text(text)", True),
        ("open(name)", True),
        ("open(name, 'rb')", False),
        ("path.open('w')", True),
        ("partial.open('wb')", False),
        ("os.fdopen(number, 'w')", True),
        ("os.open(name, os.O_RDONLY)", False),
        ("subprocess.run(command, text=True)", True),
        ("subprocess.run(command)", False),
        ("display(text=True and found)", False),
        ("image.open(name)", False),
    ],
)
def test_what_counts_as_a_text_without_encoding(code, found):
    (call,) = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call))
    assert without_encoding(call) == found


def test_processes_are_spawned_as_everywhere():
    """On Linux a forked process works where a spawned one, as on Windows and macOS, does not."""
    forks = {"teaching/grading/examiner.py"}  # on Linux, from a server that has imported everything
    starts = re.compile(r"multiprocessing|get_context|ProcessPoolExecutor")
    for path in (path for path in PACKAGE.rglob("*.py") if starts.search(path.read_text(encoding="utf-8"))):
        for call in calls(path):
            said = ast.unparse(call)
            name = ast.unparse(call.func).rpartition(".")[2]
            if name in ("get_context", "set_start_method") and path.relative_to(PACKAGE).as_posix() not in forks:
                assert "spawn" in said, f"{path}:{call.lineno}: {said}"
            if name == "ProcessPoolExecutor":
                assert "spawn" in said.lower() or "context" in said, f"{path}:{call.lineno}: {said}"
            assert said.split("(")[0] not in ("multiprocessing.Process", "multiprocessing.Pool"), f"{path}: {said}"


RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}


def test_the_names_of_all_files_are_allowed_on_windows_and_macos():
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True).stdout.decode().split("\0")[:-1]
    names = names or [path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*")]
    assert len({name.lower() for name in names}) == len(names)  # they do not tell A from a
    for name in names:
        assert len(name) < 140, f"{name}: below a long folder its path would have more than 260 characters"
        for part in PureWindowsPath(name).parts:
            assert not re.search(r'[<>:"\\|?*\x00-\x1f]|[. ]$', part), name
            assert part.partition(".")[0].lower() not in RESERVED, name


AS_A_COMMAND = """
import sys
from course_utils.cli import app
try:
    app(sys.argv[1:])
finally:
    sys.stderr.write(f"slow imports: {[name for name in ('torch', 'nbformat') if name in sys.modules]}")
"""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--help", "Attention for Vision: a course in notebooks."),
        ("check", f"0 of {len(listed())} passed"),
        ("solve 04.patchify", "→"),
        ("solve 04.patchfy", ""),
        ("demo", "│ patches │ 04"),
    ],
)
def test_quick_commands_print_utf_8_into_any_pipe_and_import_nothing_slow(arguments, words, tmp_path):
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0", "PYTHONPATH": str(ROOT)}
    environment |= {"COURSE_STATE": str(tmp_path), "COLUMNS": "100"}
    command = [sys.executable, "-c", AS_A_COMMAND, *arguments.split()]
    done = subprocess.run(command, capture_output=True, env=environment)
    printed, said = done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
    assert done.returncode == (0 if words else 2), said
    assert words in re.sub(" +", " ", printed)
    assert said.endswith("slow imports: []")


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_only_read_and_names_the_version_of_each_action(path):
    """actionlint checks the rest: see CONTRIBUTING.md."""
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            if "uses" in step:
                assert re.search(r"@(v\d+(\.\d+)*|release/v\d+)$", step["uses"]), step["uses"]
            if step.get("uses", "").startswith("actions/checkout"):
                assert step["with"]["persist-credentials"] is False
