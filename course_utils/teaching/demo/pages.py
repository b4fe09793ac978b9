"""The pages of the demos: a start page, and for each demo a page that needs no kernel, no server and no network."""

import json
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from course_utils import files
from course_utils.front_end import joined, plain_script, style
from course_utils.lab import elsewhere
from course_utils.teaching.demo import script, states
from course_utils.teaching.demo.script import Demo

HALL = Path(__file__).parent / "hall"
MARK = "hall.js"  # what a folder of these pages has
KINDS = (".html", ".js", ".css")  # of its files


def write_pages(folder: Path) -> Path:
    """Write all pages into a folder, which they replace; → the start page.

    Raises FileExistsError for a folder with anything else in it, and FileNotFoundError or ValueError like
    `states.stored`.
    """
    if folder.exists() and not _may_be_replaced(folder):
        raise FileExistsError(
            f"{folder} exists and holds something else than demos: choose another folder, or remove it."
        )
    with files.atomic(folder) as partial:
        partial.mkdir()
        for name, text in _texts():
            (partial / name).write_text(text, encoding="utf-8")
    return folder / "index.html"


def _may_be_replaced(folder: Path) -> bool:
    """Whether it is a folder that holds demos alone, or nothing; what a system hides there, as .DS_Store,
    does not count."""
    if not folder.is_dir():
        return False
    held = [each for each in folder.iterdir() if each.is_dir() or not each.name.startswith(".")]
    return not held or ((folder / MARK).exists() and all(each.is_file() and each.suffix in KINDS for each in held))


def _texts() -> list[tuple[str, str]]:
    """Names and contents of the files."""
    names = [demo.name for demo in script.demos()]
    hall, start = (Template(joined(file, folder=HALL)) for file in ("hall.html", "start.html"))
    return [
        ("index.html", start.substitute(rows=_rows(), report=escape(elsewhere.report_link("demos")))),
        *((f"{name}.html", hall.substitute(name=name, names=" ".join(names))) for name in names),
        *((f"{demo.name}.js", data_of(demo)) for demo in script.demos()),
        ("hall.js", plain_script("hall", HALL)),
        ("hall.css", joined("hall.css", "widgets.css", folder=HALL)),
    ]


def data_of(demo: Demo) -> str:
    """The script that hands a demo's question, state and widget to the hall."""
    state = states.stored(demo.name)
    shown: dict[str, Any] = {
        "question": demo.question,
        "options": demo.options,
        "right": demo.right,
        "reason": demo.reason,
        "cover": demo.cover,
        "hide": demo.hide,
        "start": demo.start,
        "answer": demo.answer,
        "traits": state["traits"],
        "buffers": state["buffers"],
        "style": style(state["widget"]),
    }
    data = json.dumps(shown, ensure_ascii=False)
    return f"offer({json.dumps(demo.name)}, {data}, {plain_script(state['widget'])});\n"


def _rows() -> str:
    """One line of the start page per demo."""
    return "\n".join(
        f'<li><a href="{demo.name}.html"><b>{escape(demo.name)}</b> <span>{escape(demo.question)}</span> '
        f"<small>{demo.notebook} · {escape(demo.teaches)}</small></a></li>"
        for demo in script.demos()
    )
