"""What students handed in: listed, found under any name, and read as plain data, without following a link."""

import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import nbformat
from nbformat import NotebookNode

from course_utils.console import first_line
from course_utils.files import reason

LARGEST = 100 * 10**6  # bytes of one file, as for nbgrader's own commands
MOST_FILES, DEEPEST = 1000, 5  # in a submission's folder
MOST_TRIED = 20  # files that are read in search of a notebook with another name
NOT_HANDED_IN = ("__MACOSX", "__pycache__", "timestamp.txt")  # made by programs
PICTURES = ("image/png", "image/jpeg", "image/gif")


class NotGradable(Exception):
    """A submission that cannot be graded; the message is a sentence, with what to do."""


@dataclass(frozen=True, order=True)
class Submission:
    """An entry of the folder ``submitted``; misplaced: why it is not the folder of an assignment."""

    student: str
    assignment: str
    folder: Path
    misplaced: str = ""


@dataclass(frozen=True)
class HandedIn:
    """The notebook's file, its name in the folder, the other plain files, and notes for student and instructor.

    timestamp: when it was handed in, as nbgrader writes it; refused: why it cannot be graded.
    """

    content: bytes
    name: str
    others: tuple[Path, ...]
    notes: tuple[str, ...]
    timestamp: str = ""
    refused: str = ""

    def fingerprint(self) -> str:
        """The same as long as neither the notebook nor the other files change."""
        states = [(path.name, found.st_size, found.st_mtime_ns) for path in self.others for found in [path.lstat()]]
        return sha256(
            self.content
            + repr((self.name, states, self.notes, self.timestamp, self.refused)).encode(errors="replace")
        ).hexdigest()


def shown(name: str | Path, longest: int = 80) -> str:
    """A name or a text that a student chose, for a sentence: without control characters, not too long."""
    text = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in str(name))
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def submissions(submitted: Path, student: str = "*", assignment: str = "*") -> Iterator[Submission]:
    """The submissions, in order, whose names match; also what lies where the folders should be."""
    for place in _entries(submitted):
        folder = place.is_dir(follow_symlinks=False)
        if not fnmatchcase(place.name if folder else Path(place).stem, student):
            continue
        if trouble := _trouble(place):
            yield Submission(place.name, "", Path(place), f"submitted/{shown(place.name)} {trouble}")
        elif folder:
            yield from _of_student(place, assignment)
        elif _may_be_work(place.name):
            yield Submission(place.name, "", Path(place), _misplaced(place, "STUDENT/ASSIGNMENT"))


def look(folder: Path, name: str, recognised: Callable[[NotebookNode], bool]) -> HandedIn:
    """The notebook in a submission's folder: NAME.ipynb, or else the only file that is recognised.

    Raises NotGradable if there is none, or more than one, or if it is a link, or not a plain file, or too large.
    """
    if kind := _refused_kind(folder):
        raise NotGradable(f"The folder is {kind}: {_AGAIN}")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise NotGradable("The folder cannot be read (Permission denied): make it readable.")
    wanted = folder / f"{name}.ipynb"
    plain, refused = _contents(folder)
    if os.path.lexists(wanted):
        content, found, notes = read_plain(wanted), wanted, []
    else:
        content, found = _under_another_name(folder, name, plain, refused, recognised)
        notes = [f"The notebook was handed in as {_inside(folder, found)}: it was graded as {name}.ipynb."]
    others = tuple(path for path in plain if path != found)
    spare = [_inside(folder, path) for path in others if path.suffix.lower() == ".ipynb"]
    if spare:
        notes.append(f"{', '.join(spare)} was not graded: only one notebook counts.")
    notes += [f"{_inside(folder, path)} was left out: it is {kind}." for path, kind in refused if path != wanted]
    timestamp = _timestamp(folder)
    if timestamp is None:
        notes.append("timestamp.txt contains no time: the time of handing in is unknown.")
    return HandedIn(content, _inside(folder, found), others, tuple(notes), timestamp or "")


