"""A dataset's files: find, verify, set aside if damaged, download if missing. All notebooks."""

import gzip
import hashlib
import io
import os
import re
import tarfile
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from course_utils.downloads import patience
from course_utils.paths import DATA

DEBIAN = Path("/usr/share/datasets")


class DataNotFound(LookupError):
    """A dataset is not on this machine and could not be downloaded; the message lists three things to do."""


class DamagedFile(Exception):
    """A file has the right name but not the content of the dataset; the message says what is wrong."""


@dataclass(frozen=True)
class Files:
    """The files of a dataset: where they may be, how to verify them, and how to get them.

    Raises ValueError for files without checksums, because no file is used unverified.
    """

    title: str  # as written by the authors
    folders: tuple[str, ...]  # where the files may be, below a place; a download goes into the first
    checksums: Mapping[str, str]  # name → hash of the unpacked content
    algorithm: str  # of the hashes, by its name in hashlib
    advice: str  # what to do if the files are missing
    archive: str | None = None  # a tar file that contains the files
    download: Callable[[str], object] | None = None  # puts the files into one of these folders, below the given one

    def __post_init__(self) -> None:
        digits = 2 * hashlib.new(self.algorithm, usedforsecurity=False).digest_size
        wrong = [name for name, digest in self.checksums.items() if not re.fullmatch(f"[0-9a-f]{{{digits}}}", digest)]
        if wrong or not self.checksums:
            raise ValueError(
                f"{self.title} lacks the checksum of {', '.join(wrong) or 'its files'}: pass the "
                f"{self.algorithm} of the unpacked content, {digits} hexadecimal digits, for each file."
            )


def find_files(files: Files, names: Iterable[str], download: bool = True) -> tuple[dict[str, bytes], Path]:
    """Unpacked content of the named files, from the first place with a complete set, and that place.

    The order is ``COURSE_DATA``, ``data/`` of the course, Debian's package, the dataset's own download. A damaged
    file is never used: a warning names it, and it is renamed to ``….damaged`` if permitted. Raises DataNotFound, with
    what to do, if no place has the files.
    """
    names = tuple(names)
    for place in places():
        if content := _read(files, place, names):
            return content, place
    reason = "nothing was downloaded"
    if download:
        try:
            content = _download(files)
            return {name: content[name] for name in names}, DATA
        except DataNotFound as error:
            reason = str(error)
    raise DataNotFound(
        f"{files.title} is not on this machine ({reason}): set COURSE_DATA to a folder that contains its files, "
        f"put them in {DATA}, or {files.advice}."
    )


def places() -> Iterator[Path]:
    """Folders that may contain datasets, in search order."""
    if chosen := os.environ.get("COURSE_DATA"):
        folder = Path(chosen).expanduser()
        if folder.is_dir():
            yield folder
        else:
            warnings.warn(
                f"COURSE_DATA is {chosen}, which is not a folder, so the course looks elsewhere.", stacklevel=2
            )
    yield DATA
    yield DEBIAN


def from_torchvision(name: str, folder: str) -> None:
    """Download the files of torchvision's dataset of that name into the folder; torchvision compares checksums."""
    from torchvision import datasets

    getattr(datasets, name)(folder, download=True)


def _download(files: Files) -> dict[str, bytes]:
    """Download and verify all files in a temporary folder, then move them into ``data/``; → their content."""
    if files.download is None:
        raise DataNotFound("the course cannot download it")
    try:
        DATA.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=DATA) as folder, patience(10):
            files.download(folder)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                content = _read(files, Path(folder), tuple(files.checksums))
            if content is None:
                raise DataNotFound("a downloaded file is missing or has another checksum")
            target = DATA / files.folders[0]
            target.mkdir(parents=True, exist_ok=True)
            for name, body in content.items():
                whole = Path(folder) / name
                whole.write_bytes(body)
                whole.replace(target / name)
    except (OSError, RuntimeError, HTTPException) as error:
        # torchvision's message has one line per mirror; the last one is the cause.
        cause = (str(error).strip() or type(error).__name__).splitlines()[-1].strip("<>. ")
        raise DataNotFound(f"could not be downloaded: {cause}") from error
    return content


def _read(files: Files, place: Path, names: tuple[str, ...]) -> dict[str, bytes] | None:
    """Content of the named files if a place has a complete set, packed or not; else None."""
    content: dict[str, bytes] = {}
    for name in names:
        for path in (place / folder / packed for folder in files.folders for packed in (name, f"{name}.gz")):
            if name not in content:
                content |= _whole(files, path, (name,))
    missing = tuple(name for name in names if name not in content)
    if missing and files.archive:
        content |= _whole(files, place / files.archive, missing)
    return content if len(content) == len(names) else None


def _whole(files: Files, path: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    """Verified content of the named files in one file or archive; empty if it is missing or damaged."""
    try:
        content = _unpack(path, names)
        for name in names:
            _verify(files, name, content[name])
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except DamagedFile as damaged:
        warnings.warn(f"{path} {damaged}; {_set_aside(path)}, and the course looks elsewhere.", stacklevel=2)
        return {}
    except OSError as error:  # this account has no permission to read it
        warnings.warn(f"{path} cannot be read ({error.strerror}), so the course looks elsewhere.", stacklevel=2)
        return {}
    return content


def _unpack(path: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    packed = path.read_bytes()
    try:
        if path.name.endswith(".tar.gz"):
            with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
                members = {Path(member.name).name: archive.extractfile(member) for member in archive}
                content = {name: file.read() for name in names if (file := members.get(name))}
        else:
            content = {names[0]: gzip.decompress(packed) if path.suffix == ".gz" else packed}
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise DamagedFile(f"cannot be unpacked ({error})") from error
    if absent := next((name for name in names if name not in content), None):
        raise DamagedFile(f"lacks {absent}")
    return content


def _verify(files: Files, name: str, content: bytes) -> None:
    digest = hashlib.new(files.algorithm, content, usedforsecurity=False).hexdigest()
    if digest == files.checksums[name]:
        return
    twin = next((other for other, expected in files.checksums.items() if digest == expected), None)
    raise DamagedFile(f"holds {twin}" if twin else f"is not {files.title}'s {name} ({len(content):,} bytes unpacked)")


def _set_aside(path: Path) -> str:
    aside = path.with_name(path.name + ".damaged")
    try:
        path.replace(aside)
    except OSError:
        return "it cannot be renamed and stays where it is"
    return f"it was renamed to {aside.name}"
