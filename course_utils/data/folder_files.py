"""The image files of a folder, or of a .zip or .tar archive, with their paths. Notebooks 04, 05 and 10.

Nothing is written to the disk.
"""

import errno
import hashlib
import os
import re
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from course_utils import files
from course_utils.console import first_line
from course_utils.data.image_files import ARCHIVE, IMAGE, MOST_BYTES, SUFFIXES, limited
from course_utils.data.unpack import BLOCK, Budget, Counted, DamagedFile

LASTING = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.ELOOP, errno.EINVAL)  # until the file changes
MOST_FILES = 2_000_000  # that are looked at: the path may be somebody's whole disk
MOST_UNPACKED = 100  # bytes for each byte of an archive, because image files hardly become smaller in it,
SPARE = 2**26  # and this many more
LEFT_BEHIND = frozenset({"thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin"})  # by systems

# The beginning of a packed tar archive → the module that unpacks it, which not every Python has.
MODULES = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\0": "lzma"}
UNPACK = "unpack it, and pass the folder"
# The beginning of a file that cannot be read as an archive, what it is, and what to do.
KINDS = {
    ARCHIVE: ("no whole .zip, .tar, .tar.gz, .tar.bz2 or .tar.xz archive ({reason})", f"copy it again, or {UNPACK}"),
    rb"7z\xbc\xaf|Rar!|\x28\xb5\x2f\xfd|\x1f\x9d|MSCF": ("an archive of another kind than .zip and .tar", UNPACK),
    IMAGE: ("one image", "pass a folder that has a folder of images for each class, or read it with open_image"),
    b"": ("neither a folder nor an archive", "pass the folder of the images"),
}

Parts = tuple[str, ...]  # a path below the folder: ("train", "cat", "0001.jpg")


class ImageFile(NamedTuple):
    """A file with the name of an image: its path, its content, and why it cannot be used, if so."""

    parts: Parts
    content: bytes
    fault: str = ""


