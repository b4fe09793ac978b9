"""The files inside a file: packed with gzip, in a zip or tar archive, or one inside another. All notebooks."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PureWindowsPath  # which takes both separators
from typing import Any, Protocol

DEEPEST = 4  # a file that is packed more often is not looked at
BLOCK = 512  # bytes: the header of a tar archive


class DamagedFile(Exception):
    """A file has the right name but not the content of the dataset; the message says what is wrong."""


class Wanted(Protocol):
    """What to look for: see :class:`~course_utils.data.resolve.Files`."""

    @property
    def largest(self) -> int:
        """The bytes of the largest file, unpacked."""

    @property
    def everything(self) -> int:
        """The most bytes of an archive, packed or unpacked."""

    def stands_for(self, name: str) -> str | None:
        """Which of the wanted files has this name."""

    def may_hold(self, name: str) -> bool:
        """Whether a file of this name can hold a wanted one."""


def unpacked(file: io.BufferedReader, name: str, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    """The wanted files in an open file of this name: which one it is, and its content, at most one byte too long.

    The first bytes show how a file is packed, not its name. In archives, links and folders are left out, paths do not
    matter, and nothing is written to the disk. Raises DamagedFile if the file cannot be unpacked, or unpacks to much
    more than everything that is wanted, and OSError if it cannot be read.
    """
    try:
        yield from _inside(file, name, wanted, Budget(2 * wanted.everything), DEEPEST)
    except DamagedFile:
        raise
    except Exception as error:  # the libraries raise a dozen types for damaged archives
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DamagedFile(f"cannot be unpacked ({error})") from error


def _inside(file: Any, name: str, wanted: Wanted, budget: "Budget", depth: int) -> Iterator[tuple[str, bytes]]:
    content: Any
    head = file.read(BLOCK)
    file.seek(0)
    if not depth:
        return
    if head.startswith(b"\x1f\x8b"):
        with gzip.GzipFile(fileobj=file, mode="rb") as content:
            yield from _inside(Counted(content, budget), name, wanted, budget, depth - 1)
    elif head.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(file) as folder:
            for entry in folder.infolist():
                inner = PureWindowsPath(entry.filename).name
                if not entry.is_dir() and wanted.may_hold(inner):
                    with folder.open(entry) as content:
                        yield from _inside(Counted(content, budget), inner, wanted, budget, depth - 1)
    elif head[257:262] == b"ustar":
        with tarfile.open(fileobj=file, mode="r:") as tape:
            for member in tape:
                inner = PureWindowsPath(member.name).name
                if member.isreg() and wanted.may_hold(inner):
                    content = tape.extractfile(member)
                    yield from _inside(Counted(content, budget), inner, wanted, budget, depth - 1)
    elif which := wanted.stands_for(name):
        yield which, file.read(wanted.largest + 1)


@dataclass
class Budget:
    """The bytes that may still be unpacked: a few kilobytes can unpack to a full memory, or to hours of work."""

    left: int
    limit: str = "the whole dataset"

    def spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise DamagedFile(f"unpacks to more than {self.limit}")


class Counted(io.RawIOBase):
    """A stream that spends the budget: what is read, and what is passed over, is unpacked."""

    def __init__(self, stream: Any, budget: Budget) -> None:
        self.stream, self.budget = stream, budget

    def read(self, size: int = -1) -> bytes:
        most = self.budget.left + 1
        content: bytes = self.stream.read(most if size < 0 else min(size, most))
        self.budget.spend(len(content))
        return content

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET:
            self.budget.spend(max(0, offset - self.stream.tell()))
        return int(self.stream.seek(offset, whence))

    def tell(self) -> int:
        return int(self.stream.tell())

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True
