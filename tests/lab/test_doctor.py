"""``course doctor``: each problem is made true once, and is found, with a remedy that fits the installation."""

import getpass
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from base64 import urlsafe_b64encode
from pathlib import Path

import psutil
import pytest
import torch
from typer.testing import CliRunner

from course_utils import cli
from course_utils.lab import doctor, notebooks
from course_utils.lab.doctor import content, findings, installation, jupyter, machine, packages
from course_utils.lab.doctor.finding import Finding
from course_utils.paths import CHECKPOINTS, NAME, NOTEBOOKS, ROOT


def only(check) -> Finding:
    (finding,) = check()
    return finding


def without(monkeypatch, *modules: str) -> None:
    """As if these modules were not installed."""
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name in modules else real(name, *more)
    )


def distribution(folder: Path, name: str, version: str, *lines: str) -> Path:
    """An installed package of that name, of which there is nothing but its metadata."""
    about = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    about.mkdir(parents=True)
    text = "\n".join(("Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *lines, ""))
    (about / "METADATA").write_text(text, encoding="utf-8")
    return about


def test_this_environment_is_ready_and_the_quick_findings_need_no_pytorch():
    code = (
        "import sys; from course_utils.lab.doctor.findings import CHECKS\n"
        "for check in CHECKS[: [check.__name__ for check in CHECKS].index('torch')]: list(check())\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.stdout == "False\n", done.stderr


@pytest.mark.slow
def test_doctor_prints_every_subject_and_a_verdict():
    result = CliRunner().invoke(cli.app, ["doctor"])
    assert result.exit_code == 0, result.output
    for subject in ("Python", "Course", "Packages", "Kernel", "Widgets", "Progress", "Disk", "Notebooks", "PyTorch"):
        assert f"│ {subject} " in result.output
    for subject in ("Device", "Memory", "Checkpoints", "Tables", "Weights: vit", "Data: fashion_mnist"):
        assert f"│ {subject}" in result.output
    assert result.output.splitlines()[-1].startswith("Ready")
    assert "could not be examined" not in result.output


def test_another_python_than_the_course_needs(monkeypatch):
    monkeypatch.setattr(platform, "python_version", lambda: "3.9.18")
    python, _ = packages.installed()
    assert python.needed
    assert re.fullmatch(r"the course needs .*>=3\.11.*: install such a Python\.", python.remedy)


def test_a_course_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(packages, "NAME", "attention-for-nothing")
    _, course = packages.installed()
    assert (course.seen, course.needed) == (f"attention-for-nothing is not installed in {sys.prefix}", True)
    assert not list(packages.versions())


@pytest.mark.parametrize(
    ("name", "version", "lines", "seen"),
    [
        ("einops", "0.1", (), r"the course needs einops.*>=0\.\d.*, but 0\.1 is installed"),
        (
            "torchvision",
            "0.99",
            ("Requires-Dist: torch==1.0",),
            r"torchvision needs torch==1\.0, but \d.* is installed",
        ),
    ],
)
def test_a_version_that_does_not_fit(monkeypatch, tmp_path, name, version, lines, seen):
    distribution(tmp_path, name, version, *lines)
    monkeypatch.syspath_prepend(tmp_path)
    finding = only(packages.versions)
    assert finding.needed
    assert finding.remedy
    assert re.search(seen, finding.seen)


def test_a_package_that_is_missing(monkeypatch):
    real = packages._version
    monkeypatch.setattr(packages, "_version", lambda name: None if name == "timm" else real(name))
    assert only(packages.versions).seen == "the course needs timm, which is missing"


def test_an_extra_that_is_missing_is_no_problem_unless_it_is_half_there(monkeypatch):
    without(monkeypatch, "onnxruntime", "segno")
    found = {finding.subject: finding for finding in packages.extras()}
    assert found["Extra: onnx"].seen == "without onnxruntime"
    assert found["Extra: onnx"].optional
    assert doctor.verdict([found["Extra: onnx"]]).startswith("Ready:")
    assert not found["Extra: teach"].optional
    assert "teach" in found["Extra: teach"].remedy


@pytest.fixture
def another_kernel(tmp_path):
    """A folder with a kernel called python3 that starts another Python."""
    other = tmp_path / "kernels" / "python3"
    other.mkdir(parents=True)
    about = {
        "argv": [str(tmp_path / "bin/python"), "-m", "ipykernel_launcher"],
        "display_name": "Old",
        "language": "python",
    }
    (other / "kernel.json").write_text(json.dumps(about), encoding="utf-8")
    return tmp_path


def test_the_kernel_is_this_python(another_kernel, monkeypatch):
    finding = only(jupyter.kernel)
    assert not finding.remedy
    assert finding.seen.endswith(sys.prefix)
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(another_kernel))  # as in ~/.local, which `course lab` passes over
    assert not only(jupyter.kernel).remedy


def test_a_kernel_of_the_same_name_that_is_another_python(another_kernel, monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", str(another_kernel))
    finding = only(jupyter.kernel)
    assert finding.seen == f"Old starts {another_kernel / 'bin/python'}, another Python"
    assert str(another_kernel / "kernels" / "python3") in finding.remedy
    assert finding.needed


def test_no_kernel_at_all(monkeypatch):
    without(monkeypatch, "ipykernel")
    finding = only(jupyter.kernel)
    assert finding.needed
    assert "lab" in finding.remedy


def test_without_jupyter_nothing_is_said_of_its_kernels_and_widgets(monkeypatch):
    without(monkeypatch, "jupyter_client", "jupyterlab", "nbgrader")
    assert not [*jupyter.kernel(), *jupyter.widgets(), *jupyter.scripts()]


def test_a_jupyterlab_without_the_widgets_front_ends(monkeypatch, tmp_path):
    assert only(jupyter.widgets).seen.startswith("@jupyter-widgets/jupyterlab-manager ")
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *_: [str(tmp_path)])
    finding = only(jupyter.widgets)
    assert finding.seen == "JupyterLab lacks @jupyter-widgets/jupyterlab-manager and anywidget"
    assert finding.remedy


def test_a_front_end_that_is_switched_off(monkeypatch, tmp_path):
    (tmp_path / "labconfig").mkdir()
    (tmp_path / "labconfig" / "page_config.json").write_text('{"disabledExtensions": {"anywidget": true}}')
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(tmp_path))
    finding = only(jupyter.widgets)
    assert finding.seen.startswith("anywidget is switched off in ")
    assert finding.remedy == "run `jupyter labextension enable anywidget`."


@pytest.mark.parametrize(
    ("npm", "remedy"), [(None, "install Node.js with npm"), ("/usr/bin/npm", "run `make teach`.")]
)
def test_teaching_without_npms_packages(monkeypatch, tmp_path, npm, remedy):
    monkeypatch.setattr(jupyter, "_has", lambda module: True)  # nbgrader too
    monkeypatch.setattr(jupyter, "WEB", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda name: npm)
    assert remedy in only(jupyter.scripts).remedy


@pytest.fixture
def copied_notebooks(monkeypatch, tmp_path):
    for path in NOTEBOOKS.glob("*.ipynb"):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("spoil", "seen"),
    [
        (lambda path: path.unlink(), "notebook 04 is missing"),
        (lambda path: path.write_text('{"cells": ['), "04_vision_transformer.ipynb is damaged"),
        (lambda path: path.write_text("{}"), "04_vision_transformer.ipynb has no cells"),
    ],
)
def test_a_notebook_that_is_not_whole(copied_notebooks, spoil, seen):
    with_mark = copied_notebooks / "05_vit_vs_cnn.ipynb"
    with_mark.write_text(with_mark.read_text(encoding="utf-8"), encoding="utf-8-sig")  # as some editors do
    assert not only(content.files).remedy
    spoil(copied_notebooks / "04_vision_transformer.ipynb")
    assert seen in only(content.files).seen
    assert only(content.files).remedy == f"run `git checkout -- notebooks data` in {ROOT}."


