"""The one table of the course, ``notebooks/course.toml``: the title, content and duration of each notebook.

``python -m course_utils.lab.course``, a part of ``make format``, writes it into the README.
"""

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from course_utils.lab import notebooks
from course_utils.paths import NOTEBOOKS, ROOT

TABLE = NOTEBOOKS / "course.toml"
README = ROOT / "README.md"
HEADING = ("notebook", "you build", "modules", "slides", "minutes")


@dataclass(frozen=True)
class NotebookEntry:
    """One notebook's row. modules: paths below course_utils. minutes: to read and solve it, "45" or "45–60"."""

    number: str
    title: str
    builds: str
    modules: tuple[str, ...]
    slides: str
    minutes: str


KEYS = [field.name for field in fields(NotebookEntry)]


def entries(path: Path = TABLE) -> list[NotebookEntry]:
    """All notebooks, in order.

    Raises ValueError for a missing or unknown key, for a value of the wrong type, and for minutes that are neither a
    number nor a range.
    """
    rows = tomllib.loads(path.read_text(encoding="utf-8")).get("notebook", [])
    return [_entry(row, f"notebook {row.get('number', row.get('title', '?'))} in {path.name}") for row in rows]


def _entry(row: dict[str, Any], which: str) -> NotebookEntry:
    for key in KEYS:
        wanted, kind = ("a list", list) if key == "modules" else ("text", str)
        if key not in row:
            raise ValueError(f"{which} has no {key!r}: add it, {wanted}.")
        if not isinstance(row[key], kind):
            raise ValueError(f"{key} of {which} is {row[key]!r}, but must be {wanted}.")
    if unknown := set(row) - set(KEYS):
        raise ValueError(f"{which} has an unknown key {min(unknown)!r}: choose one of {', '.join(KEYS)}.")
    if not re.fullmatch(r"\d+(–\d+)?", row["minutes"]):
        raise ValueError(f'minutes of {which} is {row["minutes"]!r}, but must look like "45" or "45–60" (en dash).')
    return NotebookEntry(**{**row, "modules": tuple(row["modules"])})


def markdown_table(rows: Iterable[Sequence[str]]) -> str:
    """Rows of cells, heading first, as a Markdown table."""
    heading, *others = rows
    lines = [heading, ["---"] * len(heading), *others]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def readme_table() -> str:
    """README's table: a link to each notebook and to each module that a student should open."""
    rows = [HEADING]
    for entry in entries():
        link = f"[{entry.number} {entry.title}](notebooks/{notebooks.find(entry.number).name})"
        modules = ", ".join(f"[`{module}`](course_utils/{module})" for module in entry.modules)
        rows.append((link, entry.builds, modules, entry.slides, entry.minutes))
    return markdown_table(rows)


def with_table(readme: str) -> str:
    """The README's text with its table, the one with the heading HEADING, up to date."""
    old = rf"^\| {re.escape(' | '.join(HEADING))} \|\n(\|.*\n)+"
    return re.sub(old, lambda _: readme_table(), readme, flags=re.MULTILINE)


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
