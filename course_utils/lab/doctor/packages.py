"""How the course is installed, and whether the versions of all packages fit: read from their metadata, not imported."""

import importlib.metadata
import importlib.util
import platform
import sys
from collections.abc import Iterable, Iterator

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from course_utils.extras import EXTRAS
from course_utils.lab.doctor.finding import Finding
from course_utils.lab.doctor.installation import installation
from course_utils.paths import NAME


def installed() -> Iterator[Finding]:
    """Python, and the way in which the course was installed."""
    seen = f"{platform.python_version()} at {sys.executable}"
    try:
        about = importlib.metadata.metadata(NAME)
    except importlib.metadata.PackageNotFoundError:
        yield Finding("Python", seen)
        yield Finding("Course", f"{NAME} is not installed in {sys.prefix}", installation().again, needed=True)
        return
    wanted = (about.get_all("Requires-Python") or [""])[0]
    fits = SpecifierSet(wanted).contains(platform.python_version(), prereleases=True)
    yield Finding("Python", seen, "" if fits else f"the course needs {wanted}: install such a Python.", needed=True)
    yield Finding("Course", f"{about['Version']}, {installation().how}")


def versions() -> Iterator[Finding]:
    """Whether each package that the course needs is there, in a version that fits it and the others."""
    try:
        ours = list(_required(NAME))
    except importlib.metadata.PackageNotFoundError:
        return
    wrong = list(_wrong("the course", ours))
    for requirement in ours:
        if _version(requirement.name):
            wrong += _wrong(requirement.name, _required(requirement.name), only_present=True)
    seen = "; ".join(wrong) if wrong else f"{len(ours)} of {len(ours)}, in versions that fit"
    yield Finding("Packages", seen, installation().again if wrong else "", needed=True)


def extras() -> Iterator[Finding]:
    """The packages that only some commands need."""
    for extra, modules in EXTRAS.items():
        missing = [module for module in modules if importlib.util.find_spec(module) is None]
        if missing:
            seen, purpose = (
                f"without {', '.join(missing)}",
                "instructors" if extra == "teach" else f"what needs {extra}",
            )
            begun = extra == "teach" and len(missing) < len(modules) // 2
            yield Finding(
                f"Extra: {extra}", seen, f"only for {purpose}: {installation().adding(extra)}", optional=not begun
            )
        else:
            yield Finding(f"Extra: {extra}", "complete")


def _required(distribution: str) -> Iterator[Requirement]:
    """What a package requires here, without its extras."""
    for line in importlib.metadata.requires(distribution) or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement


def _wrong(who: str, required: Iterable[Requirement], only_present: bool = False) -> Iterator[str]:
    """A sentence for each requirement that is not met."""
    for requirement in required:
        version = _version(requirement.name)
        if version is None:
            if not only_present:
                yield f"{who} needs {requirement.name}, which is missing"
        elif not requirement.specifier.contains(version, prereleases=True):
            yield f"{who} needs {requirement.name}{requirement.specifier}, but {version} is installed"


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