def test_a_file_of_a_wheel_that_was_changed(monkeypatch, tmp_path):
    recorded = importlib.metadata.Distribution.files.fget  # from here on as in Python 3.12: only what is there
    present = property(lambda wheel: [file for file in recorded(wheel) or () if file.locate().exists()])
    monkeypatch.setattr(importlib.metadata.Distribution, "files", present)
    about = distribution(tmp_path, NAME, "9")
    digest = urlsafe_b64encode(hashlib.sha256(b"as built").digest()).decode().rstrip("=")
    (about / "RECORD").write_text(f"table.csv,sha256={digest},8\nother.csv,sha256={digest},8\n")
    (tmp_path / "table.csv").write_bytes(b"as built")
    (tmp_path / "other.csv").write_bytes(b"as built")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(content, "CONTENT", tmp_path)
    assert not only(content.files).remedy
    (tmp_path / "other.csv").unlink()
    assert only(content.files).seen == "other.csv is not as it was installed"
    (tmp_path / "table.csv").write_bytes(b"edited")
    finding = only(content.files)
    assert finding.seen == "table.csv is not as it was installed (2 files in all)"
    assert finding.remedy == installation.installation().again


def test_a_file_of_a_clone_that_was_deleted(monkeypatch, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "table.csv").write_text("a,b\n")
    for command in ("init -q", "add -A"):
        subprocess.run(["git", *command.split()], cwd=tmp_path, check=True)
    monkeypatch.setattr(content, "ROOT", tmp_path)
    monkeypatch.setattr(content, "CONTENT", tmp_path)
    assert not only(content.files).remedy
    (tmp_path / "data" / "table.csv").unlink()
    assert only(content.files).seen == "data/table.csv is not as it was installed"