def read_plain(path: Path, largest: int | None = None) -> bytes:
    """The bytes of a plain file. Raises NotGradable for anything else; it follows no link and never waits."""
    largest = LARGEST if largest is None else largest
    flags = os.O_RDONLY | sum(getattr(os, flag, 0) for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
    try:
        if kind := _refused_kind(path) or ("a folder" if path.is_dir() else ""):
            raise NotGradable(f"{shown(path.name)} is {kind}: {_AGAIN}")
        descriptor = os.open(path, flags)
        with os.fdopen(descriptor, "rb") as file:
            size = os.fstat(descriptor).st_size
            if size > largest:
                raise NotGradable(
                    f"{shown(path.name)} has {size / 1e6:.0f} MB, but at most {largest / 1e6:.0f} MB are read: clear "
                    "its outputs and hand it in again."
                )
            return file.read(largest)
    except OSError as error:
        raise NotGradable(
            f"{shown(path.name)} cannot be read ({reason(error)}): make it readable, or hand it in again."
        ) from error


def notebook(content: bytes) -> NotebookNode:
    """The notebook in a file of any format version, made anew from its cells' types, texts, ids and grade_ids.

    Everything else is left out: outputs, other metadata, attachments that are not pictures. Raises NotGradable if it
    is not a notebook.
    """
    try:
        old = nbformat.convert(nbformat.reader.reads(content.decode("utf-8-sig")), 4)
        cells = [_made_anew(cell) for cell in old.cells]
        return NotebookNode(nbformat=4, nbformat_minor=5, metadata=NotebookNode(), cells=cells)
    except Exception as error:
        raise NotGradable(
            f"It cannot be read as a notebook ({shown(first_line(error))}): hand in the file again, as saved by "
            "JupyterLab."
        ) from error


_AGAIN = "hand in the file itself."


def _trouble(place: os.DirEntry[str]) -> str:
    """Why nothing in an entry of ``submitted`` can be graded, and what to do; empty if nothing is wrong with it."""
    if kind := _refused_kind(place):
        return f"is {kind}: {_AGAIN}"
    if place.is_dir() and re.search(r"[\n\ud800-\udfff]", place.name):  # bytes that are not UTF-8, as of old archives
        return "has a name that the gradebook cannot take: rename it."
    readable = not place.is_dir() or os.access(place, os.R_OK | os.X_OK)
    return "" if readable else "cannot be read (Permission denied): make it readable."


def _of_student(place: os.DirEntry[str], assignment: str) -> Iterator[Submission]:
    for entry in _entries(Path(place)):
        if entry.is_dir(follow_symlinks=False) or _refused_kind(entry):
            if fnmatchcase(entry.name, assignment):
                yield Submission(place.name, entry.name, Path(entry))
        elif _may_be_work(entry.name) and fnmatchcase(Path(entry.name).stem, assignment):
            yield Submission(
                place.name,
                entry.name,
                Path(entry),
                _misplaced(entry, f"{shown(place.name)}/{shown(Path(entry).stem)}"),
            )


def _misplaced(entry: os.DirEntry[str], folder: str) -> str:
    return f"{shown(entry.name)} is not in the folder of an assignment: move it to submitted/{folder}/."


def _may_be_work(name: str) -> bool:
    return Path(name).suffix.lower() in (".ipynb", ".zip", ".json", ".7z", ".rar", ".gz", ".tgz")


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What a folder contains, in order, without hidden names; nothing if it cannot be read."""
    try:
        with os.scandir(folder) as found:
            entries = [entry for entry in found if entry.name[:1] != "." and entry.name not in NOT_HANDED_IN]
    except OSError:
        return []
    return sorted(entries, key=lambda entry: entry.name)


def _refused_kind(path: "Path | os.DirEntry[str]") -> str:
    """What it is, if it is neither a plain file nor a folder: "a link". Raises OSError if it is not there."""
    mode = os.lstat(path).st_mode
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return ""
    return "a link" if stat.S_ISLNK(mode) else "a pipe" if stat.S_ISFIFO(mode) else "a device or a socket"


def _contents(folder: Path) -> tuple[list[Path], list[tuple[Path, str]]]:
    """The plain files in the folder and its folders, and whatever else lies there, with what it is."""
    plain: list[Path] = []
    refused: list[tuple[Path, str]] = []
    total = 0
    for path in islice(_files(folder), MOST_FILES):
        total += (size := path.lstat().st_size)
        kind = _refused_kind(path) or (f"too large, {size / 1e6:.0f} MB" if total > LARGEST else "")
        if kind:
            total -= size
            refused.append((path, kind))
        else:
            plain.append(path)
    return plain, refused


def _files(folder: Path, deep: int = 0) -> Iterator[Path]:
    for entry in _entries(folder):
        if not entry.is_dir(follow_symlinks=False):
            yield Path(entry)
        elif deep < DEEPEST:
            yield from _files(Path(entry), deep + 1)


def _inside(folder: Path, path: Path) -> str:
    return shown(path.relative_to(folder).as_posix())


def _timestamp(folder: Path) -> str | None:
    """The content of nbgrader's timestamp.txt, if there is one; None if it contains no time."""
    from nbgrader.utils import parse_utc

    try:
        if not os.path.lexists(folder / "timestamp.txt"):
            return ""
        text = read_plain(folder / "timestamp.txt", 100).decode().strip()
        parse_utc(text)
        return text
    except (NotGradable, ValueError, OverflowError):
        return None


def _under_another_name(
    folder: Path,
    name: str,
    plain: list[Path],
    refused: list[tuple[Path, str]],
    recognised: Callable[[NotebookNode], bool],
) -> tuple[bytes, Path]:
    """The only file with a notebook that is recognised."""
    suffixes = (".ipynb", ".json", ".txt", "")
    tried = [path for suffix in suffixes for path in plain if path.suffix.lower() == suffix][:MOST_TRIED]
    found = [(content, path) for path in tried if (content := _if_recognised(path, recognised)) is not None]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(_inside(folder, path) for _, path in found)
        raise NotGradable(f"There are {len(found)} notebooks, {names}: rename the one that counts to {name}.ipynb.")
    there = [_inside(folder, path) for path in plain] + [
        f"{_inside(folder, path)} ({kind})" for path, kind in refused
    ]
    listed = ", ".join(there[:5]) + (", …" if there[5:] else "") if there else "nothing"
    archive = any(_may_be_work(path.name) and path.suffix.lower() not in suffixes for path in plain)
    remedy = "unpack the archive" if archive else "hand in the notebook, as saved by JupyterLab"
    raise NotGradable(
        f"There is no {name}.ipynb, and no other notebook of this assignment; found: {listed}: {remedy}."
    )


def _if_recognised(path: Path, recognised: Callable[[NotebookNode], bool]) -> bytes | None:
    try:
        content = read_plain(path)
        return content if content.lstrip()[:1] in (b"{", b"\xef") and recognised(notebook(content)) else None
    except NotGradable:
        return None


def _made_anew(cell: Any) -> NotebookNode:
    text = cell.source
    if not isinstance(text, str):
        raise ValueError("a cell without text")
    kind = cell.cell_type if cell.cell_type in ("code", "markdown") else "raw"
    text = re.sub("\r\n?", "\n", text).encode(errors="replace").decode()  # or no cell would be the course's own
    made = NotebookNode(cell_type=kind, metadata=NotebookNode(), source=text)
    name = cell.get("id")
    named = isinstance(name, str) and re.fullmatch(r"[\w-]{1,64}", name, re.ASCII)
    made.id = name if named else uuid4().hex[:8]
    if kind == "code":
        made.outputs, made.execution_count = [], None
    mark = cell.metadata.get("nbgrader") if isinstance(cell.get("metadata"), dict) else None
    if isinstance(mark, dict) and isinstance(mark.get("grade_id"), str):
        made.metadata.nbgrader = NotebookNode(grade_id=mark["grade_id"])
    if kind == "markdown" and (pictures := _pictures(cell.get("attachments"))):
        made.attachments = pictures
    return made


def _pictures(attachments: Any) -> dict[str, dict[str, str]]:
    """The attachments that are pictures in a form that cannot contain a script."""
    found: dict[str, dict[str, str]] = {}
    for name, kinds in attachments.items() if isinstance(attachments, dict) else ():
        for kind, data in kinds.items() if isinstance(kinds, dict) else ():
            if kind in PICTURES and isinstance(data, str) and re.fullmatch(r"[A-Za-z0-9+/=\s]+", data):
                found[str(name)] = {kind: data}
    return found
