"""The machine: where things are saved, disk, memory, a browser, PyTorch, and a GPU that is there but not used."""

import importlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from course_utils.console import first_line
from course_utils.files import reason
from course_utils.lab.browser import chromium
from course_utils.lab.doctor.finding import Finding
from course_utils.lab.doctor.installation import installation
from course_utils.paths import CLONE, DOWNLOADS, state_dir

NEEDED = 3 * 2**30  # bytes of memory: the largest notebook's kernel, and JupyterLab
DOWNLOAD = 2**30  # bytes
NVIDIA = "0x10de"  # the maker's number on the PCI bus
PCI = Path("/sys/bus/pci/devices")


def progress() -> Iterator[Finding]:
    """Whether progress can be saved, without making its folder: in that folder, or in the first one above it."""
    try:
        folder = state_dir()
        with tempfile.TemporaryFile(dir=_existing(folder)):
            yield Finding("Progress", str(folder))
    except OSError as error:
        seen, _, remedy = str(error).rpartition(": ")  # the sentence of state_dir
        if error.errno is not None:
            seen, remedy = f"{folder}: {reason(error)}", "set COURSE_STATE to a folder that you can write to."
        yield Finding("Progress", seen, remedy)


def disk() -> Iterator[Finding]:
    """Free space where progress and runs are saved, and where downloads go."""
    seen: dict[int, str] = {}
    full: list[str] = []
    for folder in (state_dir(), DOWNLOADS):
        existing = _existing(folder)
        free = shutil.disk_usage(existing).free
        seen.setdefault(os.stat(existing).st_dev, f"{free / 2**30:.1f} GiB free in {existing}")
        full += [str(existing)] if free < DOWNLOAD else []
    remedy = f"free some space in {full[0]}: downloads and checkpoints take up to 1 GiB." if full else ""
    yield Finding("Disk", "; ".join(seen.values()), remedy)


def _existing(folder: Path) -> Path:
    """The folder, or the first one above it that is there."""
    return next(each for each in (folder, *folder.absolute().parents) if os.path.lexists(each))


def browser() -> Iterator[Finding]:
    """A browser for the tests of those who change the course, in a clone."""
    if CLONE is None:
        return
    found = chromium()
    remedy = (
        "only `make test` and `course bench widgets` need it: `sudo apt-get install chromium`, "
        "or set COURSE_CHROMIUM."
    )
    yield Finding("Browser for tests", found or "no Chromium found", "" if found else remedy, optional=True)


def torch() -> Iterator[Finding]:
    """PyTorch and torchvision, imported: compiled operators fail on versions that do not match."""
    versions = []
    for name in ("torch", "torchvision"):
        with suppress(importlib.metadata.PackageNotFoundError):
            versions.append(f"{name} {importlib.metadata.version(name)}")
    try:
        threads = importlib.import_module("torch").get_num_threads()
        importlib.import_module("torchvision.ops")
    except Exception as error:
        seen = f"{' and '.join(versions) or 'not installed'}: {first_line(error)}"
        yield Finding("PyTorch", seen, f"it cannot be imported: {installation().again}", needed=True)
        return
    yield Finding("PyTorch", f"{' and '.join(versions)}, {threads} thread{'s' * (threads > 1)}")


def device() -> Iterator[Finding]:
    """What trains: a GPU, or the CPU, and then why a GPU that is there is not used."""
    import torch

    if torch.cuda.is_available():
        gibibytes = torch.cuda.get_device_properties(0).total_memory / 2**30
        yield Finding("Device", f"{torch.cuda.get_device_name(0)}, {gibibytes:.0f} GiB")
    elif torch.backends.mps.is_available():
        yield Finding("Device", "Apple GPU (MPS)")
    elif card := unused_card():
        seen = f"CPU, {os.cpu_count()} cores, although there is {card}"
        if sys.platform == "darwin":
            remedy = "macOS 14 or newer, and a Python for arm64, let PyTorch use it."
        elif torch.version.cuda is None:
            remedy = "this PyTorch is built for CPUs: choose a CUDA build on https://pytorch.org/get-started/locally."
        else:
            remedy = f"install or update NVIDIA's driver until `nvidia-smi` shows CUDA {torch.version.cuda} or newer."
        yield Finding("Device", seen, remedy)
    else:
        yield Finding("Device", f"CPU, {os.cpu_count()} cores (no GPU is needed)")


def unused_card() -> str:
    """The GPU of this machine, by NVIDIA's own tool, the PCI bus, or the kind of Mac; empty if there is none."""
    if sys.platform == "darwin":
        return "an Apple GPU" if "arm" in platform.machine() or "Apple" in platform.processor() else ""
    with suppress(OSError, subprocess.SubprocessError):
        asked = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        names = subprocess.run(asked, capture_output=True, timeout=20, check=True).stdout.decode(errors="replace")
        if names.strip():
            return names.strip().splitlines()[0]
    with suppress(OSError):
        for card in PCI.iterdir():
            made_by, kind = ((card / name).read_text(encoding="utf-8") for name in ("vendor", "class"))
            if made_by.strip() == NVIDIA and kind.startswith("0x03"):  # a display, or a 3D controller
                return "an NVIDIA card"
    return ""


def memory() -> Iterator[Finding]:
    """Free memory of the machine, or of what its container may use."""
    import psutil

    from course_utils.costs import free_memory

    free, whole = free_memory(), psutil.virtual_memory().total
    remedy = "close other programs: a notebook and JupyterLab take up to 3 GiB." if free < NEEDED else ""
    yield Finding("Memory", f"{free / 2**30:.1f} of {whole / 2**30:.1f} GiB free", remedy)