def test_a_checkpoint_with_a_changed_byte(monkeypatch, tmp_path):
    for path in CHECKPOINTS.glob("shapes-*"):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(content, "CHECKPOINTS", tmp_path)
    assert only(content.checkpoints).seen == "2 models"
    weights = tmp_path / "shapes-resnet.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    assert "SHA-256 differs" in only(content.checkpoints).seen
    assert only(content.checkpoints).remedy
    weights.unlink()
    assert "There is no checkpoint" in only(content.checkpoints).seen


def test_tables_that_are_missing_or_damaged(monkeypatch, tmp_path):
    monkeypatch.setattr("course_utils.experiments.sweep.RESULTS", tmp_path)
    finding = only(content.tables)
    assert finding.seen.startswith(f"There is no table {tmp_path}")
    assert finding.remedy


def test_trained_weights_that_are_not_there(monkeypatch, tmp_path):
    monkeypatch.setattr("course_utils.models.packaged.find_spec", lambda name: None)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    found = {finding.subject: finding for finding in content.weights()}
    assert found["Weights: vit"].seen == "not on this machine"
    assert "course data fetch vit" in found["Weights: vit"].remedy


def test_a_disk_that_is_full_where_things_are_saved(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_STATE", str(tmp_path / "not" / "yet"))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=10 * 2**30))
    assert not only(machine.disk).remedy
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2**29))
    assert only(machine.disk).remedy.startswith(f"free some space in {tmp_path}")
    assert "0.5 GiB free" in only(machine.disk).seen


@pytest.mark.parametrize(("gibibytes", "enough"), [(2.9, False), (3.1, True)])
def test_the_memory_that_a_notebook_takes(monkeypatch, gibibytes, enough):
    memory = psutil.virtual_memory()._replace(available=int(gibibytes * 2**30))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    finding = only(machine.memory)
    assert f"{gibibytes} of" in finding.seen
    assert (not finding.remedy) == enough