class Place:
    """A folder or an archive, which can be read several times; its key changes whenever its files do.

    disturbed: whether a file could not be read for a reason that may pass, such as a network drive that was away.
    Raises ValueError if it cannot be read or has too many files.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.disturbed = path, False
        with _sentences(path):
            self.listed = _listed(path) if os.path.isdir(path) else None
            if self.listed is None:
                with files.opened(path) as file:
                    self.key = hashlib.file_digest(file, "sha256").hexdigest()
            else:
                # The number and the time of the last change too: a file that is moved keeps its size and its own time.
                known = [
                    (parts, at.st_size, at.st_mtime_ns, at.st_ctime_ns, at.st_ino) for parts, _, at in self.listed
                ]
                self.key = hashlib.sha256(repr(known).encode()).hexdigest()

    def __iter__(self) -> Iterator[ImageFile]:
        """The image files, those of an archive in its order. Raises ValueError if it is damaged or no archive."""
        with _sentences(self.path):
            if self.listed is not None:
                yield from (self._read(parts, file) for parts, file, _ in self.listed)
                return
            with files.opened(self.path) as file:
                yield from _unpacked(file)

    def _read(self, parts: Parts, file: Path) -> ImageFile:
        try:
            with files.opened(file) as opened:
                return _within_limit(parts, opened)
        except OSError as error:
            self.disturbed |= error.errno not in LASTING
            return ImageFile(parts, b"", f"cannot be read ({files.reason(error)})")


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """Within the block, errors of files and archives become one sentence about the path."""
    try:
        yield
    except DamagedFile as error:
        raise ValueError(f"{path} {error}.") from error
    except MemoryError as error:
        raise MemoryError(f"{path} has a file that needs more memory than is free: make it smaller first.") from error
    except OSError as error:
        raise ValueError(
            f"{path} cannot be read ({files.reason(error)}): make it readable for this account."
        ) from error


def is_image(parts: Parts) -> bool:
    """Whether a path has the name of an image, and nothing in it is hidden or left behind by a system."""
    return bool(parts) and not any(map(_hidden, parts)) and PurePosixPath(parts[-1]).suffix.lower() in SUFFIXES


def _hidden(part: str) -> bool:
    return part.startswith(".") or part.lower() in LEFT_BEHIND


def tidy(name: str) -> str:
    """A name as text: bytes that are none are written out, so that different names stay different."""
    return name.encode("utf-8", "backslashreplace").decode()


def _listed(root: Path) -> list[tuple[Parts, Path, os.stat_result]]:
    """The image files of a folder, sorted by path. Links are followed, but not to a folder around them."""
    waiting: list[tuple[Path, Parts, frozenset[str]]] = [(root, (), frozenset())]
    found, looked_at = [], 0
    for folder, above, around in waiting:  # grows on the way
        if (real := os.path.realpath(folder)) in around:
            continue
        for entry in sorted(folder.iterdir()):
            looked_at += 1
            if looked_at > MOST_FILES:
                raise DamagedFile(f"holds more than {MOST_FILES:,} files: pass the folder of the images alone")
            parts = (*above, tidy(entry.name))
            if _hidden(entry.name):  # also a folder: on a stick, its system's own may be closed to this account
                continue
            if os.path.isdir(entry):
                waiting.append((entry, parts, around | {real}))
            elif is_image(parts):
                found.append((parts, entry, os.stat(entry) if os.path.exists(entry) else os.lstat(entry)))
    return sorted(found, key=lambda each: each[0])


def _within_limit(parts: Parts, file: Any) -> ImageFile:
    content = limited(file)
    if len(content) > MOST_BYTES:
        return ImageFile(parts, b"", f"has more than {MOST_BYTES / 2**20:.0f} MiB")
    return ImageFile(parts, content)


def _unpacked(file: BufferedReader) -> Iterator[ImageFile]:
    """The image files of an archive. Raises DamagedFile for anything else, and for what unpacks to far too much."""
    packed = os.fstat(file.fileno()).st_size
    budget = Budget(MOST_UNPACKED * packed + SPARE, f"{MOST_UNPACKED} times its size: pack it again")
    head = file.peek(BLOCK)[:BLOCK]
    try:
        if head.startswith(b"PK"):
            yield from _unzipped(file, budget)
        else:
            module = next((module for sign, module in MODULES.items() if head.startswith(sign)), None)
            yield from _untarred(Counted(import_module(module).open(file) if module else file, budget))
    except (DamagedFile, MemoryError):
        raise
    except (NotImplementedError, ImportError) as error:
        raise DamagedFile(
            f"is packed in a way that this Python cannot unpack ({first_line(error)}): {UNPACK}"
        ) from error
    except Exception as error:  # the libraries raise a dozen types for damaged archives
        if isinstance(error, OSError) and error.errno is not None:
            raise
        kind, remedy = next(kind for sign, kind in KINDS.items() if re.match(sign, head, re.DOTALL))
        raise DamagedFile(f"is {kind.format(reason=first_line(error))}: {remedy}") from error


def _unzipped(file: BufferedReader, budget: Budget) -> Iterator[ImageFile]:
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            if not entry.is_dir() and is_image(parts := _parts(_name(entry))):
                if entry.flag_bits & 0x1:
                    raise DamagedFile(f"is locked with a password: {UNPACK}")
                if stat.S_ISLNK(entry.external_attr >> 16):
                    yield ImageFile(parts, b"", "is a link")
                    continue
                with archive.open(entry) as content:
                    yield _within_limit(parts, Counted(content, budget))


def _name(entry: zipfile.ZipInfo) -> str:
    """The name of a file in a .zip archive, also where macOS wrote UTF-8 without saying so."""
    if not entry.flag_bits & 0x800:
        with suppress(UnicodeError):
            return entry.filename.encode("cp437").decode("utf-8")
    return entry.filename


def _untarred(stream: Counted) -> Iterator[ImageFile]:
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            if not member.isdir() and is_image(parts := _parts(member.name)):
                content = archive.extractfile(member) if member.isreg() else None
                if content is None:
                    yield ImageFile(
                        parts, b"", "is a link" if member.issym() or member.islnk() else "is no plain file"
                    )
                else:
                    yield _within_limit(parts, content)
        end = archive.offset  # of the files; tarfile takes an archive that is cut off between two for a whole one
    while stream.read(2**20):  # up to the checksum of what is packed
        pass
    if stream.tell() < end + BLOCK:
        raise EOFError("it is cut off")


def _parts(name: str) -> Parts:
    """The parts of a path in an archive, also with Windows's separators. Raises DamagedFile for one that leads out."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        raise DamagedFile(f"holds {name[:200]}, a path that leads out of it: pack the folder of the images again")
    return tuple(tidy(part) for part in path.parts)
