"""A dataset's files: find, verify, download if missing. All notebooks.

Folders are only read: a file with the wrong content is named in a warning, and stays as it is.
"""

import hashlib
import os
import re
import tempfile
import threading
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from itertools import count
from pathlib import Path
from typing import Annotated

from course_utils.console import unwarned
from course_utils.data.unpack import DamagedFile, unpacked
from course_utils.downloads import patience
from course_utils.files import atomic, clear, opened, prepare, reason, replace
from course_utils.paths import CLONE, DATA, DOWNLOADS
from course_utils.settings import Settings, at_least, one_of
from course_utils.steps import downloading

DEBIAN = Path("/usr/share/datasets")
DEPTH = 3  # of the folders that are looked into, below a place
FOLDERS = 500  # that are looked into in one place: it may be somebody's home folder
ARCHIVES = (".zip", ".tar", ".tgz", ".gz")
MARK = ".downloaded-by-the-course"  # a file in each folder that the course may write to
_downloading = threading.Lock()


class DataNotFound(LookupError):
    """A dataset is not on this machine and could not be downloaded; the message lists three things to do."""


@dataclass(frozen=True)
class Files(Settings):
    """The files of a dataset: where they may be, how to verify them, and how to get them.

    Raises ValueError for files without checksums, because no file is used unverified.
    """

    title: str  # as written by the authors
    folders: tuple[str, ...]  # where the files usually are, below a place; a download goes into the first
    checksums: Mapping[str, str]  # name → hash of the unpacked content
    algorithm: Annotated[str, one_of(("md5", "sha256"))]  # of the hashes
    advice: str  # what to do if the files are missing
    archive: str | None = None  # the usual name of an archive with the files, if the title is not part of it
    download: Callable[[str], object] | None = None  # puts the files into one of these folders, below the given one
    largest: Annotated[int, at_least(1)] = 2**28  # bytes of the largest file, unpacked: no more is read of any

    def __post_init__(self) -> None:
        super().__post_init__()
        digits = 2 * hashlib.new(self.algorithm, usedforsecurity=False).digest_size
        wrong = [name for name, digest in self.checksums.items() if not re.fullmatch(f"[0-9a-f]{{{digits}}}", digest)]
        if wrong or not self.checksums:
            raise ValueError(
                f"{self.title} lacks the checksum of {', '.join(wrong) or 'its files'}: pass the "
                f"{self.algorithm} of the unpacked content, {digits} hexadecimal digits, for each file."
            )

    @property
    def everything(self) -> int:
        """The most bytes of an archive: it may hold each file also packed, and some pages."""
        return len(self.checksums) * self.largest + 2**24

    def stands_for(self, name: str) -> str | None:
        """The file that has this name; case, punctuation, the number of a copy and ".gz" do not matter."""
        bare = _letters(re.sub(r"\.(gz|zip|tgz|tar)$", "", name.lower()))
        return next((known for known in self.checksums if _letters(known) == bare), None)

    def resembles(self, name: str) -> bool:
        """Whether the name of a folder or an archive contains the title."""
        title = re.escape(_letters(self.title)) + r"(?!\d)"  # CIFAR-100 is not CIFAR-10
        return re.search(title, _letters(name)) is not None or name == self.archive

    def may_hold(self, name: str) -> bool:
        """Whether a file of this name can hold one of the files: by its name, or because it is an archive."""
        return self.stands_for(name) is not None or name.lower().endswith(ARCHIVES)


def _letters(name: str) -> str:
    return re.sub(r"\(\d+\)|[^a-z0-9]", "", name.lower())


def find_files(files: Files, names: Iterable[str], download: bool = True) -> tuple[dict[str, bytes], Path]:
    """Unpacked content of the named files, from the first place with a complete set, and that place.

    The order is ``COURSE_DATA``, the downloads, which in one's own clone are in ``data/``, data that came with an
    installation for several users, Debian's package, the dataset's own download. In a place,
    the files may be in their usual folders or in any other, up to three deep, packed or not, also in an archive: the
    checksum of the content decides. A file with the wrong content is never used: a warning names it. Raises
    DataNotFound, with what to do, if no place has the files.
    """
    names = tuple(names)
    for place in places():
        content = _read(files, place, names)
        if len(content) == len(names):
            return content, place
    why = "nothing was downloaded"
    if download:
        try:
            content = _download(files)
            return {name: content[name] for name in names}, DOWNLOADS
        except DataNotFound as error:
            why = str(error)
    raise DataNotFound(
        f"{files.title} is not on this machine ({why}): set COURSE_DATA to a folder that contains {', '.join(names)} "
        f"(as such, with .gz, or in a .zip or .tar archive), put them in {DOWNLOADS}, or {files.advice}."
    )


def places() -> Iterator[Path]:
    """Folders that may contain datasets, in search order. A COURSE_DATA that cannot be read is named in a warning."""
    if chosen := os.environ.get("COURSE_DATA"):
        try:
            folder = Path(chosen).expanduser()
            os.scandir(folder).close()
        except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: ~somebody who is not there
            known = isinstance(error, FileNotFoundError | NotADirectoryError)
            why = "is not a folder" if known else f"cannot be read ({reason(error)})"
            _warn(f"COURSE_DATA is {chosen[:300]}, which {why}", "set it to the folder with the datasets")
        else:
            yield folder
    yield DOWNLOADS
    if CLONE is None:
        yield DATA
    yield DEBIAN