@pytest.mark.parametrize(
    ("state", "seen"),
    [
        ("file", "which is a file"),
        ("file/below", "Not a directory"),
        ("~nosuchuser/x", "this machine has no such account"),
        ("new/folder", ""),
    ],
)
def test_a_folder_where_progress_cannot_be_saved_and_nothing_is_made(state, seen, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_STATE", state)
    (tmp_path / "file").write_text("")
    finding = only(machine.progress)
    assert seen in finding.seen
    assert finding.remedy.endswith("to a folder that you can write to.") == bool(seen)
    assert os.listdir(tmp_path) == ["file"]


def test_a_torch_that_cannot_be_imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision.ops", None)
    finding = only(machine.torch)
    assert finding.needed
    assert "torchvision" in finding.seen
    assert finding.remedy.startswith("it cannot be imported: ")


@pytest.fixture
def card(monkeypatch, tmp_path):
    """An NVIDIA card on the PCI bus, which PyTorch does not use; no tool of NVIDIA's."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name, vendor, kind in (("0000:00:01.0", "0x8086", "0x030000"), ("0000:01:00.0", "0x10de", "0x030200")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "vendor").write_text(f"{vendor}\n")
        (tmp_path / name / "class").write_text(f"{kind}\n")
    monkeypatch.setattr(machine, "PCI", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("cuda", "remedy"),
    [
        (None, "this PyTorch is built for CPUs: choose a CUDA build"),
        ("13.2", "install or update NVIDIA's driver until"),
    ],
)
def test_a_card_that_is_there_and_not_used(card, monkeypatch, cuda, remedy):
    monkeypatch.setattr(torch.version, "cuda", cuda)
    finding = only(machine.device)
    assert "although there is an NVIDIA card" in finding.seen
    assert finding.remedy.startswith(remedy)


def test_a_card_that_nvidias_tool_names(card):
    tool = card / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho NVIDIA RTX 9000\n")
    tool.chmod(0o755)
    assert "although there is NVIDIA RTX 9000" in only(machine.device).seen


def test_a_machine_without_a_card_needs_none(card, monkeypatch):
    shutil.rmtree(card / "0000:01:00.0")
    assert only(machine.device).seen.endswith("(no GPU is needed)")
    assert not only(machine.device).remedy
    monkeypatch.setattr(machine, "PCI", card / "nowhere")
    assert not only(machine.device).remedy


def test_a_mac_whose_card_is_not_used(card, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert "although there is an Apple GPU" in only(machine.device).seen


@pytest.mark.parametrize(
    ("kind", "how", "again", "teach"),
    [
        ("make", "by make", "make clean lab", "make teach"),
        ("uv", "by uv", "uv sync --reinstall", "uv sync --extra teach"),
        ("conda", "in conda's", "conda env update", "-m pip install"),
        ("pip", "by pip", "-m pip install --force-reinstall", f"'{NAME}[teach]'"),
        ("tool", "a tool of uv", "uv tool install --force", "[lab,teach]"),
        ("hub", "shared in", "ask the people who look after this hub", f"install {NAME}[teach]."),
        ("shared", "shared in", "ask the people who look after /", f"install {NAME}[teach]."),
    ],
)
def test_a_remedy_fits_the_installation(kind, how, again, teach, monkeypatch, tmp_path):
    environment = tmp_path / ("uv/tools/it" if kind == "tool" else ".venv")
    environment.mkdir(parents=True)
    monkeypatch.setattr(sys, "prefix", str(environment))
    monkeypatch.setattr(installation, "ROOT", tmp_path)
    monkeypatch.setattr(
        installation, "CONTENT", tmp_path if kind in ("make", "uv", "conda") else tmp_path / "content"
    )
    (tmp_path / "pyproject.toml").touch()
    if kind == "make":
        (environment / ".torch-cpu").touch()
    if kind == "conda":
        (environment / "conda-meta").mkdir()
    if kind in ("hub", "shared"):
        monkeypatch.setattr(os, "access", lambda path, mode: False)
        monkeypatch.setenv(*(("JUPYTERHUB_USER", "anne") if kind == "hub" else ("UNUSED", "")))
    found = installation.installation()
    assert how in found.how
    assert again in found.again
    assert teach in found.adding("teach")


GOOD, KNOWN = Finding("Python", "3.13"), Finding("Extra: teach", "missing", "make teach", optional=True)
WARNING, BROKEN = Finding("Memory", "1 GiB", "close"), Finding("Kernel", "none", "make clean lab", needed=True)


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ([GOOD, KNOWN], "Ready: everything that was looked at is in order."),
        ([GOOD, WARNING], "Ready, but look at Memory."),
        ([BROKEN, GOOD, WARNING], "Not ready: mend Kernel first."),
    ],
)
def test_the_verdict(found, sentence, monkeypatch):
    assert doctor.verdict(found) == sentence
    monkeypatch.setattr(doctor, "examine", lambda: iter(found))
    result = CliRunner().invoke(cli.app, ["doctor"])
    assert result.output.splitlines()[-1] == sentence
    assert result.exit_code == (1 if BROKEN in found else 0)


def test_a_report_to_paste_names_nobody(monkeypatch):
    monkeypatch.setenv("HOME", "/home/annelie")
    monkeypatch.setattr(getpass, "getuser", lambda: "annelie")
    found = [
        Finding("Python", "3.13 at /home/annelie/course/.venv/bin/python"),
        Finding("Progress", "/scratch/annelie/state: Permission denied", "set COURSE_STATE."),
        Finding("Disk", r"1 GiB free in C:\Users\Annelie\course"),
        Finding("Other", "/home/annelieses/x stays, /Home/Annelie/x does not"),
    ]
    monkeypatch.setattr(doctor, "examine", lambda: iter(found))
    lines = CliRunner().invoke(cli.app, ["doctor", "--report"]).output.splitlines()
    assert (lines[0], lines[-1]) == ("```", "```")
    assert lines[3:-1] == [
        "Python: 3.13 at ~/course/.venv/bin/python",
        "! Progress: /scratch/USER/state: Permission denied -> set COURSE_STATE.",
        r"Disk: 1 GiB free in C:\Users\USER\course",
        "Other: /home/annelieses/x stays, ~/x does not",
    ]
    assert lines[2] == "Ready, but look at Progress."
    assert importlib.metadata.version(NAME) in lines[1]


def test_a_check_that_fails_itself_is_a_finding(monkeypatch):
    def disk():
        raise RuntimeError("no such thing\nand more")

    monkeypatch.setattr(findings, "CHECKS", (disk,))
    (finding,) = doctor.examine()
    assert finding == Finding("Disk", "could not be examined (RuntimeError: no such thing)", "see the rows above.")
