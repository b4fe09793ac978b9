"""The one table of the course, ``notebooks/course.toml``: title, content, duration and exercises of each notebook.

``python -m course_utils.lab.course``, a part of ``make format``, writes it into the README and the notebooks.
"""

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_utils.lab import notebooks
from course_utils.paths import NOTEBOOKS, ROOT

if TYPE_CHECKING:
    from nbformat import NotebookNode

TABLE = NOTEBOOKS / "course.toml"
README = ROOT / "README.md"
HEADING = ("notebook", "you build", "modules", "slides", "minutes")


@dataclass(frozen=True)
class ExerciseEntry:
    """One exercise. difficulty: 1 to 3. minutes: what a lab of 90 minutes plans for it, an estimate."""

    name: str
    difficulty: int
    minutes: int

    @property
    def effort(self) -> str:
        """What the notebook, its page and ``course check`` show: "●● 18 min"."""
        return f"{'●' * self.difficulty} {self.minutes} min"


@dataclass(frozen=True)
class NotebookEntry:
    """One notebook's row. modules: paths below course_utils. minutes: to read and solve it, "45" or "45–60"."""

    number: str
    title: str
    builds: str
    modules: tuple[str, ...]
    slides: str
    minutes: str
    exercises: tuple[ExerciseEntry, ...]


KEYS = [field.name for field in fields(NotebookEntry)]
_EXERCISE = {"name": str, "difficulty": int, "minutes": int}


def entries(path: Path = TABLE) -> list[NotebookEntry]:
    """All notebooks, in order.

    Raises ValueError for a missing or unknown key, for a value of the wrong type, and for minutes that are neither a
    number nor a range.
    """
    rows = tomllib.loads(path.read_text(encoding="utf-8")).get("notebook", [])
    return [_entry(row, f"notebook {row.get('number', row.get('title', '?'))} in {path.name}") for row in rows]


def _entry(row: dict[str, Any], which: str) -> NotebookEntry:
    for key in KEYS:
        wanted, kind = ("a list", list) if key in ("modules", "exercises") else ("text", str)
        if key not in row:
            raise ValueError(f"{which} has no {key!r}: add it, {wanted}.")
        if not isinstance(row[key], kind):
            raise ValueError(f"{key} of {which} is {row[key]!r}, but must be {wanted}.")
    if unknown := set(row) - set(KEYS):
        raise ValueError(f"{which} has an unknown key {min(unknown)!r}: choose one of {', '.join(KEYS)}.")
    if not re.fullmatch(r"\d+(–\d+)?", row["minutes"]):
        raise ValueError(f'minutes of {which} is {row["minutes"]!r}, but must look like "45" or "45–60" (en dash).')
    for each in row["exercises"]:
        right = isinstance(each, dict) and {key: type(value) for key, value in each.items()} == _EXERCISE
        if not right or not 1 <= each["difficulty"] <= 3 or each["minutes"] < 1:
            raise ValueError(
                f"An exercise of {which} is {each!r}, but must have a name, a difficulty from 1 to 3, and minutes."
            )
    exercises = tuple(ExerciseEntry(**each) for each in row["exercises"])
    return NotebookEntry(**{**row, "modules": tuple(row["modules"]), "exercises": exercises})


def efforts() -> dict[str, str]:
    """Name of each exercise → its difficulty and minutes, as they are shown."""
    return {each.name: each.effort for entry in entries() for each in entry.exercises}


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


def with_efforts(notebook: "NotebookNode") -> "NotebookNode":
    """The notebook with difficulty and minutes in the text above each exercise's cell, up to date; in place."""
    shown, posed = efforts(), None
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and "**Exercise.**" in cell.source:
            posed = cell
        elif (name := cell.metadata.get("course", {}).get("exercise")) and posed is not None:
            line = rf"**Exercise.** {shown[name]} ·"
            posed.source = re.sub(r"\*\*Exercise\.\*\*(?: ●+)?(?: \d+ min ·)?", line, posed.source)
            posed = None
    return notebook


def main() -> None:
    """Write the table into the README, and each exercise's line into its notebook."""
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
    for path in map(notebooks.find, notebooks.numbers()):
        notebook = notebooks.read(path)
        before = [cell.source for cell in notebook.cells]
        if [cell.source for cell in with_efforts(notebook).cells] != before:
            notebooks.write(notebook, path)


if __name__ == "__main__":
    main()
