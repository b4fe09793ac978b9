"""What ships with the course, present and whole: notebooks, checkpoints, tables; then trained weights and datasets."""

import base64
import csv
import hashlib
import importlib.metadata
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from course_utils.lab import course, notebooks
from course_utils.lab.doctor.finding import Finding
from course_utils.lab.doctor.installation import installation
from course_utils.paths import CHECKPOINTS, CONTENT, NAME, ROOT


def files() -> Iterator[Finding]:
    """Notebooks, by the course's own list; in a wheel every file, by the hashes that it was installed with."""
    wrong = [sentence for entry in course.entries() if (sentence := _fault(entry.number))]
    if changed := _deleted() if CONTENT == ROOT else _changed():
        more = f" ({len(changed)} files in all)" if len(changed) > 1 else ""
        wrong.append(f"{changed[0]} is not as it was installed{more}")
    seen = "; ".join(wrong) if wrong else f"{len(course.entries())} notebooks"
    yield Finding("Notebooks", seen, _restored() if wrong else "", needed=True)


def _fault(number: str) -> str:
    """What is wrong with a notebook that ships; empty if nothing is."""
    try:
        path = notebooks.find(number)
        if "cells" not in json.loads(path.read_text(encoding="utf-8-sig")):
            return f"{path.name} has no cells"
    except FileNotFoundError:
        return f"notebook {number} is missing"
    except (OSError, ValueError, TypeError) as error:
        return f"{path.name} is damaged ({error})"
    return ""


def _changed() -> list[str]:
    """Files of an installed wheel that are missing, or whose content is not the one that was installed.

    `importlib.metadata.files` would not do: since Python 3.12 it leaves out what is missing.
    """
    try:
        wheel = importlib.metadata.distribution(NAME)
    except importlib.metadata.PackageNotFoundError:
        return []
    recorded = csv.reader((wheel.read_text("RECORD") or "").splitlines())
    return [
        path
        for path, digest, *_ in recorded
        if digest and not path.startswith("..") and not _is_whole(Path(str(wheel.locate_file(path))), digest)
    ]


def _deleted() -> list[str]:
    """Files of a clone that git misses; none without git."""
    try:
        asked = ["git", "ls-files", "--deleted", "--", "notebooks", "data"]
        missing = subprocess.run(asked, cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return missing.decode(errors="replace").splitlines()


def _is_whole(path: Path, digest: str) -> bool:
    """Whether a file has that digest, written as in a wheel's RECORD ("sha256=…")."""
    algorithm, _, wanted = digest.partition("=")
    try:
        found = hashlib.new(algorithm, path.read_bytes()).digest()
    except OSError:
        return False
    return base64.urlsafe_b64encode(found).decode().rstrip("=") == wanted


def checkpoints() -> Iterator[Finding]:
    """The weights that ship, by the hashes on their cards."""
    from course_utils.training import verify

    wrong = []
    names = sorted({path.stem for path in CHECKPOINTS.glob("*.*")})
    for name in names:
        try:
            verify(name, CHECKPOINTS)
        except (OSError, ValueError) as error:
            wrong.append(str(error))
    yield Finding("Checkpoints", wrong[0] if wrong else f"{len(names)} models", _restored() if wrong else "")


def tables() -> Iterator[Finding]:
    """The tables of the sweeps."""
    from course_utils.experiments import SWEEPS, read_results

    wrong = []
    for name in SWEEPS:
        try:
            read_results(name)
        except (OSError, ValueError) as error:
            wrong.append(str(error))
    yield Finding("Tables", wrong[0] if wrong else f"{len(SWEEPS)} tables", _restored() if wrong else "")


def weights() -> Iterator[Finding]:
    """Trained weights that come inside packages."""
    from course_utils.models import packaged

    for name, card in packaged.cards().items():
        yield Finding(f"Weights: {name}", *packaged.whereabouts(card))


def data() -> Iterator[Finding]:
    """The datasets."""
    from course_utils.data import status

    for row in status():
        yield Finding(f"Data: {row.name}", row.where, row.remedy)


def _restored() -> str:
    """What brings back the files that ship."""
    return f"run `git checkout -- notebooks data` in {ROOT}." if CONTENT == ROOT else installation().again
