"""The first page of the book: what the course is, for whom, and on which systems, as the README says,
with a live widget."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_utils.lab.course import README, NotebookEntry, markdown_table
from course_utils.teaching.demo import script
from course_utils.teaching.demo.cells import demos_of
from course_utils.teaching.demo.states import STATES, VIEWS
from course_utils.teaching.site.shown import states, views_of

TEXT = Path(__file__).parent / "source" / "index.md"
HEADING = ("notebook", "you build", "slides", "minutes", "exercises")


def start_page(
    pages: Mapping[str, NotebookNode], names: Mapping[str, str], entries: Iterable[NotebookEntry], more: Iterable[str]
) -> NotebookNode:
    """The page as a notebook, with the first widget of a demo in these pages, which has its state from there.

    pages: number → executed notebook. names: number → name of the page. more: names of the pages after the notebooks.
    """
    own = [entry for entry in entries if entry.number in names]
    rows = [HEADING]
    for entry in own:
        link = f"[{entry.number} {entry.title}]({names[entry.number]}.ipynb)"
        rows.append((link, entry.builds, entry.slides, entry.minutes, str(len(entry.exercises))))
    text = TEXT.read_text(encoding="utf-8")
    for mark, content in {
        "INTRODUCTION": _introduction(),
        "SYSTEMS": _systems(),
        "NOTEBOOKS": markdown_table(rows),
        "COUNT": str(len(own)),
        "MINUTES": _minutes(own),
        "TOCTREE": "\n".join(["claims", *names.values(), *more]),
    }.items():
        text = text.replace(mark, content)
    before, after = text.split("WIDGET\n")
    cells, saved = _widget(pages, names)
    return new_notebook(cells=[new_markdown_cell(before), *cells, new_markdown_cell(after)], metadata=saved)


def _introduction() -> str:
    """What the README says between its title and its first heading, without the picture."""
    first = README.read_text(encoding="utf-8").partition("\n## ")[0].partition("\n")[2]
    return re.sub(r"^!\[.*\n", "", first, flags=re.MULTILINE).strip()


def _systems() -> str:
    """The README's table of systems, and the sentences about it."""
    found = re.search(r"^\| system \|.*\n(?:\|.*\n)+\n.+\n", README.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError(f"{README} has no table that begins with `| system |`: restore it.")
    return found[0]


def _minutes(own: Iterable[NotebookEntry]) -> str:
    """From the shortest to the longest: "80 to 110"."""
    numbers = [int(number) for entry in own for number in entry.minutes.split("–")]
    least, most = min(numbers), max(numbers)
    return str(least) if least == most else f"{least} to {most}"


def _widget(pages: Mapping[str, NotebookNode], names: Mapping[str, str]) -> tuple[list[NotebookNode], dict[str, Any]]:
    """The first demo's question and its widget as cells, and the widget's state; nothing if no page has one."""
    for number, notebook in pages.items():
        for cell in notebook.cells:
            demos, views = demos_of(cell), views_of(cell)
            if demos and views:
                asked = (
                    f"**{script.find(demos[0]).question}** Point at the picture, or reach it with Tab and use the "
                    f"arrow keys. [Notebook {number}]({names[number]}.ipynb) explains it.\n"
                )
                shown = new_code_cell(cell.source, outputs=views[:1], metadata={"tags": ["remove-input"]})
                saved = states(notebook, {views[0]["data"][VIEWS]["model_id"]: {}})
                return [new_markdown_cell(asked), shown], {"widgets": {STATES: saved}}
    return [], {}
