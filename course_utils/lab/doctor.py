"""Is this machine ready for the course? One row per question, each with its remedy."""

import importlib
import importlib.metadata
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from course_utils.console import first_line
from course_utils.files import reason
from course_utils.lab.browser import chromium
from course_utils.paths import ROOT, state_dir


@dataclass(frozen=True)
class Finding:
    """What was checked, what was found and, if there is a problem, what to do.

    needed: the course cannot run without it.
    """

    subject: str
    seen: str
    remedy: str = ""
    needed: bool = False


def examine() -> Iterator[Finding]:
    """All findings, the quick ones first."""
    yield Finding("Python", f"{platform.python_version()} at {sys.executable}")
    yield from _torch()
    yield _memory()
    yield _disk()
    yield _kernel()
    yield _progress()
    yield from _data()
    browser = chromium()
    yield Finding(
        "Browser for tests",
        browser or "no Chromium found",
        ""
        if browser
        else "only `make test` and `course bench widgets` need it: `sudo apt-get install chromium`, or set "
        "COURSE_CHROMIUM to one.",
    )


def _torch() -> Iterator[Finding]:
    versions = " and ".join(f"{name} {importlib.metadata.version(name)}" for name in ("torch", "torchvision"))
    try:
        import torch

        importlib.import_module("torchvision.ops")  # compiled operators: they fail on versions that do not match
    except Exception as error:
        yield Finding(
            "PyTorch",
            f"{versions}: {first_line(error)}",
            "the versions do not match: run `make clean lab`.",
            needed=True,
        )
        return
    yield Finding("PyTorch", f"{versions}, {torch.get_num_threads()} threads")
    if torch.cuda.is_available():
        gibibytes = torch.cuda.get_device_properties(0).total_memory / 2**30
        yield Finding("Device", f"{torch.cuda.get_device_name(0)}, {gibibytes:.0f} GiB")
    elif torch.backends.mps.is_available():
        yield Finding("Device", "Apple GPU (MPS)")
    else:
        yield Finding("Device", f"CPU, {os.cpu_count()} cores (no GPU is needed)")


def _memory() -> Finding:
    memory = psutil.virtual_memory()
    seen = f"{memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB free"
    return Finding(
        "Memory", seen, "close other programs: a notebook takes up to 3 GiB." if memory.available < 3 * 2**30 else ""
    )


def _disk() -> Finding:
    free = shutil.disk_usage(ROOT).free
    return Finding(
        "Disk", f"{free / 2**30:.1f} GiB free", "free some space: downloads take up to 1 GiB." if free < 2**30 else ""
    )


def _kernel() -> Finding:
    """The kernel of JupyterLab must use the Python in which the course is installed."""
    specification = Path(sys.prefix) / "share/jupyter/kernels/python3/kernel.json"
    try:
        return Finding("Kernel", json.loads(specification.read_text(encoding="utf-8"))["display_name"])
    except (OSError, ValueError, LookupError, TypeError):
        return Finding("Kernel", f"none in {sys.prefix}", "run `make clean lab` to install it again.", needed=True)


def _progress() -> Finding:
    """Whether progress can be saved, without making its folder: in that folder, or in the first one above it."""
    try:
        folder = state_dir()
        existing = next(each for each in (folder, *folder.absolute().parents) if os.path.lexists(each))
        with tempfile.TemporaryFile(dir=existing):
            return Finding("Progress", str(folder))
    except OSError as error:
        seen, _, remedy = str(error).rpartition(": ")  # the sentence of state_dir
        if error.errno is not None:
            seen, remedy = f"{folder}: {reason(error)}", "set COURSE_STATE to a folder that you can write to."
        return Finding("Progress", seen, remedy)


def _data() -> Iterator[Finding]:
    from course_utils.data import status

    for row in status():
        yield Finding(f"Data: {row.name}", row.where, row.remedy)