def from_torchvision(name: str, folder: str) -> None:
    """Download the files of torchvision's dataset of that name into the folder; torchvision compares checksums."""
    from torchvision import datasets

    getattr(datasets, name)(folder, download=True)


def _download(files: Files) -> dict[str, bytes]:
    """Download and verify all files in a temporary folder, then move them to the downloads; → their content."""
    if files.download is None:
        raise DataNotFound("the course cannot download it")
    try:
        prepare(DOWNLOADS, 3 * files.everything // 2**20, "ask its owner to download the dataset")
        with _downloading, patience(10):
            clear(DOWNLOADS, ".download-")  # of processes that were killed
            with tempfile.TemporaryDirectory(prefix=f".download-{os.getpid()}-", dir=DOWNLOADS) as folder:
                with downloading(files.title):
                    files.download(folder)
                with unwarned():
                    content = _read(files, Path(folder), tuple(files.checksums))
            if len(content) < len(files.checksums):
                raise DataNotFound("a downloaded file is missing or has another checksum")
            _keep(content, files.folders[0])
    except (OSError, RuntimeError, HTTPException) as error:
        # torchvision's message has one line per mirror; the last one is the cause.
        cause = (reason(error).strip() or type(error).__name__).splitlines()[-1].strip("<>. ")
        raise DataNotFound(f"could not be downloaded: {cause}") from error
    return content


def _keep(content: Mapping[str, bytes], name: str) -> None:
    """Write the files to a folder of that name among the downloads,
    or to one beside it if somebody has put files there."""
    for number in count(1):
        target = DOWNLOADS / (name if number == 1 else f"{name}-{number}")
        own = os.path.isfile(target / MARK)
        if own or not any(os.path.lexists(target / each) for each in content):
            break
    target.mkdir(parents=True, exist_ok=True)
    clear(target)
    (target / MARK).touch()
    for each, body in content.items():
        path = target / each
        if own and os.path.isfile(path) and path.read_bytes() != body:
            replace(path, path.with_name(f"{each}.damaged"))
        with atomic(path) as partial:
            partial.write_bytes(body)


def _read(files: Files, place: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    """Verified content of those of the named files that a place has."""
    content: dict[str, bytes] = {}
    for path in _candidates(files, place):
        missing = [name for name in names if name not in content]
        if not missing:
            break
        if files.stands_for(path.name) in (None, *missing):
            content |= _verified(files, path, missing)
    return content


def _candidates(files: Files, place: Path) -> Iterator[Path]:
    """Files of a place that may hold the dataset: its usual folders first, then all others, breadth first.

    A folder that cannot be read is named in a warning if the dataset belongs there.
    """
    usual = [place / folder for folder in files.folders]
    waiting, seen = [*usual, place], set[Path]()
    for folder in waiting:  # grows on the way
        if folder in seen or len(seen) == FOLDERS:
            continue
        seen.add(folder)
        try:
            # Without hidden files: a Mac puts one beside each file that it copies to a stick.
            inside = [folder / name for name in sorted(os.listdir(folder)) if not name.startswith(".")]
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:
            if folder in usual or files.resembles(folder.name):
                _warn(f"{folder} cannot be read ({reason(error)})", "make it readable for this account")
            continue
        below = [path for path in inside if os.path.isdir(path)]
        found = [path for path in inside if files.may_hold(path.name) and path not in below]
        yield from sorted(found, key=lambda path: files.stands_for(path.name) is None)  # archives last
        if len(folder.relative_to(place).parts) < DEPTH:
            waiting += sorted(below, key=lambda path: not files.resembles(path.name))


def _verified(files: Files, path: Path, names: Collection[str]) -> dict[str, bytes]:
    """Those of the named files that a file holds; a warning says what is wrong if there are none."""
    alone = files.stands_for(path.name)
    names = [alone] if alone else names
    content: dict[str, bytes] = {}
    wrong, remedy = "", "if it should be this dataset's, copy it again"
    known = alone or files.resembles(path.name)
    try:
        with opened(path) as file:
            if os.fstat(file.fileno()).st_size > files.everything:
                raise DamagedFile("is larger than the whole dataset")
            for name, body in unpacked(file, path.name, files):
                fault = _fault(files, name, body)
                if name in names and not fault:
                    content[name] = body
                wrong = wrong or fault
                if len(content) == len(names):
                    return content
        if known and not wrong:
            wrong = f"lacks {next(name for name in names if name not in content)}"
    except DamagedFile as damaged:
        wrong = str(damaged) if known else ""
    except OSError as error:
        wrong, remedy = f"cannot be read ({reason(error)})" if known else "", "make it readable for this account"
    if wrong:
        _warn(f"{path} {wrong}", remedy)
    return content


def _fault(files: Files, name: str, content: bytes) -> str:
    """What is wrong with the content of a file; empty if it is the dataset's."""
    if len(content) > files.largest:
        return f"unpacks to more than {files.largest:,} bytes"
    digest = hashlib.new(files.algorithm, content, usedforsecurity=False).hexdigest()
    if digest == files.checksums[name]:
        return ""
    twin = next((other for other, expected in files.checksums.items() if digest == expected), None)
    return f"holds {twin}" if twin else f"is not {files.title}'s {name} ({len(content):,} bytes unpacked)"


def _warn(what: str, remedy: str) -> None:
    """Warn, every time: Python shows a warning that has its own place in the code only once."""
    sentence = f"{what}, so the course looks elsewhere: {remedy}."
    warnings.warn_explicit(sentence, UserWarning, __file__, 0)
