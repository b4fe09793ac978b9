"""All findings in order, the verdict on them, and a block to paste that names no person and no home folder."""

import getpass
import importlib.metadata
import platform
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from course_utils.console import first_line
from course_utils.lab.doctor import content, jupyter, machine, packages
from course_utils.lab.doctor.finding import Finding
from course_utils.paths import CLONE, NAME

# The quick ones first: those of the second line import PyTorch.
CHECKS: tuple[Callable[[], Iterable[Finding]], ...] = (
    *(packages.installed, packages.versions, packages.extras, jupyter.kernel, jupyter.widgets, jupyter.scripts),
    *(machine.progress, machine.disk, machine.browser, content.files),
    *(
        machine.torch,
        machine.device,
        machine.memory,
        content.checkpoints,
        content.tables,
        content.weights,
        content.data,
    ),
)


def examine() -> Iterator[Finding]:
    """All findings, each as soon as it is known. A check that fails itself is a finding too."""
    return chain.from_iterable(map(_examined, CHECKS))


def _examined(check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from check()
    except Exception as error:
        about = check.__name__.capitalize()
        yield Finding(
            about, f"could not be examined ({type(error).__name__}: {first_line(error)})", "see the rows above."
        )


def verdict(findings: Iterable[Finding]) -> str:
    """One sentence: whether one can begin, and what to mend first."""
    problems = [finding for finding in findings if finding.remedy and not finding.optional]
    broken = [finding.subject for finding in problems if finding.needed]
    if broken:
        return f"Not ready: mend {', '.join(broken)} first."
    if problems:
        return f"Ready, but look at {', '.join(finding.subject for finding in problems)}."
    return "Ready: everything that was looked at is in order."


def pasted(findings: Iterable[Finding]) -> str:
    """The findings as plain lines between two fences, without names of users and of their folders."""
    findings = list(findings)
    lines = [f"course doctor: {_version()}, {platform.platform()}", verdict(findings)]
    for finding in findings:
        mark = "" if not finding.remedy or finding.optional else "! "
        lines.append(f"{mark}{finding.subject}: {finding.seen}" + f" -> {finding.remedy}" * bool(mark))
    return "\n".join(("```", *map(anonymous, lines), "```"))


def anonymous(text: str) -> str:
    """The text with ~ for the home folder, and USER for the account's name where it is part of a path."""
    with suppress(RuntimeError):
        for home in {Path.home(), Path.home().resolve()} - {Path("/")}:
            text = re.sub(rf"{re.escape(str(home))}(?![\w.-])", "~", text, flags=re.IGNORECASE)
    with suppress(OSError, KeyError, ImportError):  # an account without a name
        text = re.sub(
            rf"(?<=[\\/]){re.escape(getpass.getuser())}(?=[\\/\s,;:)]|$)", "USER", text, flags=re.IGNORECASE
        )
    return text


def _version() -> str:
    version = "not installed"
    with suppress(importlib.metadata.PackageNotFoundError):
        version = importlib.metadata.version(NAME)
    if CLONE is not None:
        with suppress(OSError):
            done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=CLONE, capture_output=True)
            version += f" ({done.stdout.decode().strip()})" if done.stdout else ""
    return version
