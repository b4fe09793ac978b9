"""``course update``: new versions of the notebooks for a working copy, with everything that the student wrote."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils import files
from course_utils.console import in_words, unwarned
from course_utils.lab.merge import NOTHING, Fate, merge
from course_utils.lab.notebooks import encoded
from course_utils.lab.working_copy import (
    HANDED_OUT,
    alone,
    content_of,
    hand_out,
    keep_beside,
    outdated,
    shipped,
    write,
)


def update(folder: Path) -> Iterator[tuple[str, bool]]:
    """Bring each notebook of a working copy to the version that ships; → a sentence each, and whether it is done.

    A notebook that cannot be read or written stays as it is. Each file is replaced in one step, and what was there
    before stays beside it if the student has used it. Raises Refused while another process updates the folder.
    """
    with alone(folder):
        for path in hand_out(folder):
            yield f"{path.name} is new.", True
        contents = shipped()
        for name in outdated(folder):
            try:
                yield _updated(folder / name, contents[name]), True
            except (ValueError, OSError) as error:
                yield f"{in_words(error) if isinstance(error, OSError) else error} It stays as it is.", False
        for path in sorted((folder / HANDED_OUT).glob("[!.]*.ipynb")):
            if path.name not in contents:
                path.unlink()
                yield f"{path.name} is no longer part of the course; yours stays.", True


def _updated(path: Path, content: bytes) -> str:
    """Update one notebook; → what was done."""
    base = path.parent / HANDED_OUT / path.name
    given = content_of(base)
    with files.opened(path) as file:
        mine = file.read()
    if mine == content:
        said = f"{path.name} was up to date."
    elif mine == given:
        write(path, content)
        said = f"{path.name} is the new version; you had not used it."
    else:
        said = _merged(path, given, content)
    write(base, content)
    return said


def _merged(path: Path, given: bytes | None, content: bytes) -> str:
    mine = _parsed(path.read_bytes(), path)
    base = NOTHING
    with suppress(ValueError):  # a damaged one is none
        base = _parsed(given or b"", path)
    merged, fates = merge(base, mine, _parsed(content, path))
    if merged == mine:
        return f"{path.name} was up to date."
    kept = keep_beside(path)
    write(path, encoded(merged))
    return f"{path.name}: {_counted(fates)}. The one before is {kept.name}.{_compared(fates, path.name[:2])}"


def _counted(fates: dict[str, Fate]) -> str:
    """The fates in words: "2 cells new, 3 changed, 1 removed, 5 of yours kept"."""
    kinds = Counter(fates.values())
    kept = kinds[Fate.OWN] + kinds[Fate.BOTH]
    counts = [(kinds[fate], fate.value) for fate in (Fate.NEW, Fate.CHANGED, Fate.REMOVED)]
    said = [f"{count} {word}" for count, word in [*counts, (kept, "of yours kept")] if count]
    return f"cells: {', '.join(said)}" if said else "the cells have the same texts"


def _compared(fates: dict[str, Fate], number: str) -> str:
    both = [name for name, fate in fates.items() if fate is Fate.BOTH]
    if not both:
        return ""
    return f" Of {', '.join(both)}, the course has another version now: `course reset {number}` shows it."


def _parsed(content: bytes, path: Path) -> NotebookNode:
    """Raises ValueError, with what to do, if it is not a notebook."""
    try:
        with unwarned():  # of missing ids, which merge gives
            notebook = nbformat.reads(content.decode("utf-8-sig"), as_version=4)
            nbformat.validate(notebook, relax_add_props=True)
        return notebook
    except Exception as error:
        raise ValueError(
            f"{path} cannot be read as a notebook ({files.reason(error).splitlines()[0]}): `course reset "
            f"{path.name[:2]}` puts the course's in its place and keeps this one beside it."
        ) from error
